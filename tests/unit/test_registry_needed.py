"""What tells of loaded data answers anything else with the way to a registry."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

import katoutcomes as kat


@pytest.mark.parametrize("asked", [kat.data_quality, kat.uniqueness])
@pytest.mark.parametrize("given", [pd.DataFrame({"patient_id": ["P1"]}), "data/clinic", None])
def test_something_else_is_answered_with_the_way_to_a_registry(
    asked: Callable[[object], object], given: object
) -> None:
    with pytest.raises(kat.OptionError) as refused:
        asked(given)
    message = str(refused.value)
    assert f"takes a Registry, not a {type(given).__name__}" in message
    assert "kat.read_registry(FOLDER)" in message
    assert "P1" not in message


def test_the_two_accept_what_the_message_names() -> None:
    frames = {
        "patients": pd.DataFrame({"patient_id": ["P1"], "age_years": [41]}),
        "sessions": pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]}),
    }
    registry = kat.read_registry(frames, is_synthetic=True)
    assert kat.data_quality(registry).analysis == "data_quality"
    assert kat.uniqueness(registry).n_patients == 1
    registry.close()
