"""Several results in one JSON file: those that stay in the clinic, and those that may leave it.

The two kinds carry different marks, so that neither a person nor a program takes one for the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from katoutcomes.errors import DataError, DisclosureError, OptionError, meant_beside
from katoutcomes.results.disclosure import PUBLISHED, DisclosurePolicy
from katoutcomes.results.record_types import wrong_field
from katoutcomes.results.result import ReleasedResult, ResultRecord
from katoutcomes.results.serialization import result_dict, result_from_dict
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results

RESULTS_SCHEMA = "katoutcomes results, not for release"
RELEASED_SCHEMA = "katoutcomes released results"
SCHEMAS: tuple[str, ...] = (RESULTS_SCHEMA, RELEASED_SCHEMA)
_KEYS = frozenset({"schema", "schema_version", "title", "notes", "disclosure", "results"})
_LATER_KEYS = frozenset({"in_full"})
"""Keys that files lack which were written before there was such a key."""
_POLICY: Mapping[str, tuple[type, object]] = {
    "minimum_cell": (int, None),
    "zero_is_shown": (bool, None),
    "round_to": (int, 1),
    "previous": (str, ""),
    "earlier_release": (str, ""),
}
"""Keys of the table `disclosure` → their kind, and what files hold that were written before there was such a key."""
_KINDS = {int: "a whole number", bool: "true or false", str: "a text"}


def results_json(results: Results) -> str:
    """Return results as JSON text: sorted keys, every digit, one newline at the end.

    Individual values and fitted models are not in it; nothing that is released rests on them.
    """
    content = {
        "schema": RELEASED_SCHEMA if is_released(results.entries) else RESULTS_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": results.title,
        "notes": list(results.notes),
        "disclosure": {
            "minimum_cell": results.disclosure.minimum_cell,
            "zero_is_shown": results.disclosure.zero_is_shown,
            "round_to": results.disclosure.round_to,
            "previous": results.disclosure.previous,
            "earlier_release": results.earlier_release,
        },
        "in_full": list(results.in_full),
        "results": [result_dict(entry, exact=True) for entry in results.entries],
    }
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def is_released(entries: tuple[ResultRecord, ...]) -> bool:
    """Return whether there are results and all of them have been released."""
    return bool(entries) and all(isinstance(entry, ReleasedResult) for entry in entries)


def read_results_file(path: str | Path) -> dict[str, Any]:
    """Return the arguments of `Results` that a file written by `results_json` holds.

    Raises
    ------
    OptionError
        If the file cannot be read, is not JSON, or does not hold results of this layout.
    DisclosureError
        If it says that its results are released and one of them is not.
    """
    name = Path(path).name
    content = _checked(_json_of(Path(path)), name)
    entries = tuple(_entry(one, place, name) for place, one in enumerate(content["results"], start=1))
    if content["schema"] == RELEASED_SCHEMA:
        _require_released(entries, name)
    policy = _policy(content["disclosure"], name)
    return {
        "title": content["title"],
        "entries": entries,
        "notes": tuple(content["notes"]),
        "in_full": tuple(content.get("in_full", ())),
        "earlier_release": policy.pop("earlier_release"),
        "disclosure": _made_policy(policy, name),
    }


def _policy(content: Any, name: str) -> dict[str, Any]:
    """Return what a file says of its release, keys that it lacks because it is older included."""
    if not isinstance(content, dict) or not set(content) <= set(_POLICY):
        raise OptionError(f"{name}, disclosure: a table of {', '.join(_POLICY)} is needed.")
    found: dict[str, Any] = {}
    for key, (kind, default) in _POLICY.items():
        found[key] = content.get(key, default)
        if type(found[key]) is not kind:
            raise OptionError(f"{name}, disclosure: {key} must be {_KINDS[kind]}.")
    return found


def _made_policy(fields: Mapping[str, Any], name: str) -> DisclosurePolicy:
    try:
        return DisclosurePolicy(**fields)
    except OptionError as found:
        fault = str(found)
    raise OptionError(f"{name}, disclosure: {fault}")


def _json_of(path: Path) -> Any:
    def refuse(word: str) -> NoReturn:
        raise ValueError(word)

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except json.JSONDecodeError as found:
        fault = f"{path.name} is not JSON: {found.msg} in line {found.lineno}, column {found.colno}."
    except FileNotFoundError:
        fault = f"there is no such file: {path.name!r}.{meant_beside(path)}"
    except OSError as found:
        fault = f"{path.name} cannot be read: {found.strerror}."
    except (UnicodeDecodeError, ValueError, RecursionError):
        fault = f"{path.name} is not JSON text in UTF-8."
    raise OptionError(fault)


def _checked(content: Any, name: str) -> Mapping[str, Any]:
    """Return the content of a file of results, after a look at everything but the results themselves."""
    if not isinstance(content, dict) or content.get("schema") not in SCHEMAS:
        raise OptionError(
            f"{name} is no file of results; `katoutcomes run` writes results.json, `katoutcomes release` released.json."
        )
    if content.get("schema_version") != SCHEMA_VERSION:
        raise OptionError(f"{name} is not in layout {SCHEMA_VERSION}; run the plan again with this version.")
    if set(content) - _LATER_KEYS != _KEYS:
        wrong = ", ".join(sorted((set(content) - _LATER_KEYS) ^ _KEYS))
        raise OptionError(f"{name} has a key too many or too few: {wrong}.")
    for key, kind in (("title", str), ("notes", list), ("results", list)):
        if not isinstance(content[key], kind):
            raise OptionError(f"{name}, {key}: a {'text' if kind is str else 'list'} is needed.")
    if not content["results"] or not all(isinstance(note, str) for note in content["notes"]):
        raise OptionError(f"{name} holds no results, or a note that is no text.")
    in_full = content.get("in_full", [])
    if not isinstance(in_full, list) or not all(isinstance(one, str) for one in in_full):
        raise OptionError(f"{name}, in_full: a list of instruments is needed.")
    return content


def _entry(content: Any, place: int, name: str) -> ResultRecord:
    if not isinstance(content, dict):
        raise OptionError(f"{name}, result {place}: a table of fields is needed.")
    try:
        record = result_from_dict(content)
    except DataError as found:
        fault = str(found)
    else:
        wrong = wrong_field(record)
        if wrong is None:
            return record
        fault = f"the result has a wrong value ({wrong})."
    raise OptionError(f"{name}, result {place}: {fault}")


def _require_released(entries: tuple[ResultRecord, ...], name: str) -> None:
    """Raise unless a file that says so holds released results, which carry a minimum and no digest of the data."""
    wrong = [
        entry.analysis
        for entry in entries
        if not isinstance(entry, ReleasedResult)
        or (entry.provenance.digest != "" and entry.provenance.source != PUBLISHED)
    ]
    if wrong:
        raise DisclosureError(
            f"{name} says that it holds released results, but these are not: {', '.join(wrong)}. "
            "Use `katoutcomes release` on the results of the run."
        )
