"""What trust costs: calls with a signed token, used once, told in the ledger, beside those of the sandbox; and what the
audit trail adds.

Both answer the same charts as of the same moment, so the trusting one is a sandbox too: one that verifies what is sent.
Tokens are made before the clock runs; the key is cached after the first call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import yaml

from cds_service.storage.ledger import FLUSH_SECONDS
from tests.bench.core import judge, summed_up
from tests.bench.payloads import payload
from tests.bench.servers import Server
from tests.unit.trust.signer import BASE, ISSUER, Signer

CALLS = 240
ROUNDS = 9
TARGET = 1.5


def over_http(host: Callable[..., Server]) -> list[str]:
    """One line per algorithm: CPU per request at 20 + 10 resources, beside a sandbox that keeps nothing."""
    measured = (("ES384", False), ("RS384", False), ("RS384", True))
    return [_measure(host, Signer(algorithm), audit=audit) for algorithm, audit in measured]


def _measure(host: Callable[..., Server], signer: Signer, *, audit: bool) -> str:
    bodies = [payload(20, 10, number) for number in range(CALLS)]
    ratios, walls = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "keys.json").write_bytes(signer.key_set())
        client = {"name": "ehr", "issuer": ISSUER, "key_set": "keys.json", "requests_per_minute": 1_000_000}
        (folder / "clients.yaml").write_text(yaml.safe_dump({"clients": [client]}), "utf-8")
        kept = {"storage": "true", "audit": str(audit).lower(), "data_dir": name, "public_url": BASE}
        trusting = host("service", clients_file=str(folder / "clients.yaml"), **kept)
        with host("service") as open_to_all, trusting:
            for server in (open_to_all, trusting):
                server.first_answer(bodies[0])
            for number in range(ROUNDS + 1):
                spent = _spent(open_to_all, bodies, []), _spent(trusting, bodies, [signer.token() for _ in bodies])
                if number:  # the first round warms up
                    ratios.append(spent[1][0] / spent[0][0])
                    walls.append(spent[1][1])
    ratio = summed_up(ratios)
    judged = "(no target)" if audit else judge(ratio.seconds, TARGET, "x")
    return (
        f"token, ledger{', audit' if audit else '':<12}{ratio.seconds:.2f} ±{ratio.spread:.2f} times the sandbox's CPU "
        f"with {signer.algorithm}, p50 {median(walls) * 1e3:.2f} ms   {judged}"
    )


def _spent(server: Server, bodies: list[bytes], tokens: list[str]) -> tuple[float, float]:
    """CPU seconds of a round and everything written for it, and the median wall time of its requests."""
    server.disconnect()
    before = server.usage().cpu
    one = server.round(bodies, len(bodies), tokens)
    time.sleep(FLUSH_SECONDS + 0.4)
    return server.usage().cpu - before, median(one.walls)
