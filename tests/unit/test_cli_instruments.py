"""What `katoutcomes instruments` prints: every scale in its group, everything about one, and JSON that parses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from katoutcomes.cli.instrument_text import details, listing
from katoutcomes.cli.main import main
from katoutcomes.instruments.catalog import instrument, instruments, subscales


def test_the_listing_names_every_scale_once_with_sub_scales_below_theirs() -> None:
    lines = listing(instruments()).splitlines()
    rows = {line.split()[0]: line for line in lines if line.startswith("  ")}
    assert set(rows) == {scale.id for scale in instruments()}
    assert sum(line.startswith("  ") for line in lines) == len(instruments())
    order = list(rows)
    for scale in instruments():
        assert rows[scale.id].startswith("    " if scale.subscale_of else f"  {scale.id}")
        if scale.subscale_of:
            assert order.index(scale.id) > order.index(scale.subscale_of)
    assert lines[-1].startswith(f"{sum(not scale.subscale_of for scale in instruments())} scales and ")


def test_the_listing_is_aligned_and_fits_a_wide_terminal() -> None:
    lines = listing(instruments()).splitlines()
    column = lines[0].index("better")
    for line in lines[1:]:
        if line.startswith("  "):
            assert line[column:].split()[0] in ("lower", "higher", "neither")
            assert line[column - 1] == " "
        assert len(line) <= 120


@pytest.mark.parametrize("scale", instruments(), ids=lambda scale: scale.id)
def test_details_hold_every_source_and_keep_their_width(scale: object) -> None:
    text = details(scale, subscales(scale))  # type: ignore[arg-type]
    flat = " ".join(text.split())
    for definition in scale.definition_sets:  # type: ignore[attr-defined]
        assert f"{'* ' if definition.is_default else ''}{definition.id}:" in flat
        assert " ".join(definition.source.split()) in flat
    for known in (*scale.reliabilities, *scale.norms, *scale.prorating):  # type: ignore[attr-defined]
        assert " ".join(known.source.split()) in flat
    for open_point in scale.unverified:  # type: ignore[attr-defined]
        assert " ".join(open_point.text.split()) in flat
    assert ("Not verified, never used" in text) is bool(scale.unverified)  # type: ignore[attr-defined]
    # One word may be longer than the line: a DOI is not broken.
    assert all(len(line) <= 110 or len(line.split()) == 1 for line in text.splitlines())


def test_details_say_how_a_total_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments", "QIDS-SR16"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "the sum of the largest item of each of 9 domains (1-4, 5, 6-9, 10, 11, 12, 13, 14, 15, 16)" in shown
    assert main(["instruments", "dass21_d"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "sub-scale of dass21; items 3, 5, 10, 13, 16, 17, 21 of it" in shown
    assert "0 to 42: 2 x the sum of the items; every item is needed" in shown
    assert main(["instruments", "hamd17"]) == 0
    assert "but items 4-6, 12-14, 16, 17: 0, 1, 2" in " ".join(capsys.readouterr().out.split())


def test_an_ambiguous_name_is_a_question_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments", "PCL"]) == 1
    assert "which scale is meant by 'PCL'?" in capsys.readouterr().err


def test_json_of_the_listing_and_of_one_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in listed] == [scale.id for scale in instruments()]
    assert main(["instruments", "PHQ-9", "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert (one["id"], one["maximum"], one["scoring"]["kind"]) == ("phq9", 27, "sum")
    assert one["subscales"] == [part.id for part in subscales(instrument("PHQ-9"))]
    bands = next(entry for entry in one["definition_sets"] if entry["kind"] == "bands")
    assert bands["value"] is None  # NaN is not JSON


def test_the_command_needs_no_numerical_library() -> None:
    code = (
        "import sys; from katoutcomes.cli.main import main; main(['instruments']); main(['instruments', 'phq9']); "
        "print(sorted({'numpy', 'pandas', 'scipy', 'duckdb', 'matplotlib'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "[]"
