"""Who is at high risk of refeeding problems (catalogue, refeeding-risk-baseline): why feeding is an issue, and the
NICE criteria as far as the chart holds them."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cards._families.feeding_start.family import FeedingStart, feeding_start
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem, Result

ELECTROLYTES = {"phosphate": "phosphate", "potassium": "potassium", "magnesium-serum": "magnesium"}


class RefeedingRisk(msgspec.Struct, frozen=True):
    """The risk of refeeding problems.

    occasions  nutrition support that began in the last days, malnutrition, an eating disorder, or a stay with an
               alcohol use disorder: without one the question does not arise
    criteria   the NICE criteria that are met, as facts; empty when they do not add up to a high risk
    unknown    what counts as not met because it is not in the chart (shared phrases)
    """

    occasions: tuple[Fact, ...] = ()
    criteria: tuple[Fact, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def high(self) -> bool:
        """Whether feeding is an issue and the criteria of a high risk are met."""
        return bool(self.occasions and self.criteria)


def refeeding_risk(patient: Patient, k: Limits) -> RefeedingRisk:
    """One large criterion, or two lesser ones. Never raises: what is not recorded counts as not met."""
    starts = [s for s in patient.ask(feeding_start) if patient.as_of.within(s.at, k.span("started"))]
    occasions: list[Fact] = [start.fact for start in starts]
    occasions += _problems(patient)
    if not occasions:
        return RefeedingRisk()
    bmi = patient.latest("bmi")
    weights = _weights(patient, k)
    loss = _loss(weights)
    criteria: list[Fact] = [] if bmi is None or not bmi.below(k["bmi_low"]) else [bmi]
    criteria += weights if loss > k["loss_large"] else ()
    criteria += _low_before_feeding(patient, starts, k)
    lesser = _lesser(patient)
    if not criteria and lesser and loss > k["loss_some"]:
        criteria += [*weights, *lesser]
    unknown = (
        "unknown-intake",
        *(("unknown-bmi",) if bmi is None else ()),
        *(("unknown-weight-course",) if not weights else ()),
    )
    return RefeedingRisk(tuple(occasions), tuple(criteria), unknown)


def _problems(patient: Patient) -> list[Problem]:
    """Each recorded problem once, by its most specific group; alcohol use disorder only during a stay."""
    groups = ("alcohol-use-disorder",) if patient.inpatient else ()
    found: dict[str, Problem] = {}
    for group in ("anorexia-nervosa", "eating-disorder", "malnutrition", *groups):
        problem = patient.has(group)
        if problem is not None:
            found.setdefault(problem.ref, problem)
    return list(found.values())


def _weights(patient: Patient, k: Limits) -> tuple[Result, ...]:
    """The latest weight and the highest one of the months before; empty without two of them."""
    series = [r for r in patient.series("body-weight", k.span("loss_window")) if not r.comparator]
    if len(series) <= 1:
        return ()
    return series[0], max(series[1:], key=lambda r: r.value)


def _loss(weights: tuple[Result, ...]) -> Decimal:
    """The part of the highest weight that is lost; negative when weight was gained."""
    if not weights:
        return Decimal(0)
    latest, highest = weights
    return (highest.value - latest.value) / highest.value if highest.value else Decimal(0)


def _low_before_feeding(patient: Patient, starts: list[FeedingStart], k: Limits) -> list[Result]:
    """The electrolytes that were low in the last values before feeding (now, when it has not begun)."""
    found = []
    for concept, limit in ELECTROLYTES.items():
        series = patient.series(concept)
        if starts:
            first = starts[-1].at
            series = tuple([r for r in series if r.at.latest <= first.latest and first.earliest - r.at.earliest
                            <= k.span("before")])  # fmt: skip
        else:
            series = tuple([r for r in series if patient.as_of.within(r.at, k.span("before"))])
        if series and series[0].below(k[limit]):
            found.append(series[0])
    return found


def _lesser(patient: Patient) -> tuple[Fact, ...]:
    """Alcohol, or drugs that count as one lesser criterion."""
    alcohol = patient.has("alcohol-use-disorder")
    drugs = patient.taking("insulin", "chemotherapy", "antacid", "diuretic")
    return (*(() if alcohol is None else (alcohol,)), *drugs)
