"""What to do about a rule that is broken: a few words a rule, for those who keep the files."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_AT_THE_SOURCE = "correct it at the source"
_LEAVE_COLUMN_OUT = "leave the column out where the file is made"
_REPLACE_VALUE = "remove the value where the file is made"

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        # Cells.
        "required": "fill the cell, or leave the row out",
        "unique": "find out which of the rows is right; a row entered twice is deleted once",
        "text": "shorten the cell; line breaks and tabs do not belong into it",
        "code": "export the codes of the schema, or decode them with a mapping file",
        "codes": "export the codes of the schema, or decode them with a mapping file",
        "term": "use a coded term; free text may identify a person",
        "integer": "write a whole number, or leave the cell empty",
        "number": "write a number with a point, or leave the cell empty",
        "flag": "write 1 or 0, or leave the cell empty",
        "day": "write a whole number of days",
        "date": "write YYYY-MM-DD, or name the format in a mapping file",
        "impossible_date": _AT_THE_SOURCE,
        "time": "write HH:MM, or leave the cell empty",
        "quarter": "write the quarter as in 2026Q3",
        "range": f"{_AT_THE_SOURCE}, or leave the cell empty where the value is not known",
        "dosing_only": "is it a dosing session, or was the cell copied?",
        "age_band_agrees": "give one of the two, or correct it",
        "dose_weight": "correct the one that is wrong, or leave it empty",
        # Links and days.
        "link": "add the row that is missing, or correct the key",
        "unlinked": "comes right when the row it belongs to does",
        "session_of_patient": "correct the session or the patient",
        "span": "correct the year",
        # Scores.
        "instrument_known": "write the scale's id (katoutcomes instruments lists them)",
        "version_known": "write a version of the catalog, or leave the cell empty",
        "metric_known": "write a metric of the catalog, or leave the cell empty",
        "metric_named": "say in which metric the total is, in the column metric",
        "session_named": "name the session in the column session_id",
        "total_or_items": "give the total, all items, or leave the row out",
        "items_complete": "give all items, or the total alone; nothing is prorated unasked",
        "items_beyond": "is it another version of the scale?",
        "total_range": "is it another scale, another metric, or a typing error?",
        "total_step": "is it another metric, a mean of items, or a typing error?",
        "total_equals_items": "one of the two is wrong: give the items alone, or correct the total",
        "item_range": "export raw answers; leave the cell empty where nothing was answered",
        "one_score_a_day": "delete the one that was entered twice, or correct its day",
        # What a mapping file says.
        "not_decoded": 'add a line for it to that table of the mapping file; "" means “not known”',
        "decimal": 'say decimal = "," or "." in the mapping file, or name the unit behind the numbers in [file.units]',
        "unit": "correct it at the source; a number in another unit needs a section or a factor of its own",
        "date_format": "name the form in date_format; several forms of one column are a list",
        "time_format": "name the form in time_format",
        "ambiguous_date": "ask where the export is made whether day or month comes first, and correct these dates",
        "no_first_dose": "add the patient's dosing session, or leave the row out",
        "repeated_row": "a row that was exported twice is deleted once; if both are right, give them keys",
        # Identifiers.
        "value_in_header": "the first line must hold the names of the columns, and nothing else",
        "value_age_above_89": "write 89 for every age above 89",
        "value_birth_date": "replace birth dates by the age in years",
        "value_person_names": _LEAVE_COLUMN_OUT,
        "value_checked_numbers": "replace them by study keys, or let --salt-file make new keys at the source",
        "value_postal_code_too_long": "keep the first three characters",
        "column_name_birth_date": "replace it by age_years",
        "column_name_health_number": "replace it by a study key; if it is one already, give the column another name",
        "column_name_free_text": "leave free text out where the file is made: it may name anybody",
    }
)
"""Rule id to what usually helps."""


def advice(rule: str) -> str:
    """Return what to do about a rule; ``""`` where its description says it all.

    Examples
    --------
    >>> advice("unlinked"), advice("value_email"), advice("column_name_phone")
    ('comes right when the row it belongs to does',
     'remove the value where the file is made',
     'leave the column out where the file is made')
    """
    if rule in ADVICE:
        return ADVICE[rule]
    if rule.startswith("value_"):
        return _REPLACE_VALUE
    return _LEAVE_COLUMN_OUT if rule.startswith("column_name_") else ""
