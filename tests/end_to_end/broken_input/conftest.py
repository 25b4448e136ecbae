"""The harness of broken input: a folder goes in, a clear error or a counted rejection comes out, and never a value.

A case is a dict:

``id``
    Unique over all files; one kind of fault.
``build``
    ``build(folder: Path) -> None`` writes the files of the folder, with planted values. All of them are synthetic.
``secrets``
    The planted values. None of them may stand in anything that is printed, logged, raised or written.
``code``
    The exit code: 0 kept with a warning, 1 wrong option, 2 quality, 3 privacy.
``rules``
    Optional: rule id to number of rows, or None where the number does not matter. Rules are looked for among the
    problems, the rows that were left out, the warnings and the findings of the JSON that ``--json`` writes.
``fragments``
    Optional: texts that must stand in what is printed to the terminal.
``arguments``
    Optional: further arguments of ``katoutcomes check``.
"""

from __future__ import annotations

import io
import json
import logging
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.cli.main import main
from katoutcomes.registry import reading

Case = dict[str, Any]
ALLOWED_KEYS = {"id", "build", "secrets", "code", "rules", "fragments", "arguments"}


@dataclass(frozen=True)
class Outcome:
    """What a run of ``katoutcomes check`` left behind."""

    code: int
    output: str
    logged: str
    report: dict[str, Any]
    written: dict[str, str]
    library: str

    @property
    def rules(self) -> dict[str, int]:
        """Rule id to number of rows, over everything that the JSON lists."""
        counts: dict[str, int] = {}
        for group in ("problems", "left_out_rows", "warnings", "findings"):
            for entry in self.report.get(group, ()):
                counts[entry["rule"]] = counts.get(entry["rule"], 0) + (entry["n_rows"] or 0)
        return counts

    def everything(self) -> dict[str, str]:
        """Return every text that came out of the run, by where it stood."""
        return {"terminal": self.output, "log": self.logged, "library": self.library, **self.written}


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.args!r} {record.exc_info!r} {record.exc_text!r}")


def error_texts(error: BaseException | None) -> list[str]:
    """Return the text of an error and of every error behind it."""
    if error is None:
        return []
    own = [str(error), repr(error), repr(error.__dict__)]
    return [*own, *error_texts(error.__cause__), *error_texts(error.__context__)]


class _Loads:
    """Reads registries as the program asks for them, and keeps what a user of the library would see: texts of errors
    and of every error behind them, and of the registry."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._read = reading.read_registry

    def read(self, *arguments: Any, **options: Any) -> Any:
        try:
            registry = self._read(*arguments, **options)
        except Exception as error:
            self.texts += error_texts(error)
            raise
        report = registry.load_report
        self.texts += [repr(registry), registry._repr_html_(), repr(report), repr(report.to_dict()), report.to_text()]
        return registry


def check(folder: Path, out: Path, arguments: Sequence[str] = ()) -> Outcome:
    """Run ``katoutcomes check`` in this process and collect whatever comes out of it."""
    out.mkdir(exist_ok=True)
    files = {name: out / f"report.{name}" for name in ("json", "html", "csv")}
    command = ["check", str(folder), "--json", str(files["json"]), "--html", str(files["html"])]
    command += ["--rejects", str(files["csv"]), *arguments]
    records, screen, loads = _Records(), io.StringIO(), _Loads()
    root = logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        with (
            redirect_stdout(screen),
            redirect_stderr(screen),
            warnings.catch_warnings(record=True) as warned,
            pytest.MonkeyPatch.context() as patch,
        ):
            warnings.simplefilter("always")
            patch.setattr(reading, "read_registry", loads.read)
            code = main(command)
    except BaseException as error:  # noqa: BLE001 - any exception that leaves the program is a failure of the case
        pytest.fail("a traceback instead of an answer:\n" + "".join(traceback.format_exception(error)))
    finally:
        root.setLevel(level)
        root.removeHandler(records)
    logged = "\n".join([*records.texts, *(str(warning.message) for warning in warned)])
    written = {path.name: path.read_text(encoding="utf-8") for path in files.values() if path.is_file()}
    report = json.loads(written.get("report.json", "{}"))
    return Outcome(code, screen.getvalue(), logged, report, written, "\n".join(loads.texts))


def assert_silent(texts: dict[str, str], secrets: Sequence[str]) -> None:
    """Assert that no planted value stands in any text, and name the place if one does."""
    for place, text in texts.items():
        leaked = [secret for secret in secrets if secret.casefold() in text.casefold()]
        assert not leaked, f"{place} holds {leaked}"


def assert_case(case: Case, folder: Path, out: Path) -> Outcome:
    """Build a case, run it, and hold what came out against what the case expects."""
    assert set(case) <= ALLOWED_KEYS
    folder.mkdir(exist_ok=True)
    case["build"](folder)
    arguments = [str(argument).format(folder=folder) for argument in case.get("arguments", ())]
    outcome = check(folder, out, arguments)
    assert outcome.code == case["code"], outcome.output
    assert "Traceback" not in outcome.output
    if outcome.code != 1:  # a wrong option is no load, so there is nothing to report
        assert {"report.json", "report.html"} <= set(outcome.written)
        assert ("report.csv" in outcome.written) == bool(outcome.report["files"])
    for fragment in case.get("fragments", ()):
        assert fragment in outcome.output, outcome.output
    for rule, n_rows in case.get("rules", {}).items():
        assert rule in outcome.rules, outcome.output
        assert n_rows is None or outcome.rules[rule] == n_rows, (rule, outcome.rules[rule], outcome.output)
    assert_silent(outcome.everything(), case["secrets"])
    return outcome


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[Case], Outcome]:
    """Build a case of broken input, run it, assert all that the harness promises, and return what came out."""

    def run(case: Case) -> Outcome:
        return assert_case(case, tmp_path / "data", tmp_path / "out")

    return run
