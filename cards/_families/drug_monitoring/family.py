"""Drug-exposure monitoring (catalogue, group F): a drug taken long enough, and its test not done within the interval.

Rules of this family hold only data. Names under `data` are names of the rule's own limits.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure


class Data(BaseModel):
    """What a monitoring rule says about its drug.

    alone, with_cofactor   limits: how long the drug must be taken, alone or with a co-factor
    interval               limit: due when not done within it; `interval_with_drug` when a drug is a co-factor
    cofactor_age           limit: completed years
    urgent_drugs, urgent_conditions   raise `due` to `urgent`; conditions within limit `urgent_window`
    at_start_with          co-medication that makes a test at a first prescription worthwhile when long use is planned;
                           `at_start_unplanned` when the planned duration is not known
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    drugs: tuple[str, ...]
    test: str
    alone: str
    with_cofactor: str
    interval: str
    interval_with_drug: str
    order_window: str
    cofactor_drugs: tuple[str, ...] = ()
    cofactor_conditions: tuple[str, ...] = ()
    cofactor_age: str | None = None
    urgent_drugs: tuple[str, ...] = ()
    urgent_conditions: tuple[str, ...] = ()
    urgent_window: str | None = None
    at_start_with: tuple[str, ...] = ()
    at_start_unplanned: tuple[str, ...] = ()


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Propose the test when the exposure calls for it and it was not done, and is not ordered, within the interval."""
    data: Data = k.data
    judged = patient.hook in ORDER_HOOKS
    exposures = _regular(patient.judged(*data.drugs) if judged else patient.taking(*data.drugs))
    if not exposures:
        return NotApplicable("no regular use of the drug")
    running = _regular(patient.taking(*data.drugs)) if judged else exposures
    if judged and not running:
        if not _worth_at_start(patient, exposures, k):
            return NotApplicable("no long-term use with a co-factor planned")
        variant = "start"
    else:
        lasting = max([_duration(patient, exposure) for exposure in running])
        if not judged and _just_measured(patient, k):
            return Satisfied(running)
        if lasting < k.span(data.alone) and not (lasting >= k.span(data.with_cofactor) and _cofactor(patient, k)):
            return Satisfied(running)
        variant = "due"
    partners = patient.taking_or_ordering(*data.cofactor_drugs)
    interval = k.span(data.interval_with_drug if partners else data.interval)
    if not patient.not_measured_within(data.test, interval):
        return Satisfied(exposures)
    if not patient.surely_not_ordered(data.test, k.span(data.order_window)):
        return NotApplicable("the test is already ordered")
    reasons = _urgent(patient, k)
    facts = tuple(dict.fromkeys((*exposures, *running, *partners, *reasons)))
    return Fires("urgent" if reasons else variant, because=facts, values={"drug": (running or exposures)[0]})


def _regular(exposures: tuple[Exposure, ...]) -> tuple[Exposure, ...]:
    """Without as-needed and over-the-counter use: those are no long-term use."""
    return tuple([e for e in exposures if not e.as_needed and not e.over_the_counter])


def _just_measured(patient: Patient, k: Limits) -> bool:
    """Whether the latest test lies within both intervals: co-factors then make no difference."""
    data: Data = k.data
    latest = patient.latest(data.test, min(k.span(data.interval), k.span(data.interval_with_drug)))
    return latest is not None and not latest.comparator


def _duration(patient: Patient, exposure: Exposure) -> timedelta:
    if exposure.since is None:
        raise CannotTellError("start date of the drug")
    return patient.taken_for(exposure)


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
    ends = [draft.until for draft in drafts if draft.until is not None]
    if not ends:
        return bool(patient.taking_or_ordering(*data.at_start_unplanned))
    planned = max(end.latest for end in ends) - patient.as_of.at
    return planned >= k.span(data.with_cofactor) and bool(patient.taking_or_ordering(*data.at_start_with))


def _urgent(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    data: Data = k.data
    drugs: tuple[Fact, ...] = patient.taking_or_ordering(*data.urgent_drugs) if data.urgent_drugs else ()
    if not data.urgent_conditions or data.urgent_window is None:
        return drugs
    window = k.span(data.urgent_window)
    problems = (patient.has(group, within=window) for group in data.urgent_conditions)
    return (*drugs, *(problem for problem in problems if problem is not None))
