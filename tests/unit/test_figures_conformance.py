"""What every figure must do: the same bytes everywhere, readable text, an honest table, and nothing hidden in it."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import DisclosureError
from katoutcomes.figures.adjusted_means import adjusted_means
from katoutcomes.figures.flow import flow
from katoutcomes.figures.jacobson import jacobson
from katoutcomes.figures.paired_change import paired_change
from katoutcomes.figures.trajectory import trajectory
from katoutcomes.results.presenters import FIGURES, figure_function

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
_SPEC = importlib.util.spec_from_file_location("figure_results", GOLDEN / "figure_results.py")
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)

ONE_VISIT = (("week 12", 84),)
MANY_VISITS = tuple((f"week {week}", 7 * week) for week in (1, 2, 4, 8, 12, 26, 52))
NOBODY = np.full(4, np.nan), np.full((4, 3), np.nan), np.zeros(4, int)


@cache
def clinic():
    return kat.simulate_registry(seed=5, n_patients=90)


@cache
def care_pathway_result(by="program_booked"):
    return kat.care_pathway(kat.select_cohort(clinic()).analysis_set(treatment=by, pathway=True))


@cache
def significance(analysis="clinical_significance", by="program_booked", **choices):
    cohort = kat.select_cohort(clinic())
    data = cohort.analysis_set("PHQ-9", treatment=by, with_scores_of=["GAD-7"])
    return getattr(kat, analysis)(data, **choices)


@cache
def contrast_result(by="program_booked", combinations=None, **choices):
    model = kat.mmrm(kat.select_cohort(clinic()).analysis_set("PHQ-9", treatment=by))
    return kat.contrast(model, combinations, **choices)


@cache
def long_question():
    name = "the difference of the two cohorts' changes from week 4 to week 12, which has a very long name"
    pair = {("with_integration", "week 12"): 1.0, ("ketamine_only", "week 12"): -1.0}
    model = kat.mmrm(kat.select_cohort(clinic()).analysis_set("PHQ-9", treatment="program_booked"))
    return kat.contrast(model, {name: pair, "short": pair})


@cache
def small_multiverse(question="mean change", against=None, gap_days=(90,)):
    return multiverse_result(question=question, against=against, gap_days=gap_days)


def multiverse_result(**choices):
    return kat.multiverse(clinic(), baseline_choices=["last"], visit_choices=["nearest"], **choices)


@cache
def one_specification():
    return multiverse_result(baseline_windows=[kat.BASELINE_WINDOW], visits=[kat.DEFAULT_VISITS[2]])


@cache
def dropout_result():
    return kat.dropout(kat.select_cohort(clinic()).analysis_set("PHQ-9", treatment="program_booked"))


@cache
def emulated_result():
    registry = kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")
    trial = kat.TargetTrial(confounders=("program_booked",))
    return kat.emulate_trial(trial, registry, modifiers=("program_booked",), n_bootstrap=100, rng=1)


@cache
def dose_response_result():
    registry = kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")
    return kat.session_dose_response(kat.TargetTrial(confounders=("program_booked",)), registry, n_bootstrap=100, rng=1)


@cache
def compared_result():
    data = kat.select_cohort(clinic()).analysis_set("PHQ-9", treatment="program_booked")
    return kat.compare_cohorts(data, modifiers=("baseline_score",), n_bootstrap=100, rng=1)


@cache
def compared_sites_result():
    data = kat.select_cohort(clinic()).analysis_set("PHQ-9", treatment="site")
    return kat.compare_cohorts(data, n_bootstrap=100, rng=1)


def periods_and_sites(n_quarters, n_sites, n_patients=24, name="site"):
    """An analysis set of quarters that get better, and of sites of different sizes with long names."""
    rng = np.random.default_rng(n_quarters)
    n_rows = n_quarters * n_patients
    quarter = np.repeat(np.arange(n_quarters), n_patients)
    before = np.round(rng.uniform(10, 24, n_rows))
    frame = pd.DataFrame(
        {
            "id": range(n_rows),
            "visit": "week 12",
            "before": before,
            "score": np.clip(before - np.round(rng.normal(4 + quarter / 4, 4)), 0, 27),
            "index_quarter": [f"{2015 + one // 4}Q{one % 4 + 1}" for one in quarter],
            "site": [f"{name} {one:02d}" for one in np.sqrt(rng.uniform(0, n_sites**2, n_rows)).astype(int)],
        }
    )
    frame.loc[rng.random(n_rows) < 0.2, "score"] = np.nan
    data = kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        instrument="PHQ-9",
        covariates=["index_quarter", "site"],
        visits={"week 12": 84},
    )
    return replace(data, provenance=replace(data.provenance, is_synthetic=True))


@cache
def time_result(n_quarters=14, **choices):
    return kat.outcomes_over_time(periods_and_sites(n_quarters, 2), **choices)


@cache
def time_with_events():
    cohort = kat.select_cohort(clinic())
    return kat.outcomes_over_time(cohort.analysis_set("PHQ-9"), events_of=cohort, limits="laney")


@cache
def sites_result(n_sites=12, n_quarters=20, name="site"):
    return kat.compare_sites(periods_and_sites(n_quarters, n_sites, name=name))


@cache
def few_patients():
    return kat.dropout(kat.select_cohort(kat.simulate_registry(seed=5, n_patients=34)).analysis_set("PHQ-9"))


@cache
def safety_result(by=None):
    return kat.safety(kat.select_cohort(clinic()), by=by)


CASES = {
    "dropout curve": lambda: dropout_result().plot(),
    "dropout curve, by severity, released": lambda: kat.release(dropout_result()).plot(by_severity=True),
    "individual trajectories": lambda: few_patients().plot("individual_trajectories"),
    "safety events": lambda: safety_result().plot(),
    "safety events, two groups, released": lambda: kat.release(safety_result("program_booked")).plot(),
    "care pathway": lambda: care_pathway_result().plot(),
    "care pathway, one group, released": lambda: kat.release(care_pathway_result()).plot(each_group=False),
    "responders": lambda: significance().plot("responders"),
    "responders, five groups": lambda: significance(by="site").plot("responders", definition_sets="jacobson_truax"),
    "responders, released": lambda: kat.release(significance()).plot("responders"),
    "responders, two measures": lambda: significance("nhs_outcomes").plot(),
    "severity transitions": lambda: significance("severity_transitions").plot(),
    "severity transitions, released": lambda: kat.release(significance("severity_transitions")).plot(each_group=True),
    "sensitivity curve": lambda: significance("clinical_significance_sensitivity").plot(),
    "sensitivity curve, released": lambda: kat.release(significance("clinical_significance_sensitivity")).plot(),
    "band over arms": lambda: compared_sites_result().plot("band"),
    "band over arms, released": lambda: kat.release(compared_sites_result()).plot("band"),
    "care pathway, many groups": lambda: care_pathway_result(by="age_band").plot(),
    "specification curve": lambda: small_multiverse().plot(),
    "specification curve, released": lambda: kat.release(small_multiverse(gap_days=(90, 30))).plot(),
    "specification curve, share": lambda: small_multiverse(question="remission", against=0.3).plot(),
    "specification curve, one choice": lambda: one_specification().plot(),
    "adjusted means": lambda: adjusted_means(made.mmrm_result(300)),
    "adjusted means, released": lambda: adjusted_means(made.released(made.mmrm_result(120, by="program_booked"))),
    "adjusted means, five cohorts": lambda: adjusted_means(made.mmrm_result(400, by="site")),
    "adjusted means, one visit": lambda: adjusted_means(made.mmrm_result(80, visits=ONE_VISIT, baseline_used=False)),
    "adjusted means, many visits": lambda: adjusted_means(
        made.mmrm_result(600, visits=(*MANY_VISITS, ("end of treatment", 400)), by="program_booked")
    ),
    "over time": lambda: time_result().plot(),
    "over time, released": lambda: kat.release(time_result()).plot(),
    "over time, forty quarters": lambda: time_result(40).plot(),
    "over time, two quarters": lambda: time_result(2).plot(),
    "over time, events, released": lambda: kat.release(time_with_events()).plot(),
    "recent": lambda: time_result().plot("recent"),
    "recent, events, released": lambda: kat.release(time_with_events()).plot("recent"),
    "recent, one quarter": lambda: time_result(1).plot("recent"),
    "sites": lambda: sites_result(4).plot(),
    "sites, released": lambda: kat.release(sites_result(4)).plot(),
    "sites, one": lambda: sites_result(1, 4).plot(),
    "sites, long names": lambda: sites_result(5, 8, name="A treatment center with quite a long name").plot(),
    "funnel": lambda: sites_result().plot("funnel"),
    "funnel, released": lambda: kat.release(sites_result()).plot("funnel"),
    "funnel, long names": lambda: sites_result(11, 20, name="A treatment center with quite a long name").plot("funnel"),
    "comparisons": lambda: contrast_result().plot(),
    "comparisons, corrected": lambda: contrast_result(multiplicity="bonferroni").plot(),
    "comparisons, released": lambda: kat.release(contrast_result(), kat.DisclosurePolicy(minimum_cell=60)).plot(),
    "comparisons, long name": lambda: long_question().plot(),
    "flow": lambda: flow(made.flow_result(by="program_booked")),
    "flow, released": lambda: flow(made.released(made.flow_result(90, by="site"))),
    "flow, one visit": lambda: flow(made.flow_result(visits=ONE_VISIT)),
    "flow, nobody": lambda: flow(made.flow_result(0)),
    "trajectory": lambda: trajectory(made.change_result(300)),
    "trajectory, released": lambda: trajectory(made.hidden_below(made.change_result(120, by="program_booked"), 35)),
    "trajectory, one visit": lambda: trajectory(made.change_result(80, visits=ONE_VISIT)),
    "trajectory, many visits": lambda: trajectory(made.change_result(80, visits=MANY_VISITS, by="program_booked")),
    "trajectory, five groups": lambda: trajectory(made.change_result(400, by="site")),
    "trajectory, four patients": lambda: trajectory(made.change_result(4)),
    "trajectory, nobody": lambda: trajectory(made.change_result(scores=NOBODY)),
    "paired change": lambda: paired_change(made.change_result(300)),
    "paired change, few": lambda: paired_change(made.change_result(60, by="program_booked"), each_group=True),
    "paired change, released": lambda: paired_change(made.released(made.change_result(600))),
    "paired change, five groups": lambda: paired_change(
        made.released(made.change_result(600, by="site")), each_group=True
    ),
    "paired change, four patients": lambda: paired_change(made.change_result(4)),
    "paired change, four patients, released": lambda: paired_change(made.released(made.change_result(4))),
    "paired change, nobody": lambda: paired_change(made.change_result(scores=NOBODY)),
    "paired change, unknown instrument": lambda: paired_change(made.change_result(90, instrument="Local mood scale")),
    "jacobson": lambda: jacobson(made.clinical_result(300)),
    "jacobson, released": lambda: jacobson(made.released(made.clinical_result(600))),
    "jacobson, two groups": lambda: jacobson(
        made.released(made.clinical_result(900, by="program_booked")), each_group=True
    ),
    "jacobson, BDI-II": lambda: jacobson(made.clinical_result(100, instrument="BDI-II", visits=ONE_VISIT)),
    "jacobson, four patients": lambda: jacobson(made.clinical_result(4)),
    "jacobson, four patients, released": lambda: jacobson(made.released(made.clinical_result(4))),
}
DIGESTED = (
    "adjusted means, released",
    "flow, released",
    "trajectory, released",
    "paired change, released",
    "jacobson, released",
)


@cache
def figure_of(name):
    """Each figure is made once; every test draws it anew."""
    return CASES[name]()


@pytest.fixture(params=CASES)
def figure(request):
    return figure_of(request.param)


def text_boxes(page):
    """Return text and place, in points, of everything written on a page."""
    from matplotlib.text import Text

    page.draw_without_rendering()
    renderer = page.canvas.get_renderer()
    scale = 72 / page.dpi
    texts = [text for text in page.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(renderer).frozen().extents * scale) for text in texts]


@pytest.mark.parametrize("name", CASES)
def test_text_stays_on_the_page_lies_apart_and_can_be_read(name):
    page = figure_of(name).matplotlib_figure()
    boxes = text_boxes(page)
    assert_no_text_leaves(page, boxes)
    assert_no_text_lies_on_another(boxes)
    assert_no_text_is_small(page)


def assert_no_text_leaves(page, boxes):
    width, height = page.get_size_inches() * 72
    assert width == pytest.approx(540)
    for text, (left, bottom, right, top) in boxes:
        assert left >= -0.5, text
        assert bottom >= -0.5, text
        assert right <= width + 0.5, text
        assert top <= height + 0.5, text


def assert_no_text_lies_on_another(boxes):
    slack = 1.2  # points: boxes of lines hold room for accents and descenders
    for (text, one), (other_text, other) in combinations(boxes, 2):
        beside = one[2] <= other[0] + slack or other[2] <= one[0] + slack
        apart = one[3] <= other[1] + slack or other[3] <= one[1] + slack
        assert beside or apart, (text, other_text)


def assert_no_text_is_small(page):
    from matplotlib.text import Text

    assert min(text.get_fontsize() for text in page.findobj(Text) if text.get_text().strip()) >= 8.0


def test_drawing_changes_no_setting_and_opens_no_window(figure):
    import matplotlib as mpl

    before = dict(mpl.rcParams.copy())
    figure.svg_and_png(dpi=50)
    figure.axes()
    assert dict(mpl.rcParams.copy()) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_the_table_has_its_columns_and_all_its_rows(figure):
    read = list(csv.reader(io.StringIO(figure.csv())))
    assert tuple(read[0]) == figure.columns
    assert len(read) == len(figure.rows) + 1
    assert all(len(row) == len(figure.columns) for row in figure.rows)
    assert "nan" not in figure.csv()


def test_the_text_alternative_is_whole_sentences_with_the_title(figure):
    assert figure.alt_text.startswith(figure.title)
    assert figure.alt_text.endswith(".")
    assert "Synthetic data" in figure.alt_text
    assert "nan" not in figure.alt_text
    assert "None" not in figure.alt_text
    assert "  " not in figure.alt_text


def digests():
    """Return the digests of everything that released figures write."""
    released = {name: CASES[name]() for name in DIGESTED}
    return {
        f"{name} {kind}": hashlib.sha256(content).hexdigest()
        for name, figure in released.items()
        for kind, content in (
            ("svg", figure.svg().encode()),
            ("png", figure.png(dpi=72)),
            ("csv", figure.csv().encode()),
            ("alt", figure.alt_text.encode()),
        )
    }


def test_the_bytes_are_the_same_twice_and_in_other_processes():
    code = (
        "import importlib.util, json, sys\n"
        "spec = importlib.util.spec_from_file_location('conformance', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print('\\n'.join(f'{key}: {value}' for key, value in module.digests().items()))"
    )
    here = digests()
    assert here == digests()
    for seed in ("1", "2"):  # another order of sets, another time zone, another date
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).resolve())],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "", "TZ": f"Etc/GMT+{seed}", "SOURCE_DATE_EPOCH": seed},
        )
        assert dict(line.split(": ") for line in done.stdout.splitlines()) == here


def everything_said(figure):
    """Return all text of a figure: what is drawn stands in the SVG as a comment beside its outlines."""
    svg = figure.svg()
    drawn = re.findall(r"<!--(.*?)-->", svg, re.DOTALL)
    described = re.findall(r"<(?:title|desc)[^>]*>(.*?)</", svg, re.DOTALL)
    return " ".join((*drawn, *described, figure.csv().replace(",", " "), figure.alt_text, figure.title))


def small_group():
    """Return scores of 60 patients and of 7 more whose numbers nobody else has."""
    baseline = np.concatenate((np.tile([12.0, 14.0, 16.0], 20), np.full(7, 23.0)))
    follow_up = np.concatenate((np.tile([6.0, 8.0, 10.0], 20), np.full(7, 19.0)))
    return baseline, np.repeat(follow_up[:, None], 3, axis=1), np.repeat([0, 1], [60, 7])


def test_numbers_of_a_hidden_cohort_stand_nowhere():
    result = made.change_result(by="program_booked", scores=small_group())
    telling = {"7", "23.0", "19.0", "23", "19", "\u22124.0", "-4"}
    for draw in (trajectory, lambda one: paired_change(one, each_group=True)):
        assert telling & set(re.findall(r"[\d.\u2212-]*\d", everything_said(draw(result))))
        released = everything_said(draw(made.released(result)))
        assert not telling & set(re.findall(r"[\d.\u2212-]*\d", released))
        assert "hidden" in released or "nothing is shown, to protect patients" in released


def test_marks_of_a_hidden_cohort_stand_nowhere():
    result = made.change_result(by="program_booked", scores=small_group())
    for draw in (trajectory, lambda one: paired_change(one, each_group=True)):
        for one, is_there in ((result, True), (made.released(result), False)):
            lines = [line for axes in draw(one).axes() for line in axes.get_lines()]
            heights = {float(height) for line in lines for height in line.get_ydata()}
            assert bool({23.0, 19.0} & heights) == is_there


def test_individual_values_are_drawn_only_where_they_may_stay():
    result = made.clinical_result(300)
    assert {row[2] for row in jacobson(result).rows} == {"threshold", "patients", "proportion"}
    assert {row[2] for row in jacobson(made.released(result)).rows} == {"threshold", "bins", "proportion"}


def test_levels_of_a_modifier_are_written_in_words():
    words = emulated_result().plot("effects").alt_text
    assert "ketamine only" in words
    assert "ketamine_only" not in words


@pytest.mark.parametrize(("analysis", "kind"), [(name, kind) for name, kinds in FIGURES.items() for kind in kinds])
def test_every_registered_figure_is_drawn_by_plot(analysis, kind):
    results = {
        "participant_flow": made.flow_result,
        "change_from_baseline": made.change_result,
        "clinical_significance": made.clinical_result,
        "care_pathway": lambda _: care_pathway_result(),
        "contrast": lambda _: contrast_result(),
        "mmrm": made.mmrm_result,
        "multiverse": lambda _: small_multiverse(),
        "dropout": lambda _: dropout_result(),
        "emulate_trial": lambda _: emulated_result(),
        "session_dose_response": lambda _: dose_response_result(),
        "compare_cohorts": lambda _: compared_result(),
        "outcome_family": lambda _: kat.outcome_family(compared_result(), procedure="max_t"),
        "compare_sites": lambda _: sites_result(),
        "outcomes_over_time": lambda _: time_result(),
        "safety": lambda _: safety_result(),
        "clinical_significance_sensitivity": lambda _: significance("clinical_significance_sensitivity"),
        "nhs_outcomes": lambda _: significance("nhs_outcomes"),
        "severity_transitions": lambda _: significance("severity_transitions"),
    }
    result = few_patients() if kind == "individual_trajectories" else results[analysis](80)
    result = compared_sites_result() if (analysis, kind) == ("compare_cohorts", "band") else result
    figure = result.plot(kind)
    assert figure.name.startswith(kind)
    assert figure.svg() == figure_function(analysis, kind)(result).svg()
    if kind == "individual_trajectories":
        with pytest.raises(DisclosureError):
            made.released(result).plot(kind)
    else:
        assert made.released(result).plot(kind).svg()
