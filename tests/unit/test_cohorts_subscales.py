"""Scores of a sub-scale: rows of its own, items of the whole scale, both; and scales that are no outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.outcome_scores import scores_table
from katoutcomes.errors import DesignError
from katoutcomes.estimands.visit_window import DEFAULT_VISITS, VisitWindow
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.scoring import score_items

PCL5_ITEMS = [f"item_{number}" for number in range(1, 21)]
RULES = CohortDefinition(instrument="PCL-5", criteria=())


def registry_of(rows, columns):
    """Return a registry in which each patient of `rows` has a dose on day 0."""
    scores = pd.DataFrame(rows, columns=columns)
    patients = sorted(set(scores["patient_id"]))
    scores.insert(0, "score_id", [f"s{number:03d}" for number in range(len(scores))])
    return kat.read_registry(
        {
            "patients": pd.DataFrame({"patient_id": patients, "age_years": 40}),
            "sessions": pd.DataFrame(
                {"session_id": patients, "patient_id": patients, "day": 0, "kind": "dosing"},
            ),
            "scores": scores,
        },
        is_synthetic=True,
    )


def pcl5(patient, day, items):
    return (patient, day, "PCL-5", None if items else 30, *(items or [None] * 20))


def subscale(patient, day, total):
    return (patient, day, "PCL-5 B", total, *[None] * 20)


COLUMNS = ["patient_id", "day", "instrument", "total", *PCL5_ITEMS]
ITEMS = [1, 2, 3, 4, 0, 2, 2, *[1] * 13]


class TestItems:
    def test_the_table_made_for_a_question_goes_with_it_though_it_fails(self):
        cohort = kat.select_cohort(registry_of([pcl5("a", 0, ITEMS)], COLUMNS), RULES)
        lent = []

        def ask():
            with scores_table(cohort.tables, kat.instrument("PCL-5 B")) as table:
                lent.append(table)
                assert cohort.tables.engine.columns(table)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            ask()
        with pytest.raises(Exception, match="does not exist"):
            cohort.tables.engine.columns(lent[0])

    def test_items_of_the_whole_scale_are_added(self):
        registry = registry_of([pcl5("a", 0, ITEMS), pcl5("a", 28, ITEMS[::-1])], COLUMNS)
        cohort = kat.select_cohort(registry, RULES)
        for name in ("PCL-5 B", "PCL-5 C", "PCL-5 D", "PCL-5 E"):
            scale = kat.instrument(name)
            numbers = [number - 1 for number in scale.item_numbers]
            data = cohort.analysis_set(name)
            assert data.baseline.tolist() == [sum(ITEMS[number] for number in numbers)]
            assert data.scores_at("week 4").tolist() == [sum(ITEMS[::-1][number] for number in numbers)]
            assert any("sum of its items in the PCL-5" in note for note in data.notes)

    def test_a_total_without_items_gives_no_sub_scale(self):
        registry = registry_of([pcl5("a", 0, ITEMS), pcl5("a", 28, None)], COLUMNS)
        data = kat.select_cohort(registry, RULES).analysis_set("PCL-5 B")
        assert data.baseline.tolist() == [10.0]
        assert np.isnan(data.scores_at("week 4")).all()
        assert kat.select_cohort(registry, RULES).analysis_set("PCL-5").scores_at("week 4").tolist() == [30.0]

    def test_rows_of_its_own_come_first_and_items_fill_the_other_days(self):
        rows = [pcl5("a", 0, ITEMS), subscale("a", 0, 13), pcl5("a", 28, ITEMS), subscale("a", 56, 4)]
        data = kat.select_cohort(registry_of(rows, COLUMNS), RULES).analysis_set("PCL-5 B")
        assert data.baseline.tolist() == [13.0]
        assert data.scores[0].tolist()[:2] == [10.0, 4.0]

    def test_rows_of_its_own_are_enough(self):
        rows = [("a", 0, "PCL-5 B", 12), ("a", 28, "PCL-5 B", 7)]
        registry = registry_of(rows, COLUMNS[:4])
        data = kat.select_cohort(registry, RULES).analysis_set("PCL-5 B")
        assert (data.baseline.tolist(), data.scores_at("week 4").tolist()) == ([12.0], [7.0])

    def test_the_order_of_rows_does_not_matter(self):
        rows = [
            pcl5("a", 0, ITEMS),
            subscale("a", 0, 13),
            pcl5("b", 0, ITEMS),
            pcl5("b", 28, ITEMS),
            subscale("a", 28, 1),
        ]
        first, second = (
            kat.select_cohort(registry_of(order, COLUMNS), RULES).analysis_set("PCL-5 B")
            for order in (rows, rows[::-1])
        )
        assert first.baseline.tobytes() == second.baseline.tobytes()
        assert first.scores.tobytes() == second.scores.tobytes()

    def test_every_sub_scale_of_the_catalog_agrees_with_the_scorer(self):
        """Random legal answers of each whole scale, loaded and read back as each of its sub-scales."""
        rng = np.random.default_rng(20260930)
        seen = 0
        for scale in kat.instruments():
            if not scale.subscale_of or scale.use != "outcome" or not scale.item_numbers:
                continue
            whole = kat.instrument(scale.subscale_of)
            answers = [
                [int(rng.choice(whole.legal_answers(n))) for n in range(1, whole.n_items + 1)] for _ in range(12)
            ]
            version = whole.versions[0] if whole.versions else None
            rows = [(f"p{n:02d}", 0, whole.id, version, *row) for n, row in enumerate(answers)]
            names = [f"item_{number}" for number in range(1, whole.n_items + 1)]
            registry = registry_of(rows, ["patient_id", "day", "instrument", "version", *names])
            data = kat.select_cohort(registry, CohortDefinition(instrument=scale.id, criteria=())).analysis_set()
            own = np.array(answers, dtype=float)[:, [number - 1 for number in scale.item_numbers]]
            assert data.baseline.tolist() == sorted(score_items(scale, own).totals.tolist()), scale.id
            seen += 1
            registry.close()
        assert seen >= 4

    def test_the_trace_shows_them(self):
        registry = registry_of([pcl5("a", 0, ITEMS), subscale("a", 28, 4)], COLUMNS)
        trace = kat.select_cohort(registry, RULES).trace("a", "PCL-5 B")
        assert trace.loc[trace["record"] == "score", "score"].tolist() == [10.0, 4.0]


class TestNoOutcome:
    @pytest.mark.parametrize(
        ("name", "why"),
        [("CADSS", "in a session"), ("MEQ30", "in a session"), ("CGI-I", "judgment of change"), ("BPI", "categories")],
    )
    def test_scales_that_are_no_outcome_are_refused_and_told_why(self, name, why):
        cohort = kat.select_cohort(registry_of([("a", 0, "PCL-5", 30)], COLUMNS[:4]), RULES)
        calls = (
            lambda: cohort.analysis_set(name),
            lambda: cohort.trace("a", name),
            lambda: kat.select_cohort(cohort.registry, CohortDefinition(instrument=name, criteria=())),
        )
        for call in calls:
            with pytest.raises(DesignError, match=why):
                call()

    def test_frames_are_held_to_the_same(self):
        frame = pd.DataFrame({"id": [1], "week": [4], "score": [3], "before": [4]})
        with pytest.raises(DesignError, match="in a session"):
            kat.AnalysisSet.from_frame(
                frame, patient="id", visit="week", score="score", baseline="before", instrument="CADSS"
            )

    def test_every_other_scale_is_accepted(self):
        accepted = [scale for scale in kat.instruments() if scale.use == "outcome"]
        assert all(isinstance(scale, Instrument) and scale.has_total for scale in accepted)


def test_visits_of_a_frame_may_name_an_anchor():
    frame = pd.DataFrame({"id": [1, 1], "visit": ["week 12", "before dose 4"], "score": [3, 5], "before": 9})
    windows = [VisitWindow("before dose 4", 0, -7, 0, anchor="dose 4"), DEFAULT_VISITS[2]]
    data = kat.AnalysisSet.from_frame(
        frame, patient="id", visit="visit", score="score", baseline="before", instrument="PHQ-9", visits=windows
    )
    assert [visit.name for visit in data.visits] == ["week 12", "before dose 4"]
    assert data.scores.tolist() == [[3.0, 5.0]]
