"""The page: text is as wide as measured, wrapped lines fit, and what is spread no longer collides."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from katoutcomes.figures.drawing.layout import new_page, spread, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import PAGE_WIDTH, drawing_settings

HALF_A_PIXEL = 0.5  # positions of letters are rounded to whole pixels, the width of a line by less than one
WORDS = st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=120)


@pytest.mark.parametrize("dpi", [72, 96, 150, 300])
@pytest.mark.parametrize(
    "text", ["Patients left at each step", "−7.5 (−8.0 to −7.1)", "<11 of 321", "Tg 10%", "$5 & <b>"]
)
def test_text_is_as_wide_as_measured_at_every_resolution(text, dpi):
    with drawing_settings("width"):
        page = new_page(PAGE_WIDTH, 100)
        page.figure.set_dpi(dpi)
        drawn = page.text(10, 10, text, fontsize=9.0).get_window_extent(page.figure.canvas.get_renderer())
    pixels = text_width(text, 9.0) * dpi / 72
    assert drawn.width == pytest.approx(pixels, abs=2 * HALF_A_PIXEL + 0.01 * pixels)


@given(WORDS, st.floats(20, 300))
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    lines = wrap(text, width)
    assert all(text_width(line) <= width or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_short_text_is_not_wrapped():
    assert wrap("week 12", 100.0) == ("week 12",)


POSITIONS = st.lists(st.floats(0, 100), min_size=1, max_size=8).map(tuple)


@given(POSITIONS)
def test_spread_positions_keep_their_order_and_their_distance(wanted):
    placed = spread(wanted, 10.0, 0.0, 100.0)
    order = np.argsort(wanted, kind="stable")
    assert all(after - before >= 10.0 - 1e-9 for before, after in pairwise(placed[index] for index in order))
    assert all(-1e-9 <= position <= 100.0 + 1e-9 for position in placed)


@given(st.permutations([5.0, 20.0, 35.0, 70.0]))
def test_positions_that_do_not_collide_stay(wanted):
    assert spread(tuple(wanted), 10.0, 0.0, 100.0) == tuple(wanted)


def test_spread_moves_as_little_as_it_must():
    # Against a slow search over a fine grid: the least sum of squared moves of three labels.
    wanted = (10.0, 12.0, 13.0)
    grid = np.linspace(0, 30, 151)
    first, second, third = np.meshgrid(grid, grid[::2], grid, indexing="ij", sparse=True)
    allowed = (second - first >= 6.0) & (third - second >= 6.0)
    cost = np.where(allowed, (first - 10.0) ** 2 + (second - 12.0) ** 2 + (third - 13.0) ** 2, np.inf)
    best = np.unravel_index(np.argmin(cost), cost.shape)
    slow = (grid[best[0]], grid[::2][best[1]], grid[best[2]])
    assert spread(wanted, 6.0, 0.0, 40.0) == pytest.approx(slow, abs=0.41)


def test_labels_that_cannot_all_fit_go_beyond_the_end_rather_than_collide():
    placed = spread((1.0, 1.0, 1.0), 10.0, 0.0, 15.0)
    assert placed == (0.0, 10.0, 20.0)


def test_the_page_grows_with_its_title_and_its_notes():
    short, _ = titled_page("Title", "Subtitle", 100.0, ())
    long, top = titled_page("Title " * 40, "Subtitle", 100.0, ("Note.",) * 80)
    assert long.height > short.height + 50
    assert all(text.get_position()[0] >= 0 for text in long.figure.texts)
    assert top < long.height - 100


def test_page_coordinates_are_points_from_the_top_left():
    page = new_page(200, 100)
    corner = page.transform.transform((0, 0))
    opposite = page.transform.transform((200, 100))
    assert corner == pytest.approx((0, 100 * 100 / 72))
    assert opposite == pytest.approx((200 * 100 / 72, 0))
    axes = page.axes(20, 10, 100, 50)
    assert axes.get_position().bounds == pytest.approx((0.1, 0.4, 0.5, 0.5))
