"""The tables of a definition file that say how answers become a total: items, scoring, range, metrics, prorating."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from katoutcomes.errors import OptionError
from katoutcomes.instruments.item_arithmetic import (
    ROUNDINGS,
    SCORING_KINDS,
    ItemRange,
    LegalBlank,
    Metric,
    Omission,
    ProratingRule,
    Scoring,
)
from katoutcomes.instruments.toml_table import TomlTable

NAME = re.compile(r"[a-z][a-z0-9_]*")
NAME_RULE = "must be lower-case letters, digits and underscores, a letter first."
_MOST = 1000
"""More items, or answers of an item, are a slip of the finger."""


@dataclass(frozen=True, slots=True)
class ItemSet:
    """The items of a scale; `is_sound` says whether anything can be held against them."""

    n_items: int
    minimum: int
    maximum: int
    ranges: tuple[ItemRange, ...]
    reverse: tuple[int, ...]
    safety: tuple[int, ...]
    safety_at_least: int
    is_sound: bool

    def answers(self, number: int) -> tuple[int, ...]:
        """Return the legal answers of an item, ascending."""
        exceptions = (found.values for found in self.ranges if number in found.items)
        return next(exceptions, tuple(range(self.minimum, self.maximum + 1)))

    def part(self, numbers: tuple[int, ...]) -> ItemSet:
        """Return some of the items, numbered from 1 in the order given."""
        place = {number: position for position, number in enumerate(numbers, start=1)}
        ranges = tuple(
            ItemRange(inside, found.values)
            for found in self.ranges
            if (inside := tuple(sorted(place[number] for number in found.items if number in place)))
        )
        return replace(
            self,
            n_items=len(numbers),
            ranges=ranges,
            reverse=tuple(sorted(place[number] for number in self.reverse if number in place)),
            safety=tuple(sorted(place[number] for number in self.safety if number in place)),
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Items, scoring and range of a total; `is_sound` says whether thresholds can be held against them."""

    items: ItemSet
    scoring: Scoring
    minimum: float
    maximum: float
    direction: str
    is_sound: bool

    @property
    def has_total(self) -> bool:
        """Whether there is a total at all."""
        return not math.isnan(self.minimum)

    @property
    def range_text(self) -> str:
        """The range as messages name it."""
        return f"{self.minimum:g} to {self.maximum:g}"


def plain(value: float) -> float:
    """Return a whole number without its decimals, so that it prints as 27 and not as 27.0."""
    return int(value) if float(value).is_integer() else value


def read_name(table: TomlTable, key: str = "name") -> str:
    """Return a name that is fit to be an id."""
    name = table.text(key)
    if name and not NAME.fullmatch(name):
        table.note(key, NAME_RULE)
    return name


def read_items(table: TomlTable) -> ItemSet:
    """Return what the table ``[items]`` says; only ``count = 0`` may stand alone."""
    n_items = table.whole("count")
    if not 0 <= n_items <= _MOST:
        table.note("count", f"must be 0 (only totals are known) or more, at most {_MOST}.")
    needed = None if n_items else 0
    none_needed = None if n_items else ()
    minimum, maximum = table.whole("minimum", default=needed), table.whole("maximum", default=needed)
    items = ItemSet(
        n_items=n_items,
        minimum=minimum,
        maximum=maximum,
        ranges=tuple(_read_item_range(row) for row in table.tables("range")),
        reverse=table.wholes("reverse", default=none_needed),
        safety=table.wholes("safety", default=none_needed),
        safety_at_least=table.whole("safety_at_least", default=minimum + 1),
        is_sound=table.is_sound(),
    )
    table.finish()
    if items.is_sound:
        _check_items(table, items)
    return replace(items, is_sound=table.is_sound())


def _read_item_range(table: TomlTable) -> ItemRange:
    found = ItemRange(table.wholes("items"), table.wholes("values"))
    if table.is_sound() and not found.items:
        table.note("items", "must name at least one item.")
    if table.is_sound() and (len(found.values) < 2 or list(found.values) != sorted(found.values)):
        table.note("values", "must list at least two answers, ascending.")
    table.finish()
    return found


def _check_items(table: TomlTable, items: ItemSet) -> None:
    if items.n_items and not 0 < items.maximum - items.minimum <= _MOST:
        table.note("maximum", f"must be above the minimum of an item, by at most {_MOST}.")
    with_range = [number for found in items.ranges for number in found.items]
    for key, numbers in (("reverse", items.reverse), ("safety", items.safety), ("range", tuple(with_range))):
        if any(not 1 <= number <= items.n_items for number in numbers):
            table.note(key, f"names an item outside 1 to {items.n_items}.")
    if len(set(with_range)) < len(with_range):
        table.note("range", "names an item twice.")
    for found in items.ranges:
        turned = sorted(found.values[0] + found.values[-1] - value for value in found.values)
        if set(found.items) & set(items.reverse) and turned != list(found.values):
            table.note("range", "the answers of a reversed item must lie evenly, or reversing makes illegal ones.")


def read_scoring(table: TomlTable, items: ItemSet, versions: tuple[str, ...] = ()) -> Scoring:
    """Return what ``[scoring]`` says; without it the items are added, or there are none to add."""
    kind = table.choice("kind", SCORING_KINDS, default="sum" if items.n_items else "none")
    factor = table.number("factor", default=1.0)
    domains = table.lists_of_wholes("domains")
    step = table.number("step", default=factor if kind in ("sum", "domains") else 0.0)
    alternatives = table.lists_of_wholes("alternatives")
    blanks = _read_blanks(table.tables("blank"), items)
    omissions = _read_omissions(table.tables("omission"), items, versions)
    table.finish()
    if table.is_sound():
        if factor <= 0.0:
            table.note("factor", "must be above 0.")
        if step < 0.0:
            table.note("step", "must be above 0, or 0 where totals are continuous.")
        if kind != "none" and not items.n_items:
            table.note("kind", "must be 'none' where there are no items.")
        if bool(domains) != (kind == "domains"):
            table.note("domains", "belong to the kind 'domains', and to no other.")
        if items.is_sound and domains and sorted(sum(domains, ())) != list(range(1, items.n_items + 1)):
            table.note("domains", f"must hold each of the items 1 to {items.n_items} once.")
        if kind in ("sum", "domains") and step > 0.0 and not _is_multiple(factor, step):
            table.note("step", "must go into the factor without remainder.")
        _check_alternatives(table, alternatives, domains)
        if blanks and kind == "none":
            table.note("blank", "says what a blank adds to a total, and these items are never added.")
        if omissions and kind != "sum":
            table.note("omission", "only a sum can leave out items that are not asked.")
    return Scoring(kind, factor, domains, step, alternatives, blanks, omissions) if table.is_sound() else Scoring()


def _check_alternatives(
    table: TomlTable, alternatives: tuple[tuple[int, ...], ...], domains: tuple[tuple[int, ...], ...]
) -> None:
    numbers = [number for group in alternatives for number in group]
    if any(len(group) < 2 for group in alternatives) or len(set(numbers)) < len(numbers):
        table.note("alternatives", "must be groups of two items or more, each item in one of them.")
    if any(not any(set(group) <= set(domain) for domain in domains) for group in alternatives):
        table.note("alternatives", "must each lie in one of the domains, whose largest answer counts.")


def _read_blanks(rows: tuple[TomlTable, ...], items: ItemSet) -> tuple[LegalBlank, ...]:
    """Return which items may be blank after which answers."""
    found: list[LegalBlank] = []
    for row in rows:
        numbers, counts_as = row.wholes("items"), row.whole("counts_as")
        given = row.wholes_by_name("when")
        row.finish()
        if not numbers:
            row.note("items", "must name at least one item.")
        if not given or any(not name.isdecimal() for name, _ in given):
            row.note("when", "must say after which answers: item = answer, for example { 1 = 0 }.")
        if not row.is_sound():
            continue
        when = tuple((int(name), answer) for name, answer in given)
        if items.is_sound:
            _check_blank(row, items, numbers, counts_as, when)
        found.append(LegalBlank(numbers, counts_as, when))
    return tuple(found)


def _check_blank(
    row: TomlTable, items: ItemSet, numbers: tuple[int, ...], counts_as: int, when: tuple[tuple[int, int], ...]
) -> None:
    asked = [number for number, _ in when]
    if any(not 1 <= number <= items.n_items for number in (*numbers, *asked)):
        row.note("items", f"it names an item outside 1 to {items.n_items}.")
        return
    if set(numbers) & set(asked):
        row.note("items", "an item cannot be blank after its own answer.")
    if set(numbers) & set(items.safety):
        row.note("items", "a blank is no answer to an item about suicide or self-harm.")
    if any(counts_as not in items.answers(number) for number in numbers):
        row.note("counts_as", "must be an answer that each of the items has.")
    if any(answer not in items.answers(number) for number, answer in when):
        row.note("when", "must name answers that the items have.")


def _read_omissions(rows: tuple[TomlTable, ...], items: ItemSet, versions: tuple[str, ...]) -> tuple[Omission, ...]:
    """Return which versions do not ask which items."""
    found: list[Omission] = []
    for row in rows:
        version, numbers, source = row.text("version"), row.wholes("items"), row.text("source")
        row.finish()
        if version and version not in versions[1:]:
            row.note("version", "must be one of the versions, and not the first, which is meant where none is named.")
        if version in {omission.version for omission in found}:
            row.note("version", "stands twice.")
        if not 0 < len(numbers) < max(items.n_items, 2):
            row.note("items", "must name at least one item, and not all of them.")
        elif items.is_sound and any(not 1 <= number <= items.n_items for number in numbers):
            row.note("items", f"names an item outside 1 to {items.n_items}.")
        elif items.is_sound and any(items.answers(number)[0] or number in items.reverse for number in numbers):
            row.note("items", "an item whose answers begin above 0, or that is reversed, cannot be left out of a sum.")
        if row.is_sound():
            found.append(Omission(version, numbers, source))
    return tuple(found)


def _is_multiple(value: float, step: float) -> bool:
    return math.isclose(value / step, round(value / step), abs_tol=1e-6)


def is_possible_total(scale: Scale, value: float) -> bool:
    """Whether a total may take this value: inside the range and on a step."""
    inside = scale.minimum <= value <= scale.maximum
    return inside and (scale.scoring.step == 0.0 or _is_multiple(value - scale.minimum, scale.scoring.step))


def total_range(items: ItemSet, scoring: Scoring) -> tuple[float, float]:
    """Return the lowest and highest total that items and scoring allow.

    Reversing an item maps its range onto itself, so the range of the total does not depend on the reverse keys.
    """
    numbers = range(1, items.n_items + 1)
    groups = scoring.domains if scoring.kind == "domains" else tuple((number,) for number in numbers)
    lowest = sum(max(items.answers(number)[0] for number in group) for group in groups)
    highest = sum(max(items.answers(number)[-1] for number in group) for group in groups)
    divisor = items.n_items if scoring.kind == "mean" else 1
    return scoring.factor * lowest / divisor, scoring.factor * highest / divisor


def check_total(table: TomlTable, scale: Scale, use: str) -> None:
    """Note where the stated range of the total does not follow from the items, or should not be there."""
    kind = scale.scoring.kind
    if not scale.has_total:
        if kind != "none":
            table.note("minimum", "the range of the total is missing; only a scale that is never added has none.")
        return
    if use == "categories":
        table.note("minimum", "categories have no total, so leave its range out.")
    elif kind == "none" and scale.maximum <= scale.minimum:
        table.note("maximum", "must be above the minimum.")
    elif kind != "none" and scale.items.is_sound:
        stated = (scale.minimum, scale.maximum)
        for key, found, given in zip(
            ("minimum", "maximum"), total_range(scale.items, scale.scoring), stated, strict=True
        ):
            if not math.isclose(found, given, abs_tol=1e-9):
                table.note(key, f"the items and their scoring give {found:g}.")


def read_metrics(rows: tuple[TomlTable, ...], scale: Scale) -> tuple[Metric, ...]:
    """Return the metrics of a total; the first must be the scale's own."""
    found: list[Metric] = []
    for row in rows:
        name = read_name(row)
        factor, offset = row.number("factor"), row.number("offset")
        minimum, maximum = row.number("minimum"), row.number("maximum")
        row.finish()
        if not row.is_sound():
            continue
        if factor == 0.0:
            row.note("factor", "must not be 0.")
            continue
        metric = Metric(name, factor, offset, plain(minimum), plain(maximum))
        if any(earlier.name == name for earlier in found):
            row.note("name", f"{name!r} is a metric already.")
        if scale.is_sound:
            _check_metric(row, metric, scale, is_first=not found)
        found.append(metric)
    return tuple(found)


def _check_metric(row: TomlTable, metric: Metric, scale: Scale, *, is_first: bool) -> None:
    if not scale.has_total:
        row.note("name", "a scale without a total has no metric.")
        return
    if metric.maximum <= metric.minimum:
        row.note("maximum", "must be above the minimum.")
    if is_first and (metric.factor, metric.offset) != (1.0, 0.0):
        row.note("factor", "the first metric is the scale's own: factor 1, offset 0.")
    ends = sorted(metric.factor * end + metric.offset for end in (metric.minimum, metric.maximum))
    if is_first and (metric.minimum, metric.maximum) != (scale.minimum, scale.maximum):
        row.note("minimum", f"the first metric has the range of the total, {scale.range_text}.")
    elif ends[0] < scale.minimum - 1e-9 or ends[1] > scale.maximum + 1e-9:
        row.note("minimum", f"its range becomes {ends[0]:g} to {ends[1]:g}, outside {scale.range_text}.")


def read_prorating(rows: tuple[TomlTable, ...], scale: Scale) -> tuple[ProratingRule, ...]:
    """Return the prorating rules of a scale."""
    found: list[ProratingRule] = []
    for row in rows:
        name, most_missing = read_name(row), row.whole("most_missing")
        rounding, source = row.choice("rounding", ROUNDINGS), row.text("source")
        row.finish()
        if not row.is_sound():
            continue
        if any(earlier.name == name for earlier in found):
            row.note("name", f"{name!r} is a rule already.")
        if scale.is_sound:
            _check_prorating(row, most_missing, scale)
        try:
            found.append(ProratingRule(name, most_missing, rounding, source))
        except OptionError as error:
            row.note("most_missing", str(error))
    return tuple(found)


def _check_prorating(row: TomlTable, most_missing: int, scale: Scale) -> None:
    if scale.scoring.kind not in ("sum", "mean"):
        row.note("name", "only sums and means can be prorated.")
    if scale.scoring.omissions:
        row.note("name", "a scale of which a version leaves out items cannot be prorated: no rule says both at once.")
    if scale.items.ranges:
        row.note("name", "items with different ranges cannot be prorated: one item's mean says nothing of another's.")
    if not 1 <= most_missing < scale.items.n_items:
        row.note("most_missing", f"must lie between 1 and {scale.items.n_items - 1}.")
