"""The files of a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.report.content import ReportContent, report_content
from katoutcomes.report.html import report_html
from katoutcomes.report.markdown import report_markdown
from katoutcomes.report.summary import summary_json
from katoutcomes.results.whole_files import whole_folder

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results


def write_report(results: Results, folder: str | Path) -> tuple[Path, ...]:
    """Write ``report.html``, ``summary.json``, ``summary.md``, ``figures/`` and ``tables/``.

    Parameters
    ----------
    results : Results
        Released results.
    folder : str or Path
        Made if it is not there. Everything is written aside and then moved, so that no file is ever half written.
        Files of an earlier report in ``figures/`` and ``tables/`` that this one does not write are removed, so that
        the folder never mixes two reports.

    Returns
    -------
    tuple of Path
        The files written, in the order of writing.

    Raises
    ------
    DisclosureError
        If a result has not been released.
    """
    content = report_content(results)
    place = Path(folder)
    with whole_folder(place) as aside:
        names = [path.relative_to(aside) for path in _write_everything(content, aside)]
    written = tuple(place / name for name in names)
    _remove_leftovers(place, set(written))
    return written


def _write_everything(content: ReportContent, folder: Path) -> list[Path]:
    return [
        _write_text(folder / "report.html", report_html(content)),
        _write_text(folder / "summary.json", summary_json(content)),
        _write_text(folder / "summary.md", report_markdown(content)),
        *_write_figures(content, folder / "figures"),
        *_write_tables(content, folder / "tables"),
    ]


def _write_figures(content: ReportContent, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [path for figure in content.figures() for path in figure.save(folder)]


def _write_tables(content: ReportContent, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [_write_text(folder / f"{table.name}.csv", table.to_csv()) for table in content.tables()]


def _write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _remove_leftovers(folder: Path, written: set[Path]) -> None:
    for inner, endings in (("figures", {".svg", ".png", ".csv", ".txt"}), ("tables", {".csv"})):
        for path in sorted((folder / inner).iterdir()):
            if path.suffix in endings and path not in written:
                path.unlink()
