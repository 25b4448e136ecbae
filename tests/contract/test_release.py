"""What release keeps on every analysis: nothing small is shown, and an auditor who solves all sums finds nothing.

The auditor knows what the numbers mean, not how `release` works: it writes down every sum that holds between the counts
of a result, takes what is shown as known, and asks linear algebra which of the rest is certain.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from decimal import Decimal
from itertools import combinations, pairwise

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.errors import DesignError
from katoutcomes.results.disclosure_rules.printed_digits import is_of_few, with_printed_digits, without_its_number
from katoutcomes.results.formatting import format_df, format_n_patients, format_std_error, format_with_interval
from katoutcomes.results.result import ReleasedResult
from katoutcomes.vocabulary import COUNT_FIELDS, MEASURES, NUMERIC_ESTIMATE_COLUMNS, ROW_COUNT_FIELDS

pytestmark = pytest.mark.xdist_group("contract")  # they share results and releases

MINIMUM = 11
WITH_BASELINE = {"with a baseline score", "scored at visit", "paired completeness", "baseline, all with baseline"}
NOBODY = ("nobody",)
"""A count that is known to be 0."""
MODELS = ("mmrm", "contrast")
CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
IMPORTANT = ("improvement that matters", "no change that matters", "deterioration that matters")
RELATIVE = ("relative improvement", "no relative change", "relative deterioration")
MOVES = ("moved to the functional side", "no move", "moved to the dysfunctional side")
BOTH_WAYS = (*CLASSES, "reliable change both ways")
BANDS = ("to a milder band", "same band", "to a more severe band")
PARTITIONS = (CLASSES, IMPORTANT, RELATIVE, MOVES, BANDS)
SAME_BUT_FOR_A_THRESHOLD = dict(zip(IMPORTANT, CLASSES, strict=True)) | {"response": "relative improvement"}


def is_small(count, minimum=MINIMUM):
    return count is not None and 0 < count < minimum


# --- what is shown ---------------------------------------------------------------------------------------------------


def shown_counts(result):
    """Every count that stands in a result or follows from one estimate of it."""
    for estimate in result.estimates:
        if MEASURES[estimate.measure].kind == "constant" and estimate.n_patients is None:
            continue
        yield from (n for n in (estimate.n_patients, estimate.n_observations) if n is not None)
        if estimate.n_counted is not None:
            yield estimate.n_counted
            if estimate.measure in {"proportion", "proportion of sessions"}:
                yield (estimate.n_patients if estimate.measure == "proportion" else estimate.n_observations) - (
                    estimate.n_counted
                )
    for part in result.parts:
        for name in set(part.columns) & (COUNT_FIELDS | ROW_COUNT_FIELDS):
            yield from (cell for cell in part.column(name) if cell is not None)


def test_the_data_are_a_trial(house):
    """The suite means nothing unless there is something to hide, and something to show."""
    kinds = [house.released_of(case) for case in house.CASES]
    assert sum(any(estimate.suppressed for estimate in result.estimates) for result in kinds) >= len(kinds) // 2
    assert sum(not all(estimate.suppressed for estimate in result.estimates) for result in kinds) >= len(kinds) // 2
    assert any(is_small(count) for case in house.CASES for count in shown_counts(house.result_of(case)))


def test_no_small_count_is_shown(released):
    assert type(released) is ReleasedResult
    assert [count for count in shown_counts(released) if is_small(count)] == []


def test_hidden_means_hidden(result, released):
    for estimate in released.estimates:
        if estimate.suppressed:
            assert all(math.isnan(getattr(estimate, name)) for name in NUMERIC_ESTIMATE_COLUMNS), estimate
        else:
            assert any(_shows_the_same(estimate, before) for before in result.estimates)
            assert not estimate.below_minimum
    for part in released.parts:
        assert all(part.rows[row][column] is None for row, column in part.suppressed)
        assert set(part.below_minimum) <= set(part.suppressed)


def _shows_the_same(estimate, before):
    """Equal to the last printed digit; some lose their number of patients, and with it the degrees of freedom."""
    printed = with_printed_digits(before)
    if estimate.n_patients is None and before.n_patients is not None:
        is_count = estimate.measure == "count"
        without = dataclasses.replace(printed, n_patients=None, n_observations=None)
        printed = without if is_count else without_its_number(before)
    return str(estimate) == str(printed)


def decimals_of(number):
    return max(0, -Decimal(repr(number)).normalize().as_tuple().exponent)


def test_no_released_number_has_more_digits_than_are_printed(released):
    """Else n times one mean, minus n times another, gives single patients' scores."""
    for estimate in released.estimates:
        if estimate.suppressed or MEASURES[estimate.measure].kind != "statistic":
            continue
        if estimate.measure == "adjusted p-value":
            assert estimate.estimate == float(f"{estimate.estimate:.1e}"), estimate
            continue
        most = 1 if estimate.unit in {"points", "years", "trials"} else 2
        assert all(decimals_of(n) <= most for n in (estimate.estimate, estimate.conf_low, estimate.conf_high) if n == n)
        assert math.isnan(estimate.std_error) or decimals_of(estimate.std_error) <= most + 1, estimate
        assert math.isnan(estimate.df) or decimals_of(estimate.df) <= 1, estimate
        assert math.isnan(estimate.statistic) or decimals_of(estimate.statistic) <= 2, estimate
        assert math.isnan(estimate.p_value) or estimate.p_value == float(f"{estimate.p_value:.1e}") > 0.0, estimate
        if not math.isnan(estimate.conf_low):
            assert estimate.conf_low <= estimate.estimate <= estimate.conf_high, estimate
    for check in released.checks:
        assert math.isnan(check.value) or check.value == float(f"{check.value:.1e}"), check


def test_rounding_does_not_change_what_is_printed(result):
    for estimate in result.estimates:
        if is_of_few(estimate):  # in fives of the last digit
            continue
        printed = with_printed_digits(estimate)
        for text in (format_with_interval, format_std_error, format_n_patients):
            assert text(printed) == text(estimate)
        assert format_df(printed.df) in {format_df(estimate.df), f"{format_df(estimate.df)}".removesuffix(".0")}


def test_the_marks_tell_the_truth(result, released):
    """ "<11" stands only for a count that is below 11."""
    original = {_name(estimate): estimate for estimate in result.estimates}
    for estimate in released.estimates:
        if not estimate.below_minimum:
            continue
        before = original[_name(estimate)]
        hidden = (before.n_patients, before.n_observations) if estimate.n_patients is None else (before.n_counted,)
        if before.measure == "count" and before.n_patients is None:
            hidden = (before.n_counted,)
        assert any(is_small(count) for count in hidden), estimate


def _name(estimate):
    return (
        estimate.term,
        estimate.measure,
        estimate.definition_set,
        estimate.visit,
        estimate.subgroup,
        estimate.treatment,
        estimate.comparator,
    )


def numbers_in(content):
    if isinstance(content, dict):
        return {number for value in content.values() for number in numbers_in(value)}
    if isinstance(content, list):
        return {number for value in content for number in numbers_in(value)}
    return {content} if isinstance(content, float) else set()


def test_no_hidden_number_stands_anywhere_in_the_json(case, result, released):
    """Checks, parts and texts included: a hidden share must not come back as the value of a check."""
    before = {_name(e): e for e in json_estimates(result)}
    after = {_name(e): e for e in json_estimates(released)}
    shown = {e.estimate for e in after.values() if not e.suppressed}
    hidden = {
        before[name].estimate
        for name, estimate in after.items()
        if estimate.suppressed and not math.isnan(before[name].estimate)
    }
    limits = {check.limit for check in released.checks}
    fractional = {number for number in hidden - shown - limits if number != round(number, 2)}
    assert fractional & numbers_in(json.loads(released.to_json())) == set()


def json_estimates(record):
    from katoutcomes.results.serialization import result_from_dict

    return result_from_dict(json.loads(record.to_json())).estimates


COUNT_CELL = re.compile(r"([\d,]+)(?: of ([\d,]+))?(?: \([\d.<>]+%\))?")


def test_no_small_count_stands_in_a_table(released):
    table = released.to_table()
    columns = [place for place, name in enumerate(table.columns) if name not in {"df", "p"} and "SD" not in name]
    for row in table.rows:
        for cell in (row[place] for place in columns):
            found = COUNT_CELL.fullmatch(cell)
            for text in found.groups() if found else ():
                assert text is None or not is_small(int(text.replace(",", ""))), (row[0], cell)
    for text in (table.to_html(), table.to_markdown(), table.to_csv()):
        for n_counted, n_patients in re.findall(r"(?<![<;\d])(\d+) of (\d+)", text.replace(",", "")):
            counts = (int(n_counted), int(n_patients), int(n_patients) - int(n_counted))
            assert not any(map(is_small, counts)), (n_counted, n_patients)


def test_hidden_marks_are_explained(released):
    table = released.to_table()
    cells = " ".join(cell for row in table.rows for cell in row)
    notes = "\n".join(table.footnotes)
    assert ("<11" in cells) == ("<11: " in notes)
    assert ("hidden" in cells) == ("hidden: " in notes)


def test_no_individual_value_is_left(released):
    assert not hasattr(released, "individual_values")
    assert "individual" not in released.to_json()


# --- what follows ----------------------------------------------------------------------------------------------------


def stem(term):
    return term.split(": ")[0]


def people(result, estimate):
    """What the denominator of an estimate counts."""
    if result.analysis == "care_pathway":
        return step_cells(estimate)[0]
    if result.analysis in OWN_PEOPLE:
        return OWN_PEOPLE[result.analysis](estimate)
    if estimate.term == "correlation of changes":
        return ("counted", "", estimate.visit, "with a change on both instruments", estimate.subgroup)
    if result.analysis in MODELS:
        is_seen = estimate.measure in {"adjusted mean", "mean change", "standard deviation"}
        return ("seen", estimate.visit, estimate.subgroup) if is_seen else ("in model", estimate.subgroup)
    if estimate.term in WITH_BASELINE:
        return ("with baseline", estimate.subgroup)
    if result.analysis == "describe":
        return ("patients" if estimate.term == "patients" else "known", stem(estimate.term), estimate.subgroup)
    if estimate.term in ("response", *RELATIVE):
        return ("baseline not zero", estimate.visit, estimate.subgroup)
    if "recovery" in estimate.term:
        return ("at caseness", estimate.definition_set, estimate.visit, estimate.subgroup)
    return ("with both scores", estimate.visit, estimate.subgroup)


def service_people(estimate):
    of = {"scored on both measures": "may be scored", "recovery": "case", "reliable recovery": "case"}
    return (of.get(estimate.term, "scored on both measures"), estimate.visit, estimate.subgroup)


STEP_CONDITIONS = {
    "screening": ("", "s"),
    "preparation": ("", "p"),
    "integration": ("", "i"),
    "follow-up": ("", "f"),
    "every step": ("", "spif"),
    "preparation, of those with every step before": ("s", "sp"),
    "integration, of those with every step before": ("sp", "spi"),
    "follow-up, of those with every step before": ("spi", "spif"),
    "screening to preparation": ("sp1", None),
    "preparation to first dose": ("p", None),
    "first dose to integration": ("i", None),
    "integration to follow-up": ("if2", None),
    "integration within 72 hours of the first dose": ("", "it"),
    "integration within 72 hours and again within 7 days of the first dose": ("", "ita"),
    "integration within 72 hours of a dose": ("", "t"),
    "integration within 72 hours and again within 7 days of a dose": ("", "ta"),
    "screening, never a dose": ("", "s"),
    "preparation, never a dose": ("", "p"),
    "patients": ("", ""),
}
"""What must hold for those in the denominator and in the numerator of a step, a letter each."""


def step_cells(estimate):
    """Return what the denominator and the numerator of a step count: who (or which doses), meeting which conditions."""
    who = "doses" if estimate.term.endswith("of a dose") else "patients"
    who = "never dosed" if estimate.term.endswith("never a dose") else who
    return tuple(
        None if letters is None else ("met by", who, "".join(sorted(letters)), estimate.subgroup)
        for letters in STEP_CONDITIONS[estimate.term]
    )


def sums_of_steps(values):
    """Who meets more conditions is among those who meet fewer; every timely dose of a patient is a dose."""
    cells = [cell for cell in values if cell[0] == "met by"]
    sums = []
    for whole in cells:
        for part in cells:
            is_stricter = set(whole[2]) <= set(part[2]) and whole[3] == part[3] and whole != part
            if is_stricter and (whole[1] == part[1] or (whole[1], part[1]) == ("doses", "patients")):
                sums.append((whole, [part]))
    return sums


SAFETY_KINDS = ("mild", "moderate", "severe")


def safety_people(estimate):
    """Return what a number of `safety` rests on: events, all patients, all sessions, or those who were asked."""
    if estimate.measure == "event rate":
        return ("counted", "", "", estimate.term, estimate.subgroup)
    if estimate.measure == "exposure time" or estimate.term.startswith(("patients with", "worst event of a patient")):
        return ("patients", "patients", estimate.subgroup)
    if estimate.term.startswith(("sessions with a", "worst event of a session")):
        return ("counted", "", "", "dosing sessions", estimate.subgroup)
    return ("asked", estimate.term, estimate.subgroup)


def sums_of_safety(values):
    """Whoever had an event had at least one; severities and kinds divide events; of a worst event there is one."""
    sums = []
    for group in dict.fromkeys(cell[-1] for cell in values if cell != NOBODY):

        def cell(term, group=group):
            return ("patients", "patients", group) if term == "patients" else ("counted", "", "", term, group)

        kinds = [
            name[3].split(", ")[1] for name in values if name[-1] == group and str(name[3:4]).find("kind of ev") > 0
        ]
        divided = [("events", [f"events, {name}" for name in SAFETY_KINDS])]
        divided += [("events", [f"kind of event, {name}" for name in kinds])]
        divided += [("patients with an event", [f"worst event of a patient, {name}" for name in SAFETY_KINDS])]
        divided += [("sessions with an event", [f"worst event of a session, {name}" for name in SAFETY_KINDS])]
        held = [("patients", f"patients with kind, {name}") for name in kinds]
        held += [("patients with an event", f"patients with kind, {name}") for name in kinds]
        held += [(f"kind of event, {name}", f"patients with kind, {name}") for name in kinds]
        held += [
            (f"events, {name}", f"worst event of a {who}, {name}")
            for name in SAFETY_KINDS
            for who in ("patient", "session")
        ]
        held += [
            ("events", "serious events"),
            ("events", "patients with an event"),
            ("events", "sessions with an event"),
        ]
        held += [
            ("serious events", "patients with a serious event"),
            ("serious events", "sessions with a serious event"),
        ]
        held += [("patients", "patients with an event"), ("patients with an event", "patients with a serious event")]
        held += [("dosing sessions", "sessions with an event"), ("dosing sessions", "patients")]
        held += [("sessions with an event", "sessions with a serious event")]
        sums += [
            (cell(whole), [cell(part) for part in parts]) for whole, parts in divided if cell(whole) in values and parts
        ]
        sums += [(cell(whole), [cell(part)]) for whole, part in held if cell(whole) in values and cell(part) in values]
        for asked in [name for name in values if name[0] == "asked" and name[-1] == group]:
            whole = cell("dosing sessions" if asked[1].startswith("sessions") else "patients")
            sums += [(whole, [asked])]
            term = ("counted", "", "", asked[1], group)
            sums += [(asked, [term])] if term in values else []
    return sums


def loss_people(estimate):
    """Return what a number of `dropout` rests on: those with a baseline, those scored, those in the model."""
    if estimate.measure == "odds ratio":
        model = ("counted", "", estimate.visit, "in the model of no score", "")
        return ("level", estimate.visit, estimate.term) if ": " in estimate.term else model
    if estimate.term == "baseline, scored":
        return ("counted", "", estimate.visit, "scored at visit", estimate.subgroup)
    return ("with baseline", estimate.subgroup)


def sums_of_losses(result, values):
    """Who is seen later was seen before; who is scored is seen; of the last two visits every pattern is a count."""
    visits = [estimate.visit for estimate in result.select(term="scored at visit", subgroup="")]
    sums = []
    for group in dict.fromkeys(cell[-1] for cell in values if cell[0] == "with baseline"):
        scored = [("counted", "", visit, "scored at visit", group) for visit in visits]
        later = [("counted", "", visit, "seen then or later", group) for visit in visits[:-1]] + scored[-1:]
        chain = [("with baseline", group), *later]
        for number, (before, after) in enumerate(pairwise(chain)):
            values[("lost", number, group)] = values[before] - values[after]
            sums.append((before, [after, ("lost", number, group)]))
        sums += [(("with baseline", group), [cell]) for cell in scored]
        sums += [(seen, [cell]) for seen, cell in zip(later[:-1], scored[:-1], strict=True)]
        if len(visits) > 1:
            values[("both", group)] = values[scored[-2]] - values[("lost", len(visits) - 1, group)]
            sums.append((scored[-2], [("both", group), ("lost", len(visits) - 1, group)]))
    for model in [cell for cell in values if cell[0] == "counted" and cell[3] == "in the model of no score"]:
        sums.append((("with baseline", ""), [model]))
        sums += [(model, [cell]) for cell in values if cell[0] == "level"]
    return sums


def time_people(estimate):
    """Return what a number of `outcomes_over_time` rests on; a limit rests on the size of its period."""
    term = estimate.term.split(", ")[0]
    if term == "paired completeness":
        return ("with baseline", estimate.subgroup)
    if estimate.measure == "event rate":
        return ("counted", "", "", term, estimate.subgroup)
    return ("with both scores", estimate.visit, estimate.subgroup)


def sums_of_time(result, values):
    """Every total over periods is the sum of these periods; whoever improved or got worse is of those with both."""
    sums, members = [], {}
    for term, whole, period in result.part("spans").rows:
        members.setdefault((term, whole), []).append(period)
    for (term, whole), inside in members.items():
        kinds = [cell for cell in values if cell[-1] == whole and (term in cell or cell[0].startswith("with "))]
        sums += [(cell, [(*cell[:-1], period) for period in inside]) for cell in kinds]
    sums = [(whole, parts) for whole, parts in sums if set(parts) <= set(values)]
    for share in result.select(measure="proportion"):
        whole, part = time_people(share), counted(share)
        sums += [(whole, [part])] if {whole, part} <= set(values) and whole != part else []
    return sums


def sums_of_sites(result, values):
    """Whoever improved is of those with both scores of the site."""
    pairs = [(people(result, share), counted(share)) for share in result.select(measure="proportion")]
    return [(whole, [part]) for whole, part in pairs if {whole, part} <= set(values) and whole != part]


OWN_PEOPLE = {
    "outcomes_over_time": time_people,
    "nhs_outcomes": service_people,
    "safety": safety_people,
    "dropout": loss_people,
}


OWN_SUMS = {
    "outcomes_over_time": sums_of_time,
    "compare_sites": sums_of_sites,
    "dropout": sums_of_losses,
}


def counted(estimate):
    if estimate.definition_set == "nhs_talking_therapies":
        name = {"at caseness at baseline": "case"}.get(estimate.term, estimate.term)
        return (name, estimate.visit, estimate.subgroup)
    if estimate.term == "paired completeness":
        return ("with both scores", estimate.visit, estimate.subgroup)
    if estimate.term == "with a baseline score":
        return ("with baseline", estimate.subgroup)
    if estimate.term == "patients":
        return ("patients", "patients", estimate.subgroup)
    is_of_events = "event" in estimate.term or estimate.term == "dosing sessions"
    is_alone = not estimate.subgroup and not estimate.visit and ": " not in estimate.term
    if estimate.measure == "count" and is_alone and not is_of_events:
        return ("step", estimate.term)
    return ("counted", estimate.definition_set, estimate.visit, estimate.term, estimate.subgroup)


COMPARED_STEMS = (
    *("compared", "target population", "balance", "overlap", "propensity", "negative control"),
    "no score at the visit",
)


def comparison_cells(estimate, result):
    """Yield whom an estimate of a comparison rests on (those compared, or of these the scored) and what it counts."""
    everybody_has_one = result.estimand.name in {"days_in_response", "while_in_care"}
    is_compared = estimate.term.startswith(COMPARED_STEMS) or (everybody_has_one and estimate.visit == "up to week 12")
    scored = ("scored", estimate.visit, estimate.subgroup)
    if estimate.term.startswith(("in care, of", "propensity outside", "left care, of", "scored in care, of")):
        some = ("in care", estimate.term, estimate.visit, estimate.subgroup)
        cells = {("compared", "", estimate.subgroup): estimate.n_patients, some: estimate.n_counted}
    elif estimate.term.startswith("seen, of those"):
        cells = {scored: estimate.n_patients, ("event", estimate.visit, estimate.subgroup): estimate.n_counted}
    elif estimate.term in {"scored, of those compared", "with an outcome, of those compared"}:
        cells = {("compared", "", estimate.subgroup): estimate.n_patients, scored: estimate.n_counted}
    else:
        cells = {("compared", "", estimate.subgroup) if is_compared else scored: estimate.n_patients}
    return {name: count for name, count in cells.items() if count is not None}


def sums_of_comparison(values):
    """The compared of an arm are the scored and the rest; the scored are those without and those with gaps before."""
    sums = []
    for arm in {cell[-1] for cell in values if cell[0] == "compared" and cell[-1]}:
        whole = ("compared", "", arm)
        sums += [(whole, [cell]) for cell in values if cell[0] in {"scored", "in care"} and cell[-1] == arm]
        sums += [(("scored", cell[1], arm), [cell]) for cell in values if cell[0] == "event" and cell[-1] == arm]
        sums += sums_of_leavers(values, arm)
        patterns = [cell for cell in values if cell[0] == "pattern" and cell[-1] == arm]
        if not patterns:
            continue
        sums.append((("scored", "week 12", arm), patterns))
        for visit in {cell[1] for cell in values if cell[0] == "missing"}:
            missing = [cell for cell in values if cell[0] == "missing" and (cell[1], cell[-1]) == (visit, arm)]
            sums.append((whole, [("scored", visit, arm), *missing]))
    return sums


def sums_of_leavers(values, arm):
    """Of a composite outcome: who left and who was scored in care have one; some who left were scored all the same."""
    when = "up to week 12"
    outcome, scored = ("scored", when, arm), ("scored", "week 12", arm)
    left, seen, stayed = (
        ("in care", f"{words}, of those compared", visit, arm)
        for words, visit in (("left care", when), ("scored in care", when), ("in care", "week 12"))
    )
    sums = [(("compared", "", arm), [stayed, left])]
    if seen in values:
        event = ("event", when, arm)
        sums += [(outcome, [left, seen]), (outcome, [scored]), (scored, [seen]), (stayed, [seen]), (seen, [event])]
    return [(whole, parts) for whole, parts in sums if whole in values and all(part in values for part in parts)]


TRIALS = frozenset({"emulate_trial", "session_dose_response"})
FOLLOWED = ("followed both", "followed only the treated strategy", "followed only the comparator", "followed neither")


def emulation_cells(estimate):
    """Yield what a count or a share of an emulated trial counts, and of whom; everything else rests on all of them."""
    if estimate.measure == "proportion":
        whole = estimate.term.removeprefix("scored, ").removeprefix("seen with the outcome, ")
        cells = {whole: estimate.n_patients, f"{estimate.term} {estimate.visit}".strip(): estimate.n_counted}
    elif estimate.subgroup.startswith(("weeks: ", "strategy: ")) or not estimate.subgroup:
        cells = {estimate.term if estimate.measure == "count" else "patients in the trial": estimate.n_patients}
    else:
        cells = {f"in level {estimate.subgroup}": estimate.n_patients}
    return {("emulated", name): count for name, count in cells.items() if count is not None}


def week_cells(part, row):
    yield ("emulated", f"{row['step']} {row['order']} {row['group']}"), row["n_patients"]


def trial_flow_cells(result, released):
    """Return the true values of the stages and exclusions that the released flow of a trial shows or hides."""
    part = result.part("flow")
    rows = zip(part.column("kind"), part.column("step"), part.column("n_patients"), strict=True)
    stages = {step: count for kind, step, count in rows if kind == "stage"}
    part, values, before = released.part("flow"), {}, None
    for kind, step in zip(part.column("kind"), part.column("step"), strict=True):
        if kind == "stage":
            values["emulated", step] = stages[step]
            if before is not None:
                values["excluded", step] = stages[before] - stages[step]
            before = step
    return values


def sums_of_emulation(result, values):
    """The four kinds of followers are the trial, which is some of the eligible; each kind is scored or not.

    For each arm the trial is who departed, week by week, and who followed. Who is in care was so the week before, and
    who departs is in care. Of several arms those who depart in one week are different patients. With several courses a
    patient nothing adds up exactly: each number is some of the trial.
    """
    whole, names = ("emulated", "patients in the trial"), [cell[1] for cell in values if cell[0] == "emulated"]
    has_courses = "courses in the trial" in names
    kinds = [[("emulated", name)] for name in FOLLOWED] if has_courses else [[("emulated", name) for name in FOLLOWED]]
    sums = [(("emulated", "eligible patients"), [whole]), *((whole, kind) for kind in kinds)]
    sums += [(("emulated", "courses in the trial"), [whole]), (whole, [("emulated", "patients with several courses")])]
    arms = [name for name in names if name.startswith("followed: ")]
    sums += [(whole, [("emulated", name)]) for name in arms]
    kinds = [name for name in names if name.startswith("followed only: ")]
    sums += [(whole, [("emulated", name) for name in kinds])]
    for name in arms:  # neighboring arms that were followed together divide the trial, and each arm
        held = [one for one in kinds if name.split(": ")[1] in one.split(": ")[1].split(" and ")]
        sums += [(("emulated", name), [("emulated", one) for one in held])]
    visits = {one.visit for one in result.estimates if one.measure == "proportion"}
    at_visits = [(name, f"{name} {visit}".strip()) for visit in sorted(visits) for name in (*FOLLOWED, *arms)]
    sums += [(("emulated", name), [("emulated", f"scored, {at_visit}")]) for name, at_visit in at_visits]
    for name, at_visit in at_visits:  # whose outcome was seen was scored
        seen = ("emulated", f"seen with the outcome, {at_visit}")
        sums += [(("emulated", whole), [seen]) for whole in (name, f"scored, {at_visit}")]
    sums += sums_of_events_by_arm(values, is_of_scored=result.estimand.name != "while_in_care")
    both, treated, comparator = (("emulated", name) for name in FOLLOWED[:3])
    followers = {result.estimand.treatment: [both, treated], result.estimand.comparator: [both, comparator]}
    followers |= {name.removeprefix("followed: "): [("emulated", name)] for name in arms}
    departed = [name for name in names if name.startswith("departed in")]
    for week in dict.fromkeys(name.split(" ", 5)[4] for name in departed):
        in_week = [("emulated", name) for name in departed if name.split(" ", 5)[4] == week]
        together = [in_week] if arms and not has_courses else [[one] for one in in_week]
        sums += [(("emulated", f"in care when the week began {week} "), one) for one in together]
    for label, own in () if has_courses else followers.items():
        by_week = [name for name in departed if name.split(" ", 5)[-1] == label]
        left = [name for name in names if name.startswith("left care in") and name.split(" ", 6)[-1] == label]
        sums.append((whole, [("emulated", name) for name in (*by_week, *left)]))
        sums.append((whole, [*own, *(("emulated", name) for name in by_week)]))
    sums += sums_of_both_arms(result, values)
    in_care = [("emulated", name) for name in names if name.startswith("in care when")]
    sums += [(before, [after]) for before, after in combinations([whole, *in_care], 2)]
    levels = {}
    for name in names:
        if name.startswith("in level "):
            levels.setdefault(name.split(": ")[0], []).append(("emulated", name))
    sums += [(whole, members) for members in levels.values()]
    steps = [cell[1] for cell in values if cell[0] == "excluded"]
    for before, after in pairwise([result.part("flow").column("step")[0], *steps]):
        sums.append((("emulated", before), [("excluded", after), ("emulated", after)]))
    return sums


def sums_of_events_by_arm(values, *, is_of_scored=True):
    """It is told who was seen with the outcome of all who followed a strategy: two kinds, scored or not."""
    for _, name in [cell for cell in values if cell[0] == "emulated" and " outcome, following the " in cell[1]]:
        followers = name.removeprefix("seen with the outcome, ")
        arm = "following the treated strategy" if "treated" in name else "following the comparator"
        kinds = ["followed both", arm.replace("following", "followed only")]
        at_visit = followers.removeprefix(arm)
        seen = [("emulated", f"seen with the outcome, {kind}{at_visit}") for kind in kinds]
        scored = [("emulated", f"scored, {kind}{at_visit}") for kind in kinds]
        yield ("emulated", arm), [("emulated", kind) for kind in kinds]
        yield ("emulated", arm), [("emulated", name)]
        yield ("emulated", name), seen
        if is_of_scored and all(cell in values for cell in scored):
            yield ("emulated", f"scored, {followers}"), scored
            yield ("emulated", f"scored, {followers}"), [("emulated", name)]


def sums_of_both_arms(result, values):
    """Until anybody can depart from the treated strategy, who leaves the comparator leaves the treated as well."""
    of_treated, of_comparator = result.estimand.treatment, result.estimand.comparator
    for week in range(1, 14):
        if values.get(("emulated", f"departed in the week {week} {of_treated}"), 0) != 0:
            return
        left = [("emulated", f"left care in the week {week} {label}") for label in (of_treated, of_comparator)]
        if all(name in values for name in left):
            yield left[0], left[1:]


def cells_of(result):
    """Return every count of the estimates and parts under the name of what it counts."""
    cells = {NOBODY: 0}
    for estimate in result.estimates:
        if result.analysis == "compare_cohorts":
            cells |= comparison_cells(estimate, result)
            continue
        if result.analysis in TRIALS:
            cells |= emulation_cells(estimate)
            continue
        if MEASURES[estimate.measure].kind == "constant" or estimate.comparator:
            continue
        is_rate = estimate.measure == "event rate" and estimate.n_observations is not None
        if (estimate.n_patients is not None or is_rate) and estimate.measure != "count":
            of_sessions = estimate.measure in {"proportion of sessions", "event rate"}
            cells[people(result, estimate)] = estimate.n_observations if of_sessions else estimate.n_patients
        if estimate.n_counted is not None:
            name = step_cells(estimate)[1] if result.analysis == "care_pathway" else counted(estimate)
            cells[name] = estimate.n_counted
        if result.analysis in MODELS and estimate.measure in {"fit statistic", "correlation"} and estimate.n_patients:
            cells["scores", estimate.subgroup] = estimate.n_observations
    for part in result.parts:
        cells |= {name: count for name, count in part_cells(part) if count is not None}
    return with_scored_by_arm(cells) if result.analysis in TRIALS else cells


def with_scored_by_arm(cells):
    """Return the cells of a trial, and how many of each strategy's followers are scored, which follows from others."""
    cells = {("emulated", name[1]) if name[0] == "step" else name: count for name, count in cells.items()}
    for whole, parts in list(sums_of_events_by_arm(cells)):
        if whole not in cells and len(parts) == 2 and all(part in cells for part in parts):
            cells[whole] = sum(cells[part] for part in parts)
    return cells


def part_cells(part):
    for row in (dict(zip(part.columns, cells, strict=True)) for cells in part.rows):
        yield from PART_CELLS.get(part.name, no_cells)(part, row)


def no_cells(part, row):
    return ()


def transition_cells(part, row):
    name = ("cell", row["term"], row["visit"], row["baseline_band"], row["follow_up_band"], row["group"])
    yield name, row["n_patients"]


def anchor_cells(part, row):
    yield ("with both scores", row["visit"], row["group"]), row["n_patients"]


def flow_cells(part, row):
    if row["kind"] == "visit":
        yield ("counted", "", row["visit"], "scored at visit", row["group"]), row["n_patients"]
    elif row["kind"] == "group":
        yield ("with baseline", row["group"]), row["n_patients"]
    elif row["kind"] == "stage" and row["step"] == "with a baseline score":
        yield ("with baseline", ""), row["n_patients"]
    elif row["kind"] == "stage" and row["step"] == "patients compared":
        yield ("compared", "", ""), row["n_patients"]
    else:
        yield ("step" if row["kind"] == "stage" else "excluded", row["step"]), row["n_patients"]


def visit_cells(part, row):
    yield ("seen", row["visit"], row["group"]), row["n_patients"]


def fewest_cells(part, row):
    yield ("fewest", row["term"]), row["n_patients"]


def bin_cells(part, row):
    names = [name for name in part.columns if name not in {"n_patients", "group"}]
    yield ("bin", *(row[name] for name in names), row["group"]), row["n_patients"]


def file_cells(part, row):
    for name in ("rows_in", "rows_accepted", "rows_rejected"):
        yield ("counted", "", "", f"{row['file']}: {name.replace('_', ' ')}", ""), row[name]


def rule_cells(part, row):
    yield ("rule", row["file"], row["rule"], row["column"]), row["n_rows"]


def scored_cells(part, row):
    yield ("scored", row["visit"], row["group"]), row["n_patients"]


def missing_cells(part, row):
    yield ("missing", row["visit"], row["step"], row["group"]), row["n_patients"]


def pattern_cells(part, row):
    yield ("pattern", row["step"], row["group"]), row["n_patients"]


PART_CELLS = {
    "scored_by_visit": scored_cells,
    "missing_patterns": pattern_cells,
    "missing_by_visit": missing_cells,
    "trial_by_week": week_cells,
    "leaving_by_week": week_cells,
    "missing_by_week": week_cells,
    "flow": flow_cells,
    "patients_at_visits": visit_cells,
    "fewest_patients": fewest_cells,
    "anchors": anchor_cells,
    "severity_transitions": transition_cells,
    "score_pair_counts": bin_cells,
    "files": file_cells,
    "rules": rule_cells,
}


def sums_of(result, values):
    """Return (total, members) for everything that adds up, with a rest where something is printed nowhere."""
    if result.analysis == "care_pathway":
        return sums_of_steps(values) + sums_of_groups(values)
    if result.analysis in MODELS:
        return sums_of_model(values) + sums_of_groups(values)
    if result.analysis == "compare_cohorts":
        return sums_of_comparison(values) + sums_of_groups(values) + sums_of_chain(result.part("flow"))
    if result.analysis in TRIALS:
        known = sums_of_emulation(result, values)
        kept = [(whole, [part for part in parts if part in values]) for whole, parts in known if whole in values]
        return [(whole, parts) for whole, parts in kept if parts]
    if result.analysis == "safety":
        return sums_of_safety(values) + sums_of_groups(values)
    if result.analysis in OWN_SUMS:
        return OWN_SUMS[result.analysis](result, values) + sums_of_groups(values)
    sums = []
    shares = [e for e in result.estimates if e.measure == "proportion" and e.n_patients]
    for share in shares:
        if any(share.term in classes for classes in (*PARTITIONS, BOTH_WAYS)) or ": " in share.term:
            continue
        sums.append((people(result, share), [counted(share)]))
    for where in dict.fromkeys((e.definition_set, e.visit, e.subgroup) for e in shares):
        sums += sums_of_terms(result, {e.term: e for e in shares if (e.definition_set, e.visit, e.subgroup) == where})
    sums += sums_of_definitions(values)
    sums += sums_of_choices(values)
    nested = [cell for cell in values if cell[0] in {"at caseness", "baseline not zero"}]
    sums += [(("with both scores", *cell[-2:]), [cell]) for cell in nested]
    return sums + sums_of_groups(values) + sums_of_parts(result, values)


def sums_of_model(values):
    """Who is in a model was seen at a visit or not; scores are those of the visits; of two, some are of the same."""
    sums = []
    for group in dict.fromkeys(cell[-1] for cell in values if cell[0] == "seen"):
        seen = [cell for cell in values if cell[0] == "seen" and cell[-1] == group]
        sums += [(("in model", group), [cell]) for cell in seen]
        sums.append((("scores", group), seen))
        if len(seen) == 2 and ("in model", group) in values:
            sums.append((("scores", group), [("in model", group)]))
    return sums


def sums_of_terms(result, here):
    """The sums between the shares of one definition, visit and group."""
    sums = []
    is_service = result.analysis == "nhs_outcomes"
    sums += [
        (people(result, here[classes[0]]), [counted(here[term]) for term in classes])
        for classes in ((BOTH_WAYS,) if is_service else PARTITIONS)
        if set(classes) <= set(here)
    ]
    parts_of = [("reliable improvement", ("recovered", "improved, not recovered"))]
    parts_of += [("reliable deterioration", ("harmed", "deteriorated, not harmed"))]
    parts_of += [("reliable improvement", ("reliable recovery",)), ("recovery", ("reliable recovery",))]
    for whole, terms in parts_of:
        if {whole, *terms} <= set(here):
            sums.append((counted(here[whole]), [counted(here[term]) for term in terms]))
    for name in dict.fromkeys(stem(term) for term in here if ": " in term):
        levels = [share for term, share in here.items() if ": " in term and stem(term) == name]
        sums.append((people(result, levels[0]), [counted(share) for share in levels]))
    return sums


def sums_of_definitions(values):
    """One definition of a term holds the other: the difference is a rest, and there is none where they are the same."""
    sums, defined = [], {}
    for cell in values:
        if cell[0] == "counted" and cell[1]:
            role = SAME_BUT_FOR_A_THRESHOLD.get(cell[3], cell[3])
            defined.setdefault((cell[2], role, *cell[4:]), []).append(cell)
    for cells in defined.values():
        for one, other in combinations(sorted(cells, key=lambda cell: values[cell], reverse=True), 2):
            sums.append((one, [other] if values[one] != values[other] else [other, NOBODY]))
    return sums


def sums_of_choices(values):
    """Who recovered by some cut-off improved reliably, at the same reliability."""
    cells = [cell for cell in values if cell[0] == "counted" and cell[1].startswith("r = ")]
    improved = {cell[1]: cell for cell in cells if cell[3] == "reliable improvement"}
    return [(improved[cell[1].split(", ")[0]], [cell]) for cell in cells if cell[3] == "recovered"]


def sums_of_groups(values):
    groups = {}
    for cell in values:
        if isinstance(cell[-1], str) and ": " in cell[-1] and cell[0] not in {"step", "excluded", "rule"}:
            groups.setdefault((cell[:-1], stem(cell[-1])), []).append(cell)
    return [((*what, ""), members) for (what, _), members in groups.items() if (*what, "") in values]


def chain_of(flow):
    kinds = zip(flow.column("kind"), part_cells(flow), strict=True)
    return [(kind, name) for kind, (name, _) in kinds if kind in {"stage", "excluded"}]


def sums_of_chain(flow):
    """Each stage is those who are left out next and the next stage."""
    names = [name for _, name in chain_of(flow)]
    return [
        (before, [taken, after]) for before, taken, after in zip(names[::2], names[1::2], names[2::2], strict=False)
    ]


def sums_of_parts(result, values):
    sums = []
    for part in result.parts:
        if part.name == "flow":
            chain = chain_of(part)
            sums += sums_of_chain(part)
            if chain[-1][1] != ("with baseline", ""):
                sums.append((chain[-1][1], [("with baseline", "")]))
        if part.name == "score_pair_counts":
            bins = [name for name, _ in part_cells(part)]
            for visit, group in dict.fromkeys((name[1], name[-1]) for name in bins):
                here = [name for name in bins if (name[1], name[-1]) == (visit, group)]
                sums.append((("with both scores", visit, group), here))
        if part.name == "severity_transitions":
            sums += sums_of_matrix([cell for cell in values if cell[0] == "cell"])
        if part.name == "files":
            sums += sums_of_files(part, values)
    return sums


def sums_of_files(part, values):
    sums = []
    for file in part.column("file"):
        names = [("counted", "", "", f"{file}: rows {what}", "") for what in ("in", "accepted", "rejected")]
        sums.append((names[0], names[1:]))
        rules = [cell for cell in values if cell[0] == "rule" and cell[1] == file]
        if rules:
            sums.append((names[2], rules))
    return sums


def sums_of_matrix(cells):
    """The cells of a matrix of bands add up to all patients, and those of one direction to its share."""
    lines = {}
    for cell in cells:
        _, term, visit, _, _, group = cell
        lines.setdefault(("with both scores", visit, group), []).append(cell)
        lines.setdefault(("counted", "phq9/kroenke_2001_bands", visit, term, group), []).append(cell)
    return list(lines.items())


def certain_counts(cells, sums, shown):
    """Return the counts that are not shown and yet certain, with their values.

    Every sum is an equation in the counts that are not shown; one is certain if no solution of the homogeneous
    equations moves it.
    """
    equations, values = [], dict(cells)
    for number, (total, members) in enumerate(sums):
        if total not in values:
            continue
        rest = values[total] - sum(values[member] for member in members)
        equation = {total: 1, **dict.fromkeys(members, -1)}
        if rest != 0 or len(members) == 1:
            values["rest", number] = rest
            equation["rest", number] = -1
        equations.append(equation)
    unknown = [cell for cell in values if cell not in shown]
    if not unknown:
        return {}
    place = {cell: column for column, cell in enumerate(unknown)}
    matrix = np.zeros((max(len(equations), 1), len(unknown)))
    for row, equation in enumerate(equations):
        for cell, sign in equation.items():
            if cell in place:
                matrix[row, place[cell]] = sign
    _, singular, vectors = np.linalg.svd(matrix)
    null_space = vectors[int((singular > 1e-9).sum()) :]
    moves = np.abs(null_space).max(axis=0) if len(null_space) else np.zeros(len(unknown))
    return {cell: values[cell] for cell in unknown if moves[place[cell]] < 1e-9}


def found_by_auditor(result, released, minimum=MINIMUM):
    """Return what is certain although it is hidden, and what is certain and small."""
    cells = cells_of(result)
    if released.analysis in {
        "participant_flow",
        "compare_cohorts",
    }:  # merged stages and exclusions are numbers of their own
        cells = {cell: value for cell, value in cells.items() if cell[0] not in {"step", "excluded"}}
        cells |= flow_cells(result, released)
    if released.analysis in TRIALS:
        steps = {("emulated", step) for step in result.part("flow").column("step")}
        cells = {cell: value for cell, value in cells.items() if cell not in steps and cell[0] != "excluded"}
        cells |= trial_flow_cells(result, released)
    if released.analysis == "severity_transitions":  # nobody sees whether a pair of bands that is left out is empty
        cells = empty_cells(cells) | cells
    shown = cells_of(released)
    certain = certain_counts(cells, sums_of(released if "step" in {c[0] for c in cells} else result, cells), shown)
    return {
        cell: value
        for cell, value in certain.items()
        if is_small(value, minimum)
        or (cell[0] not in {"rest", "scores", "lost", "both"} and not (cell[0] == "cell" and value == 0))
    }


def empty_cells(cells):
    """Return every pair of bands of every group with 0 patients."""
    bands = [band.label for band in kat.instrument("PHQ-9").definition("bands").bands]
    groups = dict.fromkeys((cell[2], cell[5]) for cell in cells if cell[0] == "cell")
    terms = {True: "to a milder band", False: "to a more severe band"}
    return {
        ("cell", "same band" if before == after else terms[row > column], visit, before, after, group): 0
        for visit, group in groups
        for row, before in enumerate(bands)
        for column, after in enumerate(bands)
    }


def flow_cells(result, released):
    """Return the true values of the stages and exclusions that the released flow shows or hides."""
    steps = {name: count for name, count in part_cells(result.part("flow")) if name[0] == "step"}
    ends = {
        name: count for name, count in cells_of(result).items() if name in {("with baseline", ""), ("compared", "", "")}
    }
    steps |= ends
    part = released.part("flow")
    chain = [name for name, _ in part_cells(part) if name[0] in {"step", "excluded"} or name in ends]
    values = {name: steps[name] for name in chain if name in steps}
    stages = [name for name in chain if name in steps]
    for before, after in pairwise(stages):
        taken = [name for name in chain[chain.index(before) : chain.index(after)] if name[0] == "excluded"]
        values |= dict.fromkeys(taken, steps[before] - steps[after])
    return values


def test_the_auditor_finds_what_a_careless_hand_leaves(house):
    """Hide only what is small itself: then the rest gives it away, and the auditor must say so."""
    case = house.Case("clinical_significance", "large")
    result = house.result_of(case)
    careless = {
        cell: value for cell, value in cells_of(result).items() if not (is_small(value) and cell[0] == "counted")
    }
    assert any(cell[0] == "counted" for cell in set(cells_of(result)) - set(careless))
    certain = certain_counts(cells_of(result), sums_of(result, cells_of(result)), careless)
    assert any(is_small(value) for cell, value in certain.items() if cell[0] == "counted")


def test_the_auditor_finds_nothing(result, released):
    assert found_by_auditor(result, released) == {}


@pytest.mark.parametrize("minimum", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_the_auditor_finds_nothing_at_other_minimums(case, result, house, minimum):
    assert found_by_auditor(result, house.released_of(case, minimum), minimum) == {}


@pytest.mark.parametrize("n_patients", [25, 60])
@pytest.mark.parametrize("seed", [100, 101, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(102, 110))])
def test_the_auditor_finds_nothing_in_other_small_clinics(n_patients, seed, house):
    data = house.as_analysis_set(house.made_up_frame(n_patients, seed=seed * 7919))
    for analysis in house.SET_ANALYSES:
        try:
            result = house.run(analysis, data)
        except DesignError:  # too few patients of a cohort to compare
            continue
        released = kat.release(result)
        assert [count for count in shown_counts(released) if is_small(count)] == []
        assert found_by_auditor(result, released) == {}, analysis
        assert kat.release(released).to_json() == released.to_json()


CHOICES_OF_SIGNIFICANCE = (
    {"method": ("jacobson_truax", "edwards_nunnally", "hageman_arrindell", "cut_off_only"), "differences": True},
    {
        "method": "nunnally_kotsch",
        "cut_off": "a",
        "interval": "exact",
        "differences": True,
        "adjust_for": ["age", "site"],
    },
    {
        "definition_sets": (
            "bauer_staeb_2021_mcid",
            "hudgens_2021_mcid",
            "kounali_2022_mcid_share",
            "measurement_based_care_response",
            "nhs_talking_therapies_reliable_change",
        ),
        "differences": True,
    },
)


@pytest.mark.parametrize("choices", CHOICES_OF_SIGNIFICANCE)
@pytest.mark.parametrize("n_patients", [60, 250, 420])
def test_the_auditor_finds_nothing_across_methods(n_patients, choices, house):
    result = kat.clinical_significance(house.as_analysis_set(house.made_up_frame(n_patients, seed=11)), **choices)
    released = kat.release(result)
    assert [count for count in shown_counts(released) if is_small(count)] == []
    assert found_by_auditor(result, released) == {}
    assert kat.release(released).to_json() == released.to_json()
    for difference in (one for one in released.estimates if one.comparator and not one.suppressed):
        sides = [
            one
            for one in released.select(definition_set=difference.definition_set, visit=difference.visit)
            if one.term == stem(difference.term)
            and one.subgroup.split(": ")[-1] in {difference.treatment, difference.comparator}
            and one.measure == "proportion"
        ]
        assert len(sides) == 2
        assert not any(one.suppressed for one in sides)
        assert not is_small(sum(one.n_patients for one in sides) - difference.n_patients)
    shown = {(row[0], row[1]) for part in released.parts if part.name == "anchors" for row in part.rows}
    assert all(
        one.n_patients is not None
        for one in released.select(measure="mean change")
        if (one.visit, one.subgroup) in shown
    )


@pytest.mark.parametrize("seed", range(20, 23))
def test_the_auditor_finds_nothing_in_small_care_pathways(seed, house):
    data = house.registry_set(kat.simulate_registry(seed=seed, n_patients=24 + 9 * (seed % 5)))
    for by in (None, "sex"):
        result = house.run("care_pathway", data, by=by)
        released = kat.release(result)
        assert [count for count in shown_counts(released) if is_small(count)] == []
        assert found_by_auditor(result, released) == {}
        assert kat.release(released).to_json() == released.to_json()


@pytest.mark.parametrize("seed", [21, 24])
def test_the_auditor_finds_nothing_in_the_safety_of_small_clinics(seed, house):
    registry = kat.simulate_registry(seed=seed, n_patients=24 + 30 * (seed % 5))
    for by in (None, "sex"):
        result = kat.safety(registry, by=by)
        released = kat.release(result)
        assert [count for count in shown_counts(released) if is_small(count)] == []
        assert found_by_auditor(result, released) == {}
        assert kat.release(released).to_json() == released.to_json()


# --- again, and with other minimums ----------------------------------------------------------------------------------


def test_releasing_again_changes_nothing(released):
    assert kat.release(released).to_json() == released.to_json()


@pytest.mark.slow
def test_a_higher_minimum_hides_no_less(case, house):
    released = [house.released_of(case, minimum) for minimum in (1, 3, 5, 8, 11, 15, 30)]
    for lower, higher in pairwise(released):
        shown_lower = {_name(e) for e in lower.estimates if not e.suppressed}
        assert {_name(e) for e in higher.estimates if not e.suppressed} <= shown_lower
        for part in higher.parts:
            if part.name != "flow":
                assert set(lower.part(part.name).suppressed) <= set(part.suppressed)


def test_a_minimum_of_one_hides_nothing(case, result, house):
    open_release = house.released_of(case, 1)
    printed = tuple(with_printed_digits(estimate) for estimate in result.estimates)
    assert open_release.to_frame().equals(dataclasses.replace(result, estimates=printed).to_frame())
    assert open_release.parts == result.parts


def test_step_by_step_is_as_safe_as_at_once(case, result, house):
    twice = kat.release(house.released_of(case, 5))
    assert [count for count in shown_counts(twice) if is_small(count)] == []
    assert twice.minimum_cell == MINIMUM


def test_flow_still_adds_up(house):
    for case in house.CASES:
        if case.analysis != "participant_flow":
            continue
        part = house.released_of(case).part("flow")
        chain = [
            n
            for kind, n in zip(part.column("kind"), part.column("n_patients"), strict=True)
            if kind in {"stage", "excluded"}
        ]
        for before, taken, after in zip(chain[::2], chain[1::2], chain[2::2], strict=False):
            if None not in (before, taken, after):
                assert before - taken == after
