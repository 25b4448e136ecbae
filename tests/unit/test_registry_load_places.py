"""A small input takes one thread; an engine of the caller's keeps its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.load_places import is_small

FRAMES = {
    "patients": pd.DataFrame({"patient_id": ["P1"]}),
    "sessions": pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]}),
}


def test_frames_of_few_rows_are_small() -> None:
    assert is_small(FRAMES)
    assert not is_small({**FRAMES, "scores": pd.DataFrame({"score_id": range(100_001)})})
    assert not is_small({**FRAMES, "scores": object()})  # a frame that does not know how long it is, as Spark's


@pytest.mark.parametrize(("n_bytes", "expected"), [(2_000_000, True), (2_000_001, False)])
def test_folders_are_small_by_the_bytes_of_their_files(tmp_path: Path, n_bytes: int, expected: bool) -> None:
    (tmp_path / "scores.csv").write_bytes(b"0" * n_bytes)
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    assert is_small(tmp_path) is expected
    assert is_small(str(tmp_path)) is expected


def test_a_place_that_is_no_folder_is_left_to_those_who_explain_it(tmp_path: Path) -> None:
    assert not is_small(tmp_path / "nowhere")


def test_a_small_input_takes_one_thread_unless_the_caller_brings_the_engine() -> None:
    asked = "select current_setting('threads')"
    with kat.read_registry(FRAMES, is_synthetic=True).engine as engine:
        assert engine.scalar(asked) == 1
    with Engine(threads=3) as given:
        assert kat.read_registry(FRAMES, is_synthetic=True, engine=given).engine.scalar(asked) == 3
