"""Files that are there as a whole or not at all: written aside, then moved."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def require_folder(path: str | Path) -> None:
    """Raise unless files can be written into a folder that may still have to be made; for before a long work begins.

    Raises
    ------
    OSError
        If the place is a file, or what is there of it must not be written to.
    """
    place = Path(path).absolute()
    there = next(one for one in (place, *place.parents) if one.exists())
    if not there.is_dir():
        raise NotADirectoryError(20, "is a file, a folder is needed", str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(13, "must not be written to", str(there))


def write_whole(path: str | Path, text: str) -> Path:
    """Write a text file in one move; whatever stops the writing leaves what was there before.

    Parameters
    ----------
    path : str or Path
        Its folder is made if it is not there.
    text : str
        Written as UTF-8 with line ends as they are.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        If it cannot be written there.
    """
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError(21, "is a folder, a file is needed", str(place))
    place.parent.mkdir(parents=True, exist_ok=True)
    with _aside(place.parent) as folder:
        written = folder / "file"
        written.write_text(text, encoding="utf-8", newline="\n")
        written.replace(place)
    return place


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write into; what stands in it is moved to `folder` only once everything is written.

    A folder that is not there appears in one move. In one that is there, files are replaced one by one, each by a
    move, so that none is ever half written; its other files stay.

    Parameters
    ----------
    folder : Path
        Where the files go; made if it is not there.

    Yields
    ------
    Path
        An empty folder on the same disk.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    place = folder.resolve()
    is_new = not place.exists()
    beside = place.parent if is_new else place
    beside.mkdir(parents=True, exist_ok=True)
    with _aside(beside) as room:
        written = room / "files"
        written.mkdir()
        yield written
        if is_new:
            written.replace(place)
        else:
            _move_files(written, place)


@contextmanager
def _aside(beside: Path) -> Iterator[Path]:
    """Give a folder that is gone afterwards, whatever happens."""
    room = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=beside))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _move_files(written: Path, place: Path) -> None:
    for path in sorted(written.rglob("*")):
        target = place / path.relative_to(written)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)
