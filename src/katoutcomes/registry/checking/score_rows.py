"""What a row of scores must keep, and its total, as SQL that is made from the catalog.

Only scales that the data name are looked at. Each gets a small number, `scale`, and every expression is a case over it;
names in the data become numbers by a join, so no value of the data stands in a query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.instruments.item_arithmetic import ProratingRule
    from katoutcomes.registry.engines.engine import Engine

TOLERANCE = 1e-9
"""Two totals that differ by no more are the same."""
ROUNDING_OF_MEANS = 0.05 + TOLERANCE
"""A total that is a mean of items, or prorated, may have been rounded to one decimal when it was written down."""


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """The cells that a score is made of, as SQL.

    Attributes
    ----------
    scales : tuple of Instrument
        The scales that the data name; scale ``k`` of the engine is ``scales[k - 1]``.
    items : mapping of int to str
        Value of each item that has a column, by its number; unknown where the cell is empty or wrong.
    item_is_filled : mapping of int to str
        Whether the cell of an item is filled, rightly or wrongly.
    total : str
        Value of the given total.
    prorating : mapping of str to str
        Id of a scale to the name of the rule for missing items that was asked for.
    has_whole_totals : bool
        Whether the given totals came as whole numbers, so that one that agrees with its items is the same number.
    only : Instrument or None
        Where the scale is known already: expressions are for it alone, without a case.
    """

    scales: tuple[Instrument, ...]
    items: Mapping[int, str]
    item_is_filled: Mapping[int, str]
    total: str
    prorating: Mapping[str, str] = field(default_factory=dict)
    has_whole_totals: bool = False
    only: Instrument | None = None

    def by_scale(self, of_scale: Callable[[Instrument], str], otherwise: str = "null") -> str:
        """Return a case over the scales; rows of no known scale get `otherwise`."""
        if self.only is not None:
            return of_scale(self.only)
        cases = [(number, of_scale(scale)) for number, scale in enumerate(self.scales, start=1)]
        listed = " ".join(f"when {number} then {text}" for number, text in cases if text != otherwise)
        return f"case scale {listed} else {otherwise} end" if listed else otherwise

    @property
    def item_type(self) -> str:
        """The smallest type that holds every answer."""
        answers = [scale.legal_answers(item) for scale in self.scales for item in range(1, scale.n_items + 1)]
        return "tinyint" if all(legal[0] >= -128 and legal[-1] <= 127 for legal in answers) else "smallint"

    def rule(self, scale: Instrument) -> ProratingRule | None:
        """Return the rule for missing items that applies to a scale."""
        return scale.prorating_rule(self.prorating[scale.id]) if scale.id in self.prorating else None


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

    def suspect(scale: Instrument) -> str:
        predicates = score_predicates(replace(columns, only=scale))
        differs = predicates.pop(("total_equals_items", "total"), "null")
        late = [predicates.pop(rule, "false") for rule in _SETTLED_BY_AGREEMENT]
        first = _any(predicates.values())
        return f"({first} or coalesce({differs}, {_any(late)}))"

    return f"(scale is null or {columns.by_scale(suspect, 'false')})"


_SETTLED_BY_AGREEMENT = (
    ("total_or_items", "total"),
    ("items_complete", "item_*"),
    ("total_range", "total"),
    ("total_step", "total"),
)


def _any(predicates: Iterable[str]) -> str:
    return " or ".join(f"({predicate})" for predicate in predicates if predicate != "false") or "false"


def _tolerance(columns: ScoreColumns) -> str:
    def tolerance(scale: Instrument) -> str:
        if scale.scoring.kind != "mean" and _is_unrounded(columns, scale):
            return (
                f"case when ({_total_of_items(columns, scale)}) is null then {ROUNDING_OF_MEANS} else {TOLERANCE} end"
            )
        return str(ROUNDING_OF_MEANS if scale.scoring.kind == "mean" else TOLERANCE)

    return columns.by_scale(tolerance)


def _is_unrounded(columns: ScoreColumns, scale: Instrument) -> bool:
    """Whether the rule that was asked for may give totals between two steps."""
    rule = columns.rule(scale)
    return rule is not None and rule.rounding == "none"


def total_of_items(columns: ScoreColumns) -> str:
    """Return the SQL of the total that the items give; unknown unless every answer that the scale needs is there."""
    return columns.by_scale(lambda scale: _total_of_items(columns, scale))


def total_in_own_metric(columns: ScoreColumns) -> str:
    """Return the SQL of the given total in the first metric of its scale."""

    def converted(scale: Instrument) -> str:
        cases = " ".join(
            f"when '{metric.name}' then {metric.factor!r} * ({columns.total}) + {metric.offset!r}"
            for metric in scale.metrics[1:]
        )
        return f"case metric {cases} else {columns.total} end" if cases else columns.total

    return columns.by_scale(converted, columns.total)


def final_total(columns: ScoreColumns) -> str:
    """Return the SQL of the total that counts: of the items, prorated only on request, or else as given.

    A sound total agrees with its items; where both are the same number the given one comes first, as the items need not
    be added then.
    """
    parts = [total_of_items(columns), prorated_total(columns), total_in_own_metric(columns)]
    if columns.has_whole_totals and not columns.prorating and all(_is_plain_sum(scale) for scale in columns.scales):
        parts.reverse()
    known = [part for part in parts if part != "null"]
    return f"cast(coalesce({', '.join(known)}) as double)" if known else "cast(null as double)"


def _is_plain_sum(scale: Instrument) -> bool:
    return scale.scoring.kind == "sum" and scale.scoring.factor == 1.0 and len(scale.metrics) < 2


def prorated_total(columns: ScoreColumns) -> str:
    """Return the SQL of the total of incomplete items, for the scales of which a rule was asked for."""
    return columns.by_scale(lambda scale: _prorated(columns, scale))


def _texts(values: list[str]) -> NDArray[Any]:
    import numpy as np

    return np.array(values, dtype=object)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _n_filled(columns: ScoreColumns, numbers: range | None = None) -> str:
    filled = [test for number, test in columns.item_is_filled.items() if numbers is None or number in numbers]
    return " + ".join(f"cast({test} as integer)" for test in filled) or "0"


def _any_beyond(columns: ScoreColumns, scale: Instrument) -> str:
    """Return where an item is filled that the scale has not, or that the version of the row does not ask."""
    beyond = [test for number, test in columns.item_is_filled.items() if number > scale.n_items]
    for omission in scale.scoring.omissions:
        asked = [columns.item_is_filled[number] for number in omission.items if number in columns.item_is_filled]
        beyond += [f"(version = {_quoted(omission.version)} and {test})" for test in asked]
    return f"({' or '.join(beyond)})" if beyond else "false"


def _is_version_unknown(scale: Instrument) -> str:
    listed = ", ".join(_quoted(version) for version in scale.versions)
    return f"version not in ({listed})" if listed else "version is not null"


def _is_metric_unknown(scale: Instrument) -> str:
    listed = ", ".join(_quoted(metric.name) for metric in scale.metrics) or "'points'"
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
        blank = [f"({test})" for number in group for test, _ in _blanks(columns, scale, number)]
        tests.append(" or ".join([*filled, *blank]) or "false")
    return " + ".join(f"case when {test} then 0 else 1 end" for test in tests)


def _blanks(columns: ScoreColumns, scale: Instrument, number: int) -> list[tuple[str, int]]:
    """Return when an item may be blank, as SQL that is true there, each with the answer that a blank stands for."""
    skipped = [
        (" and ".join(f"{columns.items[asked]} = {answer}" for asked, answer in blank.when), blank.counts_as)
        for blank in scale.scoring.blanks
        if number in blank.items and all(asked in columns.items for asked, _ in blank.when)
    ]
    not_asked = [
        (f"version = {_quoted(omission.version)}", 0)
        for omission in scale.scoring.omissions
        if number in omission.items
    ]
    return skipped + not_asked


def _is_total_outside(columns: ScoreColumns, scale: Instrument) -> str:
    if not scale.has_total:
        return "total is not null"
    first = f"({columns.total}) < {scale.minimum!r} or ({columns.total}) > {scale.maximum!r}"
    for omission in scale.scoring.omissions:
        largest = scale.largest_total(omission.version)
        first += f" or (version = {_quoted(omission.version)} and ({columns.total}) > {largest!r})"
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
        off += f" and ({_prorated(columns, scale)}) is null"
    other = f"coalesce(metric, '') in ({', '.join(_quoted(metric.name) for metric in scale.metrics[1:])})"
    return f"({off} and not {other})" if len(scale.metrics) > 1 else f"({off})"


def _is_illegal(columns: ScoreColumns, scale: Instrument, number: int) -> str:
    if number > scale.n_items:
        return "false"
    legal = scale.legal_answers(number)
    item = columns.items[number]
    if legal == tuple(range(legal[0], legal[-1] + 1)):
        return f"({item} < {legal[0]} or {item} > {legal[-1]})"
    return f"({item} not in ({', '.join(str(answer) for answer in legal)}))"


def _keyed(columns: ScoreColumns, scale: Instrument, number: int) -> str:
    """Return an item after reversing; as a big integer, so that a nonsense item does not overflow the sum.

    It is ``"null"`` where the item has no column and can be no legal blank.
    """
    item = f"cast({columns.items.get(number, 'null')} as bigint)"
    if blanks := _blanks(columns, scale, number):
        item = f"coalesce({item}, case {' '.join(f'when {test} then {answer}' for test, answer in blanks)} end)"
    elif number not in columns.items:
        return "null"
    if number not in scale.reverse_items:
        return item
    legal = scale.legal_answers(number)
    return f"({legal[0] + legal[-1]} - {item})"


def _total_of_items(columns: ScoreColumns, scale: Instrument) -> str:
    keyed = _known_items(columns, scale)
    needed = [[number for number in group if number in keyed] for group in scale.scoring.required(scale.n_items)]
    if scale.scoring.kind == "none" or not keyed or not all(needed):
        return "null"
    if scale.scoring.kind == "domains":
        # Unknown where an answer is missing: `greatest` passes over it, as it must over the blank one of alternatives.
        every = " + ".join(f"coalesce({', '.join(keyed[number] for number in group)})" for group in needed)
        largest = " + ".join(
            f"greatest({', '.join(keyed[number] for number in domain if number in keyed)})"
            for domain in scale.scoring.domains
        )
        return f"case when ({every}) is not null then {_scaled(scale, largest)} end"
    return _scaled(scale, " + ".join(keyed.values()), scale.n_items if scale.scoring.kind == "mean" else 1)


def _known_items(columns: ScoreColumns, scale: Instrument) -> dict[int, str]:
    """Return the items that may have a value, after reversing, by their number."""
    keyed = {number: _keyed(columns, scale, number) for number in range(1, scale.n_items + 1)}
    return {number: item for number, item in keyed.items() if item != "null"}


def _scaled(scale: Instrument, added: str, divisor: int = 1) -> str:
    """Return factor * sum / divisor in the order in which `score_items` works it out, so that both round alike."""
    factor = scale.scoring.factor
    if factor == 1.0 and divisor == 1:
        return f"({added})"
    return f"({float(factor)!r}e0 * ({added}) / {divisor}e0)"


def _prorated(columns: ScoreColumns, scale: Instrument) -> str:
    rule = columns.rule(scale)
    if rule is None or scale.scoring.kind not in ("sum", "mean"):
        return "null"
    keyed = _known_items(columns, scale).values()
    added = " + ".join(f"coalesce({item}, 0)" for item in keyed) or "0"
    n_answered = " + ".join(f"cast({item} is not null as integer)" for item in keyed) or "0"
    total = f"{float(scale.scoring.factor)!r}e0 * ({added})"
    total += f" / ({n_answered})" if scale.scoring.kind == "mean" else f" * {scale.n_items}e0 / ({n_answered})"
    total = f"floor({total} + 0.5e0)" if rule.rounding == "half_up" else total
    n_needed = max(1, scale.n_items - rule.most_missing)
    return f"case when ({n_answered}) between {n_needed} and {scale.n_items - 1} then {total} end"
