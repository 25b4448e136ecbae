"""The privacy gate: what looks like a direct identifier stops the load.

It can only find evidence that data are *not* de-identified. No program can certify that they are.

Two kinds of evidence are looked for in every column of every file, also in those that would be left out: column names,
and values in a form that hardly anything else has. What is found is named by file, column and rule, never by value.

References
----------
The classes follow the eighteen of the Safe Harbor method, 45 CFR 164.514(b)(2)(i), and their Canadian counterparts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.errors import IdentifierError
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS, TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine


@dataclass(frozen=True, slots=True)
class NameRule:
    """Column names that announce an identifier.

    Attributes
    ----------
    whole : tuple of str
        Names that count only when nothing else stands in the column name.
    anywhere : tuple of str
        Words or runs of words that count wherever they stand in it.
    """

    whole: tuple[str, ...]
    anywhere: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAME_RULES: Mapping[str, NameRule] = MappingProxyType(
    {
        "column_name_person": NameRule(
            _words("name names initials forename nickname"),
            _words(
                "first_name last_name full_name given_name family_name middle_name maiden_name preferred_name "
                "patient_name client_name person_name user_name username surname lastname firstname fullname "
                "name_first name_last therapist_name clinician_name provider_name practitioner_name contact_name "
                "emergency_contact next_of_kin mother_name father_name spouse_name"
            ),
        ),
        "column_name_birth_date": NameRule(
            _words("birth born"),
            _words("dob birth_date birthdate date_of_birth birth_day birthday birth_dt date_birth"),
        ),
        "column_name_phone": NameRule(
            _words("tel cell mobile fax"),
            _words("phone telephone cellphone phone_number mobile_number fax_number tel_no"),
        ),
        "column_name_email": NameRule((), _words("email e_mail mail_address")),
        "column_name_government_number": NameRule(
            _words("sin nino nin ssn4"),
            _words(
                "ssn social_security social_insurance sin_number passport driver_license drivers_license "
                "driver_licence drivers_licence nhs_number national_id tax_id license_plate licence_plate vin"
            ),
        ),
        "column_name_health_number": NameRule(
            _words("phn ohip hcn uhn chart ramq"),
            _words(
                "mrn medical_record health_card health_number health_insurance_number medicare_number medicaid_number "
                "ohip_number phn_number chart_number chart_no hospital_number insurance_number policy_number "
                "member_number beneficiary_number account_number"
            ),
        ),
        "column_name_device_or_network": NameRule(
            _words("ip url website device mac imei web"),
            _words("ip_address device_id device_serial serial_number mac_address url_address web_address"),
        ),
        "column_name_likeness": NameRule(
            _words("face voice picture video audio"),
            _words("photo photograph image_file video_file audio_file fingerprint biometric signature voiceprint"),
        ),
        "column_name_address": NameRule(
            _words("street city town county village apartment house_number lat lon lng geo"),
            _words(
                "address addr street_name street_address home_city mailing latitude longitude gps geocode zip "
                "zip_code zipcode postal postal_code postcode post_code"
            ),
        ),
        "column_name_free_text": NameRule(
            _words("note notes comment comments remark remarks narrative text description"),
            _words(
                "free_text freetext clinical_note clinical_notes session_note session_notes progress_note "
                "progress_notes therapist_notes notes_text comment_text patient_comment patient_comments"
            ),
        ),
    }
)
"""Rules about column names, by id."""

VALUE_RULES: Mapping[str, str] = MappingProxyType(
    {
        "value_email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}",
        "value_url": r"(?i)(https?://|\bwww[.])",
        # Ten digits without a separator may be a study key, so a phone number needs separators or a plus sign.
        "value_phone": (
            r"(^|[^0-9A-Za-z-])([+]?1[-. ]?)?([(][2-9][0-9]{2}[)] ?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}"
            r"($|[^0-9A-Za-z-])"
            r"|[+][1-9][0-9]{0,2}[-. (]?[0-9][-. ()0-9]{6,14}[0-9]"
        ),
        "value_social_security_number": r"(^|[^0-9A-Za-z-])[0-9]{3}-[0-9]{2}-[0-9]{4}($|[^0-9A-Za-z-])",
        "value_social_insurance_number": r"(^|[^0-9A-Za-z-])[0-9]{3}[- ][0-9]{3}[- ][0-9]{3}($|[^0-9A-Za-z-])",
        "value_ip_address": (
            r"(^|[^0-9.])((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})[.]){3}(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})($|[^0-9.])"
        ),
        "value_postal_code": (
            r"(^|[^0-9A-Za-z])[A-Za-z][0-9][A-Za-z] [0-9][A-Za-z][0-9]($|[^0-9A-Za-z])"  # Canada
            r"|(^|[^0-9A-Za-z])[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}($|[^0-9A-Za-z])"  # United Kingdom
        ),
    }
)
"""Regular expressions (RE2) that a value must not hold anywhere, by rule id."""

KEY_EXEMPTIONS: frozenset[str] = frozenset({"value_social_insurance_number"})
"""Rules not held against the schema's own keys: country-site-subject numbers look the same."""

SHORTEST_IDENTIFIER = 6
"""No value rule matches anything shorter, so codes, items and most numbers need not be tested."""

AGE_RULE = "value_age_above_89"

_KEYS: frozenset[str] = frozenset(table.key for table in TABLES)
_NOT_YEARS = frozenset({"band", "group", "month", "months", "week", "weeks", "day", "days"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence of a direct identifier.

    Attributes
    ----------
    file : str
        File, or table where the input is a frame.
    column : str
        Column name, or its position where the name itself may be a value.
    rule : str
        Rule id.
    n_rows : int or None
        Rows in which it stands; None where the column name is the evidence.
    """

    file: str
    column: str
    rule: str
    n_rows: int | None


def normalized_words(name: str) -> tuple[str, ...]:
    """Return the words of a column name, in lower case.

    Examples
    --------
    >>> normalized_words("Date-of Birth"), normalized_words("patientEMail2")
    (('date', 'of', 'birth'), ('patient', 'e', 'mail', '2'))
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])", " ", name)
    return tuple(word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word)


def name_rule(name: str) -> str | None:
    """Return the rule that a column name breaks, or None.

    Examples
    --------
    >>> name_rule("Patient E-Mail"), name_rule("covariate_zip"), name_rule("patient_id")
    ('column_name_email', 'column_name_address', None)
    """
    words = normalized_words(name)
    if words[:1] in (("covariate",), ("eligible",)):
        words = words[1:]
    for rule, names in NAME_RULES.items():
        whole = "_".join(word for word in words if not word.isdigit())
        if whole in names.whole or any(_holds(words, tuple(run.split("_"))) for run in names.anywhere):
            return rule
    return None


def _holds(words: tuple[str, ...], run: tuple[str, ...]) -> bool:
    """Return whether a run of words stands in a name, also where the name writes it as one word."""
    starts = range(len(words) - len(run) + 1)
    return any(words[start : start + len(run)] == run for start in starts) or "".join(run) in words


def holds_identifier(text: str) -> bool:
    """Return whether any value rule matches a text, such as a column name that is really a row of data."""
    return any(re.search(pattern, text) for pattern in VALUE_RULES.values())


def holds_age(name: str) -> bool:
    """Return whether a column name says that it holds an age in years."""
    words = normalized_words(name)
    return "age" in words and not _NOT_YEARS & set(words)


def value_findings(engine: Engine, table: str, file: str, columns: Mapping[str, str]) -> tuple[Finding, ...]:
    """Look for identifiers in the values of a text table.

    Parameters
    ----------
    engine : Engine
        Holds the table.
    table : str
        A table of text columns.
    file : str
        How the file is called in messages.
    columns : mapping of str to str
        Engine column to the column name shown in messages.

    Returns
    -------
    tuple of Finding
        One for each column and rule, with the number of rows.
    """
    anything = "|".join(f"({pattern})" for pattern in VALUE_RULES.values())
    # One pass over whole rows first: nearly always it finds nothing, and a regular expression a column costs more.
    long_cells = ", ".join(
        f"case when length({column}) >= {SHORTEST_IDENTIFIER} then {column} end" for column in columns
    )
    is_clean = not _counts(engine, table, {"row": f"regexp_matches(concat_ws(chr(31), {long_cells}), '{anything}')"})
    findings = []
    for column in () if is_clean else columns:
        exempt = KEY_EXEMPTIONS if columns[column] in _KEYS else frozenset()
        tests = {rule: _holds_pattern(column, text) for rule, text in VALUE_RULES.items() if rule not in exempt}
        found = _counts(engine, table, tests)
        findings += [Finding(file, columns[column], rule, n_rows) for rule, n_rows in found.items()]
    ages = {column: _is_high_age(column) for column, shown in columns.items() if holds_age(shown)}
    found = _counts(engine, table, ages)
    findings += [Finding(file, columns[column], AGE_RULE, n_rows) for column, n_rows in found.items()]
    return tuple(findings)


def _holds_pattern(column: str, pattern: str) -> str:
    return f"length({column}) >= {SHORTEST_IDENTIFIER} and regexp_matches({column}, '{pattern}')"


def _is_high_age(column: str) -> str:
    number = f"regexp_full_match({column}, '[0-9]{{2,3}}([.][0-9]+)?[+]?')"
    return f"case when {number} then try_cast(rtrim({column}, '+') as double) >= {HIGHEST_AGE_YEARS + 1} end"


def _counts(engine: Engine, table: str, tests: Mapping[str, str]) -> dict[str, int]:
    """Return, for each test that is true somewhere, in how many rows it is."""
    if not tests:
        return {}
    names = {f"t{position}": name for position, name in enumerate(tests)}
    counted = ", ".join(f"count(case when {tests[name]} then 1 end) as {short}" for short, name in names.items())
    row = engine.fetch(f"select {counted} from {table}")
    return {name: int(row[short][0]) for short, name in names.items() if row[short][0]}


def refuse(findings: Iterable[Finding]) -> None:
    """Raise `IdentifierError` if anything was found, naming file, column and rule."""
    found = tuple(findings)
    if not found:
        return
    lines = [
        f"  {finding.file}, column {finding.column!r}: rule {finding.rule}"
        + ("" if finding.n_rows is None else f", {finding.n_rows} rows")
        for finding in found
    ]
    raise IdentifierError(
        "the data may identify a person directly, so nothing was loaded:\n"
        + "\n".join(lines)
        + "\nRemove these columns or values where the files are made, then read again. "
        "(An age above 89 is written as 89.)"
    )
