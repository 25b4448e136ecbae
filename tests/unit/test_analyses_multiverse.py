"""A multiverse: each answer is that of the analysis alone, the sentence follows from them, releases leak no few."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.agreement import agreeing_shares, agreement_checks
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.errors import DesignError, ImmortalTimeError, OptionError
from katoutcomes.estimands.visit_window import BASELINE_WINDOW, VisitWindow
from katoutcomes.results.estimate import Estimate

NARROW = VisitWindow("baseline", target_day=0, first_day=-7, last_day=0)
WEEK_12 = VisitWindow("week 12", 84, 70, 98)
WIDE = VisitWindow("week 12", 84, 56, 112)
CHOICES = {
    "baseline_windows": (BASELINE_WINDOW, NARROW),
    "baseline_choices": ("last", "mean"),
    "visits": (WEEK_12, WIDE),
    "visit_choices": ("nearest",),
    "gap_days": (90, 30),
}


@pytest.fixture(scope="module")
def registry():
    return kat.simulate_registry(seed=3, n_patients=150)


@pytest.fixture(scope="module")
def result(registry):
    return kat.multiverse(registry, **CHOICES)


def specifications(result):
    return [estimate for estimate in result.estimates if estimate.term.startswith("specification ")]


class TestAnswers:
    def test_each_is_that_of_the_analysis_alone(self, registry, result):
        part = result.part("specifications")
        found = specifications(result)
        assert len(found) == len(part.rows) == 16
        for row, estimate in zip(part.rows, found, strict=True):
            cell = dict(zip(part.columns, row, strict=True))
            window = VisitWindow("baseline", 0, cell["baseline_first_day"], cell["baseline_last_day"])
            rules = CohortDefinition(
                baseline_window=window, baseline_choice=cell["baseline_choice"], gap_days=cell["gap_days"]
            )
            visit = VisitWindow("week 12", 84, cell["first_day"], cell["last_day"], choice=cell["visit_choice"])
            data = kat.select_cohort(registry, rules).analysis_set(visits=(visit,))
            alone = kat.change_from_baseline(data).select(measure="mean change", subgroup="")[0]
            assert estimate == replace(alone, term=estimate.term)
            assert cell["term"] == estimate.term

    def test_the_first_of_each_choice_is_the_main_one(self, result):
        assert specifications(result)[0].term == (
            "specification 1, baseline day -14 to 0 last, visit day 70 to 98 nearest, gap 90"
        )
        assert len({estimate.term for estimate in result.estimates}) == len(result.estimates)

    def test_the_ends_are_those_of_the_answers(self, result):
        values = [estimate.estimate for estimate in specifications(result)]
        found = {estimate.term: estimate.estimate for estimate in result.estimates}
        assert found["smallest of the specifications"] == min(values)
        assert found["largest of the specifications"] == max(values)

    def test_a_difference_between_cohorts_is_the_adjusted_one(self, registry):
        one = dict.fromkeys(CHOICES)
        one |= {name: values[:1] for name, values in CHOICES.items()}
        found = kat.multiverse(registry, question="difference between cohorts", treatment="program_booked", **one)
        data = kat.select_cohort(registry).analysis_set(visits=(WEEK_12,), treatment="program_booked", covariates=())
        alone = kat.cohort_difference(data).select(measure="difference in means")[0]
        assert specifications(found)[0] == replace(alone, term=specifications(found)[0].term)
        assert (found.estimand.treatment, found.estimand.comparator) == ("with_integration", "ketamine_only")

    def test_a_share_is_asked_by_every_definition_of_its_kind(self, registry):
        found = kat.multiverse(registry, question="remission", baseline_choices=("last",), visits=(WEEK_12,))
        sets = {definition.id for definition in kat.instrument("PHQ-9").definitions("remission")}
        assert {estimate.definition_set for estimate in specifications(found)} == sets
        assert not found.select(term="same side")
        assert "answer survives" not in [check.name for check in found.checks]

    def test_what_cannot_be_answered_is_nan_and_survives_nothing(self, registry):
        nobody = VisitWindow("week 12", 700, 699, 701)
        found = kat.multiverse(registry, **(CHOICES | {"visits": (WEEK_12, nobody), "gap_days": (90,)}))
        empty = [estimate for estimate in specifications(found) if math.isnan(estimate.estimate)]
        assert len(empty) == 4
        assert {estimate.n_patients for estimate in empty} == {0}
        assert found.select(term="same side")[0].estimate == 0.5
        assert found.verdict == "with caution"
        with pytest.raises(DesignError, match="main specification"):
            kat.multiverse(registry, visits=(nobody,))

    def test_registries_in_another_order_give_the_same_bytes(self, registry):
        tables = {name: registry.table(name).dropna(axis=1, how="all") for name in ("patients", "sessions", "scores")}
        few = CHOICES | {"gap_days": (90,), "baseline_choices": ("mean",)}
        answers = []
        for order in (None, 4):
            given = {
                name: table if order is None else table.sample(frac=1, random_state=order)
                for name, table in tables.items()
            }
            answers.append(kat.multiverse(kat.read_registry(given, is_synthetic=True), **few).to_json())
        assert answers[0] == answers[1]


class TestSentence:
    def answers(self, *limits):
        return [
            Estimate(
                term=f"s{n}",
                measure="mean change",
                estimate=(low + high) / 2,
                conf_low=low,
                conf_high=high,
                n_patients=50,
            )
            for n, (low, high) in enumerate(limits)
        ]

    @pytest.mark.parametrize(
        ("limits", "shares", "words"),
        [
            ([(-5, -3), (-4, -1)], (1.0, 1.0), "The answer survives"),
            ([(-5, -3), (-4, 1)], (1.0, 0.5), "The direction of the answer survives and its certainty does not"),
            ([(-5, -3), (-1, 4)], (0.5, 0.5), "The answer does not survive"),
            ([(-5, -3), (-1, 1)], (0.5, 0.5), "The answer does not survive"),
            ([(2, 4), (1, 3), (-2, 8)], (1.0, 2 / 3), "The direction"),
        ],
    )
    def test_it_follows_from_sides_and_intervals(self, limits, shares, words):
        found = self.answers(*limits)
        agreeing = [estimate.estimate for estimate in agreeing_shares(found, found[0], 0.0)]
        assert agreeing == pytest.approx(shares)
        check = agreement_checks(found, found[0], 0.0)[-1]
        assert check.message.startswith(words)
        assert check.passed is (words == "The answer survives")

    def test_a_share_is_held_against_what_is_named(self):
        found = self.answers((0.4, 0.6), (0.35, 0.5))
        assert agreement_checks(found, found[0], 0.3)[-1].passed
        assert "same side of 0.3" in agreement_checks(found, found[0], 0.3)[-1].message


class TestRefusals:
    @pytest.mark.parametrize(
        "choices",
        [
            {"baseline_windows": ()},
            {"gap_days": (90, 90)},
            {"question": "cure"},
            {"gap_days": tuple(range(1, 200))},
            {"definition_sets": ("phq9/remission",)},
            {"visit_choices": ("median",)},
            {"question": "remission", "definition_sets": ("no such set",)},
        ],
    )
    def test_choices_that_cannot_be_made(self, registry, choices):
        with pytest.raises(OptionError):
            kat.multiverse(registry, **choices)

    def test_groups_made_later_and_visits_that_not_all_reach(self, registry):
        with pytest.raises(ImmortalTimeError):
            kat.multiverse(registry, question="difference between cohorts", treatment="any_integration_by_day_84")
        with pytest.raises(DesignError, match="count from the first dose"):
            kat.multiverse(registry, visits=(VisitWindow("later", 7, 1, 14, anchor="dose 4"),))


class TestRelease:
    def test_no_two_nested_numbers_differ_by_a_few(self, result):
        released = kat.release(result)
        part = released.part("specifications")
        shown = []
        for row, estimate in zip(part.rows, specifications(released), strict=True):
            cell = dict(zip(part.columns, row, strict=True))
            windows = (cell["baseline_first_day"], cell["first_day"], cell["last_day"], cell["gap_days"])
            shown.append((windows, estimate.n_patients))
        assert any(n is None for _, n in shown)
        assert shown[0][1] is not None
        for (one, n_one), (other, n_other) in combinations(shown, 2):
            is_nested = one[0] <= other[0] and one[1] <= other[1] and one[2] >= other[2] and one[3] == other[3]
            if is_nested and None not in (n_one, n_other):
                assert n_one == n_other or abs(n_one - n_other) >= 11

    def test_ends_are_hidden_with_any_specification(self, result):
        released = kat.release(result)
        assert released.select(term="smallest of the specifications")[0].suppressed
        assert not released.select(term="same side")[0].suppressed
        assert kat.release(released).to_json() == released.to_json()


class TestWhatIsShown:
    def test_the_table_has_a_row_for_each(self, result):
        table = result.to_table()
        assert table.rows[0][0] == "specification 1, main"
        names = [row[0] for row, heading in zip(table.rows, table.row_groups, strict=True) if "Each" in heading]
        counted = [int(name.split()[0]) if name[0].isdigit() else 1 for name in names]
        assert sum(counted) == 16
        assert len({row[-3:] for row in table.rows[1 : len(names)]}) == len(names) - 1
        assert len(table.rows) == len(names) + 5
        assert any("The answer survives" in note for note in table.footnotes)

    def test_the_curve_is_in_order_and_leaves_hidden_answers_out(self, result):
        figure = result.plot()
        values = [row[2] for row in figure.rows]
        assert values == sorted(values)
        assert len(values) == 16
        assert "Main specification" in figure.alt_text
        hidden = kat.release(result).plot()
        assert len(hidden.rows) < 16
        assert "not drawn" in hidden.alt_text
        assert figure.svg() == figure.svg()
