"""A registry without its tables as text, and back: what a workspace keeps beside them. It holds no patient's value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.load_reports.load_report import (
    FileCounts,
    LoadReport,
    PrivacyWarning,
    Problem,
    QualityWarning,
    RejectedRows,
    SourceFileCounts,
)
from katoutcomes.registry.registry import Registry

if TYPE_CHECKING:
    from katoutcomes.registry.engines.table_engine import TableEngine


def registry_record(registry: Registry) -> str:
    """Return everything but the tables of a registry as JSON."""
    rejected = registry.load_report.rejected_rows
    record = {
        "digest": registry.digest,
        "is_synthetic": registry.is_synthetic,
        "patient_columns": registry.patient_columns,
        "has_minutes": registry.has_minutes,
        "settings": registry.settings,
        "load_report": registry.load_report.to_dict(),
        "rejected_rows": None
        if rejected is None
        else {name: getattr(rejected, name).tolist() for name in ("file", "row", "problem")},
    }
    return json.dumps(record, sort_keys=True)


def recorded_registry(engine: TableEngine, text: str) -> Registry:
    """Return the registry of a record whose tables lie in an engine."""
    record = json.loads(text)
    return Registry(
        engine=engine,
        digest=record["digest"],
        load_report=_load_report(record["load_report"], record["rejected_rows"]),
        is_synthetic=record["is_synthetic"],
        patient_columns=tuple(record["patient_columns"]),
        has_minutes=record["has_minutes"],
        settings=tuple((name, value) for name, value in record["settings"]),
    )


def _load_report(report: Mapping[str, Any], rejected: Mapping[str, list[int]] | None) -> LoadReport:
    return LoadReport(
        files=tuple(FileCounts(**file) for file in report["files"]),
        problems=tuple(_problem(problem) for problem in report["problems"]),
        left_out_columns=tuple((entry["file"], entry["column"]) for entry in report["left_out_columns"]),
        notes=tuple(report["notes"]),
        source_files=tuple(SourceFileCounts(**file) for file in report["source_files"]),
        left_out_rows=tuple(_problem(problem) for problem in report["left_out_rows"]),
        warnings=tuple(_warning(warning) for warning in report["warnings"]),
        overrides=tuple(report["overrides"]),
        mapping_digest=report["mapping_digest"],
        rejected_rows=None if rejected is None else _rejected_rows(rejected),
    )


def _problem(entry: Mapping[str, Any]) -> Problem:
    causes = tuple((cause["cause"], cause["n_rows"]) for cause in entry["causes"])
    return Problem(**{**entry, "row_numbers": tuple(entry["row_numbers"]), "causes": causes})


def _warning(entry: Mapping[str, Any]) -> PrivacyWarning | QualityWarning:
    fields = {name: value for name, value in entry.items() if name not in ("kind", "row_numbers")}
    if entry["kind"] == "quality":
        return QualityWarning(**fields, row_numbers=tuple(entry["row_numbers"]))
    return PrivacyWarning(**fields)


def _rejected_rows(columns: Mapping[str, list[int]]) -> RejectedRows:
    import numpy as np

    return RejectedRows(
        file=np.array(columns["file"], dtype=np.int32),
        row=np.array(columns["row"], dtype=np.int64),
        problem=np.array(columns["problem"], dtype=np.int32),
    )
