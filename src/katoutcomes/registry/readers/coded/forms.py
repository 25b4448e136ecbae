"""Forms: what one resource or one row says about scales, before it is known which rows belong together."""

from __future__ import annotations

from dataclasses import dataclass, field

from katoutcomes.registry.readers.coded.scale_codes import Code, ScaleCode

Line = tuple[int, int]
"""Position of a file, and a line or row of it, from 1."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, as written: the calendar day and the time on the clock of the place.

    Attributes
    ----------
    date : str or None
        ``YYYY-MM-DD``. A partial date stays as it is and is rejected by the rule about dates.
    time : str or None
        ``HH:MM``; None where only the day is known.
    is_utc : bool
        Whether it is written in universal time, which need not be that of the place.
    """

    date: str | None
    time: str | None = None
    is_utc: bool = False


UNKNOWN_MOMENT = Moment(None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One value on a form.

    Attributes
    ----------
    meanings : tuple of ScaleCode
        What it may be an answer to.
    number : str or None
        The value, where it is a number.
    codes : tuple of (str, str)
        Its codes, where it is coded.
    ordinal : str or None
        The number that a coded answer carries itself.
    problem : str
        Rule that it breaks; ``""`` where it breaks none.
    """

    meanings: tuple[ScaleCode, ...]
    number: str | None = None
    codes: tuple[Code, ...] = ()
    ordinal: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What one resource, or one row of a table, says about scales.

    Attributes
    ----------
    kind : str
        A letter for the type of resource, or the table.
    id : str
        Its id there, or a digest of it where it has none.
    patient : str or None
        Id of its patient.
    moment : Moment
        When it was filled in.
    answers : tuple of Answer
        What it holds itself.
    is_whole : bool
        Whether it is a questionnaire of its own, to which no other form belongs.
    is_copy : bool
        Whether it is of the kind that may repeat what others say: a QuestionnaireResponse besides Observations, a row
        of `observation` besides those of `measurement`.
    panels : tuple of str
        Scales that it says it is.
    members : tuple of str
        Forms of its kind that belong to it.
    derived_from : tuple of str
        Forms that may be repeated by this one, from which it was made.
    encounter : str
        Visit that it belongs to.
    part_of : tuple of str
        Sessions that it belongs to.
    base : str
        Address of the server of its patient.
    line : (int, int)
        Where it stands; not compared, so that a line that repeats another is found.
    """

    kind: str
    id: str
    patient: str | None
    moment: Moment
    answers: tuple[Answer, ...]
    is_whole: bool = False
    is_copy: bool = False
    panels: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    encounter: str = ""
    part_of: tuple[str, ...] = ()
    base: str = ""
    line: Line = field(default=(0, 0), compare=False)
