"""A forest of effects: of everybody, in each level of the declared modifiers, pooled partially, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.comparisons import COLUMNS, Answer, ComparisonsPlan, answers_alt_text, draw_answers
from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_estimate, format_n_patients, minimum_cell_of

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_EVERYBODY = ("follow-up, weighted", "emulated trial")
_EFFECT, _POOLED, _DIFFERENCE = "effect by modifier", "effect by modifier, partially pooled", "difference of effects"
_OWN = "own weight in partial pooling"


def effects_by_group(result: ResultRecord, *, instrument: Instrument | None = None) -> Figure:
    """Draw the effect of everybody, those of each level of a modifier, and the differences of effects.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts` or `emulate_trial` with ``modifiers=``, released or not.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its direction is named.

    Returns
    -------
    Figure
        A mark and an interval for each effect beside a line at 0. Levels that are pooled partially stand twice, the
        second time with how much of the pooled effect is their own. ``rows`` holds the columns of `comparisons`.

    Raises
    ------
    OptionError
        If no modifier was declared.
    """
    minimum_cell = minimum_cell_of(result)
    answers = tuple(
        Answer(heading, label, one, format_n_patients(one, minimum_cell)) for heading, label, one in _shown(result)
    )
    if not any(answer.estimate.term.startswith(_EFFECT) for answer in answers):
        raise OptionError("there are no effects by group: name modifiers= in the analysis.")
    scale = score_scale(result, [], instrument)
    is_share = any(answer.estimate.unit != "points" for answer in answers)
    better = "" if is_share or not scale.better else f"  ({scale.better} is better)"
    interval = interval_name(one.estimate.conf_level for one in answers)
    plan = ComparisonsPlan(
        title=f"For whom the difference differs: {result.title.split(': ', 1)[-1]}",
        subtitle=f"Effect with its {interval}, as numbers to the right.",
        axis_name=("difference of shares" if is_share else f"{scale.instrument} points") + better,
        notes=(*_notes(answers), *general_notes(result, [answer.n_text for answer in answers])),
        answers=answers,
    )
    return Figure(
        name=figure_name("effects_by_group", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=answers_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(answer.cells() for answer in answers),
        drawing=partial(draw_answers, plan),
    )


def _shown(result: ResultRecord) -> Iterator[tuple[str, str, Estimate]]:
    """Yield heading, label and estimate from top to bottom."""
    of_differences = [one for one in result.estimates if one.comparator and one.measure.startswith("difference in")]
    has_several_arms = len({one.treatment for one in of_differences}) > 1

    def heading(words: str, one: Estimate) -> str:
        sides = f"{one.treatment} minus {one.comparator}".replace("_", " ")
        return f"{words} ({sides})" if has_several_arms else words

    for one in of_differences:
        stem, _, where = one.term.partition(": ")
        if stem in _EVERYBODY:
            yield heading("Everybody", one), f"{one.treatment} minus {one.comparator}".replace("_", " "), one
        elif stem == _EFFECT:
            name, _, level = (one.subgroup or where.replace(" at ", ": at ")).partition(": ")
            yield heading(_words(name), one), level.replace("_", " "), one
        elif stem == _POOLED:
            name, _, level = one.subgroup.partition(": ")
            label = f"{level.replace('_', ' ')}{_own_weight(result, one)}"
            yield heading(f"{_words(name)}, partially pooled", one), label, one
        elif stem == _DIFFERENCE:
            yield heading("Differences of effects", one), where.replace("_", " "), one


def _words(name: str) -> str:
    return capitalized(name.replace("_", " "))


def _own_weight(result: ResultRecord, pooled: Estimate) -> str:
    found = result.select(term=_OWN, subgroup=pooled.subgroup, treatment=pooled.treatment)
    return f" (own weight {format_estimate(found[0])})" if found else ""


def _notes(answers: tuple[Answer, ...]) -> Iterator[str]:
    estimates = [answer.estimate for answer in answers]
    if any(one.suppressed for one in estimates):
        yield "Without a mark: not shown."
    elif any(one.estimate != one.estimate for one in estimates):
        yield "Without a mark: too few patients of an arm are scored there."
    if any(one.term == _POOLED for one in estimates):
        yield "Partially pooled: drawn towards the mean of the levels by as much as a level says too little alone."
    yield "Whether effects differ is told by their differences, not by one interval holding 0 and another not."
