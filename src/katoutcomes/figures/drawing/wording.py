"""The words that figures share: names of groups, hidden counts, notes. Numbers come from `results/formatting.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import HIDDEN, format_count, format_level, format_part_cell, minimum_cell_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from katoutcomes.results.part import Cell, Part
    from katoutcomes.results.result import ResultRecord

ALL_PATIENTS = "all patients"
NOBODY = "no patient with both scores"
NOT_SHOWN = "too few patients to be shown"
NO_SHARED_SCORES = "too few with the same scores"


def group_label(subgroup: str) -> str:
    """Return the level of a group as a reader sees it.

    Examples
    --------
    >>> group_label("program_booked: with_integration")
    'with integration'
    >>> group_label("")
    'all patients'
    """
    if not subgroup:
        return ALL_PATIENTS
    return subgroup.split(": ", 1)[-1].replace("_", " ")


def grouping_variable(subgroups: Iterable[str]) -> str:
    """Return the variable that the groups are levels of, ``""`` where there are no groups.

    Examples
    --------
    >>> grouping_variable(["program_booked: ketamine_only", "program_booked: with_integration"])
    'program_booked'
    """
    for subgroup in subgroups:
        if ": " in subgroup:
            return subgroup.split(": ", 1)[0]
    return ""


def by_words(subgroups: Iterable[str]) -> str:
    """Return what a title says of the grouping, ``""`` where there is none.

    Examples
    --------
    >>> by_words(["program_booked: ketamine_only", "program_booked: with_integration"])
    ', by program booked'
    """
    variable = grouping_variable(subgroups)
    return f", by {variable.removeprefix('covariate_').replace('_', ' ')}" if variable else ""


def why_no_scores(n_patients: int | None, *, is_mean_shown: bool) -> str:
    """Return why no pair of scores is drawn: there is none, all is hidden, or only the scores are.

    Parameters
    ----------
    n_patients : int or None
        With both scores; None where that is hidden.
    is_mean_shown : bool
        Whether a number about all of them is shown.

    Examples
    --------
    >>> why_no_scores(0, is_mean_shown=False), why_no_scores(None, is_mean_shown=False)
    ('no patient with both scores', 'too few patients to be shown')
    >>> why_no_scores(146, is_mean_shown=True)
    'too few with the same scores'
    """
    if n_patients == 0:
        return NOBODY
    return NO_SHARED_SCORES if is_mean_shown else NOT_SHOWN


def shown_groups(result: ResultRecord, terms: Iterable[str], *, each_group: bool) -> tuple[str, ...]:
    """Return the groups to draw of those that estimates with these terms are about.

    Parameters
    ----------
    result : ResultRecord
        What is drawn.
    terms : iterable of str
        Which estimates are drawn.
    each_group : bool
        Whether the levels are wanted, or everybody in one. Where the result has only the other, or every value of
        the levels is hidden, that is drawn.
    """
    wanted = tuple(terms)
    drawn = [estimate for estimate in result.estimates if estimate.term in wanted]
    found = tuple(dict.fromkeys(estimate.subgroup for estimate in drawn))
    with_values = {estimate.subgroup for estimate in drawn if not estimate.suppressed}
    groups = tuple(group for group in found if bool(group) == each_group) or found
    return ("",) if "" in with_values and with_values.isdisjoint(groups) else groups


def withheld_groups_note(found: Iterable[str], drawn: tuple[str, ...]) -> tuple[str, ...]:
    """Return what must be said where everybody is drawn because every value of the groups is hidden.

    Parameters
    ----------
    found : iterable of str
        The groups that were wanted.
    drawn : tuple of str
        The groups that are drawn.

    Examples
    --------
    >>> withheld_groups_note(["site: North"], ("",))
    ('By site nothing is shown, to protect patients: small counts would follow from it.',)
    >>> withheld_groups_note(["site: North"], ("site: North",))
    ()
    """
    variable = grouping_variable(found) if drawn == ("",) else ""
    if not variable:
        return ()
    name = variable.removeprefix("covariate_").replace("_", " ")
    return (f"By {name} nothing is shown, to protect patients: small counts would follow from it.",)


def count_cell(result: ResultRecord, part: Part, row: int) -> Cell:
    """Return the number of patients in a row of a part: a whole number, or ``"<11"`` or ``"hidden"`` where it is."""
    count = part.rows[row][part.columns.index("n_patients")]
    if isinstance(count, int):
        return count
    return format_part_cell(part, row, "n_patients", minimum_cell_of(result))


def count_text(count: Cell) -> str:
    """Return what `count_cell` gives as text.

    Examples
    --------
    >>> count_text(1234), count_text("<11")
    ('1,234', '<11')
    """
    return format_count(count) if isinstance(count, int) else str(count)


def n_words(n_text: str) -> str:
    """Return a printed number of patients with its sign.

    Examples
    --------
    >>> n_words("165"), n_words("<11"), n_words("hidden")
    ('n = 165', 'n <11', 'n hidden')
    """
    return f"n = {n_text}" if n_text[:1].isdigit() else f"n {n_text}"


def general_notes(result: ResultRecord, shown: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what must be said below a figure: what its marks for hidden counts mean, and whether data are synthetic.

    Parameters
    ----------
    result : ResultRecord
        What is drawn.
    shown : iterable of str
        The counts as they are printed.
    """
    marks = set(shown)
    minimum = minimum_cell_of(result)
    notes = []
    if any(mark.startswith("<") for mark in marks):
        notes.append(f"<{minimum}: fewer than {minimum} patients, not shown.")
    if HIDDEN in marks:
        notes.append(f"{HIDDEN.capitalize()}: not shown, because a count below {minimum} would follow from it.")
    if result.provenance.is_synthetic:
        notes.append("Synthetic data: made by a program, not by patients.")
    return tuple(notes)


def interval_name(conf_levels: Iterable[float]) -> str:
    """Return what the limits are, for example ``"95% confidence interval"``; without a level ``"interval"``.

    Examples
    --------
    >>> interval_name([float("nan"), 0.95])
    '95% confidence interval'
    """
    for level in conf_levels:
        if 0.0 < level < 1.0:
            return f"{format_level(level)} confidence interval"
    return "interval"


def capitalized(text: str) -> str:
    """Return text with its first letter in upper case and the others as they are.

    Examples
    --------
    >>> capitalized("week 12 of the PHQ-9")
    'Week 12 of the PHQ-9'
    """
    return text[:1].upper() + text[1:]
