"""Which QT-prolonging drugs count (catalogue: qt-drug-low-electrolytes): systemic ones, not single doses in theatre."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cds_service.errors import CannotTellError
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

ANAESTHETICS = frozenset({"propofol", "sevoflurane"})
ANTIEMETICS = frozenset({"droperidol", "ondansetron"})
LISTS = (("medications", "unknown-drugs"), ("conditions", "unknown-problems"))


class QtDrugs(msgspec.Struct, frozen=True):
    """The QT-prolonging drugs of this patient: in use, and all drafts of the session (`judged`: those of this call)."""

    active: tuple[Exposure, ...]
    drafts: tuple[Exposure, ...]

    @property
    def judged(self) -> tuple[Exposure, ...]:
        """The drafts that this call is about."""
        return tuple([draft for draft in self.drafts if draft.judged])

    @property
    def distinct(self) -> tuple[Exposure, ...]:
        """One exposure per substance, drafts of this call first: a renewal is not a second drug."""
        found: dict[frozenset[str] | str, Exposure] = {}
        for exposure in sorted((*self.drafts, *self.active), key=lambda e: not e.judged):
            found.setdefault(exposure.ingredients or exposure.atc or exposure.name, exposure)
        return tuple(found.values())


def qt_drugs(patient: Patient, k: Limits) -> QtDrugs:
    """The drugs of the group `qt-candidates` that count. Never raises: an empty list proves nothing."""
    return QtDrugs(
        tuple([e for e in systemic(patient.taking("qt-candidates")) if not _is_given_once(e)]),
        systemic(patient.drafts("qt-candidates")),
    )


def unread_lists(patient: Patient) -> tuple[str, ...]:
    """Shared phrases for the lists that were not delivered completely and could have added a drug or a disease."""
    missing = []
    for key, phrase in LISTS:
        try:
            patient.complete(key)
        except CannotTellError:
            missing.append(phrase)
    return tuple(missing)


def systemic(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """Those that reach the heart: no eye drops, creams or inhalers, but for the anaesthetics that are inhaled."""
    return tuple(
        [e for e in exposures if not (e.is_local or e.route == "other") or not e.ingredients.isdisjoint(ANAESTHETICS)]
    )


def contains(exposures: Sequence[Exposure], other: Exposure) -> bool:
    """Whether one of the exposures is the same substance as `other`."""
    if other.ingredients:
        return any(not e.ingredients.isdisjoint(other.ingredients) for e in exposures)
    return any(not e.ingredients and e.atc == other.atc for e in exposures)


def _is_given_once(exposure: Exposure) -> bool:
    """An anaesthetic, or an intravenous antiemetic whose every dose is without a frequency."""
    if not exposure.ingredients.isdisjoint(ANAESTHETICS):
        return True
    if exposure.ingredients.isdisjoint(ANTIEMETICS) or exposure.route != "intravenous":
        return False
    return bool(exposure.dosages) and all(
        dosage.per_day is None and not dosage.times and not dosage.as_needed for dosage in exposure.dosages
    )
