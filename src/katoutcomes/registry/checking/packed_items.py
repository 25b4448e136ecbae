"""The answers of a score as the digits of one whole number, or of a few: less to write, to keep and to digest.

An answer that is not there is the digit 0, and the digit of an item has its place by the item's number alone, so that a
file without a column and one that leaves it empty give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.engines.engine import Engine

_LARGEST_WORD = 2**62
_LARGEST_INTEGER = 2**31
_NOTE = "packed_items"


@dataclass(frozen=True, slots=True)
class PackedItems:
    """How answers lie in the columns ``items_1``, ``items_2`` and so on.

    Attributes
    ----------
    lowest, highest : int
        Of all legal answers.
    n_items : int
        The largest number of an item.
    """

    lowest: int
    highest: int
    n_items: int

    @property
    def base(self) -> int:
        """How many digits there are: the answers, and 0 for none."""
        return self.highest - self.lowest + 2

    @property
    def n_digits(self) -> int:
        """How many items a word holds."""
        n_digits = 1
        while self.base ** (n_digits + 1) < _LARGEST_WORD:
            n_digits += 1
        return n_digits

    @property
    def words(self) -> tuple[str, ...]:
        """The names of the words."""
        return tuple(f"items_{place}" for place in range(1, -(-self.n_items // self.n_digits) + 1))

    def largest(self, word: str) -> int:
        """Return the largest number that a word can be."""
        return int(self.base ** len(self._numbers(word))) - 1

    def word(self, word: str, values: Mapping[int, str]) -> str:
        """Return the SQL of a word from that of its items by number; one that is not legal counts as none."""
        kind = "integer" if self.largest(word) < _LARGEST_INTEGER else "bigint"
        digits = []
        for place, number in enumerate(self._numbers(word)):
            if number in values:
                digit = f"cast({values[number]} as {kind}) - {self.lowest - 1}"
                legal = f"{values[number]} between {self.lowest} and {self.highest}"
                digits.append(f"case when {legal} then {digit} else 0 end * {self.base**place}")
        return f"cast({' + '.join(digits) or '0'} as {kind})"

    def item(self, number: int, kind: str) -> str:
        """Return the SQL of an item of a word, unknown where there is no answer."""
        if number > self.n_items:
            return f"cast(null as {kind})"
        place, digit = divmod(number - 1, self.n_digits)
        digits = f"items_{place + 1} // {self.base**digit} % {self.base}"
        return f"cast(nullif({digits}, 0) + {self.lowest - 1} as {kind})"

    def _numbers(self, word: str) -> range:
        first = (int(word.removeprefix("items_")) - 1) * self.n_digits + 1
        return range(first, min(first + self.n_digits, self.n_items + 1))


def packed_items(scales: Iterable[Instrument]) -> PackedItems:
    """Return how the answers of some scales lie in words; it follows from the scales alone.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> items = packed_items([instrument("PHQ-9"), instrument("GAD-7")])
    >>> items.base, items.words, items.largest("items_1") == 5**9 - 1
    (5, ('items_1',), True)
    """
    answers = [scale.legal_answers(number) for scale in scales for number in range(1, scale.n_items + 1)]
    return PackedItems(
        lowest=min((legal[0] for legal in answers), default=0),
        highest=max((legal[-1] for legal in answers), default=0),
        n_items=max((scale.n_items for scale in scales), default=0),
    )


@dataclass(frozen=True, slots=True)
class KeptItems:
    """How the items of an engine's scores are kept, and the scales that the data name.

    Attributes
    ----------
    packed : PackedItems
        How they are kept.
    scales : tuple of Instrument
        The scales; of some every row may have been rejected.
    """

    packed: PackedItems = PackedItems(0, 0, 0)
    scales: tuple[Instrument, ...] = ()


def note_items(engine: Engine, kept: KeptItems) -> None:
    """Note in the engine how the items of its scores are kept."""
    engine.notes[_NOTE] = kept


def kept_items(engine: Engine) -> KeptItems:
    """Return how the items of the scores of an engine are kept; without a note there are none."""
    noted = engine.notes.get(_NOTE)
    return noted if isinstance(noted, KeptItems) else KeptItems()
