"""The load stage: text becomes values, dates become day numbers, instrument names become ids of the catalog.

The SQL is put together here from the schema, because which item and covariate columns there are depends on the input.
It holds names of columns only; values that come from the data are handed over as arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.cells import cell_value
from katoutcomes.registry.rules import age_band
from katoutcomes.registry.tables import SCORES, Column, TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.engine import Engine

_ORIGIN = "date '1970-01-01'"
_KNOWN_SCORES = (
    "select t.*, n.instrument_id, s.* exclude (instrument_id), v.version as listed_version from text_scores as t "
    "left join catalog_names as n on t.instrument = n.name "
    "left join catalog_scales as s on n.instrument_id = s.instrument_id "
    "left join catalog_versions as v on n.instrument_id = v.instrument_id and t.version = v.version"
)
_CATALOG_NUMBERS = ("n_items", "item_minimum", "item_maximum", "minimum", "maximum")


def materialize_typed(engine: Engine, schema: TableSchema, families: tuple[Column, ...]) -> None:
    """Make ``typed_<table>`` from ``text_<table>``: a value where the text passes its checks, NULL elsewhere."""
    plain = [column for column in (*schema.columns, *families) if column.kind not in ("day", "date", "time")]
    values = {column.name: cell_value(column) for column in plain}
    if "age_band" in values:
        values["age_band"] = f"coalesce(age_band, {age_band(values['age_years'])})"
    values |= _moment_values(schema)
    relation = f"text_{schema.name}"
    item_numbers: tuple[int, ...] = ()
    if schema is SCORES:
        item_numbers = tuple(int(column.name.removeprefix("item_")) for column in families)
        _materialize_catalog(engine, item_numbers)
        values |= _score_values(values.pop("total"), item_numbers)
        relation = f"({_KNOWN_SCORES}) as known"
    cells = ", ".join(f"{value} as {name}" for name, value in values.items())
    query = f"select input_row, {cells} from {relation}"
    engine.materialize(f"typed_{schema.name}", _with_totals(query, item_numbers) if schema is SCORES else query)


def _moment_values(schema: TableSchema) -> dict[str, str]:
    """Return the expressions that say when: days since an origin, the calendar quarter, the minute of the day."""
    columns = {column.kind: column for column in schema.columns}
    values = {}
    if "date" in columns:
        date = cell_value(columns["date"])
        from_date = f"cast({date} - {_ORIGIN} as integer)"
        values["day_number"] = f"coalesce({cell_value(columns['day'])}, {from_date})"
        values["quarter_number"] = f"cast(4 * year({date}) + quarter({date}) - 1 as integer)"
    if "time" in columns:
        values["minute_of_day"] = cell_value(columns["time"])
    return values


def _score_values(total: str, item_numbers: tuple[int, ...]) -> dict[str, str]:
    """Return the expressions of what a score is held against, given that of its total."""
    filled = [f"case when item_{number} is null then 0 else 1 end" for number in item_numbers]
    beyond = [f"case when {n} > n_items and item_{n} is not null then 1 else 0 end" for n in item_numbers]
    return {
        "instrument": "instrument_id",
        "version": "coalesce(version, default_version)",
        "is_named": "instrument is not null",
        "is_version_known": "version is null or instrument_id is null or listed_version is not null",
        "has_total": "total is not null",
        "total_given": total,
        "n_items_filled": " + ".join(filled) or "0",
        "n_items_beyond": " + ".join(beyond) or "0",
        **{name: name for name in (*_CATALOG_NUMBERS, *(f"reverse_{number}" for number in item_numbers))},
    }


def _with_totals(query: str, item_numbers: tuple[int, ...]) -> str:
    """Add to a query of typed scores the total of the items, and the total: that of the items, or else the given one.

    The items' total is NULL unless every item of the instrument is there.
    """
    parts = []
    n_items = 0  # the items 1, 2, … up to the first that has no column
    while n_items + 1 in item_numbers:
        n_items += 1
        item = f"cast(item_{n_items} as bigint)"  # a nonsense item must not overflow the sum
        keyed = f"case when reverse_{n_items} = 1 then item_minimum + item_maximum - {item} else {item} end"
        parts.append(f"case when {n_items} <= n_items then {keyed} else 0 end")
    total = f"case when n_items between 1 and {n_items} then {' + '.join(parts) or '0'} end"
    return (
        "select *, n_items_filled - n_items_beyond as n_items_given, coalesce(total_of_items, total_given) as total "
        f"from (select *, {total} as total_of_items from ({query}) as typed) as summed"
    )


def _materialize_catalog(engine: Engine, item_numbers: tuple[int, ...]) -> None:
    """Make the tables that say which instrument a name in the data means, and what its scores may be."""
    import numpy as np

    names = engine.fetch("select distinct instrument from text_scores where instrument is not null order by 1")
    meant: dict[str, Instrument] = {}
    for name in names["instrument"]:
        try:
            meant[str(name)] = instrument(str(name))
        except OptionError:
            continue  # the rows are counted under the rule instrument_known; the message may repeat the name
    scales = tuple({found.id: found for found in meant.values()}.values())
    versions = [(scale.id, version) for scale in scales for version in scale.versions]
    engine.materialize_arrays(
        "catalog_names",
        {"name": _texts(list(meant)), "instrument_id": _texts([found.id for found in meant.values()])},
    )
    engine.materialize_arrays(
        "catalog_versions",
        {"instrument_id": _texts([scale for scale, _ in versions]), "version": _texts([name for _, name in versions])},
    )
    numbers = {name: np.array([getattr(scale, name) for scale in scales], dtype=np.int32) for name in _CATALOG_NUMBERS}
    for number in item_numbers:
        numbers[f"reverse_{number}"] = np.array([number in scale.reverse_items for scale in scales], dtype=np.int32)
    defaults = _texts([scale.versions[0] if scale.versions else "" for scale in scales])
    ids = _texts([scale.id for scale in scales])
    engine.materialize_arrays("catalog_input", {"instrument_id": ids, "named_version": defaults, **numbers})
    engine.materialize("catalog_scales", "select *, nullif(named_version, '') as default_version from catalog_input")


def _texts(values: list[str]) -> NDArray[Any]:
    import numpy as np

    return np.array(values, dtype=object)
