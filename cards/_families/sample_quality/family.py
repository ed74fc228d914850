"""Which of the current results are doubtful as samples, and which value cards give way to `sample-quality-repeat`
(catalogue: sample-quality-repeat, dq-haemolysis, dq-unit-suspect)."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_reference.family import magnesium_reference
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Result, Unusable

SIGNS = (
    "seizure", "tetany", "laryngospasm", "ventricular-arrhythmia", "arrhythmia", "heart-block", "bradycardia",
    "ecg-change", "muscle-weakness", "paralysis", "areflexia", "somnolence", "palpitations", "paraesthesia",
    "syncope", "hypotension",
)  # fmt: skip
UNIT_SUSPECT = "dq-unit-suspect"
NONE: frozenset[str] = frozenset()


class SampleQuality(msgspec.Struct, frozen=True):
    """What is wrong with the samples of the latest K, Mg, PO4 and total Ca.

    haemolysed    high results from a haemolysed sample
    drip_arm      results whose text says that they may come from the arm with the infusion
    edta          K, total Ca and the low Mg and/or ALP of one draw that together look like EDTA
    unit_suspect  unusable results whose unit contradicts their own range, and that would have given a warning
    high, low     concepts whose high (low) value these doubts could explain
    replaced      false when a sign, acute kidney injury, dialysis or eGFR < 30 makes the value too dangerous to set
                  aside, and at order hooks, where sample-quality-repeat is not shown: the value rule then fires and
                  says that the sample may be unreliable
    """

    haemolysed: tuple[Result, ...] = ()
    drip_arm: tuple[Result, ...] = ()
    edta: tuple[Result, ...] = ()
    unit_suspect: tuple[Unusable, ...] = ()
    high: frozenset[str] = NONE
    low: frozenset[str] = NONE
    replaced: bool = False

    def replaces_high(self, concept: str) -> bool:
        """Whether the card about a high value of the concept gives way to sample-quality-repeat."""
        return self.replaced and concept in self.high

    def replaces_low(self, concept: str) -> bool:
        """Whether the card about a low value of the concept gives way to sample-quality-repeat."""
        return self.replaced and concept in self.low

    def doubts(self, concept: str) -> bool:
        """Whether a value card about the concept must say that the sample may be unreliable."""
        return concept in self.high or concept in self.low


def sample_quality(patient: Patient, k: Limits) -> SampleQuality:
    """The doubts about the latest results. Never raises: unknown signs and kidney function leave the doubt standing."""
    potassium, mg = patient.latest("potassium"), patient.latest("magnesium-serum")
    phosphate, calcium = patient.latest("phosphate"), patient.latest("calcium-total")
    high = _high(patient, potassium, mg, phosphate, k)
    drip_arm = tuple([r for r in (potassium, mg, phosphate, calcium) if r is not None and "drip-arm" in r.flags])
    edta = _edta(patient, potassium, calcium, mg, k)
    unit_suspect = _unit_suspect(patient, k)
    if not (high or drip_arm or edta or unit_suspect):
        return SampleQuality()
    haemolysed: tuple[Result, ...] = ()
    explained = {"potassium"} if edta else set()
    if high:
        haemolysed = tuple([r for r in high if "haemolysed" in r.flags])
        explained |= {r.concept for r in high if r in haemolysed or r in drip_arm}
    return SampleQuality(
        haemolysed,
        drip_arm,
        edta,
        unit_suspect,
        high=frozenset(explained),
        low=frozenset([r.concept for r in edta[1:]]),
        replaced=patient.hook not in ORDER_HOOKS and not _too_dangerous(patient, k),
    )


def _high(
    patient: Patient, potassium: Result | None, mg: Result | None, phosphate: Result | None, k: Limits
) -> tuple[Result, ...]:
    """The latest K, Mg and PO4 that are proven high."""
    found = []
    if potassium is not None and potassium.at_least(k["potassium_high"]):
        found.append(potassium)
    if mg is not None and mg.above(patient.ask(magnesium_reference).upper):
        found.append(mg)
    if phosphate is not None:
        own = phosphate.range.high if phosphate.range is not None else None
        if phosphate.above(k["phosphate_high"] if own is None else own):
            found.append(phosphate)
    return tuple(found)


def _edta(
    patient: Patient, potassium: Result | None, calcium: Result | None, mg: Result | None, k: Limits
) -> tuple[Result, ...]:
    """High K, then low total Ca and low Mg and/or ALP of the same draw; empty when that is not the pattern."""
    if potassium is None or calcium is None or not potassium.at_least(k["potassium_high"]):
        return ()
    if not (calcium.below(k["edta_calcium"]) and _same_draw(potassium, calcium, k.span("same_draw"))):
        return ()
    alp = patient.latest("alkaline-phosphatase")
    others = [
        result
        for result, limit in ((mg, k["magnesium_low"]), (alp, k["edta_alp"]))
        if result is not None and result.below(limit) and _same_draw(potassium, result, k.span("same_draw"))
    ]
    return (potassium, calcium, *others) if others else ()


def _same_draw(one: Result, other: Result, span: timedelta) -> bool:
    if one.specimen is not None and one.specimen == other.specimen:
        return True
    if one.at.day_only or other.at.day_only:
        return False
    return abs(one.at.earliest - other.at.earliest) <= span


def _unit_suspect(patient: Patient, k: Limits) -> tuple[Unusable, ...]:
    """Magnesium and calcium set aside for their unit, when nothing newer is known and the value would alarm."""
    found = []
    for concept, name in (("magnesium-serum", "magnesium"), ("calcium-total", "calcium")):
        unusable = patient.unusable(concept)
        if not unusable:
            continue
        suspects = [u for u in unusable if u.reason == UNIT_SUSPECT and u.at is not None]
        for suspect in suspects[:1]:
            at, value, usable = suspect.at, suspect.value, patient.last_known(concept)
            newest = at is not None and (usable is None or usable.at.latest < at.latest)
            if value is None or at is None or not newest or not patient.as_of.within(at, k.span(f"{name}_age")):
                continue
            if value < k[f"{name}_low"] or value > k[f"{name}_high"]:
                found.append(suspect)
    return tuple(found)


def _too_dangerous(patient: Patient, k: Limits) -> bool:
    """A coded sign or long QTc within 72 h, or kidneys that make a high value likely."""
    qtc = patient.latest("qtc", k.span("signs"))
    if qtc is not None and qtc.at_least(k["qtc_long"]):
        return True
    return patient.has(*SIGNS, within=k.span("signs")) is not None or patient.ask(kidney_function).advanced
