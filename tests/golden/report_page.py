"""Page one of a made-up report as a picture, kept to see when it changes.

`python tests/golden/report_page.py` draws `report_page.png` anew; look at it before you keep it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
GOLDEN = FOLDER / "report_page.png"
DOTS_PER_INCH = 50


def _results():
    """Return made-up results beside this file, released."""
    spec = importlib.util.spec_from_file_location("figure_results", FOLDER / "figure_results.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    from katoutcomes.results.collection import Results

    by = "program_booked"
    results = (made.flow_result(600, by=by), made.change_result(600), made.clinical_result(600))
    return Results("Outcomes of a made-up clinic", tuple(made.hidden_below(result) for result in results))


def page() -> bytes:
    """Return page one as a PNG picture."""
    from katoutcomes.report.content import report_content
    from katoutcomes.report.pdf import report_pages
    from katoutcomes.report.pictures import draw_pictures

    content = report_content(_results())
    return report_pages(content, draw_pictures(content), dots_per_inch=DOTS_PER_INCH)[0]


if __name__ == "__main__":
    GOLDEN.write_bytes(page())
