"""Outcomes by quarter: every number against a slow count, periods, lag, phases, rules, release, table and figure."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import katoutcomes as kat
from katoutcomes.analyses.steps.over_time.periods import parsed, periods_of
from katoutcomes.analyses.steps.over_time.rule_sets import RULE_SETS, rule_findings
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.kernels.monitoring.runs import Runs, runs
from katoutcomes.results.time_words import signal_sentences

QUARTERS = [f"{year}Q{quarter}" for year in (2021, 2022, 2023, 2024) for quarter in (1, 2, 3, 4)]


def made_up(n_quarters=14, n_patients=30, seed=5, drop_from=None, quarters=QUARTERS):
    """One row a patient; from one quarter on patients improve by four points more."""
    rng = np.random.default_rng(seed)
    rows = []
    for place, quarter in enumerate(quarters[:n_quarters]):
        before = np.clip(np.round(rng.normal(17, 4, n_patients)), 6, 27)
        more = 4.0 if drop_from is not None and place >= drop_from else 0.0
        after = np.clip(np.round(before - 5 - more + rng.normal(0, 5, n_patients)), 0, 27)
        after[rng.random(n_patients) < 0.15] = np.nan
        rows.append(pd.DataFrame({"before": before, "score": after, "index_quarter": quarter}))
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(id=range(len(frame)), visit="week 12", age=rng.integers(20, 70, len(frame)))


def as_set(frame, days=84, **choices):
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        covariates=["index_quarter", "age"],
        visits={"week 12": days},
        **choices,
    )


THROUGH = "2030-12-31"


def test_every_number_of_every_quarter_by_counting():
    frame = made_up(n_quarters=3)
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH)
    for quarter, rows in frame.groupby("index_quarter"):
        change = (rows["score"] - rows["before"]).dropna()
        low, high = stats.t.interval(0.95, len(change) - 1, change.mean(), stats.sem(change))
        where = {"subgroup": f"index_quarter: {quarter}"}
        (found,) = result.select(term="change", **where)
        assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx((change.mean(), low, high))
        assert (found.n_patients, found.visit, found.unit) == (len(change), "week 12", "points")
        for term, counted in (
            ("reliable improvement", (change <= -6).sum()),
            ("reliable deterioration", (change >= 6).sum()),
        ):
            (share,) = result.select(term=term, **where)
            assert (share.n_counted, share.n_patients) == (counted, len(change))
            exact = stats.binomtest(int(counted), len(change)).proportion_ci(0.95, "exact")
            assert (share.conf_low, share.conf_high) == pytest.approx((exact.low, exact.high), abs=1e-9)
        (complete,) = result.select(term="paired completeness", **where)
        assert (complete.n_counted, complete.n_patients) == (len(change), rows["before"].notna().sum())


def test_lines_of_a_control_chart():
    frame = made_up()
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH)
    assert result.part("charts").column("kind") == ("XmR chart", "p chart", "p chart", "p chart")
    change = (frame["score"] - frame["before"]).groupby(frame["index_quarter"]).mean()
    reach = 3 * change.diff().abs().mean() / 1.128
    phase = {"subgroup": "phase: from 2021Q1"}
    assert result.select(measure="center line", **phase)[0].estimate == pytest.approx(change.mean())
    limits = [one.estimate for one in result.select(measure="control limit", **phase)]
    assert limits == pytest.approx([change.mean() - reach, change.mean() + reach])
    improved = (frame["score"] - frame["before"]).dropna() <= -6
    (center,) = result.select(term="reliable improvement", measure="proportion", **phase)
    assert center.estimate == pytest.approx(improved.mean())
    of_first = improved[frame.loc[improved.index, "index_quarter"] == "2021Q1"]
    width = 3 * math.sqrt(improved.mean() * (1 - improved.mean()) / len(of_first))
    found = result.select(measure="control limit of a share", subgroup="index_quarter: 2021Q1")[:2]
    assert [one.estimate for one in found] == pytest.approx([improved.mean() - width, improved.mean() + width])
    assert [one.term for one in found] == ["reliable improvement, lower limit", "reliable improvement, upper limit"]


def test_a_lasting_shift_is_a_signal_and_a_rebasing_with_its_reason_ends_it():
    data = as_set(made_up(n_quarters=16, drop_from=8))

    def signals(result):
        part = result.part("signals")
        rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows if row[0] == "change"]
        return {(row["rule"], row["group"]) for row in rows if row["verdict"] == "signal"}

    plain = kat.outcomes_over_time(data, data_through=THROUGH)
    assert {("shift", "phase: from 2021Q1"), ("crossings", "phase: from 2021Q1")} <= signals(plain)
    decision = kat.Rebasing("2023Q1", "preparation was doubled", "2023-01-09")
    rebased = kat.outcomes_over_time(data, data_through=THROUGH, rebased=[decision])
    assert rebased.part("charts").column("kind") == ("plain line",) * 8  # eight points a phase: no rules
    assert rebased.part("rebasings").rows == (
        ("phase: from 2023Q1", "2023Q1", "preparation was doubled", "2023-01-09"),
    )
    assert "preparation was doubled" in rebased.plot().alt_text
    table = {"period": "2023Q1", "reason": "preparation was doubled", "decided": dt.date(2023, 1, 9)}
    assert kat.outcomes_over_time(data, data_through=THROUGH, rebased=[table]).parts == rebased.parts


def test_a_point_beyond_the_limits_is_named():
    frame = made_up(n_quarters=13)
    frame.loc[frame["index_quarter"] == "2022Q3", "score"] = 27
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH)
    part = result.part("signals")
    beyond = {(row[0], row[3]) for row in part.rows if row[2] == "beyond limits" and row[6] == "signal"}
    assert ("change", "2022Q3") in beyond
    assert ("reliable deterioration", "2022Q3") in beyond
    assert "2022Q3" in " ".join(signal_sentences(result, "change"))
    assert "beyond the limits" in result.plot().alt_text


def test_fewer_than_twelve_points_are_a_plain_line():
    result = kat.outcomes_over_time(as_set(made_up(n_quarters=11)), data_through=THROUGH)
    assert set(result.part("charts").column("kind")) == {"plain line"}
    assert result.part("signals").rows == ()
    assert not result.select(measure="control limit")
    assert not [one for one in result.estimates if one.subgroup.startswith("phase")]


def test_a_run_chart_has_the_median_and_no_limits():
    frame = made_up(n_quarters=12)
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH, chart="run", rules="perla_2011/1")
    change = (frame["score"] - frame["before"]).groupby(frame["index_quarter"]).mean()
    assert result.select(measure="center line")[0].estimate == pytest.approx(change.median())
    assert not result.select(measure="control limit")
    assert {row[2] for row in result.part("signals").rows} == {"shift", "trend"}


def test_laneys_limits_are_those_by_chance_times_the_factor():
    frame = made_up(n_quarters=14, drop_from=5)
    frame.loc[frame["index_quarter"].isin(QUARTERS[6:14:2]), "score"] += 6
    data = as_set(frame)
    by_chance, wide = (
        kat.outcomes_over_time(data, data_through=THROUGH, limits=limits) for limits in ("chance", "laney")
    )
    (factor,) = wide.select(term="reliable improvement", measure="over-dispersion factor")
    assert factor.estimate > 1.2
    (center,) = wide.select(term="reliable improvement", measure="proportion", subgroup="phase: from 2021Q1")
    where = {"term": "reliable improvement, lower limit", "subgroup": "index_quarter: 2021Q2"}
    narrow_reach, reach = (center.estimate - one.select(**where)[0].estimate for one in (by_chance, wide))
    assert reach == pytest.approx(min(factor.estimate * narrow_reach, center.estimate))
    assert "p\u2032 chart" in wide.part("charts").column("kind")


def test_quarters_whose_follow_up_is_not_over_are_marked_and_in_no_line():
    frame = made_up(n_quarters=14)
    recent = frame["index_quarter"] == "2024Q2"
    frame.loc[recent & (frame["id"] % 3 > 0), "score"] = np.nan  # who is there has come early
    data = as_set(frame)
    result = kat.outcomes_over_time(data, data_through="2024Q2")
    assert result.part("periods").column("verdict")[-2:] == ("in the chart", "follow-up not over")
    # 84 days before 30 June is 7 April: the window of all of 2024Q1 has closed, of 2024Q2 that of seven of 91 days.
    assert result.part("periods").column("closed")[-1] == pytest.approx(7 / 91, abs=5e-4)
    assert not result.select(term="paired completeness", subgroup="index_quarter: 2024Q2")
    assert result.select(term="change", subgroup="index_quarter: 2024Q2")
    spans = {row[2] for row in result.part("spans").rows}
    assert "index_quarter: 2024Q2" not in spans


def test_how_far_follow_up_is_over():
    quarter = parsed("2026Q1")
    assert quarter.closed_share(dt.date(2026, 3, 31), 98) == 0.0
    assert quarter.closed_share(dt.date(2026, 7, 6), 98) == pytest.approx(89 / 90)
    assert quarter.closed_share(dt.date(2026, 7, 7), 98) == 1.0


def test_scores_show_that_the_data_reach_further():
    frame = made_up(n_quarters=2)
    result = kat.outcomes_over_time(as_set(frame))
    # The last quarter begins on 1 April; a score on day 84 cannot be given before 24 June, and 30 June is later.
    assert any("2021-06-30" in text for text in result.assumptions)
    late = kat.outcomes_over_time(as_set(frame, days=120))
    assert any("2021-07-30" in text for text in late.assumptions)


def test_quarters_without_a_course_are_there():
    frame = made_up(n_quarters=4)
    frame = frame[frame["index_quarter"] != "2021Q3"]
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH)
    assert result.part("periods").column("period") == ("2021Q1", "2021Q2", "2021Q3", "2021Q4")
    assert result.part("periods").column("verdict")[2] == "too few patients"
    (change,) = result.select(term="change", subgroup="index_quarter: 2021Q3")
    assert (change.n_patients, math.isnan(change.estimate)) == (0, True)


def test_months_are_periods_as_well():
    months = [f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13)]
    result = kat.outcomes_over_time(as_set(made_up(n_quarters=13, quarters=months)), data_through=THROUGH)
    assert result.part("periods").column("period")[-1] == "2024-01"
    assert result.title.startswith("Outcomes by month")


def test_the_last_quarter_beside_the_eight_before():
    frame = made_up(n_quarters=12)
    result = kat.outcomes_over_time(as_set(frame), data_through=THROUGH)
    change = (frame["score"] - frame["before"]).dropna()
    quarter = frame.loc[change.index, "index_quarter"]
    last, before = change[quarter == QUARTERS[11]], change[quarter.isin(QUARTERS[3:11])]
    (difference,) = result.select(term="change: 2023Q4 - 2021Q4 to 2023Q3")
    welch = stats.ttest_ind(last, before, equal_var=False)
    interval = welch.confidence_interval(0.95)
    assert difference.estimate == pytest.approx(last.mean() - before.mean())
    assert (difference.conf_low, difference.conf_high) == pytest.approx((interval.low, interval.high))
    (together,) = result.select(term="change", subgroup="span: 2021Q4 to 2023Q3")
    assert (together.estimate, together.n_patients) == (pytest.approx(before.mean()), len(before))
    table = result.to_table("recent")
    assert table.columns[1:3] == ("2023Q4 (95% CI)", "2021Q4 to 2023Q3 (95% CI)")
    assert result.plot("recent").title == "PHQ-9 at week 12: 2023Q4 and the 8 quarters before"


@pytest.mark.parametrize(
    ("rules", "found", "signals"),
    [
        ("anhoej_olesen_2014/1", Runs(20, 8, 6, 9), {"shift"}),
        ("anhoej_olesen_2014/1", Runs(20, 7, 5, 9), {"crossings"}),
        ("perla_2011/1", Runs(20, 6, 1, 4), {"shift"}),
        ("perla_2011/1", Runs(20, 5, 1, 5), {"trend"}),
        ("nelson_1984/1", Runs(20, 8, 1, 5), set()),
        ("nelson_1984/1", Runs(20, 9, 1, 6), {"shift", "trend"}),
    ],
)
def test_rule_sets(rules, found, signals):
    assert {one.rule for one in rule_findings(RULE_SETS[rules], found) if one.is_signal} == signals


def test_how_often_rules_signal_where_nothing_changes():
    """The table of docs/methods/outcomes_over_time.md; 600 charts have an error of 2 percentage points."""
    rng = np.random.default_rng(20261122)
    signals = dict.fromkeys(RULE_SETS, 0)
    for _ in range(600):
        values = rng.normal(size=24)
        found = runs(values, float(np.median(values)))
        for name, rules in RULE_SETS.items():
            signals[name] += any(one.is_signal for one in rule_findings(rules, found))
    assert signals["anhoej_olesen_2014/1"] / 600 == pytest.approx(0.02, abs=0.02)
    assert signals["perla_2011/1"] / 600 == pytest.approx(0.35, abs=0.06)
    assert signals["nelson_1984/1"] / 600 == pytest.approx(0.04, abs=0.03)


def test_what_cannot_be_asked():
    data = as_set(made_up(n_quarters=3))
    for choices, words in (
        ({"chart": "bar"}, "chart"),
        ({"limits": "wide"}, "limits"),
        ({"rules": "mine/1"}, "rules"),
        ({"data_through": "soon"}, "data_through"),
        ({"data_through": "2020Q4"}, "ends before"),
        ({"rebased": [{"period": "2021Q2"}]}, "period, reason and decided"),
        ({"rebased": [kat.Rebasing("2031Q1", "moved", "2031-01-01")]}, "not among the periods"),
        ({"period": "nothing"}, "nothing"),
    ):
        with pytest.raises(OptionError, match=words):
            kat.outcomes_over_time(data, **choices)
    with pytest.raises(DesignError, match="calendar quarters"):
        kat.outcomes_over_time(data, period="age")
    with pytest.raises(OptionError, match="reason"):
        kat.Rebasing("2021Q2", " ", "2021-04-01")
    with pytest.raises(OptionError, match="date"):
        kat.Rebasing("2021Q2", "moved", "spring")


def test_periods_of_two_kinds_are_refused():
    frame = made_up(n_quarters=2)
    frame.loc[0, "index_quarter"] = "2021-04"
    with pytest.raises(DesignError, match="quarters and months"):
        periods_of(as_set(frame).variable("index_quarter"))


@pytest.fixture(scope="module")
def clinic():
    cohort = kat.select_cohort(kat.simulate_registry(seed=11, n_patients=250, n_quarters=14))
    return cohort, kat.outcomes_over_time(cohort.analysis_set("PHQ-9"), events_of=cohort, data_through=THROUGH)


def test_events_a_session_are_those_of_the_safety_analysis(clinic):
    cohort, result = clinic
    safety = kat.safety(cohort, by="index_quarter")
    for rate in result.select(term="adverse events", measure="event rate"):
        if not rate.subgroup.startswith("index_quarter"):
            continue
        sessions = safety.select(term="dosing sessions", measure="count", subgroup=rate.subgroup)[0].estimate
        events = safety.select(term="events", measure="count", subgroup=rate.subgroup)[0].estimate
        assert rate.n_observations == events
        assert rate.estimate == pytest.approx(100.0 * events / sessions)
        (count,) = result.select(term="dosing sessions", subgroup=rate.subgroup)
        assert count.estimate == sessions


def test_events_of_another_cohort_are_refused(clinic):
    cohort, _ = clinic
    with pytest.raises(OptionError, match="events_of"):
        kat.outcomes_over_time(as_set(made_up(n_quarters=2)), events_of=cohort)


def test_what_is_released_hides_lines_with_their_periods(clinic):
    _, result = clinic
    released = kat.release(result)
    hidden = {
        (one.term, one.subgroup)
        for one in released.estimates
        if one.suppressed and one.subgroup.startswith("index_quarter") and "limit" not in one.term
    }
    members = {(row[0], row[1]): [] for row in released.part("spans").rows}
    for term, whole, period in released.part("spans").rows:
        members[term, whole].append(period)
    shown_signals = {(row[0], row[1]) for row in released.part("signals").rows}
    for (term, whole), inside in members.items():
        gone = [period for period in inside if (term, period) in hidden]
        if gone:
            assert (term, whole) not in shown_signals
            assert len(gone) >= 2, (term, whole)
        for period in gone:
            for side in ("lower", "upper"):
                for limit in released.select(term=f"{term}, {side} limit", subgroup=period):
                    assert limit.suppressed or limit.n_patients or limit.n_observations
    assert any(hidden)
    assert shown_signals
    assert kat.release(released).to_json() == released.to_json()


def test_tables_and_figures_of_what_is_released(clinic):
    _, result = clinic
    for one in (result, kat.release(result)):
        for kind in (None, "recent", "signals"):
            assert len(one.to_table(kind).rows) > 0
        for kind in ("over_time", "recent"):
            figure = one.plot(kind)
            assert figure.svg() == figure.svg()
            assert figure.alt_text
    assert "not shown" in kat.release(result).plot().alt_text


def test_an_instrument_without_a_definition_says_so():
    data = kat.AnalysisSet.from_frame(
        made_up(n_quarters=2).rename(columns={"score": "s"}),
        patient="id",
        visit="visit",
        score="s",
        baseline="before",
        instrument="HAM-A",
        covariates=["index_quarter"],
        visits={"week 12": 84},
    )
    result = kat.outcomes_over_time(data, data_through=THROUGH)
    assert not result.select(term="reliable improvement")
    assert "reliable" in result.warnings[0]
