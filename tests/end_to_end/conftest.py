"""The report of the sample, made once for all tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

import katoutcomes as kat

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the default report of the sample; tests read it and change nothing."""
    out = tmp_path_factory.mktemp("report")
    kat.outcome_report(SAMPLE, out)
    return out
