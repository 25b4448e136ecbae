"""Which columns of a file hold the totals and items of a questionnaire, by what they are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from katoutcomes.instruments.catalog import AMBIGUOUS_NAMES, index_names, instruments
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.registry.mapping.words import ITEM_WORDS, TOTAL_WORDS, normalized
from katoutcomes.registry.readers.mapped_tables.sections import ITEM, VISIT

_LONGEST_NAME = 12
"""Longer spellings are full names, which no column has as the beginning of its name."""


@dataclass(frozen=True, slots=True)
class ScoreGuess:
    """Columns that seem to hold one instrument, at one visit or at several.

    Attributes
    ----------
    instrument : Instrument
        Which.
    total : str
        Column of the total, with {visit} where there are visits; "" if there is none.
    items : str or tuple of str
        Pattern with {item}, or the columns one by one; () if there are none.
    visits : tuple of str
        What stands for {visit}; empty without visits.
    is_sure : bool
        Whether the name means one instrument only.
    why : str
        The reason in a few words.
    """

    instrument: Instrument
    total: str
    items: str | tuple[str, ...]
    visits: tuple[str, ...]
    is_sure: bool
    why: str

    def columns(self) -> tuple[str, ...]:
        """Return every column of the file that it stands for."""
        numbers = range(1, self.instrument.n_items + 1)
        items = [self.items.replace(ITEM, str(n)) for n in numbers] if isinstance(self.items, str) else self.items
        patterns = [*((self.total,) if self.total else ()), *items]
        return tuple(pattern.replace(VISIT, visit) for visit in self.visits or ("",) for pattern in patterns)


@dataclass(slots=True)
class _Group:
    """Columns of one instrument name at one visit."""

    total: str = ""
    items: dict[int, str] = field(default_factory=dict)

    def columns(self) -> list[str]:
        """Return the columns: the total, and the items in their order."""
        return [*([self.total] if self.total else []), *(self.items[number] for number in sorted(self.items))]


def guess_scores(columns: Sequence[str]) -> tuple[ScoreGuess, ...]:
    """Find totals and items of catalog instruments among the columns of a file.

    Examples
    --------
    >>> guess = guess_scores(["id", "GAD7_total_wk4", "GAD7_total_wk8"])[0]
    >>> guess.instrument.id, guess.total, guess.visits
    ('gad7', 'GAD7_total_{visit}', ('wk4', 'wk8'))
    """
    rest = list(columns)
    found: list[ScoreGuess] = []
    for names in (tuple(_stems()), tuple(_exact())):  # "PHQ 9" is an item of nine rather than a PHQ-9
        for name, by_visit in _grouped(rest, names).items():
            guesses = _guesses(name, by_visit)
            found += guesses
            taken = {column for guess in guesses for column in guess.columns()}
            rest = [column for column in rest if column not in taken]
    return tuple(found)


def _grouped(columns: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, _Group]]:
    """Return, by spelling and visit, the columns that are called after it; a column counts for the longest one."""
    groups: dict[str, dict[str, _Group]] = {}
    for column in columns:
        for name in sorted(names, key=lambda text: (-len(text), text)):
            pattern = _patterns().get(name)
            match = pattern.fullmatch(normalized(column)) if pattern is not None else None
            if match is not None:
                visit = "_".join(part for part in (match["before"], match["after"]) if part)
                group = groups.setdefault(name, {}).setdefault(visit, _Group())
                if match["item"]:
                    group.items[int(match["item"])] = column
                elif not group.total:
                    group.total = column
                break
    return groups


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """Return, for each spelling of an instrument, what a column of its total or of an item is called.

    Stems such as "phq" stand for every instrument of the family; how many items there are says which is meant.
    """
    spellings = {key for key in (*_exact(), *_stems()) if key and len(key) <= _LONGEST_NAME}
    words = "|".join(sorted((word for word in ITEM_WORDS if word), key=len, reverse=True))
    totals = "|".join(word for word in TOTAL_WORDS if word)
    found = {}
    for key in sorted(spellings):
        name = "_?".join(re.findall(r"[a-z]+|[0-9]+", key))
        found[key] = re.compile(
            rf"(?:(?P<before>[a-z0-9]+?)_)?{name}(?:_?(?:{words})?_?(?<![0-9])0?(?P<item>[1-9][0-9]?)|_(?:{totals}))?"
            r"(?:_(?P<after>[a-z0-9_]+?))?"
        )
    return found


@cache
def _exact() -> Mapping[str, Instrument]:
    return index_names(instruments())


@cache
def _stems() -> Mapping[str, tuple[Instrument, ...]]:
    """Return the beginnings that several instruments may share, such as "phq", and who they are."""
    found: dict[str, dict[str, Instrument]] = {}
    for key, scale in _exact().items():
        stem = re.sub(r"[0-9]+$|(?<=bdi)ii?$", "", key)
        if stem != key and len(stem) > 2 and stem not in _exact():
            found.setdefault(stem, {})[scale.id] = scale
    for key, ambiguous in AMBIGUOUS_NAMES.items():
        for scale in instruments():
            if scale.id in ambiguous.candidates:
                found.setdefault(key, {})[scale.id] = scale
    return {stem: tuple(scales.values()) for stem, scales in found.items()}


def _guesses(name: str, by_visit: Mapping[str, _Group]) -> list[ScoreGuess]:
    scale, is_sure, why = _meant(name, by_visit)
    if scale is None:
        return []
    whole = {visit: _complete(group, scale) for visit, group in by_visit.items()}
    whole = {visit: group for visit, group in whole.items() if group.total or group.items}
    joined = _joined(scale, whole, is_sure, why)
    if joined is not None:
        return [joined]
    return [
        ScoreGuess(scale, group.total, tuple(group.items[n] for n in sorted(group.items)), (), is_sure, why)
        for group in whole.values()
    ]


def _meant(name: str, by_visit: Mapping[str, _Group]) -> tuple[Instrument | None, bool, str]:
    """Return the instrument that a spelling means: itself, or the one of its family with that many items."""
    if name in _exact():
        return _exact()[name], True, "the columns are called like it"
    numbers = {tuple(sorted(group.items)) for group in by_visit.values() if group.items}
    fitting = [
        scale
        for scale in _stems().get(name, ())
        if scale.n_items > 2 and numbers == {tuple(range(1, scale.n_items + 1))}
    ]
    if len(fitting) != 1:
        return None, False, ""
    return fitting[0], False, f"the columns have a name that several scales share; there are {fitting[0].n_items} items"


def _complete(group: _Group, scale: Instrument) -> _Group:
    """Return the group without its items where they are not all there."""
    is_whole = set(group.items) == set(range(1, scale.n_items + 1)) and scale.n_items > 0
    return group if is_whole else _Group(group.total)


def _joined(scale: Instrument, whole: Mapping[str, _Group], is_sure: bool, why: str) -> ScoreGuess | None:
    """Return one guess for all visits, None where their columns are not called alike."""
    if not whole:
        return None
    first = next(iter(whole.values()))
    visits: tuple[str, ...] = ()
    if len(whole) > 1:
        visits = tuple(_as_written(visit, group.columns()) for visit, group in whole.items())
        if not all(visits):
            return None
    mark = visits[0] if visits else ""
    items: str | tuple[str, ...] = tuple(_marked(first.items[number], mark) for number in sorted(first.items))
    if items:
        items = _item_pattern(items) or items
    guess = ScoreGuess(scale, _marked(first.total, mark), items, visits, is_sure, why)
    real = {column for group in whole.values() for column in group.columns()}
    return guess if set(guess.columns()) == real else None


def _marked(column: str, visit: str) -> str:
    return column.replace(visit, VISIT) if visit else column


def _as_written(visit: str, columns: Sequence[str]) -> str:
    """Return how the columns write a visit, "" where they do not write it the same way."""
    found = {
        match.group()
        for column in columns
        for match in [re.search(visit.replace("_", "[^A-Za-z0-9]*"), column, flags=re.IGNORECASE)]
        if match is not None and visit
    }
    return found.pop() if len(found) == 1 else ""


def _item_pattern(items: Sequence[str]) -> str:
    """Return the pattern with {item} that gives these names in their order, "" if there is none."""
    for match in re.finditer("1", items[0]):
        pattern = f"{items[0][: match.start()]}{ITEM}{items[0][match.end() :]}"
        if all(pattern.replace(ITEM, str(number)) == item for number, item in enumerate(items, start=1)):
            return pattern
    return ""


def scales_called_like(column: str) -> tuple[str, ...]:
    """Return the scales that the name of a column may mean, where it begins like a name that several share.

    Examples
    --------
    >>> "PCL-5" in scales_called_like("PCL total")
    True
    >>> scales_called_like("remark")
    ()
    """
    for stem, scales in _stems().items():
        pattern = _patterns().get(stem)
        if pattern is not None and pattern.fullmatch(normalized(column)) is not None:
            return tuple(scale.name for scale in scales)
    return ()
