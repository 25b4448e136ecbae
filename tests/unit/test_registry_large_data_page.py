"""The how-to page on large data shows runs; they are real."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from katoutcomes.registry import fingerprint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "large_data.md"


def test_the_page_shows_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_program_digest", lambda: "this program")  # also where somebody edits it just now
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert (failed, tried > 8) == (0, True)
