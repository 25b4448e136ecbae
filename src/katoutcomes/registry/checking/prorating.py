"""Totals of incomplete questionnaires: which rules were asked for, and how many totals each of them made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.checking.quality_warnings import Doubt
from katoutcomes.registry.checking.score_columns import ScoreColumns
from katoutcomes.registry.checking.score_totals import prorated_total

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine


def prorating_rules(asked: Mapping[str, str]) -> dict[str, str]:
    """Return the prorating rules that are asked for, by id of the scale and in its order.

    Parameters
    ----------
    asked : mapping of str to str
        Id or name of a scale to the name of one of its rules.

    Raises
    ------
    OptionError
        If there is no such scale, it has no such rule, or two names of one scale ask for different rules.

    Examples
    --------
    >>> prorating_rules({"K10": "alswh", "CORE 10": "core_system_trust"})
    {'core10': 'core_system_trust', 'k10': 'alswh'}
    """
    rules: dict[str, str] = {}
    for name, rule in asked.items():
        scale = instrument(name)
        rules = joined_rules(rules, {scale.id: scale.prorating_rule(rule).name})
    return dict(sorted(rules.items()))


def joined_rules(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Return the rules of both; raise `OptionError` where they name different ones for a scale.

    Examples
    --------
    >>> joined_rules({"k10": "alswh"}, {"core10": "core_system_trust"})
    {'core10': 'core_system_trust', 'k10': 'alswh'}
    """
    for scale in sorted(first.keys() & second.keys()):
        if first[scale] != second[scale]:
            raise OptionError(f"two prorating rules are asked for: {scale} = {first[scale]} and {second[scale]}.")
    return dict(sorted({**first, **second}.items()))


def prorating_settings(rules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what the provenance of every result says about the rules."""
    return tuple(("prorating", f"{scale} by {rule}") for scale, rule in rules.items())


def prorating_doubts(engine: Engine, rules: Mapping[str, str]) -> tuple[Doubt, ...]:
    """Return the warnings that count prorated totals, and those of them that lack an item about suicide or self-harm.

    Parameters
    ----------
    engine : Engine
        Holds the accepted scores.
    rules : mapping of str to str
        As `prorating_rules` returns them.
    """
    found = []
    for scale_id, rule in rules.items():
        scale = instrument(scale_id)
        query = _prorated_rows(engine, rules, scale_id)
        most = scale.prorating_rule(rule).most_missing
        text = f"{scale.name}: total prorated by the rule {rule}, which was asked for; at most {most} missing"
        found.append(Doubt("prorated", "scores", "item_*", text, query))
        if scale.safety_items:
            answered = [f"item_{number}" for number in scale.safety_items]
            missing = " or ".join(
                f"{name} is null" if name in engine.columns("scores") else "true" for name in answered
            )
            text = f"{scale.name}: prorated without an item about suicide or self-harm; the total says nothing about it"
            found.append(
                Doubt("prorated_without_safety_item", "scores", "item_*", text, f"{query} and ({missing})"),
            )
    return tuple(found)


def prorating_notes(engine: Engine, rules: Mapping[str, str]) -> tuple[str, ...]:
    """Say how many totals each rule made, also where they are none."""
    notes = []
    for scale_id, rule in rules.items():
        n_rows = int(engine.scalar(f"select count(*) from ({_prorated_rows(engine, rules, scale_id)}) as prorated"))
        notes.append(
            f"prorating of the {instrument(scale_id).name} by the rule {rule} was asked for; accepted scores that it "
            f"was applied to: {n_rows}."
        )
    return tuple(notes)


def _prorated_rows(engine: Engine, rules: Mapping[str, str], scale_id: str) -> str:
    """Return the query of the accepted scores of a scale whose total was prorated."""
    scale = instrument(scale_id)
    held = engine.columns("scores")
    items = {number: f"item_{number}" for number in range(1, scale.n_items + 1) if f"item_{number}" in held}
    filled = {number: f"({name} is not null)" for number, name in items.items()}
    total = prorated_total(ScoreColumns((scale,), items, filled, total="null", prorating=rules))
    return (
        f"select record, about from (select t.score as record, '' as about, ({total}) as prorated, t.* from "
        f"(select s.*, 1 as scale from scores as s where s.instrument = '{scale_id}') as t) as made "
        "where prorated is not null"
    )
