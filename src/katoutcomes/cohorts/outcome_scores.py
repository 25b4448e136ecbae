"""Which rows are the scores of an instrument: its own, and for a sub-scale also the items of the whole scale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.course_variables import as_floats
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.instruments.scoring import score_items

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.instruments.instrument import Instrument

_SCORES = "scores"
"""The registry's table."""


@contextmanager
def scores_table(tables: CohortTables, instrument: Instrument) -> Iterator[str]:
    """Lend the table that holds the scores of an instrument: the registry's, or one made for a sub-scale till the end.

    A sub-scale is scored from the items of the whole scale on every day on which these are complete and no row of its
    own is there. The items are added by `score_items`, the same as everywhere.
    """
    made = _of_items(tables, instrument) if instrument.subscale_of else None
    try:
        yield made or _SCORES
    finally:
        if made is not None:
            tables.engine.drop(made)


def _of_items(tables: CohortTables, instrument: Instrument) -> str | None:
    """Make the table of a sub-scale; none where the registry has no items of the whole scale."""
    parent = instrument_called(instrument.subscale_of)
    names = [f"item_{number}" for number in instrument.item_numbers]
    if not names or not set(names) <= set(tables.engine.columns(_SCORES)):
        return None
    own = tables.fetch("22_score_rows", instrument=instrument.id)
    items = tables.fetch("23_item_rows", instrument=parent.id)
    answers = np.column_stack([as_floats(items[name]) for name in names])
    totals = score_items(instrument, answers).totals
    complete = np.asarray(~np.isnan(totals), dtype=np.bool_)
    rows = [
        (own, np.ones(len(own["patient"]), dtype=bool), as_floats(own["total"])),
        (items, complete, totals[complete]),
    ]
    name = tables.name(f"{instrument.id}_rows")
    tables.engine.materialize_arrays(name, _joined(rows))
    made = tables.make(f"{instrument.id}_scores_of_items", "24_subscale_scores", rows=name, instrument=instrument.id)
    tables.engine.drop(name)
    return made


def _joined(
    sources: list[tuple[dict[str, NDArray[Any]], NDArray[np.bool_], NDArray[np.float64]]],
) -> dict[str, NDArray[Any]]:
    """Return the rows of both sources, one under the other; `source` is 0 for rows of the sub-scale's own."""
    minutes = [np.ma.asarray(rows["minute"])[kept] for rows, kept, _ in sources]
    numbers = [np.full(int(kept.sum()), source, dtype=np.int64) for source, (_, kept, _) in enumerate(sources)]
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([np.ma.getdata(rows[name])[kept].astype(np.int64) for rows, kept, _ in sources])
        for name in ("patient", "day")
    }
    known = np.concatenate([~np.ma.getmaskarray(part) for part in minutes])
    columns["minute"] = np.concatenate([np.ma.getdata(part).astype(np.int64) for part in minutes])
    columns["has_minute"] = known.astype(np.int64)
    columns["total"] = np.concatenate([totals for _, _, totals in sources])
    columns["source"] = np.concatenate(numbers)
    return columns
