"""The `[[file.score]]` sections: scores that stand in columns of their own, for each visit if there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.readers.mapped_tables.sections import ITEM, VISIT, ScoreSection
from katoutcomes.registry.tables import SESSIONS, TableSchema

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.instruments.toml_table import TomlTable


def read_scores(table: TomlTable, schema: TableSchema | None, targets: tuple[str, ...]) -> tuple[ScoreSection, ...]:
    """Return the scores of a `[[file]]` section, one a visit where visits are given.

    Parameters
    ----------
    table : TomlTable
        The section.
    schema : TableSchema or None
        The table that its rows make records of.
    targets : tuple of str
        Columns of the schema that columns of the file fill.
    """
    found: list[ScoreSection] = []
    for score in table.tables("score"):
        found += _score(score, schema, targets)
        score.finish()
    return tuple(found)


def _score(score: TomlTable, schema: TableSchema | None, targets: tuple[str, ...]) -> list[ScoreSection]:
    scale = _instrument(score)
    total = score.text("total", default="")
    items = _items(score, scale)
    if not total and not items:
        score.note("total", "is missing, and so are items; one of the two is needed.")
    values = score.table("item_values", is_required=False)
    moment = tuple((key, score.text(key)) for key in ("date", "day", "time") if score.has(key))
    visits = _visits(score)
    section = ScoreSection(
        instrument="" if scale is None else scale.id,
        version=score.text("version", default=""),
        metric=score.text("metric", default=""),
        total=total,
        items=items,
        item_values={code: values.text(code, may_be_empty=True) for code in values.names()},
        moment=moment,
        visit_day="",
        belongs_to_session=schema is SESSIONS and getattr(scale, "use", "outcome") == "session_state",
    )
    _note_moments(score, moment, visits, schema, targets)
    if not visits:
        _note_stray_visit(score, section)
        return [section]
    return [_of_visit(section, visit, day) for visit, day in visits]


def _instrument(score: TomlTable) -> Instrument | None:
    name = score.text("instrument")
    problem = ""
    try:
        return instrument(name) if name else None
    except OptionError as error:
        problem = str(error)
    score.note("instrument", problem)
    return None


def _items(score: TomlTable, scale: Instrument | None) -> tuple[str, ...]:
    """Return the columns of the items: a list, or a pattern with {item} for the number."""
    if not score.has("items"):
        return ()
    if score.holds_list("items"):
        items = score.texts("items")
    else:
        pattern = score.text("items")
        if ITEM not in pattern:
            score.note("items", f"must be a list of columns, or a pattern that holds {ITEM}.")
        n_items = 0 if scale is None else scale.n_items
        items = tuple(pattern.replace(ITEM, str(number)) for number in range(1, n_items + 1))
    if scale is not None and len(items) != scale.n_items:
        score.note("items", f"{scale.name} has {scale.n_items} items; here are {len(items)}.")
    return items


def _visits(score: TomlTable) -> list[tuple[str, str]]:
    """Return each visit and its fixed day, "" where it has none."""
    visits = [(visit, "") for visit in score.texts("visits", default=())]
    days = score.table("visit_days", is_required=False)
    if visits and days.names():
        score.note("visits", "are given twice, by name and with days.")
    return visits or [(visit, str(days.whole(visit))) for visit in days.names()]


def _of_visit(section: ScoreSection, visit: str, day: str) -> ScoreSection:
    return ScoreSection(
        instrument=section.instrument,
        version=section.version,
        metric=section.metric,
        total=section.total.replace(VISIT, visit),
        items=tuple(item.replace(VISIT, visit) for item in section.items),
        item_values=section.item_values,
        moment=tuple((key, column.replace(VISIT, visit)) for key, column in section.moment),
        visit_day=day,
        belongs_to_session=section.belongs_to_session,
    )


def _note_moments(
    score: TomlTable,
    moment: tuple[tuple[str, str], ...],
    visits: list[tuple[str, str]],
    schema: TableSchema | None,
    targets: tuple[str, ...],
) -> None:
    """Note a score that nothing gives a day, or two things: its own column, its visit, its row."""
    own = [key for key, _ in moment if key in ("date", "day")]
    fixed = bool(visits) and all(day for _, day in visits)
    of_row = schema is None or schema.has_days
    ways = len(own) + fixed
    if ways > 1:
        score.note("date", "is said in two ways; give one of date, day and visit_days.")
    if ways == 0 and not (of_row and {"date", "day"} & set(targets)):
        score.note("date", "is missing: nothing says on which day the score was taken.")


def _note_stray_visit(score: TomlTable, section: ScoreSection) -> None:
    if any(VISIT in column for column in section.columns()):
        score.note("visits", f"is missing, but a column name holds {VISIT}.")
