"""The SQL stages, one readable file each, and the one function that fills a stage's placeholders."""

from __future__ import annotations

import math
import re
from importlib.resources import files

from katoutcomes.errors import OptionError
from katoutcomes.registry.engines.table_engine import is_name

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")


def stage_text(package: str, name: str, **values: int | float | str) -> str:
    """Return the text of one SQL stage with its placeholders filled.

    Parameters
    ----------
    package : str
        The room that holds the stage, for example ``"katoutcomes.registry"``; its folder ``sql`` is looked in.
    name : str
        File name without ``.sql``, for example ``"08_index_days"``.
    **values : int, float or str
        A value for each ``{{placeholder}}``: a finite number, or the name of a table or column. Nothing else can be
        put into a stage, so no value of the data ever becomes part of a query.

    Returns
    -------
    str
        The query.

    Raises
    ------
    OptionError
        If a value is not a finite number or a plain identifier, or if the values are not exactly those the stage
        asks for.

    Examples
    --------
    >>> print(stage_text("katoutcomes.registry", "02_rejected_rows", table="sessions", file=2))
    -- Rows of an event table that have broken a rule.
    select t.*
    from linked_sessions as t
    ...
    """
    text = (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    wanted = set(_PLACEHOLDER.findall(text))
    if wanted != set(values):
        raise OptionError(f"stage {name!r} takes {sorted(wanted)}; got {sorted(values)}.")
    filled = {key: _placeholder_text(key, value) for key, value in values.items()}
    return _PLACEHOLDER.sub(lambda match: filled[match.group(1)], text)


def _placeholder_text(key: str, value: float | str) -> str:
    if isinstance(value, str) and is_name(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text if "e" in text else f"{text}e0"  # an exponent makes it a double, not a decimal, on both engines
    raise OptionError(f"placeholder {key!r} takes a finite number or a plain identifier.")
