"""An attacker reads what was released of small clinics and tries to bound what is hidden.

It shares nothing with `release`: it takes numbers from the text of the files, writes down by itself what adds up in a
report, and asks linear programs for the least and the most that each hidden count can be. Its knowledge is that of
somebody who has read the documentation: a cohort, those of it with a baseline score, those of these with a score at a
visit; classes of change; the two cohorts and everybody; the quarter before.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re

import numpy as np
import pytest
from scipy.optimize import linprog

import katoutcomes as kat

CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
MOST = 1e6
PLAN = kat.AnalysisPlan.default()


def counts_of(text, quarter):  # noqa: C901
    """Every count that stands in released JSON, and every cell that it says is hidden."""
    shown, hidden = {}, set()

    def note(cell, value):
        if value is None:
            hidden.add(cell)
        else:
            shown[cell] = round(value)

    for result in json.loads(text)["results"]:
        instrument = result["estimand"]["endpoint"]["instrument"]
        for one in result["estimates"]:
            group, visit, term = one["subgroup"], one["visit"], one["term"]
            if one["treatment"] or one["comparator"] or one["measure"] not in {"count", "proportion"}:
                continue
            n, value = one["n_patients"], one["estimate"]
            if result["analysis"] == "describe" and one["measure"] == "proportion":
                name = ("of the cohort", term, group)
                note((quarter, *name), None if value is None or n is None else value * n)
                if n is not None:
                    shown.setdefault((quarter, "known", term.split(": ")[0], group), n)
            if result["analysis"] == "describe" and term == "patients":
                note((quarter, "cohort", group), value)
            if term == "paired completeness":
                note((quarter, "baseline", instrument, group), n)
                if value is not None and n is not None:
                    note((quarter, "pairs", instrument, visit, group), value * n)
            if result["analysis"] == "clinical_significance" and term in CLASSES and n is not None:
                shown[quarter, "pairs", instrument, visit, group] = n
                cell = (quarter, "class", instrument, visit, one["definition_set"], term, group)
                note(cell, None if value is None else value * n)
        for one in result["estimates"]:
            if result["analysis"] == "change_from_baseline" and one["measure"] == "mean change":
                note((quarter, "pairs", instrument, one["visit"], one["subgroup"]), one["n_patients"])
            if result["analysis"] == "describe" and one["term"] == "baseline_score" and one["measure"] == "mean":
                note((quarter, "baseline", instrument, one["subgroup"]), one["n_patients"])
    return shown, hidden - set(shown)


def ties_of(cells):
    """What holds between the cells, as (coefficients, is it an equation); everything else is an inequality ≥ 0."""
    cells, ties = set(cells), []
    for cell in sorted(cells, key=str):
        quarter, kind = cell[:2]
        if kind == "pairs" and (quarter, "baseline", cell[2], cell[4]) in cells:
            ties.append(({(quarter, "baseline", cell[2], cell[4]): 1, cell: -1}, False))
        if kind == "baseline" and (quarter, "cohort", cell[3]) in cells:
            ties.append(({(quarter, "cohort", cell[3]): 1, cell: -1}, False))
        if kind == "class" and cell[5] == CLASSES[0]:
            members = [(*cell[:5], term, cell[6]) for term in CLASSES]
            whole = (quarter, "pairs", cell[2], cell[3], cell[6])
            if set(members) | {whole} <= cells:
                ties.append(({whole: 1, **dict.fromkeys(members, -1)}, True))
    for everybody in [cell for cell in cells if cell[-1] == ""]:
        arms = [cell for cell in cells if cell[:-1] == everybody[:-1] and cell[-1].startswith("program_booked: ")]
        if len(arms) == 2:
            ties.append(({everybody: 1, **dict.fromkeys(arms, -1)}, True))
    return ties


def bounded(shown, hidden):  # noqa: C901
    """The least and the most of each hidden cell, and of what each inequality leaves."""
    cells = sorted(set(shown) | hidden, key=str)
    ties = ties_of(cells)
    rests = [("rest", number) for number, (_, is_equation) in enumerate(ties) if not is_equation]
    unknown = [*sorted(hidden, key=str), *rests]
    if not unknown:
        return {}
    place = {cell: column for column, cell in enumerate(unknown)}
    rows, right = np.zeros((len(ties), len(unknown))), np.zeros(len(ties))
    for row, (tie, is_equation) in enumerate(ties):
        for cell, sign in tie.items():
            if cell in place:
                rows[row, place[cell]] = sign
            else:
                right[row] -= sign * shown[cell]
        if not is_equation:
            rows[row, place["rest", row]] = -1
    limits = [(0, MOST) if cell[0] == "rest" else (1, MOST) for cell in unknown]
    found = {}
    for cell in unknown:
        if not rows[:, place[cell]].any():
            continue
        ends = []
        for sign in (1, -1):
            objective = np.zeros(len(unknown))
            objective[place[cell]] = sign
            solved = linprog(objective, A_eq=rows, b_eq=right, bounds=limits, method="highs")
            if solved.status == 2:  # a hidden 0
                solved = linprog(objective, A_eq=rows, b_eq=right, bounds=[(0, MOST)] * len(unknown), method="highs")
            if solved.x is None:
                return {}
            ends.append(sign * solved.fun)
        found[cell] = (math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6))
    return found


def too_close(bounds):
    """Cells that lie within 1 to 10 or in fewer than five; what is certainly nobody or enough is no secret."""
    close = {}
    for cell, (low, high) in bounds.items():
        is_rest = cell[0] == "rest"
        if high <= 0 or (is_rest and low >= 11):
            continue
        if (low >= 1 and high <= 10) or high - low < 5:
            close[cell] = (low, high)
    return close


def released_text(results, tmp_path, name):
    released = results.release()
    return released, released.write(tmp_path / name).read_text(encoding="utf-8")


def clinic(seed, n_patients):
    return kat.run(PLAN, kat.simulate_registry(seed=seed, n_patients=n_patients))


def test_the_attacker_finds_what_a_careless_hand_leaves(tmp_path):
    """Nothing but small counts themselves is hidden: then the attacker must find some of them."""
    results = clinic(3, 60)
    text = results.write(tmp_path / "results.json").read_text(encoding="utf-8")
    shown, _ = counts_of(text, "now")
    small = {cell for cell, value in shown.items() if 0 < value < 11}
    assert small
    assert too_close(bounded({cell: value for cell, value in shown.items() if cell not in small}, small))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_nothing_hidden_is_bounded_in_small_clinics(seed, tmp_path):
    _, text = released_text(clinic(seed, 40 + 17 * (seed % 9)), tmp_path, "now.json")
    assert too_close(bounded(*counts_of(text, "now"))) == {}


@pytest.mark.slow
def test_every_file_holds_no_count_that_the_results_do_not(tmp_path):
    """Tables, Markdown and pictures say "18 of 40" only of numbers that stand in the released results."""
    released = clinic(5, 90).release()
    shown, _ = counts_of(released.write(tmp_path / "released.json").read_text(encoding="utf-8"), "now")
    known = {n for one in released for e in one.estimates for n in (e.n_patients, e.n_counted, e.n_observations)}
    known |= {n for one in released for part in one.parts for row in part.rows for n in row if isinstance(n, int)}
    assert set(shown.values()) <= known
    n_found = 0
    for path in kat.write_report(released, tmp_path / "report"):
        if path.suffix not in {".csv", ".md", ".html", ".txt", ".svg"}:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".csv":
            text = " | ".join(cell for row in csv.reader(io.StringIO(text)) for cell in row)
        for pair in re.findall(r"(?<![\d.,])(\d[\d,]*) of (\d[\d,]*)(?![\d.])", text):
            numbers = [int(word.replace(",", "")) for word in pair]
            n_found += 1
            assert set(numbers) <= known, (path.name, pair)
    assert n_found
