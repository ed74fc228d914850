"""Files of JSON that hold FHIR or hook requests: one value each, or one a line (NDJSON), also compressed with gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

WHOLE = (".json",)
LINES = (".ndjson", ".jsonl")


def json_files(source: Path) -> list[Path]:
    """The files of these kinds: the source itself, or all below a folder, in order."""
    paths = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    return [path for path in paths if kind_of(path) in (*WHOLE, *LINES)]


def kind_of(path: Path) -> str:
    """The ending of a file's name, without the `.gz` of a compressed one."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def read_values(path: Path) -> Iterator[bytes]:
    """The JSON texts of a file, undecoded. Raises OSError when it cannot be read or is no whole gzip."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for text in file if kind_of(path) in LINES else (file.read(),):
                if content := text.strip():
                    yield content
    except (EOFError, zlib.error) as error:
        raise OSError("no whole gzip") from error
