"""What the privacy gate takes for an identifier, and what it lets pass."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.errors import IdentifierError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.identifiers import (
    AGE_RULE,
    DOUBTS,
    NAME_RULES,
    VALUE_RULES,
    Finding,
    Gate,
    holds_age,
    holds_identifier,
    name_rule,
    normalized_words,
    parse_overrides,
    refuse,
    text_findings,
    value_findings,
)
from katoutcomes.registry.identifiers.check_digits import is_bc_health_number, is_luhn, is_nhs_number
from katoutcomes.registry.tables import TABLES

REFUSED_NAMES = {
    "column_name_person": ["name", "Name", "first_name", "FirstName", "LAST NAME", "surname", "patient_name",
                           "initials", "therapist_name", "emergency_contact_2", "name_1"],
    "column_name_birth_date": ["dob", "DOB", "patient_dob", "birth_date", "birthDate", "Date of Birth", "birthday"],
    "column_name_address": ["address", "home_address", "street", "city", "zip", "ZipCode", "postal_code", "postcode",
                            "latitude", "covariate_zip"],
    "column_name_phone": ["phone", "Phone Number", "telephone", "mobile", "fax", "cell"],
    "column_name_email": ["email", "E-Mail", "contactEmail", "e_mail_address"],
    "column_name_government_number": ["ssn", "patient_ssn", "sin", "social_security_no", "passport", "LicenceNumber",
                                      "vehicle_id", "plate_number", "certificate_number"],
    "column_name_health_number": ["mrn", "MRN", "health_card", "ohip", "phn", "medical_record_number", "chart_number",
                                  "account", "AccountNo", "insurance_id", "member_id", "iban"],
    "column_name_device_or_network": ["ip", "ip_address", "url", "device", "device_id", "mac_address", "UDI",
                                      "implant_id", "serialNumber"],
    "column_name_likeness": ["photo", "photograph", "fingerprint", "voice", "photos", "attachment", "iris_scan",
                             "file_name", "image"],
    "column_name_free_text": ["note", "notes", "Comments", "clinical_notes", "free_text", "narrative"],
}  # fmt: skip

HARMLESS_NAMES = [
    "instrument", "format", "term", "day", "site", "recipe", "description_code", "hotel", "shipping", "single",
    "country", "region", "therapist", "cellular_assay", "denominator", "item_12", "covariate_affluence",
    "eligible_medical", "facial_pain", "gait", "attending_school", "completed_by", "referred_by",
    "account_of_trauma", "covariate_trauma_history", "ship", "zipper", "phonetics",
]  # fmt: skip

REFUSED_VALUES = {
    "value_email": ["someone@example.org", "write to some.one+x@mail.example.co", "A@b.ca"],
    "value_url": ["https://example.org/x", "see www.example.org", "HTTP://example.org"],
    "value_phone": ["604-555-0199", "(604) 555-0199", "+1 604 555 0199", "1-604-555-0199", "call 604.555.0199 now",
                    "+44 1632 960961", "+441632960961"],
    "value_social_security_number": ["078-05-1120", "is 078-05-1120."],
    "value_social_insurance_number": ["046 454 286", "046-454-286"],
    "value_health_number": ["5584-486-674", "5584 486 674 PM", "1234567890-AB", "1EG4-TE5-MK73", "1EG4TE5MK73"],
    "value_labeled_number": ["MRN 0012345", "mrn:778899", "chart no. 5512", "DOB 1971-02-03", "MRN0012345"],
    "value_account_number": ["4539 1488 0343 6467", "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"],
    "value_vehicle_number": ["1M8GDM9AXKP042788"],
    "value_device": ["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b7", "(01)00844588003288"],
    "value_ip_address": ["192.0.2.17", "from 203.0.113.255", "2001:db8::8a2e:370:7334",
                         "2001:0db8:0000:0000:0000:ff00:0042:8329"],
    "value_postal_code": ["V6B 4Y8", "v6b 4y8", "SW1A 1AA", "at M1 1AE"],
    "value_zip_code": ["98101-1234", "Springfield, IL 62701"],
    "value_street_address": ["1234 Main Street", "12B Old Mill Rd, North", "77 st. george avenue", "PO Box 512"],
    "value_coordinates": ["49.28271, -123.12073"],
    "value_titled_name": ["Dr. Quux", "seen by Mrs Zebulon"],
    "value_attachment": ["scan_0017.jpg", "intake.PDF", "data:image/png;base64,iVBORw0KGgo="],
}  # fmt: skip

HARMLESS_VALUES = [
    "P0001", "S000123", "2031-03-04", "09:37", "1234567890", "0012345678", "PT-123-4567", "site-01-0001", "A1B2C3",
    "treatment_resistant_depression;ptsd", "intramuscular", "1.2.3", "300.1.1.1", "12.5", "-0.0001234567", "1e-05",
    "North Clinic 12", "PHQ-9", "past_24_hours", "101-001-0001", "week 12 of 24", "50 mg at 9",
    "12345-6", "44249-1", "69737-5", "LA6568-5", "2031-03-04T09:37:00", "046-454-287", "4539 1488 0343 6468",
    "1M8GDM9A1KP042788", "-0.125", "36.6", "120/80", "2031Q1", "CADSS", "5D-ASC", "HAM-D17", "3.14159265358979",
    "0.1;0.2", "session 3 of 6", "00:30:15", "2:1", "with_integration", "Clinic A", "St. Mary", "Ward 12", "v1.2.3",
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
        rows = np.arange(1, len(values) + 1, dtype=np.int64)
        engine.materialize_arrays("t", {"input_row": rows, "c": np.array(values, dtype=object)})
        return value_findings(engine, "t", "file.csv", {"c": column})


@pytest.mark.parametrize("rule", list(REFUSED_VALUES))
def test_values_that_are_refused(rule: str) -> None:
    values = REFUSED_VALUES[rule]
    assert findings(["harmless", *values, ""]) == (Finding("file.csv", "site", rule, len(values)),)
    assert all(holds_identifier(value) for value in values)  # Python's regular expressions agree with the engine's


def refused(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in found if finding.rule not in DOUBTS)


def test_values_that_pass() -> None:
    assert refused(findings(HARMLESS_VALUES)) == ()
    assert not [value for value in HARMLESS_VALUES if holds_identifier(value)]


def test_no_value_is_shorter_than_what_is_looked_at() -> None:
    shortest = min(len(value) for values in REFUSED_VALUES.values() for value in values)
    assert shortest >= 6


def test_keys_may_look_like_a_social_insurance_number() -> None:
    values = ["046-454-286", "101-001-002", "101-001-003"]  # the first has the check digit by chance
    assert findings(values, "patient_id") == ()
    assert findings(values, "site") == (Finding("file.csv", "site", "value_social_insurance_number", 1),)


def luhn_numbers(n_digits: int, start: int = 0) -> list[str]:
    stems = [str(10 ** (n_digits - 2) + 7919 * (place + start)) for place in range(12)]
    return [stem + next(d for d in "0123456789" if is_luhn(stem + d)) for stem in stems]


@pytest.mark.parametrize("n_digits", [9, 10, 15, 16])
@pytest.mark.parametrize("column", ["patient_id", "chart", "site"])
def test_a_column_of_numbers_with_their_check_digit_is_refused(n_digits: int, column: str) -> None:
    numbers = luhn_numbers(n_digits)
    assert findings(numbers, column) == (Finding("file.csv", column, "value_checked_numbers", 12),)
    others = [number[:-1] + str((int(number[-1]) + place % 10) % 10) for place, number in enumerate(numbers)]
    assert findings(others, column) == ()  # the same numbers as study keys: few pass by chance
    assert findings(numbers[:2], column) == ()  # two may


def test_health_numbers_of_british_columbia_and_britain_are_known_by_their_check_digit() -> None:
    for is_valid, stem in ((is_bc_health_number, "9698658"), (is_nhs_number, "943476")):
        n_open = 10 - len(stem)
        numbers = [f"{stem}{rest:0{n_open}d}" for rest in range(10**n_open)]
        valid = [number for number in numbers if is_valid(number)][:10]
        assert findings(valid, "code")[0].rule == "value_checked_numbers"


BIRTHS = ["1961-04-02", "1984-11-30", "1975-01-17", "1990-06-05"]


@pytest.mark.parametrize("values", [BIRTHS, ["2/4/1961", "30.11.1984", "17-01-1975", "05/06/1990"],
                                    ["2 Apr 1961", "30-NOV-1984", "Jan 17, 1975", "June 5, 1990"],
                                    [f"{birth} 00:00:00" for birth in BIRTHS]])  # fmt: skip
def test_a_column_of_dates_long_before_the_others_is_refused(values: list[str]) -> None:
    assert findings(values, "when") == (Finding("file.csv", "when", "value_birth_date", 4),)
    assert findings([*values, *[""] * 3], "when")[0].n_rows == 4


def test_dates_of_the_treatment_are_no_birth_dates() -> None:
    assert findings(["2031-04-02", "2033-11-30"], "consent_date") == ()
    assert findings(["1961-04-02", "2031-11-30", "2031-12-01"], "consent_date") == ()
    assert findings(["PHQ-9", "1961-04-02", "GAD-7"], "site") == ()


def test_other_dates_of_the_data_say_what_is_long_before() -> None:
    born = np.array(["2012-04-02", "2013-11-30"], dtype=object)
    seen = np.array(["2031-04-02", "2031-11-30"], dtype=object)
    with Engine() as engine:
        engine.materialize_arrays("t", {"input_row": np.arange(1, 3), "a": born, "b": seen})
        assert [f.column for f in value_findings(engine, "t", "x.csv", {"a": "when", "b": "visit"})] == ["when"]
        assert value_findings(engine, "t", "x.csv", {"a": "when"}) == ()
        assert value_findings(engine, "t", "x.csv", {"a": "when"}, reference_year=2031)[0].rule == "value_birth_date"


NAMES = ["Zebulon Quux", "Ana María Ortega", "O'Brien, Maeve", "Li Wei", "Søren Ø. Ærø", "Jean-Luc Tremblay"]


def test_a_column_of_different_names_is_refused() -> None:
    assert findings(NAMES, "who") == (Finding("file.csv", "who", "value_person_names", len(NAMES)),)
    assert findings(["North Clinic", "South Clinic"] * 5, "site") == ()
    assert refused(findings(NAMES[:4], "who")) == ()  # too few to tell, so they are warned of
    assert [found.rule for found in findings(NAMES[:4], "who")] == ["possible_name"]


@pytest.mark.parametrize(("value", "is_refused"), [("V6B", False), ("981", False), ("98101", True), ("V6B4Y8", True)])
def test_the_first_three_characters_of_a_postal_code_pass(value: str, is_refused: bool) -> None:
    for column in ("zip3", "fsa", "postal_prefix"):
        assert name_rule(column) is None
        found = findings([value], column)
        assert found == ((Finding("file.csv", column, "value_postal_code_too_long", 1),) if is_refused else ())


@pytest.mark.parametrize("rule", list(REFUSED_VALUES))
def test_arrays_are_searched_like_tables(rule: str) -> None:
    values = [*REFUSED_VALUES[rule], *HARMLESS_VALUES, None, 12, ""]
    expected = (Finding("a.ndjson", "value", rule, len(REFUSED_VALUES[rule])),)
    assert text_findings(values, "a.ndjson", "value") == expected
    assert text_findings(["95", "40", None], "a.ndjson", "age") == (Finding("a.ndjson", "age", AGE_RULE, 1),)


@pytest.mark.parametrize("text", ["value_phone", "value_phone:site", "value_phone:file.csv:Site"])
def test_an_override_lets_a_finding_pass_and_is_remembered(text: str) -> None:
    finding = Finding("file.csv", "site", "value_phone", 2)
    gate = Gate(parse_overrides([text]))
    gate.refuse([finding, finding])
    assert gate.used == ("value_phone:file.csv:site",)
    for other in (Finding("file.csv", "site", "value_email", 2), Finding("other.csv", "term", "value_phone", 2)):
        if text != "value_phone" or other.rule != "value_phone":
            with pytest.raises(IdentifierError) as caught:
                gate.refuse([finding, other])
            assert caught.value.findings == (other,)


@pytest.mark.parametrize("allow", [["Value Phone"], ["a:b:c:d"], ["a:"], ["a::b"], [""], "value_phone"])
def test_overrides_have_one_form(allow: list[str]) -> None:
    with pytest.raises(OptionError):
        parse_overrides(allow)


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
