"""What the privacy gate takes for an identifier, and what it lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.errors import IdentifierError
from katoutcomes.registry.engine import Engine
from katoutcomes.registry.identifiers import (
    AGE_RULE,
    NAME_RULES,
    VALUE_RULES,
    Finding,
    holds_age,
    holds_identifier,
    name_rule,
    normalized_words,
    refuse,
    value_findings,
)
from katoutcomes.registry.tables import TABLES

REFUSED_NAMES = {
    "column_name_person": ["name", "Name", "first_name", "FirstName", "LAST NAME", "surname", "patient_name",
                           "initials", "therapist_name", "emergency_contact_2", "name_1"],
    "column_name_birth_date": ["dob", "DOB", "patient_dob", "birth_date", "birthDate", "Date of Birth", "birthday"],
    "column_name_address": ["address", "home_address", "street", "city", "zip", "ZipCode", "postal_code", "postcode",
                            "latitude", "covariate_zip"],
    "column_name_phone": ["phone", "Phone Number", "telephone", "mobile", "fax", "cell"],
    "column_name_email": ["email", "E-Mail", "contactEmail", "e_mail_address"],
    "column_name_government_number": ["ssn", "patient_ssn", "sin", "social_security_no", "passport"],
    "column_name_health_number": ["mrn", "MRN", "health_card", "ohip", "phn", "medical_record_number", "chart_number"],
    "column_name_device_or_network": ["ip", "ip_address", "url", "device", "device_id", "mac_address"],
    "column_name_likeness": ["photo", "photograph", "fingerprint", "voice"],
    "column_name_free_text": ["note", "notes", "Comments", "clinical_notes", "free_text", "narrative"],
}  # fmt: skip

HARMLESS_NAMES = [
    "instrument", "format", "term", "day", "site", "recipe", "description_code", "hotel", "shipping", "single",
    "birth_year", "country", "region", "therapist", "cellular_assay", "denominator", "item_12", "covariate_affluence",
    "eligible_medical", "covariate_trauma_history", "ship", "zipper", "phonetics",
]  # fmt: skip

REFUSED_VALUES = {
    "value_email": ["someone@example.org", "write to some.one+x@mail.example.co", "A@b.ca"],
    "value_url": ["https://example.org/x", "see www.example.org", "HTTP://example.org"],
    "value_phone": ["604-555-0199", "(604) 555-0199", "+1 604 555 0199", "1-604-555-0199", "call 604.555.0199 now",
                    "+44 1632 960961", "+441632960961"],
    "value_social_security_number": ["078-05-1120", "ssn 078-05-1120."],
    "value_social_insurance_number": ["046 454 286", "046-454-286"],
    "value_ip_address": ["192.0.2.17", "from 203.0.113.255"],
    "value_postal_code": ["V6B 4Y8", "v6b 4y8", "SW1A 1AA", "at M1 1AE"],
}  # fmt: skip

HARMLESS_VALUES = [
    "P0001", "S000123", "2031-03-04", "09:37", "1234567890", "0012345678", "PT-123-4567", "site-01-0001", "A1B2C3",
    "treatment_resistant_depression;ptsd", "intramuscular", "1.2.3", "300.1.1.1", "12.5", "-0.0001234567", "1e-05",
    "North Clinic 12", "PHQ-9", "past_24_hours", "101-001-0001", "week 12 of 24", "50 mg at 9",
    "550e8400-e29b-41d4-a716-446655440000", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]  # fmt: skip


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule, names in REFUSED_NAMES.items() for name in names])
def test_names_that_are_refused(rule: str, name: str) -> None:
    assert name_rule(name) == rule


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_names_that_pass(name: str) -> None:
    assert name_rule(name) is None


def test_every_column_of_the_schema_passes() -> None:
    for schema in TABLES:
        for column in schema.columns:
            assert name_rule(column.name) is None


def test_every_rule_is_tried_here() -> None:
    assert set(REFUSED_NAMES) == set(NAME_RULES)
    assert set(REFUSED_VALUES) == set(VALUE_RULES)


def findings(values: list[str], column: str = "site") -> tuple[Finding, ...]:
    with Engine() as engine:
        engine.materialize_arrays("t", {"c": np.array(values, dtype=object)})
        return value_findings(engine, "t", "file.csv", {"c": column})


@pytest.mark.parametrize("rule", list(REFUSED_VALUES))
def test_values_that_are_refused(rule: str) -> None:
    values = REFUSED_VALUES[rule]
    assert findings(["harmless", *values, ""]) == (Finding("file.csv", "site", rule, len(values)),)
    assert all(holds_identifier(value) for value in values)  # Python's regular expressions agree with the engine's


def test_values_that_pass() -> None:
    assert findings(HARMLESS_VALUES) == ()
    assert not [value for value in HARMLESS_VALUES if holds_identifier(value)]


def test_no_value_is_shorter_than_what_is_looked_at() -> None:
    shortest = min(len(value) for values in REFUSED_VALUES.values() for value in values)
    assert shortest >= 6


def test_keys_may_look_like_a_social_insurance_number() -> None:
    values = ["101-001-001", "101-001-002"]
    assert findings(values, "patient_id") == ()
    assert findings(values, "site")[0].n_rows == 2


def test_a_value_may_break_several_rules() -> None:
    found = findings(["a@example.org https://example.org", "b@example.org"])
    assert {(finding.rule, finding.n_rows) for finding in found} == {("value_email", 2), ("value_url", 1)}


@pytest.mark.parametrize(
    ("column", "value", "is_refused"),
    [("age_years", "89", False), ("age_years", "90", True), ("age_years", "90+", True), ("age_years", "89.9", False),
     ("age_years", "104.0", True), ("age_years", "old", False), ("covariate_age", "91.25", True), ("Age", "95", True),
     ("age_band", "95", False), ("age_months", "95", False), ("dose_mg", "95", False), ("average", "95", False)],
)  # fmt: skip
def test_ages(column: str, value: str, is_refused: bool) -> None:
    assert findings([value, "40"], column) == ((Finding("file.csv", column, AGE_RULE, 1),) if is_refused else ())


def test_words_of_a_name() -> None:
    assert normalized_words("__HomeZIPCode2__") == ("home", "zip", "code", "2")
    assert holds_age("AgeAtIntake")
    assert not holds_age("stage")


def test_refuse_names_file_column_and_rule() -> None:
    refuse([])
    with pytest.raises(IdentifierError) as caught:
        refuse([Finding("a.csv", "dob", "column_name_birth_date", None), Finding("b.csv", "site", "value_email", 3)])
    assert "a.csv, column 'dob': rule column_name_birth_date\n" in str(caught.value)
    assert "b.csv, column 'site': rule value_email, 3 rows\n" in str(caught.value)
