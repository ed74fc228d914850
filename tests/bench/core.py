"""The parts that need no HTTP, timed in this process: reading a chart, all rules together, each rule and each shared
question alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import orjson

from cds_service.engine.run import Run, run_rules
from cds_service.facts.declarations import Needs
from cds_service.facts.patient import Patient
from cds_service.facts.snapshot import Snapshot
from cds_service.fhir.read.chart import read_chart
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions
from cds_service.service.envelope import decode_envelope
from cds_service.service.gather import gather
from cds_service.settings import read_settings
from tests.bench.payloads import AS_OF, HOOK

ROUNDS = 15


class Timing(NamedTuple):
    """Seconds per call: the median of the rounds, and how far rounds differ (half the distance between quartiles)."""

    seconds: float
    spread: float


class Core:
    """The knowledge as the service loads it, and what it does with a body."""

    def __init__(self) -> None:
        self.knowledge: Knowledge = load_knowledge(read_settings(sandbox=True).cards_dir)
        self._rules = self.knowledge.by_hook[HOOK]
        self._plan = tuple(entry for entry in self.knowledge.key_plan if HOOK in entry.hooks)
        self._options = DecideOptions()

    @property
    def rule_count(self) -> int:
        """How many rules the hook runs."""
        return len(self._rules)

    def snapshot(self, body: bytes) -> Snapshot:
        """From the bytes of a request to the chart that rules see."""
        call = gather(decode_envelope(body, HOOK), self._plan, now=AS_OF, sandbox=True)
        return read_chart(call, self.knowledge.vocabulary, self.knowledge.concept_keys, self._options.zone, {})

    def reading_ratio(self, bodies: list[bytes]) -> Timing:
        """How long reading takes in units of `orjson.loads` of the same bytes."""
        ratios = []
        for _ in range(ROUNDS):
            parse = _seconds(lambda: [orjson.loads(body) for body in bodies], 2)
            read = _seconds(lambda: [self.snapshot(body) for body in bodies], 2)
            ratios.append(read / parse)
        return summed_up(ratios)

    def all_rules(self, body: bytes) -> Timing:
        """All rules on a ready snapshot, the shared questions asked anew each time."""
        snapshot = self.snapshot(body)

        def run() -> None:
            snapshot.answers.clear()
            run_rules(snapshot, self.knowledge, self._rules)

        run()
        return _timed(run)

    def one_by_one(self, body: bytes) -> list[tuple[str, Timing]]:
        """Each rule with the shared questions answered, and each shared question that they ask; the slowest first."""
        snapshot = self.snapshot(body)
        run = Run(snapshot, self.knowledge)
        found = []
        for rule in self._rules:
            run.judge(rule)  # asks the questions
            found.append((rule.id, _timed(partial(run.judge, rule))))
        for question in list(snapshot.answers):
            family = self.knowledge.families[question]
            view = Patient(snapshot, Needs(uses=frozenset({family.id})), self.knowledge.families)
            found.append((f"question {family.id}", _timed(partial(_ask_anew, view, question))))
        return sorted(found, key=lambda pair: pair[1].seconds, reverse=True)


def _ask_anew(view: Patient, question: Callable[..., Any]) -> None:
    view.snapshot.answers.pop(question, None)
    view.ask_or(question, None)


def _timed(call: Callable[[], object]) -> Timing:
    return summed_up([_seconds(call, 100) for _ in range(ROUNDS)])


def summed_up(rounds: list[float]) -> Timing:
    """Median and half the distance between the quartiles."""
    ordered = sorted(rounds)
    quarter = len(ordered) // 4
    return Timing(median(ordered), (ordered[-1 - quarter] - ordered[quarter]) / 2)


def _seconds(call: Callable[[], object], times: int) -> float:
    """CPU seconds per call."""
    begun = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - begun) / times


def judge(value: float, target: float, unit: str) -> str:
    """A value held against its target."""
    return f"{'PASS' if value <= target else '**** MISS ****'} (target {target:g}{unit})"
