"""New keys for old: with a salt that is never kept, or by running numbers. All data are synthetic."""

from __future__ import annotations

import hashlib
import hmac
import logging
import pickle
from pathlib import Path

import pandas as pd
import pytest

from katoutcomes.cli.main import main
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DataError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.privacy import rekeying
from katoutcomes.registry.privacy.rekeying import KEY_DIGITS, make_salt, rekey, salted_key
from katoutcomes.registry.readers.sources import find_sources
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry
from katoutcomes.workflows.outcome_report import outcome_report

SALT = "a salt of the clinic, known to nobody"
TABLES = {
    "patients": pd.DataFrame({"patient_id": ["OLD-B", "OLD-A"], "age_years": [40, 50]}),
    "sessions": pd.DataFrame(
        {"session_id": ["OLD-S1", "OLD-S2"], "patient_id": ["OLD-A", "OLD-B"], "day": [0, 0], "kind": "dosing"}
    ),
    "scores": pd.DataFrame(
        {
            "score_id": ["OLD-Q1", "OLD-Q2", "OLD-Q3"],
            "patient_id": ["OLD-A", "OLD-B", "OLD-X"],
            "day": [-1, -1, 0],
            "instrument": ["PHQ-9", "CADSS", "PHQ-9"],
            "session_id": ["", "OLD-S2", ""],
            "total": [12, 14, 9],
        }
    ),
    "adverse_events": pd.DataFrame(
        {
            "event_id": ["OLD-E1"],
            "patient_id": ["OLD-A"],
            "session_id": ["OLD-S1"],
            "day": [1],
            "term": ["nausea"],
            "severity": ["mild"],
            "serious": [0],
        }
    ),
}


def frames(registry: Registry) -> str:
    return "\n".join(registry.table(name).to_csv() for name in TABLES)


def test_the_key_is_that_of_hmac_sha256() -> None:
    salt = make_salt(SALT)
    assert salt is not None
    expected = hmac.new(SALT.encode(), b"patient_id\nOLD-A", hashlib.sha256).hexdigest()[:16]
    assert salted_key(salt, "patient_id", "OLD-A") == expected
    assert len(expected) == KEY_DIGITS
    assert salted_key(salt, "session_id", "OLD-A") != expected  # the same text as another key says nothing


def test_the_same_salt_gives_the_same_keys_in_every_table() -> None:
    one, two = (read_registry(TABLES, rekey_salt=SALT) for _ in range(2))
    salt = make_salt(SALT)
    assert salt is not None
    keys = sorted(salted_key(salt, "patient_id", key) for key in ("OLD-A", "OLD-B"))
    assert one.table("patients")["patient_id"].tolist() == keys
    assert one.digest == two.digest
    assert "OLD" not in frames(one)
    assert set(one.table("scores")["patient_id"]) == set(keys)
    assert one.table("adverse_events")["session_id"].tolist() == [salted_key(salt, "session_id", "OLD-S1")]
    assert one.table("scores")["session_id"].dropna().tolist() == [salted_key(salt, "session_id", "OLD-S2")]
    assert read_registry(TABLES, rekey_salt=SALT + "!").digest != one.digest
    assert read_registry(TABLES, rekey_salt=SALT.encode()).digest == one.digest


def test_new_keys_change_no_problem_and_no_number() -> None:
    plain, salted = read_registry(TABLES), read_registry(TABLES, rekey_salt=SALT)
    assert [(p.rule, p.row_numbers) for p in plain.load_report.problems] == [("link", (3,))]
    assert plain.load_report.problems == salted.load_report.problems
    assert plain.load_report.files == salted.load_report.files
    assert sorted(plain.table("scores")["total"]) == sorted(salted.table("scores")["total"])


def test_running_numbers_follow_the_order_of_the_old_keys() -> None:
    with Engine() as engine:
        sources, _, _ = find_sources(TABLES, engine)
        for source in sources:
            source.stage(engine)
        assert rekey(engine, sources, None) == ()
        assert rekey(engine, sources, None, is_required=True) == (("keys", "running numbers"),)
        rows = engine.fetch("select patient_id from text_patients order by input_row")["patient_id"].tolist()
        assert rows == ["P000002", "P000001"]
        scores = engine.fetch("select patient_id, session_id from text_scores order by input_row")
        assert scores["patient_id"].tolist() == ["P000001", "P000002", "P000003"]
        assert scores["session_id"].tolist() == [None, "S000002", None]


@pytest.mark.parametrize("salt", ["", "fifteen letters", b"fifteen letters", 7, ["x" * 16]])
def test_a_salt_that_can_be_guessed_is_refused_and_not_repeated(salt: object) -> None:
    with pytest.raises(OptionError, match="rekey_salt") as caught:
        make_salt(salt)  # type: ignore[arg-type]
    assert "fifteen" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_salt_shows_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    registry = read_registry(TABLES, rekey_salt=SALT)
    cohort = select_cohort(registry, CohortDefinition(instrument="PHQ-9"))
    texts = [repr(make_salt(SALT)), repr(registry), repr(registry.settings), repr(registry.load_report)]
    texts += [registry.load_report.to_text(), registry.load_report.to_html(), repr(cohort.settings()), caplog.text]
    texts += [str(registry.engine.fetch("select table_name from information_schema.tables order by 1"))]
    assert not [text for text in texts if SALT in text or "OLD-" in text]
    assert ("keys", "HMAC-SHA256 with a salt that is not kept") in cohort.settings()
    assert SALT.encode() not in pickle.dumps(registry.load_report)


def test_two_keys_that_become_one_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "salted_key", lambda salt, column, key: "same")
    with pytest.raises(DataError, match="rule rekeying") as caught:
        read_registry(TABLES, rekey_salt=SALT)
    assert "OLD" not in str(caught.value)


def write(folder: Path) -> str:
    for name, frame in TABLES.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return str(folder)


def test_the_command_takes_the_salt_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, secret = tmp_path / "data", tmp_path / "salt.txt"
    data.mkdir()
    secret.write_text(SALT + "\n", encoding="utf-8")
    assert main(["check", write(data), "--salt-file", str(secret), "--json", str(tmp_path / "r.json")]) == 2
    captured = capsys.readouterr()
    assert SALT not in captured.out + captured.err + (tmp_path / "r.json").read_text(encoding="utf-8")
    secret.write_text("short", encoding="utf-8")
    assert main(["check", str(data), "--salt-file", str(secret)]) == 1
    assert "short" not in capsys.readouterr().err.replace("shortest", "")
    assert main(["check", str(data), "--salt-file", str(tmp_path / "nowhere")]) == 1


def test_a_registry_that_was_read_takes_no_choice_of_reading(tmp_path: Path) -> None:
    registry = read_registry(TABLES)
    for choice in ({"rekey_salt": SALT}, {"allow": ["value_phone"]}, {"mapping": "mapping.toml"}):
        with pytest.raises(OptionError, match="read already") as caught:
            outcome_report(registry, tmp_path, **choice)  # type: ignore[arg-type]
        assert SALT not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
