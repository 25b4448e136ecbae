"""What is drawn is what it was: the numbers behind the artists, not the pixels. See tests/golden/figure_data.py."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "golden"
RELATIVE_TOLERANCE = 1e-8  # the file holds ten digits; limits of intervals differ by rounding between SciPy versions

_SPEC = importlib.util.spec_from_file_location("figure_data", FOLDER / "figure_data.py")
figure_data = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(figure_data)

drawn_data = cache(figure_data.kept_data)  # every worker reads this file, one of them draws
KEPT = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))


def leaves(value, path=()):
    """Return every number and text of nested lists and dictionaries with the way to it."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for number, item in enumerate(value) for leaf in leaves(item, (*path, number))]
    return [(path, value)]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_drawn_is_what_is_kept(name):
    drawn, kept = dict(leaves(drawn_data()[name])), dict(leaves(KEPT[name]))
    assert drawn.keys() == kept.keys()
    for path, value in kept.items():
        if isinstance(value, float):
            assert drawn[path] == pytest.approx(value, rel=RELATIVE_TOLERANCE, abs=RELATIVE_TOLERANCE), path
        else:
            assert drawn[path] == value, path


def test_every_figure_is_kept():
    assert KEPT.keys() == drawn_data().keys()
