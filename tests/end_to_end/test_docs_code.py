"""The Python of the pages, run as it stands there, for somebody who has a registry, a cohort and an analysis set."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
OWN_NAMES = frozenset({"patient_id", '"visit 12"'})
"""What a block takes from the reader."""
PAGES = (
    "how_to/release_results.md",
    "how_to/published_studies.md",
    "methods/care_pathway.md",
    "methods/change_correlation.md",
    "methods/change_from_baseline.md",
    "methods/clinical_significance.md",
    "methods/cohorts.md",
    "methods/describe.md",
    "methods/dropout.md",
    "methods/emulate_trial.md",
    "methods/from_summary.md",
    "methods/mmrm.md",
    "methods/multiverse.md",
    "methods/outcome_family.md",
    "methods/outcomes_over_time.md",
    "methods/participant_flow.md",
    "methods/safety.md",
    "methods/session_dose_response.md",
)


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    registry = kat.simulate_registry(seed=20260930, n_patients=300)
    cohort = kat.select_cohort(registry)
    data = cohort.analysis_set("PHQ-9", treatment="program_booked")
    result = kat.change_from_baseline(data)
    return {"kat": kat, "registry": registry, "cohort": cohort, "data": data, "result": result}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(
    page: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    if page == "how_to/release_results.md":
        results = kat.run(kat.AnalysisPlan.default(), given["registry"])
        results.release().write("released_2026Q2.json")
        given = {**given, "results": results}
    names = dict(given)
    blocks = BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert blocks
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kat.KatOutcomesWarning)
        for block in blocks:
            if not any(name in block for name in OWN_NAMES):
                exec(block, names)  # noqa: S102 - our own pages
