"""What the caller allows although the gate would refuse it: named rules, each of which is logged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from katoutcomes.errors import OptionError
from katoutcomes.registry.identifiers.gate import Finding, refuse

_RULE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Override:
    """A rule of the gate that may be broken.

    Attributes
    ----------
    rule : str
        Rule id.
    file, column : str
        Where; ``""`` is everywhere.
    """

    rule: str
    file: str = ""
    column: str = ""

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is allowed by it."""
        return (
            finding.rule == self.rule
            and self.file in ("", finding.file)
            and self.column.casefold() in ("", finding.column.casefold())
        )


def parse_overrides(allow: Sequence[str]) -> tuple[Override, ...]:
    """Read the argument `allow`.

    Parameters
    ----------
    allow : sequence of str
        Each ``"rule"``, ``"rule:column"`` or ``"rule:file:column"``.

    Raises
    ------
    OptionError
        If one has another form. The argument is the caller's own word, so the message may repeat it.

    Examples
    --------
    >>> parse_overrides(["value_phone:site"])
    (Override(rule='value_phone', file='', column='site'),)
    """
    if isinstance(allow, str):
        raise OptionError("allow takes a list of rules, such as ['value_phone:site'], not one text.")
    found = []
    for text in allow:
        rule, *place = str(text).split(":")
        if not _RULE.fullmatch(rule) or len(place) > 2 or not all(place):
            raise OptionError(f"allow takes 'rule', 'rule:column' or 'rule:file:column'; got {text!r}.")
        found.append(Override(rule, place[0] if len(place) == 2 else "", place[-1] if place else ""))
    return tuple(found)


class Gate:
    """The gate of one load: refuses what was found unless it is allowed, and remembers what was allowed.

    Parameters
    ----------
    overrides : sequence of Override
        What is allowed.
    """

    __slots__ = ("_overrides", "_used")

    def __init__(self, overrides: Sequence[Override] = ()) -> None:
        self._overrides = tuple(overrides)
        self._used: dict[str, None] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """What was allowed and was there, as ``"rule:file:column"``, in the order of the files."""
        return tuple(self._used)

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raise `IdentifierError` for what was found and is not allowed."""
        refused = []
        for finding in findings:
            if any(override.covers(finding) for override in self._overrides):
                self._used[f"{finding.rule}:{finding.file}:{finding.column}"] = None
            else:
                refused.append(finding)
        refuse(refused)
