"""A result as frame, JSON and HTML: exact columns, no NaN, the same bytes back, nothing individual, all escaped."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from katoutcomes.errors import DataError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import IndividualValues, Part, ScorePairs
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, ReleasedResult, Result
from katoutcomes.results.serialization import NOT_FOR_RELEASE, result_from_dict, result_json
from katoutcomes.vocabulary import ESTIMATE_COLUMNS, NUMERIC_ESTIMATE_COLUMNS, SCHEMA_VERSION


def made_up_result(kind=Result, **fields):
    given = {
        "analysis": "made_up",
        "title": "Made up <b>&",
        "estimand": Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean"),
        "method": Method("counting", "Somebody counted.", ("A source.",)),
        "estimates": (
            Estimate(term="a", measure="mean", unit="points", estimate=1 / 3, n_patients=40, n_observations=41),
            Estimate(term="b", measure="threshold", unit="points", estimate=6.0),
            Estimate(term="c", measure="mean", unit="points", suppressed=True, below_minimum=True),
            Estimate(term="d", measure="mean", estimate=np.float64(-0.0), conf_high=math.inf, n_patients=np.int64(12)),
        ),
        "parts": (Part("flow", ("step", "n_patients"), (("all", 40), ("some", None)), ((1, 1),), ((1, 1),)),),
        "assumptions": ("An assumption.",),
        "checks": (Check("patients", False, "caution", 40.0, math.nan, "Few <i>patients</i>."),),
        "warnings": ("Beware <script>.",),
        "provenance": Provenance("frame", "ab" * 32, (("gap_days", "90"),), software=(("katoutcomes", "0"),)),
    }
    return kind(**(given | fields))


def test_frame_has_exactly_the_columns_and_types():
    frame = made_up_result().to_frame()
    assert tuple(frame.columns) == ESTIMATE_COLUMNS
    assert len(frame) == 4
    assert all(frame[name].dtype == np.float64 for name in NUMERIC_ESTIMATE_COLUMNS)
    assert all(frame[name].dtype == pd.Int64Dtype() for name in ("n_patients", "n_observations"))
    words = [name for name in ESTIMATE_COLUMNS if frame[name].dtype != np.float64 and not name.startswith("n_")]
    assert all(isinstance(value, str) for name in words for value in frame[name])
    assert frame.loc[0, "estimate"] == 1 / 3  # a frame holds every digit
    assert frame.loc[0, "analysis"] == "made_up"
    assert frame["n_patients"].isna().tolist() == [False, True, True, False]


def test_a_frame_without_estimates_has_the_same_columns_and_types():
    empty, full = made_up_result(estimates=()).to_frame(), made_up_result().to_frame()
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert len(empty) == 0


def test_json_has_sorted_keys_no_nan_and_one_newline_at_the_end():
    text = made_up_result().to_json()
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(text, parse_constant=refuse)
    assert content["schema_version"] == SCHEMA_VERSION
    assert json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n" == text


def test_json_holds_everything_but_individual_values():
    values = IndividualValues((ScorePairs("week 12", "", np.array([12.345]), np.array([6.789])),))
    with_values = made_up_result(individual_values=values).to_json()
    assert with_values == made_up_result().to_json()
    content = json.loads(with_values)
    assert set(content) == {
        "schema_version",
        "analysis",
        "title",
        "minimum_cell",
        "round_to",
        "estimand",
        "method",
        "estimates",
        "parts",
        "assumptions",
        "checks",
        "verdict",
        "warnings",
        "provenance",
    }
    assert content["estimand"]["sentence"] == made_up_result().estimand.sentence()
    assert content["verdict"] == "with caution"
    assert content["estimates"][0]["estimate"] == 0.333333333333
    assert content["estimates"][1]["n_patients"] is None
    assert content["estimates"][2]["suppressed"] is True
    assert content["estimates"][2]["below_minimum"] is True
    assert content["estimates"][3]["conf_high"] is None  # infinity is no number of JSON
    assert str(content["estimates"][3]["estimate"]) == "0.0"  # and there is no minus zero
    assert content["estimates"][3]["n_patients"] == 12
    assert content["checks"][0]["limit"] is None
    assert content["parts"][0]["suppressed"] == [[1, 1]]


def test_the_last_bit_does_not_change_the_bytes():
    nudged = Estimate(term="a", measure="mean", estimate=np.nextafter(0.1, 1.0), n_patients=40)
    exact = Estimate(term="a", measure="mean", estimate=0.1, n_patients=40)
    assert made_up_result(estimates=(nudged,)).to_json() == made_up_result(estimates=(exact,)).to_json()


@pytest.mark.parametrize("kind", [Result, ReleasedResult])
def test_back_from_json_and_the_same_bytes_again(kind):
    extra = {"minimum_cell": 11} if kind is ReleasedResult else {}
    text = made_up_result(kind, **extra).to_json()
    back = result_from_dict(json.loads(text))
    assert type(back) is kind
    assert result_json(back) == text
    assert math.isnan(back.estimates[2].estimate)
    assert math.isnan(back.checks[0].limit)
    assert isinstance(back.estimates[1].estimate, float)
    assert back.parts[0].suppressed == ((1, 1),)
    assert back.provenance.settings == (("gap_days", "90"),)


def test_another_layout_or_a_missing_field_is_refused():
    content = json.loads(made_up_result().to_json())
    with pytest.raises(DataError, match="layout"):
        result_from_dict({**content, "schema_version": "0.1"})
    with pytest.raises(DataError, match="lacks a field"):
        result_from_dict({name: value for name, value in content.items() if name != "checks"})
    with pytest.raises(DataError, match="one too many"):
        result_from_dict({**content, "method": {**content["method"], "extra": 1}})


def test_html_is_escaped_and_says_what_is_not_for_release():
    html = made_up_result()._repr_html_()
    assert NOT_FOR_RELEASE in html
    for raw in ("<script>", "<i>patients", "<b>&"):
        assert raw not in html
    assert "Beware &lt;script&gt;." in html
    assert "Verdict: with caution. Few &lt;i&gt;patients&lt;/i&gt;." in html
    assert "0.3" in html
    released = made_up_result(ReleasedResult, minimum_cell=11)._repr_html_()
    assert NOT_FOR_RELEASE not in released
    assert "&lt;11" in released
