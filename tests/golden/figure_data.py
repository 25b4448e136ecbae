"""The numbers behind the artists of every figure, kept as text: they survive another font or another matplotlib.

`python tests/golden/figure_data.py` writes `figures.json` anew; look at the figures before you keep it.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
GOLDEN = FOLDER / "figures.json"


def load_results():
    """Return the module of made-up results beside this one."""
    spec = importlib.util.spec_from_file_location("figure_results", FOLDER / "figure_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures():
    """Return the figures whose data are kept, by name."""
    from katoutcomes.figures.adjusted_means import adjusted_means
    from katoutcomes.figures.flow import flow
    from katoutcomes.figures.jacobson import jacobson
    from katoutcomes.figures.paired_change import paired_change
    from katoutcomes.figures.trajectory import trajectory

    made = load_results()
    change = made.change_result(90, by="program_booked")
    clinical = made.clinical_result(90, by="program_booked")
    many = made.hidden_below(made.clinical_result(600))
    return {
        "flow": flow(made.hidden_below(made.flow_result(by="program_booked"))),
        "trajectory": trajectory(change),
        "trajectory, released": trajectory(made.hidden_below(change, 22)),
        "adjusted means": adjusted_means(made.mmrm_result(90, by="program_booked")),
        "adjusted means, hidden": adjusted_means(made.hidden_below(made.mmrm_result(90, by="program_booked"), 25)),
        "paired change": paired_change(change),
        "paired change, released": paired_change(made.hidden_below(made.change_result(600, by="program_booked"))),
        "jacobson": jacobson(clinical, each_group=True),
        "jacobson, released": jacobson(many),
        "jacobson, service rule": jacobson(many, made.NHS),
    }


def _rounded(cell):
    return float(f"{cell:.10g}") if isinstance(cell, float) else cell


def _numbers(values):
    return [[None if value != value else float(f"{value:.10g}") for value in row] for row in values]


def artist_data(figure):
    """Return what the artists of each axes hold: lines, segments and marks, rectangles."""
    from matplotlib.collections import LineCollection, PathCollection
    from matplotlib.patches import Rectangle

    found = []
    for axes in figure.axes():
        collections = axes.collections
        rectangles = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        segments = [segment for one in collections if isinstance(one, LineCollection) for segment in one.get_segments()]
        marks = [one for one in collections if isinstance(one, PathCollection)]
        found.append(
            {
                "limits": _numbers([axes.get_xlim(), axes.get_ylim()]),
                "lines": [_numbers(line.get_xydata().tolist()) for line in axes.get_lines()],
                "segments": [_numbers(segment.tolist()) for segment in segments],
                "marks": [
                    _numbers(
                        [*offset, size]
                        for offset, size in zip(one.get_offsets().tolist(), one.get_sizes().tolist(), strict=True)
                    )
                    for one in marks
                ],
                "rectangles": _numbers([*box.get_xy(), box.get_width(), box.get_height()] for box in rectangles),
                "texts": [text.get_text() for text in axes.texts],
            }
        )
    return found


def kept_data():
    """Return everything that is kept of every figure."""
    return {
        name: {
            "name": figure.name,
            "title": figure.title,
            "alt_text": figure.alt_text,
            "columns": list(figure.columns),
            "rows": [[_rounded(cell) for cell in row] for row in figure.rows],
            "axes": artist_data(figure),
            "page_texts": [text.get_text() for text in figure.matplotlib_figure().texts],
        }
        for name, figure in figures().items()
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(kept_data(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
