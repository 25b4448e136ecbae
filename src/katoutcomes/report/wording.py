"""What stands in every document of a report, whatever its numbers."""

from __future__ import annotations

DISCLAIMER = (
    "A research and reporting tool, not a monitoring or medical device. It cannot be used to watch over, diagnose or "
    "treat a patient."
)
SYNTHETIC = "Synthetic data: no real person is described here."
