"""Internal consistency of a registry's own items: which questionnaires, which keys, what is said beside the numbers.

All answers here are made by a program with a fixed seed.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.internal_consistency import internal_consistency
from katoutcomes.cohorts.item_answers import item_answers
from katoutcomes.errors import DesignError, NumericalError, OptionError
from katoutcomes.kernels.reliability.internal_consistency import coefficient_alpha, coefficient_omega

PHQ9 = kat.instrument("PHQ-9")


def made_up_answers(n_rows, n_items, highest=3, seed=20260930):
    """Answers of one factor, 0 to `highest`."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n_rows, 1))
    loadings = np.linspace(0.8, 0.5, n_items)
    raw = common * loadings + rng.normal(size=(n_rows, n_items)) * np.sqrt(1 - loadings**2)
    return np.clip(np.round(highest / 2 + raw), 0, highest)


def registry_of(*blocks, doses=None):
    """Return a registry from blocks (instrument, patients, day, items or None, total or None)."""
    frames = []
    for instrument, patients, day, items, total in blocks:
        block = pd.DataFrame({"patient_id": patients, "day": day, "instrument": instrument, "total": total})
        if items is not None:
            for number, column in enumerate(np.asarray(items, dtype=float).T, start=1):
                block[f"item_{number}"] = column
        frames.append(block)
    scores = pd.concat(frames, ignore_index=True)
    scores.insert(0, "score_id", [f"s{number:05d}" for number in range(len(scores))])
    people = sorted(set(scores["patient_id"]))
    dosed = people if doses is None else doses
    sessions = pd.DataFrame({"session_id": [f"d-{one}" for one in dosed], "patient_id": dosed, "day": 0})
    sessions["kind"] = "dosing"
    tables = {"patients": pd.DataFrame({"patient_id": people}), "sessions": sessions, "scores": scores}
    return kat.read_registry(tables, is_synthetic=True)


def people(n_patients):
    return [f"P{number:04d}" for number in range(n_patients)]


def phq9(n_patients, day=-3, seed=20260930):
    return ("PHQ-9", people(n_patients), day, made_up_answers(n_patients, 9, seed=seed), None)


def one(result, **fields):
    (found,) = result.select(**fields)
    return found


def assert_is_of(result, answers):
    """The coefficients are those of these answers."""
    ordered = answers[np.lexsort(answers.T[::-1])]
    alpha, omega = coefficient_alpha(ordered), coefficient_omega(ordered)
    found = one(result, term="alpha")
    assert (found.estimate, found.conf_low, found.conf_high) == (alpha.estimate, alpha.conf_low, alpha.conf_high)
    assert found.n_patients == len(answers)
    found = one(result, term="omega")
    assert (found.estimate, found.std_error) == (omega.estimate, omega.std_error)
    assert (found.conf_low, found.conf_high) == (omega.conf_low, omega.conf_high)
    assert one(result, term="standardized alpha").estimate == alpha.standardized


@pytest.fixture(scope="module")
def registry():
    return registry_of(phq9(120))


@pytest.fixture(scope="module")
def result(registry):
    return internal_consistency(registry, "PHQ-9")


# --- the numbers -----------------------------------------------------------------------------------------------------


def test_coefficients_are_those_of_the_kernels(result):
    assert_is_of(result, made_up_answers(120, 9))
    assert result.verdict == "report"


def test_every_item_has_its_three_numbers(result):
    answers = made_up_answers(120, 9)
    alpha, omega = coefficient_alpha(answers), coefficient_omega(answers)
    for number in range(1, 10):
        without = one(result, term=f"alpha without item {number}", measure="coefficient alpha")
        with_others = one(result, term=f"item {number} with the others", measure="item-rest correlation")
        loading = one(result, term=f"item {number}", measure="standardized loading")
        assert without.estimate == pytest.approx(alpha.if_dropped[number - 1], rel=1e-12)
        assert with_others.estimate == pytest.approx(alpha.item_rest_correlation[number - 1], rel=1e-12)
        assert loading.estimate == pytest.approx(omega.model.standardized_loadings[number - 1], rel=1e-6)
        assert {without.n_patients, with_others.n_patients, loading.n_patients} == {120}


def test_published_coefficients_stand_beside_them_with_their_sources(result):
    published = result.select(measure="published reliability")
    assert [(known.term, known.estimate, known.n_patients) for known in published] == [
        ("published, internal consistency", 0.89, None),
        ("published, retest", 0.737, None),
    ]
    assert [known.definition_set for known in published] == [known.source for known in PHQ9.reliabilities]


def test_no_two_published_coefficients_of_the_catalog_look_the_same():
    for scale in kat.instruments():
        names = [(known.kind, known.source) for known in scale.reliabilities]
        assert len(set(names)) == len(names), scale.id


def test_level_of_the_intervals(registry):
    narrow = internal_consistency(registry, "PHQ-9", conf_level=0.5)
    for term in ("alpha", "omega"):
        wide, found = one(internal_consistency(registry, "PHQ-9"), term=term), one(narrow, term=term)
        assert wide.conf_low < found.conf_low < found.estimate < found.conf_high < wide.conf_high
        assert found.conf_level == 0.5
    assert "50% limits" in narrow.method.description


def test_keys_and_order_of_the_rows_change_nothing(registry, result):
    scores = registry.table("scores").sample(frac=1.0, random_state=3)
    renamed = {name: f"other-{name[::-1]}" for name in people(120)}
    tables = {name: registry.table(name).dropna(axis=1, how="all") for name in ("patients", "sessions")}
    tables["scores"] = scores.dropna(axis=1, how="all")
    for table in tables.values():
        table["patient_id"] = table["patient_id"].map(renamed)
    tables["patients"] = tables["patients"][["patient_id"]]
    again = internal_consistency(kat.read_registry(tables, is_synthetic=True), "PHQ-9")
    assert again.estimates == result.estimates
    assert again.checks == result.checks


# --- which questionnaires --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thrice():
    """Each patient three times: on day -3, on day 0 and on day 30."""
    return registry_of(phq9(60, -3, seed=1), phq9(60, 0, seed=2), phq9(60, 30, seed=3))


@pytest.mark.parametrize(
    ("choices", "seed"),
    [
        ({}, 1),
        ({"which": "first"}, 1),
        ({"which": "last"}, 3),
        ({"which": "baseline"}, 2),
        ({"which": "first", "day_window": (-1, 40)}, 2),
        ({"which": "last", "day_window": (-30, -1)}, 1),
        ({"which": "baseline", "day_window": (-30, -2)}, 1),
        ({"day_window": (30, 30)}, 3),
    ],
)
def test_one_questionnaire_a_patient(thrice, choices, seed):
    assert_is_of(internal_consistency(thrice, "PHQ-9", **choices), made_up_answers(60, 9, seed=seed))


def test_a_questionnaire_after_the_first_dose_of_that_day_is_no_baseline():
    tables = {
        "patients": pd.DataFrame({"patient_id": people(40)}),
        "sessions": pd.DataFrame(
            {"session_id": people(40), "patient_id": people(40), "day": 0, "time": "10:00", "kind": "dosing"}
        ),
    }
    early, late = made_up_answers(40, 9, seed=1), made_up_answers(40, 9, seed=2)
    rows = []
    for patient, (before, after) in zip(people(40), zip(early, late, strict=True), strict=True):
        rows += [(patient, -5, "09:00", *before), (patient, 0, "09:00" if patient < "P0010" else "11:00", *after)]
    scores = pd.DataFrame(rows, columns=["patient_id", "day", "time", *(f"item_{n}" for n in range(1, 10))])
    scores["score_id"] = [f"s{number}" for number in range(len(scores))]
    scores["instrument"] = "PHQ-9"
    registry = kat.read_registry(tables | {"scores": scores}, is_synthetic=True)
    expected = np.vstack([late[:10], early[10:]])
    assert_is_of(internal_consistency(registry, "PHQ-9", which="baseline"), expected)


def test_patients_without_a_dose_have_no_baseline():
    registry = registry_of(phq9(60, 0), doses=people(50))
    assert one(internal_consistency(registry, "PHQ-9", which="baseline"), term="alpha").n_patients == 50
    assert one(internal_consistency(registry, "PHQ-9"), term="alpha").n_patients == 60


def test_totals_without_items_are_counted_and_skipped():
    later = ("PHQ-9", people(60), 20, made_up_answers(60, 9, seed=5), None)
    registry = registry_of(("PHQ-9", people(60)[:25], -3, None, 12), later)
    result = internal_consistency(registry, "PHQ-9")
    assert one(result, term="questionnaires with a total only").estimate == 25
    assert one(result, term="incomplete questionnaires").estimate == 0
    assert_is_of(result, made_up_answers(60, 9, seed=5))
    in_window = internal_consistency(registry, "PHQ-9", day_window=(10, 30))
    assert one(in_window, term="questionnaires with a total only").estimate == 0


def test_incomplete_questionnaires_are_counted_and_skipped():
    """Of the DASS-21, which has no total, a questionnaire is taken with gaps; they matter to the sub-scale they hit."""
    scale = kat.instrument("DASS-21 depression")
    answers = made_up_answers(50, 21)
    gaps = answers.copy()
    gaps[:12, scale.item_numbers[0] - 1] = np.nan
    registry = registry_of(("DASS-21", people(50), -2, gaps, None))
    depression = internal_consistency(registry, "DASS-21 depression")
    columns = [number - 1 for number in scale.item_numbers]
    assert one(depression, term="incomplete questionnaires").estimate == 12
    assert_is_of(depression, answers[12:][:, columns])
    stress = internal_consistency(registry, "DASS-21 stress")
    assert one(stress, term="incomplete questionnaires").estimate == 0
    assert one(stress, term="alpha").n_patients == 50


# --- keys and sub-scales ---------------------------------------------------------------------------------------------


def test_reverse_keyed_items_are_reversed():
    scale = kat.instrument("PSWQ")
    keyed = 1 + made_up_answers(80, 16, highest=4)
    given = keyed.copy()
    reverse = [number - 1 for number in scale.reverse_items]
    given[:, reverse] = 6 - keyed[:, reverse]
    result = internal_consistency(registry_of(("PSWQ", people(80), -2, given, None)), "PSWQ")
    assert_is_of(result, keyed)
    assert all(check.passed for check in result.checks if check.name == "direction of the items")
    assert coefficient_alpha(given).estimate < one(result, term="alpha").estimate - 0.1


def test_a_key_applied_twice_is_noticed():
    answers = made_up_answers(80, 9)
    answers[:, 3] = 3 - answers[:, 3]
    result = internal_consistency(registry_of(("PHQ-9", people(80), -2, answers, None)), "PHQ-9")
    failed = [check.name for check in result.checks if not check.passed and check.severity != "note"]
    assert failed == ["direction of the items"]
    assert result.verdict == "with caution"
    assert one(result, term="item 4", measure="standardized loading").estimate < 0


@pytest.fixture(scope="module")
def pcl5():
    return registry_of(("PCL-5", people(70), -2, made_up_answers(70, 20, highest=4), None))


def test_a_subscale_is_read_from_the_whole_scale(pcl5):
    answers = made_up_answers(70, 20, highest=4)
    assert_is_of(internal_consistency(pcl5, "PCL-5 D"), answers[:, 7:14])
    items = [estimate.term for estimate in internal_consistency(pcl5, "PCL-5 E").select(measure="standardized loading")]
    assert items == [f"item {number}" for number in range(15, 21)]


def test_of_one_day_the_own_questionnaire_of_a_subscale_comes_first():
    whole, own = made_up_answers(60, 9, seed=1), made_up_answers(20, 8, seed=2)
    registry = registry_of(("PHQ-9", people(60), -2, whole, None), ("PHQ-8", people(20), -2, own, None))
    assert_is_of(internal_consistency(registry, "PHQ-8"), np.vstack([own, whole[20:, :8]]))


def test_two_items_have_an_alpha_and_no_omega(pcl5):
    result = internal_consistency(pcl5, "PCL-5 C")
    alpha, omega = one(result, term="alpha"), one(result, term="omega")
    assert 0.0 < alpha.estimate < 1.0
    assert all(map(math.isnan, (omega.estimate, omega.conf_low, omega.conf_level)))
    assert result.verdict == "with caution"
    assert "do not determine a factor" in next(check.message for check in result.checks if not check.passed)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_it_says_what_it_is_not_and_which_kind_reliable_change_uses(result, pcl5):
    text = " ".join(result.assumptions)
    assert "Internal consistency is not test-retest reliability" in text
    assert "one of internal consistency (Kroenke 2001" in text
    assert "one of retest (Bovin 2016" in " ".join(internal_consistency(pcl5, "PCL-5").assumptions)
    assert "holds no reliability of the PCL-5 B" in " ".join(internal_consistency(pcl5, "PCL-5 B").assumptions)


@pytest.mark.parametrize(("n_patients", "verdict"), [(29, "withhold"), (30, "report")])
def test_few_patients_are_withheld(n_patients, verdict):
    result = internal_consistency(registry_of(phq9(n_patients)), "PHQ-9")
    assert result.verdict == verdict
    checks = {check.name: check for check in result.checks}
    assert checks["complete questionnaires"].value == n_patients
    assert (len(checks) == 1) == (verdict == "withhold")


def test_a_heywood_case_calls_for_caution():
    rng = np.random.default_rng(4)
    first = rng.integers(0, 4, 80).astype(float)
    second = np.where(rng.random(80) < 0.97, first, (first + 1) % 4)
    third = np.where(rng.random(80) < 0.97, first, (first + 1) % 4)
    others = made_up_answers(80, 4)
    answers = np.column_stack([first, second, third, others])
    result = internal_consistency(registry_of(("GAD-7", people(80), -2, answers, None)), "GAD-7")
    model = coefficient_omega(answers).model
    assert model.status == "Heywood case"
    assert result.verdict == "with caution"
    omega = one(result, term="omega")
    assert math.isnan(omega.conf_low)
    assert not math.isnan(omega.estimate)
    assert any("Heywood case" in check.message for check in result.checks if not check.passed)


def test_settings_name_every_choice(registry):
    result = internal_consistency(registry, "PHQ-9", which="last", day_window=(-20, 5))
    settings = dict(result.provenance.settings)
    assert settings["instrument"] == "phq9"
    assert settings["which questionnaire"] == "last"
    assert settings["day window"] == "-20 to 5"
    assert result.provenance.digest == registry.digest
    assert "latest complete questionnaire" in result.estimand.sentence()


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("QIDS-SR16", "largest item of each domain"),
        ("DASS-21", "sub-scales DASS-21 depression"),
        ("C-SSRS screener", "no total that is a sum"),
        ("CGI-S", "two items or more"),
        ("PROMIS Depression", "no total that is a sum"),
    ],
)
def test_scales_that_are_no_sum_of_items_are_refused(registry, name, words):
    with pytest.raises(DesignError, match=words):
        internal_consistency(registry, name)


def test_totals_alone_are_refused():
    registry = registry_of(("PHQ-9", people(40), -3, None, 12))
    with pytest.raises(DesignError, match="totals without items"):
        internal_consistency(registry, "PHQ-9")


def test_a_scale_that_nobody_filled_in_is_refused(registry):
    with pytest.raises(DesignError, match="GAD-7 with every item"):
        internal_consistency(registry, "GAD-7")


def test_an_item_that_does_not_vary_is_named_by_its_number_and_nothing_else():
    answers = made_up_answers(60, 20, highest=4)
    answers[:, [7, 10]] = 3.0
    registry = registry_of(("PCL-5", people(60), -2, answers, None))
    with pytest.raises(NumericalError, match=r"items 8, 11 of the PCL-5\b") as raised:
        internal_consistency(registry, "PCL-5")
    assert "3" not in str(raised.value)
    with pytest.raises(NumericalError, match=r"items 8, 11 of the PCL-5 D\b"):
        internal_consistency(registry, "PCL-5 D")
    assert internal_consistency(registry, "PCL-5 B").estimates


def test_items_that_cancel_are_refused():
    first = np.arange(60) % 4
    registry = registry_of(("PHQ-2", people(60), -2, np.column_stack([first, 3 - first]), None))
    with pytest.raises(NumericalError, match="cancel"):
        internal_consistency(registry, "PHQ-2")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"which": "any"}, "which must be"),
        ({"day_window": (5, 1)}, "day_window"),
        ({"which": "baseline", "day_window": (-5, 3)}, "day 0"),
        ({"conf_level": 95}, "conf_level"),
    ],
)
def test_choices_outside_their_range_are_refused(registry, choices, words):
    with pytest.raises(OptionError, match=words):
        internal_consistency(registry, "PHQ-9", **choices)


# --- what leaves -----------------------------------------------------------------------------------------------------


def test_small_clinics_show_published_coefficients_only():
    released = kat.release(internal_consistency(registry_of(phq9(10)), "PHQ-9"))
    shown = {estimate.measure for estimate in released.estimates if not math.isnan(estimate.estimate)}
    assert shown == {"published reliability", "count"}
    assert {estimate.estimate for estimate in released.select(measure="count")} == {0.0}
    assert "hidden" in str(released.to_table())


def test_small_counts_of_what_was_not_used_are_hidden():
    registry = registry_of(("PHQ-9", people(4), -3, None, 12), phq9(60, 10))
    released = kat.release(internal_consistency(registry, "PHQ-9"))
    hidden = one(released, term="questionnaires with a total only")
    assert hidden.suppressed
    assert one(released, term="alpha").n_patients == 60


def test_the_table_has_the_sources_and_the_notes(result):
    table = result.to_table()
    assert table.columns[1:3] == ("Questionnaires", "Coefficient")
    rows = {row[0]: row for row in table.rows}
    assert rows["alpha"][1] == "120"
    assert rows["published, internal consistency"][2] == "0.89"
    assert {"item 1", "item 9", "incomplete questionnaires"} <= set(rows)
    notes = " ".join(table.footnotes)
    assert "published, internal consistency, 0.89: Kroenke 2001" in notes
    failed = [check.message for check in result.checks if not check.passed]
    assert all(message in notes for message in failed)


def test_answers_are_not_printed(registry):
    answers = item_answers(registry, PHQ9)
    assert repr(answers) == "<ItemAnswers: 9 items; not printed>"
    assert answers.n_patients == 120
