"""Numbers that prove themselves: check digits of health, insurance, bank, vehicle and device numbers.

References
----------
Luhn: ISO/IEC 7812-1, annex B. IBAN: ISO 13616 (mod 97). Vehicle numbers: 49 CFR 565.15(c). The national numbers: as
their issuers describe them; each function names its modulus.
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


def is_social_security_number(text: str) -> bool:
    """Return whether nine digits are a number that the United States may have given to a person.

    Examples
    --------
    >>> is_social_security_number("078-05-1120"), is_social_security_number("000-12-3456")
    (True, False)
    """
    digits = digits_of(text)
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def is_swiss_number(text: str) -> bool:
    """Return whether a text is a Swiss insurance number: thirteen digits from 756 on, modulo 10.

    Examples
    --------
    >>> is_swiss_number("756.9217.0769.85"), is_swiss_number("756.9217.0769.84")
    (True, False)
    """
    digits = [int(digit) for digit in digits_of(text)]
    return len(digits) == 13 and digits[:3] == [7, 5, 6] and (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0


def is_french_number(text: str) -> bool:
    """Return whether a text is a French insurance number: thirteen signs and their complement modulo 97.

    Examples
    --------
    >>> is_french_number("2 55 08 14 168 025 38"), is_french_number("2 55 08 14 168 025 39")
    (True, False)
    """
    plain = re.sub(r"[^0-9AB]", "", text)
    if not re.fullmatch(r"[12][0-9]{5}[0-9AB]{2}[0-9]{7}", plain):
        return False
    number = int(plain[:13].replace("2A", "19", 1).replace("2B", "18", 1).replace("A", "0").replace("B", "0"))
    return 97 - number % 97 == int(plain[13:])


def is_brazilian_number(text: str) -> bool:
    """Return whether a text is a Brazilian taxpayer number: eleven digits, two of which check the others.

    Examples
    --------
    >>> is_brazilian_number("529.982.247-25"), is_brazilian_number("529.982.247-26")
    (True, False)
    """
    digits = [int(digit) for digit in digits_of(text)]
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    for place in (9, 10):
        total = sum((place + 1 - position) * digits[position] for position in range(place))
        if total * 10 % 11 % 10 != digits[place]:
            return False
    return True


def is_german_health_number(text: str) -> bool:
    """Return whether a text is the lifelong number of a German health insurance: a letter and nine digits, modulo 10.

    Examples
    --------
    >>> is_german_health_number("A123456780"), is_german_health_number("A123456781")
    (True, False)
    """
    if not re.fullmatch(r"[A-Z][0-9]{9}", text):
        return False
    digits = [int(digit) for digit in f"{ord(text[0]) - 64:02d}{text[1:9]}"]
    weighted = [digit * (1 + place % 2) for place, digit in enumerate(digits)]
    return sum(value // 10 + value % 10 for value in weighted) % 10 == int(text[9])


def is_spanish_number(text: str) -> bool:
    """Return whether a text is a Spanish identity number: seven or eight digits and a letter, modulo 23.

    Examples
    --------
    >>> is_spanish_number("12345678Z"), is_spanish_number("12345678A")
    (True, False)
    """
    found = re.fullmatch(r"([XYZ]?)([0-9]{7,8})[- ]?([A-Z])", text)
    if found is None:
        return False
    number = int(("", "0", "1", "2")["XYZ".find(found[1]) + 1 if found[1] else 0] + found[2])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == found[3]


def is_national_number(text: str) -> bool:
    """Return whether a text in the form of a Canadian, Swiss, French, Brazilian or British number passes its check.

    Examples
    --------
    >>> is_national_number("046 454 286"), is_national_number("AB 12 34 56 C"), is_national_number("301.001.001-01")
    (True, True, False)
    """
    n_digits = len(digits_of(text))
    if n_digits == 6:  # the British number has no check digit, but two letters before and one after its blanks
        return True
    if n_digits == 9:
        return is_luhn(text)
    return is_swiss_number(text) or is_french_number(text) or is_brazilian_number(text)


LARGEST_PART_OF_AN_OUTLINE = 59
"""Version numbers and numbers of chapters have small parts; of addresses hardly any has four parts as small as this."""


def is_network_address(text: str) -> bool:
    """Return whether four numbers with dots are an address rather than a version or an outline.

    Examples
    --------
    >>> is_network_address("203.0.113.77"), is_network_address("10.1.1.3"), is_network_address("2001:db8::7")
    (True, False, True)
    """
    parts = re.findall(r"[0-9]+", text)
    return ":" in text or max(int(part) for part in parts) > LARGEST_PART_OF_AN_OUTLINE


CHECKED_NUMBERS: Mapping[str, tuple[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "insurance": (r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", is_luhn),
        "bc_health": (r"9[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}", is_bc_health_number),
        "ontario_health": (r"[0-9]{4}[- ]?[0-9]{3}[- ]?[0-9]{3}([- ]?[A-Za-z]{1,2})?", is_luhn),
        "nhs": (r"[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{4}", is_nhs_number),
        "swiss": (r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}", is_swiss_number),
        "french": (r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", is_french_number),
        "brazilian": (r"[0-9]{3}[.]?[0-9]{3}[.]?[0-9]{3}-?[0-9]{2}", is_brazilian_number),
        "german_health": (r"[A-Z][0-9]{9}", is_german_health_number),
        "spanish": (r"[XYZ]?[0-9]{7,8}[- ]?[A-Z]", is_spanish_number),
        "device": (r"[0-9]{15}", is_luhn),
        "card": (r"[0-9]{4}([- ]?[0-9]{4}){3}", is_luhn),
    }
)
"""Kinds of number: the form that the whole cell has, and the check digit that it then holds."""
