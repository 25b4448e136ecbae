"""Scales of the catalog as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_level, format_number

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument, Norms
    from katoutcomes.instruments.item_arithmetic import Metric, ProratingRule

_WIDTH = 110
_LABEL_WIDTH = 15
_BETTER = {"higher_is_worse": "lower", "higher_is_better": "higher", "higher_is_more": "neither"}
_USES = {
    "outcome": "",
    "session_state": "session, not a baseline",
    "global_change": "already a change",
    "categories": "no total",
}
_SHORT = {"ptsd": "PTSD", "mcid": "MCID"}


def plain(value: float) -> str:
    """Return a number without decimals that say nothing."""
    return format_number(value, 3, trailing_zeros=False)


def words(name: str) -> str:
    """Return a name with spaces for underscores, and what is short for something in capitals."""
    return _SHORT.get(name, name.replace("_", " "))


def listing(known: Sequence[Instrument]) -> str:
    """Return the scales in groups of what they measure, each followed by its sub-scales."""
    wholes = [entry for entry in known if not entry.subscale_of]
    head = ("id", "name", "items", "total", "better", "rater", "use")
    groups = {
        construct: [
            row
            for whole in wholes
            if whole.construct == construct
            for row in _rows(whole, [entry for entry in known if entry.subscale_of == whole.id])
        ]
        for construct in dict.fromkeys(entry.construct for entry in sorted(wholes, key=_construct_order))
    }
    rows = [row for group in groups.values() for row in group]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_aligned(head, widths)]
    for construct, group in groups.items():
        title = words(construct)
        lines += ["", title[0].upper() + title[1:]]
        lines += [_aligned(row, widths) for row in group]
    n_parts = len(known) - len(wholes)
    lines += ["", f"{len(wholes)} scales and {n_parts} sub-scales. One in full: katoutcomes instruments ID"]
    return "\n".join(lines)


def _construct_order(entry: Instrument) -> int:
    from katoutcomes.instruments.definition_file import CONSTRUCTS

    return CONSTRUCTS.index(entry.construct)


def _rows(whole: Instrument, parts: Iterable[Instrument]) -> Iterator[tuple[str, ...]]:
    for entry in (whole, *parts):
        indent = "    " if entry.subscale_of else "  "
        yield (
            indent + entry.id,
            entry.name,
            f"{entry.n_items} of {entry.item_minimum} to {entry.item_maximum}" if entry.n_items else "total only",
            _range(entry) if entry.has_total else "none",
            _BETTER[entry.direction],
            entry.rater,
            _USES[entry.use],
        )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def details(entry: Instrument, parts: Sequence[Instrument]) -> str:
    """Return everything that the catalog knows about a scale."""
    lines = [f"{entry.name} ({entry.id}): {entry.full_name}", ""]
    for label, text in _facts(entry, parts):
        lines += _wrapped(f"  {label:<{_LABEL_WIDTH}}", text)
    lines += _section("Definition sets (* = used when none is named)", map(_definition, entry.definition_sets))
    lines += _section(
        "Reliability (the first is used when none is named)",
        (f"{plain(known.value)} {words(known.kind)}: {known.source}" for known in entry.reliabilities),
    )
    lines += _section("Norms (the first are used when none are named)", map(_norms, entry.norms))
    lines += _section("Rules for missing items (only when asked for)", map(_prorating, entry.prorating))
    lines += _section("LOINC", _codes(entry))
    lines += _section("Sources", entry.sources)
    if entry.unverified:
        open_points = (f"{words(known.kind)}: {known.text}" for known in entry.unverified)
        lines += _section("Not verified, never used", open_points)
    return "\n".join(lines)


def _facts(entry: Instrument, parts: Sequence[Instrument]) -> Iterator[tuple[str, str]]:
    direction = {"lower": "lower is better", "higher": "higher is better", "neither": "higher is more, neither better"}
    yield "measures", f"{words(entry.construct)}, {entry.rater}-rated; {direction[_BETTER[entry.direction]]}"
    if entry.use != "outcome":
        yield "use", _USES[entry.use]
    if entry.subscale_of:
        numbers = f"items {_numbers(entry.item_numbers)} of it" if entry.item_numbers else "which items is not known"
        yield "sub-scale of", f"{entry.subscale_of}; {numbers}"
    yield "items", _items(entry)
    if entry.reverse_items:
        yield "reversed", f"items {_numbers(entry.reverse_items)}"
    if legal := "; ".join(_legal_blanks(entry)):
        yield "blanks", legal
    yield "total", _total(entry)
    for metric in entry.metrics:
        yield "metric", _metric(entry, metric)
    if entry.versions:
        yield "versions", f"{', '.join(entry.versions)}; the first is meant where none is named"
    days = "1 day" if entry.recall_days == 1 else f"{entry.recall_days} days"
    yield "looks back", days if entry.recall_days else "no source says how far"
    yield "suicide", _safety(entry)
    if entry.aliases:
        yield "also called", "; ".join(entry.aliases)
    yield "licence", entry.licence
    if parts:
        yield "sub-scales", ", ".join(f"{part.id} ({part.name})" for part in parts)


def _items(entry: Instrument) -> str:
    if not entry.n_items:
        return "none; only totals are read"
    usual = f"{entry.n_items}, each {entry.item_minimum} to {entry.item_maximum}"
    exceptions = (
        f"{_numbers(found.items)}: {', '.join(str(value) for value in found.values)}" for found in entry.item_ranges
    )
    return "; but items ".join([usual, *exceptions])


def _total(entry: Instrument) -> str:
    scoring = entry.scoring
    if not entry.has_total:
        return "none; the items are never added"
    if scoring.kind == "none":
        return f"{_range(entry)}, as it is given; the items are never added"
    groups = ", ".join(_numbers(domain) for domain in scoring.domains)
    how = {
        "sum": "the sum of the items",
        "mean": "the mean of the items",
        "domains": f"the sum of the largest item of each of {len(scoring.domains)} domains ({groups})",
    }
    factor = f"{plain(scoring.factor)} x " if scoring.factor != 1.0 else ""
    may_be_blank = scoring.alternatives or scoring.blanks or scoring.omissions
    needed = "" if may_be_blank else "; every item is needed"
    return f"{_range(entry)}: {factor}{how[scoring.kind]}{needed}"


def _legal_blanks(entry: Instrument) -> Iterator[str]:
    for group in entry.scoring.alternatives:
        yield f"one answer to items {_numbers(group)} suffices"
    for blank in entry.scoring.blanks:
        answers = " and ".join(f"item {number} is {answer}" for number, answer in blank.when)
        yield f"where {answers}, {_item_words(blank.items)} may be blank and then count as {blank.counts_as}"
    for omission in entry.scoring.omissions:
        largest = plain(entry.largest_total(omission.version))
        yield (
            f"the version {omission.version} does not ask {_item_words(omission.items)}; "
            f"its largest total is {largest} [{omission.source}]"
        )


def _metric(entry: Instrument, metric: Metric) -> str:
    own = entry.metrics[0].name
    if metric.name == own:
        return f"{own}: {plain(metric.minimum)} to {plain(metric.maximum)}, the scale's own"
    factor = f"{plain(metric.factor)} x " if metric.factor != 1.0 else ""
    offset = f" + {plain(metric.offset)}" if metric.offset else ""
    return f"{metric.name}: {plain(metric.minimum)} to {plain(metric.maximum)}; {own} = {factor}{metric.name}{offset}"


def _safety(entry: Instrument) -> str:
    if not entry.safety_items:
        return "no item asks about suicide or self-harm, so a low total says nothing about it"
    return f"asked by {_item_words(entry.safety_items)}; an answer of {entry.safety_at_least} or more is counted"


def _item_words(numbers: Sequence[int]) -> str:
    return f"item {numbers[0]}" if len(numbers) == 1 else f"items {_numbers(numbers)}"


def _definition(definition: DefinitionSet) -> str:
    mark = "*" if definition.is_default else " "
    value = plain(definition.value)
    if definition.bands:
        what = ", ".join(f"{plain(band.low)} to {plain(band.high)} {band.label}" for band in definition.bands)
    elif definition.is_share:
        what = f"{words(definition.kind)} {format_level(definition.value)} of the baseline"
    elif definition.kind in ("response", "reliable_change", "mcid"):
        what = f"{words(definition.kind)} {value} points"
    else:
        what = f"{words(definition.kind)} {value}"
    return f"{mark} {definition.id}: {what} [{definition.source}]"


def _norms(known: Norms) -> str:
    functional = f"functional {plain(known.functional_mean)} (SD {plain(known.functional_sd)})"
    dysfunctional = f"dysfunctional {plain(known.dysfunctional_mean)} (SD {plain(known.dysfunctional_sd)})"
    both = functional if known.dysfunctional_mean != known.dysfunctional_mean else f"{functional}, {dysfunctional}"
    return f"{both}: {known.source}"


def _prorating(rule: ProratingRule) -> str:
    rounding = ", rounded to a whole number" if rule.rounding == "half_up" else ""
    return f"{rule.name}: up to {rule.most_missing} missing, the mean of the others for each{rounding} [{rule.source}]"


def _codes(entry: Instrument) -> Iterator[str]:
    codes = entry.loinc
    for label, listed in (("total", codes.total), ("panel", codes.panel)):
        if listed:
            yield f"{label}: {', '.join(listed)}"
    if codes.items:
        yield f"items in their order: {', '.join(code or 'not known' for code in codes.items)}"
    if codes.answers:
        yield f"answers: {', '.join(f'{code} = {value}' for code, value in codes.answers)}"
    for code, reason in codes.refused:
        yield f"refused: {code}, {reason}"


def _range(entry: Instrument) -> str:
    return f"{plain(entry.minimum)} to {plain(entry.maximum)}"


def _numbers(numbers: Sequence[int]) -> str:
    """Return item numbers with runs of three and more joined.

    Examples
    --------
    >>> _numbers((1, 2, 3, 5, 6, 9))
    '1-3, 5, 6, 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    pieces = ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(number) for number in run] for run in runs)
    return ", ".join(piece for run in pieces for piece in run)


def _section(title: str, texts: Iterable[str]) -> list[str]:
    """Return a heading and its entries; "none" where there is nothing, so that nobody thinks it was forgotten."""
    entries = list(texts)
    if not entries:
        return ["", f"  {title.split(' (', maxsplit=1)[0]}: none"]
    return ["", f"  {title}", *(line for text in entries for line in _wrapped("    ", text))]


def _wrapped(start: str, text: str) -> list[str]:
    indent = " " * (len(start) if len(start) > 4 else 8)
    return textwrap.wrap(
        text, _WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [start.rstrip()]
