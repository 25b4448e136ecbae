"""What an identifier looks like: one regular expression a rule, the same for the data engine (RE2) and for Python.

Texts are folded before (`folding.py`), so dashes, blanks and digits are the plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from katoutcomes.registry.identifiers.check_digits import (
    is_iban,
    is_luhn,
    is_national_number,
    is_network_address,
    is_social_security_number,
    is_vehicle_number,
)

_HEX = "[0-9A-Fa-f]{1,4}"
_BEFORE = "(^|[^0-9A-Za-z-])"
_AFTER = "($|[^0-9A-Za-z-])"
_MEDICARE_LETTER = "[AC-HJKMNP-RT-Y]"
_MEDICARE_SIGN = "[0-9AC-HJKMNP-RT-Y]"
_STREETS = "street|avenue|boulevard|road|crescent|lane|highway|terrace|parkway|rue|strasse"
_SHORT_STREETS = "St|Ave|Av|Rd|Dr|Drive|Ln|Blvd|Ct|Court|Cres|Pl|Place|Hwy|Way"
_STREETS_FIRST = "rue|avenue|av[.]|boulevard|boul[.]|bd|chemin|ch[.]|all[ée]e|impasse|quai|rang|mont[ée]e"
_STREET_ENDINGS = "straße|strasse|str[.]|weg|platz|allee|gasse|damm|ufer|straat|laan"
_SPANISH_STREETS = "calle|avenida|avda[.]?|paseo|plaza|via|viale|piazza"
_STATES = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)
_FILE_ENDINGS = "jpe?g|png|gif|bmp|tiff?|heic|webp|pdf|docx?|rtf|mp3|mp4|m4a|wav|mov|avi|dcm|edf"
_AREA = "[2-9](0[1-9]|[1-8][0-9])"
"""First three digits of a number in North America; the next three begin with 2 to 9 as well."""
_LABELS = "tel|phone|fax|mobil|mobile|cell|handy|telefon|telephone|t[ée]l[ée]phone"
_POSTAL_FIRST = "[ABCEGHJ-NPRSTVXYabceghj-nprstvxy]"
_POSTAL_LETTER = "[ABCEGHJ-NPRSTV-Zabceghj-nprstv-z]"
CANADIAN_POSTAL_CODE = rf"{_POSTAL_FIRST}[0-9]{_POSTAL_LETTER}[0-9]{_POSTAL_LETTER}[0-9]"
"""Without a blank: a code of a study may look the same, so only a column of them is refused (`shapes.py`)."""
QUEBEC_HEALTH_NUMBER = r"[A-Z]{4}[- ]?[0-9]{2}(0[1-9]|1[0-2]|5[1-9]|6[0-2])[- ]?(0[1-9]|[12][0-9]|3[01])[- ]?[0-9]{2}"
_NATIONAL_NUMBERS = (
    r"[0-9]{3}[- ][0-9]{3}[- ][0-9]{3}",  # Canada
    r"756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}",  # Switzerland
    r"[12] ?[0-9]{2} ?(0[1-9]|1[0-2]) ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",  # France
    r"[0-9]{3}[.][0-9]{3}[.][0-9]{3}-[0-9]{2}",  # Brazil
    r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] [0-9]{2} [0-9]{2} [0-9]{2} [A-D]",  # United Kingdom
)

VALUE_RULES: Mapping[str, str] = MappingProxyType(
    {
        "value_email": (
            r"[^ @,;:<>()\t]@[^ @,;:.<>()\t]+([.][^ @,;:.<>()\t]+)*[.][^ @,;:.<>()0-9\t]{2,}"
            r"|[A-Za-z0-9._%+-] ?[(\[](at|AT|@)[)\]] ?[A-Za-z0-9-]+ ?([.]|[(\[](dot|DOT)[)\]]) ?[A-Za-z]{2,}"
        ),
        "value_url": (
            r"(?i:https?://|ftp://|\bwww[.]|[a-z0-9-][.](com|org|net|edu|gov|info|io|ca|de|fr|ch|uk|eu)/[^ ]"
            r"|^@[a-z][a-z0-9._]{3,29}$)"
        ),
        # Ten digits without a separator may be a study key, so a phone or fax number needs separators, a plus sign or
        # a word before it; a column of them is looked at in `shapes.py`.
        "value_phone": (
            rf"{_BEFORE}([+]?1[-. /]?)?([(]{_AREA}[)][-. ]?|{_AREA}[-. /])[2-9][0-9]{{2}}[-. ]?[0-9]{{4}}{_AFTER}"
            r"|[+][1-9][0-9]{0,2}[-. (]?[0-9][-. ()/0-9]{6,14}[0-9]"
            rf"|{_BEFORE}00[1-9][0-9]{{0,2}} [0-9][-. ()0-9]{{6,14}}[0-9]{_AFTER}"
            rf"|{_BEFORE}0[1-9]([ .-][0-9]{{2}}){{4}}{_AFTER}"
            rf"|{_BEFORE}[(]?0[1-9][0-9][)]?[ /] ?[0-9]{{3,4}} ?[0-9]{{4,5}}{_AFTER}"
            rf"|{_BEFORE}[(]?0[1-9][0-9]{{2,4}}[)]?[ /] ?[0-9]{{3,4}} ?[0-9]{{3,5}}{_AFTER}"
            rf"|{_BEFORE}[(]?0[1-9][0-9]{{1,4}}[)]?[ /] ?([0-9]{{2}} ){{2,4}}[0-9]{{2}}{_AFTER}"
            rf"|{_BEFORE}01[5-7][0-9]-[1-9][0-9]{{6,7}}{_AFTER}"
            rf"|{_BEFORE}{_AREA}[2-9][0-9]{{6}} ?(?i:x|ext)[. ]{{0,2}}[0-9]+{_AFTER}"
            rf"|(?i:(^|[^a-zé])({_LABELS})[.: #]{{1,3}})[(+]?[0-9][-. ()/0-9]{{5,}}[0-9]"
        ),
        "value_social_security_number": _BEFORE + r"[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}" + _AFTER,
        "value_social_insurance_number": f"{_BEFORE}({'|'.join(_NATIONAL_NUMBERS)}){_AFTER}",
        "value_health_number": (
            _BEFORE + r"[1-9][0-9]{3}[- ][0-9]{3}[- ][0-9]{3}([- ]?[A-Z]{2})?" + _AFTER
            + r"|" + _BEFORE + r"[1-9][0-9]{9}[- ]?[A-Z]{2}" + _AFTER  # Ontario, with its version
            + r"|" + _BEFORE + QUEBEC_HEALTH_NUMBER + _AFTER
            + r"|" + _BEFORE + r"[1-9]" + _MEDICARE_LETTER + _MEDICARE_SIGN + r"[0-9]-?" + _MEDICARE_LETTER
            + _MEDICARE_SIGN + r"[0-9]-?" + _MEDICARE_LETTER + r"{2}[0-9]{2}" + _AFTER  # Medicare, United States
        ),
        "value_labeled_number": (
            r"(?i:(^|[^a-z])(mrn|phn|hcn|ohip|ramq|nam|nas|ssn|sin|dob|born|chart (no|number)|dossier|n[ée]e? le)"
            r"[ :#.-]{0,3}[0-9]{2})"
        ),
        "value_account_number": (
            _BEFORE + r"[0-9]{4}[- ][0-9]{4}[- ][0-9]{4}[- ][0-9]{4}" + _AFTER
            + r"|" + _BEFORE + r"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}( ?[A-Z0-9]{4}){1,6}( ?[A-Z0-9]{1,3})?" + _AFTER
        ),
        "value_vehicle_number": _BEFORE + r"[0-9A-HJ-NPR-Z]{8}[0-9X][0-9A-HJ-NPR-Z]{8}" + _AFTER,
        "value_device": (
            _BEFORE + r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}" + _AFTER
            + r"|" + _BEFORE + r"[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){5}" + _AFTER
            + r"|[(]01[)] ?[0-9]{14}"
        ),
        "value_ip_address": (
            r"(^|[^0-9.])((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})[.]){3}(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})($|[^0-9.])"
            rf"|(^|[^0-9A-Za-z:])({_HEX}:){{7}}{_HEX}($|[^0-9A-Za-z:])"
            rf"|(^|[^0-9A-Za-z:])({_HEX}:){{1,6}}(:{_HEX}){{1,6}}($|[^0-9A-Za-z:])"
        ),
        "value_postal_code": (
            rf"(^|[^0-9A-Za-z]){_POSTAL_FIRST}[0-9]{_POSTAL_LETTER}[- ][0-9]{_POSTAL_LETTER}[0-9]($|[^0-9A-Za-z])"
            r"|(^|[^0-9A-Za-z])[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}($|[^0-9A-Za-z])"  # United Kingdom
        ),
        "value_zip_code": (
            _BEFORE + r"[0-9]{5}-[0-9]{4}" + _AFTER
            + rf"|(^|[^A-Za-z])({_STATES}),? [0-9]{{5}}($|[^0-9A-Za-z])"  # after the state
        ),
        "value_street_address": (
            rf"(^|[^0-9A-Za-z-])[0-9]{{1,5}}[A-Za-z]? (([A-Za-z0-9.'-]+ ){{1,3}}(?i:{_STREETS})"
            rf"|([A-Z0-9][A-Za-z0-9.'-]* ){{1,3}}({_SHORT_STREETS}))($|[^A-Za-z])"
            rf"|(^|[^0-9A-Za-z-])[0-9]{{1,5}} ?(bis|ter)?,? (?i:{_STREETS_FIRST}) [A-Za-zÀ-ÿ]"
            rf"|[A-Za-zäöüßé.-] ?(?i:{_STREET_ENDINGS}) [0-9]{{1,4}}($|[^0-9A-Za-z]|[a-z]($|[^A-Za-z]))"
            rf"|(?i:(^|[^a-z])({_SPANISH_STREETS})) [A-ZÀ-Ý][A-Za-zÀ-ÿ. ]{{1,40}},? [0-9]{{1,4}}($|[^0-9A-Za-z])"
            r"|(?i:\bp[.]? ?o[.]? box [0-9])|(?i:\bpostfach [0-9])"
        ),
        "value_coordinates": r"(^|[^0-9.])-?[0-9]{1,2}[.][0-9]{3,}([,;] ?-?| -)[0-9]{1,3}[.][0-9]{3,}($|[^0-9.])",
        "value_titled_name": (
            r"(^|[^A-Za-z])(Mr|Mrs|Ms|Miss|Dr|Dre|Prof|Mme|Mlle|Herr|Frau|Sra?)[.]? [A-ZÀ-Ý][a-zà-ÿ'-]+"
        ),
        "value_attachment": rf"(?i:[a-z0-9_)-][.]({_FILE_ENDINGS})($|[^0-9a-z.])|data:[a-z]+/[a-z0-9.+-]+;base64,)",
    }
)  # fmt: skip
"""Regular expressions that a value must not hold anywhere, by rule id."""


def _is_account(text: str) -> bool:
    return is_iban(text) if text.strip("- ")[:1].isalpha() else is_luhn(text)


VALUE_CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "value_social_security_number": is_social_security_number,
        "value_social_insurance_number": is_national_number,
        "value_account_number": _is_account,
        "value_vehicle_number": is_vehicle_number,
        "value_ip_address": is_network_address,
    }
)
"""What a match must pass besides: a check digit, without which study keys would be refused."""

KEY_EXEMPTIONS: frozenset[str] = frozenset(
    {
        "value_social_insurance_number",
        "value_health_number",
        "value_account_number",
        "value_vehicle_number",
        "value_zip_code",
        "value_ip_address",
        "value_attachment",
    }
)
"""Rules not held against the schema's own keys: country-site-subject numbers look the same. Whether a column of keys
consists of health or insurance numbers is told by their check digits instead (`shapes.py`)."""

SHORTEST_IDENTIFIER = 6
"""No value rule matches anything shorter, so codes, items and most numbers need not be tested."""

ANYTHING = "|".join(f"({pattern})" for pattern in VALUE_RULES.values())
"""What any value rule looks for."""


@cache
def compiled_anything() -> re.Pattern[str]:
    """Return `ANYTHING` compiled, which takes a while, so that only those wait for it who search in Python."""
    return re.compile(ANYTHING)
