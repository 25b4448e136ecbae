"""Published numbers are quoted as they were printed, and as context only."""

from __future__ import annotations

import hashlib
import math
import tomllib
from importlib.resources import files

import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.evidence.published import published_outcomes
from katoutcomes.evidence.studies import published_studies, read_studies, studies_text
from katoutcomes.results.result import Result
from katoutcomes.vocabulary import PART_FIELDS

# (term, measure, instrument, value, patients), each from the abstract, caption or official page of the paper whose DOI
# stands in the part "studies".
PRINTED = [
    ("Dore 2019: treated", "count", "", 235.0, 235),
    ("Dore 2019: change in the BDI", "mean change", "BDI", -11.24, None),
    ("Dore 2019: change in the HAM-A", "mean change", "HAM-A", -5.5, None),
    ("Yermus 2024: treated", "count", "", 1806.0, 1806),
    ("Yermus 2024: analyzed", "count", "", 346.0, 346),
    ("Yermus 2024: scored at 3 months", "proportion", "", 346 / 1806, 1806),
    ("Yermus 2024: scored at 6 months", "proportion", "", 94 / 1806, 1806),
    ("McInnes 2022: treated", "count", "", 9016.0, 9016),
    ("McInnes 2022: analyzed", "count", "", 537.0, 537),
    ("McInnes 2022: response", "proportion", "PHQ-9", 0.536, 537),
    ("McInnes 2022: remission", "proportion", "PHQ-9", 0.289, 537),
    ("McInnes 2022: worse", "proportion", "PHQ-9", 0.084, 537),
    ("Hull 2022: analyzed", "count", "", 1247.0, 1247),
    ("Hull 2022: response on the PHQ-9", "proportion", "PHQ-9", 0.628, 1247),
    ("Hull 2022: remission on the PHQ-9", "proportion", "PHQ-9", 0.326, 1247),
    ("Hull 2022: worse on the PHQ-9", "proportion", "PHQ-9", 0.009, 1247),
    ("Hull 2022: response on the GAD-7", "proportion", "GAD-7", 0.629, 1247),
    ("Hull 2022: remission on the GAD-7", "proportion", "GAD-7", 0.313, 1247),
    ("Hull 2022: worse on the GAD-7", "proportion", "GAD-7", 0.006, 1247),
    ("Hietamies 2023: treated", "count", "", 2758.0, 2758),
    ("Hietamies 2023: analyzed", "count", "", 714.0, 714),
    ("Whinkin 2023: analyzed", "count", "", 111.0, 111),
    ("Whinkin 2023: change in the PHQ-9, all", "mean change", "PHQ-9", -3.02, 111),
    ("Whinkin 2023: SD of change in the PHQ-9, all", "standard deviation", "PHQ-9", 6.01, 111),
    ("Whinkin 2023: change in the GAD-7, all", "mean change", "GAD-7", -2.45, 104),
    ("Whinkin 2023: SD of change in the GAD-7, all", "standard deviation", "GAD-7", 6.01, 104),
    ("Whinkin 2023: change in the PHQ-9, substance use", "mean change", "PHQ-9", -7.44, 16),
    ("Whinkin 2023: SD of change in the PHQ-9, substance use", "standard deviation", "PHQ-9", 5.42, 16),
    ("Whinkin 2023: change in the GAD-7, substance use", "mean change", "GAD-7", -6.71, 14),
    ("Whinkin 2023: SD of change in the GAD-7, substance use", "standard deviation", "GAD-7", 9.15, 14),
    ("Wilkinson 2021: analyzed", "count", "", 28.0, 28),
    ("NHS April 2025: treated", "count", "", 57359.0, 57359),
    ("NHS April 2025: analyzed", "count", "", 54672.0, 54672),
    ("NHS April 2025: reliable recovery", "proportion", "", 26457 / 54672, 54672),
]

DOIS = {
    "Dore 2019": "10.1080/02791072.2019.1587556",
    "Yermus 2024": "10.1089/psymed.2023.0021",
    "McInnes 2022": "10.1016/j.jad.2021.12.097",
    "Hull 2022": "10.1016/j.jad.2022.07.004",
    "Hietamies 2023": "10.1016/j.jad.2023.04.141",
    "Whinkin 2023": "10.3389/fpsyt.2023.1160442",
    "Wilkinson 2021": "10.1159/000517074",
    "Moore 2025": "10.1016/j.jad.2025.04.041",
    "NHS April 2025": "",
}


@pytest.fixture(scope="module")
def everything() -> Result:
    return published_outcomes()


def test_every_estimate_is_as_printed_and_there_is_no_other(everything: Result) -> None:
    found = [(e.term, e.measure, e.instrument, e.estimate, e.n_patients) for e in everything.estimates]
    assert found == PRINTED


def test_an_estimate_carries_its_study_and_window_and_no_interval(everything: Result) -> None:
    windows = {study.name: study.follow_up for study in published_studies()}
    for estimate in everything.estimates:
        study = estimate.term.split(": ")[0]
        assert estimate.subgroup == study
        assert estimate.visit == ("" if estimate.term.endswith(": treated") else windows[study])
        unit = {"count": "patients", "proportion": ""}.get(estimate.measure, "points")
        assert estimate.unit == unit
        for field in ("std_error", "df", "conf_low", "conf_high", "conf_level", "statistic", "p_value"):
            assert math.isnan(getattr(estimate, field))


def test_shares_given_as_counts_print_as_the_source_prints_them(everything: Result) -> None:
    recovery = everything.select(term="NHS April 2025: reliable recovery")[0].estimate
    assert f"{recovery:.1%}" == "48.4%"  # as on the official page
    kept = everything.select(term="Yermus 2024: scored at 3 months")[0].estimate
    assert f"{1 - kept:.1%}" == "80.8%"  # not the 82 % that the paper states; said under "not known"


def test_dore_has_no_standard_deviation_and_none_is_made_up(everything: Result) -> None:
    dore = [e for e in everything.estimates if e.subgroup == "Dore 2019"]
    assert {e.measure for e in dore} == {"count", "mean change"}
    assert all(e.n_patients is None for e in dore if e.measure == "mean change")


def test_every_study_has_a_doi_a_design_a_window_and_what_is_not_known(everything: Result) -> None:
    part = everything.part("studies")
    assert part.columns == ("study", "doi", "name", "value", "n_patients", "description")
    assert set(part.columns) <= PART_FIELDS
    assert dict(zip(part.column("study"), part.column("doi"), strict=True)) == DOIS
    for study in DOIS:
        rows = {row[2]: row for row in part.rows if row[0] == study}
        assert rows["design"][5]
        assert rows["analyzed"][5]  # the window
        assert rows["not known"][5]
        assert "treated" in rows


def test_a_number_that_was_not_seen_is_none_and_not_zero(everything: Result) -> None:
    rows = {(row[0], row[2]): row for row in everything.part("studies").rows}
    assert rows["Hull 2022", "treated"][3:] == (None, None, "not seen")
    assert rows["Dore 2019", "analyzed"][3:5] == (None, None)
    assert rows["Moore 2025", "with minus without psychotherapy, PHQ-9 and PCL-5"][3] is None
    assert "no significant difference" in str(
        rows["Moore 2025", "with minus without psychotherapy, PHQ-9 and PCL-5"][5]
    )


def test_effect_sizes_of_unstated_formula_are_listed_but_are_no_estimates(everything: Result) -> None:
    rows = {(row[0], row[2]): row for row in everything.part("studies").rows}
    assert rows["McInnes 2022", "d of the PHQ-9"][3:] == (1.5, 537, "formula not stated")
    assert not [e for e in everything.estimates if e.measure in ("d_av", "d_z", "standardized mean difference")]


def test_it_is_context_and_says_so(everything: Result) -> None:
    assert everything.assumptions[0] == "Published numbers are context, never a benchmark to be beaten."
    assert not everything.estimand.is_causal
    assert everything.verdict == "report"
    assert len(everything.method.sources) == len(DOIS)
    for study, doi in DOIS.items():
        assert doi in "".join(everything.method.sources), study


def test_provenance_is_the_digest_of_the_file(everything: Result) -> None:
    text = files("katoutcomes.evidence").joinpath("studies.toml").read_text("utf-8")
    assert everything.provenance.source == "published"
    assert everything.provenance.digest == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert not everything.provenance.is_synthetic


@pytest.mark.parametrize(
    ("name", "studies"),
    [
        ("PHQ-9", {"Yermus 2024", "McInnes 2022", "Hull 2022", "Whinkin 2023", "Moore 2025", "NHS April 2025"}),
        ("hama", {"Dore 2019"}),
        ("MADRS", {"Wilkinson 2021"}),
        ("qids-sr16", {"Hietamies 2023"}),
        ("BDI", {"Dore 2019"}),
    ],
)
def test_one_scale_gives_the_studies_about_it(name: str, studies: set[str]) -> None:
    assert set(published_outcomes(name).part("studies").column("study")) == studies


def test_one_scale_gives_no_number_of_another() -> None:
    result = published_outcomes("gad-7")
    assert {e.instrument for e in result.estimates} == {"", "GAD-7"}
    assert result.provenance.settings == (("instrument", "GAD-7"),)
    assert result.estimand.endpoint.instrument == "GAD-7"
    assert result.select(term="Hull 2022: response on the GAD-7")
    assert not result.select(term="Hull 2022: response on the PHQ-9")


def test_a_scale_without_a_study_gives_a_warning_and_no_number() -> None:
    # The BDI of Dore 2019 is of an unknown edition and is therefore not the BDI-II.
    result = published_outcomes("BDI-II")
    assert result.estimates == ()
    assert result.warnings == ("no study of the list reports the BDI-II.",)


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(OptionError, match=r"no instrument is called 'Zung'.*The published studies name BDI"):
        published_outcomes("Zung")


def test_no_text_of_the_file_is_long() -> None:
    for study in tomllib.loads(studies_text())["study"]:
        for row in (study, *study.get("estimate", []), *study.get("figure", [])):
            assert all(len(value) <= 240 for value in row.values() if isinstance(value, str)), study["name"]


VALID = """
schema_version = "1.0"

[[study]]
name = "A 2000"
citation = "A et al. 2000"
doi = ""
instruments = ["PHQ-9"]
design = "invented for a test"
follow_up = "four weeks"
not_known = "everything"

[[study.estimate]]
name = "response"
measure = "proportion"
count = 5
n_patients = 20
description = "invented"
"""


def test_a_study_is_read_from_its_text() -> None:
    study = read_studies(VALID, "studies.toml")[0]
    assert (study.n_treated, study.n_analyzed, study.figures) == (None, None, ())
    assert study.estimates[0].value == 0.25


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('schema_version = "1.0"', 'schema_version = "2.0"', "schema_version: must be one of '1.0'"),
        ('doi = ""', "doi = 1", "study 1, doi: must be a text"),
        ('not_known = "everything"\n', "", "study 1, not_known: is missing"),
        ('doi = ""', 'doi = ""\nauthor = "A"', "study 1, author: is not a key"),
        ('doi = ""', 'doi = ""\nn_treated = 0', "study 1, n_treated: must be 1 or more"),
        ("count = 5", "count = 21", "estimate 1, count: must lie between 0 and n_patients"),
        ("n_patients = 20\n", "", "estimate 1, count: must lie between 0 and n_patients"),
        ("count = 5", "value = 25", "estimate 1, value: a share lies between 0 and 1"),
        ('measure = "proportion"', 'measure = "rate"', "estimate 1, measure: must be one of"),
        ('description = "invented"', 'note = "x"', "estimate 1, description: is missing"),
    ],
)
def test_a_malformed_study_is_refused(old: str, new: str, message: str) -> None:
    assert VALID.count(old) == 1
    with pytest.raises(DataError) as caught:
        read_studies(VALID.replace(old, new), "studies.toml")
    assert str(caught.value).startswith("studies.toml has ")
    assert message in str(caught.value)


def test_a_study_cannot_stand_twice() -> None:
    with pytest.raises(DataError, match="two studies have the same name"):
        read_studies(VALID + VALID.split("\n", 2)[2], "studies.toml")
