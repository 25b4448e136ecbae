"""Totals and bands scored by hand, and answers that cannot be."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.scoring import score_items, severity_band

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
