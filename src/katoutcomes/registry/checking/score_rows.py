"""What a row of scores must keep, and its total, as SQL that is made from the catalog.

Only scales that the data name are looked at. Each gets a small number, `scale`, and every expression is a case over it;
names in the data become numbers by a join, so no value of the data stands in a query.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.checking.score_columns import ScoreColumns, blanks_of, quoted
from katoutcomes.registry.checking.score_totals import (
    items_total_of,
    prorated_total,
    prorated_total_of,
    total_in_own_metric,
    total_of_items,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.engines.engine import Engine

TOLERANCE = 1e-9
"""Two totals that differ by no more are the same."""
ROUNDING_OF_MEANS = 0.05 + TOLERANCE
"""A total that is a mean of items, or prorated, may have been rounded to one decimal when it was written down."""


def materialize_scales(engine: Engine, relation: str) -> tuple[Instrument, ...]:
    """Make the table ``catalog_names`` (name, scale) of the instrument names in the data; return the scales.

    Parameters
    ----------
    engine : Engine
        Holds the relation.
    relation : str
        Has a column `instrument`.
    """
    import numpy as np

    names = engine.fetch(f"select instrument from {relation} where instrument is not null group by 1 order by 1")
    meant: dict[str, Instrument] = {}
    for name in names["instrument"]:
        try:
            meant[str(name)] = instrument(str(name))
        except OptionError:
            continue  # the rows are counted under the rule instrument_known; the message may repeat the name
    scales = tuple(sorted({scale.id: scale for scale in meant.values()}.values(), key=lambda scale: scale.id))
    numbers = {scale.id: number for number, scale in enumerate(scales, start=1)}
    engine.materialize_arrays(
        "catalog_names",
        {
            "name": _texts(list(meant)),
            "scale": np.array([numbers[scale.id] for scale in meant.values()], dtype=np.int16),
        },
    )
    return scales


def known_scores(relation: str) -> str:
    """Return the query of scores with the number of their scale, unknown where the catalog has none."""
    return f"select t.*, n.scale from {relation} as t left join catalog_names as n on t.instrument = n.name"


def score_predicates(columns: ScoreColumns) -> dict[tuple[str, str], str]:
    """Return, for each rule and column, the SQL that is true where a score breaks the rule.

    Parameters
    ----------
    columns : ScoreColumns
        The cells.
    """
    n_given = columns.by_scale(lambda scale: _n_filled(columns, range(1, scale.n_items + 1)), _n_filled(columns))
    beyond = columns.by_scale(lambda scale: _any_beyond(columns, scale), "false")
    own = total_in_own_metric(columns)
    made = f"coalesce({total_of_items(columns)}, {prorated_total(columns)})"
    found = {
        ("instrument_known", "instrument"): "instrument is not null and scale is null",
        ("version_known", "version"): columns.by_scale(_is_version_unknown, "false"),
        ("metric_known", "metric"): columns.by_scale(_is_metric_unknown, "false"),
        ("metric_named", "metric"): columns.by_scale(_is_metric_missing, "false"),
        ("session_named", "session_id"): columns.by_scale(_is_session_missing, "false"),
        ("total_or_items", "total"): f"total is null and ({n_given}) = 0",
        ("items_complete", "item_*"): columns.by_scale(lambda scale: _is_incomplete(columns, scale), "false"),
        ("items_beyond", "item_*"): beyond,
        ("total_range", "total"): columns.by_scale(lambda scale: _is_total_outside(columns, scale), "false"),
        ("total_step", "total"): columns.by_scale(lambda scale: _is_off_step(columns, scale), "false"),
        ("total_equals_items", "total"): f"abs({own} - {made}) > {_tolerance(columns)}",
    }
    for number in columns.items:
        illegal = columns.by_scale(lambda scale, number=number: _is_illegal(columns, scale, number), "false")  # type: ignore[misc]
        found["item_range", f"item_{number}"] = illegal
    return {rule: predicate for rule, predicate in found.items() if predicate != "false"}


def is_suspect(columns: ScoreColumns) -> str:
    """Return the SQL that is true where a score breaks any rule; the fewest tests that find every such row.

    A total that agrees with all of the items leaves nothing to ask about but each item, so the rules about totals and
    missing items are looked at only where it does not.
    """
    found = {scale.id: score_predicates(replace(columns, only=scale)) for scale in columns.scales}
    shared = [
        predicate
        for rule, predicate in next(iter(found.values()), {}).items()
        if rule not in _JUDGED_TOGETHER and all(predicates.get(rule) == predicate for predicates in found.values())
    ]

    def suspect(scale: Instrument) -> str:
        predicates = dict(found[scale.id])
        differs = predicates.pop(("total_equals_items", "total"), "null")
        late = [predicates.pop(rule, "false") for rule in _SETTLED_BY_AGREEMENT]
        first = _any(predicate for predicate in predicates.values() if predicate not in shared)
        return f"({first} or coalesce({differs}, {_any(late)}))"

    # What is the same for every scale is asked without looking up which it is.
    return f"(scale is null or {_any(shared)} or {columns.by_scale(suspect, 'false')})"


_SETTLED_BY_AGREEMENT = (
    ("total_or_items", "total"),
    ("items_complete", "item_*"),
    ("total_range", "total"),
    ("total_step", "total"),
)
_JUDGED_TOGETHER = (("total_equals_items", "total"), *_SETTLED_BY_AGREEMENT)


def _any(predicates: Iterable[str]) -> str:
    return " or ".join(f"({predicate})" for predicate in predicates if predicate != "false") or "false"


def _tolerance(columns: ScoreColumns) -> str:
    def tolerance(scale: Instrument) -> str:
        if scale.scoring.kind != "mean" and _is_unrounded(columns, scale):
            return f"case when ({items_total_of(columns, scale)}) is null then {ROUNDING_OF_MEANS} else {TOLERANCE} end"
        return str(ROUNDING_OF_MEANS if scale.scoring.kind == "mean" else TOLERANCE)

    return columns.by_scale(tolerance)


def _is_unrounded(columns: ScoreColumns, scale: Instrument) -> bool:
    """Whether the rule that was asked for may give totals between two steps."""
    rule = columns.rule(scale)
    return rule is not None and rule.rounding == "none"


def _texts(values: list[str]) -> NDArray[Any]:
    import numpy as np

    return np.array(values, dtype=object)


def _n_filled(columns: ScoreColumns, numbers: range | None = None) -> str:
    filled = [test for number, test in columns.item_is_filled.items() if numbers is None or number in numbers]
    return " + ".join(f"cast({test} as integer)" for test in filled) or "0"


def _any_beyond(columns: ScoreColumns, scale: Instrument) -> str:
    """Return where an item is filled that the scale has not, or that the version of the row does not ask."""
    beyond = [test for number, test in columns.item_is_filled.items() if number > scale.n_items]
    for omission in scale.scoring.omissions:
        asked = [columns.item_is_filled[number] for number in omission.items if number in columns.item_is_filled]
        beyond += [f"(version = {quoted(omission.version)} and {test})" for test in asked]
    return f"({' or '.join(beyond)})" if beyond else "false"


def _is_version_unknown(scale: Instrument) -> str:
    listed = ", ".join(quoted(version) for version in scale.versions)
    return f"version not in ({listed})" if listed else "version is not null"


def _is_metric_unknown(scale: Instrument) -> str:
    listed = ", ".join(quoted(metric.name) for metric in scale.metrics) or "'points'"
    return f"metric not in ({listed})"


def _is_metric_missing(scale: Instrument) -> str:
    return "metric is null and total is not null" if len(scale.metrics) > 1 else "false"


def _is_session_missing(scale: Instrument) -> str:
    return "session_id is null" if scale.use == "session_state" else "false"


def _is_incomplete(columns: ScoreColumns, scale: Instrument) -> str:
    if scale.scoring.kind == "none":  # categories: what is not asked is not answered
        return "false"
    rule = columns.rule(scale)
    n_given = _n_filled(columns, range(1, scale.n_items + 1))
    return f"(({n_given}) > 0 and ({_n_missing(columns, scale)}) > {0 if rule is None else rule.most_missing})"


def _n_missing(columns: ScoreColumns, scale: Instrument) -> str:
    """Return the number of answers that the scale needs and that are not there; legal blanks are no missing answers."""
    if not (scale.scoring.alternatives or scale.scoring.blanks or scale.scoring.omissions):
        return f"{scale.n_items} - ({_n_filled(columns, range(1, scale.n_items + 1))})"
    tests = []
    for group in scale.scoring.required(scale.n_items):
        filled = [columns.item_is_filled[number] for number in group if number in columns.items]
        blank = [f"({test})" for number in group for test, _ in blanks_of(columns, scale, number)]
        tests.append(" or ".join([*filled, *blank]) or "false")
    return " + ".join(f"case when {test} then 0 else 1 end" for test in tests)


def _is_total_outside(columns: ScoreColumns, scale: Instrument) -> str:
    if not scale.has_total:
        return "total is not null"
    first = f"({columns.total}) < {scale.minimum!r} or ({columns.total}) > {scale.maximum!r}"
    for omission in scale.scoring.omissions:
        largest = scale.largest_total(omission.version)
        first += f" or (version = {quoted(omission.version)} and ({columns.total}) > {largest!r})"
    if len(scale.metrics) < 2:
        return f"({first})"
    cases = " ".join(
        f"when '{metric.name}' then (({columns.total}) < {metric.minimum!r} or ({columns.total}) > {metric.maximum!r})"
        for metric in scale.metrics
    )
    return f"(case metric {cases} else false end)"


def _is_off_step(columns: ScoreColumns, scale: Instrument) -> str:
    """Return where a total lies between two that the scale has; in another metric the step is not known."""
    step = scale.scoring.step
    if not step or not scale.has_total:
        return "false"
    steps = f"({columns.total}) / {float(step)!r}"
    off = f"abs({steps} - floor({steps} + 0.5)) > 1e-6"
    if _is_unrounded(columns, scale):
        off += f" and ({prorated_total_of(columns, scale)}) is null"
    other = f"coalesce(metric, '') in ({', '.join(quoted(metric.name) for metric in scale.metrics[1:])})"
    return f"({off} and not {other})" if len(scale.metrics) > 1 else f"({off})"


def _is_illegal(columns: ScoreColumns, scale: Instrument, number: int) -> str:
    if number > scale.n_items:
        return "false"
    legal = scale.legal_answers(number)
    item = columns.items[number]
    if legal == tuple(range(legal[0], legal[-1] + 1)):
        return f"({item} < {legal[0]} or {item} > {legal[-1]})"
    return f"({item} not in ({', '.join(str(answer) for answer in legal)}))"
