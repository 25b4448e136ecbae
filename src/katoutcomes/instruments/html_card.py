"""A scale as a short HTML table, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument


def html_card(scale: Instrument) -> str:
    """Return the facts of a scale and its default definition sets as an HTML table.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> html_card(instrument("PHQ-9")).split("<tr>")[0]
    '<table><caption>PHQ-9 (phq9): Patient Health Questionnaire-9</caption>'
    """
    total = f"{scale.minimum:g} to {scale.maximum:g}" if scale.has_total else "none"
    items = f"{scale.n_items}, each {scale.item_minimum} to {scale.item_maximum}" if scale.n_items else "none"
    rows = [
        ("measures", f"{scale.construct.replace('_', ' ')}, {scale.rater}-rated"),
        ("items", items),
        ("total", f"{total}; {scale.direction.replace('_', ' ')}"),
        ("licence", scale.licence),
        *((known.kind.replace("_", " "), _definition(known)) for known in scale.definition_sets if known.is_default),
    ]
    cells = "".join(f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>" for label, text in rows)
    return f"<table><caption>{escape(f'{scale.name} ({scale.id}): {scale.full_name}')}</caption>{cells}</table>"


def _definition(known: DefinitionSet) -> str:
    if known.bands:
        what = ", ".join(f"{band.low:g} to {band.high:g} {band.label}" for band in known.bands)
    else:
        what = f"{known.value:g}{' of the baseline' if known.is_share else ''}"
    return f"{what} ({known.id})"
