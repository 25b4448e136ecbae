"""The table ``[loinc]`` of a definition file."""

from __future__ import annotations

import re

from katoutcomes.instruments.loinc_codes import LoincCodes, is_loinc_code
from katoutcomes.instruments.scale_tables import ItemSet
from katoutcomes.instruments.toml_table import TomlTable

_ANSWER_CODE = re.compile(r"LA[0-9]+-[0-9]")


def read_loinc(
    table: TomlTable,
    items: ItemSet,
    *,
    inherited_items: tuple[str, ...] = (),
    inherited_answers: tuple[tuple[str, int], ...] = (),
) -> LoincCodes:
    """Return the codes of a scale; every list may be left out. A sub-scale inherits those of its items and answers."""
    refused = []
    for row in table.tables("refused"):
        refused.append((row.text("code"), row.text("reason")))
        row.finish()
    codes = LoincCodes(
        total=table.texts("total", default=()),
        panel=table.texts("panel", default=()),
        items=table.texts("items", may_be_empty=True, default=inherited_items),
        answers=table.wholes_by_name("answers") or inherited_answers,
        refused=tuple(refused),
    )
    table.finish()
    if table.is_sound():
        _check_codes(table, codes, items)
    return codes


def _check_codes(table: TomlTable, codes: LoincCodes, items: ItemSet) -> None:
    used = (*codes.total, *codes.panel, *(code for code in codes.items if code))
    refused = tuple(code for code, _ in codes.refused)
    for key, listed in (("total", codes.total), ("panel", codes.panel), ("items", codes.items), ("refused", refused)):
        for code in listed:
            if code and not is_loinc_code(code):
                table.note(key, f"{code!r} is no LOINC code: its check digit does not belong to it.")
    if set(codes.total) & set(codes.items):
        table.note("items", "the code of the total stands among the items.")
    elif len(set(used)) < len(used):
        table.note("panel", "a code has two meanings.")
    if set(refused) & set(used):
        table.note("refused", "a code that is refused is used above.")
    if len(set(refused)) < len(refused):
        table.note("refused", "names a code twice.")
    if items.is_sound:
        _check_items_and_answers(table, codes, items)


def _check_items_and_answers(table: TomlTable, codes: LoincCodes, items: ItemSet) -> None:
    if codes.items and len(codes.items) != items.n_items:
        table.note("items", f"must hold {items.n_items} codes, one an item; an unknown one is an empty text.")
    if not all(_ANSWER_CODE.fullmatch(code) for code, _ in codes.answers):
        table.note("answers", "must be LOINC answer codes: LA and digits, a hyphen, a digit.")
    legal = {value for number in range(1, items.n_items + 1) for value in items.answers(number)}
    if any(value not in legal for _, value in codes.answers):
        table.note("answers", "stand for a number that is no answer of any item.")
