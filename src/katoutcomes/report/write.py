"""The files of a report."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError, require_option
from katoutcomes.report.content import ReportContent, report_content
from katoutcomes.report.html import report_html
from katoutcomes.report.markdown import report_markdown
from katoutcomes.report.pdf import PAPERS, can_write_pdf, report_pdf
from katoutcomes.report.pictures import Picture, draw_pictures
from katoutcomes.report.summary import summary_json
from katoutcomes.results.whole_files import whole_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from katoutcomes.results.collection import Results

MANIFEST, PDF = "manifest.sha256", "report.pdf"


def write_report(
    results: Results, folder: str | Path, *, paper: str = "A4", pdf: bool | None = None
) -> tuple[Path, ...]:
    """Write ``report.html``, ``report.pdf``, ``summary.json``, ``summary.md``, ``figures/``, ``tables/``, the manifest.

    Parameters
    ----------
    results : Results
        Released results.
    folder : str or Path
        Made if it is not there. Everything is written aside and then moved, so that no file is ever half written.
        Files of an earlier report that this one does not write are removed, so that the folder never mixes two reports.
    paper : {"A4", "Letter"}
        Of the PDF.
    pdf : bool, optional
        Whether there is a PDF. By default there is one where the extra ``report`` is installed.

    Returns
    -------
    tuple of Path
        The files written, in the order of writing; the last one, ``manifest.sha256``, holds the digest of each of the
        others, so that ``sha256sum --check manifest.sha256`` tells whether one was changed.

    Raises
    ------
    DisclosureError
        If a result has not been released.
    OptionError
        If a PDF is asked for and Typst is not installed (``pip install 'katoutcomes[report]'``), or there is no such
        paper.
    """
    require_option("paper", paper, PAPERS)
    has_pdf = can_write_pdf() if pdf is None else pdf
    if has_pdf and not can_write_pdf():
        raise OptionError("a PDF needs Typst: pip install 'katoutcomes[report]'.")
    content = report_content(results)
    place = Path(folder)
    with whole_folder(place) as aside:
        names = [path.relative_to(aside) for path in _write_everything(content, aside, paper if has_pdf else None)]
    written = tuple(place / name for name in names)
    _remove_leftovers(place, set(written))
    return written


def _write_everything(content: ReportContent, folder: Path, paper: str | None) -> list[Path]:
    pictures = draw_pictures(content)
    written = [_write_text(folder / "report.html", report_html(content, pictures))]
    if paper is not None:
        written.append(_write_bytes(folder / PDF, report_pdf(content, pictures, paper=paper)))
    written += [
        _write_text(folder / "summary.json", summary_json(content)),
        _write_text(folder / "summary.md", report_markdown(content)),
        *_write_figures(content, pictures, folder / "figures"),
        *_write_tables(content, folder / "tables"),
    ]
    return [*written, _write_text(folder / MANIFEST, _manifest(written, folder))]


def _write_figures(content: ReportContent, pictures: Mapping[str, Picture], folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    written = []
    for figure in content.figures():
        picture = pictures[figure.name]
        written += [
            _write_text(folder / f"{figure.name}.svg", picture.svg),
            _write_bytes(folder / f"{figure.name}.png", picture.png),
            _write_bytes(folder / f"{figure.name}_thumbnail.png", picture.thumbnail),
            _write_text(folder / f"{figure.name}.csv", figure.csv()),
            _write_text(folder / f"{figure.name}.txt", f"{figure.alt_text}\n"),
        ]
    return written


def _write_tables(content: ReportContent, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [_write_text(folder / f"{table.name}.csv", table.to_csv()) for table in content.tables()]


def _manifest(written: list[Path], folder: Path) -> str:
    """Return one line a file, as sha256sum writes and reads them."""
    names = sorted(path.relative_to(folder).as_posix() for path in written)
    return "".join(f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def _write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _remove_leftovers(folder: Path, written: set[Path]) -> None:
    for inner, endings in (("figures", {".svg", ".png", ".csv", ".txt"}), ("tables", {".csv"})):
        for path in sorted((folder / inner).iterdir()):
            if path.suffix in endings and path not in written:
                path.unlink()
    if folder / PDF not in written:
        (folder / PDF).unlink(missing_ok=True)
