"""Reading a plan strictly: every key known, every value of its kind, and a message that names the key and the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from katoutcomes.cohorts.definition import BASELINE_CHOICES, CohortDefinition
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.eligibility import OPERATORS, Criterion
from katoutcomes.estimands.visit_window import VISIT_CHOICES, VisitWindow
from katoutcomes.instruments.catalog import instrument
from katoutcomes.plans import planned_analysis as kinds
from katoutcomes.plans.gates import Gates
from katoutcomes.plans.plan import AnalysisPlan
from katoutcomes.plans.plan_text import PlanText
from katoutcomes.plans.planned_analysis import (
    ANALYSES,
    DEFINITION_SETS,
    OF_THE_COHORT,
    USUAL_ANALYSES,
    Kind,
    PlannedAnalysis,
)
from katoutcomes.registry.checking.advice import ADVICE
from katoutcomes.results.disclosure_policy import DisclosurePolicy
from katoutcomes.vocabulary import SCHEMA_VERSION

T = TypeVar("T")

_PLAN: Mapping[str, Kind] = {
    "schema_version": kinds.TEXT,
    "title": kinds.TEXT,
    "instruments": kinds.TEXTS,
    "in_full": kinds.TEXTS,
    "describe": kinds.TEXTS,
    "treatment": kinds.TEXT,
    "covariates": kinds.TEXTS,
    "use_registry_covariates": kinds.FLAG,
    "conf_level": kinds.NUMBER,
    "cohort": kinds.TABLE,
    "visits": kinds.TABLES,
    "disclosure": kinds.TABLE,
    "seed": kinds.WHOLE,
    "analyses": kinds.TABLE,
    "gates": kinds.TABLE,
}
_COHORT: Mapping[str, Kind] = {
    "name": kinds.TEXT,
    "gap_days": kinds.WHOLE,
    "require_eligibility_flags": kinds.FLAG,
    "baseline_window": kinds.TABLE,
    "criteria": kinds.TABLES,
    "baseline_choice": Kind("a text", kinds.TEXT.fits, BASELINE_CHOICES),
}
_BASELINE_WINDOW: Mapping[str, Kind] = {"first_day": kinds.WHOLE, "last_day": kinds.WHOLE}
_CRITERION: Mapping[str, Kind] = {
    "field": kinds.TEXT,
    "operator": Kind("a text", kinds.TEXT.fits, OPERATORS),
    "value": kinds.NUMBER,
    "reason": kinds.TEXT,
}
_VISIT: Mapping[str, Kind] = {
    "name": kinds.TEXT,
    "target_day": kinds.WHOLE,
    "first_day": kinds.WHOLE,
    "last_day": kinds.WHOLE,
    "anchor": kinds.TEXT,
    "choice": Kind("a text", kinds.TEXT.fits, VISIT_CHOICES),
}
_DISCLOSURE: Mapping[str, Kind] = {
    "minimum_cell": kinds.WHOLE,
    "zero_is_shown": kinds.FLAG,
    "round_to": kinds.WHOLE,
    "previous": kinds.TEXT,
}
_GATES: Mapping[str, Kind] = {
    "least_paired_completeness": kinds.NUMBER,
    "most_rejected_share": kinds.NUMBER,
    "most_rows": kinds.TABLE,
}
_OPTIONAL = frozenset(
    {
        *("in_full", "seed", "analyses", "gates", "baseline_choice", "anchor", "choice"),
        *("zero_is_shown", "round_to", "previous"),
    }
)


def plan_from_mapping(content: Mapping[str, Any], name: str, text: str = "") -> AnalysisPlan:
    """Return the plan that a TOML document describes.

    Parameters
    ----------
    content : mapping
        What ``tomllib.loads`` gives.
    name : str
        How messages call the document.
    text : str, optional
        The document itself; then messages name the line.

    Raises
    ------
    OptionError, DesignError
        If a key is unknown or missing, or a value is not one it may take.
    """
    where = PlanText(name, text)
    _require(where, "", content, _PLAN)
    if content["schema_version"] != SCHEMA_VERSION:
        raise OptionError(f"{where.place('', 'schema_version')}: schema_version must be {SCHEMA_VERSION!r}.")
    instruments = _instruments(where, "", content["instruments"])
    cohort = _cohort(where, content["cohort"], instruments)
    visits = tuple(_visit(where, one, number) for number, one in enumerate(content["visits"]))
    analyses = _analyses(where, content["analyses"], instruments) if "analyses" in content else USUAL_ANALYSES
    return _made(
        where.name,
        lambda: AnalysisPlan(
            title=content["title"],
            instruments=instruments,
            visits=visits,
            cohort=cohort,
            require_eligibility_flags=content["cohort"]["require_eligibility_flags"],
            describe=tuple(content["describe"]),
            treatment=content["treatment"],
            covariates=tuple(content["covariates"]),
            use_registry_covariates=content["use_registry_covariates"],
            conf_level=float(content["conf_level"]),
            disclosure=_disclosure(where, content["disclosure"]),
            analyses=analyses,
            seed=content.get("seed", AnalysisPlan.DEFAULT_SEED),
            gates=_gates(where, content.get("gates", {})),
            in_full=_chosen(where, "", "in_full", content, instruments),
        ),
    )


def _instruments(where: PlanText, table: str, names: Iterable[str], key: str = "instruments") -> tuple[str, ...]:
    return tuple(_made(where.place(table, key), partial(instrument, name)).name for name in names)


def _chosen(
    where: PlanText, table: str, key: str, content: Mapping[str, Any], instruments: tuple[str, ...]
) -> tuple[str, ...]:
    """Return some of the instruments of the plan."""
    chosen = _instruments(where, table, content.get(key, ()), key)
    for strange in (one for one in chosen if one not in instruments):
        raise OptionError(f"{where.place(table, key)}: {strange} is no instrument of the plan.")
    return chosen


def _cohort(where: PlanText, content: Mapping[str, Any], instruments: tuple[str, ...]) -> CohortDefinition:
    _require(where, "cohort", content, _COHORT)
    window = content["baseline_window"]
    _require(where, "cohort.baseline_window", window, _BASELINE_WINDOW)
    for number, criterion in enumerate(content["criteria"]):
        _require(where, "cohort.criteria", criterion, _CRITERION, number)
    chosen = {"baseline_choice": content["baseline_choice"]} if "baseline_choice" in content else {}
    return _made(
        where.place("cohort"),
        lambda: CohortDefinition(
            name=content["name"],
            instrument=instruments[0] if instruments else "",
            gap_days=content["gap_days"],
            baseline_window=VisitWindow("baseline", target_day=window["last_day"], **window),
            criteria=tuple(Criterion(**criterion) for criterion in content["criteria"]),
            **chosen,
        ),
    )


def _visit(where: PlanText, content: Mapping[str, Any], number: int) -> VisitWindow:
    _require(where, "visits", content, _VISIT, number)
    return _made(where.place("visits", number=number), lambda: VisitWindow(**content))


def _disclosure(where: PlanText, content: Mapping[str, Any]) -> DisclosurePolicy:
    _require(where, "disclosure", content, _DISCLOSURE)
    try:
        return DisclosurePolicy(**content)
    except OptionError as found:
        fault = str(found)
    key = next((key for key in content if fault.startswith(key)), "")
    raise OptionError(f"{where.place('disclosure', key)}: {fault}")


def _gates(where: PlanText, content: Mapping[str, Any]) -> Gates:
    _require(where, "gates", content, _GATES, optional=True)
    _require_known(where, "gates.most_rows", content.get("most_rows", {}), ADVICE)
    return _made(where.place("gates"), lambda: Gates(**content))


def _analyses(where: PlanText, content: Mapping[str, Any], instruments: tuple[str, ...]) -> tuple[PlannedAnalysis, ...]:
    """Return the analyses in the order of the plan."""
    _require_known(where, "analyses", content, ANALYSES)
    return tuple(_analysis(where, name, options, instruments) for name, options in content.items())


def _analysis(where: PlanText, name: str, content: Any, instruments: tuple[str, ...]) -> PlannedAnalysis:
    table = f"analyses.{name}"
    if not kinds.TABLE.fits(content):
        raise OptionError(f"{where.place('analyses', name)}: a table is needed, [{table}].")
    own = {} if name in OF_THE_COHORT else {"instruments": kinds.TEXTS}
    _require(where, table, content, {**ANALYSES[name], **own}, optional=True)
    chosen = _chosen(where, table, "instruments", content, instruments)
    options = {key: value for key, value in content.items() if key != "instruments"}
    for key in DEFINITION_SETS.keys() & options.keys():
        _require_definition_sets(where, table, key, options[key])
    return PlannedAnalysis(name, options, chosen)


def _require_definition_sets(where: PlanText, table: str, key: str, ids: Iterable[str]) -> None:
    """Raise unless each is the id of a definition set, and of the kind that the option needs."""
    kind = DEFINITION_SETS[key]
    for one in ids:
        scale = _made(where.place(table, key), partial(instrument, one.split("/", maxsplit=1)[0]))
        known = [found.id for found in scale.definition_sets if kind in {"", found.kind}]
        if one not in known:
            raise OptionError(f"{where.place(table, key)}: {_unknown('definition set', one, known)}")


def _require(
    where: PlanText,
    table: str,
    content: Mapping[str, Any],
    allowed: Mapping[str, Kind],
    number: int = 0,
    *,
    optional: bool = False,
) -> None:
    """Raise unless a table has the keys it needs, no other ones, and values of their kinds."""
    _require_known(where, table, content, allowed, number)
    missing = [] if optional else [key for key in allowed if key not in content and key not in _OPTIONAL]
    if missing:
        raise OptionError(f"{where.place(table, number=number)}: missing keys {', '.join(missing)}.")
    for key, value in content.items():
        kind, place = allowed[key], where.place(table, key, number)
        if not kind.fits(value):
            raise OptionError(f"{place}: {key} must be {kind.words}.")
        for one in value if isinstance(value, list) else [value]:
            if kind.choices and one not in kind.choices:
                raise OptionError(f"{place}: {_unknown(key, one, kind.choices)}")


def _require_known(
    where: PlanText, table: str, content: Mapping[str, Any], allowed: Iterable[str], number: int = 0
) -> None:
    known = tuple(allowed)
    for key in content:
        if key not in known:
            raise OptionError(f"{where.place(table, key, number)}: {_unknown('key', key, known)}")


def _unknown(what: str, given: str, known: Iterable[str]) -> str:
    """Return what is wrong with a word of the plan and what may have been meant."""
    choices = tuple(known)
    close = get_close_matches(given, choices, n=1, cutoff=0.6)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    listed = ", ".join(map(repr, choices)) or "none"
    return f"unknown {what} {given!r}.{meant} Known: {listed}."


def _made(place: str, make: Callable[[], T]) -> T:
    """Return what `make` makes; what it refuses is said with the place in the plan."""
    try:
        return make()
    except (OptionError, DesignError) as found:
        kind, fault = type(found), str(found)
    if fault.startswith(place):
        raise kind(fault)
    raise kind(f"{place}: {fault}")
