"""`summary.json`: every released number, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.report.content import ReportContent


def summary_json(content: ReportContent) -> str:
    """Return the released results as JSON text; a suppressed number is null and says that it is suppressed."""
    summary = {
        "schema_version": SCHEMA_VERSION,
        "title": content.title,
        "is_synthetic": content.is_synthetic,
        "headline": list(content.headline),
        "disclosure": {
            "minimum_cell": content.disclosure.minimum_cell,
            "round_to": content.disclosure.round_to,
            "zero_is_shown": content.disclosure.zero_is_shown,
            "earlier_release": content.earlier_release,
        },
        "gates": [
            {"name": check.name, "limit": check.limit, "passed": check.passed, "message": check.message}
            for result in content.results
            if result.analysis == "quality_gates"
            for check in result.checks
        ],
        "figures": [figure.name for figure in content.figures()],
        "tables": [table.name for table in content.tables()],
        "results": [result.to_dict() for result in content.results],
    }
    return json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
