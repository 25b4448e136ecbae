"""The tables of the CDM that are read: their columns, and the names by which the queries call them.

References
----------
OMOP Common Data Model 5.4, OHDSI/CommonDataModel, ``inst/ddl/5.4``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class CdmTable:
    """A table of the CDM.

    Attributes
    ----------
    name : str
        Its name, which is also the name of its file.
    required : mapping of str to str
        How the queries call a column, and the column, which must be there.
    optional : mapping of str to str
        The same for columns that may be missing.
    """

    name: str
    required: Mapping[str, str]
    optional: Mapping[str, str]

    @property
    def columns(self) -> dict[str, str]:
        """All columns that are used, by the name that the queries use."""
        return {**self.required, **self.optional}


def _event(name: str, stem: str, date: str, moment: str, **optional: str) -> CdmTable:
    """Return a table of events: key, person, concept, date, and what else there may be."""
    return CdmTable(
        name=name,
        required={"id": f"{name}_id", "person": "person_id", "concept": f"{stem}_concept_id", "date": date},
        optional={
            "moment": moment,
            "source_concept": f"{stem}_source_concept_id",
            "visit": "visit_occurrence_id",
            **optional,
        },
    )


PERSON = CdmTable("person", {"person": "person_id"}, {"gender": "gender_concept_id", "birth_year": "year_of_birth"})
CONCEPT = CdmTable(
    "concept",
    {"concept": "concept_id", "vocabulary": "vocabulary_id", "code": "concept_code"},
    {"title": "concept_name"},
)
MEASUREMENT = _event(
    "measurement",
    "measurement",
    "measurement_date",
    "measurement_datetime",
    number="value_as_number",
    value_concept="value_as_concept_id",
    operator="operator_concept_id",
)
OBSERVATION = _event(
    "observation",
    "observation",
    "observation_date",
    "observation_datetime",
    number="value_as_number",
    value_concept="value_as_concept_id",
)
PROCEDURE_OCCURRENCE = _event(
    "procedure_occurrence",
    "procedure",
    "procedure_date",
    "procedure_datetime",
    end_moment="procedure_end_datetime",
    quantity="quantity",
)
DRUG_EXPOSURE = _event(
    "drug_exposure",
    "drug",
    "drug_exposure_start_date",
    "drug_exposure_start_datetime",
    end_moment="drug_exposure_end_datetime",
    quantity="quantity",
    route="route_concept_id",
)
VISIT_OCCURRENCE = CdmTable(
    "visit_occurrence",
    {
        "id": "visit_occurrence_id",
        "person": "person_id",
        "concept": "visit_concept_id",
        "date": "visit_start_date",
    },
    {
        "moment": "visit_start_datetime",
        "end_moment": "visit_end_datetime",
        "source_concept": "visit_source_concept_id",
    },
)

SCORE_TABLES: tuple[CdmTable, ...] = (MEASUREMENT, OBSERVATION)
SESSION_TABLES: tuple[CdmTable, ...] = (PROCEDURE_OCCURRENCE, DRUG_EXPOSURE, VISIT_OCCURRENCE)
READ_TABLES: tuple[CdmTable, ...] = (CONCEPT, PERSON, *SCORE_TABLES, *SESSION_TABLES)
REQUIRED_TABLES: frozenset[str] = frozenset({"person", "concept"})

IDENTIFYING_TABLES: frozenset[str] = frozenset({"note", "note_nlp", "location", "provider", "care_site"})
"""Tables of texts, addresses and names; where a file of one, of any kind, is in the folder, the load is refused."""

BIRTH_COLUMNS: tuple[str, ...] = ("month_of_birth", "day_of_birth", "birth_datetime")
SOURCE_KEYS: tuple[str, ...] = (
    "person_source_value",
    "provider_source_value",
    "care_site_source_value",
    "location_source_value",
    "specimen_source_id",
)
"""Columns that hold the keys of the source system: chart numbers and the like."""

FREE_TEXT: tuple[str, ...] = ("sig", "value_as_string", "stop_reason", "lot_number")

LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "measurement": "M",
        "observation": "O",
        "procedure_occurrence": "P",
        "drug_exposure": "D",
        "visit_occurrence": "V",
    }
)
"""What keys of records begin with, so that those of two tables do not meet."""
