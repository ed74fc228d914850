"""Risk rows of the hidden-deficiency table (catalogue, `mg-latent-deficiency-suspected`): computed once, used by many
rules. A risk class is present when there is at least one point."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from cards._families.laxative_misuse.family import laxative_misuse
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

HIGHEST_DRUGS = ("calcineurin-inhibitor", "egfr-mab", "cisplatin", "carboplatin")
NEPHROTOXIC = ("amphotericin", "foscarnet-pentamidine")


class RiskItem(msgspec.Struct, frozen=True):
    """One line of a score: the phrase that names it, its points, and the facts behind it."""

    id: str
    points: int
    because: tuple[Fact, ...] = ()


class MagnesiumRisk(msgspec.Struct, frozen=True):
    """The risk items found, and (phrase ids) what was not known and counted zero."""

    items: tuple[RiskItem, ...]
    unknown: tuple[str, ...]

    @property
    def points(self) -> int:
        """All items added up."""
        return sum(item.points for item in self.items)


def magnesium_risk(patient: Patient, k: Limits) -> MagnesiumRisk:
    """All risk items that apply; within one item only the highest band counts."""
    items = (*_highest(patient, k), *_diuretics(patient, k), *_ppi(patient, k), *_high(patient, k), *_some(patient, k))
    unknown = []
    if patient.latest("hba1c") is None and patient.has_confirmed("type-2-diabetes") is not None:
        unknown.append("unknown-hba1c")
    if patient.latest("alcohol-use") is None and patient.has_confirmed("alcohol-use-disorder") is None:
        unknown.append("unknown-alcohol")
    if [e for e in patient.taking("ppi", "loop-diuretic", "thiazide") if e.since is None]:
        unknown.append("unknown-drug-duration")
    return MagnesiumRisk(items, tuple(unknown))


def _highest(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    points = int(k["points_highest"])
    if patient.taking(*HIGHEST_DRUGS) or patient.took(*HIGHEST_DRUGS):
        yield from _highest_drugs(patient, points, k)
    if bowel := patient.has_confirmed("short-bowel", "high-output-stoma"):
        yield RiskItem("risk-short-bowel", points, (bowel,))
    if alcohol := patient.has_confirmed("alcohol-use-disorder"):
        yield RiskItem("risk-alcohol-disorder", points, (alcohol,))


def _highest_drugs(patient: Patient, points: int, k: Limits) -> Iterator[RiskItem]:
    if transplant_drug := patient.taking("calcineurin-inhibitor"):
        yield RiskItem("risk-calcineurin", points, transplant_drug)
    if antibody := patient.taking("egfr-mab") or _ended_within(patient, k.span("egfr_mab_after"), "egfr-mab"):
        yield RiskItem("risk-egfr-mab", points, antibody)
    within = k.span("platinum_after")
    if cisplatin := patient.taking("cisplatin") or _ended_within(patient, within, "cisplatin"):
        yield RiskItem("risk-platinum", points, cisplatin)
    elif carboplatin := patient.taking("carboplatin") or _ended_within(patient, within, "carboplatin"):
        yield RiskItem("risk-platinum", int(k["points_high"]), carboplatin)


def _diuretics(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    span = k.span("diuretic_from")
    loop = _taken_from(span, _lasting(patient, "loop-diuretic"))
    thiazide = _taken_from(span, _lasting(patient, "thiazide"))
    if loop and thiazide:
        yield RiskItem("risk-two-diuretics", int(k["points_highest"]), loop + thiazide)
    elif loop or thiazide:
        yield RiskItem("risk-diuretic", int(k["points_high"]), loop or thiazide)


def _ppi(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    lasting = _lasting(patient, "ppi")
    if long := _taken_from(k.span("ppi_long"), lasting):
        yield RiskItem("risk-ppi-long", int(k["points_high"]), long)
    elif some := _taken_from(k.span("ppi_from"), lasting):
        yield RiskItem("risk-ppi", int(k["points_some"]), some)


def _high(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    points, within = int(k["points_high"]), k.span("nephrotoxic_within")
    drugs = patient.taking(*NEPHROTOXIC) or _ended_within(patient, within, *NEPHROTOXIC)
    if drugs := drugs or _long_courses(patient, k, within):
        yield RiskItem("risk-nephrotoxic", points, drugs)
    gut = patient.has_confirmed(
        "coeliac-disease", "inflammatory-bowel-disease", "chronic-pancreatitis", "bariatric-malabsorptive"
    )
    gut = gut or patient.underwent("bariatric-malabsorptive")
    if gut is not None:
        yield RiskItem("risk-malabsorption", points, (gut,))
    diarrhoea = patient.has_confirmed("chronic-diarrhoea")
    if diarrhoea is not None and diarrhoea.at is not None:
        lasting = patient.as_of.days_since(diarrhoea.at) >= k.span("diarrhoea_from").days
        diarrhoea = diarrhoea if lasting else None
    if diarrhoea is not None:
        yield RiskItem("risk-diarrhoea", points, (diarrhoea,))
    elif coded := patient.has_confirmed("laxative-misuse"):
        yield RiskItem("risk-laxatives", points, (coded,))
    elif misuse := patient.ask_or(laxative_misuse, None):
        yield RiskItem("risk-laxatives", points, misuse.drugs)


def _some(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    points = int(k["points_some"])
    if diabetes := patient.has_confirmed("type-2-diabetes"):
        yield RiskItem("risk-diabetes", points, (diabetes,))
        hba1c = patient.latest("hba1c")
        if hba1c is not None and hba1c.at_least(k["hba1c_high"]):
            yield RiskItem("risk-hba1c", points, (hba1c,))
    alcohol = patient.latest("alcohol-use")
    if alcohol is not None and patient.has_confirmed("alcohol-use-disorder") is None:
        limit = k["drinks_women"] if patient.sex == "female" else k["drinks_men"]
        if alcohol.above(limit):
            yield RiskItem("risk-alcohol", points, (alcohol,))
    bmi = patient.latest("bmi")
    if wasted := patient.has_confirmed("malnutrition", "eating-disorder"):
        yield RiskItem("risk-malnutrition", points, (wasted,))
    elif bmi is not None and bmi.below(k["bmi_low"]):
        yield RiskItem("risk-malnutrition", points, (bmi,))
    if gland := patient.has_confirmed("primary-hyperparathyroidism", "hyperthyroidism", "hyperaldosteronism"):
        yield RiskItem("risk-endocrine", points, (gland,))
    if patient.aged_at_least(k["age_from"]):
        yield RiskItem("risk-age", points)
    if binder := patient.taking("patiromer"):
        yield RiskItem("risk-patiromer", points, binder)


def _lasting(patient: Patient, group: str) -> list[tuple[Exposure, timedelta]]:
    """Active exposures with a known start and how long they have lasted, PRN use left out."""
    found = patient.taking(group)
    return [(e, patient.taken_for(e)) for e in found if not e.as_needed and e.since is not None] if found else []


def _taken_from(span: timedelta, lasting: list[tuple[Exposure, timedelta]]) -> tuple[Exposure, ...]:
    """Those that have lasted at least `span` (limits inclusive)."""
    return tuple([exposure for exposure, taken in lasting if taken >= span]) if lasting else ()


def _ended_within(patient: Patient, span: timedelta, *groups: str) -> tuple[Exposure, ...]:
    """Past exposures whose last dose (end of the order, else its date) is at most `span` ago."""
    found = []
    for exposure in patient.took(*groups):
        last = exposure.until or exposure.authored
        if last is not None and patient.as_of.within(last, span):
            found.append(exposure)
    return tuple(found)


def _long_courses(patient: Patient, k: Limits, within: timedelta) -> tuple[Exposure, ...]:
    """Aminoglycoside courses long enough to matter, running or ended within the window."""
    if not patient.taking("aminoglycoside") and not patient.took("aminoglycoside"):
        return ()
    needed = k.span("aminoglycoside_from")
    running = _taken_from(needed, _lasting(patient, "aminoglycoside"))
    ended = tuple(
        e
        for e in _ended_within(patient, within, "aminoglycoside")
        if e.since is not None and e.until is not None and e.until.latest - e.since.earliest >= needed
    )
    return tuple(e for e in running + ended if e.route in ("intravenous", "intramuscular", None))
