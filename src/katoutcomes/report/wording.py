"""What stands in every document of a report, whatever its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DISCLAIMER = (
    "A research and reporting tool, not a monitoring or medical device. It cannot be used to watch over, diagnose or "
    "treat a patient."
)
SYNTHETIC = "Synthetic data: no real person is described here."
VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "with caution": "Read with caution: see the reasons below.",
        "withhold": "Not to be reported: see the reasons below.",
    }
)
"""What stands above a section whose verdict is not "report"."""
