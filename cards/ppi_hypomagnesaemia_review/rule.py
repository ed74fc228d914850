"""ppi-hypomagnesaemia-review (catalogue, group F): a low magnesium for which a PPI may be the cause."""

from __future__ import annotations

from cards._families.drug_monitoring.courses import regular
from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_reference.family import magnesium_reference
from cards._families.sample_quality.family import sample_quality
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import ORDER_HOOKS, Limits, Patient
from cds_service.facts.records import Exposure, Result

OTHER_DRUGS = (
    "loop-diuretic", "thiazide", "calcineurin-inhibitor", "platinum", "egfr-mab", "aminoglycoside", "amphotericin",
    "foscarnet-pentamidine", "patiromer", "laxative-stimulant",
)  # fmt: skip
PAST_DRUGS = ("platinum", "egfr-mab", "aminoglycoside", "amphotericin", "foscarnet-pentamidine")
OTHER_CAUSES = (
    "alcohol-use-disorder", "chronic-diarrhoea", "diarrhoea", "short-bowel", "malabsorption", "type-2-diabetes",
    "gitelman", "tubulopathy",
)  # fmt: skip
PROTECTED = ("antithrombotic", "nsaid")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on a low magnesium when a PPI is used for months, or more shortly with no other cause found."""
    drafts = patient.judged("ppi")
    users = regular(patient.taking("ppi"))
    if not users or (patient.hook in ORDER_HOOKS and not drafts):
        return NotApplicable("no regular use of a PPI")
    mg = patient.latest("magnesium-serum")
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if patient.ask(sample_quality).replaces_low("magnesium-serum"):
        return NotApplicable("replaced by sample-quality-repeat")
    kidney = patient.ask(kidney_function)
    if not mg.below(k["low_in_dialysis"] if kidney.dialysis is not None else patient.ask(magnesium_reference).lower):
        return Satisfied((mg,))
    long = [e for e in users if e.since is not None and patient.taken_for(e) >= k.span("from")]
    if not long and not _only_cause(patient, users, mg):
        return NotApplicable("short use, or another cause on the list")
    protected = patient.taking_or_ordering(*PROTECTED)
    return Fires(
        "protected" if protected else "review",
        because=(mg, *users),
        also=(*drafts, *protected),
        values={"mg": mg, "drug": (long or users)[0], "protected": Listing(protected)},
        notes=_notes(bool(long), kidney, patient.has("short-bowel", "high-output-stoma") is not None),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _only_cause(patient: Patient, users: tuple[Exposure, ...], mg: Result) -> bool:
    """Whether the PPI came before the low value and no other cause was found.

    Raises CannotTellError when the lists cannot show that, or when it hangs on an unknown start.
    """
    other = bool(patient.took(*PAST_DRUGS)) or not (
        patient.surely_without(*OTHER_DRUGS) and patient.surely_free_of(*OTHER_CAUSES)
    )
    if any(e.since is None for e in users):
        if other:
            raise CannotTellError("start date of the drug")
        return True
    return not other and any(e.since is not None and e.since.earliest <= mg.at.latest for e in users)


def _notes(long: bool, kidney: KidneyFunction, short_bowel: bool) -> tuple[str, ...]:
    notes = (("only-cause", not long), ("reduced-kidneys", kidney.advanced), ("short-bowel", short_bowel))
    return tuple(name for name, holds in notes if holds)
