"""What must hold of every total, whatever the answers."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from katoutcomes.instruments.catalog import instruments
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.item_arithmetic import Scoring
from katoutcomes.instruments.scoring import score_items, severity_band

Questionnaires = tuple[Instrument, NDArray[np.float64]]

# Plain sums of items that all have the same answers; the other kinds are in test_instruments_scoring.py.
SUMS = tuple(scale for scale in instruments() if scale.scoring == Scoring() and not scale.item_ranges)


@st.composite
def questionnaires(draw: st.DrawFn, *, may_miss: bool = True) -> Questionnaires:
    """Draw a scale, some reverse keys, and answers to it."""
    scale = draw(st.sampled_from(SUMS))
    reverse = draw(st.sets(st.integers(1, scale.n_items)))
    answer: st.SearchStrategy[float] = st.integers(scale.item_minimum, scale.item_maximum).map(float)
    if may_miss:
        answer = st.one_of(answer, st.just(float("nan")))
    row = st.lists(answer, min_size=scale.n_items, max_size=scale.n_items)
    rows = draw(st.lists(row, min_size=1, max_size=6))
    return dataclasses.replace(scale, reverse_items=tuple(sorted(reverse))), np.array(rows)


@given(questionnaires(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(drawn: Questionnaires, random: object) -> None:
    scale, items = drawn
    order = list(range(len(items)))
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = score_items(scale, items), score_items(scale, items[order])
    np.testing.assert_array_equal(first.totals[order], second.totals)
    np.testing.assert_array_equal(first.n_items_answered[order], second.n_items_answered)
    assert (first.n_complete, first.n_incomplete) == (second.n_complete, second.n_incomplete)


@given(questionnaires())
def test_a_total_lies_in_the_range_and_is_there_only_if_every_item_is(drawn: Questionnaires) -> None:
    scale, items = drawn
    scored = score_items(scale, items)
    complete = ~np.isnan(items).any(axis=1)
    np.testing.assert_array_equal(~np.isnan(scored.totals), complete)
    known = scored.totals[complete]
    assert ((known >= scale.minimum) & (known <= scale.maximum)).all()
    assert scored.n_complete == complete.sum()
    assert scored.n_complete + scored.n_incomplete == len(items)


@given(st.sampled_from(SUMS), st.data())
def test_the_extreme_answers_give_the_ends_of_the_range(scale: Instrument, data: st.DataObject) -> None:
    reverse = data.draw(st.sets(st.integers(1, scale.n_items)))
    keyed = dataclasses.replace(scale, reverse_items=tuple(sorted(reverse)))
    lowest = [scale.item_maximum if item in reverse else scale.item_minimum for item in range(1, scale.n_items + 1)]
    highest = [scale.item_minimum if item in reverse else scale.item_maximum for item in range(1, scale.n_items + 1)]
    assert score_items(keyed, [lowest, highest]).totals.tolist() == [scale.minimum, scale.maximum]


@given(questionnaires())
def test_reversing_twice_changes_nothing(drawn: Questionnaires) -> None:
    scale, items = drawn
    columns = [item - 1 for item in scale.reverse_items]
    turned = items.copy()
    turned[:, columns] = scale.item_minimum + scale.item_maximum - items[:, columns]
    plain = dataclasses.replace(scale, reverse_items=())
    np.testing.assert_array_equal(score_items(scale, turned).totals, score_items(plain, items).totals)


@given(questionnaires(may_miss=False))
def test_a_total_is_the_sum_item_by_item(drawn: Questionnaires) -> None:
    scale, items = drawn
    for row, total in zip(items, score_items(scale, items).totals, strict=True):
        slowly = 0.0
        for item, answer in enumerate(row, start=1):
            is_reversed = item in scale.reverse_items
            slowly += scale.item_minimum + scale.item_maximum - answer if is_reversed else answer
        assert total == slowly


@given(st.sampled_from([scale for scale in instruments() if scale.definitions("bands")]), st.data())
def test_a_worse_total_is_never_in_a_milder_band(scale: Instrument, data: st.DataObject) -> None:
    n_steps = round((scale.maximum - scale.minimum) / scale.scoring.step)
    steps = sorted(data.draw(st.lists(st.integers(0, n_steps), min_size=2, max_size=20)))
    totals = [scale.minimum + scale.scoring.step * step for step in steps]
    for definition in scale.definitions("bands"):
        codes = severity_band(scale, totals, definition.id).codes
        assert (codes >= 0).all()
        assert (-scale.sign * np.diff(codes) >= 0).all()
