"""The test suite, held ready: it has run once, knows which test runs which function, and can run any of them again."""

from __future__ import annotations

import functools
import gc
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.children import allow_time
from tests.mutation.mutants import ROOT

TESTS = (
    "tests/cards",
    "tests/unit/facts",
    "tests/unit/fhir",
    "tests/unit/engine",
    "tests/unit/service",
    "tests/unit/render",
    "--deselect=tests/cards/test_limit_mutation.py",  # moves numbers, for minutes; its subject is not the code
)
OPTIONS = ("--assert=plain", "--capture=no", "-p", "no:terminal", "-p", "no:cacheprovider")
OURS = ("cds_service.", "cards.")
FACTS, FACTS_TESTS = "cds_service/facts/", "tests/unit/facts/"  # about each other; some only look at a table
FAMILIES = "cards/_families/"  # a file of one may hold nothing that runs: only the shape of its table
MOST = 1500  # tests to ask besides: a mutant that none of so many notices counts as a survivor
Place = tuple[str, str]
"""A file, relative to the project, and the qualified name of a function in it."""


class Watch:
    """Which functions of some files run while it is on."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = {str(ROOT / file): file for file in files}
        self._seen: set[CodeType] = set()

    def start(self) -> None:
        """From now on."""
        sys.setprofile(self._note)

    def stop(self) -> None:
        """No longer."""
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename in self._files:
            self._seen.add(frame.f_code)

    def taken(self) -> set[Place]:
        """What ran since this was last asked."""
        seen, self._seen = self._seen, set()
        return {(self._files[code.co_filename], outermost(code)) for code in seen}


def outermost(code: CodeType) -> str:
    """The qualified name of the function that a piece of code is part of."""
    return code.co_qualname.split(".<locals>")[0]


class Suite:
    """The collected tests of a pytest session, after one run of all of them.

    at_start  what ran while modules and knowledge were loaded: changing it later is not the same as having it changed
    failing   tests that fail without any mutant, which therefore tell nothing
    """

    def __init__(self, session: pytest.Session, watch: Watch) -> None:
        self.at_start = watch.taken()
        self.failing: list[str] = []
        self._items = {item.nodeid: item for item in session.items}
        self._last = session.items[-1]
        self._users: dict[Place, set[str]] = defaultdict(set)
        self._caches: list[Any] = []
        self._seconds: dict[str, float] = {}
        self._run_all(watch)
        self.quickest_first = sorted(self._seconds, key=self._seconds.__getitem__)

    def _run_all(self, watch: Watch) -> None:
        module = None
        for item, following in zip(self._items.values(), [*[*self._items.values()][1:], self._last], strict=True):
            self.forget()
            start = time.perf_counter()
            failed = _fails(item, following)
            self._seconds[item.nodeid] = time.perf_counter() - start
            for place in watch.taken():
                self._users[place].add(item.nodeid)
            if failed:
                self.failing.append(item.nodeid)
                del self._seconds[item.nodeid]
            if item.parent is not module:  # its first test may have made caches
                module = item.parent
                self._caches = list(_caches())
        watch.stop()
        self.forget()

    def forget(self) -> None:
        """Empty every cache of the project's own functions."""
        for cache in self._caches:
            cache.cache_clear()

    def users(self, place: Place) -> list[str]:
        """The tests that run a function, the quickest first; an even choice of MOST of them when there are more."""
        return self._chosen(self._users.get(place, set()), place[0])

    def users_of_file(self, file: str) -> list[str]:
        """The same of the tests that run anything of a file (of a family: of its folder), of all when none does."""
        own = file.rpartition("/")[0] if file.startswith(FAMILIES) else file
        found = {name for place, names in self._users.items() if place[0].startswith(own) for name in names}
        if file.startswith(FACTS) or not found:
            found |= {name for name in self.quickest_first if not found or name.startswith(FACTS_TESTS)}
        return self._chosen(found, file)

    def _chosen(self, found: Collection[str], file: str) -> list[str]:
        beginning = close_to(file)
        close = [name for name in self.quickest_first if name in found and name.startswith(beginning)]
        other = [name for name in self.quickest_first if name in found and not name.startswith(beginning)]
        return [*close, *other[:: len(other) // MOST + 1]]

    def first_failure(self, names: Sequence[str]) -> str | None:
        """The first of these tests that fails; None when none does."""
        return first_failure([self._items[name] for name in names])


def close_to(file: str) -> tuple[str, ...]:
    """How the names of the tests begin that are about a file: all of these are asked, also when there are many."""
    if file.startswith(FAMILIES):
        return "tests/cards/test_" + file.removeprefix(FAMILIES).split("/")[0], "tests/cards/test_gates"
    return (FACTS_TESTS,)


def first_failure(items: Sequence[pytest.Item]) -> str | None:
    """Run tests until one fails; its name, or None. The process ends when a test takes too long."""
    items[0].session._setupstate.teardown_exact(items[0])  # what ran last here may have been any test
    for item, following in zip(items, [*items[1:], *items[-1:]], strict=True):
        allow_time()
        if _fails(item, following):
            return item.nodeid
    return None


def _fails(item: pytest.Item, following: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, nextitem=following, log=False))


def _caches() -> Iterator[Any]:
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.__module__.startswith(OURS):
            yield found
