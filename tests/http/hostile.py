"""Ways to spoil a request: any member anywhere replaced, removed, doubled or buried, as JSON text."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

Path = tuple[str | int, ...]

LONG = "x" * 20_000
DEEP = 5_000
RAW = {
    "not-a-number": b"NaN", "infinite": b"-Infinity", "huge": b"1e400", "tiny": b"1e-400", "digits": b"9" * 5000,
    "long-decimal": b"0." + b"1" * 4000, "big-exponent": b"1E+999999999", "lone-surrogate": rb'"\ud800 \udc00"',
    "control": rb'"\u0000\u001f"', "deep-list": b"[" * DEEP + b"]" * DEEP,
    "deep-object": b'{"extension":' * DEEP + b"1" + b"}" * DEEP, "twice": b'{"id":"a","id":"b","value":1,"value":2}',
}  # fmt: skip
PLAIN: tuple[Any, ...] = (
    None, "", " ", [], {}, [None], [[]], [{}], {"x": None}, True, False, 0, -1, 1.5, -0.0, 2**53, 2**63, 10**30, LONG,
    "NaN", "\u202e<script>alert(1)</script>", "é\u0301\U0001f9ea", "0001-01-01", "9999-12-31T23:59:60+14:00",
    "2999-01-01", "2026-02-30", "2026-11-20T25:00:00Z", "2026-11-20T10:00:00", "Patient/somebody-else", "#",
    "urn:uuid:", "Patient/", "/", "http://loinc.org|2601-3", ["Patient/a"], {"reference": ["x"]}, {"reference": None},
    {"value": "0,41"}, {"value": [0.41]}, {"value": 0.41, "unit": ["mmol/L"]}, {"coding": "2601-3"}, {"coding": [None]},
    {"coding": {"system": "http://loinc.org", "code": "2601-3"}}, {"resourceType": "Patient", "id": "somebody-else"},
    {"resourceType": ["Bundle"]}, {"resourceType": "Bundle", "entry": [None, {}, {"resource": None}, {"resource": 1}]},
)  # fmt: skip
_MARK = re.compile(rb'"@raw:([a-z-]+)@"')


def paths(node: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value but the root."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in members:
        yield (*at, name)
        yield from paths(child, (*at, name))


def resources(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources in the Bundles of a request's prefetch."""
    for answer in body["prefetch"].values():
        if isinstance(answer, dict):
            yield from (entry["resource"] for entry in answer.get("entry", ()))


def spoil(body: dict[str, Any], rng: random.Random, times: int) -> bytes:
    """The request with `times` random injuries, as bytes."""
    spoilt = orjson.loads(orjson.dumps(body))
    for _ in range(times):
        places = list(paths(spoilt))
        if places:
            rng.choice(INJURIES)(spoilt, rng.choice(places), rng)
    return written(spoilt)


def written(body: Any) -> bytes:
    """JSON text in which the marks of `raw` stand for what no JSON library writes."""
    return _MARK.sub(lambda found: RAW[found[1].decode()], orjson.dumps(body))


def raw(name: str) -> str:
    """A mark that `written` replaces by one of RAW."""
    return f"@raw:{name}@"


def _parent(body: Any, path: Path) -> Any:
    for step in path[:-1]:
        body = body[step]
    return body


def _replace(body: Any, path: Path, rng: random.Random) -> None:
    value = raw(rng.choice(list(RAW))) if rng.random() < 0.25 else rng.choice(PLAIN)
    _parent(body, path)[path[-1]] = orjson.loads(orjson.dumps(value)) if not _is_huge(value) else str(value)


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) >= 2**63


def _remove(body: Any, path: Path, rng: random.Random) -> None:
    del _parent(body, path)[path[-1]]


def _wrap(body: Any, path: Path, rng: random.Random) -> None:
    held = _parent(body, path)
    held[path[-1]] = [held[path[-1]]] if rng.random() < 0.5 else {"value": held[path[-1]]}


def _unwrap(body: Any, path: Path, rng: random.Random) -> None:
    held = _parent(body, path)
    value = held[path[-1]]
    if isinstance(value, list) and value:
        held[path[-1]] = value[0]
    elif isinstance(value, dict) and value:
        held[path[-1]] = next(iter(value.values()))


def _swap(body: Any, path: Path, rng: random.Random) -> None:
    places = list(paths(body))
    other = _parent(body, rng.choice(places))
    held = _parent(body, path)
    source = rng.choice(list(other.values()) if isinstance(other, dict) else other) if other else None
    held[path[-1]] = orjson.loads(orjson.dumps(source))


def _rename(body: Any, path: Path, rng: random.Random) -> None:
    held = _parent(body, path)
    if isinstance(held, dict):
        held[rng.choice(["unknown", "_value", "valueString", "extension", "modifierExtension"])] = held.pop(path[-1])


INJURIES: tuple[Callable[[Any, Path, random.Random], None], ...] = (
    _replace, _replace, _replace, _remove, _wrap, _unwrap, _swap, _rename,
)  # fmt: skip
