"""qt-drug-low-electrolytes: a QT-prolonging drug together with low potassium, magnesium or calcium."""

from __future__ import annotations

from collections.abc import Sequence

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.qt_drugs.family import QtDrugs, contains, qt_drugs, unread_lists
from cards._families.qtc_reading.family import qtc_reading
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result

STARTS = ("order-select", "order-sign")
ALWAYS_MEASURE = frozenset({"methadone", "arsenic-trioxide", "vandetanib"})
CONCEPTS = {"potassium": "potassium", "magnesium-serum": "magnesium"}
CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A QT drug with a low electrolyte; critical with a second QT drug, a long QTc, or a very low value."""
    drugs = patient.ask(qt_drugs)
    concerned = drugs.judged if patient.hook in ORDER_HOOKS else drugs.active
    if not concerned:
        return NotApplicable("no QT-prolonging drug")
    known = tuple([r for concept in CONCEPTS if (r := patient.latest(concept)) is not None])
    low: list[tuple[Result, ...]] = [(r,) for r in known if r.below(k["k_low" if _is_potassium(r) else "mg_low"])]
    basis = patient.ask_or(calcium_basis, None) if low else patient.ask(calcium_basis)
    if basis is not None and _is_low(basis, k):
        low.append(basis.because)
    qtc = patient.ask(qtc_reading).result
    if low:
        return _low(patient, k, drugs, concerned, low, known, basis, qtc)
    borderline = _borderline(patient, k, concerned, known, qtc)
    if borderline is not None:
        return borderline
    unmeasured = _unmeasured(patient, k, drugs, known)
    if unmeasured is not None:
        return unmeasured
    missing = [concept for concept in CONCEPTS if concept not in {r.concept for r in known}]
    if missing:
        return NotApplicable("; ".join(patient.absent(concept) for concept in missing))
    return Satisfied(known)


def _low(
    patient: Patient, k: Limits, drugs: QtDrugs, concerned: tuple[Exposure, ...], low: list[tuple[Result, ...]],
    known: tuple[Result, ...], basis: CalciumBasis | None, qtc: Result | None,
) -> Fires:  # fmt: skip
    """Critical by any of the reasons that make torsade likelier; by fresh results alone where that is possible."""
    ways: list[tuple[Fact, ...]] = [
        found for found in low if any(r.below(k["k_severe"]) if _is_potassium(r) else
                                      r.concept == "magnesium-serum" and r.below(k["mg_severe"]) for r in found)
    ]  # fmt: skip
    long_qt = patient.has("congenital-long-qt")
    second = [drug for drug in drugs.distinct if not contains(concerned[:1], drug)]
    reasons: list[Fact] = [*second]
    if qtc is not None and qtc.at_least(k["qtc_long"]):
        reasons.append(qtc)
    if long_qt is not None:
        reasons.append(long_qt)
    ways += [(*found, reason) for found in low for reason in reasons]
    decides = min(ways, key=_aged) if ways else min(low, key=_aged)
    shown: tuple[Fact, ...] = (*known, *(basis.because if basis is not None and _is_low(basis, k) else ()))
    also = tuple(dict.fromkeys((*concerned, *drugs.distinct, *shown, *([] if qtc is None else [qtc]), *reasons)))
    return Fires(
        "severe" if ways else "low",
        because=decides,
        also=also,
        values={"drug": concerned[0], "values": Listing(tuple(_named(found, basis) for found in low))},
        notes=(Phrase("raised", {"reasons": Listing(tuple(_shown(reason) for reason in reasons))}),) if reasons else (),
        unknown=_unknown(patient, known, qtc) + (basis.unknown if basis is not None else ("unknown-ionised-calcium",)),
    )


def _borderline(
    patient: Patient, k: Limits, concerned: tuple[Exposure, ...], known: tuple[Result, ...], qtc: Result | None
) -> Fires | None:
    """Potassium below its target with a QTc above the limit of the sex; unknown sex: the higher limit."""
    potassium = next((r for r in known if _is_potassium(r)), None)
    long = k["qtc_men"] if patient.sex == "male" else k["qtc_women"]
    if potassium is None or qtc is None or not potassium.below(k["k_target"]) or not qtc.above(long):
        return None
    values: dict[str, Value] = {"drug": concerned[0], "k": potassium, "qtc": qtc}
    unknown = _unknown(patient, known, qtc)
    return Fires("borderline", because=(potassium, qtc), also=concerned, values=values, unknown=unknown)


def _unmeasured(patient: Patient, k: Limits, drugs: QtDrugs, known: tuple[Result, ...]) -> Fires | None:
    """At the start of a drug, or in a patient, of which the label asks for potassium and magnesium beforehand."""
    new = tuple([draft for draft in drugs.judged if not contains(drugs.active, draft)])
    if patient.hook not in STARTS or not new:
        return None
    risks = _risks(patient, k)
    new = new if risks else tuple([draft for draft in new if _asks_for_values(draft)])
    span = k.span("unmeasured_inpatient" if patient.inpatient else "unmeasured")
    missing = tuple(concept for concept in CONCEPTS if new and patient.not_measured_within(concept, span))
    if not missing:
        return None
    patient.complete("medications")
    values: dict[str, Value] = {
        "drug": new[0],
        "missing": Phrase("both" if len(missing) > 1 else CONCEPTS[missing[0]]),
        "days": span.days,
    }
    return Fires("unmeasured", also=(*new, *known, *risks), values=values, unknown=_unknown(patient, known, None)[-1:])


def _asks_for_values(draft: Exposure) -> bool:
    if "antiarrhythmic" in draft.groups or not draft.ingredients.isdisjoint(ALWAYS_MEASURE):
        return True
    return "haloperidol" in draft.ingredients and draft.route == "intravenous"


def _risks(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    """What lowers potassium or magnesium in this patient: a diuretic, a PPI in use, alcohol, diarrhoea.

    A diuretic works within days; a PPI lowers magnesium after months, if at all: one that is only being ordered or was
    surely started of late is no reason.
    """
    lasting = patient.has("alcohol-use-disorder", "chronic-diarrhoea")
    diarrhoea = patient.has("diarrhoea", within=k.span("diarrhoea_window"))
    found = tuple([problem for problem in (lasting, diarrhoea) if problem is not None])
    ppis = [ppi for ppi in patient.taking("ppi") if ppi.since is None or patient.taken_for(ppi) >= k.span("ppi_from")]
    drugs = (*patient.taking_or_ordering("diuretic"), *ppis)
    return (*drugs, *dict.fromkeys(found))


def _is_potassium(result: Result) -> bool:
    return result.concept == "potassium"


def _is_low(basis: CalciumBasis, k: Limits) -> bool:
    """Ionised calcium below its own limit here; total calcium in the severe band of ca-basis."""
    if basis.kind == "ionised" and basis.result is not None:
        return basis.result.below(k["ionised_low"])
    return basis.low is Severity.CRITICAL


def _aged(way: Sequence[Fact]) -> bool:
    return any(isinstance(fact, Result) and fact.age != "fresh" for fact in way)


def _named(found: tuple[Result, ...], basis: CalciumBasis | None) -> Phrase:
    if basis is not None and found[0].concept in CALCIUM:
        return basis.shown
    return Phrase("named-result", {"result": found[0]})


def _shown(reason: Fact) -> Fact | Phrase:
    return Phrase("named-result", {"result": reason}) if isinstance(reason, Result) else reason


def _unknown(patient: Patient, known: tuple[Result, ...], qtc: Result | None) -> tuple[str, ...]:
    measured = {r.concept for r in known}
    missing = tuple([phrase for concept, phrase in CONCEPTS.items() if concept not in measured])
    return (*missing, *unread_lists(patient), *(() if qtc is not None else ("unknown-qtc",)))
