"""Draw the README's figure from the sample clinic: `make figures`."""

from __future__ import annotations

from pathlib import Path

import katoutcomes as kat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    """Write the trajectory of the PHQ-9 in the sample clinic, from released results as the report does."""
    results = kat.run(kat.AnalysisPlan.default(), kat.read_registry(ROOT / "data" / "sample")).release()
    trajectory = results.of("change_from_baseline", "PHQ-9").plot("trajectory")
    (HERE / "trajectory.svg").write_text(trajectory.svg(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
