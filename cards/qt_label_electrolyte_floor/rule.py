"""qt-label-electrolyte-floor: drugs whose own label says how low potassium, magnesium or calcium may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cards._families.calcium_basis.family import calcium_basis
from cards._families.qtc_reading.family import qtc_reading
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result


class Floor(NamedTuple):
    """One value that a label asks for: at least the limit, or more than it (`above`)."""

    concept: str
    limit: str
    above: bool = False


FLOORS: Mapping[str, tuple[Floor, ...]] = {
    "nilotinib": (Floor("potassium", "k_low"), Floor("magnesium-serum", "mg_low")),
    "arsenic-trioxide": (Floor("potassium", "arsenic_k", True), Floor("magnesium-serum", "arsenic_mg", True)),
    "vandetanib": (Floor("potassium", "vandetanib_k"), Floor("magnesium-serum", "mg_low")),
    "sotalol": (Floor("potassium", "sotalol_k"), Floor("magnesium-serum", "mg_low")),
    "dofetilide": (Floor("potassium", "dofetilide_k"), Floor("magnesium-serum", "mg_low")),
    "ibutilide": (Floor("potassium", "k_low"), Floor("magnesium-serum", "mg_low")),
}
STARTS = ("order-select", "order-sign")
FORBIDS = frozenset({"nilotinib", "arsenic-trioxide", "vandetanib"})
ASKS_QTC = frozenset({"nilotinib"})
ASKS_CALCIUM = frozenset({"vandetanib"})
CALCIUM = ("calcium-total", "calcium-ionised", "calcium-adjusted")
NAMES = {"potassium": "potassium", "magnesium-serum": "magnesium", "qtc": "unknown-qtc"}


class Finding(NamedTuple):
    """One drug with the facts that its label does not allow, and how they are named."""

    drug: Exposure
    name: str
    long_qt: bool
    facts: tuple[Fact, ...]
    named: tuple[Value, ...]


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A value below what the drug's label asks for; before a first dose a value that is not known is asked for."""
    ordering = patient.hook in ORDER_HOOKS
    drugs = patient.judged(*FLOORS) if ordering else patient.taking(*FLOORS)
    pairs = [(drug, name) for drug in drugs for name in FLOORS if name in drug.ingredients]
    if not pairs:
        return NotApplicable("no drug with a limit in its label")
    findings = [found for drug, name in pairs if (found := _violated(patient, k, drug, name)) is not None]
    if findings:
        return _below(patient, findings, ordering)
    missing = list(dict.fromkeys(phrase for _, name in pairs for phrase in _missing(patient, k, name)))
    if missing and patient.hook in STARTS:
        *others, last = [Phrase(phrase) for phrase in missing]
        values: dict[str, Value] = {
            "drug": Listing(drugs),
            "missing": Phrase("all", {"others": Listing(tuple(others)), "last": last}) if others else last,
            "days": k.span("window").days,
        }
        return Fires("unknown", also=(*drugs, *_measured(patient, k)), values=values)
    if missing:
        return NotApplicable("not measured")
    return Satisfied(_measured(patient, k))


def _violated(patient: Patient, k: Limits, drug: Exposure, name: str) -> Finding | None:
    facts: list[Fact] = []
    named: list[Value] = []
    for floor in FLOORS[name]:
        result = patient.latest(floor.concept, k.span("window"))
        limit = k[floor.limit]
        if result is not None and (result.at_most(limit) if floor.above else result.below(limit)):
            facts.append(result)
            named.append(Phrase("named-result", {"result": result}))
    if name in ASKS_CALCIUM:
        basis = patient.ask_or(calcium_basis, None) if facts else patient.ask(calcium_basis)
        if basis is not None and basis.low is not None:
            facts += basis.because
            named.append(basis.shown)
    if name in ASKS_QTC:
        qtc = patient.ask(qtc_reading).within(k.span("window"), patient.as_of)
        long_qt = patient.has("congenital-long-qt")
        if qtc is not None and qtc.above(k["nilotinib_qtc"]):
            facts.append(qtc)
            named.append(Phrase("named-result", {"result": qtc}))
        if long_qt is not None:
            facts.append(long_qt)
            named.append(long_qt)
    return Finding(drug, name, _is_about_qt(facts), tuple(facts), tuple(named)) if facts else None


def _is_about_qt(facts: list[Fact]) -> bool:
    """Whether the QT interval itself is too long: that is not corrected by giving potassium or magnesium."""
    return any(not isinstance(fact, Result) or fact.concept == "qtc" for fact in facts)


def _below(patient: Patient, findings: list[Finding], ordering: bool) -> Fires:
    """The strictest label leads the card; a drug that is taken already weighs one step less than an order."""
    findings.sort(key=lambda found: found.name not in FORBIDS)
    first = findings[0]
    forbids = first.name in FORBIDS
    severity = Severity.CRITICAL if forbids else Severity.WARNING
    hold = "delay" if patient.hook in STARTS else "hold-dose" if forbids else "ask-first"
    if patient.hook not in STARTS:
        severity = Severity(severity - 1)
    fresh = [fact for fact in first.facts if not isinstance(fact, Result) or fact.age == "fresh"]
    because = tuple(fresh[:1]) if fresh else first.facts
    shown = tuple(dict.fromkeys(fact for found in findings for fact in (found.drug, *found.facts)))
    lines = tuple(Phrase("line", {"drug": found.drug, "values": Listing(found.named)}) for found in findings)
    return Fires(
        "long-qt" if first.long_qt else "forbidden" if forbids else "correct-first",
        severity=severity,
        because=because,
        also=shown,
        values={"drug": first.drug, "values": Listing(first.named), "hold": Phrase(hold, {"drug": first.drug})},
        notes=(*(lines if len(lines) > 1 else ()), *_sources(findings)),
    )


def _sources(findings: list[Finding]) -> tuple[str, ...]:
    """Where labels differ, or practice goes beyond them, the card says so."""
    return tuple(name for name in ("sotalol", "dofetilide") if any(found.name == name for found in findings))


def _missing(patient: Patient, k: Limits, name: str) -> list[str]:
    """Shared phrases for what the label asks for and nobody measured. Raises CannotTellError when it may be there."""
    concepts = [floor.concept for floor in FLOORS[name]] + (["qtc"] if name in ASKS_QTC else [])
    missing = [NAMES[concept] for concept in concepts if patient.not_measured_within(concept, k.span("window"))]
    if name in ASKS_CALCIUM and patient.ask(calcium_basis).result is None:
        missing += ["unknown-ionised-calcium"] if all(patient.absent(concept) for concept in CALCIUM) else []
    return missing


def _measured(patient: Patient, k: Limits) -> tuple[Result, ...]:
    return tuple([r for concept in NAMES if (r := patient.latest(concept, k.span("window"))) is not None])
