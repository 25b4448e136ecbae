"""The example of the how-to runs and keeps the rules that the page states."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("figure_results", ROOT / "tests" / "golden" / "figure_results.py")
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


@pytest.fixture(scope="module")
def completeness():
    page = (ROOT / "docs" / "how_to" / "add_a_figure.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    names = {}
    exec(compile(example, "add_a_figure.md", "exec"), names)  # noqa: S102 - our own page
    return names["completeness"]


def test_the_example_draws_the_shares(completeness):
    result = made.flow_result(300)
    figure = completeness(result)
    bars = [patch.get_width() for patch in figure.axes()[0].patches]
    assert bars == [share.estimate for share in result.select(term="scored at visit", subgroup="")]
    assert [row[1] for row in figure.rows] == bars
    assert figure.name == "completeness_phq_9"
    assert figure.svg() == figure.svg()


def test_the_example_leaves_out_what_is_hidden(completeness):
    result = made.hidden_below(made.flow_result(14))
    hidden = [share for share in result.select(term="scored at visit", subgroup="") if share.suppressed]
    figure = completeness(result)
    assert hidden
    assert len(figure.axes()[0].patches) == len(figure.rows) - len(hidden)
    assert "<11" in figure.alt_text
