"""The public names: what is promised is there, once, and loaded only when asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import katoutcomes

HEAVY = ("pandas", "scipy", "matplotlib", "statsmodels", "duckdb", "jinja2")
MODULE_BUDGET = 220


def test_all_is_sorted_and_complete() -> None:
    names = [name for name in katoutcomes.__all__ if name != "__version__"]
    assert sorted(names) == sorted(katoutcomes._HOME_OF_NAME)
    assert len(set(katoutcomes.__all__)) == len(katoutcomes.__all__)


@pytest.mark.parametrize("name", katoutcomes.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(katoutcomes, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'cohens_d'"):
        katoutcomes.cohens_d  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(katoutcomes.__file__).read_text(encoding="utf-8"))
    seen = {
        f"{node.module}:{alias.name}"
        for block in ast.walk(tree)
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {f"{module}:{name}" for name, module in katoutcomes._HOME_OF_NAME.items()}


def test_the_room_of_instruments_can_still_be_called_after_it_is_imported() -> None:
    import katoutcomes.instruments.catalog

    assert katoutcomes.instruments() == katoutcomes.instruments.catalog.instruments()


@pytest.mark.parametrize(
    "code",
    [
        "import katoutcomes",
        "from katoutcomes.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
    ],
    ids=["import", "help"],
)
def test_import_and_help_are_light(code: str) -> None:
    report = "\nimport sys\nprint(len(sys.modules), *sorted(sys.modules), sep='\\n', file=sys.stderr)"
    run = subprocess.run([sys.executable, "-I", "-c", code + report], capture_output=True, text=True, check=True)
    count, *modules = run.stderr.split()
    assert not [name for name in modules if name.split(".")[0] in HEAVY]
    assert int(count) < MODULE_BUDGET
