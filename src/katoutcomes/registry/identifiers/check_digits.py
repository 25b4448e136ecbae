"""Numbers that prove themselves: check digits of health, insurance, bank, vehicle and device numbers.

References
----------
Luhn: ISO/IEC 7812-1, annex B. IBAN: ISO 13616 (mod 97). Vehicle numbers: 49 CFR 565.15(c).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

_BC_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3)
_NHS_WEIGHTS = (10, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def digits_of(text: str) -> str:
    """Return the digits of a text, without anything between them."""
    return re.sub(r"[^0-9]", "", text)


def is_luhn(text: str) -> bool:
    """Return whether the digits of a text end with their Luhn check digit.

    Examples
    --------
    >>> is_luhn("046 454 286"), is_luhn("046 454 287"), is_luhn("000 000 000")
    (True, False, False)
    """
    digits = [int(digit) for digit in digits_of(text)]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_bc_health_number(text: str) -> bool:
    """Return whether a text is a personal health number of British Columbia: ten digits that begin with 9, modulo 11.

    Examples
    --------
    >>> is_bc_health_number("9698658215"), is_bc_health_number("9698658216")
    (True, False)
    """
    digits = [int(digit) for digit in digits_of(text)]
    if len(digits) != 10 or digits[0] != 9:
        return False
    total = sum(weight * digit % 11 for weight, digit in zip(_BC_WEIGHTS, digits[1:9], strict=True))
    return (11 - total % 11) == digits[9]


def is_nhs_number(text: str) -> bool:
    """Return whether a text is a number of the British health service: ten digits, modulo 11.

    Examples
    --------
    >>> is_nhs_number("943 476 5919"), is_nhs_number("943 476 5918")
    (True, False)
    """
    digits = [int(digit) for digit in digits_of(text)]
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    total = sum(weight * digit for weight, digit in zip(_NHS_WEIGHTS, digits[:9], strict=True))
    return (11 - total % 11) % 11 == digits[9]


def is_iban(text: str) -> bool:
    """Return whether a text is an international bank account number.

    Examples
    --------
    >>> is_iban("GB82 WEST 1234 5698 7654 32"), is_iban("GB83WEST12345698765432")
    (True, False)
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


def is_vehicle_number(text: str) -> bool:
    """Return whether a text is a vehicle identification number with its check digit.

    Examples
    --------
    >>> is_vehicle_number("1M8GDM9AXKP042788"), is_vehicle_number("1M8GDM9A1KP042788")
    (True, False)
    """
    plain = re.sub(r"[^0-9A-Za-z]", "", text).upper()
    if len(plain) != 17 or not set(plain) <= {*_VIN_VALUES, *"0123456789"}:
        return False
    values = [_VIN_VALUES.get(sign) or int(sign) for sign in plain]
    check = sum(weight * value for weight, value in zip(_VIN_WEIGHTS, values, strict=True)) % 11
    return plain[8] == ("X" if check == 10 else str(check))


CHECKED_NUMBERS: Mapping[str, tuple[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "insurance": (r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", is_luhn),
        "bc_health": (r"9[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", is_bc_health_number),
        "ontario_health": (r"[0-9]{4}[- ]?[0-9]{3}[- ]?[0-9]{3}([- ]?[A-Za-z]{1,2})?", is_luhn),
        "nhs": (r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{4}", is_nhs_number),
        "device": (r"[0-9]{15}", is_luhn),
        "card": (r"[0-9]{4}([- ]?[0-9]{4}){3}", is_luhn),
    }
)
"""Kinds of number: the form that the whole cell has, and the check digit that it then holds."""
