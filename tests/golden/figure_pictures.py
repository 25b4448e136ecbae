"""The main figures of the default report as small grey pictures, of made-up results and of a small synthetic clinic.

`python tests/golden/figure_pictures.py` writes `pictures/` anew; look at the pictures before you keep them.
"""

from __future__ import annotations

import importlib.util
from io import BytesIO
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PICTURES = FOLDER / "pictures"
DOTS_PER_INCH = 50


def figures():
    """Return the figures by name: those whose data are kept, released, and those of quarters, sites, events, losses.

    The latter are not released, so that the pictures stay when a rule of what is hidden changes.
    """
    spec = importlib.util.spec_from_file_location("figure_data", FOLDER / "figure_data.py")
    figure_data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figure_data)
    drawn = figure_data.figures()
    released = ("flow", "trajectory, released", "paired change, released", "jacobson, released")
    return {name.removesuffix(", released"): drawn[name] for name in released} | clinic_figures()


def clinic_figures():
    import katoutcomes as kat

    cohort = kat.select_cohort(kat.simulate_registry(seed=3, n_patients=480, n_quarters=16))
    data = cohort.analysis_set("PHQ-9", treatment="program_booked")
    time = kat.outcomes_over_time(data)
    return {
        "over time": time.plot(),
        "recent": time.plot("recent"),
        "sites": kat.compare_sites(data).plot(),
        "safety events": kat.safety(cohort).plot(),
        "dropout curve": kat.dropout(data).plot(),
    }


def picture(figure) -> bytes:
    """Return a figure as a grey PNG picture."""
    from PIL import Image

    with Image.open(BytesIO(figure.png(dpi=DOTS_PER_INCH))) as drawn:
        grey = drawn.convert("L")
    written = BytesIO()
    grey.save(written, format="PNG", optimize=True)
    return written.getvalue()


def file_of(name: str) -> Path:
    return PICTURES / f"{name.replace(' ', '_')}.png"


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name, figure in figures().items():
        file_of(name).write_bytes(picture(figure))
