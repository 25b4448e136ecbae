"""The tables of the page on instruments are those of the catalog: the page cannot drift from the data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from katoutcomes.instruments.catalog import instruments
from katoutcomes.instruments.definition_file import CONSTRUCTS
from katoutcomes.instruments.instrument import DefinitionSet, Instrument

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "instruments.md"


def _number(value: float) -> str:
    return "not known" if math.isnan(value) else f"{value:g}"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values) or "none"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _runs(numbers: Iterable[int]) -> str:
    """Return numbers with runs drawn together: "1 to 6, 14"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _items(scale: Instrument) -> str:
    if scale.item_numbers:
        return f"{_runs(scale.item_numbers)} of `{scale.subscale_of}`"
    if not scale.n_items:
        return f"part of `{scale.subscale_of}`" if scale.subscale_of else "total only"
    count = f"{scale.n_items} of {scale.item_minimum} to {scale.item_maximum}"
    if scale.subscale_of:
        return f"{scale.n_items}, unknown which, of `{scale.subscale_of}`"
    exceptions = "; ".join(f"{_runs(r.items)}: {_listed(r.values)}" for r in scale.item_ranges)
    return f"{count} ({exceptions})" if exceptions else count


def _scoring(scale: Instrument) -> str:
    factor = f"{scale.scoring.factor:g} x " if scale.scoring.factor != 1.0 else ""
    how = {"sum": f"{factor}sum", "mean": f"{factor}mean", "domains": "sum of domains", "none": "as given"}
    made = how[scale.scoring.kind] if scale.has_total else ""
    if scale.reverse_items:
        made += f", {_listed(scale.reverse_items)} reversed"
    return made


def _scale_row(scale: Instrument) -> tuple[str, ...]:
    return (
        scale.name,
        f"`{scale.id}`",
        _items(scale),
        f"{scale.minimum:g} to {scale.maximum:g}" if scale.has_total else "no total",
        _scoring(scale),
        scale.direction.removeprefix("higher_is_"),
        scale.rater,
        str(scale.recall_days or ""),
        _listed(scale.safety_items) if scale.safety_items else "",
    )


def _meaning(definition: DefinitionSet, scale: Instrument) -> str:
    if definition.kind == "bands":
        bands = (
            f"{band.low:g} {band.label}" if band.low == band.high else f"{band.low:g} to {band.high:g} {band.label}"
            for band in definition.bands
        )
        return "; ".join(bands)
    value = _number(definition.value)
    worse, better = ("or less", "or more") if scale.sign > 0 else ("or more", "or less")
    if definition.kind == "caseness":
        return f"{value} {worse}"
    if definition.kind in ("remission", "response_score"):
        return f"{value} {better}"
    if definition.is_share:
        return f"improved by {value} of the baseline or more"
    return f"{value} points or more"


def _set_row(definition: DefinitionSet, scale: Instrument) -> tuple[str, ...]:
    default = "yes" if definition.is_default else ""
    return f"`{definition.id}`", definition.kind, _meaning(definition, scale), default, definition.source


SCALE_HEAD = ("name", "id", "items", "total", "made as", "higher is", "rater", "days", "suicide")
SET_HEAD = ("id", "kind", "meaning", "default", "source")


def _construct_tables() -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    for construct in CONSTRUCTS:
        scales = [scale for scale in instruments() if scale.construct == construct]
        sets = [_set_row(definition, scale) for scale in scales for definition in scale.definition_sets]
        tables[f"scales of {construct}"] = _table(SCALE_HEAD, [_scale_row(scale) for scale in scales])
        if sets:
            tables[f"definition sets of {construct}"] = _table(SET_HEAD, sets)
    return tables


def _coefficient_tables() -> dict[str, list[str]]:
    reliabilities = [
        (scale.name, r.kind.replace("_", " "), _number(r.value), "yes" if r is scale.reliabilities[0] else "", r.source)
        for scale in instruments()
        for r in scale.reliabilities
    ]
    norms = [
        (
            scale.name,
            f"{_number(n.functional_mean)} ({_number(n.functional_sd)})",
            f"{_number(n.dysfunctional_mean)} ({_number(n.dysfunctional_sd)})",
            n.source,
        )
        for scale in instruments()
        for n in scale.norms
    ]
    return {
        "reliabilities": _table(("scale", "kind", "value", "used where none is named", "source"), reliabilities),
        "norms": _table(("scale", "functional mean (SD)", "dysfunctional mean (SD)", "source"), norms),
    }


def _data_tables() -> dict[str, list[str]]:
    metrics = [
        (scale.name, f"`{m.name}`", f"{m.minimum:g} to {m.maximum:g}", f"{m.factor:g} x total + {m.offset:g}")
        for scale in instruments()
        for m in scale.metrics
    ]
    prorating = [
        (scale.name, f"`{rule.name}`", str(rule.most_missing), rule.rounding.replace("_", " "), rule.source)
        for scale in instruments()
        for rule in scale.prorating
    ]
    blanks = [
        (scale.name, _runs(group), "always: one of them is answered", "")
        for scale in instruments()
        for group in scale.scoring.alternatives
    ] + [
        (
            scale.name,
            _runs(blank.items),
            " and ".join(f"item {number} is {answer}" for number, answer in blank.when),
            str(blank.counts_as),
        )
        for scale in instruments()
        for blank in scale.scoring.blanks
    ]
    omissions = [
        (
            scale.name,
            f"`{omission.version}`",
            _runs(omission.items),
            f"{scale.largest_total(omission.version):g}",
            omission.source,
        )
        for scale in instruments()
        for omission in scale.scoring.omissions
    ]
    whole = [scale for scale in instruments() if not scale.subscale_of]
    versions = [
        (scale.name, _listed(f"`{version}`" for version in scale.versions)) for scale in whole if scale.versions
    ]
    codes = [
        (scale.name, _listed(scale.loinc.total), _listed(scale.loinc.panel), _listed(scale.loinc.items))
        for scale in whole
        if scale.loinc.total or scale.loinc.panel or scale.loinc.items
    ]
    refused = [(code, scale.name, reason) for scale in whole for code, reason in scale.loinc.refused]
    return {
        "metrics": _table(("scale", "metric", "range", "in the scale's own"), metrics),
        "prorating": _table(("scale", "rule", "most missing", "rounded", "source"), prorating),
        "blanks": _table(("scale", "items", "may be blank", "count as"), blanks),
        "omissions": _table(("scale", "version", "items not asked", "largest total", "source"), omissions),
        "versions": _table(("scale", "versions"), versions),
        "loinc": _table(("scale", "total", "panel", "items in the order of the questionnaire"), codes),
        "refused codes": _table(("code", "taken for", "why not"), refused),
        "licences": _table(("scale", "licence"), [(scale.name, scale.licence) for scale in whole]),
        "unverified": _table(
            ("scale", "about", "what circulates"),
            [(scale.name, entry.kind, entry.text) for scale in instruments() for entry in scale.unverified],
        ),
    }


def expected_tables() -> dict[str, list[str]]:
    """Return the tables of the page as the catalog has them."""
    return {**_construct_tables(), **_coefficient_tables(), **_data_tables()}


@pytest.mark.parametrize("name", sorted(expected_tables()))
def test_table_of_the_page_is_that_of_the_catalog(name: str) -> None:
    found = re.search(rf"<!-- table: {name} -->\n\n(.*?)\n\n<!-- end -->", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert found is not None
    assert found[1].split("\n") == expected_tables()[name]


def test_the_page_has_no_other_table_of_the_catalog() -> None:
    assert sorted(re.findall(r"<!-- table: (.*?) -->", PAGE.read_text("utf-8"))) == sorted(expected_tables())


def test_every_scale_stands_in_the_tables_once() -> None:
    rows = [line for name, lines in _construct_tables().items() if name.startswith("scales") for line in lines[2:]]
    assert len(rows) == len(instruments())
    assert all(sum(f"| `{scale.id}` |" in row for row in rows) == 1 for scale in instruments())


def test_the_counts_of_the_first_paragraph_are_those_of_the_catalog() -> None:
    page = " ".join(PAGE.read_text("utf-8").split())
    whole = sum(not scale.subscale_of for scale in instruments())
    assert f"{whole} scales and {len(instruments()) - whole} sub-scales" in page


def test_every_definition_set_that_the_page_names_exists() -> None:
    known = {definition.id for scale in instruments() for definition in scale.definition_sets}
    named = set(re.findall(r"`([a-z0-9_]+/[a-z0-9_]+)`", PAGE.read_text("utf-8")))
    assert named == known
