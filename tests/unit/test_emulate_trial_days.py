"""Days in response of emulated trials: by hand, by a loop over patients with statsmodels, and by what must be equal."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.cohorts.emulation.sequential import trial_patients
from katoutcomes.errors import DesignError
from katoutcomes.kernels.emulation.censoring_weights import censoring_weights

TRIAL = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence"), outcome="days_in_response")
SIZE = {"n_bootstrap": 100, "rng": 3}
SPOKEN_FOR = np.array([28.0, 28.0, 14.0])
"""Days like week 4, week 8 and week 12: halfway from day 0 to 56, from 28 to 84, from 56 to 84."""
SAME_ARITHMETIC = 1e-8


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")


@cache
def result(trial=TRIAL):
    return kat.emulate_trial(trial, registry(), modifiers=("program_booked",), **SIZE)


@cache
def found(trial=TRIAL):
    return emulation(trial, trial_patients(trial, registry()), ())


def only(result, **fields):
    (one,) = result.select(**fields)
    return one


# --- by hand ---------------------------------------------------------------------------------------------------------

PAIRS = ((16, (8, 7, 5)), (20, (12, 10, 9)), (24, (20, 12, 13)), (18, (9, 12, 9)))
"""Baseline and the scores at weeks 4, 8 and 12 of four patients with a session in the last week of the grace period."""
DAYS = (70.0, 28.0 + 14.0, 28.0, 28.0 + 14.0)
"""Of their days: all of 70; weeks 8 and 12; week 8 alone; weeks 4 and 12."""
OTHERS = ((14, 9, 8), (20, 20, 10), (13, 13, 13), (18, 18, 18))
"""The same of four with equal baseline scores and no session: 14 days, 14 days, none, none."""
DAYS_OF_OTHERS = (14.0, 14.0, 0.0, 0.0)


def clinic_by_hand(n_each=10):
    """Return a registry of pairs that are alike until one of them has a session in the fourth week."""
    rows = {"patients": [], "sessions": [], "scores": []}
    for number in range(n_each * len(PAIRS) * 2):
        place, has_session = (number // 2) % len(PAIRS), number % 2 == 0
        key = f"K{number:04d}"
        before, after = PAIRS[place]
        rows["patients"].append({"patient_id": key, "age_years": 40})
        sessions = [(0, "dosing"), (14, "dosing"), (80, "dosing")] + [(24, "integration")] * has_session
        rows["sessions"] += [{"patient_id": key, "day": day, "kind": kind} for day, kind in sessions]
        scores = zip((0, 7, 28, 56, 84), (before, before, *(after if has_session else OTHERS[place])), strict=True)
        rows["scores"] += [{"patient_id": key, "day": day, "instrument": "phq9", "total": one} for day, one in scores]
    tables = {name: pd.DataFrame(one) for name, one in rows.items()}
    for name in ("sessions", "scores"):
        tables[name][f"{name[:-1]}_id"] = [f"{name[:2].upper()}{number:05d}" for number in range(len(tables[name]))]
    return kat.read_registry(tables, is_synthetic=True)


def test_days_by_hand():
    """Pairs are alike in all that weights and adjustment know, so what is left is the difference of two plain means."""
    answered = kat.emulate_trial(kat.TargetTrial(outcome="days_in_response"), clinic_by_hand(), **SIZE)
    means = [one.estimate for one in answered.select(measure="adjusted mean")]
    assert means == pytest.approx([np.mean(DAYS_OF_OTHERS), np.mean(DAYS)], abs=1e-6)
    assert only(answered, term="emulated trial").estimate == pytest.approx(38.5, abs=1e-6)
    rules = {"earlier": [28.0, 28.0, 0.0], "later": [28.0, 28.0, 28.0]}
    shares = np.array([2 / 4, 3 / 4, 3 / 4]) - np.array([0 / 4, 0 / 4, 2 / 4])
    for rule, days in rules.items():
        one = only(answered, term=f"days between visits, emulated: days like the {rule} visit")
        assert one.estimate == pytest.approx(shares @ days, abs=1e-6)


# --- a patient at a time ---------------------------------------------------------------------------------------------


def looped_patients():
    """Yield of each adult the baseline score, then of each visit status, last score before, left, weeks, mean score."""
    patients, sessions, scores = (registry().table(name) for name in ("patients", "sessions", "scores"))
    sessions, scores = (
        {key: list(zip(*(one[name] for name in names), strict=True)) for key, one in rows.groupby("patient_id")}
        for rows, names in ((sessions, ("day", "kind")), (scores[scores["instrument"] == "phq9"], ("day", "total")))
    )
    for key in patients.loc[patients["age_years"] >= 18, "patient_id"]:
        doses = sorted(day for day, kind in sessions.get(key, ()) if kind == "dosing")
        if not doses:
            continue
        start = doses[0]
        end = next((after for before, after in pairwise(doses) if after - before > 90), math.inf)
        course = [(day - start, kind) for day, kind in sessions[key] if start <= day < end]
        until = max(day for day, _ in course)
        integration = {max(math.ceil(day / 7) - 1, 0) for day, kind in course if kind == "integration"}
        own = sorted((int(day) - start, float(total)) for day, total in scores.get(key, ()) if not math.isnan(total))
        before = [total for day, total in own if -14 <= day <= 0]
        if before:
            yield looped_visits(before[-1], own, until, integration)


def looped_visits(baseline, scores, until, integration):
    """Return one patient's baseline score and what is known at each visit."""
    row = [baseline]
    for target, first, last in ((28, 21, 41), (56, 42, 69), (84, 70, 98)):
        inside = [(abs(day - target), day, total) for day, total in scores if first <= day <= last]
        status = math.nan if not inside else float(min(inside)[2] <= 0.5 * baseline)

        def last_score(limit):
            known = [total for day, total in scores if 0 < day <= min(limit, until + 7)]
            return known[-1] if known else baseline

        starts = [day for day in (0, 7, 14, 21) if day < first]
        mean = sum(last_score(day) for day in starts) / len(starts)
        row += [status, last_score(first - 1), until < target - 28, len(integration & {0, 1, 2, 3}), mean]
    return row


def test_what_is_known_at_each_visit_is_that_of_a_loop_over_patients():
    trial = replace(TRIAL, confounders=())
    patients = found(trial)
    columns = [patients.found.baseline]
    until = (*(patients.found.as_of(visit) for visit in patients.found.earlier), patients.found)
    for data, one, first in zip(patients.days, until, (21, 42, 70), strict=True):
        n_scores = min(4, math.ceil(first / 7))
        mean, weeks = one.last_score[:, :n_scores].mean(axis=1), one.session[:, :4].sum(axis=1)
        assert any(np.array_equal(mean, column) for column in data.history.T)
        assert any(np.array_equal(weeks, column) for column in data.history.T)
        columns += [data.outcome, one.last_score[:, -1], one.has_left, weeks, mean]
    got = np.column_stack(columns).astype(float)
    expected = np.array(list(looped_patients()), dtype=float)
    expected = expected[expected[:, 0] > 0]
    assert len(got) == len(expected) > 200
    for one in (got, expected):
        one[np.isnan(one)] = -1.0
    order, expected_order = (np.lexsort(one.round(6).T) for one in (got, expected))
    np.testing.assert_allclose(got[order], expected[expected_order], atol=1e-9)


def test_the_answer_is_that_of_statsmodels_visit_by_visit():
    """Missing statuses by least squares at each visit, then everybody's days, then the copies as weighted."""
    patients = found()
    days = np.zeros(patients.n_patients)
    for data, spoken_for in zip(patients.days, SPOKEN_FOR, strict=True):
        columns = sm.add_constant(np.column_stack([data.covariates, data.history]), has_constant="add")
        seen = ~np.isnan(data.outcome)
        predicted = sm.OLS(data.outcome[seen], columns[seen]).fit().predict(columns)
        days += spoken_for * np.where(seen, np.nan_to_num(data.outcome), predicted)
    weights = np.concatenate([one[0] for one in censoring_weights(patients.data, np.ones((1, len(days)))).arms])
    copies = [np.column_stack([np.full(len(days), arm), patients.data.covariates]) for arm in (0.0, 1.0)]
    fit = sm.WLS(np.tile(days, 2), sm.add_constant(np.vstack(copies)), weights=weights).fit()
    assert only(result(), term="emulated trial").estimate == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)
    means = [one.estimate for one in result().select(measure="adjusted mean")]
    assert means[1] - means[0] == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)


# --- what must be equal ----------------------------------------------------------------------------------------------


def test_the_last_visit_alone_is_an_emulated_trial_of_response():
    """All steps are those of a binary outcome: at the last visit the same shares and, alone, the same intervals.

    With several visits other patients tie in value and are resampled in another order, so intervals differ a little.
    """
    response = kat.emulate_trial(replace(TRIAL, outcome="response"), registry(), **SIZE)
    for side in ("integration", "no integration"):
        here = only(result(), term=f"in response, emulated: {side}", visit="week 12")
        there = only(response, term=f"follow-up, emulated: {side}")
        assert here.estimate == pytest.approx(there.estimate, abs=SAME_ARITHMETIC)
    alone = replace(TRIAL, earlier_visits=())
    for term in ("emulated trial", "bias diary: 1, ever against never", "sensitivity: sequential augmented weighting"):
        share = only(response, term=term)
        days = only(kat.emulate_trial(alone, registry(), **SIZE), term=term)
        # One visit speaks for half of the days until then: it begins at 0 on day 0.
        assert (days.estimate, days.conf_low) == pytest.approx((42.0 * share.estimate, 42.0 * share.conf_low), abs=1e-6)


def test_days_are_those_that_each_visit_speaks_for():
    for side in ("integration", "no integration"):
        shares = [one.estimate for one in result().select(term=f"in response, emulated: {side}")]
        mean = only(result(), term=f"follow-up, emulated: {side}")
        assert mean.estimate == pytest.approx(SPOKEN_FOR @ shares, abs=SAME_ARITHMETIC)
        assert mean.conf_low < mean.estimate < mean.conf_high
    rules = [one.estimate for one in result().estimates if one.term.startswith("days between visits")]
    answer = only(result(), term="emulated trial")
    assert np.mean(rules) == pytest.approx(answer.estimate, abs=SAME_ARITHMETIC)
    assert (answer.measure, answer.unit, answer.visit) == ("difference in means", "days", "up to week 12")
    assert result().estimand.name == "days_in_response"
    levels = [one.estimate for one in result().select(term="effect by modifier")]
    assert min(levels) < answer.estimate < max(levels)


def test_everything_that_a_score_has_stands_beside_days():
    stems = {one.term.split(": ")[0] for one in result().estimates if one.unit == "days"}
    assert stems >= {"emulated trial", "sensitivity", "bias diary", "precision", "effect by modifier", "tipping grid"}
    others = {one.term.split(": ")[0] for one in result().estimates}
    assert others >= {"unmeasured confounding", "tipping point", "missing score", "weights"}
    # A mean of days does not regress to a mean as a score does, which is said, and has no ratio.
    assert not others & {"selection by the score", "emulated ratio"}
    assert any("no bound of regression to the mean" in text for text in result().warnings)
    diary = [one.estimate for one in result().estimates if one.term.startswith("bias diary")]
    assert len(diary) == 4
    assert diary[-1] == only(result(), term="emulated trial").estimate
    expected = only(result(), term="precision: smallest difference to be expected, before outcomes are seen")
    assert expected.estimate > 0.0
    (check,) = [one for one in result().checks if one.name == "followers with a score"]
    fewest = min(int((arm.followed & one.is_observed).sum()) for arm in found().data.arms for one in found().days)
    assert check.value == fewest


def test_the_grid_is_straight_and_spans_all_missing_days():
    grid = {one.term: one.estimate for one in result().estimates if one.term.startswith("tipping grid: treated")}

    def at(treated, comparator):
        return grid[f"tipping grid: treated {treated}%, comparator {comparator}%"]

    assert len(grid) == 25
    rise, fall = at(100, 0) - at(0, 0), at(0, 100) - at(0, 0)
    assert rise > 0.0 > fall
    assert at(75, 50) == pytest.approx(at(0, 0) + 0.75 * rise + 0.5 * fall, abs=1e-9)
    assert "was in response" in str(result().to_table("tipping"))


def test_followers_are_counted_at_every_visit():
    comparator, treated = (arm.followed for arm in found().data.arms)
    members = treated & ~comparator
    for visit, data in zip(("week 4", "week 8", "week 12"), found().days, strict=True):
        scored = only(result(), term="scored, followed only the treated strategy", visit=visit)
        seen = only(result(), term="seen with the outcome, followed only the treated strategy", visit=visit)
        assert (scored.n_counted, scored.n_patients) == (int((members & data.is_observed).sum()), members.sum())
        assert seen.n_counted == int((members & (data.outcome > 0.0)).sum())


def test_what_leaves_the_clinic_goes_with_who_of_each_strategy_was_seen_in_response():
    """Few of the comparator's followers respond at week 4, so days stay behind; at week 12 alone the shares do not."""
    comparator, treated = (arm.followed for arm in found().data.arms)
    early = int((comparator & (found().days[0].outcome > 0.0)).sum())
    assert 0 < early < 11
    response = kat.emulate_trial(replace(TRIAL, outcome="response"), registry(), **SIZE)
    for released, is_hidden in ((kat.release(result()), True), (kat.release(response), False)):
        seen = [one for one in released.estimates if one.term.startswith("seen with")]
        assert all(one.suppressed for one in seen if "followed" in one.term)
        by_arm = [one.suppressed for one in seen if "following" in one.term]
        assert any(by_arm) == is_hidden == only(released, term="emulated trial").suppressed
    shown = only(response, term="seen with the outcome, following the treated strategy")
    assert shown.n_counted == int((treated & (found().days[-1].outcome > 0.0)).sum())


def test_days_are_told_as_days():
    table = result().to_table()
    assert "Days in response up to the visit, emulated trial" in table.row_groups
    assert not any("points" in group for group in table.row_groups)
    assert kat.NAMED_ESTIMANDS["days_in_response"].sentence in table.question
    assert "week 4 for 28 days, week 8 for 28 days, week 12 for 14 days" in result().method.description
    assert "days in response" in result().plot("bias_diary").svg()
    assert "each day has the status of the nearest of them" in TRIAL.to_text()


def test_a_shut_gate_looks_at_no_outcome():
    shut = kat.emulate_trial(TRIAL, registry(), gate=kat.FeasibilityGate(10_000), **SIZE)
    assert np.isnan(only(shut, term="emulated trial").estimate)
    assert shut.verdict == "withhold"
    assert not [one for one in shut.estimates if one.term.startswith(("seen with", "in response"))]


def test_every_course_can_be_asked_for_days():
    every = kat.emulate_trial(replace(TRIAL, courses="every"), registry(), **SIZE)
    patients = found(replace(TRIAL, courses="every"))
    assert patients.n_courses > patients.n_patients
    assert np.isfinite(only(every, term="emulated trial").estimate)


# --- what makes no sense ---------------------------------------------------------------------------------------------

WEEK_8 = kat.VisitWindow("week 8", 56, 49, 63)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"left_care": "composite"}, "in care or not"),
        ({"left_care": "while_in_care"}, "in care or not"),
        ({"outcome": "score", "earlier_visits": (WEEK_8,)}, "belong to outcome='days_in_response'"),
        ({"earlier_visits": (WEEK_8, kat.VisitWindow("week 9", 63, 60, 66))}, "share day"),
        ({"earlier_visits": (kat.VisitWindow("late", 120, 110, 130),)}, "end before the window"),
        ({"earlier_visits": (kat.VisitWindow("after", 7, 1, 14, anchor="dose 2"),)}, "count from the first dose"),
        (
            {"strategy": kat.StartIntegration(), "earlier_visits": (kat.VisitWindow("before", 0, -7, 0),)},
            "come after it",
        ),
    ],
)
def test_trials_of_days_that_make_no_sense_are_refused(fields, words):
    with pytest.raises(DesignError, match=words):
        replace(TRIAL, **fields)


def test_the_visits_are_those_before_the_last_one():
    assert [one.name for one in TRIAL.visits] == ["week 4", "week 8", "week 12"]
    week_8 = replace(TRIAL, visit=WEEK_8)
    assert [one.name for one in week_8.visits] == ["week 4", "week 8"]
    assert [one.name for one in replace(TRIAL, earlier_visits=(WEEK_8,)).visits] == ["week 8", "week 12"]
    assert [one.name for one in replace(TRIAL, outcome="score").visits] == ["week 12"]


def test_a_visit_in_the_first_week_is_predicted_from_the_baseline_score():
    first = kat.VisitWindow("first week", 3, 0, 7)
    patients = found(replace(TRIAL, earlier_visits=(first,)))
    np.testing.assert_array_equal(patients.days[0].history[:, -1], patients.found.baseline)
    assert np.isfinite(patients.days[0].history).all()


def test_numbers_of_weeks_are_not_compared_by_days():
    with pytest.raises(DesignError, match="compared by scores"):
        kat.session_dose_response(TRIAL, registry(), **SIZE)
