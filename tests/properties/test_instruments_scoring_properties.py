"""What must hold of every total, whatever the scale and the answers; a slow, plain way of scoring is a second truth."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from katoutcomes.instruments.answers import safety_flags
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.item_arithmetic import ItemRange, LegalBlank, Metric, ProratingRule, Scoring
from katoutcomes.instruments.scale_tables import ItemSet, total_range
from katoutcomes.instruments.scoring import (
    check_totals,
    score_items,
    score_subscales,
    severity_band,
    to_own_metric,
)

Questionnaires = tuple[Instrument, NDArray[np.float64]]
NAN = float("nan")
ADDED = tuple(scale for scale in instruments() if scale.scoring.kind != "none")
ROUNDING = 1e-9  # sums of at most some hundred small numbers, and one division


@st.composite
def scorings(draw: st.DrawFn, n_items: int) -> Scoring:
    """Draw a way of adding items."""
    kind = draw(st.sampled_from(["sum", "mean", "domains"]))
    domains: tuple[tuple[int, ...], ...] = ()
    if kind == "domains":
        home = draw(st.lists(st.integers(0, 3), min_size=n_items, max_size=n_items))
        numbers = range(1, n_items + 1)
        domains = tuple(found for wanted in range(4) if (found := tuple(n for n in numbers if home[n - 1] == wanted)))
    alternatives = tuple(domain[:2] for domain in domains if len(domain) > 1 and draw(st.booleans()))
    return Scoring(kind, draw(st.sampled_from([0.5, 1.0, 2.0, 10.0])), domains, step=0.0, alternatives=alternatives)


@st.composite
def legal_blanks(draw: st.DrawFn, items: ItemSet) -> tuple[LegalBlank, ...]:
    """Draw which items may be blank after which answers of others."""
    found = []
    for _ in range(draw(st.integers(0, 2)) if items.n_items > 2 else 0):
        order = draw(st.permutations(range(1, items.n_items + 1)))
        n_asked = draw(st.integers(1, 2))
        blank = tuple(sorted(order[n_asked : n_asked + draw(st.integers(1, items.n_items - n_asked))]))
        common = sorted(set.intersection(*(set(items.answers(number)) for number in blank)))
        when = tuple((number, draw(st.sampled_from(items.answers(number)))) for number in order[:n_asked])
        found.append(LegalBlank(blank, draw(st.sampled_from(common)), when))
    return tuple(found)


@st.composite
def scales(draw: st.DrawFn) -> Instrument:
    """Draw an invented scale: any number of items, ranges of their own, reverse keys, scoring, blanks, prorating."""
    n_items = draw(st.integers(1, 12))
    numbers = st.integers(1, n_items)
    low = draw(st.integers(-1, 1))
    high = low + draw(st.integers(1, 5))
    special = draw(st.lists(numbers, unique=True, max_size=3))
    spacing = draw(st.integers(1, 3))
    ranges = (ItemRange(tuple(sorted(special)), (low, low + spacing, low + 2 * spacing)),) if special else ()
    items = ItemSet(n_items, low, high, ranges, (), (), low + 1, is_sound=True)
    scoring = dataclasses.replace(draw(scorings(n_items)), blanks=draw(legal_blanks(items)))
    minimum, maximum = total_range(items, scoring)
    rules = ()
    if not ranges and n_items > 1 and scoring.kind != "domains":
        most_missing = draw(st.integers(1, n_items - 1))
        rules = (ProratingRule("invented", most_missing, draw(st.sampled_from(["none", "half_up"])), "invented"),)
    return dataclasses.replace(
        instrument("GAD-7"),
        n_items=n_items,
        item_minimum=low,
        item_maximum=high,
        item_ranges=ranges,
        reverse_items=tuple(sorted(draw(st.sets(numbers)))),
        safety_items=tuple(sorted(draw(st.sets(numbers, max_size=2)))),
        safety_at_least=low + 1,
        scoring=scoring,
        minimum=minimum,
        maximum=maximum,
        prorating=rules,
    )


@st.composite
def questionnaires(draw: st.DrawFn, *, may_miss: bool = True) -> Questionnaires:
    """Draw a scale, of the catalog or an invented one, and answers to it."""
    scale = draw(st.one_of(scales(), st.sampled_from(ADDED)))
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        legal = [scale.legal_answers(number) for number in range(1, scale.n_items + 1)]
        row = [float(draw(st.sampled_from(answers))) for answers in legal]
        if may_miss:
            for place in draw(st.lists(st.integers(0, scale.n_items - 1), max_size=3)):
                row[place] = NAN
        rows.append(row)
    return scale, np.array(rows)


def _with_blanks(scale: Instrument, row: list[float]) -> list[float]:
    """Write down what each legal blank stands for; the first rule that fits counts."""
    written = list(row)
    for number in range(1, scale.n_items + 1):
        for blank in scale.scoring.blanks:
            fits = all(row[asked - 1] == answer for asked, answer in blank.when)
            if number in blank.items and fits and math.isnan(written[number - 1]):
                written[number - 1] = float(blank.counts_as)
    return written


def _n_missing(scale: Instrument, row: list[float]) -> int:
    """Count the answers that are missing: a group of alternatives lacks one if it has none."""
    missing = {number for number, answer in enumerate(_with_blanks(scale, row), start=1) if math.isnan(answer)}
    chosen = {number for group in scale.scoring.alternatives for number in group}
    return len(missing - chosen) + sum(set(group) <= missing for group in scale.scoring.alternatives)


def _lacks(scale: Instrument, items: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.array([_n_missing(scale, row) for row in items.tolist()])


def _scored_slowly(scale: Instrument, row: list[float], rule: ProratingRule | None) -> float:
    """Score one questionnaire item by item, as a person would with a pencil."""
    keyed: dict[int, float] = {}
    for number, answer in enumerate(_with_blanks(scale, row), start=1):
        if math.isnan(answer):
            continue
        legal = scale.legal_answers(number)
        keyed[number] = min(legal) + max(legal) - answer if number in scale.reverse_items else answer
    n_missing = _n_missing(scale, row)
    if n_missing and (rule is None or n_missing > rule.most_missing):
        return NAN
    if scale.scoring.kind == "domains":
        domains = scale.scoring.domains
        return scale.scoring.factor * sum(max(keyed[n] for n in domain if n in keyed) for domain in domains)
    mean = sum(keyed.values()) / len(keyed)
    total = scale.scoring.factor * (mean if scale.scoring.kind == "mean" else mean * scale.n_items)
    return math.floor(total + 0.5) if n_missing and rule is not None and rule.rounding == "half_up" else total


def _is_a_tie(total: float) -> bool:
    """Whether the last bits decide which way a total is rounded."""
    return abs(total + 0.5 - round(total + 0.5)) < ROUNDING


@given(questionnaires())
def test_totals_are_those_of_a_pencil(drawn: Questionnaires) -> None:
    scale, items = drawn
    slowly = [_scored_slowly(scale, row, None) for row in items.tolist()]
    np.testing.assert_allclose(score_items(scale, items).totals, slowly, rtol=0.0, atol=ROUNDING)


@given(questionnaires())
def test_prorated_totals_are_those_of_a_pencil_and_are_counted(drawn: Questionnaires) -> None:
    scale, items = drawn
    assume(scale.prorating)
    rule = scale.prorating[0]
    unrounded = [_scored_slowly(scale, row, dataclasses.replace(rule, rounding="none")) for row in items.tolist()]
    assume(not any(_is_a_tie(total) for total in unrounded if not math.isnan(total)))
    slowly = [_scored_slowly(scale, row, rule) for row in items.tolist()]
    scored = score_items(scale, items, prorating=rule.name)
    np.testing.assert_allclose(scored.totals, slowly, rtol=0.0, atol=ROUNDING)
    missing = _lacks(scale, items)
    np.testing.assert_array_equal(scored.is_prorated, (missing > 0) & (missing <= rule.most_missing))
    assert scored.n_prorated == scored.is_prorated.sum()
    safety = np.isnan(items[:, [number - 1 for number in scale.safety_items]]).any(axis=1)
    assert scored.n_prorated_without_safety_item == (scored.is_prorated & safety).sum()
    unasked = score_items(scale, items)
    assert unasked.n_prorated == 0
    np.testing.assert_array_equal(np.isnan(unasked.totals), missing > 0)


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
    complete = _lacks(scale, items) == 0
    np.testing.assert_array_equal(~np.isnan(scored.totals), complete)
    known = scored.totals[complete]
    assert ((known >= scale.minimum - ROUNDING) & (known <= scale.maximum + ROUNDING)).all()
    assert scored.n_complete == complete.sum()
    assert scored.n_complete + scored.n_incomplete == len(items)


@given(st.one_of(scales(), st.sampled_from(ADDED)))
def test_the_extreme_answers_give_the_ends_of_the_range(scale: Instrument) -> None:
    ends = [scale.legal_answers(number) for number in range(1, scale.n_items + 1)]
    is_reversed = [number in scale.reverse_items for number in range(1, scale.n_items + 1)]
    lowest = [legal[-1] if turned else legal[0] for legal, turned in zip(ends, is_reversed, strict=True)]
    highest = [legal[0] if turned else legal[-1] for legal, turned in zip(ends, is_reversed, strict=True)]
    totals = score_items(scale, [lowest, highest]).totals
    np.testing.assert_allclose(totals, [scale.minimum, scale.maximum], rtol=0.0, atol=ROUNDING)


@given(questionnaires())
def test_reversing_twice_changes_nothing(drawn: Questionnaires) -> None:
    scale, items = drawn
    scale = dataclasses.replace(scale, scoring=dataclasses.replace(scale.scoring, blanks=()))  # they look at answers
    turned = items.copy()
    for number in scale.reverse_items:
        legal = scale.legal_answers(number)
        turned[:, number - 1] = legal[0] + legal[-1] - items[:, number - 1]
    unkeyed = dataclasses.replace(scale, reverse_items=())
    np.testing.assert_array_equal(score_items(scale, turned).totals, score_items(unkeyed, items).totals)


@given(questionnaires(), st.data())
def test_a_sub_scale_needs_its_own_items_only(drawn: Questionnaires, data: st.DataObject) -> None:
    whole, items = drawn
    assume(whole.scoring.kind != "domains" and not whole.item_ranges)
    numbers = tuple(data.draw(st.lists(st.integers(1, whole.n_items), min_size=1, unique=True)))
    part = dataclasses.replace(
        whole,
        id="part",
        subscale_of=whole.id,
        item_numbers=numbers,
        n_items=len(numbers),
        reverse_items=tuple(k for k, number in enumerate(numbers, start=1) if number in whole.reverse_items),
        safety_items=(),
        prorating=(),
        scoring=dataclasses.replace(whole.scoring, blanks=()),
    )
    columns = [number - 1 for number in numbers]
    scored = score_subscales(whole, items, (part,))
    assert list(scored) == ["part"]
    np.testing.assert_array_equal(scored["part"].totals, score_items(part, items[:, columns]).totals)
    np.testing.assert_array_equal(np.isnan(scored["part"].totals), np.isnan(items[:, columns]).any(axis=1))


@given(questionnaires(), st.data())
def test_totals_that_differ_from_their_items_are_found_and_no_others(
    drawn: Questionnaires, data: st.DataObject
) -> None:
    scale, items = drawn
    totals = score_items(scale, items).totals
    assert check_totals(scale, items, totals).rows.tolist() == []
    off = np.array(
        data.draw(st.lists(st.sampled_from([0.0, 1.0, -3.0, NAN]), min_size=len(items), max_size=len(items)))
    )
    found = check_totals(scale, items, totals + off)
    expected = [k for k, shift in enumerate(off, start=1) if shift and not math.isnan(shift + totals[k - 1])]
    assert found.rows.tolist() == expected
    assert found.n_compared == (~np.isnan(totals + off)).sum()


@given(questionnaires())
def test_a_row_is_flagged_unknown_or_denied_and_never_two_of_them(drawn: Questionnaires) -> None:
    scale, items = drawn
    flags = safety_flags(scale, items)
    for row, flagged, unknown in zip(items.tolist(), flags.is_flagged, flags.is_unknown, strict=True):
        asked = [row[number - 1] for number in scale.safety_items]
        assert flagged == any(answer >= scale.safety_at_least for answer in asked)
        denied = bool(asked) and all(answer < scale.safety_at_least for answer in asked)
        assert (bool(flagged) + bool(unknown) + denied) == 1
    assert (flags.n_flagged, flags.n_unknown) == (flags.is_flagged.sum(), flags.is_unknown.sum())


@given(st.sampled_from([scale for scale in instruments() if scale.metrics]), st.data())
def test_every_metric_maps_into_the_range_and_back(scale: Instrument, data: st.DataObject) -> None:
    metric: Metric = data.draw(st.sampled_from(scale.metrics))
    total = data.draw(st.floats(metric.minimum, metric.maximum))
    own = to_own_metric(scale, [total], metric.name)[0]
    assert scale.minimum - ROUNDING <= own <= scale.maximum + ROUNDING
    assert math.isclose((own - metric.offset) / metric.factor, total, abs_tol=ROUNDING)


@given(st.sampled_from([scale for scale in instruments() if scale.definitions("bands")]), st.data())
def test_a_worse_total_is_never_in_a_milder_band(scale: Instrument, data: st.DataObject) -> None:
    step = scale.scoring.step or 0.25
    n_steps = round((scale.maximum - scale.minimum) / step)
    drawn = data.draw(st.lists(st.integers(0, n_steps), min_size=2, max_size=20))
    totals = [min(scale.minimum + step * place, scale.maximum) for place in sorted(drawn)]
    for definition in scale.definitions("bands"):
        codes = severity_band(scale, totals, definition.id).codes
        assert (codes >= 0).all()
        assert (np.diff(codes) * (-1 if scale.sign > 0 else 1) >= 0).all()
