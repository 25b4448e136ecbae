"""The cells that a score is made of, as SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.packed_items import packed_items

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.instruments.item_arithmetic import ProratingRule
    from katoutcomes.registry.checking.packed_items import PackedItems


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """The cells that a score is made of, as SQL.

    Attributes
    ----------
    scales : tuple of Instrument
        The scales that the data name; scale ``k`` of the engine is ``scales[k - 1]``.
    items : mapping of int to str
        Value of each item that has a column, by its number; unknown where the cell is empty or wrong.
    item_is_filled : mapping of int to str
        Whether the cell of an item is filled, rightly or wrongly.
    total : str
        Value of the given total.
    prorating : mapping of str to str
        Id of a scale to the name of the rule for missing items that was asked for.
    has_whole_totals : bool
        Whether the given totals came as whole numbers, so that one that agrees with its items is the same number.
    only : Instrument or None
        Where the scale is known already: expressions are for it alone, without a case.
    """

    scales: tuple[Instrument, ...]
    items: Mapping[int, str]
    item_is_filled: Mapping[int, str]
    total: str
    prorating: Mapping[str, str] = field(default_factory=dict)
    has_whole_totals: bool = False
    only: Instrument | None = None

    def by_scale(self, of_scale: Callable[[Instrument], str], otherwise: str = "null") -> str:
        """Return a case over the scales; rows of no known scale get `otherwise`."""
        if self.only is not None:
            return of_scale(self.only)
        cases = [(number, of_scale(scale)) for number, scale in enumerate(self.scales, start=1)]
        listed = " ".join(f"when {number} then {text}" for number, text in cases if text != otherwise)
        return f"case scale {listed} else {otherwise} end" if listed else otherwise

    @property
    def item_type(self) -> str:
        """The smallest type that holds every answer."""
        answers = [scale.legal_answers(item) for scale in self.scales for item in range(1, scale.n_items + 1)]
        return "tinyint" if all(legal[0] >= -128 and legal[-1] <= 127 for legal in answers) else "smallint"

    @property
    def packed(self) -> PackedItems:
        """How the answers are kept."""
        packed = packed_items(self.scales)
        return replace(packed, n_items=min(packed.n_items, max(self.items, default=0)))

    def rule(self, scale: Instrument) -> ProratingRule | None:
        """Return the rule for missing items that applies to a scale."""
        return scale.prorating_rule(self.prorating[scale.id]) if scale.id in self.prorating else None


def quoted(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def blanks_of(columns: ScoreColumns, scale: Instrument, number: int) -> list[tuple[str, int]]:
    """Return when an item may be blank, as SQL that is true there, each with the answer that a blank stands for."""
    skipped = [
        (" and ".join(f"{columns.items[asked]} = {answer}" for asked, answer in blank.when), blank.counts_as)
        for blank in scale.scoring.blanks
        if number in blank.items and all(asked in columns.items for asked, _ in blank.when)
    ]
    not_asked = [
        (f"version = {quoted(omission.version)}", 0) for omission in scale.scoring.omissions if number in omission.items
    ]
    return skipped + not_asked
