"""The main figures look, in grey, as they looked when somebody looked at them. See tests/golden/figure_pictures.py."""

from __future__ import annotations

import importlib.util
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "golden"
BLOCK = 4
"""Pixels a side that are averaged first: letters of another version of FreeType differ by less than a pixel."""
TOLERANCE = 40.0
"""Of 255, for the mean of every block: a mark, a line or a word that is gone changes one by more."""

_SPEC = importlib.util.spec_from_file_location("figure_pictures", FOLDER / "figure_pictures.py")
figure_pictures = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(figure_pictures)

NAMES = sorted(path.stem for path in figure_pictures.PICTURES.glob("*.png"))


@cache
def figures():
    return {name.replace(" ", "_"): figure for name, figure in figure_pictures.figures().items()}


def blocks(pixels: np.ndarray) -> np.ndarray:
    height, width = (side // BLOCK * BLOCK for side in pixels.shape)
    return pixels[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=(1, 3))


def grey(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("L"), dtype=np.float64)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(blocks(one) - blocks(other)).max())


def test_every_figure_has_its_picture():
    assert sorted(figures()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_figure_looks_as_it_did(name):
    drawn = grey(figure_pictures.picture(figures()[name]))
    kept = grey((figure_pictures.PICTURES / f"{name}.png").read_bytes())
    assert drawn.shape == kept.shape
    assert difference(drawn, kept) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_the_measure_sees_a_word_that_is_gone(name):
    kept = grey((figure_pictures.PICTURES / f"{name}.png").read_bytes())
    row, column = np.argwhere(kept < 100)[0]
    without = kept.copy()
    without[max(row - 2, 0) : row + 10, column : column + 12] = 255.0
    assert difference(without, kept) > TOLERANCE
