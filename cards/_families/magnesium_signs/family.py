"""Sign and symptom rows of the hidden-deficiency table (catalogue, `mg-latent-deficiency-suspected`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from cards._families.calcium_basis.family import calcium_basis
from cards._families.magnesium_risk.family import RiskItem
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient

POTASSIUM_LOWERING = (
    "diuretic",
    "laxative",
    "beta-agonist",
    "insulin",
    "corticosteroid",
    "amphotericin",
    "xanthine",
    "aminoglycoside",
    "platinum",
    "abiraterone",
)
SINGLE_SYMPTOMS = ("muscle-cramps", "paraesthesia", "palpitations")
POOLED_SYMPTOMS = (
    "fatigue",
    "insomnia",
    "anxiety",
    "headache-migraine",
    "low-mood",
    "nausea-anorexia",
    "constipation",
)


class MagnesiumSigns(msgspec.Struct, frozen=True):
    """Objective signs and symptoms found, and (phrase ids) what was not known and counted zero."""

    signs: tuple[RiskItem, ...]
    symptoms: tuple[RiskItem, ...]
    unknown: tuple[str, ...]

    @property
    def points(self) -> int:
        """Signs and symptoms together."""
        return sum(item.points for item in (*self.signs, *self.symptoms))


def magnesium_signs(patient: Patient, k: Limits) -> MagnesiumSigns:
    """What is coded within the windows; unexplained low potassium or calcium counts only when surely unexplained."""
    unknown = () if patient.latest("qtc", k.span("laboratory_window")) is not None else ("unknown-qtc",)
    signs = (*_tetany(patient, k), *_potassium(patient, k), *_calcium(patient, k), *_rhythm(patient, k))
    return MagnesiumSigns(signs, tuple(_symptoms(patient, k)), unknown)


def _tetany(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    window = k.span("window")
    if tetany := patient.has_confirmed("tetany", within=window):
        yield RiskItem("sign-tetany", int(k["points_strong"]), (tetany,))
    if tremor := patient.has_confirmed("tremor", "fasciculation", within=window):
        yield RiskItem("sign-tremor", int(k["points_weak"]), (tremor,))


def _potassium(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    potassium = patient.latest("potassium", k.span("laboratory_window"))
    if potassium is None or not potassium.below(k["k_low"]):
        return
    gut_loss = patient.has("vomiting", "diarrhoea", within=k.span("laboratory_window"))
    if gut_loss is not None or patient.has("short-bowel", "high-output-stoma") is not None:
        return
    if _certain(lambda: patient.surely_without(*POTASSIUM_LOWERING)):
        yield RiskItem("sign-potassium", int(k["points_strong"]), (potassium,))


def _calcium(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    basis = patient.ask_or(calcium_basis, None)
    if basis is None or basis.low is None:
        return
    laboratory_window = k.span("laboratory_window")
    if [r for r in basis.because if not patient.as_of.within(r.at, laboratory_window)]:
        return
    vitamin_d = patient.latest("vitamin-d")
    explained = patient.has("ckd-g4", "ckd-g5", "hypoparathyroidism") is not None
    explained = explained or (vitamin_d is not None and vitamin_d.below(k["vitamin_d_low"]))
    window = k.span("bone_drug_window")
    last_doses = [e.until or e.authored for e in patient.took("antiresorptive")]
    explained = explained or any(last is not None and patient.as_of.within(last, window) for last in last_doses)
    if not explained and _certain(lambda: patient.surely_without("antiresorptive")):
        yield RiskItem("sign-calcium", int(k["points_strong"]), basis.because)


def _rhythm(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    points = int(k["points_moderate"])
    qtc = patient.latest("qtc", k.span("laboratory_window"))
    if qtc is not None and patient.sex is not None:
        limit = k["qtc_women"] if patient.sex == "female" else k["qtc_men"]
        if qtc.above(limit):
            yield RiskItem("sign-qtc", points, (qtc,))
    if rhythm := patient.has_confirmed(
        "atrial-fibrillation", "ventricular-arrhythmia", "ventricular-ectopy", within=k.span("window")
    ):
        yield RiskItem("sign-rhythm", points, (rhythm,))
    seizure = patient.has_confirmed("seizure", within=k.span("window"))
    if seizure is not None and patient.has("epilepsy") is None:
        yield RiskItem("sign-seizure", points, (seizure,))


def _symptoms(patient: Patient, k: Limits) -> Iterator[RiskItem]:
    window, points = k.span("window"), int(k["points_weak"])
    if patient.has_confirmed(*SINGLE_SYMPTOMS, *POOLED_SYMPTOMS, within=window) is None:
        return
    single = [p for group in SINGLE_SYMPTOMS if (p := patient.has_confirmed(group, within=window)) is not None]
    if single:
        facts: tuple[Fact, ...] = tuple(single)
        yield RiskItem("symptom-neuromuscular", min(len(single) * points, int(k["symptoms_at_most"])), facts)
    pooled = tuple(p for group in POOLED_SYMPTOMS if (p := patient.has_confirmed(group, within=window)) is not None)
    if len(pooled) >= k["pooled_from"]:
        yield RiskItem("symptom-general", points, pooled)


def _certain(question: Callable[[], bool]) -> bool:
    """True only when the question answers yes; what cannot be told counts as no."""
    try:
        return question()
    except CannotTellError:
        return False
