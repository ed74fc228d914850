"""Drug-exposure monitoring (catalogue, group F): a drug taken long enough, and its test not done within the interval.

Rules of this family hold only data. Names under `data` are names of the rule's own limits.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from cards._families.calcium_basis.family import calcium_basis
from cards._families.drug_monitoring.closer import Closer, Low, proven_low, reasons_for_closer
from cards._families.drug_monitoring.courses import by_route, ended_within, last_dose, lasted, regular, used_from
from cards._families.qt_drugs.family import systemic
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result
from cds_service.knowledge.file_model import FileModel


class Ended(FileModel):
    """A course whose last dose is at most `within` ago still counts; `once`: one test since that dose is enough."""

    within: str
    once: bool = False


class Urgent(FileModel):
    """What raises `due`, `after` and `start` to `urgent`.

    drugs          co-medication
    conditions     dated within the limit `window`
    low, calcium   a low result; a low calcium by its basis
    interval       limit: the test was not done within it
    """

    drugs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    window: str | None = None
    low: Low | None = None
    calcium: bool = False
    interval: str | None = None


class Data(FileModel):
    """What a monitoring rule says about its drug.

    routes                 only these routes; empty: all
    alone, with_cofactor   limits: how long it is taken, alone or with a co-factor; no `alone`: any time
    ended                  whether a course that is over still counts
    interval               limit: due when not done within it; `interval_with_drug` when a drug is a co-factor
    since_start            a test from before the first dose does not count
    cofactor_age           limit: completed years
    at_start_with          co-medication that makes a test at the first prescription worthwhile if long use is planned;
                           `at_start_unplanned` when the planned duration is unknown; `at_start_always` in any case
    start_interval         limit: the interval at a first prescription; `every_order`: at each prescription
    closer                 what shortens the interval
    """

    drugs: tuple[str, ...]
    routes: tuple[str, ...] = ()
    test: str
    alone: str | None = None
    with_cofactor: str | None = None
    ended: Ended | None = None
    interval: str
    interval_with_drug: str | None = None
    since_start: bool = False
    order_window: str
    cofactor_drugs: tuple[str, ...] = ()
    cofactor_conditions: tuple[str, ...] = ()
    cofactor_age: str | None = None
    urgent: Urgent = Urgent()
    at_start_with: tuple[str, ...] = ()
    at_start_unplanned: tuple[str, ...] = ()
    at_start_always: bool = False
    start_interval: str | None = None
    every_order: bool = False
    closer: Closer | None = None


class Use(msgspec.Struct, frozen=True):
    """The use of the drug that asks for the test: `start`, `due` (in use) or `after` its end."""

    variant: str
    judged: tuple[Exposure, ...]
    used: tuple[Exposure, ...]

    @property
    def facts(self) -> tuple[Exposure, ...]:
        """What the card is about."""
        return tuple(dict.fromkeys((*self.judged, *self.used)))


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Propose the test when the exposure calls for it and it was not done, and is not ordered, within the interval."""
    data: Data = k.data
    use = _use(patient, k)
    if not isinstance(use, Use):
        return use
    if _just_measured(patient, use, k):
        return Satisfied(use.facts)
    partners = systemic(patient.taking_or_ordering(*data.cofactor_drugs))
    closer = () if data.closer is None else reasons_for_closer(patient, data.closer, use.used, k)
    if not patient.not_measured_within(data.test, _interval(patient, use, bool(partners), bool(closer), k)):
        return Satisfied(use.facts)
    if not patient.surely_not_ordered(data.test, k.span(data.order_window)):
        return NotApplicable("the test is already ordered")
    reasons, long_ago = _urgent(patient, k), _long_ago(patient, k)
    results = [fact for fact in reasons if isinstance(fact, Result)]  # how old they are says nothing of this card
    return Fires(
        "urgent" if reasons or long_ago else use.variant,
        because=tuple(dict.fromkeys((*use.facts, *partners, *(r for r in reasons if r not in results)))),
        also=tuple(dict.fromkeys((*results, *(fact for _, facts in closer for fact in facts)))),
        values={"drug": (use.used or use.judged)[0], "reason": _named(reasons[0]) if reasons else None},
        notes=tuple(note for note, _ in closer),
    )


def _just_measured(patient: Patient, use: Use, k: Limits) -> bool:
    """Whether the latest result answers the shortest interval, so that nothing else matters."""
    data: Data = k.data
    if use.variant == "after" or data.since_start or (use.variant == "start" and data.start_interval is not None):
        return False
    names = (data.interval, data.interval_with_drug, None if data.closer is None else data.closer.interval)
    result = patient.latest(data.test, min([k.span(name) for name in names if name is not None]))
    return result is not None and not result.comparator


def _use(patient: Patient, k: Limits) -> Use | Outcome:
    """The use that counts, or why there is none."""
    data: Data = k.data
    ordering = patient.hook in ORDER_HOOKS
    found = patient.judged(*data.drugs) if ordering else patient.taking(*data.drugs)
    exposures = by_route(regular(found), data.routes)
    if not exposures:
        ended = () if ordering or data.ended is None else _ended(patient, data.ended, k)
        return Use("after", (), ended) if ended else NotApplicable("no regular use of the drug")
    running = by_route(regular(patient.taking(*data.drugs)), data.routes) if ordering else exposures
    if ordering and (data.every_order or not running):
        if data.every_order or _worth_at_start(patient, exposures, k):
            return Use("start", exposures, running)
        return NotApplicable("no long-term use with a co-factor planned")
    use = Use("due", exposures if ordering else (), running)
    if None not in [e.since for e in running] and _just_measured(patient, use, k):
        return Satisfied(running)
    return use if _long_enough(patient, running, k) else Satisfied(running)


def _ended(patient: Patient, ended: Ended, k: Limits) -> tuple[Exposure, ...]:
    data: Data = k.data
    over = by_route(regular(ended_within(patient, k.span(ended.within), *data.drugs)), data.routes)
    return used_from(patient, over, k.span(data.alone)) if data.alone is not None else over


def _interval(patient: Patient, use: Use, with_drug: bool, closer: bool, k: Limits) -> timedelta:
    """The shortest of the intervals that hold."""
    data: Data = k.data
    if use.variant == "start" and data.start_interval is not None:
        return k.span(data.start_interval)
    if use.variant == "after" and data.ended is not None and data.ended.once:
        ends = [last.earliest for last in map(last_dose, use.used) if last is not None]
        return max(patient.as_of.at - max(ends), timedelta(0))
    spans = [k.span(data.interval)]
    if with_drug and data.interval_with_drug is not None:
        spans.append(k.span(data.interval_with_drug))
    if closer and data.closer is not None:
        spans.append(k.span(data.closer.interval))
    if data.since_start:
        spans += [lasting for lasting in (lasted(patient, e) for e in use.used) if lasting is not None]
    return min(spans)


def _long_enough(patient: Patient, running: tuple[Exposure, ...], k: Limits) -> bool:
    """Whether one of the drugs is taken long enough. Raises CannotTellError when that hangs on an unknown start."""
    data: Data = k.data
    if data.alone is None:
        return True
    known = [patient.taken_for(exposure) for exposure in running if exposure.since is not None]
    lasting = max(known, default=timedelta(0))
    if lasting >= k.span(data.alone):
        return True
    if data.with_cofactor is not None and lasting >= k.span(data.with_cofactor) and _cofactor(patient, k):
        return True
    if len(known) < len(running):
        raise CannotTellError("start date of the drug")
    return False


def _cofactor(patient: Patient, k: Limits) -> bool:
    data: Data = k.data
    aged = data.cofactor_age is not None and patient.aged_at_least(k[data.cofactor_age])
    return (
        aged
        or bool(systemic(patient.taking_or_ordering(*data.cofactor_drugs)))
        or (bool(data.cofactor_conditions) and patient.has(*data.cofactor_conditions) is not None)
    )


def _worth_at_start(patient: Patient, drafts: tuple[Exposure, ...], k: Limits) -> bool:
    """A first prescription: only with the right co-medication, and when long use is planned or may be."""
    data: Data = k.data
    if data.at_start_always:
        return True
    ends = [draft.until for draft in drafts if draft.until is not None]
    if not ends:
        return bool(patient.taking_or_ordering(*data.at_start_unplanned))
    planned = max(end.latest for end in ends) - patient.as_of.at
    long = data.with_cofactor is not None and planned >= k.span(data.with_cofactor)
    return long and bool(patient.taking_or_ordering(*data.at_start_with))


def _named(reason: Fact) -> Value:
    """How a summary shows a reason: a result with what was measured."""
    return Phrase("named-result", {"result": reason}) if isinstance(reason, Result) else reason


def _urgent(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """The facts that make it urgent."""
    urgent: Urgent = k.data.urgent
    reasons: list[Fact] = list(systemic(patient.taking_or_ordering(*urgent.drugs))) if urgent.drugs else []
    if urgent.conditions and urgent.window is not None:
        window = k.span(urgent.window)
        problems = (patient.has(group, within=window) for group in urgent.conditions)
        reasons += [problem for problem in problems if problem is not None]
    if urgent.low is not None and (result := proven_low(patient, urgent.low, k)) is not None:
        reasons.append(result)
    if urgent.calcium and (calcium := patient.ask(calcium_basis)).low is not None:
        reasons += calcium.because
    return tuple(reasons)


def _long_ago(patient: Patient, k: Limits) -> bool:
    """Whether the test was not done for so long that it is urgent."""
    data: Data = k.data
    span = data.urgent.interval
    return span is not None and patient.not_measured_within(data.test, k.span(span))
