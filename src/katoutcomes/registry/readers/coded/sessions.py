"""Sessions, on their way to rows: what one session says in several places is one row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.readers.coded.forms import Line, Moment
from katoutcomes.vocabulary import APPROACHES, ROUTES, SESSION_FORMATS, SESSION_KINDS

SEVERAL_DOSES: tuple[str, ...] = ("refuse", "add")

PROBLEMS: dict[str, str] = {
    "dose_unit": "must be a number of g, mg, ug, mcg or mg/kg",
    "route_code": "must be a route that a [[route]] section of the mapping decodes",
    "several_doses": "must be one dose a session, or the mapping must say several_doses = 'add'",
    "routes_differ": "must be the same for all doses of a session",
}
"""Rules that a session can break while it is converted, and what they say."""


@dataclass(frozen=True, slots=True)
class SessionMeaning:
    """What a coded session is.

    Attributes
    ----------
    kind : str
        A session kind of the schema.
    route, session_format, approach : str
        As in the schema; ``""`` where the mapping does not say.
    """

    kind: str
    route: str = ""
    session_format: str = ""
    approach: str = ""


@dataclass(slots=True)
class Session:
    """One session, on its way to a row.

    Attributes
    ----------
    role : {"event", "dose", "visit"}
        Whether it was read from what says that something was done, what was given, or a visit.
    id : str
        Kind and id of what it was read from, with a slash in between.
    patient : str or None
        Id of its patient.
    moment : Moment
        When it began.
    meaning : SessionMeaning
        What the mapping says it is.
    route, dose_mg, dose_mg_per_kg : str or None
        As in the schema.
    minutes : int or None
        How long it lasted.
    problems : set of (str, str)
        Rule and column of what is wrong.
    encounter : str
        Its visit.
    part_of : tuple of str
        Events that it belongs to.
    base : str
        Address of the server of its patient.
    names : tuple of str
        Ids of everything that it was made from.
    lines : list of (int, int)
        Every line that it was made from; not compared.
    """

    role: str
    id: str
    patient: str | None
    moment: Moment
    meaning: SessionMeaning
    route: str | None = None
    dose_mg: str | None = None
    dose_mg_per_kg: str | None = None
    minutes: int | None = None
    problems: set[tuple[str, str]] = field(default_factory=set)
    encounter: str = ""
    part_of: tuple[str, ...] = ()
    base: str = ""
    names: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list, compare=False)


def read_meaning(section: TomlTable) -> SessionMeaning:
    """Read what a ``[[session]]`` section says about its sessions; what is wrong is noted in it."""
    meaning = SessionMeaning(
        kind=section.choice("kind", SESSION_KINDS),
        route=section.choice("route", ROUTES, default=""),
        session_format=section.choice("format", SESSION_FORMATS, default=""),
        approach=section.choice("approach", APPROACHES, default=""),
    )
    if meaning.kind != "dosing" and (meaning.route or meaning.approach):
        section.note("kind", "only dosing sessions have a route or an approach.")
    return meaning


def plain(number: Decimal) -> str:
    """Return a decimal without needless zeros; one that is far too large stays as it is and is rejected later."""
    return str(number) if abs(number.adjusted()) > 18 else format(number.normalize(), "f")


def without_repeats(sessions: Iterable[Session]) -> tuple[list[Session], list[Line]]:
    """Return the sessions, and the lines of those that say the same as another line with the same id."""
    seen: dict[str, list[Session]] = {}
    repeats = []
    for session in sorted(sessions, key=lambda session: session.lines):
        others = seen.setdefault(session.id, [])
        if session in others:
            repeats += session.lines
        else:
            others.append(session)
    return [session for same in seen.values() for session in same], repeats


def joined(sessions: Sequence[Session], several_doses: str) -> tuple[list[Session], int]:
    """Put what was given in a dosing session to its procedure, and together.

    A dose belongs to the procedure that it names as the whole it is part of, or else to the only dosing procedure of
    its patient and day; doses of one day without a procedure are one session.

    Parameters
    ----------
    sessions : sequence of Session
        In any order; no two of them equal.
    several_doses : {"refuse", "add"}
        What is done with several doses in one session.

    Returns
    -------
    sessions : list of Session
        In the order of their ids.
    n_joined : int
        Doses that became part of another row.
    """
    doses = [one for one in sessions if _is_given(one)]
    rest = [one for one in sessions if not _is_given(one)]
    procedures = [one for one in rest if one.role == "event" and one.meaning.kind == "dosing"]
    by_name = {one.names[0]: one for one in procedures}
    by_day: dict[tuple[str | None, str | None], list[Session]] = {}
    for one in procedures:
        by_day.setdefault(_day(one), []).append(one)
    groups: dict[str, tuple[Session | None, list[Session]]] = {}
    for dose in sorted(doses, key=lambda one: (one.id, one.lines)):
        whole = next((by_name[name] for name in dose.part_of if name in by_name), None)
        near = by_day.get(_day(dose), [])
        whole = near[0] if whole is None and len(near) == 1 else whole
        is_dated = dose.patient is not None and dose.moment.date is not None
        key = whole.id if whole is not None else repr(_day(dose)) if is_dated else repr(dose.lines)
        groups.setdefault(key, (whole, []))[1].append(dose)
    made = [_complete(group, several_doses) for whole, group in groups.values() if whole is None]
    for whole, group in groups.values():
        if whole is not None:
            _add(whole, _complete(group, several_doses))
    n_joined = sum(len(group) - (whole is None) for whole, group in groups.values())
    return sorted(rest + made, key=lambda one: (one.id, one.lines)), n_joined


def _is_given(session: Session) -> bool:
    return session.role == "dose" and session.meaning.kind == "dosing"


def _day(session: Session) -> tuple[str | None, str | None]:
    return session.patient, session.moment.date


def _complete(group: list[Session], several_doses: str) -> Session:
    """Return one session for the doses of one session."""
    first = replace(group[0], problems=set(group[0].problems), lines=list(group[0].lines))
    for other in group[1:]:
        first.names += other.names
        first.lines += other.lines
        first.problems |= other.problems
        if other.route != first.route:
            first.problems.add(("routes_differ", "route"))
    times = sorted(one.moment.time for one in group if one.moment.time is not None)
    if len(group) > 1:
        first.moment = replace(first.moment, time=times[0] if times else None)
        first.minutes = None
        _add_doses(first, group, several_doses)
    return first


def _add_doses(first: Session, group: list[Session], several_doses: str) -> None:
    if several_doses == "refuse":
        first.problems.add(("several_doses", "dose_mg"))
        return
    for name in ("dose_mg", "dose_mg_per_kg"):
        numbers = [getattr(one, name) for one in group]
        known = [Decimal(number) for number in numbers if number is not None]
        if known and len(known) < len(numbers):
            first.problems.add(("dose_unit", "dose_mg"))  # one in mg and one in mg/kg, or one without a dose
        setattr(first, name, plain(sum(known, Decimal(0))) if known else None)


def _add(whole: Session, dose: Session) -> None:
    """Complete a procedure by what was given in it."""
    if whole.dose_mg is not None and dose.dose_mg is not None and whole.dose_mg != dose.dose_mg:
        whole.problems.add(("several_doses", "dose_mg"))
    whole.dose_mg, whole.dose_mg_per_kg = dose.dose_mg or whole.dose_mg, dose.dose_mg_per_kg
    if whole.route is not None and dose.route is not None and whole.route != dose.route:
        whole.problems.add(("routes_differ", "route"))
    whole.route = whole.route or dose.route
    whole.problems |= dose.problems
    whole.names += dose.names
    whole.lines += dose.lines
    whole.encounter = whole.encounter or dose.encounter
    if whole.moment.time is None and whole.moment.date == dose.moment.date:
        whole.moment = replace(whole.moment, time=dose.moment.time)
