"""Words that columns and codes are called by in exports, in English and German: what `katoutcomes map` recognizes.

Only these words, catalog names, digits and common missing codes are ever written into a draft; whatever else stands in
a cell is counted and never shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e"})


def normalized(name: str) -> str:
    """Return a name in lower case, its words joined by underscores.

    Examples
    --------
    >>> normalized("Dosis pro kg"), normalized("SessionDate"), normalized("Übelkeit")
    ('dosis_pro_kg', 'session_date', 'uebelkeit')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.casefold().translate(_UMLAUTS)).strip("_")


def _table(text: str) -> Mapping[str, tuple[str, ...]]:
    lines = (line.split(":") for line in text.strip().splitlines())
    return MappingProxyType({name.strip(): tuple(words.split()) for name, words in lines})


_COMMON = """
patient_id: patient_id patient pid patientid subject subject_id subjectid subj participant participant_id client_id
  client record_id study_id case_id kennung patientennummer patienten_id pat_id pat pat_nr patientenkennung chiffre
date: date datum session_date visit_date treatment_date service_date date_of_service assessment_date completed_at
  completed_on date_completed completed completion_date administered_on timestamp date_time behandlungsdatum
  untersuchungsdatum zeitpunkt event_date onset_date day_of_visit
day: day study_day studyday days days_from_baseline day_offset visit_day days_since_baseline studientag tag
time: time start_time uhrzeit session_time zeit beginn start time_of_day
"""

_PATIENTS = """
site: site clinic location center centre standort practice facility praxis
age_years: age age_years alter age_at_intake age_at_baseline age_at_enrollment alter_jahre
age_band: age_band age_group altersgruppe
sex: sex gender geschlecht
diagnoses: diagnoses diagnosis dx diagnosen diagnose primary_diagnosis icd10 icd_10
prior_antidepressant_trials: prior_antidepressant_trials prior_trials failed_trials n_prior_antidepressants
  vorbehandlungen previous_antidepressants
program_booked: program_booked program programme programm package track arm treatment_arm booked_program
index_quarter: index_quarter
"""

_SESSIONS = """
session_id: session_id sessionid visit_id appointment_id encounter_id session_no dose_no infusion_id sitzung
  sitzungsnummer termin_id session_number
kind: kind session_type visit_type appointment_type session_kind terminart sitzungsart art
route: route weg route_of_administration administration how admin_route applikation verabreichung
dose_mg: dose_mg dose dosis dosage ketamine_dose ketamine_mg ketamine_dose_mg dosis_mg total_dose_mg mg
dose_mg_per_kg: dose_mg_per_kg mg_per_kg mg_kg dose_per_kg dosis_pro_kg dose_mg_kg dosis_mg_kg
approach: approach
duration_minutes: duration_minutes duration duration_min minutes dauer dauer_minuten length_minutes
format: format session_format setting
systolic_before_mmhg: systolic_before_mmhg systolic_before sbp_pre bp_sys_pre sys_pre rr_sys_vor pre_systolic
systolic_peak_mmhg: systolic_peak_mmhg systolic_peak sbp_max sbp_peak bp_sys_max rr_sys_max peak_systolic
diastolic_before_mmhg: diastolic_before_mmhg diastolic_before dbp_pre bp_dia_pre rr_dia_vor pre_diastolic
diastolic_peak_mmhg: diastolic_peak_mmhg diastolic_peak dbp_max dbp_peak bp_dia_max rr_dia_max peak_diastolic
oxygen_saturation_min_percent: oxygen_saturation_min_percent spo2_min spo2 oxygen_saturation lowest_spo2 o2_sat
"""

_SCORES = """
score_id: score_id response_id assessment_id result_id scoreid
instrument: instrument questionnaire measure scale fragebogen questionnaire_name assessment test_name skala
version: version form_version
metric: metric
session_id: session_id
total: total total_score score sum summe sum_score gesamtwert punktzahl raw_score result
"""

_ADVERSE_EVENTS = """
event_id: event_id ae_id adverse_event_id
session_id: session_id
term: term ae_term adverse_event event ae event_term ereignis
severity: severity grade ae_severity schweregrad intensity
serious: serious sae is_serious schwerwiegend
"""


def _joined(*texts: str) -> Mapping[str, tuple[str, ...]]:
    return _table("\n".join(re.sub(r"\n  ", " ", text.strip()) for text in texts))


COLUMN_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "patients": _joined(_COMMON, _PATIENTS),
        "sessions": _joined(_COMMON, _SESSIONS),
        "scores": _joined(_COMMON, _SCORES),
        "adverse_events": _joined(_COMMON, _ADVERSE_EVENTS),
    }
)
"""By table and column of the schema: normalized column names."""

DISTINCTIVE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "patients": frozenset(
            "age_years age_band sex diagnoses prior_antidepressant_trials program_booked".split()  # noqa: SIM905
        ),
        "sessions": frozenset(("kind", "route", "dose_mg", "dose_mg_per_kg", "duration_minutes")),
        "scores": frozenset(("instrument", "total", "score_id")),
        "adverse_events": frozenset(("term", "severity", "serious", "event_id")),
    }
)
"""Columns that say which table a file is."""

FILE_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "patients": ("patient", "demograph", "client", "subject", "participant"),
        "sessions": ("session", "visit", "dose", "dosing", "infusion", "treatment", "sitzung", "behandlung", "termin"),
        "scores": ("score", "questionnaire", "assessment", "outcome", "survey", "fragebogen", "skalen"),
        "adverse_events": ("adverse", "side_effect", "nebenwirkung", "safety"),
    }
)
"""Words in file names, by table."""

ELIGIBILITY_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "eligible_consent": ("consent", "consented", "icf", "einwilligung", "einverstaendnis", "consentement"),
        "eligible_medical": ("cleared", "clearance", "freigabe", "eligible", "eligibility"),
    }
)
"""By eligibility flag: words in the name of a column that may be it."""

RESEARCH_WORDS: frozenset[str] = frozenset(
    "research forschung forschungszwecke study studie recherche registry data daten".split()  # noqa: SIM905
)
"""Words that tell consent to research from consent to treatment."""

UNIT_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dose_mg": ("mg",),
        "dose_mg_per_kg": ("mg/kg",),
        "duration_minutes": ("min", "minutes", "mins", "minuten"),
        "age_years": ("years", "yrs", "y", "jahre"),
        **dict.fromkeys(
            ("systolic_before_mmhg", "systolic_peak_mmhg", "diastolic_before_mmhg", "diastolic_peak_mmhg"), ("mmHg",)
        ),
        "oxygen_saturation_min_percent": ("%",),
    }
)
"""By column of numbers: units that may stand behind them. No other is looked for, because it would need a factor."""

SURE_ONLY_WITH_CARE: frozenset[str] = frozenset(
    "arm day days tag how art score sum mg event minutes format test_name timestamp start completed ae result".split()  # noqa: SIM905
)
"""Names that may mean something else."""

_YES = ("yes", "y", "true", "ja", "j", "oui", "si", "1")
_NO = ("no", "n", "false", "nein", "non", "0")

CODE_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "sex": {
            **dict.fromkeys(("f", "female", "w", "weiblich", "woman", "femme"), "female"),
            **dict.fromkeys(("m", "male", "maennlich", "man", "homme"), "male"),
            **dict.fromkeys(("other", "d", "divers", "x", "non_binary", "nonbinary", "diverse"), "other"),
            **dict.fromkeys(("unknown", "u", "unbekannt", "not_stated", "prefer_not_to_say"), "unknown"),
        },
        "kind": {
            **dict.fromkeys(("screening", "intake", "assessment", "erstgespraech", "aufnahme"), "screening"),
            **dict.fromkeys(("preparation", "prep", "preparatory", "vorbereitung"), "preparation"),
            **dict.fromkeys(
                ("dosing", "dose", "ketamine", "ketamine_session", "infusion", "treatment", "medicine", "behandlung"),
                "dosing",
            ),
            **dict.fromkeys(("integration", "integration_session", "nachbesprechung"), "integration"),
            **dict.fromkeys(("follow_up", "followup", "fu", "nachsorge", "kontrolle", "review"), "follow_up"),
            **dict.fromkeys(("support", "check_in", "checkin"), "support"),
        },
        "route": {
            **dict.fromkeys(("im", "i_m", "intramuscular", "intramuskulaer", "injection"), "intramuscular"),
            **dict.fromkeys(("iv", "i_v", "intravenous", "intravenoes", "infusion"), "intravenous"),
            **dict.fromkeys(("in", "i_n", "intranasal", "nasal", "nasenspray", "nasal_spray"), "intranasal"),
            **dict.fromkeys(("sl", "s_l", "sublingual", "lozenge", "troche", "rdt", "odt"), "sublingual"),
        },
        "format": {
            **dict.fromkeys(("individual", "single", "einzel", "einzeln", "1_1"), "individual"),
            **dict.fromkeys(("group", "gruppe"), "group"),
        },
        "program_booked": {
            **dict.fromkeys(
                ("with_integration", "kap", "ketamine_assisted_therapy", "mit_integration", "mit_begleitung"),
                "with_integration",
            ),
            **dict.fromkeys(("ketamine_only", "nur_ketamin", "infusion_only", "medication_only"), "ketamine_only"),
        },
        "approach": {"psychedelic": "psychedelic", "psycholytic": "psycholytic"},
        "severity": {
            **dict.fromkeys(("mild", "leicht", "grade_1", "gering"), "mild"),
            **dict.fromkeys(("moderate", "mittel", "maessig", "grade_2"), "moderate"),
            **dict.fromkeys(("severe", "schwer", "stark", "grade_3"), "severe"),
        },
        "serious": {
            **dict.fromkeys(_YES, "1"),
            **dict.fromkeys(_NO, "0"),
        },
        "eligible_consent": {
            **dict.fromkeys((*_YES, "given", "signed", "obtained", "consented", "erteilt", "liegt_vor"), "1"),
            **dict.fromkeys(
                (*_NO, "declined", "refused", "withdrawn", "not_given", "abgelehnt", "widerrufen", "nicht_erteilt"), "0"
            ),
        },
        "eligible_medical": {
            **dict.fromkeys((*_YES, "cleared", "eligible"), "1"),
            **dict.fromkeys((*_NO, "not_cleared", "not_eligible", "ineligible"), "0"),
        },
        "diagnoses": {
            **dict.fromkeys(("mdd", "major_depression", "depression", "major_depressive_disorder"), "depression"),
            **dict.fromkeys(("trd", "treatment_resistant_depression"), "treatment_resistant_depression"),
            **dict.fromkeys(("bipolar", "bipolar_depression"), "bipolar_depression"),
            **dict.fromkeys(("gad", "anxiety", "generalized_anxiety_disorder", "angststoerung"), "anxiety"),
            **dict.fromkeys(("ptsd", "ptbs", "post_traumatic_stress_disorder"), "ptsd"),
            **dict.fromkeys(("ocd", "obsessive_compulsive", "obsessive_compulsive_disorder"), "obsessive_compulsive"),
            **dict.fromkeys(("sud", "substance_use", "substance_use_disorder"), "substance_use"),
            **dict.fromkeys(("eating_disorder", "essstoerung"), "eating_disorder"),
            **dict.fromkeys(("chronic_pain", "chronische_schmerzen"), "chronic_pain"),
            **dict.fromkeys(("adjustment", "adjustment_disorder", "anpassungsstoerung"), "adjustment"),
            "other": "other",
        },
    }
)
"""By coded column of the schema: normalized words and the code they mean."""

ICD_10: tuple[tuple[str, str], ...] = (
    (r"F3[23](\.[0-9]{1,2})?", "depression"),
    (r"F31\.[345]", "bipolar_depression"),
    (r"F4[01](\.[0-9]{1,2})?", "anxiety"),
    (r"F43\.1[0-9]?", "ptsd"),
    (r"F43\.2[0-9]?", "adjustment"),
    (r"F42(\.[0-9]{1,2})?", "obsessive_compulsive"),
    (r"F1[0-9](\.[0-9]{1,3})?", "substance_use"),
    (r"F50(\.[0-9]{1,2})?", "eating_disorder"),
)
"""Blocks of ICD-10 codes and the code of the schema that is nearest to them; a person should look at it."""

MISSING_WORDS: tuple[str, ...] = (
    *("n/a", "N/A", "na", "NA", "NaN", "nan", "null", "NULL", "None", "none", "missing", "Missing", "MISSING"),
    *("unknown", "Unknown", "not done", "not available", "k.A.", "k. A.", "k.A", "keine Angabe", "unbekannt", "entf."),
    *(".", "-", "--", "?", "#N/A", "-7", "-8", "-9", "-77", "-88", "-99", "-999"),
)
"""What stands for "not known" in many exports. Positive numbers such as 99 are never taken for it unasked."""

TOTAL_WORDS: tuple[str, ...] = ("", "total", "sum", "summe", "score", "total_score", "sum_score", "gesamt", "tot")
"""What follows the name of an instrument in the column of its total."""

ITEM_WORDS: tuple[str, ...] = ("", "item", "q", "i", "question", "frage", "item_")
"""What stands between the name of an instrument and the number of an item."""
