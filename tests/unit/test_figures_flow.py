"""The flow diagram: every row of the part, in boxes that hold their text and never touch."""

from __future__ import annotations

import importlib.util
from itertools import combinations
from pathlib import Path

import pytest

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import text_width
from katoutcomes.figures.drawing.style import PAGE_WIDTH
from katoutcomes.figures.flow import COLUMNS, flow, flow_boxes, flow_rows

_SPEC = importlib.util.spec_from_file_location(
    "figure_results", Path(__file__).resolve().parents[1] / "golden" / "figure_results.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)

LONG = (
    ("registered in any of the practices of the network during the eight quarters that this report is about", "", 0),
    ("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2, "W" * 90, 1234),
    ("with a first dose", "never came, or came and left before anything could be recorded about them at all", 0),
)
CASES = {
    "everybody": made.flow_result,
    "two groups": lambda: made.flow_result(by="program_booked"),
    "five groups": lambda: made.flow_result(by="site"),
    "five groups, released": lambda: made.released(made.flow_result(90, by="site")),
    "long names": lambda: made.flow_result(steps=LONG, by="program_booked"),
    "one visit": lambda: made.flow_result(visits=(("week 12", 84),)),
    "nobody": lambda: made.flow_result(0),
    "three patients": lambda: made.flow_result(3),
}


def test_every_row_of_the_part_is_in_the_diagram_with_its_number():
    result = made.flow_result(by="program_booked")
    part = result.part("flow")
    drawn = [(row.kind, row.n_patients) for row in flow_rows(result) if row.kind != "baseline"]
    expected = [
        (kind, count)
        for kind, count in zip(part.column("kind"), part.column("n_patients"), strict=True)
        if kind != "group"
    ]
    assert drawn == expected
    baseline = [row.n_patients for row in flow_rows(result) if row.kind == "baseline"]
    groups = [n for kind, n in zip(part.column("kind"), part.column("n_patients"), strict=True) if kind == "group"]
    assert baseline == groups
    everybody = result.select(term="with a baseline score", measure="count")[0].n_patients
    assert [row.n_patients for row in flow_rows(result) if row.kind == "stage"][-1] == everybody


def test_rows_with_zero_excluded_are_kept():
    rows = flow_rows(made.flow_result())
    assert [row.text for row in rows if row.kind == "excluded" and row.n_patients == 0] == ["under 18 or age unknown"]


def test_a_visit_says_of_how_many_and_what_share():
    result = made.flow_result()
    row = next(row for row in flow_rows(result) if row.text == "week 4")
    share = result.select(term="scored at visit", visit="week 4", subgroup="")[0]
    assert row.n_patients == share.n_counted
    assert row.n_with_baseline == share.n_patients
    assert row.proportion == share.estimate
    assert row.count == f"{share.n_counted} of {share.n_patients} ({100 * share.estimate:.1f}%)"


@pytest.mark.parametrize("case", CASES)
def test_boxes_never_touch_and_stay_on_the_page(case):
    boxes = flow_boxes(flow_rows(CASES[case]()))
    for one, other in combinations(boxes, 2):
        beside = one.left + one.width < other.left or other.left + other.width < one.left
        assert beside or one.bottom < other.top or other.bottom < one.top
    assert all(box.left >= 0 and box.left + box.width <= PAGE_WIDTH and box.top >= 0 for box in boxes)


@pytest.mark.parametrize("case", CASES)
def test_text_and_count_of_every_line_fit_in_their_box(case):
    for box in flow_boxes(flow_rows(CASES[case]())):
        for line in box.lines:
            weight = "bold" if line.is_bold else "normal"
            used = text_width(line.text, weight=weight) + text_width(line.count, weight=weight)
            assert used + 3 * 5.0 <= box.width  # left and right of the text, and between text and count


def test_the_order_is_that_of_the_part():
    boxes = flow_boxes(flow_rows(made.flow_result()))
    kinds = [box.kind for box in boxes]
    assert kinds == ["stage", *["excluded", "stage"] * len(made.STEPS), "all"]
    assert [box.top for box in boxes] == sorted(box.top for box in boxes)


def test_groups_stand_side_by_side_three_in_a_row():
    boxes = [box for box in flow_boxes(flow_rows(made.flow_result(by="site"))) if box.kind == "group"]
    tops = sorted({box.top for box in boxes})
    assert [sum(box.top == top for box in boxes) for top in tops] == [3, 2]


def test_the_table_is_what_is_drawn():
    figure = flow(made.flow_result(by="program_booked"))
    assert figure.columns == COLUMNS
    assert len(figure.rows) == len(flow_rows(made.flow_result(by="program_booked")))
    assert figure.name == "flow_phq_9_by_program_booked"
    counts = {row[3] for row in figure.rows}
    texts = " ".join(text.get_text() for text in figure.matplotlib_figure().texts)
    assert all(f"{count:,}" in texts for count in counts)


def test_merged_reasons_and_hidden_counts_of_a_released_flow_are_shown():
    result = made.released(made.flow_result(60, by="program_booked"), 22)
    figure = flow(result)
    assert any("; " in str(row[1]) for row in figure.rows if row[0] == "excluded")
    assert {"<22", "hidden"} & {str(row[3]) for row in figure.rows}
    assert "<22: fewer than 22 patients, not shown." in figure.alt_text or "Hidden: not shown" in figure.alt_text


def test_a_count_in_thousands_has_its_comma():
    figure = flow(made.flow_result(steps=LONG))
    assert "1,234" in figure.alt_text
    assert ("excluded", "W" * 90, "", 1234, None, None) in figure.rows


def test_another_result_is_refused():
    with pytest.raises(OptionError, match="no part 'flow'"):
        flow(made.change_result(20))
