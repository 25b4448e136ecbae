"""How many kinds of broken input are tried, over all files of this folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

FEWEST_KINDS = 300


def all_cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(Path(__file__).parent.glob("test_broken_*.py")):
        spec = importlib.util.spec_from_file_location(f"counted_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += getattr(module, "CASES", ())
    return found


def test_there_are_enough_kinds_and_each_is_there_once() -> None:
    names = [case["id"] for case in all_cases()]
    assert len(names) == len(set(names))
    assert len(names) >= FEWEST_KINDS


def test_every_case_plants_something_and_expects_something() -> None:
    for case in all_cases():
        assert case["code"] in (0, 1, 2, 3), case["id"]
        assert case.get("rules") or case.get("fragments"), case["id"]
        assert all(len(secret) >= 4 for secret in case["secrets"]), case["id"]
