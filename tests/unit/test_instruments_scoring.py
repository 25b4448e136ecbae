"""Totals and bands scored by hand, and answers that cannot be."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from katoutcomes.errors import DataError, DesignError, OptionError
from katoutcomes.instruments.answers import safety_flags
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.instrument import Band, DefinitionSet
from katoutcomes.instruments.item_arithmetic import ProratingRule
from katoutcomes.instruments.scoring import check_totals, score_items, score_subscales, severity_band, to_own_metric

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "answers", "total"),
    [
        ("PHQ-9", [0, 1, 2, 3, 0, 1, 2, 3, 0], 12.0),
        ("PHQ-9", [3] * 9, 27.0),
        ("GAD-7", [1, 1, 2, 0, 3, 0, 2], 9.0),
        ("BDI-II", [0] * 20 + [3], 3.0),
        ("BDI-II", [1, 2, 3] * 7, 42.0),
        ("HAM-A", [4] * 14, 56.0),
        ("MADRS", [6, 5, 4, 3, 2, 1, 0, 6, 5, 4], 36.0),
        ("PCL-5", [0, 1, 2, 3, 4] * 4, 40.0),
    ],
)
def test_totals_scored_by_hand(name: str, answers: list[int], total: float) -> None:
    scored = score_items(instrument(name), [answers])
    assert scored.totals.tolist() == [total]
    assert (scored.n_complete, scored.n_incomplete) == (1, 0)
    assert scored.n_items_answered.tolist() == [len(answers)]


def test_reverse_keyed_items_are_reversed_before_adding() -> None:
    # Items of 1 to 5; the second and third are reversed: 2 + (6 - 5) + (6 - 1) = 8.
    scale = dataclasses.replace(
        instrument("GAD-7"), n_items=3, item_minimum=1, item_maximum=5, reverse_items=(2, 3), minimum=3, maximum=15
    )
    assert score_items(scale, [[2, 5, 1], [1, 1, 5]]).totals.tolist() == [8.0, 7.0]


def test_a_missing_item_gives_no_total_and_is_counted() -> None:
    full = [3, 2, 1, 0, 3, 2, 1]
    masked = np.ma.masked_array([full, full, full], mask=[[0] * 7, [1] + [0] * 6, [1] * 7])
    with_nan = [full, [NAN, *full[1:]], [NAN] * 7]
    for items in (masked, with_nan):
        scored = score_items(instrument("GAD-7"), items)
        assert scored.totals[0] == 12.0
        assert np.isnan(scored.totals[1:]).all()
        assert scored.n_items_answered.tolist() == [7, 6, 0]
        assert (scored.n_complete, scored.n_incomplete) == (1, 2)


def test_no_row_is_no_problem() -> None:
    scored = score_items(instrument("PHQ-9"), np.empty((0, 9)))
    assert scored.totals.shape == (0,)
    assert (scored.n_complete, scored.n_incomplete) == (0, 0)


def test_input_is_left_as_it_was() -> None:
    scale = dataclasses.replace(instrument("GAD-7"), reverse_items=(1,))
    items = np.ones((2, 7))
    score_items(scale, items)
    assert (items == 1.0).all()


@pytest.mark.parametrize("shape", [(2, 8), (2, 10), (9,), (1, 9, 1)])
def test_a_wrong_number_of_items_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"items of the PHQ-9 must be a table of 9 columns"):
        score_items(instrument("PHQ-9"), np.zeros(shape))


@pytest.mark.parametrize("wrong", [4.0, -1.0, 1.5, np.inf, 77777.0])
def test_an_illegal_answer_is_named_by_item_and_row_and_never_by_value(wrong: float) -> None:
    items = np.zeros((5, 9))
    items[2, 3] = wrong
    items[4, 3] = wrong
    items[0, 8] = wrong
    with pytest.raises(DataError) as caught:
        score_items(instrument("PHQ-9"), items)
    assert str(caught.value) == (
        "an item of the PHQ-9 is a whole number from 0 to 3; it is not for item 4 in rows 3, 5; item 9 in row 1."
    )


def test_long_lists_of_rows_are_cut() -> None:
    with pytest.raises(DataError, match=re.escape("rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 5 more")):
        score_items(instrument("PHQ-9"), np.full((15, 9), 9.0))


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_both_ends_of_every_band_belong_to_it(scale: object) -> None:
    for definition in scale.definitions("bands"):  # type: ignore[attr-defined]
        for code, band in enumerate(definition.bands):
            banded = severity_band(scale, [band.low, band.high], definition.id)  # type: ignore[arg-type]
            assert banded.codes.tolist() == [code, code]
            assert banded.labels[code] == band.label
            assert banded.definition_set == definition.id


def test_an_unknown_score_has_no_band() -> None:
    assert severity_band(instrument("PHQ-9"), [NAN, 9, 10]).codes.tolist() == [-1, 1, 2]


def test_sources_that_disagree_give_different_bands() -> None:
    hama = instrument("HAM-A")
    matza, classic = severity_band(hama, [24]), severity_band(hama, [24], "classic_bands")
    assert matza.labels[matza.codes[0]] == "severe"
    assert classic.labels[classic.codes[0]] == "mild to moderate"


def test_an_illegal_total_is_named_by_row_and_never_by_value() -> None:
    with pytest.raises(DataError) as caught:
        severity_band(instrument("PHQ-9"), [5, 28, 4.5, NAN])
    assert str(caught.value) == "a total of the PHQ-9 is a whole number from 0 to 27; it is not in rows 2, 3."
    with pytest.raises(DataError, match="one column of numbers"):
        severity_band(instrument("PHQ-9"), [[5]])


def test_a_scale_without_bands_says_so() -> None:
    with pytest.raises(OptionError, match="PCL-5 has no default bands"):
        severity_band(instrument("PCL-5"), [40])


def test_the_qids_counts_the_largest_item_of_each_domain() -> None:
    # Sleep 1-4, appetite and weight 6-9, psychomotor 15-16; the others alone. All items 3: 9 domains of 3, not 48.
    qids = instrument("QIDS-SR16")
    rows = [
        [3] * 16,
        [1, 3, 0, 2, 1, 0, 2, 0, 1, 2, 1, 0, 3, 1, 0, 2],  # 3 + 1 + 2 + 2 + 1 + 0 + 3 + 1 + 2
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    assert score_items(qids, rows).totals.tolist() == [27.0, 15.0, 2.0]


def test_means_and_factors_by_hand() -> None:
    dass = instrument("DASS-21")
    items = np.zeros((1, 21))
    items[0, [number - 1 for number in (3, 5, 10, 13, 16, 17, 21)]] = [1, 2, 3, 0, 1, 1, 2]  # 10, doubled
    assert {key: found.totals[0] for key, found in score_subscales(dass, items).items()} == {
        "dass21_d": 20.0,
        "dass21_a": 0.0,
        "dass21_s": 0.0,
    }
    severity = instrument("bpi_sev")
    assert score_items(severity, [[7, 3, 5, 4]]).totals.tolist() == [4.75]


def test_items_have_their_own_legal_answers() -> None:
    hamd = instrument("HAM-D17")
    assert score_items(hamd, [[4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 4, 2, 2]]).totals.tolist() == [52.0]
    rows = np.zeros((2, 17))
    rows[1, [0, 3]] = [3, 3]  # 3 is legal for item 1, not for item 4
    with pytest.raises(DataError) as caught:
        score_items(hamd, rows)
    assert str(caught.value) == ("an item of the HAM-D17 is a whole number from 0 to 2; it is not for item 4 in row 2.")
    audit = np.zeros((1, 10))
    audit[0, 8] = 3
    with pytest.raises(DataError, match="is 0, 2 or 4; it is not for item 9 in row 1"):
        score_items(instrument("AUDIT"), audit)


def test_prorating_is_done_only_when_asked_for_and_is_counted() -> None:
    # The Australian rule: 10 items of 1 to 5, at most two missing, sum x 10 / answered, rounded half up.
    k10 = instrument("K10")
    rule = k10.prorating[0]
    rows = np.full((4, 10), 2.0)
    rows[1, :2] = NAN  # 16 x 10 / 8 = 20
    rows[2, [0, 1]], rows[2, 2] = NAN, 4  # 18 x 10 / 8 = 22.5, so 23
    rows[3, :3] = NAN  # too many
    assert np.isnan(score_items(k10, rows).totals[1:]).all()
    scored = score_items(k10, rows, prorating=rule.name)
    np.testing.assert_array_equal(scored.totals, [20.0, 20.0, 23.0, NAN])
    assert (scored.n_prorated, scored.n_complete, scored.n_incomplete) == (2, 1, 3)
    assert scored.is_prorated.tolist() == [False, True, True, False]
    assert scored.notes == (f"2 totals were prorated by the rule {rule.name}.",)
    with pytest.raises(OptionError, match="prorating rule of the PHQ-9 must be one of nothing"):
        score_items(instrument("PHQ-9"), np.zeros((1, 9)), prorating="mean_of_the_others")


def test_a_prorated_total_without_its_safety_item_says_so() -> None:
    rule = ProratingRule("invented", 2, "none", "invented for a test")
    scale = dataclasses.replace(instrument("PHQ-9"), prorating=(rule,))
    rows = np.ones((3, 9))
    rows[1, 8] = NAN
    rows[2, 0] = NAN
    scored = score_items(scale, rows, prorating="invented")
    assert scored.totals.tolist() == [9.0, 9.0, 9.0]
    assert (scored.n_prorated, scored.n_prorated_without_safety_item) == (2, 1)
    assert "1 of them lack an item about suicide or self-harm" in scored.notes[1]


@pytest.mark.parametrize("name", ["C-SSRS Screener", "EQ-5D-5L index"])
def test_items_that_are_never_added_are_not_added(name: str) -> None:
    scale = instrument(name)
    with pytest.raises(DesignError, match="are never added up"):
        score_items(scale, np.zeros((1, scale.n_items)))


def test_sub_scales_of_the_pcl5_add_up_to_it_and_need_their_own_items_only() -> None:
    items = np.array([[0.0, 1, 2, 3, 4] * 4, [1.0] * 20])
    items[1, 19] = NAN  # the last item belongs to the last cluster
    parts = score_subscales(instrument("PCL-5"), items)
    assert [found.totals[0] for found in parts.values()] == [10.0, 1.0, 15.0, 14.0]
    assert [found.totals[1] for found in parts.values()][:3] == [5.0, 2.0, 7.0]
    assert np.isnan(parts["pcl5_e"].totals[1])
    assert sum(found.totals[0] for found in parts.values()) == score_items(instrument("PCL-5"), items).totals[0]
    with pytest.raises(TypeError):
        parts["pcl5_b"] = parts["pcl5_c"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "answers", "wrong", "explanation"),
    [
        ("QIDS-SR16", [2] * 16, 32.0, "they are the plain sum of all items"),
        ("dass21_d", [1] * 7, 7.0, "they are the plain sum of all items"),
        ("PSWQ", [1] * 16, 16.0, "they are the sum of the items without reversing"),
        ("PCL-5", [1] * 20, 1.0, "they are the mean of the items"),
        ("K10", [2] * 10, 10.0, "they are the metric"),
        ("PHQ-9", [1] * 9, 8.0, ""),
    ],
)
def test_a_total_that_differs_from_its_items_is_found_and_explained(
    name: str, answers: list[int], wrong: float, explanation: str
) -> None:
    scale = instrument(name)
    right = score_items(scale, [answers]).totals[0]
    found = check_totals(scale, [answers, answers, answers], [right, wrong, NAN])
    assert (found.rows.tolist(), found.n_compared) == ([2], 2)
    assert found.explanation.startswith(explanation)
    assert bool(found.explanation) is bool(explanation)
    assert check_totals(scale, [answers], [right]).explanation == ""
    with pytest.raises(DataError, match="one total a row"):
        check_totals(scale, [answers], [right, right])


def test_safety_items_are_flagged_unknown_or_denied() -> None:
    rows = np.zeros((4, 9))
    rows[1, 8] = 1
    rows[2, 8] = NAN
    rows[3, 7] = 3  # another item
    flags = safety_flags(instrument("PHQ-9"), rows)
    assert flags.is_flagged.tolist() == [False, True, False, False]
    assert flags.is_unknown.tolist() == [False, False, True, False]
    assert (flags.n_flagged, flags.n_unknown, flags.items, flags.at_least) == (1, 1, (9,), 1)
    silent = safety_flags(instrument("GAD-7"), np.full((2, 7), 3))
    assert (silent.n_flagged, silent.n_unknown, silent.items) == (0, 2, ())
    whole = dataclasses.replace(instrument("PHQ-9"), safety_items=(8, 9), safety_at_least=2)
    rows[0, 8] = 1
    assert safety_flags(whole, rows).is_flagged.tolist() == [False, False, False, True]


def test_totals_of_another_metric_become_those_of_the_scale() -> None:
    k10 = instrument("K10")
    own, other = k10.metrics
    assert to_own_metric(k10, [0, 40, NAN], other.name).tolist()[:2] == [10.0, 50.0]
    assert to_own_metric(k10, [10, 50], own.name).tolist() == [10.0, 50.0]
    with pytest.raises(OptionError, match="reported in several metrics; name one"):
        to_own_metric(k10, [30])
    with pytest.raises(OptionError, match="the metrics of the K10 are"):
        to_own_metric(k10, [30], "percent")
    with pytest.raises(DataError, match="lies between 0 and 40; it does not in row 2"):
        to_own_metric(k10, [30, 41], other.name)
    assert to_own_metric(instrument("PHQ-9"), [27]).tolist() == [27.0]


def test_a_prorated_total_between_two_bands_is_in_neither() -> None:
    # Nine answered items of the CORE-10 that add up to k give 10 k / 9; its bands are 0 to 10, 11 to 14, 15 to 19 ...
    core10 = instrument("CORE-10")
    totals = [10 * k / 9 for k in (9, 9.5, 10, 11, 13)] + [40.0, NAN]
    banded = severity_band(core10, totals)  # 10, 10.6, 11.1, 12.2, 14.4
    assert banded.codes.tolist() == [0, -1, 1, 1, -1, 4, -1]
    assert banded.n_between_bands == 2
    with pytest.raises(DataError, match="is a number from 0 to 40; it is not in row 1"):
        severity_band(core10, [40.5])
    unruled = dataclasses.replace(core10, prorating=())
    with pytest.raises(DataError, match="it is not in rows 2, 3"):
        severity_band(unruled, [10, 10.6, 12.2])
    assert severity_band(unruled, [10, 11]).n_between_bands == 0


def test_bands_of_continuous_totals_share_their_ends() -> None:
    bands = DefinitionSet(
        "x/y", "bands", NAN, (Band("mild", 0, 4.5), Band("severe", 4.5, 10)), "invented for a test", is_default=True
    )
    scale = dataclasses.replace(instrument("bpi_sev"), definition_sets=(bands,))
    assert severity_band(scale, [4.4, 4.5, 4.6, NAN]).codes.tolist() == [0, 1, 1, -1]
    turned = dataclasses.replace(
        scale,
        direction="higher_is_better",
        definition_sets=(dataclasses.replace(bands, bands=(Band("well", 4.5, 10), Band("ill", 0, 4.5))),),
    )
    assert severity_band(turned, [4.4, 4.5, 4.6]).codes.tolist() == [1, 1, 0]
    with pytest.raises(DataError, match="is a number from 0 to 10; it is not in row 1"):
        severity_band(scale, [10.5])
