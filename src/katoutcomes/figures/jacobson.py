"""Baseline against follow-up, with the band in which a change may be measurement error: the Jacobson plot."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.figures.drawing.jacobson_drawing import (
    IMPROVEMENT,
    CutOff,
    JacobsonPanel,
    JacobsonPlan,
    draw_jacobson,
)
from katoutcomes.figures.drawing.pairs import binned_pairs, chosen_visit, individual_pairs, not_drawn_note
from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    n_words,
    shown_groups,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.instruments.definition_words import capitalized_definition
from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_n_patients,
    format_share,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "kind",
    "definition_set",
    "term",
    "baseline_low",
    "baseline_high",
    "follow_up_low",
    "follow_up_high",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
JACOBSON_TRUAX = "jacobson_truax"
CHANGE_THRESHOLD = "reliable change threshold"
COMPLETENESS, REMISSION = "paired completeness", "remission"
CUT_OFF_TERMS: tuple[str, ...] = ("cut-off c", "cut-off a", "cut-off b", "caseness")
CLASSES: tuple[str, ...] = (IMPROVEMENT, "no reliable change", "reliable deterioration")
RECOVERIES: tuple[str, ...] = ("recovered", "improved, not recovered", "recovery", "reliable recovery")


def jacobson(
    result: ResultRecord,
    definition_set: str | None = None,
    *,
    each_group: bool = False,
    instrument: Instrument | None = None,
) -> Figure:
    """Draw every patient's follow-up score against the baseline score, with the thresholds of reliable change.

    Parameters
    ----------
    result : ResultRecord
        A result of `clinical_significance`, released or not.
    definition_set : str, optional
        By which rule a change is reliable: ``"jacobson_truax"`` (the default where the result has it) or the id of a
        service rule.
    each_group : bool, default False
        Whether every cohort has a square of its own, where the result has cohorts, or all patients one together.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold; without it the better direction is not known and the regions
        beside the band have no names.

    Returns
    -------
    Figure
        One square a cohort: the diagonal of no change, the band of changes smaller than the threshold, cut-off lines
        where the result has them. Patients are circles where the result holds individual values, as large as there
        are patients with the same two scores; otherwise the cells of ``"score_pair_counts"`` with their counts; those
        that a released result has left out are blank. Beside it the share of each class with its interval. ``rows``
        holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such definition set, or not the parts ``"visits"`` and ``"score_pair_counts"``.

    References
    ----------
    Jacobson NS, Truax P. Clinical significance. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12
    """
    visit = chosen_visit(result, None)
    rule = _chosen_rule(result, definition_set)
    groups = shown_groups(result, (*CLASSES, COMPLETENESS, REMISSION), each_group=each_group) or ("",)
    panels = tuple(_panel(result, visit, group, rule) for group in groups)
    drawn = [end for panel in panels for cell in panel.cells for end in cell.bins()]
    scale = score_scale(result, drawn, instrument)
    threshold = next(iter(result.select(term=CHANGE_THRESHOLD, definition_set=rule)), None)
    subject = ": reliable change" if threshold is not None else ""
    title = f"{scale.instrument} at baseline and {visit}{subject}{by_words(groups)}"
    plan = JacobsonPlan(
        title=title,
        subtitle=_subtitle(rule, threshold, panels),
        notes=_notes(result, panels),
        scale=scale,
        visit=visit,
        threshold=threshold,
        cut_offs=_cut_offs(result, rule, scale),
        panels=panels,
    )
    by = grouping_variable(groups)
    name = rule.rpartition("/")[2] if definition_set is not None else ""
    words = ("jacobson", result.estimand.endpoint.instrument, visit, name, by and f"by_{by}")
    return Figure(
        name=figure_name(*words),
        title=title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=_rows(plan),
        drawing=partial(draw_jacobson, plan),
    )


def _chosen_rule(result: ResultRecord, wanted: str | None) -> str:
    """Return the definition set that says which change is reliable, ``""`` where the result has none."""
    available = [estimate.definition_set for estimate in result.select(term=CHANGE_THRESHOLD, measure="threshold")]
    if wanted is not None:
        require_option("definition_set", wanted, available)
        return wanted
    return JACOBSON_TRUAX if JACOBSON_TRUAX in available else next(iter(available), "")


def _panel(result: ResultRecord, visit: str, group: str, rule: str) -> JacobsonPanel:
    """Gather what one cohort's panel shows."""
    fields = {"measure": "proportion", "visit": visit, "subgroup": group, "definition_set": rule}
    shares = tuple(share for term in CLASSES + RECOVERIES for share in result.select(term=term, **fields) if rule)
    counted = shares or result.select(term=REMISSION, measure="proportion", visit=visit, subgroup=group)
    pairs = individual_pairs(result, visit, group)
    return JacobsonPanel(
        group=group,
        cells=binned_pairs(result, visit, group) if pairs is None else pairs,
        are_patients=pairs is not None,
        shares=shares,
        n_text=format_n_patients(counted[0], minimum_cell_of(result)) if counted else "",
        minimum_cell=minimum_cell_of(result),
    )


def _cut_offs(result: ResultRecord, rule: str, scale: ScoreScale) -> tuple[CutOff, ...]:
    """Return the cut-off of the rule in use, or any that the result has."""
    found = [one for term in CUT_OFF_TERMS for one in result.select(term=term, measure="threshold")]
    of_rule = [one for one in found if one.definition_set == rule]
    if not of_rule:
        of_rule = [one for one in found if one.term == "caseness"][:1]
    side = {"lower": " or more", "higher": " or less"}.get(scale.better, "")
    return tuple(
        CutOff(one, f"{one.term}: {format_estimate(one)}{side if one.term == 'caseness' else ''}") for one in of_rule
    )


def _subtitle(rule: str, threshold: Estimate | None, panels: tuple[JacobsonPanel, ...]) -> str:
    if threshold is None:
        return "No threshold of reliable change is known; patients on the line have not changed."
    interval = interval_name(share.conf_level for panel in panels for share in panel.shares)
    bound = "more than" if rule == JACOBSON_TRUAX else "at least"  # as the rules are published
    words = f"a change of {bound} {format_estimate(threshold)} points"
    return f"Definition: {capitalized_definition(rule)}, {words}. Shares with {interval}."


def _notes(result: ResultRecord, panels: tuple[JacobsonPanel, ...]) -> tuple[str, ...]:
    """Return what the marks are, and which cells are not drawn."""
    notes = []
    cells = [cell for panel in panels for cell in panel.cells]
    most = format_count(max((cell.n_patients for cell in cells), default=0))
    if cells and any(panel.are_patients for panel in panels):
        notes.append(f"The area of a circle is the number of patients with these two scores (the largest: {most}).")
    elif cells:
        notes.append("Numbers in the cells: patients.")
    notes += not_drawn_note(
        result, ((panel.shares[0].n_patients if panel.shares else None, panel.cells) for panel in panels)
    )
    printed = [panel.n_text for panel in panels]
    printed += [format_share(share, panel.minimum_cell) for panel in panels for share in panel.shares]
    return (*notes, *general_notes(result, [word for text in printed for word in text.split()]))


def _rows(plan: JacobsonPlan) -> tuple[tuple[Cell, ...], ...]:
    """Return what is drawn: thresholds, then the marks and the shares of each cohort."""
    thresholds = [plan.threshold] if plan.threshold is not None else []
    thresholds += [cut_off.threshold for cut_off in plan.cut_offs]
    rows: list[tuple[Cell, ...]] = [
        ("", "", "threshold", one.definition_set, one.term, *(None,) * 4, one.estimate, *(None,) * 4)
        for one in thresholds
    ]
    for panel in plan.panels:
        label = group_label(panel.group)
        kind = "patients" if panel.are_patients else "bins"
        rows += [(label, plan.visit, kind, "", "", *cell.bins(), *(None,) * 4, cell.n_patients) for cell in panel.cells]
        for share in panel.shares:
            numbers = (share.estimate, share.conf_low, share.conf_high, share.conf_level)
            known = (None if math.isnan(number) else number for number in numbers)
            n_patients = panel.n_text_of(share) if share.n_patients is None else share.n_patients
            names = (label, plan.visit, "proportion", share.definition_set, share.term)
            rows.append((*names, *(None,) * 4, *known, n_patients))
    return tuple(rows)


def _alt_text(plan: JacobsonPlan) -> str:
    """Return the thresholds and the shares as sentences."""
    sentences = [f"{plan.title}, as a scatter of baseline against follow-up. {plan.subtitle} {plan.scale.sentence()}"]
    if plan.scale.better:
        sentences.append(f"{plan.scale.better.capitalize()} is better.")
    sentences += [f"{capitalized(cut_off.text)} points." for cut_off in plan.cut_offs]
    for panel in plan.panels:
        shares = [
            f"{share.term} {format_with_interval(share)}, {format_share(share, panel.minimum_cell)}"
            for share in panel.shares
        ]
        words = "; ".join(shares) or "no shares"
        sentences.append(f"{capitalized(group_label(panel.group))}, {n_words(panel.n_text)}: {words}.")
    return " ".join((*sentences, *plan.notes))
