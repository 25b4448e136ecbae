"""The results of a run as a flat list of named items, so that two runs can be laid side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.results.disclosure_rules.printed_digits import check_with_few_digits, with_printed_digits
from katoutcomes.results.part import Part
from katoutcomes.results.result import ReleasedResult, ResultRecord
from katoutcomes.vocabulary import COUNT_FIELDS, NUMERIC_ESTIMATE_COLUMNS, ROW_COUNT_FIELDS

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results
    from katoutcomes.results.estimate import Estimate

Value = str | int | float | bool | None

_WORDS_OF_ESTIMATE: tuple[str, ...] = (
    "term",
    "measure",
    "unit",
    "definition_set",
    "cohort",
    "subgroup",
    "visit",
    "treatment",
    "comparator",
    "instrument",
)
_NUMBERS_OF_ESTIMATE: tuple[str, ...] = (
    *NUMERIC_ESTIMATE_COLUMNS,
    "n_patients",
    "n_observations",
    "suppressed",
    "below_minimum",
)
_VALUES_OF_PART = COUNT_FIELDS | ROW_COUNT_FIELDS | {"value"}
_PLAN = ("", "")


@dataclass(frozen=True, slots=True)
class Key:
    """What an item is, in words; two items of two runs with the same key are the same item.

    Attributes
    ----------
    analysis, instrument : str
        The result that it belongs to; ``""`` for the run as a whole.
    kind : str
        ``"estimate"``, ``"part"``, ``"check"``, ``"text"`` or ``"result"``.
    words : tuple of str
        Which one; the words that an estimate carries, for example.
    occurrence : int
        0 for the first item of these words.
    """

    analysis: str
    instrument: str
    kind: str
    words: tuple[str, ...]
    occurrence: int = 0


Items = dict[Key, dict[str, Value]]
"""Key → name of a field → its value."""


def items_of(results: Results, *, printed: bool) -> Items:
    """Return everything that a run says; with `printed`, numbers have the digits that a reader sees."""
    found: list[tuple[Key, dict[str, Value]]] = [(Key(*_PLAN, "result", ()), {"title": results.title})]
    found += ((Key(*_PLAN, "text", ("note", note)), {}) for note in results.notes)
    for entry, number in _numbered(results.entries):
        found += _items_of_result(entry, number, printed=printed)
    return _with_occurrences(found)


def background_of(results: Results) -> Items:
    """Return which data, choices and software stand behind the numbers of a run."""
    found: list[tuple[Key, dict[str, Value]]] = []
    for entry, number in _numbered(results.entries):
        provenance = entry.provenance
        pairs = [("data", "digest", provenance.digest), ("data", "source", provenance.source)]
        pairs += [("setting", name, value) for name, value in provenance.settings]
        pairs += [("software", name, value) for name, value in provenance.software]
        for kind, name, value in pairs:
            # The software is the same for all results of a run, so it is named once.
            home = _PLAN if kind == "software" else _home(entry, number)
            key = Key(*home, kind, (name,))
            if kind != "software" or (key, {"value": value}) not in found:
                found.append((key, {"value": value}))
    return _with_occurrences(found)


def _numbered(entries: Iterable[ResultRecord]) -> Iterator[tuple[ResultRecord, int]]:
    """Yield each result with how often its analysis of its instrument came before."""
    seen: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        name = (entry.analysis, entry.estimand.endpoint.instrument)
        yield entry, seen[name]
        seen[name] += 1


def _home(entry: ResultRecord, number: int) -> tuple[str, str]:
    return entry.analysis + (f" ({number + 1})" if number else ""), entry.estimand.endpoint.instrument


def _items_of_result(entry: ResultRecord, number: int, *, printed: bool) -> Iterator[tuple[Key, dict[str, Value]]]:
    home = _home(entry, number)
    yield Key(*home, "result", ()), _head(entry)
    texts = (("assumption", entry.assumptions), ("warning", entry.warnings), ("source", entry.method.sources))
    for kind, sentences in texts:
        yield from ((Key(*home, "text", (kind, sentence)), {}) for sentence in sentences)
    for check in entry.checks:
        shown = check_with_few_digits(check) if printed else check
        fields = {name: getattr(shown, name) for name in ("passed", "severity", "value", "limit", "message")}
        yield Key(*home, "check", (check.name,)), fields
    for estimate in entry.estimates:
        yield _item_of_estimate(home, with_printed_digits(estimate) if printed else estimate)
    for part in entry.parts:
        yield from _items_of_part(home, part)


def _head(entry: ResultRecord) -> dict[str, Value]:
    return {
        "title": entry.title,
        "question": entry.estimand.sentence(),
        "method": entry.method.name,
        "description of the method": entry.method.description,
        "verdict": entry.verdict,
        "minimum cell": entry.minimum_cell if isinstance(entry, ReleasedResult) else None,
        "synthetic": entry.provenance.is_synthetic,
    }


def _item_of_estimate(home: tuple[str, str], estimate: Estimate) -> tuple[Key, dict[str, Value]]:
    # An empty word keeps its place, so that a visit is never taken for a group.
    words = tuple(getattr(estimate, name) for name in _WORDS_OF_ESTIMATE)
    return Key(*home, "estimate", words), {name: getattr(estimate, name) for name in _NUMBERS_OF_ESTIMATE}


def _items_of_part(home: tuple[str, str], part: Part) -> Iterator[tuple[Key, dict[str, Value]]]:
    """Yield the rows of a part: its counts and decimals are values, everything else says which row it is."""
    hidden = {*part.suppressed}
    for at, row in enumerate(part.rows):
        words: list[str] = [part.name]
        values: dict[str, Value] = {}
        for place, (column, cell) in enumerate(zip(part.columns, row, strict=True)):
            if column in _VALUES_OF_PART or isinstance(cell, float):
                values[column] = cell
                values[f"{column} hidden"] = (at, place) in hidden
            else:
                words.append(f"{column} {cell}")
        yield Key(*home, "part", tuple(words)), values


def _with_occurrences(found: Iterable[tuple[Key, dict[str, Any]]]) -> Items:
    """Return the items, those of the same words numbered in order, so that none is lost."""
    seen: Counter[Key] = Counter()
    items: Items = {}
    for key, values in found:
        items[Key(key.analysis, key.instrument, key.kind, key.words, seen[key])] = values
        seen[key] += 1
    return items
