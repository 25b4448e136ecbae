"""What may be true in a synthetic clinic: scenarios, and how booking turns into sessions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from katoutcomes.errors import OptionError, require_option


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is true in a synthetic clinic.

    Attributes
    ----------
    name : str
        One of the keys of `SCENARIOS`.
    session_effect_points : float
        Points by which a week with integration lowers the true state (0 or more).
    leaving_log_odds : float
        Added to the log odds of leaving care once a patient has had any integration session.
    recording_log_odds : float
        Added to the log odds that a score is recorded, for each point by which the true state exceeds 10. Not 0:
        scores are missing because of the very value that is missing.
    motivation_log_odds : float
        How strongly an unobserved motivation drives booking and sessions; where it is not 0, motivation also improves
        the patient, which no recorded column shows.
    recording_shift : float
        Added to every log odds of recording: 0 as the scenario is described, less for a clinic that loses more scores.
    """

    name: str
    session_effect_points: float
    leaving_log_odds: float
    recording_log_odds: float
    motivation_log_odds: float
    recording_shift: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionMechanism:
    """How strongly booking decides whether integration takes place, and by which formulas everything else happens.

    Attributes
    ----------
    name : {"booked", "start", "curved_booked", "curved_start"}
        ``"booked"``: the program decides most of it. ``"start"``: booking pulls less, so that some patients of both
        programs have no session in the first four weeks.
    intercept, program_log_odds : float
        Terms of the weekly log odds of a session.
    nature : {"linear", "curved"}
        ``"linear"``: constant weekly falls, linear log odds, normal errors. ``"curved"``: falls in proportion to the
        level, thresholds, skewed errors, people who leave because they are well.
    """

    name: str
    intercept: float
    program_log_odds: float
    nature: str = "linear"


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "null": Scenario("null", 0.0, 0.0, 0.0, 0.0),
        "effect": Scenario("effect", 0.5, -0.5, 0.0, 0.0),
        "mnar": Scenario("mnar", 0.0, 0.0, -0.15, 0.0),
        "unmeasured_confounding": Scenario("unmeasured_confounding", 0.0, 0.0, 0.0, 0.6),
        "effect_mnar": Scenario("effect_mnar", 0.5, -0.5, -0.15, 0.0),
    }
)
MECHANISMS: Mapping[str, SessionMechanism] = MappingProxyType(
    {
        "booked": SessionMechanism("booked", -1.9, 2.2),
        "start": SessionMechanism("start", -1.4, 0.9),
        "curved_booked": SessionMechanism("curved_booked", -1.9, 2.2, "curved"),
        "curved_start": SessionMechanism("curved_start", -1.4, 0.9, "curved"),
    }
)


def find_scenario(name: str | Scenario, session_effect_points: float | None = None) -> Scenario:
    """Return a scenario by name (or the one that is given), with its effect of a session replaced where one is given.

    Parameters
    ----------
    name : {"null", "effect", "mnar", "unmeasured_confounding", "effect_mnar"} or Scenario
        Which scenario.
    session_effect_points : float, optional
        Points by which a week with integration lowers the true state, 0 or more. Everything else stays as the scenario
        says.

    Raises
    ------
    OptionError
        If there is no such scenario, or the effect is negative or not finite.

    Examples
    --------
    >>> find_scenario("effect").session_effect_points
    0.5
    >>> find_scenario("effect", session_effect_points=0.25).leaving_log_odds
    -0.5
    """
    if isinstance(name, Scenario):
        scenario = name
    else:
        require_option("scenario", name, SCENARIOS)
        scenario = SCENARIOS[name]
    if session_effect_points is None:
        return scenario
    if not 0.0 <= session_effect_points < math.inf:
        raise OptionError("session_effect_points must be a finite number, 0 or more.")
    return replace(scenario, session_effect_points=session_effect_points)


def find_mechanism(name: str) -> SessionMechanism:
    """Return a session mechanism by name, or raise `OptionError`."""
    require_option("mechanism", name, MECHANISMS)
    return MECHANISMS[name]
