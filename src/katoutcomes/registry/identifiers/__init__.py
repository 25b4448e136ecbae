"""THE PRIVACY GATE: what looks like a direct identifier stops the load.

It can only find evidence that data are *not* de-identified. No program can certify that they are.

Two kinds of evidence are looked for in every column of every file, also in those that would be left out: column names,
and values in a form that hardly anything else has. What is found is named by file, column and rule, never by value.

References
----------
The classes follow the eighteen of the Safe Harbor method, 45 CFR 164.514(b)(2)(i), and their Canadian counterparts.
"""

from __future__ import annotations

from katoutcomes.registry.identifiers.ages import AGE_RULE, is_high_age
from katoutcomes.registry.identifiers.flags import evident_name_rules
from katoutcomes.registry.identifiers.gate import DOUBTS, Finding, refuse
from katoutcomes.registry.identifiers.names import NAME_RULES, holds_age, name_rule, normalized_words
from katoutcomes.registry.identifiers.overrides import GATE_RULES, Gate, Override, parse_overrides
from katoutcomes.registry.identifiers.patterns import VALUE_RULES
from katoutcomes.registry.identifiers.person_names import holds_given_name
from katoutcomes.registry.identifiers.shapes import array_shapes, reference_year
from katoutcomes.registry.identifiers.values import (
    holds_identifier,
    text_findings,
    value_findings,
)

__all__ = [
    "AGE_RULE",
    "DOUBTS",
    "GATE_RULES",
    "NAME_RULES",
    "VALUE_RULES",
    "Finding",
    "Gate",
    "Override",
    "array_shapes",
    "evident_name_rules",
    "holds_age",
    "holds_given_name",
    "holds_identifier",
    "is_high_age",
    "name_rule",
    "normalized_words",
    "parse_overrides",
    "reference_year",
    "refuse",
    "text_findings",
    "value_findings",
]
