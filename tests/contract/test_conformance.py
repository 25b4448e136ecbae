"""What every analysis keeps: signature, record, vocabulary, order, bytes, table, figure."""

from __future__ import annotations

import dataclasses
import html.parser
import inspect
import json
import math
import pkgutil
import re

import numpy as np
import pytest

import katoutcomes as kat
import katoutcomes.analyses
from katoutcomes.results.check import VERDICTS
from katoutcomes.results.presenters import FIGURES, TABLES, figure_function, table_function
from katoutcomes.results.result import Result
from katoutcomes.results.serialization import result_from_dict, result_json
from katoutcomes.vocabulary import COUNT_FIELDS, ESTIMATE_COLUMNS, MEASURES, ROW_COUNT_FIELDS, SCHEMA_VERSION, UNITS

pytestmark = pytest.mark.xdist_group("contract")  # they share results and releases

VOID_ELEMENTS = {"br", "hr", "img", "meta", "link", "input", "col", "wbr"}
PATH_LIKE = re.compile(r"(?:^|[\s\"'(])(?:/(?:home|tmp|usr|var|mnt|opt|work)\b|~/|[A-Za-z]:\\)")


def texts(result):
    """Every text of a result that somebody wrote, but not names of levels and visits."""
    return (
        result.title,
        result.estimand.sentence(),
        result.method.name,
        result.method.description,
        *result.method.sources,
        *result.assumptions,
        *result.warnings,
        *(check.message for check in result.checks),
    )


# --- the list is complete --------------------------------------------------------------------------------------------


def test_every_public_analysis_is_in_the_suite(house):
    modules = [module.name for module in pkgutil.iter_modules(katoutcomes.analyses.__path__)]
    public = {name for name in modules if name in kat.__all__}
    assert public == set(house.ANALYSES)
    assert {case.analysis for case in house.CASES} == public


@pytest.mark.parametrize("analysis", sorted(TABLES))
def test_every_registered_table_is_there(analysis):
    assert callable(table_function(analysis))


@pytest.mark.parametrize(("analysis", "kind"), [(name, kind) for name, kinds in FIGURES.items() for kind in kinds])
def test_every_registered_figure_is_there(analysis, kind):
    assert callable(figure_function(analysis, kind))


def test_every_analysis_has_a_table(house):
    # from_summary takes printed numbers and no data, so the suite cannot run it; it has tests of its own.
    assert set(TABLES) == {*house.ANALYSES, "from_summary", "quality_gates"}


# --- the call --------------------------------------------------------------------------------------------------------


def test_signature_data_estimand_and_named_choices(house):
    for analysis in (*house.SET_ANALYSES, *house.REGISTRY_SET_ANALYSES):
        parameters = list(inspect.signature(getattr(kat, analysis)).parameters.values())
        assert [parameter.name for parameter in parameters[:2]] == ["data", "estimand"], analysis
        assert parameters[1].default is None, analysis
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:]), analysis
    for analysis in house.RESULT_ANALYSES:
        parameters = list(inspect.signature(getattr(kat, analysis)).parameters.values())
        assert parameters[0].name in {"result", "results"}, analysis
        assert all(parameter.default is not parameter.empty for parameter in parameters[1:]), analysis
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:]), analysis
    for analysis in house.COHORT_ANALYSES:
        parameters = list(inspect.signature(getattr(kat, analysis)).parameters.values())
        assert [parameter.name for parameter in parameters[:2]] == ["cohort", "estimand"], analysis
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:]), analysis
    for analysis in house.REGISTRY_ANALYSES:
        parameters = list(inspect.signature(getattr(kat, analysis)).parameters.values())
        first = [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
        assert first[0] == "registry", analysis
        assert set(first[1:]) <= {"instrument", "estimand"}, analysis


def test_the_question_that_is_asked_stands_in_the_answer(frame_case, house):
    asked = dataclasses.replace(house.result_of(frame_case).estimand, name="as_asked", population="those we mean")
    answer = house.run(frame_case.analysis, house.data_of(frame_case.data), estimand=asked)
    assert answer.estimand == asked


# --- the record ------------------------------------------------------------------------------------------------------


def test_result_is_a_frozen_result_of_its_analysis(case, result):
    assert type(result) is Result
    assert result.analysis == case.analysis
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.title = "another"
    assert result.title
    assert result.verdict in VERDICTS


def test_frame_has_exactly_the_columns(result):
    frame = result.to_frame()
    assert tuple(frame.columns) == ESTIMATE_COLUMNS
    assert len(frame) == len(result.estimates) > 0
    assert set(frame["analysis"]) == {result.analysis}


def test_numbers_are_plain_numbers(result):
    for estimate in result.estimates:
        for column in ESTIMATE_COLUMNS[11:19]:
            assert isinstance(getattr(estimate, column), float), (estimate.term, column)
        for n in (estimate.n_patients, estimate.n_observations):
            assert n is None or type(n) is int, estimate.term
    for part in result.parts:
        for cell in (cell for row in part.rows for cell in row):
            assert cell is None or type(cell) in {str, int, float, bool}, part.name


def test_words_are_in_the_vocabulary(result):
    for estimate in result.estimates:
        assert estimate.measure in MEASURES
        assert estimate.unit in UNITS
        assert estimate.term
        if MEASURES[estimate.measure].kind == "proportion":
            assert estimate.unit == ""
        if estimate.measure in {"d_av", "d_z", "standardized mean difference"}:
            assert estimate.unit == "SD"


def test_no_two_estimates_say_they_are_the_same(result):
    names = [tuple(getattr(estimate, name) for name in ESTIMATE_COLUMNS[1:11]) for estimate in result.estimates]
    assert len(names) == len(set(names))


def test_limits_hold_the_estimate_and_name_their_level(result):
    for estimate in result.estimates:
        has_limits = not math.isnan(estimate.conf_low)
        assert math.isnan(estimate.conf_high) is not has_limits, estimate
        assert math.isnan(estimate.conf_level) is not has_limits, estimate
        if has_limits:
            assert 0.0 < estimate.conf_level < 1.0
            assert estimate.conf_low - 1e-12 <= estimate.estimate <= estimate.conf_high + 1e-12, estimate
        if not math.isnan(estimate.p_value):
            assert 0.0 <= estimate.p_value <= 1.0
        assert math.isnan(estimate.std_error) or estimate.std_error >= 0.0


def test_every_number_about_people_says_about_how_many(result):
    for estimate in result.estimates:
        kind = MEASURES[estimate.measure].kind
        if kind in {"proportion", "statistic"} or estimate.unit == "patients":
            assert estimate.n_patients is not None, estimate
        if kind == "proportion" and estimate.n_base:
            counted = estimate.estimate * estimate.n_base
            assert abs(counted - round(counted)) < 1e-9, estimate
        if kind == "count":
            assert estimate.estimate == round(estimate.estimate) >= 0, estimate


def test_contrasts_name_both_sides(result):
    for estimate in result.estimates:
        assert bool(estimate.treatment) == bool(estimate.comparator), estimate
        if estimate.measure in {"difference in means", "standardized mean difference"}:
            assert estimate.treatment, estimate


def test_instrument_and_cohort_stand_with_the_numbers(case, result):
    if case.analysis == "data_quality":
        return
    assert {estimate.cohort for estimate in result.estimates} == {result.estimates[0].cohort}
    assert result.estimates[0].cohort
    assert {estimate.instrument for estimate in result.estimates} <= {"", "PHQ-9"}
    assert all(estimate.instrument == "PHQ-9" for estimate in result.estimates if estimate.unit == "points")


def test_the_answer_says_how_and_from_where(result):
    assert result.estimand.sentence().endswith(".")
    assert len(result.estimand.sentence()) > 20
    assert result.method.description.endswith(".")
    assert result.method.sources or result.analysis == "data_quality"
    assert re.fullmatch(r"[0-9a-f]{64}", result.provenance.digest)
    assert ("katoutcomes", kat.__version__) in result.provenance.software


def test_texts_are_sentences_without_paths_or_placeholders(result):
    for text in texts(result):
        assert text.strip() == text
        assert text
        assert not PATH_LIKE.search(text), text
        assert "{" not in text, text
        assert "nan" not in text.lower().split(), text
    assert all(text[-1] in ".?" for text in (*result.assumptions, *result.warnings))


# --- bytes -----------------------------------------------------------------------------------------------------------


def test_json_parses_has_no_nan_and_says_its_version(result):
    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(result.to_json(), parse_constant=refuse)
    assert content["schema_version"] == SCHEMA_VERSION
    assert content["minimum_cell"] is None
    assert len(content["estimates"]) == len(result.estimates)


def test_json_comes_back_as_the_same_record(case, result, released):
    for record in (result, released):
        back = result_from_dict(json.loads(record.to_json()))
        assert type(back) is type(record)
        assert result_json(back) == record.to_json()


def test_same_data_same_bytes(frame_case, house):
    again = house.as_analysis_set(house.made_up_frame(house.FRAME_SIZES[frame_case.data]))
    assert house.run(frame_case.analysis, again).to_json() == house.result_of(frame_case).to_json()


def test_neither_order_nor_names_of_patients_matter(frame_case, house):
    frame = house.made_up_frame(house.FRAME_SIZES[frame_case.data])
    shuffled = frame.sample(frac=1.0, random_state=7, ignore_index=True)
    shuffled["id"] = shuffled["id"].map({key: f"other-{key[::-1]}" for key in frame["id"]})
    other = house.run(frame_case.analysis, house.as_analysis_set(shuffled))
    assert other.to_json() == house.result_of(frame_case).to_json()


def test_the_order_of_the_rows_of_a_registry_does_not_matter(house):
    tables = {name: house.registry().table(name) for name in ("patients", "sessions", "scores")}
    columns = {
        "patients": ["patient_id", "age_years", "sex", "program_booked", "site", "index_quarter"],
        "sessions": ["session_id", "patient_id", "day", "kind"],
        "scores": ["score_id", "patient_id", "day", "instrument", "total"],
    }
    tables = {name: tables[name][names] for name, names in columns.items()}
    shuffled = {name: table.sample(frac=1.0, random_state=11) for name, table in tables.items()}
    definition = kat.CohortDefinition(instrument="PHQ-9")
    answers = []
    for given in (tables, shuffled):
        registry = kat.read_registry(given, is_synthetic=True)
        cohort = kat.select_cohort(registry, definition)
        data = cohort.analysis_set("PHQ-9", treatment="program_booked", pathway=True, with_scores_of=["GAD-7"])
        names = (*house.SET_ANALYSES, *house.REGISTRY_SET_ANALYSES, *house.RESULT_ANALYSES)
        answers.append([house.run(name, data).to_json() for name in names])
        answers[-1].append(house.run("data_quality", registry).to_json())
    assert answers[0] == answers[1]


def test_texts_hold_no_count_of_what_was_found(frame_case, house):
    """Twice the same patients: every count doubles, every mean stays, so a text that changes holds a count."""
    frame = house.made_up_frame(house.FRAME_SIZES[frame_case.data])
    twice = np.concatenate([frame["id"], frame["id"] + "-again"])
    doubled = house.as_analysis_set(frame.loc[list(frame.index) * 2].reset_index(drop=True).assign(id=twice))
    once, both = house.result_of(frame_case), house.run(frame_case.analysis, doubled)
    messages = {check.name: check.passed for check in once.checks}
    assert (once.title, once.assumptions, once.warnings) == (both.title, both.assumptions, both.warnings)
    assert once.estimand.sentence() == both.estimand.sentence()
    for before, after in zip(once.checks, both.checks, strict=True):
        if messages[after.name] == after.passed and before.limit == after.limit:
            assert before.message == after.message


# --- what a reader sees ----------------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Asserts that every element that is opened is closed, in order, and collects text and elements."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read_page(text):
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def test_html_is_valid_accessible_and_escaped(case, result, released):
    for record in (result, released):
        page = read_page(record._repr_html_())
        tags = {tag for tag, _ in page.elements}
        assert {"table", "caption", "thead", "tbody", "th"} <= tags
        assert not tags & {"script", "b", "img", "style", "iframe"}
        assert all(
            attributes.get("scope") in {"col", "row", "rowgroup"} for tag, attributes in page.elements if tag == "th"
        )
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert ("Not for release" in page.text) == (record is result)


def test_level_names_reach_the_page_as_text(house):
    page = read_page(house.result_of(house.Case("describe", "large"))._repr_html_())
    assert ": <script>west" in page.text
    assert "usual & <b>integration" in page.text


def test_tables_have_cells_for_every_column_and_words_in_every_heading(case, result, released):
    for record in (result, released):
        table = record.to_table()
        assert table.caption
        assert all(table.columns[1:])
        assert table.rows
        assert all(isinstance(cell, str) for row in table.rows for cell in row)
        assert all(row[0] for row in table.rows)
        assert not any(word in {"nan", "None", "inf"} for row in table.rows for cell in row for word in cell.split())
        assert table.to_csv().count("\n") == len(table.rows) + 1
        assert table.to_markdown()
        assert str(table).startswith(table.caption)


def test_markdown_has_as_many_cells_in_every_row(result):
    table = result.to_table()
    lines = [line for line in table.to_markdown().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(table.columns) + 1}


def test_nothing_names_a_patient(case, result, released, house):
    for record in (result, released):
        table = record.to_table()
        for text in (record.to_json(), record._repr_html_(), table.to_csv(), table.to_markdown(), repr(record.parts)):
            assert house.KEY not in text
            assert not PATH_LIKE.search(text)


def test_parts_use_the_words_of_the_vocabulary(result):
    for part in result.parts:
        assert part.suppressed == part.below_minimum == ()
        for name in set(part.columns) & (COUNT_FIELDS | ROW_COUNT_FIELDS):
            assert all(cell is None or cell >= 0 for cell in part.column(name))
