"""No error, warning, log or file of a load holds a value, however hostile the input. All data are synthetic."""

from __future__ import annotations

import datetime as dt
import decimal
import logging
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from katoutcomes.errors import KatOutcomesError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

CANARY = "CANARY7731"
PATIENTS = {"patient_id": ["KEYPAT1", "KEYPAT2"], "age_years": [40, 50]}
SESSIONS = {"session_id": ["KEYSES1"], "patient_id": ["KEYPAT1"], "date": ["2031-03-04"], "kind": ["dosing"]}
SECRETS = (CANARY, "KEYPAT", "KEYSES", "2031-03")


class Talkative:
    """An object that shows its content in every way an object can."""

    def __init__(self, error: type[Exception] | None = None) -> None:
        self.error = error

    def __str__(self) -> str:
        if self.error is not None:
            raise self.error(CANARY)
        return CANARY

    __repr__ = __str__


def chain(error: BaseException | None) -> list[str]:
    if error is None:
        return []
    shown = [str(error), repr(error), repr(error.args), repr(error.__dict__)]
    return [*shown, *chain(error.__cause__), *chain(error.__context__)]


def texts_of(load: Callable[[], Registry], caplog: pytest.LogCaptureFixture, capfd: Any) -> list[str]:
    """Load, and return everything that came out: errors and what is behind them, warnings, logs, prints, reports."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            report = load().load_report
            texts = [report.to_text(), report.to_html(), repr(report), str(report.to_dict())]
        except KatOutcomesError as error:
            texts = [*chain(error), *traceback.format_exception_only(error)]
    printed = capfd.readouterr()
    return [*texts, caplog.text, printed.out, printed.err, *(str(warning.message) for warning in warned)]


HOSTILE: dict[str, Any] = {
    "sql": f"'); drop table problems; -- {CANARY}",
    "quotes": f'"{CANARY}"\'"',
    "very long": CANARY * 20_000,
    "emoji and marks": f"🜲\u202e{CANARY}\u0301",
    "control characters": f"{CANARY}\x1f\x07\x1b[31m",
    "line break": f"{CANARY}\n{CANARY}",
    "format": f"{{0}} %s {{{CANARY}}} {CANARY}",
    "regular expression": f"({CANARY}+)+$" + "a" * 60,
    "markup": f"<script>{CANARY}</script>",
    "infinity": float("inf"),
    "object": Talkative(),
    "list": [CANARY, CANARY],
    "mapping": {CANARY: CANARY},
    "bytes": CANARY.encode(),
    "large number": 10**40,
    "decimal": decimal.Decimal("7731.7731e400"),
    "datetime": dt.datetime(2031, 3, 4, 7, 31, tzinfo=dt.UTC),
    "complex": complex(7731, 7731),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("column", ["patient_id", "age_years", "site", "impression"])
def test_a_hostile_cell_of_a_frame_shows_nowhere(
    kind: str, column: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    patients = pd.DataFrame({"patient_id": ["KEYPAT1", "KEYPAT2", "KEYPAT3"]}, dtype=object)
    patients[column] = pd.Series([HOSTILE[kind], *(["KEYPAT2", "KEYPAT3"] if column == "patient_id" else [None, None])])
    texts = texts_of(lambda: read_registry({"patients": patients, "sessions": pd.DataFrame(SESSIONS)}), caplog, capfd)
    assert not [(secret, text) for text in texts for secret in (*SECRETS, "7731") if secret in text]


@pytest.mark.parametrize("kind", [kind for kind, value in HOSTILE.items() if isinstance(value, str)])
def test_a_hostile_cell_of_a_file_shows_nowhere(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    sessions = pd.DataFrame({**SESSIONS, "kind": [HOSTILE[kind]]})
    pd.DataFrame(PATIENTS).to_csv(tmp_path / "patients.csv", index=False)
    sessions.to_csv(tmp_path / "sessions.csv", index=False)
    texts = texts_of(lambda: read_registry(tmp_path), caplog, capfd)
    assert not [(secret, text) for text in texts for secret in SECRETS if secret in text]


def test_names_of_files_that_are_not_read_are_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame(PATIENTS).to_csv(tmp_path / "patients.csv", index=False)
    pd.DataFrame(SESSIONS).to_csv(tmp_path / "sessions.csv", index=False)
    (tmp_path / f"notes on {CANARY}.docx").write_text(CANARY, encoding="utf-8")
    texts = texts_of(lambda: read_registry(tmp_path), caplog, capfd)
    assert any("files of the folder that are no tables" in text for text in texts)
    assert not [text for text in texts if CANARY in text]


@pytest.mark.parametrize("query", [f"select cast('{CANARY}' as integer)", f"select error('{CANARY}')"])
def test_errors_of_the_data_engine_are_not_passed_on(query: str) -> None:
    with Engine() as engine:
        for action in (engine.fetch, engine.scalar, lambda text: engine.materialize("t", text)):
            with pytest.raises(KatOutcomesError) as caught:
                action(query)
            assert not [text for text in chain(caught.value) if CANARY in text]


def test_nothing_is_written_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, home, elsewhere = tmp_path / "data", tmp_path / "home", tmp_path / "tmp"
    for folder in (data, home, elsewhere):
        folder.mkdir()
    for name in ("TMPDIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(elsewhere if name == "TMPDIR" else home))
    pd.DataFrame(PATIENTS).to_csv(data / "patients.csv", index=False)
    pd.DataFrame(SESSIONS).to_csv(data / "sessions.csv", index=False)
    monkeypatch.chdir(home)
    before = sorted(path.name for path in data.iterdir())
    read_registry(data, rekey_salt="a salt of sixteen letters").close()
    assert sorted(path.name for path in data.iterdir()) == before
    assert [*home.iterdir(), *elsewhere.iterdir()] == []


def test_row_numbers_are_those_of_the_file_and_not_of_what_is_left() -> None:
    ages = np.array(["40"] * 30, dtype=object)
    ages[[4, 17]] = CANARY
    patients = pd.DataFrame({"patient_id": [f"P{n}" for n in range(30)], "age_years": ages})
    sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
    problem = read_registry({"patients": patients, "sessions": sessions}).load_report.problems[0]
    assert (problem.rule, problem.row_numbers) == ("integer", (5, 18))
