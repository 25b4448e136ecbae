"""What a load depends on, as one digest: an equal fingerprint means that loading would give the same registry."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from katoutcomes import _version
from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile

_ROOMS = ("registry", "instruments", "kernels", "errors.py", "vocabulary.py")
_TEXTS = frozenset({".py", ".sql", ".toml"})


def load_fingerprint(
    folder: Path,
    mapping: MappingFile | None,
    *,
    is_synthetic: bool,
    allow: tuple[str, ...],
    rekey_salt: bytes | str | None,
    prorating: Mapping[str, str],
) -> str:
    """Return the fingerprint of a load.

    Parameters
    ----------
    folder : Path
        The input; every file in it counts, whether it is read or not, with its name and its bytes.
    mapping : MappingFile or None
        The mapping that is used.
    is_synthetic, allow, rekey_salt, prorating
        As for `read_registry`.

    Returns
    -------
    str
        SHA-256 as hexadecimal digits. With a salt it is an HMAC under it, so that the salt changes the fingerprint and
        cannot be read from it.
    """
    parts = {
        "package": _version.__version__,
        "engine": version("duckdb"),
        "program": _program_digest(),
        "files": [(path.relative_to(folder).as_posix(), _file_digest(path)) for path in _files(folder)],
        "mapping": None if mapping is None else mapping.digest,
        "is_synthetic": is_synthetic,
        "allow": sorted(allow),
        "prorating": sorted(prorating.items()),
        "is_salted": rekey_salt is not None,
    }
    text = json.dumps(parts, sort_keys=True).encode("utf-8")
    key = rekey_salt.encode("utf-8") if isinstance(rekey_salt, str) else (rekey_salt or b"")
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _program_digest() -> str:
    """Return the digest of the text of everything that loading is made of, so that a changed rule is a new load."""
    package = Path(_version.__file__).parent
    total = hashlib.sha256()
    for room in _ROOMS:
        place = package / room
        for path in [place] if place.is_file() else _files(place):
            if path.suffix in _TEXTS:
                total.update(f"{path.relative_to(package).as_posix()}\n{_file_digest(path)}\n".encode())
    return total.hexdigest()
