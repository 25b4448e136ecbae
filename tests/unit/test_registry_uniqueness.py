"""Classes of patients who share what others may know, against a plain count. All data are synthetic."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.registry.privacy.uniqueness import UniquenessReport, uniqueness
from katoutcomes.registry.registry import Registry


def registry_of(patients: pd.DataFrame) -> Registry:
    keys = patients["patient_id"].tolist()
    sessions = pd.DataFrame({"session_id": [f"S{key}" for key in keys], "patient_id": keys, "day": 0, "kind": "dosing"})
    return kat.read_registry({"patients": patients, "sessions": sessions})


def test_classes_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(11)
    n = 400
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{number}" for number in range(n)],
            "age_years": rng.integers(12, 90, n),
            "sex": rng.choice(["female", "male", None], n),
            "site": rng.choice(["North", "South", None], n, p=[0.7, 0.2, 0.1]),
            "diagnoses": rng.choice(["ptsd", "depression", "ptsd;depression"], n),
        }
    )
    with closing(registry_of(patients)) as registry:
        table = registry.table("patients")
        for variables in (("age_band", "sex", "site", "diagnoses"), ("sex",), ("site", "age_years")):
            sizes = Counter(tuple(row) for row in table[list(variables)].astype(object).fillna("?").to_numpy().tolist())
            found = uniqueness(registry, variables)
            counts = list(sizes.values())
            assert found.n_patients == n
            assert found.smallest_class == min(counts)
            assert found.n_unique == sum(size for size in counts if size == 1)
            assert found.n_below_5 == sum(size for size in counts if size < 5)
            assert found.n_below_11 == sum(size for size in counts if size < 11)
            assert sum(found.n_classes) == len(sizes)
            assert found.share_unique == pytest.approx(found.n_unique / n)
        warned = {w.rule: w for w in registry.load_report.warnings}
        assert warned["small_classes"].n_rows == uniqueness(registry).n_below_5


@pytest.mark.parametrize(
    ("n_unique", "verdict"), [(5, "at most 5%"), (6, "above 5%"), (20, "above 5%"), (21, "above 20%")]
)
def test_the_share_is_held_against_two_marks(n_unique: int, verdict: str) -> None:
    report = UniquenessReport(("sex",), 100, (n_unique, 0, 0, 1), (n_unique, 0, 0, 100 - n_unique), 1)
    assert report.verdict.startswith(verdict)
    assert "inside the clinic" in report.to_text()


def test_the_report_shows_counts_and_no_class() -> None:
    patients = pd.DataFrame({"patient_id": ["P1", "P2", "P3"], "site": ["CANARYSITE", "North", "North"]})
    with closing(registry_of(patients)) as registry:
        report = uniqueness(registry, ("site",))
    assert report.to_frame()["n_patients"].tolist() == [1, 2, 0, 0]
    assert "CANARYSITE" not in report._repr_html_() + report.to_text() + repr(report)
    assert "<th scope='row'>2 to 4</th><td>1</td><td>2</td>" in report._repr_html_()


def test_large_classes_are_not_warned_of() -> None:
    patients = pd.DataFrame({"patient_id": [f"P{number}" for number in range(12)], "sex": "female"})
    with closing(registry_of(patients)) as registry:
        assert "small_classes" not in {warning.rule for warning in registry.load_report.warnings}
        assert uniqueness(registry).smallest_class == 12


@pytest.mark.parametrize("variables", [(), ("sex", "sex"), ("patient_id",), ("height",)])
def test_variables_are_columns_that_others_may_know(variables: tuple[str, ...]) -> None:
    patients = pd.DataFrame({"patient_id": ["P1"], "sex": ["female"]})
    with closing(registry_of(patients)) as registry, pytest.raises(OptionError, match="variables must be"):
        uniqueness(registry, variables)
