"""Draw the README's pictures from the sample clinic: `make figures`. Page one needs the extra ``report``."""

from __future__ import annotations

from pathlib import Path

import katoutcomes as kat
from katoutcomes.report.content import report_content
from katoutcomes.report.pdf import report_pages
from katoutcomes.report.pictures import draw_pictures

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    """Write the trajectory of the PHQ-9 in the sample clinic and page one, from released results as the report does."""
    results = kat.run(kat.AnalysisPlan.default(), kat.read_registry(ROOT / "data" / "sample"))
    # Released by itself: beside the other tables of a report more of it is hidden.
    trajectory = kat.release(results.of("change_from_baseline", "PHQ-9")).plot("trajectory")
    (HERE / "trajectory.svg").write_text(trajectory.svg(), encoding="utf-8", newline="\n")
    content = report_content(results.release())
    pages = report_pages(content, draw_pictures(content), dots_per_inch=80)
    (HERE / "report.png").write_bytes(pages[0])


if __name__ == "__main__":
    main()
