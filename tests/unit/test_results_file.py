"""A file of results: nothing lost, two marks, and clear words for a file that is not one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.errors import DisclosureError, OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.collection import Results
from katoutcomes.results.disclosure import DisclosurePolicy
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result
from katoutcomes.results.results_file import RELEASED_SCHEMA, results_json
from katoutcomes.results.whole_files import require_folder, whole_folder, write_whole
from katoutcomes.workflows.outcome_report import outcome_report

THIRD = 1 / 3


def made_up() -> Results:
    question = Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean")
    entry = Result(
        analysis="data_quality",
        title="Made up",
        estimand=question,
        method=Method("counting", "Somebody counted.", ("A source.",)),
        estimates=(
            Estimate(term="a", measure="mean", unit="points", estimate=THIRD, n_patients=40),
            Estimate(
                term="b",
                measure="odds ratio",
                n_patients=40,
                estimate=0.1 + 0.2,
                conf_low=-math.inf,
                conf_high=math.inf,
            ),
            Estimate(term="c", measure="count", unit="patients", estimate=4.0, n_patients=40),
        ),
        parts=(Part("trajectory", ("visit", "value"), (("a", THIRD), ("b", math.nan), ("c", math.inf), ("d", None))),),
        checks=(Check("patients", False, "caution", THIRD, math.inf, "Few patients."),),
        provenance=Provenance("frame", "ab" * 32, (("gap_days", "90"),)),
    )
    return Results("A title", (entry,), ("A note.",), DisclosurePolicy(5, zero_is_shown=False))


def same(one: Any, other: Any) -> bool:
    """Equality in every digit, with NaN equal to NaN."""
    if isinstance(one, float):
        return isinstance(other, float) and (one == other or (math.isnan(one) and math.isnan(other)))
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        names = [field.name for field in fields(one)]
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in names)
    return type(one) is type(other) and bool(one == other)


def test_nothing_is_lost_on_the_way_through_a_file(tmp_path: Path) -> None:
    results = made_up()
    again = Results.read(results.write(tmp_path / "deep" / "results.json"))
    assert same(again, results)
    assert results_json(again) == results_json(results)
    assert not same(again, replace(results, title="Another"))


def test_released_results_are_the_same_before_and_after_the_file(tmp_path: Path) -> None:
    results = made_up()
    released = Results.read(results.write(tmp_path / "results.json")).release()
    assert same(released, results.release())
    assert released.is_released
    assert not results.is_released
    assert released.disclosure.minimum_cell == 5
    assert same(Results.read(released.write(tmp_path / "released.json")), released)
    with pytest.raises(DisclosureError, match="minimum cell of 5"):
        released.release(DisclosurePolicy(3))


def test_only_the_released_file_carries_the_mark_of_released_results(tmp_path: Path) -> None:
    results = made_up()
    text = results.write(tmp_path / "results.json").read_text(encoding="utf-8")
    assert "not for release" in json.loads(text)["schema"]
    marked = json.loads(text) | {"schema": RELEASED_SCHEMA}
    (tmp_path / "marked.json").write_text(json.dumps(marked), encoding="utf-8")
    with pytest.raises(DisclosureError, match="these are not: data_quality"):
        Results.read(tmp_path / "marked.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: .* in line 1"),
        ('{"schema": NaN}', "is not JSON text"),
        ("[1]", "is no file of results"),
        ('{"schema": "summary"}', "is no file of results"),
    ],
)
def test_a_file_that_is_no_file_of_results(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=f"a.json {message}"):
        Results.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": "0.1"}, "not in layout"),
        ({"wish": 1}, "a key too many or too few: wish"),
        ({"results": {}}, "results: a list"),
        ({"results": []}, "no results"),
        ({"results": [1]}, "result 1: a table"),
        ({"title": 1}, "title: a text"),
        ({"disclosure": {}}, "disclosure: minimum_cell must be a whole number"),
        ({"disclosure": {"minimum_cell": True, "zero_is_shown": True}}, "minimum_cell must be a whole number"),
        ({"disclosure": {"minimum_cell": 11, "zero_is_shown": True, "round_to": "5"}}, "round_to must be a whole"),
        ({"disclosure": {"minimum_cell": 11, "zero_is_shown": True, "round_to": 0}}, "disclosure: round_to must be"),
        ({"disclosure": {"minimum_cell": 11, "zero_is_shown": True, "wish": 1}}, "disclosure: a table of"),
        ({"disclosure": [11]}, "disclosure: a table of"),
    ],
)
def test_what_a_file_of_results_may_not_be(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(json.loads(results_json(made_up())) | change), encoding="utf-8")
    with pytest.raises(OptionError, match=message):
        Results.read(path)


@pytest.mark.parametrize("field", ["estimates", "parts", "estimand", "provenance", "checks", "method"])
def test_a_broken_result_is_named_and_its_values_are_not(tmp_path: Path, field: str) -> None:
    path = tmp_path / "a.json"
    content = json.loads(results_json(made_up()))
    for broken in ("secret", ["secret"], {"secret": 1}):
        content["results"][0][field] = broken
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(OptionError, match=r"a\.json, result 1: the result") as problem:
            Results.read(path)
        assert "secret" not in str(problem.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no such file: 'nowhere\.json'\.$"):
        Results.read(tmp_path / "nowhere.json")
    (tmp_path / "results.json").mkdir()
    with pytest.raises(OptionError, match=r"no such file: 'result\.json'\. Did you mean 'results\.json'\?$"):
        Results.read(tmp_path / "result.json")
    with pytest.raises(OptionError, match=r"results\.json cannot be read: Is a directory"):
        Results.read(tmp_path / "results.json")


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "a.txt", "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "after \ud800")
    assert path.read_text(encoding="utf-8") == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, "text")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_is_written_as_a_whole_or_not_at_all(tmp_path: Path, is_there: bool) -> None:
    place = tmp_path / "out"
    if is_there:
        write_whole(place / "inner" / "a.txt", "before")

    def write(*, fails: bool) -> None:
        with whole_folder(place) as folder:
            write_whole(folder / "inner" / "a.txt", "after")
            if fails:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fails=True)
    assert place.exists() == is_there
    assert not is_there or (place / "inner" / "a.txt").read_text(encoding="utf-8") == "before"
    write(fails=False)
    assert (place / "inner" / "a.txt").read_text(encoding="utf-8") == "after"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "inner", "out"]


def places_of(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield (*place, key)
        yield from places_of(value, (*place, key))


def test_a_file_changed_by_hand_is_read_or_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    content = json.loads(results_json(made_up()))
    refused = 0
    for place in list(places_of(content)):
        holder = content
        for key in place[:-1]:
            holder = holder[key]
        right = holder[place[-1]]
        for wrong in ("text", ["x"], None):
            holder[place[-1]] = wrong
            path.write_text(json.dumps(content), encoding="utf-8")
            try:
                Results.read(path).release()
            except (OptionError, DisclosureError):
                refused += 1
        holder[place[-1]] = right
    assert refused > 300


def test_a_place_where_no_folder_can_be_is_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_folder(tmp_path / "new" / "report")
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError):
        require_folder(file)
    with pytest.raises(NotADirectoryError):
        outcome_report("no such folder", file / "inside")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match="must not be written to"):
        require_folder(tmp_path / "report")
