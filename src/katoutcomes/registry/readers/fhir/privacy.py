"""What must not be in a de-identified export: resources about persons, names, documents; and text that is never read.

Every string of every line is searched, also of lines that no record is made from. Resources about persons and places,
names, contact details, attachments and displayed names refuse the load. Narrative, notes and free-text answers are left
unread and counted. Strings pass the value rules of the privacy gate, element by element.

Lines are searched as text, in blocks: a line is walked as a resource only where its text holds an element that matters,
and the whole file, element by element, only where some string of it needs a closer look.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import Finding, array_shapes, text_findings
from katoutcomes.registry.identifiers.addresses import pruned_address
from katoutcomes.registry.readers.fhir.ndjson import LineFaults, decoded, read_lines
from katoutcomes.registry.readers.fhir.person_elements import (
    ADDRESSES,
    MOMENTS,
    WATCHED,
    element_name_rule,
    person_elements,
    shown_element,
)
from katoutcomes.registry.readers.fhir.strings import is_suspect, may_hold_identifier

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_LINES_A_BLOCK = 250
_LONG_NUMBER = re.compile("[0-9]{7,}")
_BEFORE_A_DISPLAY = frozenset({"code", "system", "version", "userSelected"})
"""The element before a display in a coding; the display of a reference stands behind or before the reference."""
_BEFORE_AN_ADDRESS = tuple(f'"{name}":{blank}{more}' for name in ADDRESSES for blank in ("", " ") for more in ("", "["))


class PrivacyWalk:
    """Takes the lines of one file and remembers what was found, as counts of lines, never as values.

    Strings are kept until `findings` is asked, then forgotten with the walk.

    Parameters
    ----------
    file : str
        How messages call the file.
    path : Path
        The file, which is read again where a string of it needs a closer look.
    """

    __slots__ = ("_elements", "_file", "_path", "_strings", "_texts", "_waiting")

    def __init__(self, file: str, path: Path) -> None:
        self._file = file
        self._path = path
        self._elements: Counter[tuple[str, str]] = Counter()
        self._strings: set[str] = set()
        self._texts: Counter[str] = Counter()
        self._waiting: list[str] = []

    def take(self, text: str) -> None:
        """Take one line as it is written; it is one resource."""
        self._waiting.append(text)
        if len(self._waiting) == _LINES_A_BLOCK:
            self._search_block()

    def _search_block(self) -> None:
        plain = []
        for text in self._waiting:
            if "\\" in text:
                self._walk(text)
                self._strings.update(part or name for name, part in strings_of(decoded(text)))
            else:
                plain.append(text)
        self._waiting = []
        if self._look_at("\n".join(plain)):
            for text in plain:
                if self._look_at(text):
                    self._walk(text)

    def _look_at(self, text: str) -> bool:
        """Keep the strings of lines without an escape; return whether anything is there that only a walk can tell."""
        parts = text.split('"')  # outside of strings, inside, outside, …
        inside = parts[1::2]
        strings = set(inside)
        self._strings |= strings
        self._strings.update(_LONG_NUMBER.findall(" ".join(set(parts[::2]))))
        if not WATCHED.isdisjoint(strings) or "birth" in text or "Birth" in text:
            return True
        displays = [place for place, part in enumerate(inside) if part == "display"]
        if not all(inside[place - 2] in _BEFORE_A_DISPLAY for place in displays):
            return True
        return not all(part.endswith(_BEFORE_AN_ADDRESS) for part in text.split('"http')[:-1])

    def _walk(self, text: str) -> None:
        found, texts = person_elements(decoded(text))
        self._elements.update(found)
        self._texts.update(texts)

    def findings(self, engine: Engine) -> tuple[Finding, ...]:
        """Return the evidence of identifiers: by element and rule, with the number of lines or of values."""
        self._search_block()
        found = [
            Finding(self._file, element, rule, n_lines) for (element, rule), n_lines in sorted(self._elements.items())
        ]
        if is_suspect(self._strings) or may_hold_identifier(engine, map(pruned_address, self._strings)):
            found += self._closer_look()
        return tuple(found)

    def _closer_look(self) -> list[Finding]:
        """Search the file element by element."""
        columns: dict[str, Counter[str]] = {}
        names: Counter[str] = Counter()
        for _, resource, _ in read_lines(self._path, LineFaults()):
            for name, text in strings_of(resource):
                if text:
                    columns.setdefault(name, Counter())[text] += 1
                else:
                    names[name] += 1
        found = _name_findings(names, self._file)
        years = [int(text[:4]) for name in MOMENTS & set(columns) for text in columns[name] if text[:4].isdigit()]
        shown: dict[str, Counter[str]] = {}
        for name, texts in sorted(columns.items()):
            is_address = name in ADDRESSES
            looked_at = {pruned_address(text) if is_address else text: n for text, n in texts.items()}
            repeated = (text for text, n in looked_at.items() for _ in range(n))
            rules = text_findings(repeated, self._file, shown_element(name))
            found += rules
            if name not in ADDRESSES and name not in MOMENTS:
                shown.setdefault(shown_element(name), Counter()).update(looked_at)
        found += array_shapes(shown, self._file, round(median(years)) if years else None)
        return sorted(set(found), key=lambda one: (one.column, one.rule))

    def unread(self) -> tuple[tuple[str, int], ...]:
        """Return the elements of free text that were not read, with the number of lines that have them."""
        return tuple(sorted(self._texts.items()))


def strings_of(resource: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield every string and number of a resource with the name of its element, and every such name with no text."""
    waiting: list[tuple[str, Any]] = [("", resource)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
            for inner in value:
                yield inner, ""
        elif isinstance(value, list):
            waiting += [(name, one) for one in value]
        elif value is not None and not isinstance(value, bool):
            yield name, str(value)


def _name_findings(names: Counter[str], file: str) -> list[Finding]:
    """Return which names of elements are identifiers, or announce them; what the input calls them is not repeated."""
    found: Counter[str] = Counter()
    for name, n in names.items():
        if rule := element_name_rule(name):
            found[rule] += n
    return [Finding(file, shown_element(""), rule, n) for rule, n in sorted(found.items())]
