"""Version 4 UUIDs (RFC 9562) as text. An answer holds a dozen or two, so they are made in bulk."""

from __future__ import annotations

import os
from collections import deque
from struct import iter_unpack

UUIDS_AT_ONCE = 256
_RANDOM_BITS = int.from_bytes(bytes.fromhex("ffffffffffff0fff3fffffffffffffff") * UUIDS_AT_ONCE)
_VERSION_AND_VARIANT = int.from_bytes(bytes.fromhex("00000000000040008000000000000000") * UUIDS_AT_ONCE)
_made: deque[str] = deque()  # popping is atomic, so threads may share it


def random_uuid() -> str:
    """A UUID that nobody was given before, in lower case."""
    try:
        return _made.popleft()
    except IndexError:
        first, *more = _make()
        _made.extend(more)
        return first


def _make() -> list[str]:
    size = 16 * UUIDS_AT_ONCE
    bits = int.from_bytes(os.urandom(size)) & _RANDOM_BITS | _VERSION_AND_VARIANT
    digits = bits.to_bytes(size).hex().encode()
    return [(b"%b-%b-%b-%b-%b" % groups).decode() for groups in iter_unpack("8s4s4s4s12s", digits)]
