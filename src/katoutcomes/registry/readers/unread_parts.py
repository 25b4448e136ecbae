"""Parts of a file that are no cells of its table: metadata of Parquet files; comments, links and sheets of workbooks.

Nobody reads them here, but they go along wherever the file goes. What is an identifier by its form refuses the load;
that there is any text at all is warned of.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import unescape
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from katoutcomes.registry.identifiers import Finding, holds_given_name, holds_identifier, name_rule, text_findings

if TYPE_CHECKING:
    from pathlib import Path

    from katoutcomes.registry.engines.engine import Engine

_WRITERS = frozenset({"pandas", "ARROW:schema", "polars", "org.apache.spark.version", "geo"})
"""Keys by which programs say how a table is to be read again; their texts are searched, and not warned of."""
_PRINTED = re.compile(rb"[\x20-\x7E\xA0-\xFF]{6,}")
_MARKUP = re.compile(r"<[^>]*>")
_TARGET = re.compile(r'\bTarget="([^"]*)"[^>]*TargetMode="External"|TargetMode="External"[^>]*\bTarget="([^"]*)"')
_HEADER = re.compile(r"<(?:odd|even|first)(?:Header|Footer)>([^<]*)<")
_NAME_OF_CELLS = re.compile(r"<definedName[^>]*>([^<]*)<")
_PARTS = re.compile(r"xl/(comments|threadedComments|persons|drawings|richData).*[.]xml|content[.]xml")
_RELATIONS = re.compile(r"xl/worksheets/_rels/.*[.]rels")
_SHEETS = re.compile(r"xl/(worksheets/[^/]*|workbook)[.]xml")
_PROPERTIES = "docProps/custom.xml"
_LONGEST_PART = 50_000_000


def parquet_findings(engine: Engine, path: Path, file: str) -> tuple[Finding, ...]:
    """Look at the texts that a Parquet file carries besides its columns.

    Parameters
    ----------
    engine : Engine
        Reads them.
    path : Path
        The file.
    file : str
        How messages call it.
    """
    try:
        engine.materialize_file("parquet_texts", "select key, value from parquet_kv_metadata(?)", str(path))
    except ValueError:
        return ()
    found = engine.fetch("select key, value from parquet_texts")
    engine.drop("parquet_texts")
    others = 0
    texts: list[str] = []
    for key, value in zip(found["key"], found["value"], strict=True):
        name = _bytes(key).decode("utf-8", "replace")
        given = _bytes(value)
        if name == "ARROW:schema":
            given = _decoded(given)
        texts += [name, *(part.decode("utf-8", "replace") for part in _PRINTED.findall(given))]
        others += name not in _WRITERS
    n_suspect = _n_suspect(texts)
    refused = (Finding(file, "metadata", "parquet_metadata", n_suspect),) * (n_suspect > 0)
    return refused + (Finding(file, "metadata", "unread_parts", others),) * (others > 0 and not n_suspect)


def workbook_findings(
    path: Path, file: str, others: Sequence[tuple[int, list[list[Any]]]], titles: Sequence[str]
) -> tuple[Finding, ...]:
    """Look at what a workbook holds besides the sheet that is read.

    Parameters
    ----------
    path : Path
        The workbook.
    file : str
        How messages call it.
    others : sequence of (int, list of list)
        Place and rows of each other sheet, hidden ones too.
    titles : sequence of str
        Names of all sheets.
    """
    found: list[Finding] = []
    for place, rows in others:
        found += _sheet_findings(rows, f"{file} [sheet {place}]")
    texts = _part_texts(path)
    n_suspect = _n_suspect([*texts, *titles])
    found += [Finding(file, "comments and links", "workbook_part", n_suspect)] * (n_suspect > 0)
    n_unread = len(texts) + sum(any(map(any, rows)) for _, rows in others)
    if n_unread and not found:
        found.append(Finding(file, "", "unread_parts", n_unread))
    return tuple(found)


def _n_suspect(texts: Iterable[str]) -> int:
    return sum(holds_identifier(text) or holds_given_name(text.strip()) for text in texts)


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value).encode()


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value)
    except ValueError:
        return value


def _sheet_findings(rows: list[list[Any]], file: str) -> list[Finding]:
    """Search another sheet column by column; its first row may be names of columns."""
    from katoutcomes.registry.readers.frames import cell_text

    found: list[Finding] = []
    filled = [[cell if isinstance(cell, str) else cell_text(cell) for cell in row] for row in rows]
    for position, cells in enumerate(zip(*filled, strict=False), start=1):
        column = f"number {position}"
        found += text_findings(cells, file, column)
        names = Counter(cell for cell in cells if holds_given_name(cell))
        found += [Finding(file, column, "value_person_names", names.total())] * bool(names)
        if cells and (rule := name_rule(cells[0])) is not None and any(cells[1:]):
            found.append(Finding(file, column, rule, None))
    return found


def _part_texts(path: Path) -> list[str]:
    """Return the texts of comments, notes, external links, headers and properties; none of a file of the old kind."""
    texts: list[str] = []
    try:
        with ZipFile(path) as archive:
            for part in archive.infolist():
                if part.file_size <= _LONGEST_PART:
                    texts += _texts_of(part.filename, archive, path.suffix.lower())
    except (BadZipFile, OSError, NotImplementedError, RuntimeError):
        return []
    return [text for text in (unescape(text).strip() for text in texts) if text]


def _texts_of(name: str, archive: ZipFile, ending: str) -> list[str]:
    is_part = _PARTS.fullmatch(name) is not None or name == _PROPERTIES
    if not (is_part or _RELATIONS.fullmatch(name) or _SHEETS.fullmatch(name)):
        return []
    written = archive.read(name).decode("utf-8", "replace")
    if ending == ".ods":
        notes = re.findall(r"<office:annotation\b.*?</office:annotation>", written, flags=re.DOTALL)
        return [*map(_plain, notes), *re.findall(r'xlink:href="([^"]*)"', written)]
    if _RELATIONS.fullmatch(name):
        return [first or second for first, second in _TARGET.findall(written)]
    if _SHEETS.fullmatch(name):
        return _HEADER.findall(written) + _NAME_OF_CELLS.findall(written)
    return [_plain(one) for one in re.split(r"</(?:comment|threadedComment|person|xdr:sp|property)>", written)]


def _plain(markup: str) -> str:
    return " ".join(_MARKUP.sub(" ", markup).split())
