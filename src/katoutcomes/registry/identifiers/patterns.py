"""What an identifier looks like: one regular expression a rule, the same for the data engine (RE2) and for Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from katoutcomes.registry.identifiers.check_digits import is_iban, is_luhn, is_vehicle_number

_HEX = "[0-9A-Fa-f]{1,4}"
_BEFORE = "(^|[^0-9A-Za-z-])"
_AFTER = "($|[^0-9A-Za-z-])"
_MEDICARE_LETTER = "[AC-HJKMNP-RT-Y]"
_MEDICARE_SIGN = "[0-9AC-HJKMNP-RT-Y]"
_STREETS = "street|avenue|boulevard|road|crescent|lane|highway|terrace|parkway|rue|strasse"
_SHORT_STREETS = "St|Ave|Av|Rd|Dr|Drive|Ln|Blvd|Ct|Court|Cres|Pl|Place|Hwy|Way"
_FILE_ENDINGS = "jpe?g|png|gif|bmp|tiff?|heic|webp|pdf|docx?|rtf|mp3|mp4|m4a|wav|mov|avi|dcm|edf"

VALUE_RULES: Mapping[str, str] = MappingProxyType(
    {
        "value_email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}",
        "value_url": r"(?i:https?://|ftp://|\bwww[.])",
        # Ten digits without a separator may be a study key, so a phone or fax number needs separators or a plus sign.
        "value_phone": (
            r"(^|[^0-9A-Za-z-])([+]?1[-. ]?)?([(][2-9][0-9]{2}[)] ?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}"
            r"($|[^0-9A-Za-z-])"
            r"|[+][1-9][0-9]{0,2}[-. (]?[0-9][-. ()0-9]{6,14}[0-9]"
        ),
        "value_social_security_number": _BEFORE + r"[0-9]{3}-[0-9]{2}-[0-9]{4}" + _AFTER,
        "value_social_insurance_number": _BEFORE + r"[0-9]{3}[- ][0-9]{3}[- ][0-9]{3}" + _AFTER,
        "value_health_number": (
            _BEFORE + r"[1-9][0-9]{3}[- ][0-9]{3}[- ][0-9]{3}([- ]?[A-Z]{2})?" + _AFTER
            + r"|" + _BEFORE + r"[1-9][0-9]{9}[- ]?[A-Z]{2}" + _AFTER  # Ontario, with its version
            + r"|" + _BEFORE + r"[1-9]" + _MEDICARE_LETTER + _MEDICARE_SIGN + r"[0-9]-?" + _MEDICARE_LETTER
            + _MEDICARE_SIGN + r"[0-9]-?" + _MEDICARE_LETTER + r"{2}[0-9]{2}" + _AFTER  # Medicare, United States
        ),
        "value_labeled_number": r"(?i:(^|[^a-z])(mrn|phn|hcn|ohip|ssn|dob|chart (no|number))[ :#.-]{0,3}[0-9]{2})",
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
            r"(^|[^0-9A-Za-z])[A-Za-z][0-9][A-Za-z] [0-9][A-Za-z][0-9]($|[^0-9A-Za-z])"  # Canada
            r"|(^|[^0-9A-Za-z])[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}($|[^0-9A-Za-z])"  # United Kingdom
        ),
        "value_zip_code": (
            _BEFORE + r"[0-9]{5}-[0-9]{4}" + _AFTER
            + r"|(^|[^A-Za-z])[A-Z]{2},? [0-9]{5}($|[^0-9A-Za-z])"  # after the state
        ),
        "value_street_address": (
            rf"(^|[^0-9A-Za-z-])[0-9]{{1,5}}[A-Za-z]? (([A-Za-z0-9.'-]+ ){{1,3}}(?i:{_STREETS})"
            rf"|([A-Z0-9][A-Za-z0-9.'-]* ){{1,3}}({_SHORT_STREETS}))($|[^A-Za-z])"
            r"|(?i:\bp[.]? ?o[.]? box [0-9])"
        ),
        "value_coordinates": r"(^|[^0-9.])-?[0-9]{1,2}[.][0-9]{3,}[,;] ?-?[0-9]{1,3}[.][0-9]{3,}($|[^0-9.])",
        "value_titled_name": r"(^|[^A-Za-z])(Mr|Mrs|Ms|Miss|Dr|Prof)[.]? [A-Z][a-z'’-]+",
        "value_attachment": rf"(?i:[a-z0-9_)-][.]({_FILE_ENDINGS})($|[^0-9a-z.])|data:[a-z]+/[a-z0-9.+-]+;base64,)",
    }
)  # fmt: skip
"""Regular expressions that a value must not hold anywhere, by rule id."""


def _is_account(text: str) -> bool:
    return is_iban(text) if text.strip("- ")[:1].isalpha() else is_luhn(text)


VALUE_CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "value_social_insurance_number": is_luhn,
        "value_account_number": _is_account,
        "value_vehicle_number": is_vehicle_number,
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
    }
)
"""Rules not held against the schema's own keys: country-site-subject numbers look the same. Whether a column of keys
consists of health or insurance numbers is told by their check digits instead (`shapes.py`)."""

SHORTEST_IDENTIFIER = 6
"""No value rule matches anything shorter, so codes, items and most numbers need not be tested."""
