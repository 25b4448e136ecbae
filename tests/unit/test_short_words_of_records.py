"""What a person sees who looks at a record in a terminal: a line, not everything that it holds."""

from __future__ import annotations

import pytest

import katoutcomes as kat
from katoutcomes.errors import require_option


@pytest.mark.parametrize("scale", kat.instruments(), ids=lambda scale: scale.id)
def test_an_instrument_is_a_line(scale: kat.Instrument) -> None:
    assert repr(scale).startswith(f"<Instrument {scale.name} ({scale.id}): ")
    assert len(repr(scale)) < 250
    assert ("no total" in repr(scale)) == (not scale.has_total)


def test_a_figure_is_a_line_that_says_what_can_be_done_with_it() -> None:
    figure = kat.Figure("empty", "Nothing", "An empty page.", ("x",), ((1.5,),), lambda: None)
    assert repr(figure) == "<Figure 'Nothing': 1 rows; .save(folder), .svg(), .png(), .csv(), .alt_text>"


def test_a_field_that_no_estimate_has_is_named() -> None:
    data = kat.simulate_registry(seed=1, n_patients=60)
    with pytest.raises(kat.OptionError, match=r"got 'visti'\. Did you mean 'visit'\?"):
        kat.data_quality(data).select(visti="week 12")


def test_a_word_that_is_nearly_right_is_asked_about() -> None:
    with pytest.raises(kat.OptionError, match=r"got 'Weekk 12'. Did you mean 'week 12'\?"):
        require_option("visit", "Weekk 12", ["week 4", "week 12"])
    with pytest.raises(kat.OptionError, match=r"got 'elsewhere'\.$"):
        require_option("visit", "elsewhere", ["week 4", "week 12"])
