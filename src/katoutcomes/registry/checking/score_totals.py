"""The total of a score, as SQL: of its items, prorated, or as it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.registry.checking.score_columns import blanks_of

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.checking.score_columns import ScoreColumns


def total_of_items(columns: ScoreColumns) -> str:
    """Return the SQL of the total that the items give; unknown unless every answer that the scale needs is there."""
    return columns.by_scale(lambda scale: items_total_of(columns, scale))


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
    be added then, and it is kept as a small whole number.
    """
    parts = [total_of_items(columns), prorated_total(columns), total_in_own_metric(columns)]
    is_whole = columns.has_whole_totals and not columns.prorating and all(map(_is_plain_sum, columns.scales))
    if is_whole:
        parts.reverse()
    known = ", ".join(part for part in parts if part != "null")
    return f"try_cast(coalesce({known or 'null'}) as {'smallint' if is_whole else 'double'})"


def prorated_total(columns: ScoreColumns) -> str:
    """Return the SQL of the total of incomplete items, for the scales of which a rule was asked for."""
    return columns.by_scale(lambda scale: prorated_total_of(columns, scale))


def _is_plain_sum(scale: Instrument) -> bool:
    return scale.scoring.kind == "sum" and scale.scoring.factor == 1.0 and len(scale.metrics) < 2


def items_total_of(columns: ScoreColumns, scale: Instrument) -> str:
    """Return the SQL of the total that the items of one scale give."""
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


def _keyed(columns: ScoreColumns, scale: Instrument, number: int) -> str:
    """Return an item after reversing; as a big integer, so that a nonsense item does not overflow the sum.

    It is ``"null"`` where the item has no column and can be no legal blank.
    """
    item = f"cast({columns.items.get(number, 'null')} as bigint)"
    if blanks := blanks_of(columns, scale, number):
        item = f"coalesce({item}, case {' '.join(f'when {test} then {answer}' for test, answer in blanks)} end)"
    elif number not in columns.items:
        return "null"
    if number not in scale.reverse_items:
        return item
    legal = scale.legal_answers(number)
    return f"({legal[0] + legal[-1]} - {item})"


def _scaled(scale: Instrument, added: str, divisor: int = 1) -> str:
    """Return factor * sum / divisor in the order in which `score_items` works it out, so that both round alike."""
    factor = scale.scoring.factor
    if factor == 1.0 and divisor == 1:
        return f"({added})"
    return f"({float(factor)!r}e0 * ({added}) / {divisor}e0)"


def prorated_total_of(columns: ScoreColumns, scale: Instrument) -> str:
    """Return the SQL of the prorated total of one scale; "null" where no rule was asked for."""
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
