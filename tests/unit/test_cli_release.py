"""`release` and `report` beside an earlier release and with rounded counts: what they refuse, in words, unwritten."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

import katoutcomes as kat
from katoutcomes.cli.main import main
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result


def made_up(n_patients: int = 95, **policy: object) -> kat.Results:
    """Results of one number, quickly released."""
    question = Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean")
    changed = Estimate(
        term="change", measure="mean change", unit="points", visit="week 12", estimate=-6.24, n_patients=n_patients
    )
    entry = Result(
        analysis="change_from_baseline",
        title="Made up",
        estimand=question,
        method=Method("counting", "Somebody counted."),
        estimates=(changed,),
        provenance=Provenance("frame", "ab" * 32, software=(("numpy", "2"),)),
    )
    return kat.Results("Of the second quarter", (entry,), (), kat.DisclosurePolicy(**policy))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with results, a release of the quarter before, and files that are neither."""
    made_up(99).write(tmp_path / "results.json")
    before = made_up().release().write(tmp_path / "before.json")
    content = json.loads(before.read_text(encoding="utf-8"))
    for result in content["results"]:
        del result["round_to"]
    content["disclosure"] = {"minimum_cell": 11, "zero_is_shown": True}
    (tmp_path / "older.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "foreign.json").write_text('{"patients": [1, 2, 3]}', encoding="utf-8")
    (tmp_path / "broken.json").write_text('{"schema": ', encoding="utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "other_layout.json").write_text(json.dumps({**content, "schema_version": "0.1"}), encoding="utf-8")
    return tmp_path


def release(place: Path, *options: str) -> int:
    return main(["release", str(place / "results.json"), "--out", str(place / "out.json"), *options])


UNUSABLE = [
    ("missing.json", 1, "the earlier release cannot be used: there is no such file: 'missing.json'"),
    ("foreign.json", 1, "the earlier release cannot be used: foreign.json is no file of results"),
    ("broken.json", 1, "the earlier release cannot be used: broken.json is not JSON"),
    ("binary.json", 1, "the earlier release cannot be used: binary.json is not JSON text in UTF-8"),
    ("other_layout.json", 1, "the earlier release cannot be used: other_layout.json is not in layout"),
    ("results.json", 4, "the earlier release was not released"),
]


@pytest.mark.parametrize(("name", "code", "message"), UNUSABLE)
def test_an_earlier_release_that_is_none_ends_in_words_and_writes_nothing(
    place: Path, name: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release(place, "--previous", str(place / name)) == code
    assert message in capsys.readouterr().err
    assert not (place / "out.json").exists()
    # Of a report it is read first: nothing is analyzed, and no folder begun.
    report = ["report", "--data", str(place / "no data"), "--quarter", "2026Q2", "--out", str(place / "report")]
    assert main([*report, "--previous", str(place / name)]) == code
    assert message in capsys.readouterr().err
    assert not (place / "report").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("0", "round_to must be a whole number of at least 1"),
        ("-5", "round_to must be a whole number of at least 1"),
        ("20", "round_to (20) must not be above minimum_cell (11)"),
        ("five", "argument --round-to: invalid int value"),
    ],
)
def test_what_counts_may_not_be_rounded_to(
    place: Path, wrong: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["release", str(place / "results.json"), "--out", str(place / "out"), f"--round-to={wrong}"],
        ["report", "--data", str(place / "no data"), "--out", str(place / "out"), f"--round-to={wrong}"],
    ):
        try:
            code = main(command)
        except SystemExit as ended:  # wrong usage
            code = int(str(ended.code))
        assert code == 1
        assert message in capsys.readouterr().err
        assert not (place / "out").exists()


def test_a_release_says_how_it_was_made(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release(place) == 0
    assert "shows no count below 11; no earlier release was given." in capsys.readouterr().out
    assert release(place, "--previous", str(place / "before.json"), "--round-to", "5") == 0
    assert "hides counts below 11 and rounds the others to the nearest 5." in capsys.readouterr().out
    again = kat.Results.read(place / "out.json")
    assert again.disclosure.round_to == 5
    assert again.earlier_release == "Of the second quarter"


@pytest.mark.parametrize("name", ["before.json", "older.json"])
def test_what_changed_by_few_is_hidden_also_beside_a_file_of_before_rounding(place: Path, name: str) -> None:
    assert release(place, "--previous", str(place / name)) == 0
    assert [one.n_patients for one in kat.Results.read(place / "out.json").entries[0].estimates] == [None]
    assert release(place) == 0
    assert [one.n_patients for one in kat.Results.read(place / "out.json").entries[0].estimates] == [99]


def test_released_results_are_held_against_nothing_any_more(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--previous", str(place / "before.json"), "--round-to", "0", "--write-released", str(place / "x.json")]
    report = ["report", "--from", str(place / "before.json"), "--out", str(place / "report")]
    assert main([*report, *given]) == 1
    said = capsys.readouterr().err
    assert "--round-to, --previous, --write-released: belongs to --data" in said
    assert not (place / "report").exists()


def plan_with(place: Path, line: str) -> Path:
    text = files("katoutcomes.plans").joinpath("default_plan.toml").read_text(encoding="utf-8")
    first = "minimum_cell = 11                  # smaller counts never leave the clinic\n"
    assert first in text
    path = place / "plan.toml"
    path.write_text(text.replace(first, f"{first}{line}\n"), encoding="utf-8")
    return path


def test_a_plan_names_the_earlier_release_and_nothing_leaves_without_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = kat.AnalysisPlan.read(plan_with(place, 'previous = "before.json"'))
    assert Path(plan.disclosure.previous) == place / "before.json"
    named = made_up(99, previous=plan.disclosure.previous)
    with pytest.raises(kat.DisclosureError, match=r"names an earlier release, before\.json"):
        named.release()
    with pytest.raises(kat.DisclosureError, match=r"names an earlier release, before\.json"):
        kat.release(named.entries[0], named.disclosure)
    # The command reads it from where the plan says, and what leaves does not say where that is.
    named.write(place / "results.json")
    assert release(place) == 0
    assert [one.n_patients for one in kat.Results.read(place / "out.json").entries[0].estimates] == [None]
    assert str(place) not in (place / "out.json").read_text(encoding="utf-8")
    (place / "before.json").unlink()
    (place / "out.json").unlink()
    capsys.readouterr()
    assert release(place) == 1
    assert "the earlier release cannot be used: there is no such file: 'before.json'" in capsys.readouterr().err
    assert not (place / "out.json").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("round_to = 0", "plan.toml, line 67, [disclosure] round_to: round_to must be a whole number of at least 1"),
        ("round_to = -5", "plan.toml, line 67, [disclosure] round_to: round_to must be a whole number of at least 1"),
        ('round_to = "5"', "plan.toml, line 67, [disclosure] round_to: round_to must be a whole number."),
        ("round_to = 20", "plan.toml, line 67, [disclosure] round_to: round_to (20) must not be above minimum_cell"),
        ("previous = 3", "plan.toml, line 67, [disclosure] previous: previous must be a text."),
        ("round = 5", "plan.toml, line 67, [disclosure] round: unknown key 'round'. Did you mean 'round_to'?"),
    ],
)
def test_a_wrong_line_of_a_plan_is_named(
    place: Path, line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_with(place, line)
    report = ["report", "--data", str(place / "no data"), "--out", str(place / "report"), "--plan", str(plan)]
    assert main(report) == 1
    assert message in capsys.readouterr().err
    assert not (place / "report").exists()


def test_results_that_were_not_released_are_no_earlier_release_of_a_report(place: Path) -> None:
    """Found out before anything is read: there are no data in that folder."""
    with pytest.raises(kat.DisclosureError, match="the earlier release was not released"):
        kat.quarterly_report(place / "no data", place / "report", quarter="2026Q2", previous=made_up())
    assert not (place / "report").exists()
