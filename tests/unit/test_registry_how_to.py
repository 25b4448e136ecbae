"""The how-to page shows a mess and its load report; both are real."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "load_your_data.md"


@pytest.fixture(scope="module")
def mess(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("mess")
    files = re.findall(r"`(\w+\.csv)`\n\n```csv\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [name for name, _ in files] == ["patients.csv", "sessions.csv", "scores.csv"]
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")
    return read_registry(folder)


def test_the_report_is_the_one_that_is_shown(mess: Registry) -> None:
    shown = re.search(r"```text\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert shown is not None
    assert shown.group(1) == mess.load_report.to_text()


def test_every_rule_of_the_report_is_explained(mess: Registry) -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {problem.rule for problem in mess.load_report.problems} == explained - {"IdentifierError", "DataError"}


def test_the_examples_of_the_page_on_privacy_run() -> None:
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(PAGE.with_name("privacy.md")), module_relative=False, optionflags=flags)
    assert tried == 4
    assert failed == 0


def test_what_is_accepted(mess: Registry) -> None:
    assert mess.table("sessions")["session_id"].tolist() == ["S01", "S02", "S06"]
    assert mess.table("scores")["score_id"].tolist() == ["Q01", "Q04"]
    assert mess.table("sessions")["minute"].tolist()[:2] == [570, 3480]
