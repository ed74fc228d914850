"""`make bench`: what a hook call costs, beside a bare FastAPI app that only parses the body.

Service and baseline take turns in short rounds, and each target is the median over the rounds: what else runs on the
machine hits both alike. Nothing here fails a build; a missed target is printed as MISS. Only a wrong answer ends with
exit status 1. `python -m tests.bench golden` records what the answers should be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import orjson

from tests.bench import fetching, keeping, trusting
from tests.bench.core import Core, Timing, judge, summed_up
from tests.bench.payloads import payload
from tests.bench.servers import Round, Server, cards_of

GOLDEN = Path(__file__).with_name("golden.json")
PATIENTS = 8
ROUNDS = 11


class Size(NamedTuple):
    """A chart, how many requests make a round, and what share of the baseline's CPU the service may use."""

    observations: int
    medications: int
    requests: int
    cpu_target: float

    @property
    def name(self) -> str:
        """As printed."""
        return f"{self.observations} + {self.medications}"

    def bodies(self) -> list[bytes]:
        """One request for each patient."""
        return [payload(self.observations, self.medications, number) for number in range(PATIENTS)]


SIZES = (Size(20, 10, 240, 2.0), Size(100, 20, 120, 1.2), Size(500, 50, 40, 0.9))
LARGE = (11_000, 500)
START_TARGET = 3.0
LARGE_RESIDENT_TARGET = 400e6
READING_TARGET = 1.3
RULES_TARGETS = (0.20e-3, 0.40e-3)
RULE_TARGET = 50e-6


HEADING = "Over HTTP, per request   body kB    CPU ms service / baseline      ratio              p50 ms    p99 ms"


def host(kind: str, **settings: str) -> Server:
    """A server that can be asked what it used; unless told otherwise it keeps nothing."""
    return Server("tests.bench.host", kind, "PORT", **{"storage": "false"} | settings)


class Answers:
    """Compares every answer with the recorded ones."""

    def __init__(self) -> None:
        self.golden: list[list[Any]] = orjson.loads(GOLDEN.read_bytes())
        self.seen = 0
        self.wrong = 0

    def check(self, answers: list[bytes]) -> None:
        """Count the answers, and the wrong ones among them."""
        self.seen += len(answers)
        wrong = [found for found in map(cards_of, answers) if found != self.golden]
        if wrong and not self.wrong:
            print(f"WRONG ANSWER: {wrong[0]}\n  instead of: {self.golden}")
        self.wrong += len(wrong)


def main() -> int:
    """Measure everything, print the table; 1 when an answer was wrong."""
    answers = Answers()
    print(f"start to first answer    {_start(answers)}")
    print(f"\n{HEADING}")
    with host("service") as service, host("baseline") as base:
        service.first_answer(SIZES[0].bodies()[0])
        base.first_answer(SIZES[0].bodies()[0])
        for size in SIZES:
            print(_over_http(size, service, base, answers), flush=True)
        resident = service.usage().resident, base.usage().resident
    print(f"highest resident size    service {resident[0] / 1e6:.0f} MB, baseline {resident[1] / 1e6:.0f} MB")
    print(f"15 MB body               {_large(answers)}\n", flush=True)
    print(keeping.over_http(host), flush=True)
    print("\n".join(keeping.recalls()) + "\n", flush=True)
    print("\n".join(trusting.over_http(host)), flush=True)
    print(fetching.over_http(host, answers.golden) + "\n", flush=True)
    _in_process()
    print(f"\nanswers                  {answers.seen} compared, {answers.wrong} wrong")
    return 1 if answers.wrong else 0


def _start(answers: Answers) -> str:
    times = []
    for _ in range(3):
        with Server("cds_service", "serve", "--sandbox", "--port", "PORT", storage="false") as server:
            times.append(server.first_answer(SIZES[0].bodies()[0]))
            answers.check([server.post(SIZES[0].bodies()[0])])
    spread = f"(of 3: {min(times):.2f}-{max(times):.2f})"
    return f"{median(times):.2f} s {spread}   {judge(median(times), START_TARGET, ' s')}"


def _over_http(size: Size, service: Server, base: Server, answers: Answers) -> str:
    bodies = size.bodies()
    ours: list[Round] = []
    theirs: list[Round] = []
    for _ in range(ROUNDS + 1):
        theirs.append(base.round(bodies, size.requests))
        ours.append(service.round(bodies, size.requests))
    del theirs[0], ours[0]  # the first round of each warms up
    for one in ours:
        answers.check(one.answers)
    ratio = summed_up([one.cpu / other.cpu for one, other in zip(ours, theirs, strict=True)])
    walls = [wall * 1e3 for one in ours for wall in one.walls]
    cpu = [median(one.cpu for one in rounds) * 1e3 for rounds in (ours, theirs)]
    return (
        f"{size.name:>9} resources      {len(bodies[0]) / 1e3:7.1f}    {cpu[0]:8.3f} / {cpu[1]:.3f}{'':10}"
        f"{ratio.seconds:6.2f} ±{ratio.spread:.2f}      {median(walls):9.2f} {quantiles(walls, n=100)[98]:9.2f}"
        f"   {judge(ratio.seconds, size.cpu_target, 'x')}"
    )


def _large(answers: Answers) -> str:
    body = payload(*LARGE, 0)
    with host("service") as server:
        server.first_answer(SIZES[0].bodies()[0])
        one = server.round([body], 3)
        answers.check(one.answers)
        used = server.usage()
    resident = used.resident
    return (
        f"{len(body) / 1e6:.1f} MB: {median(one.walls) * 1e3:.0f} ms, CPU {one.cpu * 1e3:.0f} ms, "
        f"highest resident size {resident / 1e6:.0f} MB   {judge(resident / 1e6, LARGE_RESIDENT_TARGET / 1e6, ' MB')}"
    )


def _in_process() -> None:
    core = Core()
    small, large = SIZES[0].bodies(), SIZES[-1].bodies()
    reading = core.reading_ratio(large)
    print(f"In process               {core.rule_count} rules at the hook")
    print(
        f"reading {SIZES[-1].name}         {reading.seconds:.2f} ±{reading.spread:.2f} times orjson.loads"
        f"   {judge(reading.seconds, READING_TARGET, 'x')}"
    )
    for size, body, target in ((SIZES[0], small[0], RULES_TARGETS[0]), (SIZES[-1], large[0], RULES_TARGETS[1])):
        timing = core.all_rules(body)
        print(f"all rules, {size.name:<9}     {_ms(timing)}   {judge(timing.seconds * 1e3, target * 1e3, ' ms')}")
    print("slowest rules and shared questions, each alone")
    for rule_id, timing in core.one_by_one(small[0])[:5]:
        print(f"  {rule_id:<36} {_us(timing)}   {judge(timing.seconds * 1e6, RULE_TARGET * 1e6, ' µs')}")


def _ms(timing: Timing) -> str:
    return f"{timing.seconds * 1e3:.3f} ±{timing.spread * 1e3:.3f} ms"


def _us(timing: Timing) -> str:
    return f"{timing.seconds * 1e6:5.1f} ±{timing.spread * 1e6:.1f} µs"


def record() -> int:
    """Write down what the service answers now."""
    with host("service") as server:
        body = SIZES[-1].bodies()[0]
        server.first_answer(body)
        GOLDEN.write_bytes(orjson.dumps(cards_of(server.post(body)), option=orjson.OPT_INDENT_2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(record() if sys.argv[1:] == ["golden"] else main())
