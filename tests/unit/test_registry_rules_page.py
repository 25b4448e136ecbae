"""The page of validation rules and the code name the same rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import katoutcomes
from katoutcomes.registry.checking.advice import ADVICE
from katoutcomes.registry.checking.rules import (
    EVENT_SESSION_RULES,
    LATE_SESSION_RULES,
    REPEATED_SCORE_RULES,
    cell_rules,
    key_rules,
    link_rules,
    span_rules,
)
from katoutcomes.registry.identifiers import NAME_RULES, VALUE_RULES
from katoutcomes.registry.privacy.privacy_warnings import WARNING_RULES
from katoutcomes.registry.tables import EVENT_TABLES, TABLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "validation_rules.md"
MAPPING_PAGE = PAGE.with_name("mapping.md")
SOURCE = Path(katoutcomes.__file__).parent / "registry"
RULE_ARGUMENT = {"LeftOut": 1, "RowProblem": 0, "Finding": 2, "PrivacyWarning": 0, "Doubt": 0}


def page_rules() -> set[str]:
    """Every rule of the page: the first cell of each table row."""
    cells = re.findall(r"^\| ([^|]*)\|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {rule for cell in cells for rule in re.findall(r"`([a-z0-9_]+)`", cell)}


def sources() -> Iterator[str]:
    """The code that all formats share; what is left out of one format, and why, stands on its own page."""
    for folder in (SOURCE, *(SOURCE / name for name in ("checking", "identifiers", "privacy", "readers"))):
        for path in sorted(folder.glob("*.py")):
            yield path.read_text(encoding="utf-8")


def named_in_records() -> set[str]:
    """Rules that stand as a text in the making of a record."""
    found = set()
    for text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RULE_ARGUMENT:
                place = RULE_ARGUMENT[node.func.id]
                named = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                given = [*node.args[place : place + 1], *named]
                found |= {entry.value for entry in given if isinstance(entry, ast.Constant) and entry.value}
    return {str(rule) for rule in found}


def named_in_messages() -> set[str]:
    return {rule for text in sources() for rule in re.findall(r"rule ([a-z_]+):", text)}


def quality_rules() -> set[str]:
    rules = [*EVENT_SESSION_RULES, *LATE_SESSION_RULES, *REPEATED_SCORE_RULES, *span_rules("day")]
    for schema in TABLES:
        rules += [*cell_rules(schema, schema.columns, {}, (), ()), *key_rules(schema)]
    for schema in EVENT_TABLES:
        rules += link_rules(schema)
    text = (SOURCE / "checking" / "rules.py").read_text(encoding="utf-8")
    of_scores = re.search(r"_SCORE_RULES.*?\n\)\n", text, flags=re.DOTALL)
    assert of_scores is not None
    return {rule.id for rule in rules} | set(re.findall(r'^ +"([a-z_]+)":', of_scores.group(), flags=re.MULTILINE))


def code_rules() -> set[str]:
    return (
        quality_rules()
        | named_in_records()
        | named_in_messages()
        | set(NAME_RULES)
        | set(VALUE_RULES)
        | set(WARNING_RULES)
    )


def test_the_page_names_every_rule_of_the_code() -> None:
    assert sorted(code_rules() - page_rules()) == []


def test_the_page_invents_no_rule() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert [rule for rule in page_rules() if f'"{rule}"' not in text and f"rule {rule}:" not in text] == []


def test_advice_is_about_rules_that_there_are() -> None:
    of_mappings = set(re.findall(r"^\| `([a-z_]+)`", MAPPING_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    of_mappings |= {"date_format", "time_format"}
    assert set(ADVICE) <= page_rules() | of_mappings


def test_every_warning_rule_is_used() -> None:
    text = (SOURCE / "privacy" / "privacy_warnings.py").read_text(encoding="utf-8")
    assert all(text.count(f'"{rule}"') >= 2 for rule in WARNING_RULES)
