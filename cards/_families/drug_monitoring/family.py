"""Drug-exposure monitoring (catalogue, group F): a drug taken long enough, and its test not done within the interval.

Rules of this family hold only data. Names under `data` are names of the rule's own limits.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from cards._families.drug_monitoring.closer import Closer, reasons_for_closer, regular
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure


class Data(BaseModel):
    """What a monitoring rule says about its drug.

    routes                 only these routes; empty: all
    alone, with_cofactor   limits: how long it is taken, alone or with a co-factor; no `alone`: any time
    interval               limit: due when not done within it; `interval_with_drug` when a drug is a co-factor
    cofactor_age           limit: completed years
    urgent_drugs, urgent_conditions   raise `due` to `urgent`; conditions within limit `urgent_window`
    at_start_with          co-medication that makes a test at the first prescription worthwhile if long use is planned;
                           `at_start_unplanned` when the planned duration is unknown; `at_start_always` in any case
    closer                 what shortens the interval
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    drugs: tuple[str, ...]
    routes: tuple[str, ...] = ()
    test: str
    alone: str | None = None
    with_cofactor: str | None = None
    interval: str
    interval_with_drug: str | None = None
    order_window: str
    cofactor_drugs: tuple[str, ...] = ()
    cofactor_conditions: tuple[str, ...] = ()
    cofactor_age: str | None = None
    urgent_drugs: tuple[str, ...] = ()
    urgent_conditions: tuple[str, ...] = ()
    urgent_window: str | None = None
    at_start_with: tuple[str, ...] = ()
    at_start_unplanned: tuple[str, ...] = ()
    at_start_always: bool = False
    closer: Closer | None = None


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Propose the test when the exposure calls for it and it was not done, and is not ordered, within the interval."""
    data: Data = k.data
    judged = patient.hook in ORDER_HOOKS
    exposures = _used(patient.judged(*data.drugs) if judged else patient.taking(*data.drugs), data)
    if not exposures:
        return NotApplicable("no regular use of the drug")
    running = _used(patient.taking(*data.drugs), data) if judged else exposures
    if judged and not running:
        if not _worth_at_start(patient, exposures, k):
            return NotApplicable("no long-term use with a co-factor planned")
        variant = "start"
    elif not _long_enough(patient, running, k):
        return Satisfied(running)
    else:
        variant = "due"
    partners = patient.taking_or_ordering(*data.cofactor_drugs)
    closer = () if data.closer is None else reasons_for_closer(patient, data.closer, k)
    if not patient.not_measured_within(data.test, _interval(data, k, bool(partners), bool(closer))):
        return Satisfied(exposures)
    if not patient.surely_not_ordered(data.test, k.span(data.order_window)):
        return NotApplicable("the test is already ordered")
    reasons = _urgent(patient, k)
    return Fires(
        "urgent" if reasons else variant,
        because=tuple(dict.fromkeys((*exposures, *running, *partners, *reasons))),
        also=tuple(dict.fromkeys(fact for _, facts in closer for fact in facts)),
        values={"drug": (running or exposures)[0]},
        notes=tuple(note for note, _ in closer),
    )


def _used(exposures: tuple[Exposure, ...], data: Data) -> tuple[Exposure, ...]:
    """Regular use by the routes that count."""
    used = regular(exposures)
    return tuple([e for e in used if e.route in data.routes]) if data.routes else used


def _interval(data: Data, k: Limits, with_drug: bool, closer: bool) -> timedelta:
    """The shortest of the intervals that hold."""
    names = [data.interval]
    if with_drug and data.interval_with_drug is not None:
        names.append(data.interval_with_drug)
    if closer and data.closer is not None:
        names.append(data.closer.interval)
    return min(k.span(name) for name in names)


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
        or bool(patient.taking_or_ordering(*data.cofactor_drugs))
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


def _urgent(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    data: Data = k.data
    drugs: tuple[Fact, ...] = patient.taking_or_ordering(*data.urgent_drugs) if data.urgent_drugs else ()
    if not data.urgent_conditions or data.urgent_window is None:
        return drugs
    window = k.span(data.urgent_window)
    problems = (patient.has(group, within=window) for group in data.urgent_conditions)
    return (*drugs, *(problem for problem in problems if problem is not None))
