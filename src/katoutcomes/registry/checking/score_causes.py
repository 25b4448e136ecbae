"""Why a score may not fit its instrument: for each rule, what the catalog says about the instruments of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.causes import Cause
from katoutcomes.registry.checking.score_totals import prorated_total

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.checking.score_columns import ScoreColumns

_MISSING_ANSWERS = "9, 77, 88, 99"


def score_causes(columns: ScoreColumns, rule: str, column: str) -> tuple[Cause, ...]:
    """Return the causes that tell apart the rows that break a rule about scores.

    Parameters
    ----------
    columns : ScoreColumns
        The cells and the scales of the file.
    rule, column : str
        As in `score_rows.score_predicates`.
    """
    if rule == "instrument_known":
        return _ambiguous_causes()
    if rule == "item_range":
        return _answer_causes(columns, int(column.removeprefix("item_")))
    texts: Mapping[str, Callable[[Instrument], str]] = {
        "version_known": _versions_text,
        "metric_known": _metrics_text,
        "metric_named": _metrics_text,
        "session_named": lambda scale: f"{scale.name} is about the state during a session",
        "items_complete": lambda scale: f"{scale.name} has {scale.n_items} items",
        "items_beyond": lambda scale: f"{scale.name} has {scale.n_items or 'no'} items",
        "total_range": _range_text,
        "total_step": lambda scale: f"{scale.name} goes in steps of {scale.scoring.step:g}",
        "total_equals_items": _scoring_text,
    }
    special = _special_causes(columns).get(rule, ())
    return (*special, *_by_scale(columns, texts[rule])) if rule in texts else ()


def _by_scale(columns: ScoreColumns, text: Callable[[Instrument], str]) -> tuple[Cause, ...]:
    return tuple(Cause(text(scale), f"scale = {number}") for number, scale in enumerate(columns.scales, start=1))


def _ambiguous_causes() -> tuple[Cause, ...]:
    """Return, for each name that means several scales, which ones it may mean."""
    from katoutcomes.instruments.catalog import AMBIGUOUS_NAMES

    letters = "regexp_replace(lower(instrument), '[^a-z0-9]', '', 'g')"
    return tuple(
        Cause(
            f"a name of several scales ({'; '.join(name.meanings)}): write which one was used",
            f"{letters} = '{key}'",
        )
        for key, name in AMBIGUOUS_NAMES.items()
    )


def _versions_text(scale: Instrument) -> str:
    return f"{scale.name} has {', '.join(scale.versions) or 'no versions; leave the cell empty'}"


def _metrics_text(scale: Instrument) -> str:
    listed = ", ".join(f"{metric.name} ({metric.minimum:g} to {metric.maximum:g})" for metric in scale.metrics)
    return f"{scale.name} has {listed or 'one metric only; leave the cell empty'}"


def _range_text(scale: Instrument) -> str:
    if not scale.has_total:
        return f"{scale.name} has no total; its sub-scales or answers are given instead"
    if scale.metrics:
        return _metrics_text(scale)
    return f"{scale.name} goes from {scale.minimum:g} to {scale.maximum:g}"


def _special_causes(columns: ScoreColumns) -> Mapping[str, tuple[Cause, ...]]:
    """Return causes that come before what is said of a scale in general, by rule."""
    return {
        "total_range": _added_items(columns),
        "total_step": _asked_for(columns, lambda scale: scale.scoring.step > 0 and _leaves_fractions(scale)),
        "items_complete": _asked_for(columns, lambda scale: bool(scale.prorating)),
        "total_equals_items": _unlike_the_rule(columns),
    }


def _leaves_fractions(scale: Instrument) -> bool:
    return any(rule.rounding == "none" for rule in scale.prorating)


def _asked_for(columns: ScoreColumns, has_rule: Callable[[Instrument], bool]) -> tuple[Cause, ...]:
    """Return, for the scales with a rule for missing items that was not asked for, that there is one."""
    return tuple(
        Cause(
            f"{scale.name}: with up to {rule.most_missing} missing items the total can be prorated: give the items and "
            f"ask for the rule {rule.name}",
            f"scale = {number}",
        )
        for number, scale in enumerate(columns.scales, start=1)
        if has_rule(scale) and columns.rule(scale) is None
        for rule in scale.prorating[:1]
    )


def _unlike_the_rule(columns: ScoreColumns) -> tuple[Cause, ...]:
    """Return the cause that a total of incomplete items is not what the rule that was asked for gives."""
    return tuple(
        Cause(
            f"{scale.name}: items are missing, and the total is not the one of the prorating rule {rule.name}: is it "
            "the sum of those that are there?",
            f"scale = {number} and ({prorated_total(columns)}) is not null",
        )
        for number, scale in enumerate(columns.scales, start=1)
        if (rule := columns.rule(scale)) is not None
    )


def _added_items(columns: ScoreColumns) -> tuple[Cause, ...]:
    """Return the cause that all items were added although only the highest of each domain counts."""
    total = f"({columns.total})"
    return tuple(
        Cause(
            f"{_range_text(scale)}: all {scale.n_items} items may have been added, although of each domain only the "
            "highest counts",
            f"scale = {number} and {total} between {scale.maximum!r} and {scale.n_items * scale.item_maximum}",
        )
        for number, scale in enumerate(columns.scales, start=1)
        if scale.scoring.kind == "domains"
    )


def _scoring_text(scale: Instrument) -> str:
    """Return how a total of the instrument is made."""
    scoring = scale.scoring
    words = {
        "sum": "adds its items",
        "mean": "is the mean of its items",
        "domains": "adds the highest item of each domain, not all items",
        "none": "does not add its items",
    }[scoring.kind]
    times = f", times {scoring.factor:g}" if scoring.factor != 1.0 else ""
    reversed_items = f"; reversed: {', '.join(str(number) for number in scale.reverse_items)}"
    return f"{scale.name} {words}{times}{reversed_items if scale.reverse_items else ''}"


def _answer_causes(columns: ScoreColumns, number: int) -> tuple[Cause, ...]:
    """Return why an answer may not be legal."""
    item = f"({columns.items[number]})"
    with_item = [(place, scale) for place, scale in enumerate(columns.scales, start=1) if number <= scale.n_items]
    too_high = " or ".join(f"scale = {place} and {item} = {scale.item_maximum + 1}" for place, scale in with_item)
    return (
        Cause(
            "9 or 99, a code for “not answered” as in the MDS: leave the cell empty", f"{item} in ({_MISSING_ANSWERS})"
        ),
        *(
            Cause(f"{scale.name}, item {number}: {_answers_text(scale, number)}", f"scale = {place}")
            for place, scale in with_item
            if any(number in rule.items for rule in scale.item_ranges)
        ),
        Cause("one above the highest answer: were the answers numbered from 1?", too_high or "false"),
        *(
            Cause(f"{scale.name}, item {number}: {_answers_text(scale, number)}", f"scale = {place}")
            for place, scale in with_item
        ),
    )


def _answers_text(scale: Instrument, number: int) -> str:
    answers = scale.legal_answers(number)
    is_run = answers == tuple(range(answers[0], answers[-1] + 1))
    return f"{answers[0]} to {answers[-1]}" if is_run else ", ".join(str(answer) for answer in answers)
