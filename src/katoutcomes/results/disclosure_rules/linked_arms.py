"""Who followed which of several arms of a trial, and what that and being in care tell about each other.

Whoever stays in care follows exactly one arm; whoever leaves follows all that were still possible, which are
neighbors. So patients are divided by the arms that they followed, each arm is the kinds that hold it, and how long a
kind was in care follows from its arms: who could still have had k more weeks with a session left k weeks before the
last, or earlier where the last arm allows any number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum

OF_AN_ARM = "followed: "
"""Followers of one of several arms, who may follow others as well; each arm is some of the trial."""
OF_THESE_ARMS, AND = "followed only: ", " and "
"""Followers of some arms and of no other: every patient of the trial is of one kind."""

Values = Mapping[Key, int | None]


def terms_of_arms(values: Values) -> tuple[str, ...]:
    """Return the terms that count the followers of one of several arms, that with the fewest weeks first."""
    return tuple(key[3] for key in values if key[0] == "counted" and key[3].startswith(OF_AN_ARM))


@dataclass(frozen=True, slots=True)
class _Kind:
    """Those who followed some neighboring arms and no other.

    Attributes
    ----------
    key : Key
        Of their number.
    first, last : int
        The places of the arms, which are numbers of weeks with a session.
    shortest, longest : int
        In how many weeks they can have been in care.
    """

    key: Key
    first: int
    last: int
    shortest: int
    longest: int


def _kinds(values: Values, arms: Sequence[str], n_weeks: int) -> list[_Kind]:
    places = {term.removeprefix(OF_AN_ARM): place for place, term in enumerate(arms)}
    found = []
    for key in values:
        if key[0] == "counted" and key[3].startswith(OF_THESE_ARMS):
            held = [places[label] for label in key[3].removeprefix(OF_THESE_ARMS).split(AND)]
            first, last = min(held), max(held)
            longest = n_weeks - (last - first)
            found.append(_Kind(key, first, last, first if last == len(arms) - 1 else longest, longest))
    return found


def sums_of_arms(values: Values, everybody: Key, in_care: Sequence[Key]) -> Iterator[Sum]:
    """Yield each arm as kinds of followers, and those in care by one week and not by a later one as those who left.

    Parameters
    ----------
    values : mapping of Key to int or None
        The counts of a result; without kinds of followers, as where patients have several courses, nothing is yielded.
    everybody : Key
        The patients in the trial.
    in_care : sequence of Key
        Those in care when each week began, week by week until the arms are decided.
    """
    arms = terms_of_arms(values)
    kinds = _kinds(values, arms, len(in_care))
    for place, term in enumerate(arms if kinds else ()):
        held = tuple(one.key for one in kinds if one.first <= place <= one.last)
        yield Sum(("counted", "", "", term, ""), held, give_up_first=held)
    stages: list[Key | None] = [everybody, *in_care, None]  # in the end nobody is left
    for (before, whole), (week, there) in combinations(enumerate(stages), 2):
        touched = [one for one in kinds if one.shortest < week and one.longest >= before]
        inside = [one for one in touched if one.shortest >= before and one.longest < week]
        left = tuple(one.key for one in inside)
        if left:
            members = left if there is None else (there, *left)
            yield Sum(whole, members, has_remainder=len(inside) < len(touched), give_up_first=left)
