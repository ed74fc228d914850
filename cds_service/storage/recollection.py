"""The question about earlier cards as SQL: for each rule that has something to say now, its newest cards by one index.

Only so many cards of a rule are looked at, so that a patient of many calls costs no more than another. What is kept
back leaves no card: after an override come only those that repeat it within other cards, or are news.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from cds_service.storage.quick_reader import Statement
from cds_service.storage.records import Question
from cds_service.storage.tables import feedback, issued_card

NEWEST = 50  # cards of a rule about a patient that are looked at


@lru_cache(maxsize=256)
def statement(rules: int, once_rules: int, keys: int) -> Statement:
    """The query for so many rules and pseudonym keys; `once_rules` 0: without what was shown.

    Its rows: rule, variant, severity, subject, as_of, card, id of the feedback (None: the row is about a shown card),
    outcome, reason.
    """
    arms = [_answered(f"rule_{rule}", f"patient_{key}") for rule in range(rules) for key in range(keys)]
    arms += [_shown(f"once_{rule}", f"patient_{key}", keys) for rule in range(once_rules) for key in range(keys)]
    return sa.union_all(*arms) if len(arms) > 1 else arms[0]


def parameters(question: Question) -> dict[str, Any]:
    """The values for the statement."""
    values = {
        "tenant": question.tenant,
        "since": question.since,
        **_numbered("patient", [one.value for one in question.patients]),
        **_numbered("rule", question.rules),
    }
    if question.users:
        values |= _numbered("once", question.once_rules)
        values |= _numbered("user", [one.value for one in question.users])
    return values


def _newest(rule: str, patient: str) -> sa.Subquery:
    """From the index alone (a pseudonym belongs to one tenant): the rows are read only when they matter."""
    card = issued_card.c
    return (
        sa.select(card.id, card.card)
        .where(
            card.patient == sa.bindparam(patient, type_=sa.Text),
            card.rule == sa.bindparam(rule, type_=sa.Text),
            card.as_of >= sa.bindparam("since", type_=card.as_of.type),
            card.card.is_not(None),
        )
        .order_by(card.as_of.desc())
        .limit(NEWEST)
        .subquery()
    )


def _answered(rule: str, patient: str) -> sa.Select[Any]:
    """Cards with their reports. A rule that another one's card absorbed shares the answer to that card."""
    newest, card, report = _newest(rule, patient), issued_card.c, feedback.c
    mine = (report.tenant == sa.bindparam("tenant", type_=sa.Text)) & (report.card == newest.c.card)
    return sa.select(
        card.rule, card.variant, card.severity, card.subject, card.as_of, card.card,
        report.id, report.outcome, report.reason,
    ).select_from(newest.join(feedback, mine).join(issued_card, card.id == newest.c.id))  # fmt: skip


def _shown(rule: str, patient: str, keys: int) -> sa.Select[Any]:
    """The newest that the user saw, per variant, severity and subject."""
    newest, card = _newest(rule, patient), issued_card.c
    kept = (card.rule, card.variant, card.severity, card.subject)
    no_text, no_number = sa.cast(sa.null(), sa.Text), sa.cast(sa.null(), sa.BigInteger)
    users = [sa.bindparam(f"user_{key}", type_=sa.Text) for key in range(keys)]
    return (
        sa.select(*kept, sa.func.max(card.as_of, type_=card.as_of.type), no_text, no_number, no_text, no_text)
        .select_from(newest.join(issued_card, card.id == newest.c.id))
        .where(card.clinician.in_(users), card.disposition == sa.literal_column("'shown'"))
        .group_by(*kept)
    )


def _numbered(name: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{name}_{place}": value for place, value in enumerate(values)}
