"""The pages in words are true where that can be checked cheaply: links, names, commands, code that can be read."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import shlex
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.cli.main import _build_parser
from katoutcomes.instruments.catalog import instruments

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("data/sample/README.md"),
        *ROOT.glob("notebooks/README.md"),
    ]
)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
PLACEHOLDER = re.compile(r"[\[\]…<]|\.\.\.")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as the sites that show Markdown make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for found in LINK.findall(page.read_text(encoding="utf-8")):
        target = found[0] or found[1]
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_public_name_that_a_page_uses_is_there(page: Path) -> None:
    used = set(re.findall(r"\bkat\.([A-Za-z_]\w*)", page.read_text(encoding="utf-8")))
    assert used <= {*kat.__all__, "errors"}, used - set(kat.__all__)


def calls(text: str) -> list[ast.Call]:
    """Return the calls of public functions in a block, be it a script or a session."""
    tree = ast.parse(doctest.script_from_examples(text) if text.startswith(">>>") else text)
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "kat"
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name_of)
def test_every_call_in_a_python_block_names_arguments_that_exist(page: Path) -> None:
    for text in blocks(page, "python"):
        for call in calls(text):
            function = getattr(kat, call.func.attr)  # type: ignore[attr-defined]
            known = inspect.signature(function).parameters
            given = {keyword.arg for keyword in call.keywords if keyword.arg}
            assert given <= set(known), (call.func.attr, given - set(known))  # type: ignore[attr-defined]


def commands() -> list[tuple[str, str]]:
    """Return the commands that the pages show, without what follows as a comment."""
    found = []
    for page in PAGES:
        for text in blocks(page, "", "sh", "bash", "console", "yaml"):
            for line in text.replace("\\\n", " ").splitlines():
                command = re.search(r"\b(katoutcomes [a-z].*)", line)
                if command and not line.lstrip().startswith("#"):
                    found.append((name_of(page), command.group(1)))
    return found


def test_pages_show_commands() -> None:
    assert len(commands()) > 40


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_of_a_page_can_be_read(page: str, command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    ends = [place for place, word in enumerate(words) if word in {"|", ">", ">>", "&&", ";"}]
    words = words[: ends[0]] if ends else words
    if not any(PLACEHOLDER.search(word) for word in words):
        _build_parser().parse_args(words)


def rows_of_names() -> dict[str, str]:
    text = (ROOT / "docs" / "reference" / "public_names.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| \[?`(\w+)`\S* \| (.*) \|$", text, flags=re.MULTILINE))


def test_the_reference_lists_every_public_name() -> None:
    assert set(rows_of_names()) == set(kat.__all__) - {"__version__"}


@pytest.mark.parametrize("name", sorted(set(kat.__all__) - {"__version__"}))
def test_the_reference_says_what_the_help_of_a_name_says(name: str) -> None:
    thing = instruments if name == "instruments" else getattr(kat, name)
    said = rows_of_names()[name]
    if callable(thing):
        first = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
        assert said == first.replace("``", "`").replace("|", "\\|")
    else:
        assert said.endswith(".")


def test_every_page_can_be_found_from_the_first_one() -> None:
    """From the README, by links alone; folders lead to what they hold."""
    found, open_ = set(), [ROOT / "README.md"]
    while open_:
        page = open_.pop()
        if page in found:
            continue
        found.add(page)
        for match in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / match[0].partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                open_.append(target)
            elif target.is_dir():
                open_.extend(target.glob("*.md"))
    assert set(PAGES) <= found
