"""What the caller allows although the gate would refuse it: named rules, each of which is logged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from katoutcomes.errors import OptionError
from katoutcomes.registry.identifiers.ages import AGE_RULE
from katoutcomes.registry.identifiers.gate import DOUBTS, Finding, refuse
from katoutcomes.registry.identifiers.names import NAME_RULES
from katoutcomes.registry.identifiers.patterns import VALUE_RULES
from katoutcomes.registry.identifiers.values import POSTAL_PREFIX_RULE

_RULE = re.compile(r"[a-z][a-z0-9_]*")

_RULES_OF_COLUMNS = ("value_birth_date", "value_checked_numbers", "value_person_names", "value_in_header")
_RULES_OF_FORMATS = (
    "fhir_attachment",
    "fhir_document_resource",
    "fhir_element_name",
    "fhir_human_name",
    "fhir_person_display",
    "fhir_person_element",
    "fhir_person_identifier",
    "fhir_person_resource",
    "fhir_place",
    "omop_birth_date",
    "omop_identifying_table",
    "omop_source_value",
    "parquet_metadata",
    "redcap_identifier_field",
    "redcap_notes_field",
    "redcap_survey_identifier",
    "staff_login",
    "workbook_part",
)

GATE_RULES: tuple[str, ...] = tuple(
    sorted((*NAME_RULES, *VALUE_RULES, AGE_RULE, POSTAL_PREFIX_RULE, *_RULES_OF_COLUMNS, *_RULES_OF_FORMATS, *DOUBTS))
)
"""Every rule that the gate has."""


@dataclass(frozen=True, slots=True)
class Override:
    """A rule of the gate that may be broken.

    Attributes
    ----------
    rule : str
        Rule id.
    file, column : str
        Where; ``""`` is everywhere.
    """

    rule: str
    file: str = ""
    column: str = ""

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is allowed by it."""
        return (
            finding.rule == self.rule
            and self.file in ("", finding.file)
            and self.column.casefold() in ("", finding.column.casefold())
        )


def parse_overrides(allow: Sequence[str]) -> tuple[Override, ...]:
    """Read the argument `allow`.

    Parameters
    ----------
    allow : sequence of str
        Each ``"rule"``, ``"rule:column"`` or ``"rule:file:column"``.

    Raises
    ------
    OptionError
        If one has another form, or names no rule of the gate. The argument is the caller's own word, so the message may
        repeat it.

    Examples
    --------
    >>> parse_overrides(["value_phone:site"])
    (Override(rule='value_phone', file='', column='site'),)
    """
    if isinstance(allow, str):
        raise OptionError("allow takes a list of rules, such as ['value_phone:site'], not one text.")
    found = []
    for text in allow:
        rule, *place = str(text).split(":")
        if not _RULE.fullmatch(rule) or len(place) > 2 or not all(place):
            raise OptionError(f"allow takes 'rule', 'rule:column' or 'rule:file:column'; got {text!r}.")
        if rule not in GATE_RULES:
            raise OptionError(f"allow names no rule of the gate: {rule!r}.{_meant(rule)}")
        found.append(Override(rule, place[0] if len(place) == 2 else "", place[-1] if place else ""))
    return tuple(found)


def _meant(rule: str) -> str:
    """Return what to write instead: the rule that was probably meant, or else all of them."""
    close = get_close_matches(rule, GATE_RULES, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(GATE_RULES)}."


class Gate:
    """The gate of one load: refuses what was found unless it is allowed, and remembers what was allowed.

    Parameters
    ----------
    overrides : sequence of Override
        What is allowed.
    """

    __slots__ = ("_doubts", "_overrides", "_used")

    def __init__(self, overrides: Sequence[Override] = ()) -> None:
        self._overrides = tuple(overrides)
        self._used: dict[str, None] = {}
        self._doubts: dict[Finding, None] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """What was allowed and was there, as ``"rule:file:column"``, in the order of the files."""
        return tuple(self._used)

    @property
    def doubts(self) -> tuple[Finding, ...]:
        """What may be an identifier and may as well be none; it is to be warned of."""
        return tuple(self._doubts)

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raise `IdentifierError` for what was found and is not allowed."""
        refused = []
        for finding in findings:
            if any(override.covers(finding) for override in self._overrides):
                self._used[f"{finding.rule}:{finding.file}:{finding.column}"] = None
            elif finding.rule in DOUBTS:
                self._doubts[finding] = None
            else:
                refused.append(finding)
        refuse(refused)
