"""The data dictionary of a REDCap project: choices, columns of checkboxes, and what is no dictionary."""

from __future__ import annotations

import pytest

from katoutcomes.registry.readers.redcap.dictionary import checkbox_column, parse_choices, parse_dictionary

HEADINGS = (
    "Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Field Note,Text Validation Type OR Show Slider Number,'
    "Text Validation Min,Text Validation Max,Identifier?,Branching Logic (Show field only if...),Required Field?,"
    "Custom Alignment,Question Number (surveys only),Matrix Group Name,Matrix Ranking?,Field Annotation\n"
)
API_HEADINGS = (
    "field_name,form_name,section_header,field_type,field_label,select_choices_or_calculations,field_note,"
    "text_validation_type_or_show_slider_number,text_validation_min,text_validation_max,identifier,branching_logic,"
    "required_field,custom_alignment,question_number,matrix_group_name,matrix_ranking,field_annotation\n"
)


def line(name: str, kind: str, *, choices: str = "", validation: str = "", identifier: str = "") -> str:
    return f'{name},intake,,{kind},"A label\nin two lines","{choices}",,{validation},,,{identifier},,,,,,,\n'


@pytest.mark.parametrize("headings", [HEADINGS, API_HEADINGS])
def test_both_forms_of_the_dictionary_are_read(headings: str) -> None:
    text = headings + line("record_id", "text") + line("seen", "yesno") + line("born", "text", identifier="y")
    found = parse_dictionary(("\ufeff" + text).encode(), "d.csv")
    assert found.faults == ()
    assert list(found.fields) == ["record_id", "seen", "born"]
    assert found.fields["seen"].choices == (("1", "Yes"), ("0", "No"))
    assert [entry.is_identifier for entry in found.fields.values()] == [False, False, True]


def test_choices_keep_commas_of_labels_and_lose_markup() -> None:
    assert parse_choices("1,Yes, always |2, <i>No</i>| a_b,  Two   words ") == (
        ("1", "Yes, always"),
        ("2", "No"),
        ("a_b", "Two words"),
    )


@pytest.mark.parametrize(
    ("code", "column"), [("1", "f___1"), ("-99", "f____99"), ("ABC", "f___abc"), ("a.b", "f___a_b"), ("x_y", "f___x_y")]
)
def test_columns_of_checkboxes(code: str, column: str) -> None:
    assert checkbox_column("f", code) == column


def test_descriptive_text_has_no_column() -> None:
    found = parse_dictionary((HEADINGS + line("note_to_all", "descriptive")).encode(), "d.csv")
    assert found.column_fields() == {}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "rule csv"),
        (b"record_id,phq9_1\n1,2\n", "rule redcap_dictionary"),
        (HEADINGS.encode(), "describes no field"),
        ((HEADINGS + line("a", "text") + line("a", "text")).encode(), "describes a field twice"),
        ((HEADINGS + line("", "text")).encode(), "lacks its field name"),
        ((HEADINGS + "a,b,c\n").encode(), "rule row_length"),
        ((HEADINGS + line("a", "text")).encode("utf-16"), "rule encoding"),
    ],
)
def test_what_is_no_dictionary(content: bytes, fault: str) -> None:
    found = parse_dictionary(content, "d.csv")
    assert len(found.faults) == 1
    assert fault in found.faults[0]
    assert found.faults[0].startswith("d.csv: ")
