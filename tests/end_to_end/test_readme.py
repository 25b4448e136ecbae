"""The README's Python, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import katoutcomes as kat

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_registry_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    *lines, refused = SNIPPETS[0].strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)  # noqa: S102 - our own page
    assert "week 12" in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert isinstance(names["change"], kat.Result)
    with pytest.raises(kat.ImmortalTimeError):
        exec(refused, names)  # noqa: S102


def test_the_frame_example() -> None:
    names: dict[str, object] = {"kat": kat}
    exec(SNIPPETS[1], names)  # noqa: S102
    data = names["data"]
    assert isinstance(data, kat.AnalysisSet)
    assert data.n_patients == 2
    assert kat.change_from_baseline(data).select(term="change", measure="mean change", visit="week 4")


def test_the_sample_s_answer_is_that_of_the_page() -> None:
    """The page says 1.8 (1.0 to 2.6) adjusted and 3.0 not."""
    results = kat.run(kat.AnalysisPlan.default(), kat.read_registry(ROOT / "data" / "sample"))
    adjusted, unadjusted = results.of("cohort_difference", "PHQ-9").select(measure="difference in means")
    assert [round(value, 1) for value in (adjusted.estimate, adjusted.conf_low, adjusted.conf_high)] == [
        -1.8,
        -2.6,
        -1.0,
    ]
    assert round(unadjusted.estimate, 1) == -3.0
