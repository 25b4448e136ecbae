"""Cells of a file as the schema writes them: missing codes, decoding, dates, decimals; what does not fit is noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.mapped_tables.date_formats import MomentForm, is_day, iso_moment, iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from katoutcomes.registry.readers.mapped_tables.sections import FileSection
    from katoutcomes.registry.tables import Column

NUMBER_KINDS = ("integer", "number", "day", "flag")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+(,[0-9]+)?")
_POINT_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell cannot be read as the mapping says.

    Attributes
    ----------
    rule : str
        Rule id.
    description : str
        What the cell must be; never what it is.
    """

    rule: str
    description: str


@dataclass(frozen=True, slots=True, eq=False)
class ReadColumn:
    """A column of the schema as it was read from a column of a file.

    Attributes
    ----------
    values : array of object
        Text, None where it is unknown.
    refused : mapping of Refusal to list of int
        Positions of cells that could not be read.
    """

    values: NDArray[Any]
    refused: Mapping[Refusal, list[int]]


Reading = Callable[[str], "str | Refusal | None"]
"""From the text of a cell to what the schema would have, None where that is unknown."""


def read_column(cells: NDArray[Any], missing: frozenset[str], reading: Reading) -> ReadColumn:
    """Read every cell of a column; each distinct text is read once.

    Parameters
    ----------
    cells : array of object
        Text, None where a cell is empty.
    missing : frozenset of str
        Texts that stand for "not known".
    reading : callable
        What a cell means.
    """
    import numpy as np

    known: dict[Any, str | Refusal | None] = {None: None}
    values = np.empty(len(cells), dtype=object)
    refused: dict[Refusal, list[int]] = {}
    for position, cell in enumerate(cells):
        if cell not in known:
            known[cell] = None if cell in missing else reading(cell)
        value = known[cell]
        if isinstance(value, Refusal):
            refused.setdefault(value, []).append(position)
        else:
            values[position] = value
    return ReadColumn(values, refused)


def column_reading(section: FileSection, column: Column, *, is_typed: bool) -> Reading:
    """Return how the cells of a column of the schema are read.

    Parameters
    ----------
    section : FileSection
        What the mapping says about the file.
    column : Column
        The column of the schema.
    is_typed : bool
        Whether the file has cells that are real dates and numbers (a workbook, Parquet, a frame): they were written as
        the schema writes them, so they are taken besides the stated form.
    """
    name = column.name
    decoding = section.values.get(name) or (section.values.get("item_{item}") if name.startswith("item_") else None)
    reading: Reading = _plain
    if decoding is not None:
        reading = _decoded(decoding, column.name)
    elif column.kind == "date":
        return _moment(section.date_forms, "date", is_typed=is_typed)
    elif column.kind == "time":
        return _moment(_as_forms(section.time_form), "time", is_typed=is_typed)
    elif column.kind in NUMBER_KINDS:
        reading = _number(section.dialect.decimal, section.factors.get(name), is_typed=is_typed)
        if name in section.units:
            reading = _without_unit(section.units[name], section.dialect.decimal, reading)
    if name in section.separators:
        return _several(section.separators[name], reading)
    return reading


def time_of_date(section: FileSection, *, is_typed: bool) -> Reading | None:
    """Return how the time of day is read from the column of dates, None if that column has none."""
    if is_typed or any(form.has_time for form in section.date_forms):
        return _moment(section.date_forms, "time_of_date", is_typed=is_typed)
    return None


def item_reading(section: FileSection, decoding: Mapping[str, str], *, is_typed: bool) -> Reading:
    """Return how the answers of a score that stands in columns of its own are read."""
    if decoding:
        return _decoded(decoding, "item_*")
    return _number(section.dialect.decimal, None, is_typed=is_typed)


def _plain(cell: str) -> str:
    return cell


def _decoded(decoding: Mapping[str, str], name: str) -> Reading:
    table = "file.score.item_values" if name == "item_*" else f"file.values.{name}"
    listed = "the value" if len(decoding) == 1 else f"one of the {len(decoding)} values"
    refusal = Refusal(
        "not_decoded", f"must be {listed} that [{table}] of the mapping lists, written exactly as there; add a line"
    )

    def read(cell: str) -> str | Refusal | None:
        return (decoding[cell] or None) if cell in decoding else refusal

    return read


def _several(separator: str, reading: Reading) -> Reading:
    """Read a cell of several codes, each for itself; unknown ones drop out."""

    def read(cell: str) -> str | Refusal | None:
        codes = [reading(part.strip()) for part in cell.split(separator) if part.strip()]
        refused = [code for code in codes if isinstance(code, Refusal)]
        return refused[0] if refused else ";".join(code for code in codes if isinstance(code, str)) or None

    return read


def _number(decimal: str, factor: Decimal | None, *, is_typed: bool) -> Reading:
    if decimal == "." and factor is None:
        return _plain
    refusal = Refusal("decimal", f"must be a number whose decimals follow a {'comma' if decimal == ',' else 'point'}")

    def read(cell: str) -> str | Refusal:
        text = cell.replace(",", ".") if decimal == "," else cell
        has_form = _COMMA_NUMBER.fullmatch(cell) if decimal == "," else _POINT_NUMBER.fullmatch(cell)
        if has_form is None and not (is_typed and _POINT_NUMBER.fullmatch(cell)):
            return refusal
        return text if factor is None else format(Decimal(text) * factor, "f")

    return read


def _without_unit(unit: str, decimal: str, reading: Reading) -> Reading:
    """Read a number with or without its unit behind it; another unit, or anything else, is refused."""
    number = _COMMA_NUMBER if decimal == "," else _POINT_NUMBER
    refusal = Refusal("unit", f"must be a number, alone or with the unit {unit!r} behind it, as the mapping says")

    def read(cell: str) -> str | Refusal | None:
        text = cell[: -len(unit)].rstrip() if cell.lower().endswith(unit.lower()) else cell
        return reading(text) if number.fullmatch(text) or _POINT_NUMBER.fullmatch(text) else refusal

    return read


def _as_forms(form: MomentForm | None) -> tuple[MomentForm, ...]:
    return () if form is None else (form,)


def _moment(forms: tuple[MomentForm, ...], part: str, *, is_typed: bool) -> Reading:
    """Read a date, a time, or the time of a date; without a stated form the schema's own rules look at the text."""
    kind = "time" if part == "time" else "date"
    stated = " or ".join(form.text for form in forms) or ("%H:%M" if kind == "time" else "%Y-%m-%d")
    refusal = Refusal(f"{kind}_format", f"must be a {kind} written as {stated}, as the mapping says")
    ambiguous = Refusal(
        "ambiguous_date",
        f"must not be two different days in two of the forms {', '.join(form.text for form in forms)}",
    )
    written = iso_time if kind == "time" else iso_moment

    def read(cell: str) -> str | Refusal | None:
        moments = [moment for form in forms if (moment := form.read(cell)) is not None]
        moments = moments if len(moments) < 2 else [m for m in moments if is_day(m.date)] or moments
        if not moments and is_typed and (real := written(cell)) is not None:
            moments = [real]
        if len({moment.date for moment in moments}) > 1:
            return None if part == "time_of_date" else ambiguous
        if moments:
            return (moments[0].date if part == "date" else moments[0].time) or None
        if part == "time_of_date":
            return None  # the date itself is refused already
        return refusal if forms else cell

    return read
