"""The look of figures: contrast, greyscale, color-vision deficiencies, and matplotlib's settings put back."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing import style
from katoutcomes.figures.drawing.jacobson_drawing import ink_on, shade

LEAST_CONTRAST_OF_MARKS = 3.0  # WCAG 2.2, success criterion 1.4.11
LEAST_CONTRAST_OF_TEXT = 4.5  # WCAG 2.2, success criterion 1.4.3
LEAST_LIGHTNESS_DISTANCE = 10.0  # of CIE L* on its scale of 0 to 100; a just noticeable difference is about 1
LEAST_COLOR_DISTANCE = 20.0  # CIE76 ΔE under a simulated deficiency; about 2.3 is just noticeable

# Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB. doi:10.1109/TVCG.2009.113
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ_OF_LINEAR_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = XYZ_OF_LINEAR_RGB @ np.ones(3)


def linear_rgb(color):
    parts = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return float(XYZ_OF_LINEAR_RGB[1] @ linear_rgb(color))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(color, deficiency="none"):
    xyz = XYZ_OF_LINEAR_RGB @ np.clip(DEFICIENCIES[deficiency] @ linear_rgb(color), 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_color_formulas_agree_with_known_values():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert lab("#FF0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.01)  # sRGB red in CIELAB, D65


def test_every_series_stands_out_from_the_paper():
    for series in style.SERIES:
        assert contrast(series.color, style.PAPER) >= LEAST_CONTRAST_OF_MARKS - 0.01


def test_no_two_series_share_marker_line_style_or_color():
    for field in ("color", "marker", "line_style"):
        assert len({getattr(series, field) for series in style.SERIES}) == len(style.SERIES)


@pytest.mark.parametrize(("one", "other"), list(combinations(range(4), 2)))
def test_the_first_four_series_stay_apart_in_greyscale(one, other):
    lightness = [lab(style.SERIES[number].color)[0] for number in (one, other)]
    assert abs(lightness[0] - lightness[1]) >= LEAST_LIGHTNESS_DISTANCE


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(("one", "other"), list(combinations(range(3), 2)))
def test_the_first_three_series_stay_apart_for_every_color_vision(deficiency, one, other):
    colors = [lab(style.SERIES[number].color, deficiency) for number in (one, other)]
    assert np.linalg.norm(colors[0] - colors[1]) >= LEAST_COLOR_DISTANCE


@pytest.mark.parametrize("color", [style.INK, style.QUIET_INK])
@pytest.mark.parametrize("background", [style.PAPER, style.IMPROVED, style.WORSENED])
def test_text_can_be_read_on_every_fill(color, background):
    assert contrast(color, background) >= LEAST_CONTRAST_OF_TEXT


@pytest.mark.parametrize("share", np.linspace(0, 1, 51))
def test_numbers_can_be_read_on_every_shade_of_a_cell(share):
    assert contrast(ink_on(share), shade(share)) >= LEAST_CONTRAST_OF_TEXT - 0.05


def test_shades_become_darker_with_the_number_of_patients():
    lightness = [lab(shade(share))[0] for share in np.linspace(0, 1, 21)]
    assert np.all(np.diff(lightness) < 0)
    assert abs(lab(style.IMPROVED_EDGE)[0] - lab(style.WORSENED_EDGE)[0]) >= LEAST_LIGHTNESS_DISTANCE


def test_more_groups_than_can_be_told_apart_are_refused():
    assert len(style.series_styles(8)) == 8
    with pytest.raises(OptionError, match="at most 8 groups, and there are 9"):
        style.series_styles(9)


def test_settings_of_the_user_are_neither_used_nor_changed():
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        before = dict(mpl.rcParams.copy())
        with style.drawing_settings("a"):
            assert mpl.rcParams["font.size"] == style.TEXT_SIZE
            assert not mpl.rcParams["axes.grid"]
            assert mpl.rcParams["svg.hashsalt"] == "a"
        assert dict(mpl.rcParams.copy()) == before


def test_settings_are_put_back_after_an_error():
    import matplotlib as mpl

    before = dict(mpl.rcParams.copy())
    with pytest.raises(KeyError), style.drawing_settings("a"):
        raise KeyError
    assert dict(mpl.rcParams.copy()) == before
