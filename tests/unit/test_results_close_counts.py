"""Feasible intervals and the search for counts that lie too close, against programs that ask one count at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from katoutcomes.results.disclosure_rules import close_counts
from katoutcomes.results.disclosure_rules.close_counts import Limits, first_too_close
from katoutcomes.results.disclosure_rules.feasible_intervals import Component, Equation, Interval, components
from katoutcomes.results.disclosure_rules.published_model import REST, published_model
from katoutcomes.results.disclosure_rules.small_cells import Counts, Sum
from katoutcomes.results.disclosure_rules.solutions_met import Solutions, feasible_intervals, met_by

LIMITS = Limits(11)


def table(rng):
    """Counts of a table with its margins, and of some a part that leaves a rest: sums that form circles."""
    cells = rng.integers(0, 25, (3, 4))
    values = {("cell of", str(i), str(j)): int(cells[i, j]) for i in range(3) for j in range(4)}
    values |= {("row", str(i)): int(cells[i].sum()) for i in range(3)}
    values |= {("column", str(j)): int(cells[:, j].sum()) for j in range(4)}
    sums = [Sum(("row", str(i)), tuple(("cell of", str(i), str(j)) for j in range(4))) for i in range(3)]
    sums += [Sum(("column", str(j)), tuple(("cell of", str(i), str(j)) for i in range(3))) for j in range(4)]
    for i in range(3):
        values["part", str(i)] = int(rng.integers(0, cells[i, 0] + 1))
        sums.append(Sum(("cell of", str(i), "0"), (("part", str(i)),), has_remainder=True))
    return Counts(values, tuple(sums))


def asked_one_by_one(component):
    """The intervals by two programs a count."""
    keys = list(component.before)
    rows = [[equation.signs.get(key, 0) for key in keys] for equation in component.equations]
    right = [equation.low for equation in component.equations]
    bounds = [(component.before[key].low, None) for key in keys]
    found = {}
    for key in keys:
        ends = []
        for sign in (1, -1):
            solved = linprog([sign * (other == key) for other in keys], A_eq=rows, b_eq=right, bounds=bounds)
            assert solved.status in {0, 3}, "what is true is a solution"
            ends.append(sign * solved.fun if solved.status == 0 else math.inf)
        found[key] = (math.ceil(ends[0] - 1e-6), math.floor(ends[1] + 1e-6) if ends[1] < math.inf else math.inf)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_what_was_met_before_changes_no_answer_while_more_is_hidden(seed):
    rng = np.random.default_rng(seed)
    counts = table(rng)
    order = [tuple(key) for key in rng.permutation(np.array(list(counts.values), dtype=object))]
    solutions, n_close, n_open = Solutions(), 0, 0
    for n_hidden in range(4, len(order), 3):
        model = published_model(counts, counts.sums, (), frozenset(order[:n_hidden]))
        for component in components(model.before, model.equations):
            if not component.equations:
                continue
            expected = asked_one_by_one(component)
            found = feasible_intervals(component)
            assert {key: (one.low, one.high) for key, one in found.items()} == expected
            reading = solutions.reading(component, counts.values)
            close = [key for key, one in found.items() if LIMITS.is_too_close(key, one)]
            assert first_too_close(reading, list(component.before), LIMITS) == next(iter(close), None)
            n_close, n_open = n_close + bool(close), n_open + (not close)
    assert n_close
    assert n_open or seed


def test_equations_that_contradict_each_other_have_no_reading():
    counts = Counts({("n",): None, ("a",): 12, ("b",): 15}, (Sum(("n",), (("a",),)), Sum(("n",), (("b",),))))
    model = published_model(counts, counts.sums, (), frozenset({("n",)}))
    (component,) = components(model.before, model.equations)
    assert feasible_intervals(component) is None
    assert Solutions().reading(component, counts.values) is None


def test_what_a_sum_leaves_is_asked_for_too():
    counts = Counts({("n",): 40, ("a",): 12, ("b",): 20}, (Sum(("n",), (("a",), ("b",)), has_remainder=True),))
    model = published_model(counts, counts.sums, (), frozenset({("a",)}))
    (component,) = components(model.before, model.equations)
    found = {key[0]: (one.low, one.high) for key, one in feasible_intervals(component).items()}
    assert found == {"a": (1, 20), REST: (0, 19)}


def test_room_for_halves_of_patients_is_no_reason_to_ask_forever(monkeypatch):
    """Of each two of three counts there is one patient at most: the most of their sum is three halves."""
    names = [("a",), ("b",), ("c",)]
    pairs = [(names[0], names[1]), (names[1], names[2]), (names[0], names[2])]
    equations = tuple(Equation(dict.fromkeys(pair, 1), 0, 1) for pair in pairs)
    reading = Solutions().reading(Component(dict.fromkeys(names, Interval(0, math.inf)), equations), {})
    asked = []

    def counted(*arguments):
        asked.append(arguments)
        assert len(asked) < 20
        return met_by(*arguments)

    monkeypatch.setattr(close_counts, "met_by", counted)
    assert first_too_close(reading, names, LIMITS) == ("a",)
    assert asked
