"""From forms and sessions, as they were read one by one, to the rows of a registry, each made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from katoutcomes.registry.readers.coded import scores as score_steps
from katoutcomes.registry.readers.coded import sessions as session_steps
from katoutcomes.registry.readers.coded.forms import Form, Line
from katoutcomes.registry.readers.coded.scale_codes import ScaleCodes
from katoutcomes.registry.readers.coded.scores import Score
from katoutcomes.registry.readers.coded.sessions import Session


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """What forms and sessions became.

    Attributes
    ----------
    sessions : list of Session
        In the order of their ids.
    scores : list of Score
        In the order of their ids.
    unused : mapping of str to set of (int, int)
        Rule to the lines of which no record was made: ``"repeated_line"``, ``"no_value"``, ``"same_score_twice"``.
    n_joined : int
        Doses that became part of another session's row.
    """

    sessions: list[Session]
    scores: list[Score]
    unused: Mapping[str, set[Line]]
    n_joined: int


def assemble(forms: Sequence[Form], sessions: Sequence[Session], codes: ScaleCodes, several_doses: str) -> Assembled:
    """Put together what belongs together.

    Parameters
    ----------
    forms : sequence of Form
        What lines say about scales, in any order.
    sessions : sequence of Session
        What lines say about sessions, in any order.
    codes : ScaleCodes
        What codes mean.
    several_doses : {"refuse", "add"}
        What is done with several doses in one session.
    """
    different, repeats = score_steps.without_repeats(forms)
    distinct, more_repeats = session_steps.without_repeats(sessions)
    whole, n_joined = session_steps.joined(distinct, several_doses)
    scores, empty = score_steps.scores_of(different, codes)
    scores, twice = score_steps.count_once(scores)
    used = {line for session in whole for line in session.lines} | {line for score in scores for line in score.lines}
    unused = {"repeated_line": repeats + more_repeats, "no_value": empty, "same_score_twice": twice}
    return Assembled(whole, scores, {rule: set(lines) - used for rule, lines in unused.items()}, n_joined)
