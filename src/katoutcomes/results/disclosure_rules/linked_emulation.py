"""The counts of an emulated trial: eligible, in the trial, who followed which strategy, until when, and who is scored.

A binary outcome is counted in each kind of followers and in the followers of each strategy, at every visit where its
days are the outcome. The latter are shown, the kinds are not: hardly anybody who followed both, and so left early, is
ever seen with it. Every share of it, and every number of days, goes with what is shown.

The four kinds of followers divide the patients of the trial; so do, for each arm, its followers and those who departed
from it in each week: where a kind of followers is hidden, so are the weeks. What describes the weights of an arm is
hidden where any count of followers is, because an effective sample size is near their number; what describes a
covariate is hidden where few followers share a level. Who leaves care while following an arm is counted by week; the
curve of staying is hidden from the first week on of which a count is. Who of an arm has no score in a week stays
behind: who follows both strategies is in the counts of both, and of how many that is so is told for no week.

Where every course starts a trial, patients are counted, each once wherever a course counts: a patient is what is
protected, and eleven courses may be those of three. Kinds of followers may then hold the same patient and add up to no
known total; where one is hidden, all are. How many courses there are beyond the patients is as small a number as any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from katoutcomes.results.disclosure_rules.linked_arms import OF_AN_ARM, OF_THESE_ARMS, sums_of_arms, terms_of_arms
from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

ANALYSES = frozenset({"emulate_trial", "session_dose_response"})
ELIGIBLE, IN_TRIAL = "eligible patients", "patients in the trial"
COURSES, SEVERAL_COURSES = "courses in the trial", "patients with several courses"
_COUNTS = frozenset({ELIGIBLE, IN_TRIAL, COURSES, SEVERAL_COURSES})
FOLLOWED = (
    "followed both",
    "followed only the treated strategy",
    "followed only the comparator",
    "followed neither",
)
BY_WEEK, FEWEST = "trial_by_week", "fewest_patients"
_DEPARTED_IN, _IN_CARE = "departed in the week", "in care when the week began"
_SCORED, SEEN = "scored, ", "seen with the outcome, "
FOLLOWING = {
    "following the treated strategy": (FOLLOWED[0], FOLLOWED[1]),
    "following the comparator": (FOLLOWED[0], FOLLOWED[2]),
}
"""Followers of a strategy: the two kinds that they are."""
_SHARES = frozenset({"adjusted share", "difference in proportions", "risk ratio"})
"""Measures of a binary outcome: near enough to what was seen that they go with it."""
_MEANS = frozenset({"adjusted mean", "difference in means"})
"""Of days with such an outcome they go with it as well."""
_GRID, _ALL_COLUMNS = "tipping grid", "balance of all columns"
LEAVING, MISSING = "leaving_by_week", "missing_by_week"
_WITHOUT_SCORE = frozenset({"missing, scored later", "missing, not scored again"})
_LEFT_IN, STILL_IN_CARE, _STRATEGY = "left care in the week", "still in care, of the copies that follow", "strategy: "
_STEMS = frozenset(
    {
        *(
            "emulated ratio",
            "emulated trial",
            "follow-up, emulated",
            "sensitivity",
            "bias diary",
            "selection by the score",
        ),
        *("emulated arms", "emulated arms, Holm", "trend over the arms"),
        *("in response, emulated", "days between visits, emulated"),
    }
)
_BY_MODIFIER = frozenset(
    {
        *("effect by modifier", "effect by modifier, partially pooled", "difference of effects"),
        "own weight in partial pooling",
    }
)
_COHORT = "trial of "
"""Begins the name of the cohort of an emulated trial; a comparison of cohorts has modifiers as well."""
_OF_WEIGHTS = frozenset(
    {
        *("propensity of a session in a week in care", "propensity of having kept to the strategy", "missing score"),
        *("precision: smallest difference to be expected, before outcomes are seen",),
        *("overlap of weeks with and without a session",),
    }
)

Values = Mapping[Key, int | None]
_NEVER_SHOWN: Key = ("counted", "", "", "departures from several arms", "")
_KINDS_NEVER_SHOWN: Key = ("counted", "", "", "kinds of followers seen with the outcome", "")
_GAPS_NEVER_SHOWN: Key = ("counted", "", "", "copies without a score by week", "")


def _counted(term: str, subgroup: str = "", visit: str = "") -> Key:
    return ("counted", "", visit, term, subgroup)


def _at_visits(values: Values, term: str) -> list[Key]:
    """Return the keys of a count at every visit, or at the one that needs no name."""
    return [key for key in values if key[0] == "counted" and key[3] == term]


def _of_week(week: str, step: str, arm: str) -> Key:
    return ("counted", "", week, step, arm)


def _weights(week: str = "") -> Key:
    return ("analyzed", "", week, "weights of an emulated trial", "")


def _is_of_weights(term: str) -> bool:
    is_of_an_arm = term.startswith("weights: ") and ", " in term
    return is_of_an_arm or term in _OF_WEIGHTS or term.rpartition(": ")[0] in _OF_WEIGHTS


def is_of_emulation(estimate: Estimate) -> bool:
    """Return whether an estimate is one of an emulated trial that no other analysis has."""
    term = estimate.term
    counted = term.removeprefix(_SCORED).removeprefix(SEEN)
    is_count = term in _COUNTS or counted in {*FOLLOWED, *FOLLOWING} or counted.startswith((OF_AN_ARM, OF_THESE_ARMS))
    stem = term.split(": ", 1)[0]
    is_by_modifier = stem in _BY_MODIFIER and estimate.cohort.startswith(_COHORT)
    is_of_the_trial = is_count or _is_of_weights(term) or stem in _STEMS
    return is_of_the_trial or is_by_modifier or term == STILL_IN_CARE


def emulation_n_key(estimate: Estimate) -> Key:
    """Return the key of what an estimate of an emulated trial rests on.

    Examples
    --------
    >>> emulation_n_key(Estimate(term="scored, followed both", measure="proportion"))
    ('counted', '', '', 'followed both', '')
    """
    if estimate.measure in {"count", "proportion"}:
        return _counted(estimate.term.removeprefix(_SCORED).removeprefix(SEEN))
    if estimate.term == STILL_IN_CARE:
        return ("analyzed", "", estimate.visit, STILL_IN_CARE, estimate.subgroup)
    if _is_of_weights(estimate.term):
        return _weights(estimate.visit if estimate.term.startswith("weights: ") else "")
    is_of_days = estimate.unit == "days" and estimate.measure in _MEANS
    if (estimate.measure in _SHARES or is_of_days) and not estimate.term.startswith("negative control"):
        return ("share", "", "", estimate.term.split(": ", 1)[0], estimate.subgroup)
    return _counted(IN_TRIAL, estimate.subgroup)


def emulation_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a count or share of an emulated trial counts."""
    return _counted(estimate.term, visit=estimate.visit) if estimate.measure in {"count", "proportion"} else None


def emulation_part_key(part: Part, row: int) -> Key:
    """Return the key of how many departed in a week, were in care when it began, left in it, or have no score in it."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    return _of_week(f"week {named['order']}", str(named["step"]), str(named["group"]))


def counts_of_emulation(values: Values) -> Iterator[tuple[Key, int]]:
    """Yield one that nobody may see, behind departures from several arms, weeks without a score, and kinds with events.

    Who departs from one of several arms in a week is told by who departs from others in this week and the next, in
    care or not, in more ways than can be written down; so none of these counts is shown. Beside them stand the scored
    followers of each strategy of whom events are told.
    """
    if terms_of_arms(values) and any(key[3] == _DEPARTED_IN for key in values):
        yield _NEVER_SHOWN, 1
    if any(key[3] in _WITHOUT_SCORE for key in values):
        yield _GAPS_NEVER_SHOWN, 1
    for seen, kinds in _seen_by_arm(values):
        yield _KINDS_NEVER_SHOWN, 1
        scored = [values[key] for key in _of_kinds(values, _SCORED, kinds, seen[2])]
        if None not in scored:
            yield _scored_by_arm(seen), sum(number or 0 for number in scored)


def _seen_by_arm(values: Values) -> list[tuple[Key, tuple[str, str]]]:
    """Return who of the followers of each strategy was seen with the outcome, and the kinds that these are."""
    return [(key, kinds) for term, kinds in FOLLOWING.items() for key in _at_visits(values, f"{SEEN}{term}")]


def _scored_by_arm(seen: Key) -> Key:
    """Return the key of how many followers of a strategy have a score at a visit: of two kinds, and printed nowhere."""
    return _counted(f"{_SCORED}{seen[3].removeprefix(SEEN)}", visit=seen[2])


def _of_kinds(values: Values, what: str, kinds: tuple[str, str], visit: str = "") -> tuple[Key, ...]:
    """Return the keys of what is counted of two kinds of followers; a kind that nobody is has none."""
    keys = (_counted(f"{what}{kind}", visit=visit) for kind in kinds)
    return tuple(key for key in keys if key in values)


def follows_of_emulation(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what rests on the trial after its patients, and what describes followers after their numbers."""
    everybody = _counted(IN_TRIAL)
    if everybody not in values:
        return
    about_covariates = [key for key in values if key[0] == "covariate"]
    about_weights = [key for key in values if key[0] == "analyzed" and key[3] == _weights()[3]]
    shares = [key for key in values if key[0] == "share"]
    described = [key for key in values if key[0] in {"analyzed", "share"}] + about_covariates
    yield from ((everybody, key) for key in described)
    departed = [key for key in values if key[3] == _DEPARTED_IN]
    if _NEVER_SHOWN in values:
        yield from ((_NEVER_SHOWN, key) for key in values if key[3] in {_DEPARTED_IN, _LEFT_IN})
    yield from ((_GAPS_NEVER_SHOWN, key) for key in values if key[3] in _WITHOUT_SCORE)
    if _counted(COURSES) in values:
        yield from _follows_of_courses(values, departed)
    grids = [key for key in described if key[3] in {_GRID, _ALL_COLUMNS}]
    yield from ((one, key) for one in about_covariates for key in grids if key[3] == _ALL_COLUMNS)
    for term in (*FOLLOWED, *terms_of_arms(values)):
        if _counted(term) in values:
            yield from ((_counted(term), key) for key in about_weights + about_covariates + departed + grids)
        yield from ((one, key) for one in _at_visits(values, f"{_SCORED}{term}") for key in grids)
    yield from _follows_of_events(values, [*shares, *grids])
    yield from ((key, weights) for key in departed for weights in about_weights if _is_by_then(key[2], weights[2]))
    # A step of the curve of an arm is who left over who was there: hidden with either, as is what comes later.
    for curve in (key for key in described if key[3] == STILL_IN_CARE):
        weeks = [key for key in values if key[3] in {_LEFT_IN, _DEPARTED_IN} and f"{_STRATEGY}{key[-1]}" == curve[-1]]
        yield from ((key, curve) for key in weeks if _is_by_then(key[2], curve[2]))
    # The balance of a week compares those who had a session in it, who departed from the comparator, with the others.
    for key in departed:
        yield from ((key, one) for one in about_covariates if f" before {key[2]}," in one[1])
    yield from _follows_of_levels(result, about_covariates)


def _follows_of_events(values: Values, shares: list[Key]) -> Iterator[tuple[Key, Key]]:
    """Yield what goes with who was seen with the outcome: in the followers of a strategy, or in each kind of these."""
    by_arm = [key for key, _ in _seen_by_arm(values)]
    # Who followed neither has no copy.
    by_kind = [key for term in FOLLOWED[:-1] for key in _at_visits(values, f"{SEEN}{term}")]
    yield from ((one, key) for one in by_arm or by_kind for key in shares)
    if by_arm:
        yield from ((_KINDS_NEVER_SHOWN, key) for key in [*by_kind, *_at_visits(values, f"{SEEN}{FOLLOWED[-1]}")])


def _follows_of_courses(values: Values, departed: list[Key]) -> Iterator[tuple[Key, Key]]:
    """Yield what would nearly follow from what adds up nearly, because few patients have several courses."""
    yield (_counted(SEVERAL_COURSES), _counted(COURSES))
    followed = [_counted(term) for term in FOLLOWED if _counted(term) in values]
    yield from ((one, other) for one in followed for other in followed if one != other)
    yield from ((one, other) for one in departed for other in departed if one[-1] == other[-1] and one != other)
    yield from ((one, other) for one in departed for other in followed)


def _is_by_then(week: str, last: str) -> bool:
    return bool(last) and int(week.removeprefix("week ")) <= int(last.removeprefix("week "))


def _follows_of_levels(result: ResultRecord, about_covariates: list[Key]) -> Iterator[tuple[Key, Key]]:
    for part in result.parts:
        for row, (term, _) in enumerate(part.rows) if part.name == FEWEST else ():
            fewest = ("part", FEWEST, str(row), "n_patients", "")
            yield from ((fewest, key) for key in about_covariates if key[1] == term)


def sums_of_emulation(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the eligible as those in the trial and others, these as the four kinds, and each as scored and not.

    For each strategy the trial is its followers and those who departed in each week. Whoever is in care in a week was
    so in the week before, and whoever departs in it is in care. With several courses a patient, each is some of the
    trial and no more.
    """
    if _counted(ELIGIBLE) in values:
        eligible = _counted(ELIGIBLE)
        yield Sum(eligible, (_counted(IN_TRIAL),), has_remainder=True, give_up_first=(eligible,))
    members = tuple(_counted(term) for term in FOLLOWED if _counted(term) in values)
    several = _counted(COURSES) in values
    if several:
        yield Sum(_counted(COURSES), (_counted(IN_TRIAL),), has_remainder=True, give_up_first=(_counted(COURSES),))
        members_alone = (*members, _counted(SEVERAL_COURSES))
        yield from (Sum(_counted(IN_TRIAL), (one,), has_remainder=True, give_up_first=(one,)) for one in members_alone)
    elif members:
        yield Sum(_counted(IN_TRIAL), members)
    yield from (Sum(_counted(IN_TRIAL), (_counted(term),), has_remainder=True) for term in terms_of_arms(values))
    for term in (*FOLLOWED, *terms_of_arms(values)):
        for scored in _at_visits(values, f"{_SCORED}{term}"):
            yield Sum(_counted(term), (scored,), has_remainder=True)
        for seen in _at_visits(values, f"{SEEN}{term}"):
            wholes = [_counted(term)] if result.estimand.name == "while_in_care" else _those_of(term, seen[2])
            yield from (Sum(whole, (seen,), has_remainder=True) for whole in wholes if whole in values)
    yield from _sums_by_arm(values, is_of_scored=result.estimand.name != "while_in_care")
    yield from _sums_by_week(result, values)


def _sums_by_arm(values: Values, *, is_of_scored: bool) -> Iterator[Sum]:
    """Yield the followers of a strategy as two kinds, those scored likewise, and as seen with the outcome or not.

    Whether only who is scored at the visit can be seen with the outcome: not so where it is the last score in care.
    """
    for seen, kinds in _seen_by_arm(values):
        followers, scored = _counted(seen[3].removeprefix(SEEN)), _scored_by_arm(seen)
        yield Sum(followers, _of_kinds(values, "", kinds))
        yield Sum(followers, (seen,), has_remainder=True)
        # Nobody need be of a kind that is hidden.
        yield Sum(seen, _of_kinds(values, SEEN, kinds, seen[2]), is_listed=False)
        if is_of_scored and scored in values:
            yield Sum(scored, _of_kinds(values, _SCORED, kinds, seen[2]))
            yield Sum(scored, (seen,), has_remainder=True)
            yield Sum(followers, (scored,), has_remainder=True)


def _those_of(term: str, visit: str) -> list[Key]:
    """Return the followers, and those of them with a score at the visit: both hold all who were seen with an event."""
    return [_counted(term), _counted(f"{_SCORED}{term}", visit=visit)]


def _sums_by_week(result: ResultRecord, values: Values) -> Iterator[Sum]:
    both, only_treated, only_comparator = (_counted(term) for term in FOLLOWED[:3])
    in_care = {key[2]: key for key in values if key[3] == _IN_CARE}
    for key in [key for key in values if key[3] == _DEPARTED_IN and key[2] in in_care]:
        yield Sum(in_care[key[2]], (key,), has_remainder=True, give_up_first=(key,))
    followers: dict[str, Key] = {}
    if both in values and _counted(COURSES) not in values:
        followers = {result.estimand.treatment: only_treated, result.estimand.comparator: only_comparator}
    for label, own in followers.items():
        weeks = tuple(key for key in values if key[3] == _DEPARTED_IN and key[-1] == label)
        if weeks:
            yield Sum(_counted(IN_TRIAL), (both, own, *weeks), give_up_first=weeks)
        left = tuple(key for key in values if key[3] == _LEFT_IN and key[-1] == label)
        if left:
            yield Sum(_counted(IN_TRIAL), (*weeks, *left), has_remainder=True, give_up_first=left)
        yield from _sums_of_leaving(left, weeks, in_care)
    yield from _sums_of_both_arms(values, tuple(followers))
    by_week = (_counted(IN_TRIAL), *in_care.values())
    yield from (Sum(before, (later,), has_remainder=True) for before, later in combinations(by_week, 2))
    yield from sums_of_arms(values, by_week[0], by_week[1:])


def _sums_of_leaving(left: tuple[Key, ...], departed: tuple[Key, ...], in_care: Mapping[str, Key]) -> Iterator[Sum]:
    """Yield who was in care when a week began, as who left an arm in it and who was so a week later, or departed."""
    gone = {key[2]: key for key in departed}
    for key in left:
        following = in_care.get(f"week {int(key[2].removeprefix('week ')) + 1}")
        for other in (following, gone.get(key[2])):
            if key[2] in in_care and other is not None:
                yield Sum(in_care[key[2]], (other, key), has_remainder=True, give_up_first=(key,))


def _sums_of_both_arms(values: Values, labels: tuple[str, ...]) -> Iterator[Sum]:
    """Yield who left an arm in a week as who left the other and a rest, as long as nobody has departed from the one."""
    for label in labels:
        for key in [key for key in values if key[3] == _LEFT_IN and key[-1] == label]:
            by_then = [
                values[one]
                for one in values
                if one[3] == _DEPARTED_IN and one[-1] == label and _is_by_then(one[2], key[2])
            ]
            if any(number != 0 for number in by_then):
                continue
            for other in labels:
                same_week = _of_week(key[2], _LEFT_IN, other)
                if other != label and same_week in values:
                    yield Sum(key, (same_week,), has_remainder=True, give_up_first=(same_week,))
