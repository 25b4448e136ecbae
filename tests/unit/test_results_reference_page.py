"""The reference page names every column, measure, unit, verdict and key of the JSON; so it cannot fall behind."""

import re
from pathlib import Path

import pytest

from katoutcomes.results.check import SEVERITIES, VERDICTS
from katoutcomes.results.disclosure import DisclosurePolicy
from katoutcomes.results.serialization import result_dict
from katoutcomes.vocabulary import ESTIMATE_COLUMNS, MEASURES, SCHEMA_VERSION, UNITS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "results.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how_to" / "release_results.md").read_text(encoding="utf-8")


def in_code(page: str) -> set[str]:
    return set(re.findall(r"`([^`\n]*)`", page))


@pytest.mark.parametrize("name", [*ESTIMATE_COLUMNS, *MEASURES, *VERDICTS, *SEVERITIES, *filter(None, UNITS)])
def test_every_word_is_explained(name):
    assert name in in_code(PAGE)


def test_every_measure_has_its_kind():
    for measure in MEASURES.values():
        row = next(line for line in PAGE.splitlines() if line.startswith("| `") and f"`{measure.name}`" in line)
        if "quartile" in measure.name or measure.name in ESTIMATE_COLUMNS:
            continue
        assert f"| {measure.kind} |" in row, measure.name


def test_every_key_of_the_json_is_shown():
    from katoutcomes.evidence.published import published_outcomes

    content = result_dict(published_outcomes("PHQ-9"))
    for name in content:
        assert f'"{name}":' in PAGE
    assert f'"schema_version": "{SCHEMA_VERSION}"' in PAGE


def test_the_default_minimum_is_the_one_that_is_described():
    assert f"The default minimum, {DisclosurePolicy().minimum_cell}," in HOW_TO
