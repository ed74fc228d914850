"""Active orders for tests that we know as concepts."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.records import LabOrder
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import structs

_NOT_AN_ORDER = frozenset({"proposal", "plan", "option", "directive"})


def read_orders(
    requests: Iterable[structs.ServiceRequest], vocabulary: Vocabulary, zone: ZoneInfo
) -> dict[str, list[LabOrder]]:
    """Orders by concept. Matched by code only; dated by the later of authored and due."""
    found: dict[str, list[LabOrder]] = {}
    for request in requests:
        refused = request.do_not_perform or request.intent in _NOT_AN_ORDER
        if request.status.strip() != "active" or refused or request.code is None:
            continue
        concepts: set[str] = set()
        for coding in request.code.coding:
            code = (vocabulary.systems.get(coding.system, coding.system), coding.code)
            concepts.update(vocabulary.order_panels.get(code, ()))
            if code in vocabulary.order_codes:
                concepts.add(vocabulary.order_codes[code])
        at = _date(request, zone)
        for concept in sorted(concepts):
            found.setdefault(concept, []).append(LabOrder(concept, at, f"ServiceRequest/{request.id}"))
    return found


def _date(request: structs.ServiceRequest, zone: ZoneInfo) -> Moment | None:
    period = request.occurrence_period
    due = request.occurrence_date_time or (period.start if period is not None else None)
    known = [moment for text in (request.authored_on, due) if (moment := parse_moment(text, zone)) is not None]
    return max(known, key=lambda moment: moment.latest, default=None)
