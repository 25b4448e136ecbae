"""The manifest of a bulk export: which files there should be, how long they are, and what was deleted since.

References
----------
HL7 FHIR Bulk Data Access, "Response - Complete Status": ``output`` and ``deleted`` are lists of ``type``, ``url`` and
an optional ``count``; a file of deletions holds one transaction Bundle a line, whose entries say ``DELETE Type/id``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from katoutcomes.registry.readers.fhir.elements import reference_of

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """What a manifest says.

    Attributes
    ----------
    counts : mapping of str to (int or None)
        File name to its number of resources; None where it is not said.
    types : mapping of str to str
        File name to the type of its resources.
    deletions : frozenset of str
        Names of the files that list deletions.
    n_errors : int
        Files of errors that the server lists.
    """

    counts: Mapping[str, int | None]
    types: Mapping[str, str]
    deletions: frozenset[str]
    n_errors: int


NO_MANIFEST = Manifest({}, {}, frozenset(), 0)


def read_manifest(folder: Path) -> tuple[Manifest, tuple[str, ...]]:
    """Read ``manifest.json`` of a folder.

    Returns
    -------
    manifest : Manifest
        Empty where there is none.
    faults : tuple of str
        What is wrong with it.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return NO_MANIFEST, ()
    document: Any = None
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("output"), list):
        return NO_MANIFEST, (f"{MANIFEST_FILE}: rule manifest: it must be a JSON object with a list 'output'.",)
    entries = _entries(document, "output")
    names = [name for name, _, _ in entries]
    if len(entries) < len(document["output"]) or len(set(names)) < len(names):
        return NO_MANIFEST, (
            f"{MANIFEST_FILE}: rule manifest: each output needs a url that ends in its own file name.",
        )
    return (
        Manifest(
            counts={name: count for name, _, count in entries},
            types={name: kind for name, kind, _ in entries},
            deletions=frozenset(name for name, _, _ in _entries(document, "deleted")),
            n_errors=len(_entries(document, "error")),
        ),
        (),
    )


def _entries(document: dict[str, Any], key: str) -> list[tuple[str, str, int | None]]:
    """Return file name, type and count of each entry that has a proper address."""
    found = []
    values = document.get(key)
    for value in values if isinstance(values, list) else []:
        url = value.get("url") if isinstance(value, dict) else None
        if not isinstance(url, str):
            continue
        name = _file_name(url)
        kind, count = value.get("type"), value.get("count")
        is_count = isinstance(count, int) and not isinstance(count, bool)
        if name:
            found.append((name, kind if isinstance(kind, str) else "", count if is_count else None))
    return found


def _file_name(url: str) -> str:
    try:
        return unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    except ValueError:
        return ""


def count_faults(manifest: Manifest, lines: Mapping[str, int]) -> tuple[str, ...]:
    """Return which files are missing or have another number of resources than the manifest says.

    Parameters
    ----------
    manifest : Manifest
        What it says.
    lines : mapping of str to int
        Resources of each file that is there.
    """
    expected = {name: count for name, count in manifest.counts.items() if name in lines and count is not None}
    short = sum(1 for name, count in expected.items() if lines[name] != count)
    missing = sum(1 for name in (*manifest.counts, *manifest.deletions) if name not in lines)
    faults = []
    if short:
        faults.append(
            f"{MANIFEST_FILE}: rule manifest_count: {short} of {len(expected)} files have another number of resources "
            "than it says; is the download complete?"
        )
    if missing:
        faults.append(
            f"{MANIFEST_FILE}: rule manifest_file: files that it names and that are not here: {missing}. Files left "
            "out on purpose, such as those about patients, must be taken out of it."
        )
    return tuple(faults)


def deleted_resources(bundle: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """Return type and id of each resource that a transaction Bundle deletes.

    Examples
    --------
    >>> entry = {"request": {"method": "DELETE", "url": "Observation/o1"}}
    >>> deleted_resources({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    frozenset({('Observation', 'o1')})
    """
    found = set()
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        request = entry.get("request") if isinstance(entry, dict) else None
        if isinstance(request, dict) and request.get("method") == "DELETE":
            reference = reference_of({"reference": request.get("url")})
            if reference is not None:
                found.add((reference.kind, reference.id))
    return frozenset(found)
