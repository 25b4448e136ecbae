"""Lines of an NDJSON file as resources. A file with a line that is no resource is not read in part: it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

MOST_LINES_LISTED = 20
_LONGEST_WHOLE_NUMBER = 18


def _shapes() -> dict[str, tuple[type, ...]]:
    names: dict[tuple[type, ...], str] = {
        (str,): "resourceType id status questionnaire effectiveDateTime effectiveInstant authored performedDateTime "
        "valueString",
        (dict,): "meta code subject encounter context effectivePeriod performedPeriod period valueQuantity "
        "valueCodeableConcept valueCoding medicationCodeableConcept medicationReference dosage",
        (list,): "contained extension hasMember component derivedFrom partOf item entry",
        (bool,): "valueBoolean",
        (int, Decimal): "valueInteger valueDecimal",
    }
    return {name: kind for kind, listed in names.items() for name in listed.split()}


_SHAPES: Mapping[str, tuple[type, ...]] = MappingProxyType(_shapes())
"""Type of the elements that this reader uses, as R4 has them, at the top of a resource."""

_OTHER_SHAPES: Mapping[str, Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {"Encounter": {**_SHAPES, "partOf": (dict,)}}
)
_READ = frozenset(
    {
        "Observation",
        "QuestionnaireResponse",
        "Procedure",
        "MedicationAdministration",
        "Encounter",
        "Medication",
        "Bundle",
    }
)


@dataclass(slots=True)
class LineFaults:
    """Lines that are no resource, by rule: the first of them, and how many there are."""

    first: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, rule: str, line: int) -> None:
        """Note a line."""
        self.counts[rule] = self.counts.get(rule, 0) + 1
        listed = self.first.setdefault(rule, [])
        if len(listed) < MOST_LINES_LISTED:
            listed.append(line)

    def sentences(self, file: str) -> tuple[str, ...]:
        """Return what is wrong, a sentence a rule."""
        return tuple(f"{file}: rule {rule}: {MEANINGS[rule]} ({self._lines(rule)})." for rule in self.counts)

    def _lines(self, rule: str) -> str:
        listed = ", ".join(str(line) for line in self.first[rule])
        more = f", … {self.counts[rule]} in all" if self.counts[rule] > len(self.first[rule]) else ""
        return f"line {listed}" if self.counts[rule] == 1 else f"lines {listed}{more}"


MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "encoding": "the file must be UTF-8",
        "ndjson": "each line must be one JSON object, and nothing else",
        "resource_type": "each line must say its resourceType",
        "fhir_structure": "an element has another type than FHIR R4 gives it",
    }
)
"""Rules about lines, and what they say."""


def read_lines(path: Path, faults: LineFaults) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Yield each resource of a file with the number of its line, from 1.

    Blank lines are skipped. A byte-order mark at the start is no fault.

    Parameters
    ----------
    path : Path
        The file.
    faults : LineFaults
        Takes the lines that are no resource.

    Yields
    ------
    line : int
        Line number.
    resource : dict
        As JSON, with decimals as `Decimal`, so that ``12.0`` stays what was written.
    text : str
        The line itself.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.isspace() or not line:
                continue
            text, resource, rule = _resource(line)
            if rule is None and (rule := _wrong_shape(resource)) is None:
                yield number, resource, text
            elif rule is not None:
                faults.add(rule, number)


def _whole_number(text: str) -> int | Decimal:
    """Read a whole number; a huge one is not computed, which would take Python seconds, or an error."""
    return int(text) if len(text) <= _LONGEST_WHOLE_NUMBER else Decimal(text)


def _refuse(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON.")


_decode = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse).decode
_decode_long = json.JSONDecoder(parse_float=Decimal, parse_int=_whole_number, parse_constant=_refuse).decode
_LONG_NUMBER = re.compile(rf"[0-9]{{{_LONGEST_WHOLE_NUMBER + 1}}}")


def decoded(text: str) -> Any:
    """Return a line as JSON, with decimals as they were written."""
    try:
        return _decode(text)
    except ValueError:
        if _LONG_NUMBER.search(text) is None:
            raise
    return _decode_long(text)


def _resource(line: bytes) -> tuple[str, dict[str, Any], str | None]:
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError:
        return "", {}, "encoding"
    try:
        resource = decoded(text)
    except (ValueError, ArithmeticError, RecursionError):  # the messages of the first two quote the line
        return text, {}, "ndjson"
    if not isinstance(resource, dict):
        return text, {}, "ndjson"
    # A half of a surrogate pair is legal in JSON's escapes and is no text; a zero byte ends one elsewhere.
    if "\\u" in text and _holds_no_text(text, resource):
        return text, {}, "ndjson"
    return text, resource, None


def _holds_no_text(line: str, resource: dict[str, Any]) -> bool:
    written = json.dumps(resource, ensure_ascii=False, default=str) if "\\ud" in line.lower() else ""
    return "\\u0000" in line or any("\ud800" <= character <= "\udfff" for character in written)


def _wrong_shape(resource: dict[str, Any]) -> str | None:
    """Return the rule that a resource breaks: it has no type, or an element we use has a wrong one."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not kind:
        return "resource_type"
    if kind not in _READ:
        return None
    shapes = _OTHER_SHAPES.get(kind, _SHAPES)
    for name, value in resource.items():
        if name in shapes and type(value) not in shapes[name]:
            return "fhir_structure"
    return None
