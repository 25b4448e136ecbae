"""The tables of the page on instruments are those of the catalog: the page cannot drift from the data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from katoutcomes.instruments.catalog import instruments
from katoutcomes.instruments.instrument import DefinitionSet

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "instruments.md"


def _number(value: float) -> str:
    return "not known" if math.isnan(value) else f"{value:g}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values) or "none"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _meaning(definition: DefinitionSet) -> str:
    if definition.kind == "bands":
        return "; ".join(f"{band.low:g} to {band.high:g} {band.label}" for band in definition.bands)
    sentences = {
        "caseness": "{} or more",
        "remission": "{} or less",
        "response": "improved by {} of the baseline or more",
        "reliable_change": "{} points or more",
    }
    return sentences[definition.kind].format(_number(definition.value))


def expected_tables() -> dict[str, list[str]]:
    """Return the tables of the page as the catalog has them."""
    scales = instruments()
    assert {scale.direction for scale in scales} == {"higher_is_worse"}  # "or more" and "or less" above rest on it
    return {
        "scales": _table(
            ("name", "id", "items", "total", "rater", "recall, days", "versions", "asks about suicide", "licence"),
            [
                (
                    scale.name,
                    f"`{scale.id}`",
                    f"{scale.n_items} of {scale.item_minimum} to {scale.item_maximum}",
                    f"{scale.minimum} to {scale.maximum}",
                    scale.rater,
                    str(scale.recall_days or "no source"),
                    _listed(f"`{version}`" for version in scale.versions),
                    _listed(f"item {item}" for item in scale.safety_items),
                    scale.licence,
                )
                for scale in scales
            ],
        ),
        "definition sets": _table(
            ("id", "kind", "meaning", "default", "source"),
            [
                (f"`{d.id}`", d.kind, _meaning(d), "yes" if d.is_default else "", d.source)
                for scale in scales
                for d in scale.definition_sets
            ],
        ),
        "reliabilities": _table(
            ("scale", "kind", "value", "used where none is named", "source"),
            [
                (scale.name, r.kind, _number(r.value), "yes" if r is scale.reliabilities[0] else "", r.source)
                for scale in scales
                for r in scale.reliabilities
            ],
        ),
        "norms": _table(
            ("scale", "functional mean (SD)", "dysfunctional mean (SD)", "source"),
            [
                (
                    scale.name,
                    f"{_number(n.functional_mean)} ({_number(n.functional_sd)})",
                    f"{_number(n.dysfunctional_mean)} ({_number(n.dysfunctional_sd)})",
                    n.source,
                )
                for scale in scales
                for n in scale.norms
            ],
        ),
    }


@pytest.mark.parametrize("name", ["scales", "definition sets", "reliabilities", "norms"])
def test_table_of_the_page_is_that_of_the_catalog(name: str) -> None:
    page = PAGE.read_text("utf-8")
    found = re.search(rf"<!-- table: {name} -->\n\n(.*?)\n\n<!-- end -->", page, flags=re.DOTALL)
    assert found is not None
    assert found[1].split("\n") == expected_tables()[name]


def test_the_page_says_which_scale_has_no_reliability_and_no_norms() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    without_reliability = [scale.name for scale in instruments() if not scale.reliabilities]
    without_norms = [scale.name for scale in instruments() if not scale.norms]
    assert f"No coefficient is shipped for {' and '.join(without_reliability)}" in page
    assert f"No norms are shipped for {', '.join(without_norms[:-1])} and {without_norms[-1]}" in page
