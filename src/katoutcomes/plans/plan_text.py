"""Where in a plan's file a key stands, so that a message can name the line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class PlanText:
    """The name of a plan and, where it comes from a file, its text.

    Attributes
    ----------
    name : str
        How messages call the plan.
    text : str
        TOML; ``""`` where there is no file.
    """

    name: str
    text: str = ""

    def place(self, table: str, key: str = "", number: int = 0) -> str:
        r"""Return the words that say where something stands: file, line, table and key.

        Parameters
        ----------
        table : str
            Its header, for example ``"cohort.baseline_window"``; ``""`` for what stands above all tables.
        key : str, optional
            The key in it.
        number : int
            Which one of several tables with this header, from 0.

        Examples
        --------
        >>> text = PlanText("plan.toml", "[cohort]\ngap_days = 0\n")
        >>> text.place("cohort", "gap_days"), text.place("cohort", "name")
        ('plan.toml, line 2, [cohort] gap_days', 'plan.toml, line 1, [cohort] name')
        """
        line = self._line(table, key, number)
        where = f"{self.name}, line {line}" if line else self.name
        what = f"[{table}] {key}" if table else key
        return f"{where}, {what}".rstrip().rstrip(",")

    def _line(self, table: str, key: str, number: int) -> int:
        """Return the line of a key, of its table where the key is not there, 0 where neither is."""
        assignment = re.compile(rf'\s*(["\']?){re.escape(key)}\1\s*[=.]') if key else None
        own_table = ".".join(word for word in (table, key) if word) if key else None
        current, seen, found = "", -1 if table else 0, 0
        for at, line in enumerate(self.text.splitlines(), start=1):
            header = _HEADER.match(line)
            if header:
                current = header[2].replace(" ", "")
                seen += current == table
                if current == own_table:
                    return at
                if current == table and seen == number:
                    found = at
            elif assignment and current == table and seen == number and assignment.match(line):
                return at
        return found
