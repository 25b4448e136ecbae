"""Page one looks as it looked when somebody looked at it. See tests/golden/report_page.py."""

from __future__ import annotations

import importlib.util
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typst")

FOLDER = Path(__file__).resolve().parents[1] / "golden"
TOLERANCE = 6.0  # root mean square of 0 to 255: another version of Typst draws letters a little differently

_SPEC = importlib.util.spec_from_file_location("report_page", FOLDER / "report_page.py")
report_page = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(report_page)


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(BytesIO(png)), dtype=np.float64)[..., :3] * 255.0


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


def test_page_one_looks_as_it_did() -> None:
    drawn, kept = pixels(report_page.page()), pixels(report_page.GOLDEN.read_bytes())
    assert drawn.shape == kept.shape
    assert distance(drawn, kept) < TOLERANCE
    # The same measure sees a line of text that is gone.
    rows = np.flatnonzero((kept < 128).any(axis=(1, 2)))
    without = kept.copy()
    without[rows[0] : rows[0] + 14] = 255.0
    assert distance(without, kept) > TOLERANCE


def test_nothing_stands_outside_of_the_margins() -> None:
    kept = pixels(report_page.GOLDEN.read_bytes())
    margin = int(15 / 25.4 * report_page.DOTS_PER_INCH)
    for edge in (kept[:margin], kept[:, :margin], kept[:, -margin:]):
        assert edge.min() > 250.0
