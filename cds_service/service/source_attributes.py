"""The source attributes of a rule that 45 CFR 170.315(b)(11)(iv)(A) asks of evidence-based decision support."""

from __future__ import annotations

from typing import Any

from cds_service.knowledge.model import Evidence
from cds_service.service.rule_sheet import RuleSheet

REGULATION = "45 CFR 170.315(b)(11)(iv)(A)"
_NOT_READ = {"used": False, "explanation": "The service never reads this; no rule can use it."}
_FUNDING = "None declared. Open source; whoever deploys it adds what funded the deployment."
_LANGUAGE = "Not of the patient. Cards are written in the language that the caller asks for (Accept-Language)."


def source_attributes(sheet: RuleSheet, knowledge_version: str) -> dict[str, Any]:
    """All thirteen, in the order of the regulation, as a JSON object; what is not known is said to be so."""
    rule, review = sheet.rule, sheet.rule.review
    return {
        "bibliographicCitation": [_citation(source) for source in rule.evidence],
        "developer": f"{review.author}; checked by: {review.checker}",
        "fundingSource": _FUNDING,
        "releaseAndRevisionDates": {
            "ruleVersion": rule.version,
            "knowledgeVersion": knowledge_version,
            "changedInKnowledgeVersion": sheet.record.since or None,
            "reviewed": review.reviewed.isoformat(),
            "nextReview": review.next.isoformat(),
        },
        "race": _race(sheet),
        "ethnicity": _NOT_READ,
        "language": {"used": False, "explanation": _LANGUAGE},
        "sexualOrientation": _NOT_READ,
        "genderIdentity": _NOT_READ,
        "sex": _use(sheet.uses_sex, "Administrative sex, in the rule or in a question or gate that it asks."),
        "dateOfBirth": _use(sheet.uses_birth_date, "As age: " + _ages(sheet)),
        "socialDeterminantsOfHealth": _NOT_READ,
        "healthStatusAssessments": _use(
            bool(sheet.health_status), "Read: " + ", ".join(label["en"] for label in sheet.health_status) + "."
        ),
    }


def _race(sheet: RuleSheet) -> dict[str, Any]:
    if not sheet.race_coded:
        return _NOT_READ
    codes = ", ".join(sheet.race_coded)
    explanation = (
        "Indirectly. Race itself is never read and our own eGFR (CKD-EPI 2021) does without, but an eGFR that a "
        f"laboratory computed with a race coefficient (LOINC {codes}) is taken as reported."
    )
    return {"used": True, "explanation": explanation}


def _use(used: bool, explanation: str) -> dict[str, Any]:
    return {"used": used, "explanation": explanation if used else "Not used by this rule."}


def _ages(sheet: RuleSheet) -> str:
    whom = {"adult": "the rule is for adults.", "child": "the rule is for children."}
    return whom.get(sheet.rule.ages, "limits or points that depend on age.")


def _citation(source: Evidence) -> dict[str, Any]:
    return {
        "citation": source.citation,
        "label": source.label,
        "url": source.url,
        "read": source.read.isoformat() if source.read else None,
    }
