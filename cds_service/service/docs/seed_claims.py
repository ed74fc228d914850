"""docs/seed-claims.md: every claim of the texts that the project started from, its verdict, and what acts on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from cds_service.knowledge.dossier import ClaimEntry, ClaimVerdict
from cds_service.service.docs.markdown import page, rule_links, table

INTRODUCTION = """\
Five popular texts about magnesium deficiency (S0 to S4) started this project. Each of their claims, in our own words,
with what is true of it and the rule that acts on that, or the reason why none does. Advice that the evidence does not
carry is provably not given: `tests/cards/test_seed_claims.py` searches every card text in both languages.
"""
VERDICTS: Mapping[ClaimVerdict, str] = {
    "supported": "supported",
    "partly": "partly true",
    "contested": "contested",
    "unsupported": "unsupported",
    "wrong": "wrong",
}


def seed_claims_page(claims: Sequence[ClaimEntry], rules: Collection[str]) -> str:
    """The table of all claims. rules: the ids of the rules that have a page."""
    counts = Counter(claim.verdict for claim in claims)
    lines = [
        "# Seed claims",
        "",
        INTRODUCTION,
        *table(("verdict", "claims"), ((name, str(counts[verdict])) for verdict, name in VERDICTS.items())),
        *table(("#", "claim", "said by", "verdict", "rule, or why none"), (_row(claim, rules) for claim in claims)),
    ]
    return page(lines)


def _row(claim: ClaimEntry, rules: Collection[str]) -> tuple[str, ...]:
    parts = [rule_links(claim.rules, rules)] if claim.rules else []
    if claim.reason is not None:
        parts.append(claim.reason.en + ".")
    return (
        str(claim.number),
        f"{claim.claim.en} / *{claim.claim.nl}*",
        ", ".join(f"S{seed}" for seed in claim.seeds),
        f"**{VERDICTS[claim.verdict]}.** {claim.finding.en}.",
        "<br>".join(parts),
    )
