"""Planted numbers: what a release hides stands in no output at all, whatever the form.

A clinic is made in which seven patients are unlike all others: their mean score, their change, their age and dose occur
nowhere else, and neither does the number of the others, from which the seven would follow. Every output of the released
results is read as text, with its metadata, and must hold none of these numbers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.results.presenters import FIGURES, FURTHER_TABLES, TABLES

N_MANY, N_FEW = 374, 7
PLANTED = {
    "374": "the others of the cohort",
    "84.3": "mean age of the few",
    "26.4": "mean baseline of the few",
    "1.4": "mean follow-up of the few",
    "\u221225.0": "mean change of the few",
    "317": "mean dose of the few",
}
POLICIES = {
    "hidden": kat.DisclosurePolicy(),
    "hidden and rounded": kat.DisclosurePolicy(round_to=5),
}
EXACT = ("381",)
"""Everybody: shown as it is, unless counts are rounded."""


@cache
def clinic() -> kat.Registry:
    patients, sessions, scores = [], [], []
    for row in range(N_MANY + N_FEW):
        key, is_few = f"P{row:04d}", row < N_FEW
        patients.append(
            {
                "patient_id": key,
                "age_years": 84 + (row in {0, 1}) if is_few else 30 + row % 17,
                "index_quarter": "2025Q1",
                "site": "North" if row % 2 else "South",
                "program_booked": "with_integration" if is_few else "ketamine_only",
            }
        )
        dose = 317 if is_few else 60 + 5 * (row % 3)
        sessions.append(
            {
                "session_id": key,
                "patient_id": key,
                "day": 0,
                "kind": "dosing",
                "dose_mg": dose,
                "route": "intramuscular",
            }
        )
        baseline = 26 + (row < 3) if is_few else 13 + row % 6
        # Some are not seen again, the few always are.
        later = (baseline - 25,) * 3 if is_few else (6 + row % 5, 5 + row % 6, 4 + row % 7)
        for day, total in zip((-1, 28, 56, 84), (baseline, *later), strict=True):
            if is_few or day < 0 or row % 9:
                scores.append(
                    {"score_id": f"{key}:{day}", "patient_id": key, "day": day, "instrument": "PHQ-9", "total": total}
                )
    tables = {"patients": patients, "sessions": sessions, "scores": scores}
    return kat.read_registry({name: pd.DataFrame(rows) for name, rows in tables.items()}, is_synthetic=True)


@cache
def results() -> kat.Results:
    return kat.run(kat.AnalysisPlan.default(), clinic())


@cache
def released(policy: str) -> kat.Results:
    return results().release(POLICIES[policy])


class Words(HTMLParser):
    """The words of a page or a picture: elements and attributes that are read out, not styles and not coordinates."""

    READ = ("alt", "title", "aria-label", "content", "id", "name", "class", "data-value")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag in {"style", "script"}
        self.found += [value for name, value in attrs if name in self.READ and value]

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_comment(self, data: str) -> None:
        self.found.append(data)

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.found.append(data)


def words_of_page(text: str) -> str:
    parser = Words()
    parser.feed(text)
    return " \n ".join(parser.found)


def words_of_picture(content: bytes) -> str:
    from PIL import Image

    with Image.open(BytesIO(content)) as picture:
        return " ".join(f"{name} {value}" for name, value in picture.info.items())


def words_of_pdf(path: Path) -> str:
    pikepdf = pytest.importorskip("pikepdf")
    found = []
    with pikepdf.open(path) as opened:
        found.append(opened.Root.Metadata.read_bytes().decode())
        found += [str(item.Alt) for item in opened.objects if isinstance(item, pikepdf.Dictionary) and "/Alt" in item]
    if shutil.which("pdftotext"):
        run = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True)
        found.append(run.stdout.decode("utf-8"))
    return " \n ".join(found)


def words_of_file(path: Path) -> str:
    if path.suffix == ".png":
        return words_of_picture(path.read_bytes())
    if path.suffix == ".pdf":
        return words_of_pdf(path)
    text = path.read_text(encoding="utf-8")
    if path.name == "manifest.sha256":
        return ""  # digests of what is read here
    return words_of_page(text) if path.suffix in {".svg", ".html"} else text


def files_of(found: kat.Results, folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of the report and the file of results."""
    for path in (*kat.write_report(found, folder / "report"), found.write(folder / "results.json")):
        yield path.name, words_of_file(path)


def objects_of(found: kat.Results, *, with_figures: bool = True) -> Iterator[tuple[str, str]]:
    """Everything that somebody sees in a notebook: results, tables, figures, frames, in every form."""
    yield "repr", repr(found)
    for result in found:
        name = result.analysis
        yield f"{name} repr", f"{result!r} {result}"
        yield f"{name} html", words_of_page(result._repr_html_())
        yield f"{name} json", result.to_json()
        yield f"{name} frame", f"{result.to_frame().to_csv()} {result.to_frame()}"
        for kind in (*(["", *FURTHER_TABLES.get(name, {})] if name in TABLES else []),):
            yield from words_of_table(f"{name} table {kind}", result.to_table(kind or None))
        for kind in FIGURES.get(name, {}) if with_figures else ():
            try:
                figure = result.plot(kind)
            except kat.KatOutcomesError:  # drawn only of single patients, or of what this plan does not ask
                continue
            yield f"{name} {kind}", f"{figure!r} {figure.title} {figure.alt_text} {figure.csv()}"
            yield f"{name} {kind} svg", words_of_page(figure.svg())


def words_of_table(name: str, table: Any) -> Iterator[tuple[str, str]]:
    yield name, f"{table!r} {table} {table.to_markdown()} {table.to_csv()} {table.to_latex()}"
    yield f"{name} html", f"{words_of_page(table.to_html())} {words_of_page(table._repr_html_())}"


def holds(text: str, number: str) -> bool:
    """Whether a number stands in a text by itself, or with further digits."""
    plain = re.escape(number.replace("\u2212", ""))
    sign = "[\u2212-]" if number.startswith("\u2212") else r"(?<![\d.,:/#\u2212-])"
    ending = r"(?!\d)" if "." in number else r"(?![\d,]|\.[1-9])"
    return re.search(f"{sign}{plain}{ending}", text.replace("$-$", "\u2212")) is not None


def test_each_planted_number_stands_in_what_is_not_released() -> None:
    """Else the test below could not fail."""
    said = " \n ".join(words for _, words in objects_of(results(), with_figures=False))
    assert [number for number in (*PLANTED, *EXACT) if not holds(said, number)] == []


@pytest.mark.parametrize("policy", ["hidden", pytest.param("hidden and rounded", marks=pytest.mark.slow)])
def test_no_planted_number_stands_in_any_output(policy: str, tmp_path: Path) -> None:
    planted = (*PLANTED, *(EXACT if POLICIES[policy].round_to > 1 else ()))
    found = released(policy)
    hidden = {one.subgroup for result in found for one in result.estimates if one.suppressed}
    assert {"program_booked: with_integration", "program_booked: ketamine_only"} <= hidden
    n_read, told = 0, []
    for name, words in (*files_of(found, tmp_path), *objects_of(found)):
        n_read += 1
        told += [f"{name}: {number}" for number in planted if holds(words, number)]
    assert told == []
    assert n_read > 100


@pytest.mark.slow
def test_no_planted_number_stands_in_a_saved_notebook(tmp_path: Path) -> None:
    """A notebook that reads the released file and shows everything, executed and saved with its outputs."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    found = released("hidden")
    found.write(tmp_path / "released.json")
    lines = [
        "import katoutcomes as kat",
        "from IPython.display import display",
        "found = kat.Results.read('released.json')",
        "for one in found: display(one, one.to_table(), one.to_frame())",
        "display(found.of('change_from_baseline').plot('trajectory'), kat.audit_release(found))",
    ]
    cells = [nbformat.v4.new_code_cell("\n".join(lines)), nbformat.v4.new_code_cell("found")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=120).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert len(outputs) > 10
    said = " \n ".join(
        words_of_page(text) if kind in {"text/html", "image/svg+xml"} else text
        for output in outputs
        for kind, text in {**output.get("data", {}), "text/plain": output.get("text", "")}.items()
        if kind != "image/png"
    )
    assert [number for number in PLANTED if holds(said, number)] == []
