"""The words of a report, made from released results: no number is typed into a template."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_level,
    format_n_patients,
    format_p,
    format_with_interval,
)
from katoutcomes.results.reasons import failed_reasons

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_NOT_IMPROVED = ("did not change reliably", "deteriorated reliably")
"""What is said of those who did not improve reliably."""
HIDDEN_NOTE = "is not shown, because a small count is in it or would follow from it"

_QUARTER_STEPS = ("first dose in or after ", "first dose in or before ")

ALWAYS_TRUE = (
    (
        "Whether the treatment caused the change. There is no group without it: people who seek help when they feel "
        "worst tend to feel better later, treated or not, and a high first score is partly chance (regression to the "
        "mean)."
    ),
    (
        "How those are who have no later score. They may differ from those who have one, and nothing here assumes "
        "that they improved or that they did not."
    ),
    "What was not measured. Groups that patients or clinics chose differ in more than what is adjusted for.",
    "Anything about a single patient. Shares and means describe groups; small groups are not shown.",
)
"""What no uncontrolled outcome report can say, whatever its numbers."""


def headline(results: Results) -> tuple[str, ...]:
    """Return the report in a handful of sentences: completeness, change, meaning, comparison, limits.

    They are about the primary instrument; the numbers of the others stand in the table of page one.
    """
    sentences: list[str] = []
    name = next(iter(results.instruments()), "")
    if results.has("participant_flow"):
        sentences += filter(None, [quarters_sentence(results.of("participant_flow"))])
        sentences.append(flow_sentence(results.of("participant_flow")))
    if results.has("change_from_baseline", name):
        sentences.append(change_sentence(results.of("change_from_baseline", name)))
    else:
        sentences.append("No change is reported: nobody has both scores, or the plan does not ask for it.")
    if results.has("clinical_significance", name):
        sentences.append(significance_sentence(results.of("clinical_significance", name)))
    if results.has("cohort_difference", name):
        sentences.append(difference_sentence(results.of("cohort_difference", name)))
    sentences.append("There is no untreated group here, so none of this shows what the treatment itself did.")
    return tuple(sentences)


def quarters_sentence(flow: ResultRecord) -> str:
    """Say which quarters the patients come from; nothing where the plan names none."""
    steps = [str(step) for step in flow.part("flow").column("step")]
    since, until = (
        next((step.removeprefix(words) for step in steps if step.startswith(words)), "") for words in _QUARTER_STEPS
    )
    if not since or not until:
        return ""
    quarters = since if since == until else f"{since} to {until}"
    return f"This report is about patients whose first dose lay in {quarters}."


def flow_sentence(flow: ResultRecord) -> str:
    """Say how many had a baseline and how many of them a score at the last visit."""
    seen = [estimate for estimate in flow.select(term="scored at visit") if not estimate.subgroup]
    counted = flow.select(term="with a baseline score", subgroup="")
    if not seen or not counted:
        return "The flow of patients is shown below."
    last, baseline = seen[-1], counted[-1]
    if last.suppressed or baseline.suppressed:
        return f"The share of patients with a {last.instrument} score at {last.visit} {HIDDEN_NOTE}."
    return (
        f"{format_estimate(baseline)} patients have a {last.instrument} score before the first dose; "
        f"{format_estimate(last)} of them ({_interval(last)}) also have one at {last.visit}."
        + ("" if last.estimate == 1.0 else f" The others are missing from everything that is said of {last.visit}.")
    )


def description_sentence(description: ResultRecord) -> str:
    """Say how the table of patients is to be read."""
    known = "Each row says for how many patients the value is known."
    if not description.select(measure="standardized mean difference"):
        return known
    return (
        f"{known} Differences between groups are standardized mean differences: about 0.1 is small, above 0.25 is "
        "worth worrying about. There are no p-values: they would say how many patients there are, not how alike the "
        "groups are."
    )


def curves_note(change: ResultRecord) -> str:
    """Say what the curves of several cohorts are not; nothing where there is one curve."""
    if not any(estimate.subgroup for estimate in change.estimates):
        return ""
    return (
        "The curves show each cohort as it was observed, not adjusted for anything: patients and clinics chose the "
        "cohort, so a gap between the curves is not the effect of what was booked."
    )


def change_sentence(change: ResultRecord) -> str:
    """Say the mean change at the last visit, with its interval and its number of patients."""
    mean_change = _last(change, term="change", measure="mean change")
    if mean_change is None:
        return "No patient has both scores."
    if mean_change.n_patients == 0 and not mean_change.suppressed:
        return f"Nobody has both a baseline score and one at {mean_change.visit}."
    if change.verdict == "withhold":
        return f"The change of the {mean_change.instrument} is not reported: {_reasons(change)}"
    if mean_change.suppressed:
        return f"The mean change of the {mean_change.instrument} at {mean_change.visit} {HIDDEN_NOTE}."
    completeness = _last(change, term="paired completeness")
    seen = (
        ""
        if completeness is None or completeness.suppressed
        else f", {format_estimate(completeness)} of those at baseline"
    )
    interval = "no interval" if math.isnan(mean_change.conf_low) else _interval(mean_change)
    return (
        f"From baseline to {mean_change.visit} the mean {mean_change.instrument} of the patients with both scores "
        f"changed by {format_estimate(mean_change)} points ({interval}; "
        f"{format_n_patients(mean_change)} patients{seen})."
    )


def significance_sentence(significance: ResultRecord) -> str:
    """Say which shares improved reliably, did not change reliably and deteriorated reliably, by which definition."""
    improved = _first(significance, "reliable improvement")
    if improved is None:
        return "No reliable change can be reported. " + " ".join(missing_pieces(significance))
    if improved.suppressed and improved.n_patients is None:
        return _too_few(improved, significance)
    same = {"definition_set": improved.definition_set, "visit": improved.visit, "subgroup": ""}
    classes = (
        (improved, "improved reliably"),
        (significance.select(term="no reliable change", **same)[0], _NOT_IMPROVED[0]),
        (significance.select(term="reliable deterioration", **same)[0], _NOT_IMPROVED[1]),
    )
    shown = [f"{format_with_interval(found)} {what}" for found, what in classes if not found.suppressed]
    hidden = _hidden_classes([found for found in classes if found[0].suppressed], significance)
    return (
        f"At {improved.visit}, of the {format_n_patients(improved, _minimum_cell(significance))} patients with both "
        f"{improved.instrument} scores, {_listed(shown, hidden)} (rule: {_rule(improved.definition_set)})."
    )


def _too_few(improved: Estimate, significance: ResultRecord) -> str:
    """Say that so few patients have both scores that nothing is told of them."""
    if not improved.below_minimum:
        return f"What the change of the {improved.instrument} meant at {improved.visit} {HIDDEN_NOTE}."
    few = f"fewer than {_minimum_cell(significance)} patients have both {improved.instrument} scores"
    return f"At {improved.visit} {few}, so nothing is told of reliable change."


def missing_pieces(significance: ResultRecord) -> tuple[str, ...]:
    """Return what is not known and therefore not reported, without the advice for those who call the function."""
    return tuple(warning.split("; pass ", maxsplit=1)[0].removesuffix(".") + "." for warning in significance.warnings)


def significance_remarks(significance: ResultRecord) -> tuple[str, ...]:
    """Return why to be cautious and what is not known, without what the sentence itself has said."""
    said = significance_sentence(significance)
    cautions = (check.message for check in significance.checks if not check.passed and check.severity != "note")
    return tuple(dict.fromkeys(text for text in (*cautions, *missing_pieces(significance)) if text not in said))


def _hidden_classes(classes: list[tuple[Estimate, str]], result: ResultRecord) -> list[str]:
    """Return what is said of hidden classes: those below the minimum one by one, the others together."""
    said = [f"fewer than {_minimum_cell(result)} patients {what}" for found, what in classes if found.below_minimum]
    others = [what for found, what in classes if not found.below_minimum]
    if len(others) == 1:
        said.append(f"the share that {others[0]} is hidden, because a small count would follow from it")
    elif others == list(_NOT_IMPROVED):
        said.append(
            f"the others did not; how many of them {others[1]} is hidden, because small counts would follow from it"
        )
    elif others:
        named = " and that ".join(others)
        said.append(f"the shares that {named} are hidden, because small counts would follow from them")
    return said


def contrast_title(difference: ResultRecord) -> str:
    """Return the heading of a comparison, "with integration and ketamine only"."""
    contrast = _adjusted(difference)
    if contrast is None:
        return "difference between cohorts"
    return f"{_readable(contrast.treatment)} and {_readable(contrast.comparator)} compared"


def difference_sentence(difference: ResultRecord) -> str:
    """Say what the comparison shows: a difference, no difference, or that it should not be made."""
    contrast = _adjusted(difference)
    if contrast is None:
        return "The cohorts could not be compared."
    treatment, comparator = f"“{_readable(contrast.treatment)}”", f"“{_readable(contrast.comparator)}”"
    if difference.verdict == "withhold":
        return f"The cohorts {treatment} and {comparator} are not compared: {_reasons(difference)}"
    if contrast.suppressed:
        return f"The difference between {treatment} and {comparator} {HIDDEN_NOTE}."
    if math.isnan(contrast.conf_low):
        return f"The difference between {treatment} and {comparator} has no interval, so it is not reported."
    # Where counts are rounded there is no p-value, which would tell them.
    known = [_interval(contrast)] + [format_p(contrast.p_value, named=True)] * (contrast.p_value == contrast.p_value)
    amount = f"{format_estimate(contrast)} points ({', '.join(known)})"
    caution = f" Read it with caution: {_reasons(difference)}" if difference.verdict == "with caution" else ""
    if contrast.conf_low <= 0.0 <= contrast.conf_high:
        return (
            f"These data do not show a difference between {treatment} and {comparator} at {contrast.visit}: adjusted, "
            f"the mean {contrast.instrument} differs by {amount}, and every value in that range is compatible with "
            f"them, no difference among them.{caution}"
        )
    side = "lower" if contrast.estimate < 0.0 else "higher"
    return (
        f"At {contrast.visit} the mean {contrast.instrument} is {side} in {treatment} than in {comparator}; adjusted, "
        f"it differs by {amount}. This is an association: what was not measured may be behind it.{caution}"
    )


def quality_sentence(quality: ResultRecord) -> str:
    """Say whether every row was accepted."""
    rejected = quality.part("files").column("rows_rejected")
    hidden = bool(quality.part("files").suppressed)
    if not hidden and not any(rejected):
        return "Every row of the input was accepted."
    return (
        "Rows that break a rule are rejected and counted; nothing is repaired. `katoutcomes check` names the rules, "
        "the columns and the row numbers."
    )


def gate_sentences(results: Results) -> tuple[str, ...]:
    """Return the limits of quality that are not kept, as the plan names them."""
    found = (result for result in results if result.analysis == "quality_gates")
    return tuple(text for result in found for text in failed_checks(result))


def failed_checks(result: ResultRecord) -> tuple[str, ...]:
    """Return what the failed checks mean, one sentence each; visits of which the same is true together."""
    return failed_reasons(result)


def limits_of_analyses(results: Results) -> dict[str, tuple[str, ...]]:
    """Return what each kind of analysis assumes, by its name; a sentence stands under the first that says it."""
    found: dict[str, list[str]] = {}
    told: set[str] = set()
    for result in results:
        new = [assumption for assumption in dict.fromkeys(result.assumptions) if assumption not in told]
        told.update(new)
        if new:
            found.setdefault(result.title.partition(":")[0], []).extend(new)
    return {name: tuple(assumptions) for name, assumptions in found.items()}


def methods(results: Results) -> tuple[str, ...]:
    """Return one entry a method, with the results it made and its sources."""
    made_by: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for result in results:
        made_by.setdefault((result.method.description, result.method.sources), []).append(result.title)
    return tuple(
        f"{'; '.join(titles)}. {description}" + (f" Sources: {'; '.join(sources)}." if sources else "")
        for (description, sources), titles in made_by.items()
    )


def provenance(results: Results) -> tuple[str, ...]:
    """Return the settings behind the numbers, the software and the digest of the data."""
    first = next(iter(results)).provenance
    settings = dict(pair for result in results for pair in result.provenance.settings)
    software = ", ".join(f"{name} {version}" for name, version in first.software)
    return (
        *(f"{_capital(name)}: {value}." for name, value in settings.items()),
        *released_how(results),
        f"Software: {software}.",
        *([f"SHA-256 of the accepted data: {first.digest}."] if first.digest else []),
    )


def released_how(results: Results) -> tuple[str, ...]:
    """Return what released results were held against before they left, and how their counts are shown."""
    if not results.is_released:
        return ()
    policy = results.disclosure
    hidden = f"of 1 to {policy.minimum_cell - 1}" if policy.zero_is_shown else f"below {policy.minimum_cell}"
    rounding = next(filter(None, (one.rounding_note for one in results)), "")
    if results.earlier_release:
        earlier = f'"{results.earlier_release}": a count that has changed by a few patients since then is hidden'
        return _joined(f"Counts {hidden} are hidden.", rounding), f"Held against the release before, {earlier}."
    alone = "what an earlier report shows can be subtracted from what this one shows"
    return _joined(f"Counts {hidden} are hidden.", rounding), f"No earlier release was given: {alone}."


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _adjusted(difference: ResultRecord) -> Estimate | None:
    found = [
        estimate
        for estimate in difference.select(measure="difference in means")
        if estimate.term.startswith("follow-up, adjusted")
    ]
    return found[0] if found else None


def _last(result: ResultRecord, **fields: str) -> Estimate | None:
    found = result.select(subgroup="", **fields)
    return found[-1] if found else None


def _first(result: ResultRecord, term: str) -> Estimate | None:
    found = result.select(term=term, measure="proportion", subgroup="")
    return found[0] if found else None


def _interval(estimate: Estimate) -> str:
    return f"{format_level(estimate.conf_level)} interval {format_interval(estimate)}"


def _reasons(result: ResultRecord) -> str:
    return " ".join(failed_checks(result))


def _minimum_cell(result: ResultRecord) -> int | None:
    return getattr(result, "minimum_cell", None)


def _listed(shown: list[str], hidden: list[str]) -> str:
    """Return "a, b and c" where all are shown, else "a; b; c": what is hidden needs more words."""
    if hidden:
        return "; ".join(shown + hidden)
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def _rule(definition_set: str) -> str:
    return "Jacobson and Truax" if definition_set == "jacobson_truax" else _readable(definition_set)


def _readable(text: str) -> str:
    """Return a level name or definition id as words."""
    return text.rsplit("/", maxsplit=1)[-1].replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
