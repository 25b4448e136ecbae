"""Items that are kept as digits: every answer comes back, and the digest knows only what was accepted."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.registry.checking.packed_items import PackedItems, packed_items
from katoutcomes.registry.engines.engine import Engine

PATIENTS = pd.DataFrame({"patient_id": ["P1", "P2"]})
SESSIONS = pd.DataFrame({"session_id": ["S1", "S2"], "patient_id": ["P1", "P2"], "day": [0, 0], "kind": ["dosing"] * 2})


@pytest.mark.parametrize(("lowest", "highest"), [(0, 3), (1, 5), (-2, 2), (0, 100), (5, 5)])
def test_every_answer_comes_back(lowest: int, highest: int) -> None:
    n_items = 40
    packed = PackedItems(lowest, highest, n_items)
    rng = np.random.default_rng(1)
    answers = rng.integers(lowest - 1, highest + 1, (50, n_items), endpoint=True)  # one below and above are not legal
    columns = {f"item_{number}": answers[:, number - 1].astype(np.int16) for number in range(1, n_items + 1)}
    with Engine() as engine:
        engine.materialize_arrays("given", columns)
        values = {number: f"item_{number}" for number in range(1, n_items + 1)}
        words = ", ".join(f"{packed.word(word, values)} as {word}" for word in packed.words)
        engine.materialize("packed", f"select {words} from given")  # noqa: S608
        asked = ", ".join(f"max({word}) as {word}" for word in packed.words)
        largest = engine.fetch(f"select {asked} from packed")  # noqa: S608
        assert all(int(largest[word][0]) <= packed.largest(word) < 2**62 for word in packed.words)
        cells = ", ".join(f"{packed.item(number, 'smallint')} as item_{number}" for number in range(1, n_items + 1))
        found = engine.fetch(f"select {cells} from packed")  # noqa: S608
    for name, given in columns.items():
        is_legal = (given >= lowest) & (given <= highest)
        np.testing.assert_array_equal(~np.ma.getmaskarray(found[name]), is_legal)
        np.testing.assert_array_equal(np.ma.getdata(found[name])[is_legal], given[is_legal])


def test_every_scale_of_the_catalog_is_packed_without_loss_of_an_answer() -> None:
    for scale in instruments():
        packed = packed_items([scale])
        answers = itertools.chain.from_iterable(scale.legal_answers(n) for n in range(1, scale.n_items + 1))
        assert all(packed.lowest <= answer <= packed.highest for answer in answers), scale.id
        assert packed.n_digits * len(packed.words) >= scale.n_items


def test_an_item_beyond_the_scales_is_unknown() -> None:
    packed = packed_items([instrument("GAD-7")])
    assert packed.item(8, "tinyint") == "cast(null as tinyint)"


def _digest(scores: pd.DataFrame) -> tuple[str, int]:
    registry = kat.read_registry({"patients": PATIENTS, "sessions": SESSIONS, "scores": scores}, is_synthetic=True)
    with registry.engine:
        return registry.digest, registry.load_report.files[2].rows_accepted


def _gad7(**further: object) -> pd.DataFrame:
    items = {f"item_{number}": [number % 4, 3 - number % 4] for number in range(1, 8)}
    rows = {"score_id": ["Q1", "Q2"], "patient_id": ["P1", "P2"], "day": [0, 0], "instrument": ["GAD-7"] * 2}
    return pd.DataFrame({**rows, **items, **further})


def test_a_rejected_row_of_another_scale_does_not_change_the_digest() -> None:
    plain = _gad7()
    # Answers of the K10 reach from 1 to 5, so the words are laid out in another way; two of its ten items are no
    # complete questionnaire.
    other = pd.DataFrame(
        {"score_id": ["Q9"], "patient_id": ["P1"], "day": [3], "instrument": ["K10"], "item_1": [5], "item_2": [5]}
    )
    assert _digest(plain) == _digest(pd.concat([plain, other], ignore_index=True)) == (_digest(plain)[0], 2)


def test_empty_item_columns_types_and_text_do_not_change_the_digest() -> None:
    digest = _digest(_gad7())
    empty = {f"item_{number}": pd.array([None, None], dtype="Int8") for number in (8, 9, 40)}
    assert _digest(_gad7(**empty)) == digest
    assert _digest(_gad7().astype({f"item_{number}": "int64" for number in range(1, 8)})) == digest
    assert _digest(_gad7().astype({f"item_{number}": "float64" for number in range(1, 8)})) == digest
    assert _digest(_gad7().astype({f"item_{number}": str for number in range(1, 8)})) == digest


@pytest.mark.parametrize("number", range(1, 8))
def test_every_item_changes_the_digest(number: int) -> None:
    changed = _gad7()
    item = f"item_{number}"
    changed.loc[0, item] += 1 if changed.loc[0, item] < 3 else -1
    digest, n_accepted = _digest(changed)
    assert (digest != _digest(_gad7())[0], n_accepted) == (True, 2)


def test_answers_given_by_total_alone_or_not_at_all_are_unknown() -> None:
    scores = _gad7(total=[7, 7])
    scores["item_1"] = scores["item_1"].astype("Int8")
    for number in range(1, 8):
        scores[f"item_{number}"] = scores[f"item_{number}"].astype("Int8")
        scores.loc[0, f"item_{number}"] = None
    scores.loc[1, "total"] = sum(scores.loc[1, f"item_{number}"] for number in range(1, 8))
    registry = kat.read_registry({"patients": PATIENTS, "sessions": SESSIONS, "scores": scores}, is_synthetic=True)
    with registry.engine:
        table = registry.table("scores")
    assert table["total"].tolist() == [7.0, scores.loc[1, "total"]]
    assert table.loc[0, [f"item_{number}" for number in range(1, 8)]].isna().all()
    assert table.loc[1, "item_3"] == scores.loc[1, "item_3"]
