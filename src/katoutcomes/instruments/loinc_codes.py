"""LOINC codes of a scale, and what a code means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument

_CODE = re.compile(r"[0-9]{1,7}-[0-9]")


@dataclass(frozen=True, slots=True)
class LoincCodes:
    """Codes under which a scale is exchanged. All empty where no source was seen.

    Attributes
    ----------
    total, panel : tuple of str
        Codes of the total, and of the questionnaire as a whole.
    items : tuple of str
        Codes of the items in the order of the questionnaire, which is not the order of the codes; ``""`` where one is
        not known. Empty: none is known.
    answers : tuple of (str, int)
        LOINC answer code and the number it stands for.
    refused : tuple of (str, str)
        Codes that are easily taken for one of these, and why they are something else.
    """

    total: tuple[str, ...] = ()
    panel: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    answers: tuple[tuple[str, int], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoincMeaning:
    """What a LOINC code stands for.

    Attributes
    ----------
    instrument : Instrument
        The scale; for an item the scale that it was written for, not a sub-scale.
    kind : {"total", "item", "panel"}
        What of it.
    item_number : int
        From 1; 0 unless it is an item.
    """

    instrument: Instrument
    kind: str
    item_number: int = 0


def is_loinc_code(code: str) -> bool:
    """Whether a text is a LOINC code: digits, a hyphen, and the check digit that belongs to them (Luhn, modulo 10).

    Examples
    --------
    >>> is_loinc_code("44261-6"), is_loinc_code("44261-9"), is_loinc_code("LA6568-5")
    (True, False, False)
    """
    if not _CODE.fullmatch(code):
        return False
    digits, check = code.split("-")
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return (sum(value // 10 + value % 10 for value in doubled) + int(check)) % 10 == 0
