"""How the daily magnesium is printed, product by product and in total, and which products are supplements."""

from __future__ import annotations

from cards._families.magnesium_intake.family import MagnesiumIntake, MagnesiumLine, whole
from cds_service.facts.outcomes import Phrase
from cds_service.facts.records import Exposure

OTHER_USE = frozenset(
    {"laxative", "laxative-magnesium", "antacid", "antacid-mg-al", "bowel-preparation-magnesium",
     "phosphate-binder-magnesium", "multivitamin-mineral"}
)  # fmt: skip


def is_supplement(exposure: Exposure) -> bool:
    """An oral magnesium supplement: by its class, or a magnesium salt that nothing calls a laxative (its reason
    neither), antacid, bowel preparation or phosphate binder."""
    if exposure.route not in ("oral", None):
        return False
    if "magnesium-supplement" in exposure.groups:
        return True
    if "magnesium" not in exposure.groups or "constipation" in exposure.reason_groups:
        return False
    return exposure.groups.isdisjoint(OTHER_USE)


def total_phrase(intake: MagnesiumIntake) -> Phrase:
    """The sum in mg elemental a day, without unit: one number, a range, or a minimum."""
    kind = "elemental-at-least" if intake.at_least else "elemental-range" if intake.ambiguous else "elemental-exact"
    return Phrase(kind, {"lower": whole(intake.lower), "upper": whole(intake.upper)})


def product_lines(intake: MagnesiumIntake) -> tuple[Phrase, ...]:
    """A line per product with what it supplies; what is renewed by a draft is left out."""
    return tuple(_line(line) for line in intake.lines if not line.superseded)


def _line(line: MagnesiumLine) -> Phrase:
    if not line.known:
        return Phrase("magnesium-line-no-dose", {"product": line.exposure})
    kind = "elemental-range" if line.ambiguous else "elemental-exact"
    amount = Phrase(kind, {"lower": whole(line.lower), "upper": whole(line.upper)})
    name = "magnesium-line-as-needed" if line.as_needed else "magnesium-line"
    return Phrase(name, {"product": line.exposure, "amount": amount})
