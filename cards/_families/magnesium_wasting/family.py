"""How many classes of drugs that lower magnesium a patient takes (catalogue: `cumulative-mg-wasting-drugs`)."""

from __future__ import annotations

import msgspec

from cards._families.drug_monitoring.courses import by_route, ended_within, regular, used_from
from cards._families.laxative_misuse.family import laxative_misuse
from cds_service.errors import CannotTellError
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

INFUSED = ("intravenous",)


class Member(msgspec.Struct, frozen=True):
    """A drug group of a class: by which routes, from which duration and until how long after its end it counts."""

    kind: str
    group: str
    routes: tuple[str, ...] = ()
    lasting: str | None = None
    ended: str | None = None


MEMBERS = (
    Member("ppi", "ppi", lasting="ppi_from"),
    Member("loop-diuretic", "loop-diuretic", lasting="diuretic_from"),
    Member("thiazide", "thiazide", lasting="diuretic_from"),
    Member("calcineurin-inhibitor", "calcineurin-inhibitor", ("oral", "intravenous")),
    Member("platinum", "cisplatin", ended="cisplatin_after"),
    Member("platinum", "carboplatin", ended="carboplatin_after"),
    Member("egfr-mab", "egfr-mab", ended="egfr_mab_after"),
    Member(
        "antimicrobial",
        "aminoglycoside",
        ("intravenous", "intramuscular"),
        "aminoglycoside_from",
        "aminoglycoside_after",
    ),
    Member("antimicrobial", "amphotericin", INFUSED),
    Member("antimicrobial", "foscarnet-pentamidine", INFUSED),
    Member("patiromer", "patiromer"),
)


class MagnesiumWasting(msgspec.Struct, frozen=True):
    """classes: class -> the drugs that make it count, a judged draft among them; undecided: classes that count if their
    drug was begun long enough ago, which is not known."""

    classes: dict[str, tuple[Exposure, ...]]
    undecided: frozenset[str]

    @property
    def drugs(self) -> tuple[Exposure, ...]:
        """All drugs that count."""
        return tuple(dict.fromkeys(drug for drugs in self.classes.values() for drug in drugs))


def magnesium_wasting(patient: Patient, k: Limits) -> MagnesiumWasting:
    """The classes in use, long enough or ended only just now."""
    classes: dict[str, tuple[Exposure, ...]] = {}
    undecided = set()
    for member in MEMBERS:
        try:
            if drugs := _counting(patient, member, k):
                classes[member.kind] = classes.get(member.kind, ()) + drugs
        except CannotTellError:
            undecided.add(member.kind)
    try:
        if misuse := patient.ask(laxative_misuse):
            classes["laxative-stimulant"] = (*misuse.drugs, *patient.judged("laxative-stimulant"))
    except CannotTellError:
        undecided.add("laxative-stimulant")
    return MagnesiumWasting(classes, frozenset(undecided - classes.keys()))


def _counting(patient: Patient, member: Member, k: Limits) -> tuple[Exposure, ...]:
    """A new order counts by itself only for a drug that needs no duration."""
    used = by_route(regular(patient.taking(member.group)), member.routes)
    if member.ended is not None:
        used += by_route(regular(ended_within(patient, k.span(member.ended), member.group)), member.routes)
    if member.lasting is not None:
        used = used_from(patient, used, k.span(member.lasting))
    drafts = by_route(regular(patient.judged(member.group)), member.routes)
    return used + drafts if used or member.lasting is None else ()
