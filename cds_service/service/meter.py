"""What operators watch, counted in plain numbers: cheap enough to count at every call, and free of patient data.

The names and labels below are all there is. Labels are ours or an operator's (rule ids, hooks, client names), never the
chart's.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Literal

import msgspec

from cds_service.storage.records import Counts, Entry

Stage = Literal["admit", "read", "gather", "fetch", "decide", "recall", "write", "whole"]
BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds up to which a call counts as that fast."""


class Counted(msgspec.Struct, frozen=True):
    """One counter: what it counts and by which labels."""

    help: str
    labels: tuple[str, ...]


COUNTERS: Mapping[str, Counted] = {
    # Of the verdicts and of prefetch only what the ledger has written is counted: none without storage.
    "calls": Counted("Hook calls by HTTP status.", ("client", "hook", "status")),
    "cards": Counted("Cards shown.", ("tenant", "hook", "rule", "severity")),
    "verdicts": Counted("Verdicts by kind, and those that fired by what became of them.", ("tenant", "rule", "kind")),
    "cannot_tell": Counted("Verdicts that could not be reached, by what was missing.", ("tenant", "item")),
    "prefetch": Counted("How each prefetch key arrived.", ("client", "key", "state")),
    "quarantined": Counted("Resources set aside, by prefetch key.", ("client", "key")),
    "feedback": Counted("Feedback reports that came, repeats included.", ("tenant", "client", "outcome")),
    "crashes": Counted("Unexpected errors of a whole call; a rule that crashes counts as cannot-tell.", ("hook",)),
}


class Times(msgspec.Struct):
    """How many calls took at most each of BOUNDS seconds (the last: longer), and all of them together."""

    counts: list[int]
    seconds: float = 0.0


class Meter:
    """The counters and times of one process."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in COUNTERS}
        self.times: dict[tuple[str, str], Times] = {}

    def add(self, name: str, *labels: str, n: int = 1) -> None:
        """Count something; KeyError for a name that is not in COUNTERS."""
        found = self.counts[name]
        found[labels] = found.get(labels, 0) + n

    def watch(self, entries: Sequence[Entry], counts: Counts) -> None:
        """Count what the ledger has written."""
        for entry in entries:
            for issue in entry.issued:
                if issue.disposition == "shown":
                    self.add("cards", entry.tenant, entry.hook, issue.rule, str(issue.severity))
        for _, tenant, _, _, rule, _, kind, item, n in counts.daily:
            self.add("verdicts", tenant, rule, kind, n=n)
            if kind == "cannot-tell":
                self.add("cannot_tell", tenant, item, n=n)
        for _, _, client, key, state, n in counts.prefetch:
            self.add("prefetch", client, key, state, n=n)

    def time(self, hook: str, stage: Stage, seconds: float) -> None:
        """Note how long a stage of a call took."""
        times = self.times.get((hook, stage))
        if times is None:
            times = self.times[hook, stage] = Times([0] * (len(BOUNDS) + 1))
        times.counts[bisect_left(BOUNDS, seconds)] += 1
        times.seconds += seconds


class Lap:
    """Times the stages of one call, each from the end of the one before. client: who called, as soon as it is known."""

    __slots__ = ("_at", "_began", "_hook", "_meter", "client")

    def __init__(self, meter: Meter, hook: str) -> None:
        self._meter = meter
        self._hook = hook
        self.client = "-"
        self._began = self._at = perf_counter()

    def __call__(self, stage: Stage) -> None:
        """A stage has ended."""
        now = perf_counter()
        self._meter.time(self._hook, stage, now - self._at)
        self._at = now

    def end(self) -> float:
        """The call has ended; how long it took, in seconds."""
        taken = perf_counter() - self._began
        self._meter.time(self._hook, "whole", taken)
        return taken

    @property
    def elapsed(self) -> float:
        """Seconds since the call came."""
        return perf_counter() - self._began
