"""Items become totals in SQL exactly as in `score_items`: every scale, every prorating rule, every legal blank."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from katoutcomes.cli.main import main
from katoutcomes.cohorts.item_answers import item_answers
from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.catalog import instrument, instruments
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.scoring import check_totals, score_items
from katoutcomes.registry.load_reports.load_report import QualityWarning
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

NAN = math.nan
ADDED = tuple(scale for scale in instruments() if scale.scoring.kind != "none" and scale.n_items)
PRORATED = tuple((scale, rule.name) for scale in instruments() for rule in scale.prorating)
N_ROWS = 60


def answers(scale: Instrument, seed: int, most_blank: int) -> NDArray[np.float64]:
    """Return random questionnaires: legal answers, often 0, and up to so many blanks; no row is empty."""
    random = np.random.default_rng(seed)
    rows = np.empty((N_ROWS, scale.n_items))
    for number in range(1, scale.n_items + 1):
        legal = scale.legal_answers(number)
        rows[:, number - 1] = np.where(random.random(N_ROWS) < 0.5, legal[0], random.choice(legal, N_ROWS))
    for row in rows:
        blank = random.permutation(scale.n_items)[: random.integers(0, most_blank + 1)]
        row[blank[: scale.n_items - 1]] = NAN
    return rows


def registry_of(
    scale: Instrument,
    items: NDArray[np.float64],
    *,
    totals: list[float] | None = None,
    prorating: Mapping[str, str] | None = None,
    version: str | None = None,
) -> Registry:
    """Return a registry of one patient with a questionnaire a day."""
    days = list(range(len(items)))
    scores = pd.DataFrame(items, columns=[f"item_{number}" for number in range(1, scale.n_items + 1)])
    scores = scores.dropna(axis=1, how="all")  # a column that no row fills may be missing altogether
    scores.insert(0, "score_id", [f"Q{day:03d}" for day in days])
    scores.insert(1, "patient_id", "P1")
    scores.insert(2, "day", days)
    scores.insert(3, "instrument", scale.id)
    if totals is not None:
        scores.insert(4, "total", totals)
    if version is not None:
        scores.insert(4, "version", version)
    sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
    if scale.use == "session_state":
        sessions = pd.DataFrame(
            {"session_id": [f"S{d}" for d in days], "patient_id": "P1", "day": days, "kind": "dosing"}
        )
        scores.insert(4, "session_id", sessions["session_id"])
    tables = {"patients": pd.DataFrame({"patient_id": ["P1"]}), "sessions": sessions, "scores": scores}
    return read_registry(tables, is_synthetic=True, prorating=prorating)


def loaded_totals(registry: Registry, n_rows: int) -> NDArray[np.float64]:
    """Return the total of each questionnaire, NaN where it was rejected."""
    accepted = registry.table("scores").set_index("score_id")["total"]
    return np.array([accepted.get(f"Q{day:03d}", NAN) for day in range(n_rows)], dtype=np.float64)


def problems(registry: Registry) -> dict[str, int]:
    return {problem.rule: problem.n_rows for problem in registry.load_report.problems}


def warned(registry: Registry, rule: str) -> list[QualityWarning]:
    return [
        found for found in registry.load_report.warnings if found.rule == rule and isinstance(found, QualityWarning)
    ]


@pytest.mark.parametrize("scale", ADDED, ids=lambda scale: scale.id)
def test_loaded_totals_are_those_of_score_items(scale: Instrument) -> None:
    items = answers(scale, seed=scale.n_items, most_blank=4)
    expected = score_items(scale, items)
    registry = registry_of(scale, items)
    np.testing.assert_array_equal(loaded_totals(registry, N_ROWS), expected.totals)
    assert problems(registry) == ({"items_complete": expected.n_incomplete} if expected.n_incomplete else {})
    registry.close()


@pytest.mark.parametrize(("scale", "rule"), PRORATED, ids=lambda value: getattr(value, "id", value))
def test_prorated_totals_are_those_of_score_items_and_are_counted(scale: Instrument, rule: str) -> None:
    items = answers(scale, seed=7, most_blank=scale.prorating_rule(rule).most_missing + 1)
    expected = score_items(scale, items, prorating=rule)
    assert 0 < expected.n_prorated < expected.n_incomplete
    registry = registry_of(scale, items, prorating={scale.name: rule})
    np.testing.assert_array_equal(loaded_totals(registry, N_ROWS), expected.totals)
    assert problems(registry) == {"items_complete": expected.n_incomplete - expected.n_prorated}
    (warning,) = warned(registry, "prorated")
    assert warning.n_rows == expected.n_prorated
    assert list(warning.row_numbers) == (np.flatnonzero(expected.is_prorated)[:20] + 1).tolist()
    assert scale.name in warning.text
    assert rule in warning.text
    without = sum(found.n_rows for found in warned(registry, "prorated_without_safety_item"))
    assert without == expected.n_prorated_without_safety_item
    assert ("prorating", f"{scale.id} by {rule}") in registry.settings
    registry.close()


def test_without_being_asked_for_nothing_is_prorated_and_the_rule_is_named() -> None:
    k10 = instrument("K10")
    items = np.full((2, 10), 2.0)
    items[1, 3] = NAN
    registry = registry_of(k10, items)
    assert problems(registry) == {"items_complete": 1}
    assert "ask for the rule alswh" in registry.load_report.to_text()
    assert not warned(registry, "prorated")
    assert all(name != "prorating" for name, _ in registry.settings)


def test_a_rule_of_one_scale_leaves_the_others_alone() -> None:
    phq9 = instrument("PHQ-9")
    items = np.ones((2, 9))
    items[1, 3] = NAN
    registry = registry_of(phq9, items, prorating={"K10": "alswh"})
    assert problems(registry) == {"items_complete": 1}
    assert any("alswh" in note and note.endswith(": 0.") for note in registry.load_report.notes)


def test_the_core_10_counts_who_did_not_answer_the_safety_item() -> None:
    core10 = instrument("CORE-10")
    items = np.zeros((3, 10))
    items[:, :5] = 2  # items 2 and 3 are reversed: 2 + 2 + 2 + 2 + 2
    items[1, 5] = NAN  # the safety item: 10 x 10 / 9
    items[2, 9] = NAN
    registry = registry_of(core10, items, prorating={"CORE-10": "core_system_trust"})
    np.testing.assert_allclose(loaded_totals(registry, 3), [10, 100 / 9, 100 / 9])
    assert [found.n_rows for found in warned(registry, "prorated")] == [2]
    (missing,) = warned(registry, "prorated_without_safety_item")
    assert (missing.n_rows, missing.row_numbers) == (1, (2,))
    assert "2" in next(note for note in registry.load_report.notes if "core_system_trust" in note)


def test_a_given_total_must_be_that_of_the_rule() -> None:
    core10 = instrument("CORE-10")
    items = np.full((4, 10), 1.0)
    items[:, 1:3] = 3  # reversed, so that each item adds 1
    items[:3, 9] = NAN
    totals = [10.0, 9.0, NAN, 10.0]  # 9 x 10 / 9 = 10; 9 is the sum of the answered ones
    registry = registry_of(core10, items, totals=totals, prorating={"CORE-10": "core_system_trust"})
    assert problems(registry) == {"total_equals_items": 1}
    assert "is it the sum of those that are there?" in registry.load_report.to_text()
    np.testing.assert_array_equal(loaded_totals(registry, 4), [10, NAN, 10, 10])


def test_a_given_prorated_total_may_have_decimals() -> None:
    core10 = instrument("CORE-10")
    items = np.zeros((3, 10))
    items[:, 1:3] = 4
    items[:, 0] = 1
    items[0, 9] = NAN
    totals = [1.1, 1.1, 1.04]  # 10 / 9 = 1.11; the others are complete, and 1
    registry = registry_of(core10, items, totals=totals, prorating={"CORE-10": "core_system_trust"})
    assert problems(registry) == {"total_step": 2, "total_equals_items": 2}
    np.testing.assert_allclose(loaded_totals(registry, 3), [10 / 9, NAN, NAN])


class TestLegalBlanks:
    def test_of_the_qids_one_of_two_suffices(self) -> None:
        qids = instrument("QIDS-SR16")
        items = np.ones((5, 16))
        items[0, [6, 8]] = NAN  # a lost appetite and a lost weight: 7 and 9 are skipped
        items[1, [5, 7]] = NAN
        items[1, [6, 8]] = [3, 2]
        items[2, [5, 6]] = NAN  # neither of 6 and 7
        items[3, 0] = NAN  # a missing answer like any other
        expected = [9.0, 11.0, NAN, NAN, 9.0]
        np.testing.assert_array_equal(score_items(qids, items).totals, expected)
        registry = registry_of(qids, items)
        np.testing.assert_array_equal(loaded_totals(registry, 5), expected)
        assert problems(registry) == {"items_complete": 2}

    def test_of_the_qids_only_two_columns_may_be_missing(self) -> None:
        qids = instrument("QIDS-SR16")
        items = np.full((2, 16), 2.0)
        items[:, [6, 8]] = NAN
        np.testing.assert_array_equal(loaded_totals(registry_of(qids, items), 2), [18, 18])

    @pytest.mark.parametrize(
        ("given", "total"),
        [
            ({1: 0, 9: 0, 10: 0}, 0),  # never drinks
            ({1: 0, 9: 2, 10: 4}, 6),  # does not drink now, and once did
            ({1: 2, 2: 0, 3: 0, 9: 0, 10: 2}, 4),  # drinks little
            ({1: 0, 2: 3, 9: 0, 10: 0}, 3),  # what is answered counts
            ({1: 0, 9: 0}, NAN),  # everybody is asked the last two
            ({1: 1, 2: 0, 9: 0, 10: 0}, NAN),  # item 3 decides, and is not there
            ({1: 1, 2: 1, 3: 0, 9: 0, 10: 0}, NAN),
            ({2: 0, 3: 0, 4: 0, 9: 0, 10: 0}, NAN),  # item 1 is asked of everybody
            (dict.fromkeys(range(1, 9), 1) | {9: 2, 10: 2}, 12),
        ],
        ids=str,
    )
    def test_the_audit_skips_items(self, given: dict[int, int], total: float) -> None:
        audit = instrument("AUDIT")
        row = np.array([[given.get(number, NAN) for number in range(1, 11)]])
        np.testing.assert_array_equal(score_items(audit, row).totals, [total])
        padded = np.vstack([row, np.zeros((1, 10))])  # all columns are there
        np.testing.assert_array_equal(loaded_totals(registry_of(audit, padded), 2), [total, 0])
        alone = loaded_totals(registry_of(audit, row), 1)  # columns that nobody fills are not
        np.testing.assert_array_equal(alone, [total])

    def test_skipped_items_count_in_the_agreement_of_the_items_as_in_the_total(self) -> None:
        audit = instrument("AUDIT")
        items = np.array([[0, *[NAN] * 7, 2, 0], [1] * 8 + [NAN, 0]])
        scores = pd.DataFrame(items, columns=[f"item_{number}" for number in range(1, 11)])
        keys = {"score_id": ["Q1", "Q2"], "patient_id": ["P1", "P2"], "day": 0, "instrument": "AUDIT"}
        patients = pd.DataFrame({"patient_id": ["P1", "P2"]})
        sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
        registry = read_registry({"patients": patients, "sessions": sessions, "scores": scores.assign(**keys)})
        found = item_answers(registry, audit)
        assert found.answers.tolist() == [[0] * 8 + [2, 0]]

    @pytest.mark.parametrize(("name", "item"), [("PHQ-15", 4), ("WSAS", 1)])
    def test_a_blank_that_depends_on_the_patient_is_still_missing(self, name: str, item: int) -> None:
        scale = instrument(name)
        items = np.ones((1, scale.n_items))
        items[0, item - 1] = NAN
        assert np.isnan(score_items(scale, items).totals).all()
        assert problems(registry_of(scale, items)) == {"items_complete": 1}

    @pytest.mark.parametrize(
        ("name", "item", "version"),
        [("PHQ-15", 4, "fourteen_items_men"), ("WSAS", 1, "four_items_without_work")],
    )
    def test_a_version_that_does_not_ask_an_item_is_the_sum_of_the_others(
        self, name: str, item: int, version: str
    ) -> None:
        scale = instrument(name)
        highest = scale.legal_answers(item)[-1]
        items = np.full((3, scale.n_items), float(highest))
        items[:2, item - 1] = NAN
        items[1, 1] = NAN  # a missing answer like any other
        largest = scale.largest_total(version)
        assert largest == scale.maximum - highest
        np.testing.assert_array_equal(score_items(scale, items[:2], version=version).totals, [largest, NAN])
        assert check_totals(scale, items[:2], [largest - 1, 3], version=version).rows.tolist() == [1]
        with pytest.raises(DataError, match=rf"does not ask item {item}; it is answered in row 3"):
            score_items(scale, items, version=version)
        with pytest.raises(OptionError, match="version of the"):
            score_items(scale, items, version="another")
        registry = registry_of(scale, items, version=version)
        np.testing.assert_array_equal(loaded_totals(registry, 3), [largest, NAN, NAN])
        assert problems(registry) == {"items_complete": 1, "items_beyond": 1}
        (warning,) = warned(registry, "shorter_version")
        assert (warning.n_rows, warning.row_numbers) == (1, (1,))
        assert f"{largest:g} instead of {scale.maximum:g}" in warning.text

    def test_a_given_total_of_a_shorter_version_ends_lower(self) -> None:
        phq15 = instrument("PHQ-15")
        items = np.full((2, 15), NAN)
        registry = registry_of(phq15, items, totals=[28, 29], version="fourteen_items_men")
        assert problems(registry) == {"total_range": 1}
        np.testing.assert_array_equal(loaded_totals(registry, 2), [28, NAN])

    def test_totals_are_compared_in_spite_of_blanks(self) -> None:
        qids = instrument("QIDS-SR16")
        items = np.full((2, 16), 2.0)
        items[:, [6, 8]] = NAN
        found = check_totals(qids, items, [18, 28])
        assert found.rows.tolist() == [2]
        assert found.explanation == "they are the plain sum of all items"
        registry = registry_of(qids, items, totals=[18, 28])
        assert problems(registry) == {"total_range": 1, "total_equals_items": 1}
        assert "all 16 items may have been added" in registry.load_report.to_text()


class TestAskingForRules:
    def test_two_names_of_a_scale_must_agree(self) -> None:
        with pytest.raises(OptionError, match="prorating rule of the K10 must be one of 'alswh'"):
            registry_of(instrument("K10"), np.ones((1, 10)), prorating={"k10": "mean"})
        with pytest.raises(OptionError):
            registry_of(instrument("K10"), np.ones((1, 10)), prorating={"no such scale": "alswh"})

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "patients.csv").write_text("patient_id\nP1\n", encoding="utf-8")
        (tmp_path / "sessions.csv").write_text("session_id,patient_id,day,kind\nS1,P1,0,dosing\n", encoding="utf-8")
        header = ",".join(f"item_{number}" for number in range(1, 11))
        rows = f"Q1,P1,-1,K10,{','.join('2' * 10)}\nQ2,P1,7,K10,,,{','.join('2' * 8)}\n"
        (tmp_path / "scores.csv").write_text(f"score_id,patient_id,day,instrument,{header}\n{rows}", encoding="utf-8")
        return tmp_path

    def test_the_command_takes_rules(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check", str(folder)]) == 2
        capsys.readouterr()
        assert main(["check", str(folder), "--prorating", "K10=alswh"]) == 0
        assert "total prorated by the rule alswh" in capsys.readouterr().out

    @pytest.mark.parametrize("text", ["K10", "K10=", "=alswh", "K10=mean", "BDI=alswh"])
    def test_the_command_refuses_what_is_no_rule(self, folder: Path, text: str) -> None:
        assert main(["check", str(folder), "--prorating", text]) == 1

    def test_the_command_refuses_two_rules_of_a_scale(self, folder: Path) -> None:
        assert main(["check", str(folder), "--prorating", "K10=alswh", "--prorating", "K10=other"]) == 1

    def mapping(self, folder: Path, lines: str) -> Path:
        files = "".join(
            f'\n[[file]]\nname = "{name}.csv"\ntable = "{name}"\n[file.columns]\n' + columns
            for name, columns in {
                "patients": 'patient_id = "patient_id"\n',
                "sessions": "".join(f'{key} = "{key}"\n' for key in ("session_id", "patient_id", "day", "kind")),
                "scores": "".join(f'{key} = "{key}"\n' for key in ("score_id", "patient_id", "day", "instrument"))
                + '"item_{item}" = "item_{item}"\n',
            }.items()
        )
        path = folder / "mapping.toml"
        path.write_text(f'schema_version = "1.0"\nformat = "tables"\n{lines}\n{files}', encoding="utf-8")
        return path

    def test_the_mapping_file_takes_rules(self, folder: Path) -> None:
        self.mapping(folder, '[prorating]\nK10 = "alswh"')
        registry = read_registry(folder)
        assert registry.table("scores")["total"].tolist() == [20, 20]
        assert [found.row_numbers for found in warned(registry, "prorated")] == [(2,)]
        assert ("prorating", "k10 by alswh") in registry.settings

    def test_the_mapping_file_refuses_what_is_no_rule(self, folder: Path) -> None:
        self.mapping(folder, '[prorating]\nK10 = "mean"\nBDI = "alswh"')
        with pytest.raises(DataError, match="prorating, K10: prorating rule of the K10") as caught:
            read_registry(folder)
        assert "prorating, BDI" in str(caught.value)
