"""The pages about FHIR and OMOP say what the readers do: their mappings can be read, their rules are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.coded import scores, sessions
from katoutcomes.registry.readers.fhir import export
from katoutcomes.registry.readers.fhir import sections as fhir_sections
from katoutcomes.registry.readers.fhir.person_elements import DOCUMENT_RESOURCES, PERSON_RESOURCES
from katoutcomes.registry.readers.omop import convert as omop_convert
from katoutcomes.registry.readers.omop import sections as omop_sections
from katoutcomes.registry.readers.omop.cdm_tables import BIRTH_COLUMNS, IDENTIFYING_TABLES, READ_TABLES

PAGES = Path(__file__).resolve().parents[2] / "docs" / "how_to"
FHIR = (PAGES / "load_fhir.md").read_text(encoding="utf-8")
OMOP = (PAGES / "load_omop.md").read_text(encoding="utf-8")


def mapping_of(page: str) -> str:
    return "\n".join(re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL))


def test_the_mappings_of_the_pages_can_be_read() -> None:
    fhir = fhir_sections.read_sections(parse_mapping(mapping_of(FHIR), "mapping.toml"))
    assert len(fhir.sessions) == 2
    assert fhir.patients is not None
    assert fhir.scales.versions == {"pcl5": "past_month"}
    omop = omop_sections.read_sections(parse_mapping(mapping_of(OMOP), "mapping.toml"))
    assert len(omop.sessions) == 2
    assert omop.age == "index_year"


@pytest.mark.parametrize(("page", "left_out"), [(FHIR, export.LEFT_OUT), (OMOP, omop_convert.LEFT_OUT)])
def test_the_pages_name_every_rule(page: str, left_out: dict[str, tuple[str, str]]) -> None:
    named = set(re.findall(r"`([a-z_]+)`", page))
    for rule in (*left_out, *scores.PROBLEMS, *sessions.PROBLEMS, "not_decoded"):
        is_fhir_only = page is OMOP and rule == "answer_not_coded"  # a cell of the CDM is no text answer
        assert is_fhir_only or rule in named, rule


def test_the_pages_name_what_refuses_a_load() -> None:
    assert set(re.findall(r"`(fhir_[a-z_]+)`", FHIR)) == {
        "fhir_person_resource", "fhir_document_resource", "fhir_human_name", "fhir_person_element",
        "fhir_person_display", "fhir_person_identifier", "fhir_attachment", "fhir_place",
        "fhir_element_name",
    }  # fmt: skip
    for kind in PERSON_RESOURCES | DOCUMENT_RESOURCES:
        assert kind in FHIR
    for name in (*IDENTIFYING_TABLES, *BIRTH_COLUMNS, *(table.name for table in READ_TABLES)):
        assert f"`{name}`" in OMOP
