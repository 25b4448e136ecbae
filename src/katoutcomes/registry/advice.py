"""What to do about a rule that is broken: one sentence a rule."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "required": "fill the cell, or leave the row out",
    }
)
"""Rule id to what usually helps."""


def advice(rule: str) -> str:
    """Return what to do about a rule; ``""`` where its description says it all."""
    return ADVICE.get(rule, "")
