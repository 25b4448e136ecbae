"""Keys that are kept as numbers: the same rows, reports and digest as when they are kept as the texts they are."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import katoutcomes as kat
from katoutcomes.registry import row_sums
from katoutcomes.registry.checking import repeated_rows
from katoutcomes.registry.checking.repeated_rows import materialize_repeated_numbers
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.numbered_keys import NumberedKeys, form_of, noted_form
from katoutcomes.registry.identifiers import plain
from katoutcomes.registry.identifiers.patterns import compiled_anything
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.row_sums import Digit, sums_of_rows, word_query
from katoutcomes.registry.synthetic.clinic import simulate_tables

TABLES = ("patients", "sessions", "scores", "adverse_events", "uncertain_index_days")


def messy_clinic() -> dict[str, pd.DataFrame]:
    """Return tables with repeated keys, unknown and rejected patients, empty keys and two scores of one day."""
    tables = simulate_tables(20261122, n_patients=40)
    scores, sessions, events = (tables[name] for name in ("scores", "sessions", "adverse_events"))
    scores.loc[5, "score_id"] = str(scores["score_id"].iloc[9])
    sessions.loc[[3, 40], "session_id"] = str(sessions["session_id"].iloc[7])
    scores.loc[[11, 12], "patient_id"] = ["P9998", None]
    sessions.loc[21, "patient_id"] = "P9999"
    tables["patients"].loc[4, "age_years"] = 7
    scores.loc[30, ["patient_id", "date", "instrument"]] = scores.loc[31, ["patient_id", "date", "instrument"]]
    scores["session_id"] = None
    scores.loc[50, ["session_id", "patient_id"]] = sessions.loc[60, ["session_id", "patient_id"]]
    events.loc[2, "patient_id"] = "another"
    return tables


def loaded(tables: dict[str, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, least_rows: int) -> Registry:
    """Read tables as if files with so many rows were large."""
    monkeypatch.setattr(plain, "_MANY_ROWS", least_rows)
    return kat.read_registry(tables, is_synthetic=True)


def content(registry: Registry) -> dict[str, pd.DataFrame]:
    """Return all that is kept, and in which order patients, sessions and scores are numbered."""
    found = {}
    for name in TABLES:
        columns = registry.engine.fetch(f"select * from {name} order by all")  # noqa: S608
        found[name] = pd.DataFrame({label: pd.Series(list(values)) for label, values in columns.items()})
    return found


def test_numbered_keys_are_read_linked_and_kept_as_texts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = messy_clinic()
    as_numbers, as_texts = (loaded(tables, monkeypatch, least) for least in (1, 10**9))
    forms = [noted_form(as_numbers.engine, name) for name in ("sessions", "scores", "adverse_events")]  # type: ignore[arg-type]
    assert forms == [NumberedKeys("S", 5), NumberedKeys("Q", 5), NumberedKeys("E", 4)]
    assert noted_form(as_texts.engine, "scores") is None  # type: ignore[arg-type]
    assert as_numbers.load_report == as_texts.load_report
    broken = {(problem.table, problem.rule) for problem in as_numbers.load_report.problems}
    assert broken >= {
        *(("scores", rule) for rule in ("unique", "link", "unlinked", "required", "one_score_a_day")),
        *(("sessions", rule) for rule in ("unique", "link", "unlinked")),
        ("adverse_events", "link"),
    }
    expected = content(as_texts)
    for name, frame in content(as_numbers).items():
        pd.testing.assert_frame_equal(frame, expected[name])
    assert as_numbers.digest == as_texts.digest


@pytest.mark.parametrize(("table", "key"), [("patients", "patient_id"), ("scores", "score_id")])
def test_a_key_of_another_form_among_rejected_rows_changes_no_digest(
    table: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = simulate_tables(20261123, n_patients=40)
    expected = loaded(tables, monkeypatch, 1)
    further = tables[table].iloc[[0]].assign(**{key: "another_form"})
    further[{"patients": "sex", "scores": "instrument"}[table]] = "nothing known"
    tables[table] = pd.concat([tables[table], further], ignore_index=True)
    found = loaded(tables, monkeypatch, 1)
    assert found.digest == expected.digest
    assert noted_form(found.engine, "scores") == (NumberedKeys("Q", 5) if table == "patients" else None)  # type: ignore[arg-type]


def test_a_digest_knows_the_letter_and_the_length_of_numbered_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for letter in ("Q", "R", "Q0"):
        tables = simulate_tables(20261124, n_patients=30)
        tables["scores"]["score_id"] = letter + tables["scores"]["score_id"].str[1:]
        digests.add(loaded(tables, monkeypatch, 1).digest)
    assert len(digests) == 3


def test_a_column_with_an_empty_key_is_numbered_and_one_with_another_beginning_is_not() -> None:
    with Engine() as engine:
        engine.materialize("t", "select * from (values ('Q01', 'A1'), ('Q07', 'B2'), (null, 'A3')) as v(a, b)")
        columns = {"score_id": ("a", "VARCHAR"), "patient_id": ("b", "VARCHAR")}
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(plain, "_MANY_ROWS", 1)
            assert plain.note_plain_columns(engine, "scores", columns, "t") == {"score_id", "patient_id"}
        known = plain.plain_columns(engine, "scores")
    assert known.numbered == {"score_id": NumberedKeys("Q", 2)}
    assert known.full == {"patient_id"}


KEYS = st.text(alphabet="QP_019", max_size=6)


@given(one=KEYS, other=KEYS)
def test_a_text_is_unlike_a_form_if_its_length_or_its_digits_are(one: str, other: str) -> None:
    form = form_of(one)
    if form is None:
        assert not one[-1:].isdigit()
        return
    assert one == form.beginning + one[-form.n_digits :]
    assert one[-form.n_digits :].isdigit()
    is_like = len(other) == len(one) and re.fullmatch("[0-9]+", other[len(form.beginning) :]) is not None
    assert (re.search(form.unlike, other) is None) == is_like


@given(digits=st.text(alphabet="0123456789", min_size=1, max_size=9))
def test_no_rule_looks_for_one_sign_and_at_most_nine_digits(digits: str) -> None:
    assert not any(compiled_anything().search(sign + digits) for sign in ("", *SIGNS))


SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
TEXTS = st.lists(st.one_of(KEYS, st.text(max_size=5), st.from_regex("[Qé_ -]?[0-9]{2,3}\n?", fullmatch=True)))


@settings(max_examples=30)  # each takes a new engine
@given(key=st.one_of(KEYS, st.sampled_from(["AB12", "Q_1", "MRN123"])), texts=TEXTS)
def test_a_form_is_asked_by_itself_for_the_same_keys_as_with_every_rule(key: str, texts: list[str]) -> None:
    form = form_of(key)
    if form is None:
        return
    cells = np.array([None, key, *texts], dtype=object)
    with Engine(threads=1) as engine:
        engine.materialize_arrays("t", {"cell": cells, "place": np.arange(len(cells))})
        every_rule = f"regexp_matches(cell, {plain._quoted(f'{form.unlike}|{plain._PATTERN}')})"
        asked = f"{plain._is_odd('cell', form)} as a, {every_rule} as b"
        found = engine.fetch(f"select {asked} from t order by place")  # noqa: S608
    assert found["a"].tolist() == found["b"].tolist()


@given(numbers=st.lists(st.one_of(st.integers(0, 12), st.integers(10**8, 10**8 + 3)), max_size=12))
def test_every_repeated_number_is_found(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=np.int32)
    expected = [numbers.count(number) > 1 for number in numbers]
    assert repeated_rows._stand_twice(values).tolist() == expected


def test_repeated_numbers_are_found_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_rows, "_HASHES_AT_ONCE", 7)
    monkeypatch.setattr(repeated_rows, "_BLOCK", 3)
    numbers = [*range(40), 3, 8, 8, 39]
    with Engine() as engine:
        rows = {"input_row": np.arange(1, len(numbers) + 1), "number": np.array(numbers)}
        engine.materialize_arrays("given", rows)
        materialize_repeated_numbers(engine, "repeated", "given", "input_row", "number")
        found = engine.fetch("select input_row from repeated order by input_row")["input_row"].tolist()
    assert found == [row for row, number in enumerate(numbers, start=1) if numbers.count(number) > 1]


def _sum_one_by_one(rows: list[tuple[int, ...]]) -> int:
    """Work the sums out with whole numbers of Python."""
    totals = []
    for seed in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03):
        total = 0
        for row in rows:
            mixed = seed
            for word in row:
                mixed = (mixed + word + seed) % 2**64
                mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
                mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
                mixed ^= mixed >> 31
            total = (total + mixed) % 2**64
        totals.append(total)
    return totals[0] * 2**64 + totals[1]


def test_sums_of_rows_are_those_of_one_row_after_the_other_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    rows = rng.integers(0, 2**62, (60, 2))
    expected = _sum_one_by_one([tuple(map(int, row)) for row in rows])
    for rows_at_once, block in ((8_000_000, 32_768), (7, 3)):
        monkeypatch.setattr(row_sums, "_ROWS_AT_ONCE", rows_at_once)
        monkeypatch.setattr(row_sums, "_BLOCK", block)
        order = rng.permutation(60)
        with Engine() as engine:
            engine.materialize_arrays("t", {"a": rows[order, 0], "b": rows[order, 1], "code": np.arange(60) * 2})
            a, b = (Digit(name, name, 1, 2**62, is_known=True) for name in "ab")
            assert sums_of_rows(engine, "t", "code", [[a], [b]]) == expected
            assert sums_of_rows(engine, "t", "code", [[b], [a]]) != expected
            engine.delete("t", "code = 0")
            assert sums_of_rows(engine, "t", "code", [[a], [b]]) != expected


def test_a_row_is_the_numbers_that_the_engine_makes_of_its_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_sums, "_BLOCK", 7)
    columns = "cast(nullif(i % 7, 3) as utinyint) as a, -(i * i) as b, cast(nullif(i % 5, 0) * 50 as double) as c"
    digits = [Digit("a", "a", 0, 6), Digit("b", "b", -841, 0, is_known=True), Digit("c", "c", 50, 200)]
    with Engine() as engine:
        engine.materialize("t", f"select cast(i as int) as code, {columns} from range(30) as r(i)")  # noqa: S608
        asked = ", ".join(f"{word_query(word)} as w{place}" for place, word in enumerate((digits[:2], digits[2:])))
        found = engine.fetch(f"select {asked} from t order by code")  # noqa: S608
        rows: list[tuple[int, ...]] = [
            (int(one), int(other)) for one, other in zip(found["w0"], found["w1"], strict=True)
        ]
        assert sums_of_rows(engine, "t", "code", [digits[:2], digits[2:]]) == _sum_one_by_one(rows)
    assert rows[3] == (833, 101)
    assert rows[5] == (6 * 843 + 817, 0)
