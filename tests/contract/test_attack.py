"""An attacker reads what was released of small clinics and tries to bound what is hidden.

It shares nothing with `release`: it takes numbers from the text of the files, writes down by itself what adds up in a
report, and asks linear programs for the least and the most that each hidden count can be. Its knowledge is that of
somebody who has read the documentation: which count is made of which others in the flow, the description, the changes,
the classes, safety, losses, the quarters, the sites and the comparison, and that the counts of the release before are
among those of this one. It even knows which of these sums hold in this clinic, and that every count that could stand in
the report is there.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import katoutcomes as kat
from katoutcomes.estimands.quarters import Quarter, QuarterSpan

CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
WHOLES = (
    CLASSES,
    ("score change: improved", "score change: unchanged", "score change: worse"),
    ("baseline score: lowest", "baseline score: between", "baseline score: highest"),
    ("follow-up score: lowest", "follow-up score: between", "follow-up score: highest"),
)
PARTS_OF_CLASSES = {
    "reliable improvement": ("recovered", "improved, not recovered"),
    "reliable deterioration": ("harmed", "deteriorated, not harmed"),
}
HOLDS = (("reliable improvement", "reliable recovery"), ("recovery", "reliable recovery"))
SEVERITIES = ("mild", "moderate", "severe")
MOST = 1e6
PLAN = kat.AnalysisPlan.default()


# --- what stands in a file -------------------------------------------------------------------------------------------


def number_of_everybody(one, analysis, instrument):
    """The cell of the patients that an estimate rests on, None where the attacker makes nothing of it."""
    term, group, visit = one["term"], one["subgroup"], one["visit"]
    baseline, pairs = ("baseline", instrument, group), ("pairs", instrument, visit, group)
    if analysis == "describe":
        return baseline if term == "baseline_score" else ("known", term.split(": ")[0], group)
    if term in {"paired completeness", "scored at visit", "seen then or later", "baseline, all with baseline"}:
        return baseline
    if analysis == "dropout":
        return pairs if term == "baseline, scored" else None
    if analysis == "cohort_difference":
        return ("in comparison", instrument, visit, group) if one["measure"] == "adjusted mean" else None
    if analysis == "clinical_significance":
        if term in {"recovery", "reliable recovery"}:
            return ("cases", instrument, visit, one["definition_set"], group)
        return ("able to respond", instrument, visit, group) if term == "response" else pairs
    if analysis == "change_from_baseline":
        return pairs if visit not in {"", "baseline"} else None
    if analysis in {"compare_sites", "outcomes_over_time"} and visit:
        return pairs if one["measure"] in {"mean change", "proportion"} else None
    return None


def counted(one, analysis, instrument):  # noqa: C901
    """The cell of what a count or a share counts."""
    term, group, visit = one["term"], one["subgroup"], one["visit"]
    if term == "with a baseline score":
        return ("baseline", instrument, group)
    if term in {"paired completeness", "scored at visit"}:
        return ("pairs", instrument, visit, group)
    if term == "seen then or later":
        return ("later", instrument, visit, group)
    if term == "patients" and analysis in {"describe", "safety"}:
        return ("cohort", group)
    if term == "dosing sessions":
        return ("sessions", group)
    if analysis == "describe":
        return ("level", term.split(": ")[0], term.split(": ")[1], group) if ": " in term else None
    if analysis == "participant_flow":
        return ("flow", term, "")
    if analysis == "safety":
        return ("safety", term, group)
    if analysis == "dropout":
        return ("model of losses", instrument, "") if term.startswith("in the model") else None
    if analysis == "data_quality":
        return ("rows", term, "")
    return ("share", instrument, visit, one["definition_set"], term, group)


def cells_of(text, release):  # noqa: C901
    """Every count that stands in a file of results; None for one that is said to be hidden."""
    cells = {}

    def note(name, value):
        cell = (release, *name)
        if cells.get(cell) is None:
            cells[cell] = None if value is None else round(value)

    for result in json.loads(text)["results"]:
        analysis, instrument = result["analysis"], result["estimand"]["endpoint"]["instrument"]
        for one in result["estimates"]:
            if one["treatment"] or one["comparator"]:
                if analysis == "cohort_difference" and one["measure"] == "difference in means" and one["visit"]:
                    note(("in comparison", instrument, one["visit"], ""), one["n_patients"])
                continue
            everybody, n, value = number_of_everybody(one, analysis, instrument), one["n_patients"], one["estimate"]
            if everybody is not None and one["measure"] != "threshold":
                note(everybody, n)
            if one["measure"] in {"proportion", "proportion of sessions"}:
                of = n if one["measure"] == "proportion" else one["n_observations"]
                assert value is None or of is not None, "a share without its number tells both"
                name = counted(one, analysis, instrument)
                if name is not None:
                    note(name, None if value is None or of is None else value * of)
            elif one["measure"] == "count":
                name = counted(one, analysis, instrument)
                if name is not None:
                    note(name, value)
            elif one["measure"] == "event rate":
                note(
                    ("safety", "events", one["subgroup"])
                    if analysis == "outcomes_over_time"
                    else ("safety", one["term"], one["subgroup"]),
                    one["n_observations"],
                )
    return cells


def flow_of(text, release, cells):
    """The stages of the flow in order, as they stand in the file; their numbers are added to the cells."""
    for result in json.loads(text)["results"]:
        if result["analysis"] != "participant_flow":
            continue
        instrument = result["estimand"]["endpoint"]["instrument"]
        part = next(part for part in result["parts"] if part["name"] == "flow")
        for row in part["rows"]:
            one = dict(zip(part["columns"], row, strict=True))
            if one["kind"] != "stage":
                continue
            of_baseline = one["step"] == "with a baseline score"
            cell = (release, "baseline", instrument, "") if of_baseline else (release, "flow", one["step"], "")
            if cells.get(cell) is None:
                cells[cell] = one["n_patients"]
            yield cell


def bins_of(text):
    """Sums of the bins of scores that are shown, by instrument, visit and group, the most of several analyses."""
    found = {}
    for result in json.loads(text)["results"]:
        for part in result["parts"]:
            if part["name"] != "score_pair_counts":
                continue
            sums = {}
            for row in part["rows"]:
                one = dict(zip(part["columns"], row, strict=True))
                where = (result["estimand"]["endpoint"]["instrument"], one["visit"], one["group"])
                sums[where] = sums.get(where, 0) + (one["n_patients"] or 0)
            for where, total in sums.items():
                found[where] = max(total, found.get(where, 0))
    return found


# --- what adds up ----------------------------------------------------------------------------------------------------


def held(cells, release):  # noqa: C901
    """Yield (whole, parts, is it everything) of one release: what holds what, by what the report is."""
    mine = [cell for cell in cells if cell[0] == release]
    known = set(mine)
    for cell in mine:
        kind, group = cell[1], cell[-1]
        if kind == "pairs":
            yield (release, "baseline", cell[2], group), [cell], False
            for name in ("in comparison", "able to respond"):
                yield cell, [(release, name, *cell[2:])], False
            yield (release, "later", *cell[2:]), [cell], False
        elif kind == "baseline":
            yield (release, "cohort", group), [cell], False
            yield cell, [(release, "model of losses", *cell[2:])], False
        elif kind == "later":
            yield (release, "baseline", cell[2], group), [cell], False
        elif kind == "cases":
            yield (release, "pairs", cell[2], cell[3], group), [cell], False
            for term in ("recovery", "reliable recovery"):
                yield cell, [(release, "share", cell[2], cell[3], cell[4], term, group)], False
        elif kind == "known":
            yield (release, "cohort", group), [cell], False
            yield cell, [one for one in mine if one[1] == "level" and (one[2], one[-1]) == (cell[2], group)], True
        elif kind == "cohort":
            yield (release, "sessions", group), [cell], False
        elif kind == "share":
            yield from shares_held(cell)
        elif kind == "safety" and cell[2] == "events":
            yield from events_held(cell, known)
    for instrument, group in {(cell[2], cell[-1]) for cell in mine if cell[1] == "later"}:
        visits = [cell[3] for cell in mine if cell[1] == "later" and (cell[2], cell[-1]) == (instrument, group)]
        for before, after in pairwise(visits):
            yield (release, "later", instrument, before, group), [(release, "later", instrument, after, group)], False


def shares_held(cell):
    release, _, instrument, visit, definition_set, term, group = cell

    def of(name):
        return (release, "share", instrument, visit, definition_set, name, group)

    pairs = (release, "pairs", instrument, visit, group)
    for whole in WHOLES:
        if term == whole[0]:
            yield pairs, [of(name) for name in whole], True
    if term in PARTS_OF_CLASSES:
        yield cell, [of(name) for name in PARTS_OF_CLASSES[term]], True
    for whole, part in HOLDS:
        if term == whole:
            yield cell, [of(part)], False
    if term in {"remission", "response", *CLASSES}:
        yield pairs, [cell], False


def events_held(cell, known):
    release, _, _, group = cell

    def of(name):
        return (release, "safety", name, group)

    patients, sessions = (release, "cohort", group), (release, "sessions", group)
    kinds = [
        one[2] for one in known if one[1] == "safety" and one[2].startswith("kind of event, ") and one[-1] == group
    ]
    yield cell, [of(f"events, {name}") for name in SEVERITIES], True
    yield cell, [of(name) for name in kinds], True
    for whole, unit in ((patients, "patient"), (sessions, "session")):
        with_event, serious = of(f"{unit}s with an event"), of(f"{unit}s with a serious event")
        yield whole, [with_event], False
        yield with_event, [of(f"worst event of a {unit}, {name}") for name in SEVERITIES], True
        yield with_event, [serious], False
        yield cell, [with_event], False
        yield of("serious events"), [serious], False
        for name in SEVERITIES:
            yield of(f"events, {name}"), [of(f"worst event of a {unit}, {name}")], False
    yield cell, [of("serious events")], False
    for name in kinds:
        of_kind = of(f"patients with kind, {name.removeprefix('kind of event, ')}")
        yield of(name), [of_kind], False
        yield of("patients with an event"), [of_kind], False


def ties_of(truth, flows):  # noqa: C901
    """Yield (coefficients, is it an equation) of everything that holds in this clinic; the others are ≥ 0."""
    found = {}

    def note(whole, parts, is_everything):
        parts = [part for part in parts if part != whole]
        if not parts or not {whole, *parts} <= set(truth) or None in (truth[whole], *(truth[one] for one in parts)):
            return
        rest = truth[whole] - sum(truth[one] for one in parts)
        if rest >= 0:
            key = frozenset({whole: 1, **dict.fromkeys(parts, -1)}.items())
            found[key] = found.get(key, False) or (is_everything and rest == 0)

    for release in dict.fromkeys(cell[0] for cell in truth):
        for whole, parts, is_everything in held(truth, release):
            note(whole, parts, is_everything)
    groups = {}
    for cell in truth:
        if ": " in cell[-1]:
            groups.setdefault(((*cell[:-1], ""), cell[-1].split(": ")[0]), []).append(cell)
    for (everybody, _), levels in groups.items():
        note(everybody, levels, True)
    for stages in flows:
        for whole, part in pairwise(stages):
            note(whole, [part], False)
    for cell in truth:
        if cell[0] == "before":
            # What a clinic counts grows; that a count has not changed nobody is told.
            now = ("now", *cell[1:])
            is_fewer = (truth.get(now) or 0) < (truth[cell] or 0)
            note(*((cell, [now]) if is_fewer else (now, [cell])), False)
    yield from ((dict(key), is_equation) for key, is_equation in found.items())


# --- what follows ----------------------------------------------------------------------------------------------------


def bounded(truth, hidden, ties, least_of):
    """Cells, and what inequalities leave, of which the least and the most are too close, with both."""
    rests = {("rest", *sorted(tie, key=str)): (tie, is_equation) for tie, is_equation in ties if not is_equation}
    rows = [(tie, None) for tie, is_equation in ties if is_equation]
    rows += [(tie, name) for name, (tie, _) in rests.items()]
    rows = [(tie, name) for tie, name in rows if set(tie) & hidden]
    names = [*sorted(hidden, key=str), *(name for _, name in rows if name is not None)]
    place = {name: column for column, name in enumerate(names)}
    at, values, right = ([], []), [], []
    for row, (tie, name) in enumerate(rows):
        entries = {place[cell]: sign for cell, sign in tie.items() if cell in hidden}
        if name is not None:
            entries[place[name]] = -1
        at[0].extend([row] * len(entries))
        at[1].extend(entries)
        values.extend(entries.values())
        right.append(-sum(sign * truth[cell] for cell, sign in tie.items() if cell not in hidden))
    matrix = csr_array((np.array(values, float), at), shape=(len(rows), len(names)))
    right = np.array(right, float)
    close = {}
    touches = abs(matrix) > 0
    n_parts, part_of = connected_components(touches.T @ touches, directed=False)
    for number in range(n_parts):
        columns = np.flatnonzero(part_of == number)
        mine = np.flatnonzero(np.asarray(touches[:, columns].sum(axis=1)).ravel() > 0)
        if mine.size:
            inside = [names[column] for column in columns]
            close |= closest(inside, matrix[mine][:, columns], right[mine], least_of, truth, hidden)
    return close


def least_of_hidden(cell, truth, hidden):
    """1, since a 0 may be shown; but a class or a level of hidden patients is hidden with them, and may be nobody.

    The attacker even knows which of the others are nobody.
    """
    if cell[0] == "rest":
        return 0.0
    release, kind, *where = cell
    if kind == "share" and (release, "pairs", where[0], where[1], where[-1]) in hidden:
        return 0.0
    if kind == "level" and (release, "known", where[0], where[-1]) in hidden:
        return 0.0
    return min(truth[cell], 1.0)


def closest(names, matrix, right, least_of, truth, hidden):  # noqa: C901
    """The cells of one system of equations whose interval is too close."""
    point = np.array([truth.get(name, 0.0) for name in names])
    low = np.array([max(least_of.get(name, 0.0), least_of_hidden(name, truth, hidden)) for name in names])
    constraint = LinearConstraint(matrix.tocsc(), right, right)

    def solved(objective):
        bounds = Bounds(low, np.full(len(names), MOST))
        return milp(objective, constraints=constraint, bounds=bounds, options={"presolve": len(names) < 50}).x

    rests = np.array([name[0] == "rest" for name in names])
    point[rests] = 0.0
    point[rests] = (matrix @ point - right)[[int(row) for row in matrix[:, rests].tocsc().indices]]
    assert np.allclose(matrix @ point, right), "what adds up is true"
    assert (point >= low).all(), "what is at least so much is true"
    met = [np.full(len(names), np.inf), np.full(len(names), -np.inf)]

    def note(found):
        met[0], met[1] = np.minimum(met[0], found), np.maximum(met[1], found)

    def waiting():
        least, most = np.ceil(met[0] - 1e-6), np.floor(met[1] + 1e-6)
        return ~((most - least >= 5) & ((least < 1) | (most >= 11)))

    note(point)
    # Many at once: of each two cells one is raised and one lowered for one digit of their number.
    for digit in range(-1, len(names).bit_length()):
        for sign in (-1.0, 1.0):
            if waiting().sum() > 8:
                side = np.where(np.arange(len(names)) >> max(digit, 0) & 1, -1.0, 1.0) if digit >= 0 else 1.0
                note(solved(sign * side * waiting()))
    while (nobody := waiting() & (met[1] < 1e-6)).any():  # all that is certainly nobody
        found = solved(-1.0 * nobody)
        note(found)
        if found[nobody].sum() < 1e-6:
            break
    close = {}
    for column, name in enumerate(names):
        if nobody[column] or not waiting()[column]:
            continue
        for sign in (-1.0, 1.0):
            if waiting()[column]:
                note(solved(sign * (np.arange(len(names)) == column)))
        least, most = math.ceil(met[0][column] - 1e-6), math.floor(met[1][column] + 1e-6)
        if waiting()[column] and most > 0 and not (name[0] == "rest" and least >= 11):
            close[name] = (least, most)
    return close


def attacked(releases):
    """Attack releases, given by name as (text of the results, text of what was released).

    Returns what is too close, and how many counts are hidden and shown.
    """
    truth, listed, flows, least_of, close = {}, {}, [], {}, {}
    for release, (inside, outside) in releases.items():
        truth |= cells_of(inside, release)
        listed |= cells_of(outside, release)
        list(flow_of(inside, release, truth))
        flows.append(list(flow_of(outside, release, listed)))
        for where, n_binned in bins_of(outside).items():
            least_of[release, "pairs", *where] = n_binned
    truth = {cell: value for cell, value in truth.items() if value is not None}
    shown = {cell: value for cell, value in listed.items() if value is not None}
    assert {cell: truth[cell] for cell in shown} == shown, "what is shown is true"
    # A stage that was merged with its neighbor, and a row of a file, is not seen to be there.
    unseen = {cell for cell in truth if cell[1] in {"flow", "rows"} and cell not in listed}
    truth = {cell: value for cell, value in truth.items() if cell not in unseen}
    hidden = set(truth) - set(shown)
    for cell, n_binned in least_of.items():
        if n_binned and cell in shown and 0 < shown[cell] - n_binned < 11:
            close["rest", cell, "bins"] = (shown[cell] - n_binned,) * 2
    close |= bounded(truth, hidden, list(ties_of(truth, flows)), least_of)
    return close, len(hidden), len(shown)


# --- small clinics ---------------------------------------------------------------------------------------------------


def clinic(seed, n_quarters_back):
    """Results of a small clinic, as reported so many quarters before its last one; no two clinics are alike."""
    last, n_quarters = Quarter.of("2026Q3"), 3 + seed % 6
    registry = kat.simulate_registry(
        seed=seed,
        n_patients=20 + (37 * seed) % 61,
        n_quarters=n_quarters,
        first_quarter=last.before(n_quarters - 1).text,
        mechanism=("booked", "curved_start", "start", "curved_booked")[seed % 4],
        scenario=("effect", "null", "mnar")[seed % 3],
    )
    return [kat.run(PLAN, registry, quarters=QuarterSpan(quarter)) for quarter in map(last.before, n_quarters_back)]


def texts(results, released, folder):
    """What stays in the clinic and what leaves it, as text."""
    paths = results.write(folder / "results.json"), released.write(folder / "released.json")
    return tuple(path.read_text(encoding="utf-8") for path in paths)


def test_the_attacker_finds_what_a_careless_hand_leaves(tmp_path):
    """Nothing but small counts themselves is hidden: then the attacker must find some of them."""
    (results,) = clinic(3, [0])
    truth = cells_of(results.write(tmp_path / "results.json").read_text(encoding="utf-8"), "now")
    truth = {cell: value for cell, value in truth.items() if value is not None}
    small = {cell for cell, value in truth.items() if 0 < value < 11}
    found = bounded(truth, small, list(ties_of(truth, [])), {})
    assert len(small & set(found)) > 10
    assert all(low <= truth[cell] <= high for cell, (low, high) in found.items() if cell in small)


def quarter_attacked(seed, folder):
    (results,) = clinic(seed, [0])
    return attacked({"now": texts(results, results.release(), folder)})


def two_quarters_attacked(seed, folder):
    before, now = clinic(seed, [1, 0])
    first = before.release()
    second = now.release(previous=first)
    return attacked({"before": texts(before, first, folder), "now": texts(now, second, folder)})


@pytest.mark.parametrize("seed", [6, 9])
def test_nothing_hidden_is_bounded_in_a_quarter(seed, tmp_path):
    close, n_hidden, n_shown = quarter_attacked(seed, tmp_path)
    assert close == {}
    assert n_hidden > 100
    assert n_shown


def test_nothing_hidden_is_bounded_in_two_quarters(tmp_path):
    close, n_hidden, _ = two_quarters_attacked(0, tmp_path)
    assert close == {}
    assert n_hidden > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_nothing_hidden_is_bounded_in_small_clinics(seed, tmp_path):
    assert quarter_attacked(seed, tmp_path)[0] == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_nothing_hidden_is_bounded_in_two_quarters_of_small_clinics(seed, tmp_path):
    assert two_quarters_attacked(seed, tmp_path)[0] == {}


@pytest.mark.slow
def test_every_file_holds_no_count_that_the_results_do_not(tmp_path):
    """Tables, Markdown and pictures say "18 of 40" only of numbers that stand in the released results."""
    released = kat.run(PLAN, kat.simulate_registry(seed=5, n_patients=90)).release()
    shown = cells_of(released.write(tmp_path / "released.json").read_text(encoding="utf-8"), "now")
    known = {n for one in released for e in one.estimates for n in (e.n_patients, e.n_counted, e.n_observations)}
    known |= {n for one in released for part in one.parts for row in part.rows for n in row if isinstance(n, int)}
    assert set(shown.values()) - {None} <= known
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
