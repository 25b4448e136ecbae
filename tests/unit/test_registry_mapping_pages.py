"""The pages about mapping: what they show is what happens, and every key and rule of the code is in the reference."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from katoutcomes.registry.mapping.draft import draft_mapping
from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.mapped_tables.date_formats import DIRECTIVES
from katoutcomes.registry.readers.mapped_tables.section_reader import read_sections
from katoutcomes.registry.reading import read_registry

DOCS = Path(__file__).resolve().parents[2] / "docs"
SOURCES = Path(__file__).resolve().parents[2] / "src" / "katoutcomes" / "registry" / "readers"
HOW_TO = (DOCS / "how_to" / "map_your_export.md").read_text(encoding="utf-8")
EXCEL = DOCS / "how_to" / "load_excel_and_frames.md"
REFERENCE = (DOCS / "reference" / "mapping.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = re.findall(r"`(\w+\.(?:csv|toml))`\n\n```\w+\n(.*?)```", HOW_TO, flags=re.DOTALL)
    assert [name for name, _ in files] == ["Patienten.csv", "Termine.csv", "Fragebogen.csv", "mapping.toml"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_report_is_the_one_that_is_shown(folder: Path) -> None:
    shown = re.search(r"```text\n(.*?)\n```", HOW_TO, flags=re.DOTALL)
    assert shown is not None
    blocks = read_registry(folder).load_report.to_text().split("\n\n")
    rest = [block for block in blocks if block not in shown.group(1).split("\n\n")]
    assert [block.partition("\n")[0] for block in rest] == ["warnings (nothing was rejected for them):"]


def test_the_draft_is_the_one_that_is_shown(folder: Path) -> None:
    (folder / "mapping.toml").unlink()
    shown = re.search(r"```toml\n(\[\[file\]\]\nname = \"Termine.csv\".*?)\n```", HOW_TO, flags=re.DOTALL)
    assert shown is not None
    assert shown.group(1) in draft_mapping(folder)


def test_the_other_examples_can_be_read() -> None:
    head = 'schema_version = "1.0"\nformat = "tables"\n'
    blocks = re.findall(r"```toml\n(\[\[file.*?)```", HOW_TO.split("## What often comes up")[1], flags=re.DOTALL)
    assert len(blocks) == 2
    wide = '[[file]]\nname = "a.csv"\n[file.columns]\nid = "patient_id"\n' + blocks[0]
    assert [score.items[0] for score in read_sections(parse_mapping(head + wide, "m.toml"))[0].scores] == [
        "gad7_1_base",
        "gad7_1_wk4",
    ]
    assert read_sections(parse_mapping(head + blocks[1], "m.toml"))[0].constants["term"] == "nausea"


def test_the_examples_with_frames_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(
        str(EXCEL), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS, encoding="utf-8"
    )
    assert (results.failed, results.attempted > 10) == (0, True)


def test_every_key_is_in_the_reference() -> None:
    text = "".join(
        (SOURCES / "mapped_tables" / f"{name}.py").read_text(encoding="utf-8")
        for name in ("section_reader", "score_sections")
    )
    asked = set(re.findall(r'\.(?:text|texts|choice|whole|flag|table|tables)\("(\w+)"', text))
    asked |= set(re.findall(r'(?:_lists|_form|_by_target)\(table, "(\w+)"', text))
    assert len(asked) > 20
    assert not {key for key in asked if f"`{key}`" not in REFERENCE and f"[file.{key}" not in REFERENCE} - {
        "file",
        "score",
        "item_values",
    }


def test_every_directive_is_in_the_reference() -> None:
    assert not [directive for directive in DIRECTIVES if f"`{directive}`" not in REFERENCE]


def test_every_rule_is_in_the_reference() -> None:
    files = [*(SOURCES / "mapped_tables").glob("*.py"), *SOURCES.glob("raw_*.py"), SOURCES / "excel.py"]
    rules = {rule for file in files for rule in re.findall(r"rule ([a-z_]+):", file.read_text(encoding="utf-8"))}
    rules |= {
        "ambiguous_date",
        "no_first_dose",
        "unit",
        "not_decoded",
        "decimal",
        "repeated_row",
        "not_selected",
        "no_score",
        "empty_row",
    }
    assert len(rules) > 18
    assert not {rule for rule in rules if f"`{rule}`" not in REFERENCE}
