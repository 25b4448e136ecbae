"""Guesses about what the fields of a REDCap project mean, from their names, types, forms and labels.

A guess is only ever written into a draft that somebody confirms; nothing is read by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from katoutcomes.instruments.catalog import index_names, instruments, name_key
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.registry.readers.redcap.dictionary import Dictionary, DictionaryField

PATIENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "age_years": r"age|age_years|age_at_(intake|baseline|enrolment|enrollment)",
        "sex": r"sex|gender|sex_at_birth",
        "diagnoses": r"dx|diagnos[ie]s|diagnoses|primary_dx",
        "prior_antidepressant_trials": r"(n_)?(prior_|earlier_)?(antidepressant_)?trials",
        "program_booked": r"program|program_booked|programme",
        "eligible_consent": r"((research|study|icf)_)?consent(ed)?(_(research|study|yn|given|signed|obtained))?",
    }
)
"""Field names that suggest a column of patients; the whole name must match."""

SESSION_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "route": r"(.*_)?route(_.*)?",
        "dose_mg": r"(.*_)?dose(_mg)?",
        "dose_mg_per_kg": r".*(mg_?kg|mg_per_kg)",
        "format": r".*(format|setting)",
        "duration_minutes": r".*(duration|minutes).*",
        "systolic_peak_mmhg": r"(.*_)?(sbp|systolic)(_.*)?(peak|max).*",
        "systolic_before_mmhg": r"(.*_)?(sbp|systolic)(_.*)?(before|pre|baseline).*",
        "diastolic_peak_mmhg": r"(.*_)?(dbp|diastolic)(_.*)?(peak|max).*",
        "diastolic_before_mmhg": r"(.*_)?(dbp|diastolic)(_.*)?(before|pre|baseline).*",
    }
)
EVENT_NAMES: Mapping[str, str] = MappingProxyType(
    {"term": r".*(term|event|symptom|what)", "severity": r".*(severity|grade)", "serious": r".*(serious|sae)"}
)
FORM_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "dosing": r"ketamine|dosing|treatment|infusion|injection|dose",
        "integration": r"integration",
        "preparation": r"prep",
        "screening": r"screening",
        "follow_up": r"follow",
    }
)
"""Words in the name of a form that suggest a kind of session, the first that fits."""

LABEL_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "female": r"\bfemale|\bwoman|\bwomen",
        "male": r"\bmale|\bman\b|\bmen\b",
        "treatment_resistant_depression": r"resistant",
        "bipolar_depression": r"bipolar",
        "depression": r"depress",
        "ptsd": r"ptsd|trauma",
        "obsessive_compulsive": r"obsessive|\bocd\b",
        "anxiety": r"anxi",
        "substance_use": r"substance|alcohol|addict",
        "eating_disorder": r"eating",
        "chronic_pain": r"pain",
        "adjustment": r"adjust",
        "with_integration": r"integration|psychotherap",
        "ketamine_only": r"only",
        "intramuscular": r"intramuscular|\bim\b",
        "intravenous": r"intravenous|\biv\b|infusion",
        "intranasal": r"nasal|\bin\b",
        "sublingual": r"sublingual|lozenge|troche|\bsl\b",
        "individual": r"individual|one.to.one",
        "group": r"group",
        "mild": r"mild",
        "moderate": r"moderate",
        "severe": r"severe",
        "other": r"other",
    }
)
"""Words in the label of a choice that suggest a code of the schema; the first that fits and that the column knows."""

UNKNOWN_WORDS = r"unknown|not (known|recorded|asked|applicable|done)|prefer|refus|declin|no information|missing"


def first_match(name: str, patterns: Mapping[str, str]) -> str:
    """Return the first key whose pattern a whole name matches, ``""`` if there is none.

    Examples
    --------
    >>> first_match("ketamine_dose_mg", SESSION_NAMES), first_match("colour", SESSION_NAMES)
    ('dose_mg', '')
    """
    return next((key for key, pattern in patterns.items() if re.fullmatch(pattern, name)), "")


def code_of_label(label: str, codes: Sequence[str]) -> str:
    """Return the code of the schema that a label suggests, ``""`` if none does.

    Examples
    --------
    >>> code_of_label("Sublingual lozenge", ("intramuscular", "sublingual"))
    'sublingual'
    """
    lower = label.lower()
    return next((code for code, words in LABEL_WORDS.items() if code in codes and re.search(words, lower)), "")


def missing_code_of_suffix(suffix: str) -> str:
    """Return the code of which a checkbox column was probably named.

    Examples
    --------
    >>> missing_code_of_suffix("_99"), missing_code_of_suffix("ni")
    ('-99', 'NI')
    """
    return f"-{suffix[1:]}" if re.fullmatch(r"_[0-9]+", suffix) else suffix.upper()


def form_kind(form: str) -> str:
    """Return the kind of session that the name of a form suggests, ``""`` if none."""
    return next((kind for kind, words in FORM_KINDS.items() if re.search(words, form)), "")


def item_groups(dictionary: Dictionary) -> list[tuple[Instrument, str, str]]:
    """Return the questionnaires among the numbered fields: instrument, form, and pattern of the item fields.

    Examples
    --------
    >>> fields = {f"phq9_{n}": DictionaryField(f"phq9_{n}", "visit", "radio") for n in range(1, 10)}
    >>> [(scale.id, form, pattern) for scale, form, pattern in item_groups(Dictionary("d.csv", fields))]
    [('phq9', 'visit', 'phq9_{n}')]
    """
    by_key = index_names(instruments())
    matches = []
    for (form, pattern), numbers in numbered_fields(dictionary).items():
        for name in (pattern.replace("{n}", ""), form):
            scale = by_key.get(name_key(re.sub(r"(_q|_item)?_*$", "", name)))
            if scale is not None and numbers == set(range(1, scale.n_items + 1)):
                matches.append((scale, form, pattern))
                break
    return matches


def numbered_fields(dictionary: Dictionary) -> dict[tuple[str, str], set[int]]:
    """Return the numbers of fields whose names differ in a number only, by form and pattern."""
    groups: dict[tuple[str, str], set[int]] = {}
    for entry in dictionary.fields.values():
        if found := re.fullmatch(r"(.*?[a-z].*?)(_?)(q|item_?)?([1-9][0-9]?)", entry.name):
            pattern = f"{found[1]}{found[2]}{found[3] or ''}{{n}}"
            groups.setdefault((entry.form, pattern), set()).add(int(found[4]))
    return groups


def total_fields(dictionary: Dictionary, form: str, pattern: str) -> list[str]:
    """Return the fields of a form that look like the total of a questionnaire."""
    stem = pattern.partition("{n}")[0].rstrip("_")
    return [
        entry.name
        for entry in dictionary.fields.values()
        if entry.form == form and entry.name.startswith(stem) and re.search(r"total|score|sum", entry.name)
    ]


def date_fields(dictionary: Dictionary, form: str) -> list[DictionaryField]:
    """Return the fields of a form that hold dates."""
    return [
        entry
        for entry in dictionary.fields.values()
        if entry.form == form and entry.validation.startswith(("date_", "datetime_"))
    ]


def time_fields(dictionary: Dictionary, form: str) -> list[DictionaryField]:
    """Return the fields of a form that hold times of day."""
    return [entry for entry in dictionary.fields.values() if entry.form == form and entry.validation.startswith("time")]
