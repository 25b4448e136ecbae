"""From forms to scores: items find their panel, each scale its numbers, and what was said twice is counted once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from katoutcomes.registry.readers.coded.forms import Answer, Form, Line, Moment
from katoutcomes.registry.readers.coded.scale_codes import ScaleCode, ScaleCodes

_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,30}([.][0-9]{1,30})?")

PROBLEMS: dict[str, str] = {
    "two_answers": "must have one value; two different ones were given",
    "comparator": "must be an exact number, not one above or below it",
    "answer_not_coded": "must be a number or a coded answer; free text is not read",
    "answer_code": "must be an answer code that the catalog or the mapping knows",
    "item_date": "must be a day of the calendar on every line of the questionnaire, not only on the first",
    "total_code_as_item": "must be a number; the code of the total was used for a coded answer",
}
"""Rules that a value on a form can break, and what they say."""


@dataclass(slots=True)
class Score:
    """One score of one scale, on its way to a row.

    Attributes
    ----------
    id : str
        Kind and id of the form that it is named after, and the scale, with slashes in between.
    form_id : str
        Id of that form.
    is_copy : bool
        Whether that form is of the kind that may repeat what others say.
    instrument : str
        Id of the scale.
    patient, date, time : str or None
        Whose it is, and when.
    lines : list of (int, int)
        Every line that it was made from; the first is the one that problems are listed under.
    total : str or None
        As given.
    items : dict of int to str
        As given.
    problems : set of (str, str)
        Rule and column of what is wrong.
    derived_from : tuple of str
        Forms that may repeat it, from which it was made.
    encounter : str
        Its visit.
    part_of : tuple of str
        Its sessions.
    """

    id: str
    form_id: str
    is_copy: bool
    instrument: str
    patient: str | None
    date: str | None
    time: str | None
    lines: list[Line]
    total: str | None = None
    items: dict[int, str] = field(default_factory=dict)
    problems: set[tuple[str, str]] = field(default_factory=set)
    derived_from: tuple[str, ...] = ()
    encounter: str = ""
    part_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Forms that are one questionnaire, or several filled in together; the first gives it its name."""

    forms: tuple[Form, ...]

    @property
    def moment(self) -> Moment:
        dated = (form.moment for form in self.forms if form.moment.date is not None)
        return next(dated, self.forms[0].moment)


def without_repeats(forms: Iterable[Form]) -> tuple[list[Form], list[Line]]:
    """Return the forms, and the lines of those that say the same as another line with the same id."""
    seen: dict[tuple[str, str], list[Form]] = {}
    repeats = []
    for form in sorted(forms, key=lambda form: form.line):
        others = seen.setdefault((form.kind, form.id), [])
        if form in others:
            repeats.append(form.line)
        else:
            others.append(form)
    return [form for same in seen.values() for form in same], repeats


def scores_of(forms: Sequence[Form], codes: ScaleCodes) -> tuple[list[Score], list[Line]]:
    """Return every score that forms hold.

    Parameters
    ----------
    forms : sequence of Form
        In any order; no two of them equal.
    codes : ScaleCodes
        What codes mean.

    Returns
    -------
    scores : list of Score
        In the order of their ids.
    empty : list of (int, int)
        Lines of panels of which no item and no total is there.
    """
    scores: list[Score] = []
    empty: list[Line] = []
    for sheet in _sheets(forms):
        found = _scores_of_sheet(sheet, codes)
        scores += found
        used = {line for score in found for line in score.lines}
        empty += [form.line for form in sheet.forms if form.line not in used]
    return sorted(scores, key=lambda score: (score.id, score.lines)), empty


def _sheets(forms: Sequence[Form]) -> list[_Sheet]:
    """Put observations to their panels; those without one belong together by patient and moment."""
    by_id: dict[tuple[str, str], list[Form]] = {}
    for form in forms:
        if not form.is_whole and not form.panels:
            by_id.setdefault((form.kind, form.id), []).append(form)
    sheets = []
    taken: set[Line] = set()
    for form in sorted(forms, key=lambda form: (form.kind, not form.panels, form.id, form.line)):
        if form.line not in taken and (form.is_whole or form.panels or form.members):
            near = [
                one
                for member in form.members
                for one in by_id.get((form.kind, member), ())
                if one.patient == form.patient
            ]
            members = [one for one in dict.fromkeys(near) if one.line not in taken and one.line != form.line]
            taken.update(one.line for one in (form, *members))
            sheets.append(_Sheet((form, *members)))
    loose: dict[tuple[str, str | None, Moment], list[Form]] = {}
    for form in forms:
        if form.line not in taken:
            loose.setdefault((form.kind, form.patient, form.moment), []).append(form)
    return sheets + [_Sheet(tuple(sorted(found, key=_totals_first))) for found in loose.values()]


def _totals_first(form: Form) -> tuple[bool, str, Line]:
    has_total = any(meaning.part == "total" for answer in form.answers for meaning in answer.meanings)
    return not has_total, form.id, form.line


def _scores_of_sheet(sheet: _Sheet, codes: ScaleCodes) -> list[Score]:
    given = [(form, answer) for form in sheet.forms for answer in form.answers]
    scales = _scales_of([answer for _, answer in given], sheet.forms[0].panels, codes)
    scores: dict[str, Score] = {}
    values: dict[tuple[str, str], set[str]] = {}
    for form, answer in given:
        for part in _parts_of(answer, scales):
            score = scores.get(part.instrument)
            if score is None:
                score = scores[part.instrument] = _new_score(sheet, form, part.instrument)
            if form.line not in score.lines:
                score.lines.append(form.line)
            column = f"item_{part.number}" if part.part == "item" else "total"
            number, problem = _number(answer, part, codes)
            if problem:
                score.problems.add((problem, column))
            else:
                values.setdefault((part.instrument, column), set()).add(str(number))
    for (scale, column), numbers in values.items():
        _put(scores[scale], column, numbers)
    if any(_is_no_day(form.moment.date, sheet.moment.date) for form in sheet.forms):
        for score in scores.values():
            score.problems.add(("item_date", "date"))
    return list(scores.values())


def _is_no_day(date: str | None, of_sheet: str | None) -> bool:
    """Return whether a line has a date of its own that is none; a part of the questionnaire's date may stand for it.

    The questionnaire's own date is held to the rules about dates later.
    """
    if date is None or of_sheet is None or of_sheet.startswith(date):
        return False
    try:
        dt.date.fromisoformat(date)
    except ValueError:
        return True
    return False


def _scales_of(
    answers: Iterable[Answer], panels: tuple[str, ...], codes: ScaleCodes
) -> dict[frozenset[ScaleCode], ScaleCode]:
    """Decide for items that several scales share which of them is meant.

    It is the one that the panel names or that has a total here; else, among the scales that may stand alone, that with
    most of its items here, and among those the shortest.
    """
    given = list(answers)
    named = {meaning.instrument for answer in given for meaning in answer.meanings if meaning.part == "total"}
    named.update(panels)
    here: dict[str, set[int]] = {}
    for answer in given:
        for meaning in answer.meanings:
            here.setdefault(meaning.instrument, set()).add(meaning.number)

    def rank(meaning: ScaleCode) -> tuple[bool, bool, int, int, str]:
        scale = meaning.instrument
        return (scale not in named, scale not in codes.alone, -len(here[scale]), codes.n_items[scale], scale)

    shared = {frozenset(answer.meanings) for answer in given if len(answer.meanings) > 1}
    return {meanings: min(meanings, key=rank) for meanings in shared}


def _parts_of(answer: Answer, scales: dict[frozenset[ScaleCode], ScaleCode]) -> tuple[ScaleCode, ...]:
    chosen = scales.get(frozenset(answer.meanings))
    return answer.meanings if chosen is None else (chosen,)


def _new_score(sheet: _Sheet, form: Form, scale: str) -> Score:
    """Return an empty score, named after the panel, or after the total, or after the first item."""
    head = sheet.forms[0] if sheet.forms[0].panels or sheet.forms[0].is_whole else form
    return Score(
        id=f"{head.kind}/{head.id}/{scale}",
        form_id=head.id,
        is_copy=head.is_copy,
        instrument=scale,
        patient=head.patient,
        date=sheet.moment.date,
        time=sheet.moment.time,
        lines=[head.line],
        derived_from=tuple(dict.fromkeys(one for part in sheet.forms for one in part.derived_from)),
        encounter=next((part.encounter for part in sheet.forms if part.encounter), ""),
        part_of=tuple(dict.fromkeys(one for part in sheet.forms for one in part.part_of)),
    )


def _number(answer: Answer, part: ScaleCode, codes: ScaleCodes) -> tuple[str | None, str]:
    """Return the number of an answer, or the rule that it breaks."""
    if answer.problem:
        return None, answer.problem
    if not answer.codes:
        return answer.number, ""
    if part.part == "total":
        return None, "total_code_as_item"
    known = codes.answer(part.instrument, answer.codes)
    if known is not None:
        return str(known), ""
    return answer.ordinal, "" if answer.ordinal is not None else "answer_code"


def _put(score: Score, column: str, numbers: set[str]) -> None:
    if len({_value(number) for number in numbers}) > 1:
        score.problems.add(("two_answers", column))
    elif column == "total":
        score.total = min(numbers)
    else:
        score.items[int(column.removeprefix("item_"))] = min(numbers)


def _value(number: str) -> Decimal | str:
    """Return a number as such, so that 12 and 12.0 are the same; a text that is none stays as it is."""
    return Decimal(number) if _PLAIN_NUMBER.fullmatch(number) else number


def count_once(scores: Sequence[Score]) -> tuple[list[Score], list[Line]]:
    """Put together what two kinds of forms, such as Observations and QuestionnaireResponses, say about one score.

    They are the same if one was made from the other, if they are of the same minute, or if they are the only ones of
    their kind of that patient, scale and day; and if no number of one contradicts the other. A total without items and
    items without a total of one day are one score as well. Where a copy has the items and the first only the total,
    both are handed over, so that the total is held against the items.

    Returns
    -------
    scores : list of Score
        Each once.
    repeats : list of (int, int)
        Lines that add nothing.
    """
    days: dict[tuple[str | None, str, str | None], list[Score]] = {}
    for score in scores:
        days.setdefault((score.patient, score.instrument, score.date), []).append(score)
    kept: list[Score] = []
    repeats: list[Line] = []
    for (patient, _, date), same_day in days.items():
        is_known = len(same_day) > 1 and patient is not None and date is not None
        kept += _without_copies(same_day, repeats) if is_known else same_day
    return sorted(kept, key=lambda score: (score.id, score.lines)), repeats


def _without_copies(scores: list[Score], repeats: list[Line]) -> list[Score]:
    kept = list(scores)
    for find in (_derived, _same_minute, _only_pair):
        for first, second in find(kept):
            is_there = any(one is first for one in kept) and any(one is second for one in kept)
            if is_there and _agree(first, second):
                _join(first, second, repeats)
                kept = [one for one in kept if one is not second]
    return kept


def _derived(scores: list[Score]) -> list[tuple[Score, Score]]:
    """Return pairs of which one was made from the other."""
    copies = [score for score in scores if score.is_copy]
    return [(score, copy) for score in scores for copy in copies if copy.form_id in score.derived_from]


def _same_minute(scores: list[Score]) -> list[tuple[Score, Score]]:
    """Return pairs that are the only ones of their kind at their minute."""
    times: dict[str | None, list[Score]] = {}
    for score in scores:
        times.setdefault(score.time, []).append(score)
    pairs = [sorted(found, key=lambda score: score.is_copy) for found in times.values() if len(found) == 2]
    return [(first, second) for first, second in pairs if second.is_copy and not first.is_copy]


def _only_pair(scores: list[Score]) -> list[tuple[Score, Score]]:
    """Return the pair of a day: its only first and copy, or its only total and items."""
    firsts = [score for score in scores if not score.is_copy]
    copies = [score for score in scores if score.is_copy]
    if len(firsts) == 1 and len(copies) == 1:
        return [(firsts[0], copies[0])]
    totals = [score for score in scores if score.total is not None and not score.items]
    items = [score for score in scores if score.total is None and score.items]
    return [(totals[0], items[0])] if len(scores) == 2 and len(totals) == 1 and len(items) == 1 else []


def _agree(first: Score, second: Score) -> bool:
    if first.problems or second.problems:
        return False
    is_total_same = first.total is None or second.total is None or _value(first.total) == _value(second.total)
    return is_total_same and all(
        _value(number) == _value(second.items[item]) for item, number in first.items.items() if item in second.items
    )


def _join(first: Score, second: Score, repeats: list[Line]) -> None:
    """Complete the first score by the second, or note the second's lines as repeats where it adds nothing."""
    adds = (first.total is None and second.total is not None) or not set(second.items) <= set(first.items)
    if adds:
        first.total = first.total if first.total is not None else second.total
        first.items = {**second.items, **first.items}
        first.lines += [line for line in second.lines if line not in first.lines]
    else:
        repeats += second.lines
    first.time = first.time or second.time
    first.encounter = first.encounter or second.encounter
    first.part_of = first.part_of or second.part_of
