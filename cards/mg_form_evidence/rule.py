"""mg-form-evidence (catalogue section 10): what is known of the forms of magnesium, when a supplement is chosen."""

from __future__ import annotations

from cards._families.magnesium_intake.lines import is_supplement
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """A magnesium supplement among the selected orders."""
    drafts = tuple([draft for draft in patient.judged("magnesium") if is_supplement(draft)])
    return Fires("forms", because=drafts) if drafts else NotApplicable("no magnesium supplement ordered")
