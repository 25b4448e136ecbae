"""Whatever the counts: release shows none below the minimum, releasing again changes nothing, a higher minimum hides
no less, and what was not small and gives nothing away is shown."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.disclosure import DisclosurePolicy, release
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
FLOW_COLUMNS = ("order", "kind", "step", "reason", "group", "visit", "n_patients")
BIN_COLUMNS = ("visit", "group", "baseline_low", "baseline_high", "follow_up_low", "follow_up_high", "n_patients")

counts = st.integers(0, 40)
minimums = st.integers(1, 15)


def result_of(estimates=(), parts=(), analysis="made_up"):
    return Result(
        analysis=analysis,
        title="Made up",
        estimand=Estimand("e", "patients", "", "", Endpoint("PHQ-9", "week 12", "score"), "as observed", "mean"),
        method=Method("counting", "Somebody counted."),
        estimates=tuple(estimates),
        provenance=Provenance("frame", "ab" * 32, software=()),
        parts=tuple(parts),
    )


def share(term, n_counted, n_patients, subgroup=""):
    return Estimate(
        term=term,
        measure="proportion",
        definition_set="jacobson_truax",
        visit="week 12",
        subgroup=subgroup,
        estimate=n_counted / n_patients,
        n_patients=n_patients,
    )


def mean(n_patients, subgroup=""):
    return Estimate(
        term="change", measure="mean change", visit="week 12", subgroup=subgroup, estimate=0.5, n_patients=n_patients
    )


@st.composite
def grouped_classes(draw):
    """Classes of change of two or three groups and of everybody, means beside them, a contrast of the first two.

    Some patients may be of no known group.
    """
    table = draw(st.lists(st.tuples(counts, counts, counts).filter(any), min_size=2, max_size=3))
    of_no_group = draw(st.tuples(*[st.integers(0, 12)] * 3))
    everybody = tuple(map(sum, zip(*table, of_no_group, strict=True)))
    estimates = []
    for number, row in enumerate((everybody, *table)):
        subgroup = f"arm: {number}" if number else ""
        estimates += [share(term, count, sum(row), subgroup) for term, count in zip(CLASSES, row, strict=True)]
        estimates.append(mean(sum(row), subgroup))
    both = sum(map(sum, table[:2]))
    contrast = Estimate(
        term="change: 1 - 2",
        measure="difference in means",
        visit="week 12",
        treatment="1",
        comparator="2",
        estimate=0.5,
        n_patients=both,
    )
    return result_of([*estimates, contrast], analysis="clinical_significance")


@st.composite
def flows(draw):
    """A flow with exclusions, a baseline that some lack, two groups and a visit."""
    taken = draw(st.lists(counts, min_size=0, max_size=5))
    groups = draw(st.tuples(counts, counts))
    scored = [draw(st.integers(0, n)) for n in groups]
    n_baseline = sum(groups)
    left = sum(taken) + draw(counts) + n_baseline
    rows, steps = [("stage", "step 0", "", "", "", left)], [("step 0", left)]
    for number, n_taken in enumerate(taken, start=1):
        left -= n_taken
        rows.append(("excluded", f"step {number}", f"reason {number}", "", "", n_taken))
        rows.append(("stage", f"step {number}", "", "", "", left))
        steps.append((f"step {number}", left))
    rows.append(("excluded", "with a baseline score", "no baseline score", "", "", left - n_baseline))
    rows.append(("stage", "with a baseline score", "", "", "", n_baseline))
    estimates = [
        Estimate(term=term, measure="count", unit="patients", estimate=float(n), n_patients=n)
        for term, n in [*steps, ("with a baseline score", n_baseline)]
    ]
    for subgroup, n, n_scored in [
        ("", n_baseline, sum(scored)),
        *zip(("arm: a", "arm: b"), groups, scored, strict=True),
    ]:
        if subgroup:
            rows.append(("group", "with a baseline score", "", subgroup, "", n))
        rows.append(("visit", "scored at visit", "", subgroup, "week 12", n_scored))
        if n:
            estimates.append(
                Estimate(
                    term="scored at visit",
                    measure="proportion",
                    visit="week 12",
                    subgroup=subgroup,
                    estimate=n_scored / n,
                    n_patients=n,
                )
            )
    part = Part("flow", FLOW_COLUMNS, tuple((order, *row) for order, row in enumerate(rows)))
    return result_of(estimates, [part], analysis="participant_flow")


@st.composite
def bins(draw):
    """Bins of scores of two groups and of everybody."""
    cells = draw(st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), min_size=1, max_size=12))
    rows = [
        ("week 12", group, 0, 2, 3 * number, 3 * number + 2, count)
        for group, pick in (("", sum), ("arm: a", lambda pair: pair[0]), ("arm: b", lambda pair: pair[1]))
        for number, pair in enumerate(cells)
        if (count := pick(pair))
    ]
    return result_of(parts=[Part("score_pair_counts", BIN_COLUMNS, tuple(rows))], analysis="change_from_baseline")


results = st.one_of(grouped_classes(), flows(), bins())


def counts_in(text):
    """Every count in the JSON text of a result, and every numerator and complement."""
    content = json.loads(text)
    for estimate in content["estimates"]:
        n = estimate["n_patients"]
        if n is not None:
            yield n
        if estimate["estimate"] is not None and estimate["measure"] in {"count", "proportion"}:
            counted = round(estimate["estimate"] * (n if estimate["measure"] == "proportion" else 1))
            yield counted
            if estimate["measure"] == "proportion":
                yield n - counted
    for part in content["parts"]:
        column = part["columns"].index("n_patients")
        yield from (row[column] for row in part["rows"] if row[column] is not None)


def counts_of_no_known_group(result):
    """What the shares of the groups leave of those of everybody: of the denominator and of each class."""
    for term in CLASSES:
        shares = {one.subgroup: one for one in result.estimates if one.term == term}
        if shares:
            everybody = shares.pop("")
            yield everybody.n_patients - sum(one.n_patients for one in shares.values())
            yield everybody.n_counted - sum(one.n_counted for one in shares.values())


def shown(released):
    """What is shown; the stages of a flow stand among the estimates as well."""
    keys = {(e.term, e.measure, e.definition_set, e.visit, e.subgroup) for e in released.estimates if not e.suppressed}
    for part in released.parts:
        for row, cells in enumerate(part.rows):
            if part.name != "flow" and (row, len(cells) - 1) not in part.suppressed:
                keys.add(cells[:-1])
            elif part.name == "flow" and cells[1] in {"visit", "group"} and cells[-1] is not None:
                keys.add(cells[1:-1])
    return keys


@settings(max_examples=150)
@given(results, minimums)
def test_no_count_below_the_minimum_is_shown(result, minimum):
    released = release(result, DisclosurePolicy(minimum_cell=minimum))
    assert [count for count in counts_in(released.to_json()) if 0 < count < minimum] == []


@given(results, minimums)
def test_nobody_is_hidden_like_few_where_the_policy_says_so(result, minimum):
    policy = DisclosurePolicy(minimum_cell=minimum, zero_is_shown=False)
    estimates = release(result, policy).estimates
    kept = [
        estimate.n_counted for estimate in estimates if estimate.measure == "proportion" and not estimate.suppressed
    ]
    assert 0 not in kept


@settings(max_examples=150)
@given(results, minimums, st.booleans())
def test_releasing_again_changes_nothing(result, minimum, zero_is_shown):
    policy = DisclosurePolicy(minimum_cell=minimum, zero_is_shown=zero_is_shown)
    released = release(result, policy)
    assert release(released, policy).to_json() == released.to_json()


@settings(max_examples=150)
@given(results, minimums, st.integers(0, 10))
def test_a_higher_minimum_shows_no_more(result, minimum, more):
    lower = release(result, DisclosurePolicy(minimum_cell=minimum))
    higher = release(result, DisclosurePolicy(minimum_cell=minimum + more))
    assert shown(higher) <= shown(lower)


@given(results, minimums, st.integers(0, 10))
def test_two_steps_show_no_small_count_either(result, minimum, more):
    first = release(result, DisclosurePolicy(minimum_cell=minimum))
    second = release(first, DisclosurePolicy(minimum_cell=minimum + more))
    assert [count for count in counts_in(second.to_json()) if 0 < count < minimum + more] == []


@given(results)
def test_nothing_is_hidden_where_nothing_is_small(result):
    found = [*counts_in(result.to_json()), *counts_of_no_known_group(result)]
    enough = min((count for count in found if count), default=1)
    released = release(result, DisclosurePolicy(minimum_cell=enough))
    assert released.estimates == result.estimates
    assert released.parts == result.parts
