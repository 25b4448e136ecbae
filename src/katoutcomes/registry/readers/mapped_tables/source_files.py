"""The files of a mapping as they are opened: their cells, what is wrong with them, and which of their rows are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import LeftOut
from katoutcomes.registry.readers.mapped_tables.sections import ITEM, FileSection
from katoutcomes.registry.readers.raw_tables import RawTable, is_typed_file, raw_findings, read_raw, read_raw_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.identifiers import Finding

Place = tuple[str, str]
"""Name of a file and name of a sheet, "" where there is none."""


@dataclass(slots=True, eq=False)
class OpenedFile:
    """A file, sheet or frame as text.

    Attributes
    ----------
    label : str
        How messages call it.
    number : int
        Position among the files of the mapping, from 0.
    is_typed : bool
        Whether its cells were real dates and numbers.
    cells : dict of str to array of object
        Text by column name, None where a cell is empty.
    rows : array of int64
        Row numbers.
    is_used : array of bool
        Whether a record was made of the row.
    reasons : dict of (rule, column, description) to array of bool
        Why not, by row.
    """

    label: str
    number: int
    is_typed: bool
    cells: dict[str, NDArray[Any]]
    rows: NDArray[Any]
    is_used: NDArray[Any]
    reasons: dict[tuple[str, str, str], NDArray[Any]] = field(default_factory=dict)

    def leave_out(self, reason: tuple[str, str, str], rows: NDArray[Any]) -> None:
        """Note why rows (an array of bool) make no record of one section; another section may still use them."""
        self.reasons[reason] = self.reasons.get(reason, rows) | rows

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return the rows of which nothing was made, each under the first reason that was noted for it."""
        found = []
        is_open = ~self.is_used
        for (rule, column, description), rows in self.reasons.items():
            if (rows & is_open).any():
                found.append(LeftOut(self.label, rule, column, description, self.rows[rows & is_open]))
            is_open = is_open & ~rows
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedFiles:
    """All files of a mapping.

    Attributes
    ----------
    files : mapping of Place to OpenedFile
        Empty cells where something is wrong.
    findings : tuple of Finding
        Direct identifiers in their columns.
    faults : tuple of str
        What is wrong with them, or what the mapping names and they lack; each begins with the file.
    left_out_columns : tuple of (str, str)
        File and name of each column that the mapping does not name.
    n_known_columns_left_out : int
        Columns that the mapping leaves out by name.
    """

    files: Mapping[Place, OpenedFile]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]
    left_out_columns: tuple[tuple[str, str], ...]
    n_known_columns_left_out: int


def open_files(
    source: Path | Mapping[str, Any], sections: tuple[FileSection, ...], engine: Engine, say: Callable[[str], None]
) -> OpenedFiles:
    """Read every file that the sections name, and pass all of its columns through the privacy gate.

    Parameters
    ----------
    source : Path or mapping of str to frame
        A folder, or frames by name.
    sections : tuple of FileSection
        The mapping.
    engine : Engine
        Where the files are read.
    say : callable
        Is told what is being done.
    """
    files: dict[Place, OpenedFile] = {}
    findings: list[Finding] = []
    faults: list[str] = []
    left_out: list[tuple[str, str]] = []
    n_known = 0
    for place, of_file in _sections_by_place(sections).items():
        label = _label(place)
        say(f"reading {label}")
        raw = _raw(source, place, of_file[0], engine, f"raw_{len(files) + 1}")
        lacking = _missing_columns(raw, of_file)
        faults += [f"{label}: {fault}" for fault in (*raw.faults, *lacking)]
        named = [column for section in of_file for column in section.named_columns()]
        found = raw_findings(engine, raw, known=[column for column in named if ITEM not in column])
        # Sheets that another section reads are no unread parts.
        findings += [one for one in found if one.rule != "unread_parts" or not place[1]]
        if not raw.faults and not lacking:
            known = {column for section in of_file for column in section.leave_out}
            n_known += len(known)
            used = _matching_columns(raw.columns, named)
            left_out += [(label, column) for column in raw.columns if column not in used]
        is_typed = isinstance(source, Mapping) or is_typed_file(place[0])
        files[place] = _opened(engine, raw, label, len(files), is_typed=is_typed)
    return OpenedFiles(files, tuple(findings), tuple(faults), tuple(left_out), n_known)


def item_columns(columns: tuple[str, ...], pattern: str) -> dict[int, str]:
    """Return the columns of a file that match a pattern with {item}, by the number that stands there.

    Examples
    --------
    >>> item_columns(("id", "q2", "q1", "q1b"), "q{item}")
    {1: 'q1', 2: 'q2'}
    """
    names = {number: pattern.replace(ITEM, str(number)) for number in range(1, 100)}
    return {number: name for number, name in names.items() if name in columns}


def _sections_by_place(sections: tuple[FileSection, ...]) -> dict[Place, list[FileSection]]:
    places: dict[Place, list[FileSection]] = {}
    for section in sections:
        for name in section.names:
            places.setdefault((name, section.dialect.sheet), []).append(section)
    return places


def _label(place: Place) -> str:
    name, sheet = place
    return f"{name} [{sheet}]" if sheet else name


def _raw(source: Path | Mapping[str, Any], place: Place, section: FileSection, engine: Engine, name: str) -> RawTable:
    file, _ = place
    if isinstance(source, Path):
        raw = read_raw(engine, source / file, name, dialect=section.dialect)
    elif file in source:
        raw = read_raw_frame(engine, source[file], file, name)
    else:
        raw = RawTable(file, name, (), 0, ("rule missing_frame: there is no frame of that name.",))
    return RawTable(_label(place), raw.name, raw.columns, raw.n_rows, raw.faults, raw.findings)


def _missing_columns(raw: RawTable, sections: list[FileSection]) -> list[str]:
    """Say which columns the mapping names and the file lacks. The names are the mapping's own words."""
    if raw.faults:
        return []
    named = dict.fromkeys(column for section in sections for column in section.named_columns())
    # A column that is to be left out may be gone: the draft asks for it to be deleted where the file is made.
    gone = {column for section in sections for column in section.leave_out}
    named = {column: None for column in named if column not in gone}
    return [
        f"rule missing_column: the mapping names a column {column!r}, which is not there."
        for column in named
        if not _matching_columns(raw.columns, [column])
    ]


def _matching_columns(columns: tuple[str, ...], named: list[str]) -> set[str]:
    found = set(named) & set(columns)
    for pattern in named:
        if ITEM in pattern:
            found |= set(item_columns(columns, pattern).values())
    return found


def _opened(engine: Engine, raw: RawTable, label: str, number: int, *, is_typed: bool) -> OpenedFile:
    import numpy as np

    if raw.faults:
        nothing = np.zeros(0, dtype=np.int64)
        return OpenedFile(label, number, is_typed, {}, nothing, nothing.astype(bool))
    fetched = engine.fetch(f"select * from {raw.name} order by input_row")
    engine.drop(raw.name)
    cells = {column: _texts(fetched[f"c{position}"]) for position, column in enumerate(raw.columns, start=1)}
    rows = np.asarray(fetched["input_row"], dtype=np.int64)
    return OpenedFile(label, number, is_typed, cells, rows, np.zeros(len(rows), dtype=bool))


def _texts(values: NDArray[Any]) -> NDArray[Any]:
    """Return a fetched column of text with None where it is unknown."""
    import numpy as np

    texts: NDArray[Any] = np.array(np.ma.getdata(values), dtype=object)
    texts[np.ma.getmaskarray(values)] = None
    return texts
