"""Exports of REDCap and Mirah spoiled at random: a clear refusal, or every row accounted for; never anything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from katoutcomes.errors import DataError
from katoutcomes.registry.reading import read_registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
PIECES = [
    "",
    "0",
    "2",
    "-99",
    "NI",
    "x",
    '"',
    "\n",
    "2026-01-01",
    "9" * 20,
    "é",
    ";",
    "1e400",
    "nan",
    "Complete",
    "raw",
]
EXPORTS = {"redcap/classic": "export.csv", "redcap/longitudinal": "export.csv", "mirah": "outcomes.csv"}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("folder", EXPORTS)
def test_a_spoiled_export_is_refused_or_adds_up(
    tmp_path: Path, folder: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reader in ("redcap", "mirah"):  # the privacy gate has tests of its own and takes most of the time
        module = f"katoutcomes.registry.readers.{reader}.convert.raw_findings"
        monkeypatch.setattr(module, lambda *_, **__: ())
    chance = random.Random(seed)  # noqa: S311 - the same spoiled files in every run
    for path in (FIXTURES / folder).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = [line.split(",") for line in (tmp_path / EXPORTS[folder]).read_text(encoding="utf-8").splitlines()]
    for _ in range(seed + 1):
        line = chance.choice(lines[1:])
        line[chance.randrange(len(line))] = chance.choice(PIECES)
    (tmp_path / EXPORTS[folder]).write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    assert outcome(tmp_path) in ("refused with a rule", "adds up")


def outcome(folder: Path) -> str:
    try:
        files = read_registry(folder).load_report.source_files
    except DataError as refused:
        return "refused with a rule" if "rule " in str(refused) else str(refused)
    adds_up = all(file.rows_in == file.rows_accepted + file.rows_rejected + file.rows_left_out for file in files)
    return "adds up" if adds_up and files else "does not add up"
