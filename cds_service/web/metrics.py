"""GET /metrics in the format of Prometheus: the meter as it stands, and how storage is. One answer per process."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cds_service.service.meter import BOUNDS, COUNTERS, Meter
from cds_service.web.edge import Edge

PREFIX = "ionwise_"


def metrics_routes(edge: Edge) -> list[Route]:
    """The endpoint. It tells nothing about patients; whether the outside may see it is the proxy's to say."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(edge))

    async def metrics(_: Request) -> Response:
        return Response(
            generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
        )

    return [Route("/metrics", metrics, methods=["GET"])]


class _Metrics(Collector):
    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        """Everything as it is at this moment."""
        yield from _counters(self._edge.meter)
        yield _times(self._edge.meter)
        yield from _elsewhere(self._edge)
        knowledge = self._edge.knowledge
        yield InfoMetricFamily(
            PREFIX + "knowledge",
            "The knowledge in use.",
            {"version": knowledge.version, "overlay": knowledge.overlay_hash, "release": self._edge.release},
        )
        if self._edge.keeper is not None:
            waiting, dropped = self._edge.keeper.backlog
            yield GaugeMetricFamily(PREFIX + "ledger_waiting", "Decisions that are not in the database yet.", waiting)
            yield CounterMetricFamily(PREFIX + "ledger_dropped", "Decisions that the ledger lost.", dropped)


def _counters(meter: Meter) -> Iterator[Metric]:
    for name, counted in COUNTERS.items():
        family = CounterMetricFamily(PREFIX + name, counted.help, labels=counted.labels)
        for labels, n in list(meter.counts[name].items()):
            family.add_metric(labels, n)
        yield family


def _elsewhere(edge: Edge) -> Iterator[Metric]:
    """What the gate and the fetching count themselves."""
    found = {
        "auth_failures": ("Calls that were not let in, by reason.", "reason", edge.gate.refused if edge.gate else {})
    }
    if edge.fetcher is not None:
        outcomes = edge.fetcher.outcomes
        found["fetches"] = ("Requests to FHIR servers, by outcome.", "outcome", outcomes.requests)
        found["fetched_needs"] = ("Prefetch keys that were fetched, by outcome.", "outcome", outcomes.keys)
    for name, (told, label, counts) in found.items():
        family = CounterMetricFamily(PREFIX + name, told, labels=(label,))
        for outcome, n in list(counts.items()):
            family.add_metric((str(outcome),), n)
        yield family


def _times(meter: Meter) -> Metric:
    family = HistogramMetricFamily(PREFIX + "call_seconds", "How long calls took.", labels=("hook", "stage"))
    for labels, times in list(meter.times.items()):
        total, buckets = 0, []
        for bound, n in zip((*map(str, BOUNDS), "+Inf"), times.counts, strict=True):
            total += n
            buckets.append((bound, total))
        family.add_metric(labels, buckets, times.seconds)
    return family
