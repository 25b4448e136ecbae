"""Jacobson and Truax, patient by patient, against the R package clinicalsignificance 3.0.0 (data set claus_2020).

That package's cut-off b uses the standard deviation of the clinical sample, where Jacobson and Truax (1991) use the
functional one; b is therefore not compared.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.kernels.individual.reliable_change import (
    DETERIORATED,
    IMPROVED,
    RECOVERED,
    UNCHANGED,
    combined_classes,
    cut_off_a,
    cut_off_c,
    moves,
    reliable_change,
)

FILE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "clinical_significance" / "claus_bdi.json"
ROUNDING = 1e-12
"""Closed formulas in double precision."""
NAMES = {"Recovered": RECOVERED, "Improved": IMPROVED, "Unchanged": UNCHANGED, "Deteriorated": DETERIORATED}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILE.exists(), reason="the shared reference data are not here"),
]


@pytest.fixture(scope="module")
def claus():
    return json.loads(FILE.read_text())["claus_bdi"]


def change_of(entry, level=0.95):
    table = entry["augmented"]
    baseline, follow_up = (np.array(table[column], dtype=float) for column in ("pre", "post"))
    sd = baseline.std(ddof=1)
    assert sd == pytest.approx(entry["descr"]["sd_pre"], rel=ROUNDING)
    return baseline, follow_up, reliable_change(baseline, follow_up, sd, entry["reliability"], sign=-1, level=level)


def counts(table):
    return {NAMES[name]: n for name, n in zip(table["category"], table["n"], strict=True) if name in NAMES and n}


@pytest.mark.parametrize(("name", "level"), [("distribution_JT", 0.95), ("distribution_JT_alpha10", 0.90)])
def test_reliable_change_of_every_patient(claus, name, level):
    entry = claus[name]
    _, _, change = change_of(entry, level)
    table = entry["augmented"]
    assert change.standard_error == pytest.approx(entry["rci_scalars"]["s_diff"], rel=ROUNDING)
    assert change.threshold == pytest.approx(entry["critical_value"] * entry["rci_scalars"]["s_diff"], rel=ROUNDING)
    assert change.index == pytest.approx(table["rci"], rel=ROUNDING, abs=ROUNDING)
    for label, code in (("improved", IMPROVED), ("unchanged", UNCHANGED), ("deteriorated", DETERIORATED)):
        assert (change.classes == code).tolist() == table[label]
    assert Counter(change.classes.tolist()) == counts(entry["summary_table"])


@pytest.mark.parametrize("kind", ["a", "c"])
def test_recovery_of_every_patient(claus, kind):
    entry = claus[f"combined_JT_{kind}"]
    baseline, follow_up, change = change_of(entry)
    norms = entry["cutoff"]
    mean, sd = norms["m_clinical"], norms["sd_clinical"]
    cut_off = (
        cut_off_a(mean, sd, sign=-1)
        if kind == "a"
        else cut_off_c(norms["m_functional"], norms["sd_functional"], mean, sd)
    )
    assert cut_off == pytest.approx(norms["value"], rel=ROUNDING)
    assert (baseline > cut_off).tolist() == entry["cutoff_data"]["clinical_pre"]
    assert (follow_up < cut_off).tolist() == entry["cutoff_data"]["functional_post"]
    classes = combined_classes(change.classes, moves(baseline, follow_up, cut_off, sign=-1))
    assert (classes == RECOVERED).tolist() == entry["augmented"]["recovered"]
    assert Counter(classes.tolist()) == counts(entry["summary_table"]["individual_level_summary"])


def test_shares_of_each_group_through_the_analysis(claus):
    """The same counts from `clinical_significance`, overall and for each arm; the sample stands in for the norms."""
    entry = claus["combined_JT_c_grouped"]
    table = entry["augmented"]
    frame = {"id": table["id"], "week": 12, "arm": table["group"], "bdi": table["post"], "before": table["pre"]}
    data = kat.AnalysisSet.from_frame(
        pd.DataFrame(frame),
        patient="id",
        visit="week",
        score="bdi",
        baseline="before",
        treatment="arm",
        treatment_known_by_day=0,
        instrument="BDI-II",
    )
    result = kat.clinical_significance(
        data,
        reliability=kat.Reliability(entry["reliability"], "retest", "illustrative"),
        norms=kat.Norms(
            entry["cutoff"]["m_functional"], entry["cutoff"]["sd_functional"], np.nan, np.nan, "as the peer"
        ),
    )
    terms = {
        "recovered": "Recovered",
        "improved, not recovered": "Improved",
        "no reliable change": "Unchanged",
        "reliable deterioration": "Deteriorated",
    }
    summary = entry["summary_table"]["individual_level_summary"]
    expected = dict(zip(zip(summary["group"], summary["category"], strict=True), summary["n"], strict=True))
    for arm in ("TAU", "PA"):
        for term, category in terms.items():
            share = result.select(term=term, definition_set="jacobson_truax", subgroup=f"arm: {arm}")[0]
            assert share.n_counted == expected[arm, category]
            assert share.n_patients == table["group"].count(arm)
