"""The counts of `safety`: events, and the patients and sessions that had one; which hold which.

A patient or session with an event has at least one, so events hold patients and sessions of the same kind; what is left
over are further events of the same patients, and few of those must not follow either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate

SEVERITIES = ("mild", "moderate", "severe")
PATIENTS, SESSIONS = "patients", "dosing sessions"
EVENTS, SERIOUS = "events", "serious events"
WITH_EVENT, WITH_SERIOUS = "patients with an event", "patients with a serious event"
SESSIONS_WITH, SESSIONS_SERIOUS = "sessions with an event", "sessions with a serious event"
WORST_OF_PATIENT, WORST_OF_SESSION = "worst event of a patient", "worst event of a session"
KIND, WITH_KIND = "kind of event", "patients with kind"

_OF_ALL_PATIENTS = (WITH_EVENT, WITH_SERIOUS, WORST_OF_PATIENT, WITH_KIND)
_OF_ALL_SESSIONS = (SESSIONS_WITH, SESSIONS_SERIOUS, WORST_OF_SESSION)
_PEAKS = ("systolic peak", "diastolic peak", "peak of the ")
_ITEM = "safety item of the "


def events_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what an estimate of `safety` rests on; None for those of other analyses."""
    stem = estimate.term.split(", ", 1)[0]
    if estimate.measure == "event rate":
        return _key(estimate.term, estimate.subgroup)
    if estimate.measure == "exposure time" or stem in _OF_ALL_PATIENTS:
        return _key(PATIENTS, estimate.subgroup)
    if stem in _OF_ALL_SESSIONS:
        return _key(SESSIONS, estimate.subgroup)
    return None


def _key(term: str, subgroup: str) -> Key:
    return ("counted", "", "", term, subgroup)


def follows_of_events(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield everything of a group after its patients: where their number is hidden, all of it is."""
    for key in values:
        patients = _key(PATIENTS, key[-1])
        if patients in values and key != patients:
            yield patients, key


def sums_of_events(values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield every sum between the counts of one group.

    Examples
    --------
    >>> values = {("counted", "", "", term, ""): n for term, n in (("events", 40), ("patients with an event", 31))}
    >>> [(relation.total[3], relation.members[0][3]) for relation in sums_of_events(values)]
    [('events', 'patients with an event')]
    """
    for subgroup in _subgroups(values):
        yield from _sums_of_group(values, subgroup)


def _subgroups(values: Mapping[Key, int | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key[-1] for key in values))


def _sums_of_group(values: Mapping[Key, int | None], subgroup: str) -> Iterator[Sum]:
    there = [key for key in values if key[-1] == subgroup]
    kinds = [key[3].split(", ", 1)[1] for key in there if key[0] == "counted" and key[3].startswith(f"{KIND}, ")]
    wholes = (
        (EVENTS, tuple(f"events, {name}" for name in SEVERITIES)),
        (EVENTS, tuple(f"{KIND}, {name}" for name in kinds)),
        (WITH_EVENT, tuple(f"{WORST_OF_PATIENT}, {name}" for name in SEVERITIES)),
        (SESSIONS_WITH, tuple(f"{WORST_OF_SESSION}, {name}" for name in SEVERITIES)),
    )
    for whole, terms in wholes:
        members = tuple(key for term in terms if (key := _key(term, subgroup)) in values)
        if members and _key(whole, subgroup) in values:
            yield Sum(_key(whole, subgroup), members)
    for whole, part in _parts(kinds):
        total, member = _key(whole, subgroup), _key(part, subgroup)
        if total in values and member in values:
            # Readers need the patients more than the events: where the difference is small the events go first.
            yield Sum(total, (member,), has_remainder=True, give_up_first=(total,) if _is_of_events(whole) else ())
    yield from _sums_of_the_asked(values, there, subgroup)


def _is_of_events(term: str) -> bool:
    return term in (EVENTS, SERIOUS) or term.startswith((f"{EVENTS}, ", f"{KIND}, "))


def _parts(kinds: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of which the first holds the second."""
    yield from ((EVENTS, part) for part in (SERIOUS, WITH_EVENT, SESSIONS_WITH))
    yield from ((SERIOUS, part) for part in (WITH_SERIOUS, SESSIONS_SERIOUS))
    yield from ((WITH_EVENT, WITH_SERIOUS), (SESSIONS_WITH, SESSIONS_SERIOUS), (SESSIONS, PATIENTS))
    for name in SEVERITIES:
        yield f"events, {name}", f"{WORST_OF_PATIENT}, {name}"
        yield f"events, {name}", f"{WORST_OF_SESSION}, {name}"
    for name in kinds:
        yield f"{KIND}, {name}", f"{WITH_KIND}, {name}"
        yield WITH_EVENT, f"{WITH_KIND}, {name}"


def _sums_of_the_asked(values: Mapping[Key, int | None], there: list[Key], subgroup: str) -> Iterator[Sum]:
    """Yield patients and sessions as those of whom something is known and the others; items within each other."""
    for key in there:
        if key[0] != "analyzed":
            continue
        whole = _key(SESSIONS if key[3].startswith("sessions ") else PATIENTS, subgroup)
        if whole in values:
            yield Sum(whole, (key,), has_remainder=True)
    for name in dict.fromkeys(key[3].split(", ", 1)[0] for key in there if key[3].startswith(_ITEM)):
        baseline, higher, newly = (
            f"{name}, {what}"
            for what in (
                "endorsed at baseline",
                "answered higher after the first dose",
                "newly endorsed after the first dose",
            )
        )
        chains = [("analyzed", baseline, higher), ("analyzed", higher, newly), ("counted", higher, newly)]
        for kind, whole_term, part_term in chains:
            total, member = (((kind, "", "", term, subgroup)) for term in (whole_term, part_term))
            if total in values and member in values:
                yield Sum(total, (member,), has_remainder=True)
