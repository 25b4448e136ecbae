"""Rows of the CDM as forms and sessions: concepts are looked up in the clinic's own table of concepts, by code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.coded.forms import Answer, Form, Moment
from katoutcomes.registry.readers.coded.patient_columns import texts
from katoutcomes.registry.readers.coded.scale_codes import Code
from katoutcomes.registry.readers.coded.sessions import Session, plain
from katoutcomes.registry.readers.omop.cdm_tables import LETTERS, CdmTable
from katoutcomes.registry.readers.omop.sections import OmopMapping, SessionRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(:[0-9]{2}([.][0-9]+)?)?.*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.][0-9]{1,15})?")
_ROLES = {"procedure_occurrence": "event", "drug_exposure": "dose", "visit_occurrence": "visit"}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the rows of one table became.

    Attributes
    ----------
    file : int
        Its position among the files.
    forms : list of Form
        What rows say about scales.
    sessions : list of Session
        What rows say about sessions.
    left_out : dict of (str, str) to array of int64
        Rule, and the refused code where there is one, to the rows without a record.
    """

    file: int
    forms: list[Form] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    left_out: dict[tuple[str, str], NDArray[Any]] = field(default_factory=dict)


def materialize_concepts(engine: Engine, name: str, codes: Sequence[Code]) -> None:
    """Make a table of concept ids and the places of their codes in a list.

    Parameters
    ----------
    engine : Engine
        Holds ``omop_concept``.
    name : str
        Name of the table: ``concept``, ``place``.
    codes : sequence of (str, str)
        Vocabulary and code; each once.
    """
    import numpy as np

    arrays = {
        "vocabulary": np.array([vocabulary for vocabulary, _ in codes], dtype=object),
        "code": np.array([code for _, code in codes], dtype=object),
        "place": np.arange(len(codes), dtype=np.int64),
    }
    engine.materialize_arrays("omop_codes", arrays)
    engine.materialize(
        name,
        "select c.concept, min(k.place) as place from omop_concept as c "
        "inner join omop_codes as k on c.vocabulary = k.vocabulary and c.code = k.code group by c.concept",
    )
    engine.drop("omop_codes")


def _joined(table: CdmTable, concepts: str) -> str:
    """Return the SQL of a table with the place of its code: that of its concept, or else of its source concept."""
    return (
        f"(select t.*, coalesce(s.place, o.place) as place from omop_{table.name} as t "
        f"left join {concepts} as s on t.concept = s.concept left join {concepts} as o on t.source_concept = o.concept)"
    )


def read_scores(engine: Engine, table: CdmTable, file: int, mapping: OmopMapping) -> Found:
    """Return what the rows of `measurement` or `observation` say about scales.

    Parameters
    ----------
    engine : Engine
        Holds the table and ``omop_concept``.
    table : CdmTable
        Which of the two.
    file : int
        Its position among the files.
    mapping : OmopMapping
        What codes mean.
    """
    codes = tuple(mapping.scales.parts)
    materialize_concepts(engine, "omop_scales", codes)
    refused = tuple(code for code in mapping.scales.refused if code not in mapping.scales.parts)
    materialize_concepts(engine, "omop_refused", refused)
    engine.materialize("omop_rows", f"select * from {_joined(table, 'omop_scales')} as t")
    found = Found(file)
    has_value = "(number is not null or coalesce(value_concept, '0') <> '0')"
    _leave_out(engine, found, "no_value", f"omop_rows where place is not null and not {has_value}")
    _leave_out_refused(engine, found, refused)
    operator = "operator" if "operator" in table.columns else "cast(null as varchar)"
    rows = engine.fetch(
        f"select t.input_row, t.id, t.person, t.date, t.moment, t.visit, t.number, t.place, a.vocabulary, a.code, "
        f"case when coalesce({operator}, '0') not in ('0') and coalesce(p.title, '') <> '=' then '1' end as compared "
        "from omop_rows as t left join omop_concept as a on t.value_concept = a.concept and t.value_concept <> '0' "
        f"left join omop_concept as p on {operator} = p.concept "
        f"where place is not null and {has_value} order by t.input_row"
    )
    found.forms.extend(_form(row, table, file, codes, mapping) for row in _rows(rows))
    engine.drop("omop_rows", "omop_scales", "omop_refused")
    return found


def _form(row: Mapping[str, Any], table: CdmTable, file: int, codes: Sequence[Code], mapping: OmopMapping) -> Form:
    meanings = mapping.scales.parts[codes[row["place"]]]
    parts = tuple(meaning for meaning in meanings if meaning.part != "panel")
    coded: tuple[Code, ...] = ()
    if row["number"] is None:
        coded = ((row["vocabulary"] or "", row["code"] or ""),)
    answer = Answer(parts, row["number"], coded, problem="comparator" if row["compared"] else "")
    return Form(
        kind=LETTERS[table.name],
        id=row["id"] or f"row {row['input_row']}",
        patient=row["person"],
        moment=moment_of(row["date"], row["moment"]),
        answers=(answer,) if parts else (),
        is_copy=table.name == "observation",
        encounter=row["visit"] or "",
        line=(file, row["input_row"]),
    )


def _leave_out(engine: Engine, found: Found, rule: str, origin: str, code: str = "") -> None:
    rows = engine.fetch(f"select distinct input_row from {origin} order by input_row")["input_row"]
    if len(rows):
        found.left_out[rule, code] = rows


def _leave_out_refused(engine: Engine, found: Found, refused: Sequence[Code]) -> None:
    """Leave out rows without a code of a scale: those with a refused code under that, one by one, and all others."""
    engine.materialize(
        "omop_others",
        "select r.input_row, coalesce(s.place, o.place) as place from omop_rows as r "
        "left join omop_refused as s on r.concept = s.concept "
        "left join omop_refused as o on r.source_concept = o.concept where r.place is null",
    )
    _leave_out(engine, found, "code", "omop_others where place is null")
    for place, (_, code) in enumerate(refused):
        _leave_out(engine, found, "refused_code", f"omop_others where place = {place}", code)
    engine.drop("omop_others")


def read_sessions(engine: Engine, table: CdmTable, file: int, mapping: OmopMapping) -> Found:
    """Return what the rows of a table of events say about sessions; see `read_scores`."""
    rules = {code: rule for (name, code), rule in mapping.sessions.items() if name == table.name}
    codes = tuple(rules)
    materialize_concepts(engine, "omop_sessions", codes)
    engine.materialize("omop_rows", f"select * from {_joined(table, 'omop_sessions')} as t")
    found = Found(file)
    _leave_out(engine, found, "code", "omop_rows where place is null")
    none = "cast(null as varchar)"
    wanted = {name: f"t.{name}" if name in table.columns else none for name in ("visit", "end_moment", "quantity")}
    route = "t.route" if "route" in table.columns else none
    rows = engine.fetch(
        f"select t.input_row, t.id, t.person, t.date, t.moment, t.place, {wanted['visit']} as visit, "
        f"{wanted['end_moment']} as end_moment, {wanted['quantity']} as quantity, {route} as route, "
        "r.vocabulary, r.code "
        f"from omop_rows as t left join omop_concept as r on {route} = r.concept "
        "where t.place is not null order by t.input_row"
    )
    found.sessions.extend(_session(row, table, file, rules[codes[row["place"]]], mapping) for row in _rows(rows))
    engine.drop("omop_rows", "omop_sessions")
    return found


def _session(row: Mapping[str, Any], table: CdmTable, file: int, rule: SessionRule, mapping: OmopMapping) -> Session:
    key = row["id"] or f"row {row['input_row']}"
    session = Session(
        role=_ROLES[table.name],
        id=f"{LETTERS[table.name]}/{key}",
        patient=row["person"],
        moment=moment_of(row["date"], row["moment"]),
        meaning=rule.meaning,
        route=rule.meaning.route or None,
        minutes=_minutes(row["moment"], row["end_moment"]),
        encounter=key if table.name == "visit_occurrence" else row["visit"] or "",
        names=(key,),
        lines=[(file, row["input_row"])],
    )
    if rule.dose == "quantity" and row["quantity"] is not None:
        is_number = _NUMBER.fullmatch(row["quantity"]) is not None
        milligrams = plain(Decimal(row["quantity"]) * rule.milligrams_per_unit) if is_number else row["quantity"]
        session.dose_mg = milligrams
    given = (row["vocabulary"] or "", row["code"] or "")
    if rule.meaning.kind == "dosing" and not session.route and mapping.routes and (row["route"] or "0") != "0":
        route = mapping.routes.get(given)
        if route is None:
            session.problems.add(("route_code", "route"))
        session.route = None if route == "unknown" else route
    return session


def moment_of(date: str | None, moment: str | None) -> Moment:
    """Return the day, and the time where there is one. Midnight is what loads write for an unknown time.

    Examples
    --------
    >>> moment_of("2026-02-03", "2026-02-03 14:30:00")
    Moment(date='2026-02-03', time='14:30', is_utc=False)
    >>> moment_of("2026-02-03", "2026-02-03 00:00:00").time is None
    True
    """
    match = _MOMENT.fullmatch(moment) if moment is not None else None
    if match is None or match[1] != date or (match[2], match[3]) == ("00", "00"):
        return Moment(date)
    return Moment(date, f"{match[2]}:{match[3]}")


def _minutes(start: str | None, end: str | None) -> int | None:
    """Return how long something lasted; None where an end has no time of its own, or is that of the beginning."""
    ends = [_MOMENT.fullmatch(moment) if moment is not None else None for moment in (start, end)]
    if any(match is None or (match[2], match[3]) == ("00", "00") for match in ends):
        return None
    days = {match[1] for match in ends if match is not None}
    clock = [60 * int(match[2]) + int(match[3]) for match in ends if match is not None]
    return (clock[1] - clock[0] or None) if len(days) == 1 else None


def _rows(columns: Mapping[str, NDArray[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a fetched query: whole numbers for rows and places, text or None for everything else."""
    lists: dict[str, Iterable[Any]] = {
        name: values.tolist() if name in ("input_row", "place") else texts(values) for name, values in columns.items()
    }
    names = tuple(lists)
    for row in zip(*lists.values(), strict=True):
        yield dict(zip(names, row, strict=True))
