"""The main job: the sample's files in, the report out; all of it there, the same bytes again, nothing small."""

from __future__ import annotations

import csv
import html.parser
import json
import re
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat

pytestmark = pytest.mark.xdist_group("sample report")

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
MINIMUM_CELL = 11


@pytest.fixture(scope="module")
def folder(sample_report: Path) -> Path:
    return sample_report


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return loaded


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_promised_is_written(folder: Path, summary: dict[str, Any]) -> None:
    names = set(contents(folder))
    assert {"report.html", "report.pdf", "summary.json", "summary.md", "manifest.sha256"} <= names
    for figure in summary["figures"]:
        assert {f"figures/{figure}.{ending}" for ending in ("svg", "png", "csv", "txt")} <= names
        assert f"figures/{figure}_thumbnail.png" in names
    for table in summary["tables"]:
        assert f"tables/{table}.csv" in names
    assert len(summary["figures"]) == len(set(summary["figures"]))
    assert len(summary["tables"]) == len(set(summary["tables"]))
    analyses = {result["analysis"] for result in summary["results"]}
    assert analyses == {
        "data_quality",
        "quality_gates",
        "participant_flow",
        "describe",
        "change_from_baseline",
        "clinical_significance",
        "cohort_difference",
        "safety",
        "dropout",
        "outcomes_over_time",
        "compare_sites",
    }
    instruments = {result["estimand"]["endpoint"]["instrument"] for result in summary["results"]}
    assert {"PHQ-9", "GAD-7", "BDI-II", "HAM-A"} <= instruments


def test_the_first_instrument_is_told_in_full_and_the_others_in_one_table(
    folder: Path, summary: dict[str, Any]
) -> None:
    assert "instruments_in_brief" in summary["tables"]
    with (folder / "tables" / "instruments_in_brief.csv").open(encoding="utf-8", newline="") as file:
        assert {row["Section"] for row in csv.DictReader(file)} == {"GAD-7", "BDI-II", "HAM-A"}
    assert [name for name in (*summary["tables"], *summary["figures"]) if "gad_7" in name or "hama" in name] == []
    assert any("phq_9" in name for name in summary["figures"])


def test_the_manifest_tells_whether_a_file_was_changed(folder: Path) -> None:
    lines = (folder / "manifest.sha256").read_text(encoding="utf-8").splitlines()
    told = dict(reversed(line.split("  ", 1)) for line in lines)
    found = {name: sha256(content).hexdigest() for name, content in contents(folder).items()}
    del found["manifest.sha256"]
    assert told == found


def test_page_one_has_the_numbers_a_lead_asks_for(summary: dict[str, Any], folder: Path) -> None:
    with (folder / "tables" / "key_numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["Section"], row["What was counted or measured"]): row for row in csv.DictReader(file)}
    own = "PHQ-9 at week 12"
    wanted = {
        ("Patients", "Patients in the registry"),
        ("Patients", "With a baseline score"),
        *((own, f"Reliable {way}") for way in ("improvement", "deterioration")),
        (own, "No reliable change"),
        (own, "Mean change, points"),
        (own, "Scored again (paired completeness)"),
        (own, "With integration minus ketamine only, adjusted, points"),
        ("What went badly", "Patients with a serious adverse event"),
    }
    assert wanted <= rows.keys()
    change = next(
        one
        for result in summary["results"]
        for one in result["estimates"]
        if (result["analysis"], one["instrument"], one["term"], one["measure"], one["visit"], one["subgroup"])
        == ("change_from_baseline", "PHQ-9", "change", "mean change", "week 12", "")
    )
    shown = rows[own, "Mean change, points"]
    assert shown["Number"].lstrip("'") == f"\u2212{-change['estimate']:.1f}"
    assert shown["Of how many"] == f"{change['n_patients']} patients"


def test_the_step_summary_fits_a_ci_page(folder: Path) -> None:
    text = (folder / "summary.md").read_text(encoding="utf-8")
    assert len(text.encode()) < 2**20 / 2  # a step summary beyond 1 MiB is dropped
    assert "<img" not in text
    assert "![" not in text
    assert "The numbers of this report at a glance" in text


def test_files_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    flow = kat.participant_flow(kat.select_cohort(kat.simulate_registry(seed=3, n_patients=60)).analysis_set("PHQ-9"))
    results = kat.Results("Outcomes", (flow,)).release()
    for inner in ("figures/earlier.svg", "tables/earlier.csv", "report.pdf", "notes.txt"):
        (tmp_path / inner).parent.mkdir(exist_ok=True)
        (tmp_path / inner).write_text("earlier", encoding="utf-8")
    written = kat.write_report(results, tmp_path, pdf=False)
    found = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert found - set(written) == {tmp_path / "notes.txt"}


def test_no_small_cell_stands_in_the_summary(summary: dict[str, Any]) -> None:
    for result in summary["results"]:
        for estimate in result["estimates"]:
            shown = not estimate["suppressed"]
            assert shown or estimate["estimate"] is None
            if shown and estimate["measure"] == "proportion" and estimate["n_patients"]:
                count = round(estimate["estimate"] * estimate["n_patients"])
                for cell in (count, estimate["n_patients"] - count):
                    assert cell == 0 or cell >= MINIMUM_CELL, (result["analysis"], estimate["term"])
            if shown and estimate["n_patients"]:
                assert estimate["n_patients"] >= MINIMUM_CELL


def test_the_flow_adds_up(summary: dict[str, Any]) -> None:
    flow = next(result for result in summary["results"] if result["analysis"] == "participant_flow")
    part = next(part for part in flow["parts"] if part["name"] == "flow")
    kind, n_patients = part["columns"].index("kind"), part["columns"].index("n_patients")
    chain = [(row[kind], row[n_patients]) for row in part["rows"] if row[kind] in {"stage", "excluded"}]
    left = chain[0][1]
    taken = 0
    for what, count in chain[1:]:
        if count is None:
            return  # hidden: nothing from here on can be held against what stands before
        if what == "excluded":
            taken += count
        else:
            assert left - taken == count
            left, taken = count, 0
    assert taken == 0


class _Page(html.parser.HTMLParser):
    """Collects what an accessible, self-contained page must and must not have."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input", "col"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.text: list[str] = []
        self.headings: list[int] = []
        self.unscoped = 0
        self.captions = 0
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for name in ("src", "href", "xlink:href"):
            value = found.get(name) or ""
            if value.startswith(("http:", "https:", "//")) and tag in {"script", "link", "img", "image", "use"}:
                self.fetched.append(value)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.unscoped += tag == "th" and "scope" not in found

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_is_well_formed_self_contained_and_accessible(folder: Path) -> None:
    page = _Page()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    assert page.fetched == []
    assert sorted({name for name in page.ids if page.ids.count(name) > 1}) == []
    assert page.tables > 0
    assert page.captions == page.tables
    assert page.unscoped == 0
    assert page.headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(page.headings))


def test_the_page_says_what_it_must(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Synthetic data" in page
    assert "What this cannot say" in page
    assert "not a monitoring or medical device" in page
    assert page.index('id="flow"') < page.index('id="phq9-change"') < page.index('id="cannot-say"')
    for word in ("nan", "None", "inf "):
        assert f">{word}<" not in page


def test_the_report_does_not_name_the_machine(folder: Path) -> None:
    for name, content in contents(folder).items():
        assert str(SAMPLE).encode() not in content, name
        assert str(Path.home()).encode() + b"/" not in content, name


def test_results_that_were_not_released_are_refused(tmp_path: Path) -> None:
    results = kat.run(kat.AnalysisPlan.default(), kat.read_registry(SAMPLE))
    with pytest.raises(kat.DisclosureError):
        kat.write_report(results, tmp_path)


def test_a_plan_on_a_group_known_later_is_refused(tmp_path: Path) -> None:
    plan = replace(kat.AnalysisPlan.default(), treatment="any_integration_by_day_84")
    with pytest.raises(kat.ImmortalTimeError):
        kat.outcome_report(SAMPLE, tmp_path, plan=plan)
