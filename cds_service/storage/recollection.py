"""The question about earlier cards as SQL: two look-ups in one index, for the rules that have something to say now.

It reads only what can matter, so that a patient of many calls costs hardly more than a new one: cards with feedback
(few), and per rule, variant, severity and subject the newest that the user saw.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from cds_service.storage.records import Question
from cds_service.storage.tables import feedback, issued_card

KEYS = 2  # pseudonym keys at most


@lru_cache(maxsize=256)
def statement(rules: int, once_rules: int) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """The query for so many rules; `once_rules` 0: without what was shown.

    Its rows: rule, variant, severity, subject, as_of, card, id of the feedback (None: the row is about a shown card),
    outcome, reason.
    """
    overridden = _answered(rules)
    return sa.union_all(overridden, _shown(once_rules)) if once_rules else overridden


def parameters(question: Question) -> dict[str, Any]:
    """The values for the statement."""
    values = {
        "tenant": question.tenant,
        "since": question.since,
        **_numbered("patient", [one.value for one in question.patients], KEYS),
        **_numbered("rule", question.rules),
    }
    if question.once_rules and question.users:
        values |= _numbered("once", question.once_rules)
        values |= _numbered("user", [one.value for one in question.users], KEYS)
    return values


def _answered(rules: int) -> sa.Select[Any]:
    """Cards with their reports. A rule that another one's card absorbed shares the answer to that card."""
    card, report = issued_card.c, feedback.c
    return (
        sa.select(
            card.rule, card.variant, card.severity, card.subject, card.as_of, card.card,
            report.id, report.outcome, report.reason,
        )
        .select_from(issued_card.join(feedback, (report.tenant == card.tenant) & (report.card == card.card)))
        .where(*_of_patient(), card.rule.in_(_places("rule", rules)))
    )  # fmt: skip


def _shown(rules: int) -> sa.Select[Any]:
    card = issued_card.c
    kept = (card.rule, card.variant, card.severity, card.subject)
    no_text, no_number = sa.cast(sa.null(), sa.Text), sa.cast(sa.null(), sa.BigInteger)
    return (
        sa.select(*kept, sa.func.max(card.as_of, type_=card.as_of.type), no_text, no_number, no_text, no_text)
        .where(
            *_of_patient(),
            card.rule.in_(_places("once", rules)),
            card.clinician.in_(_places("user", KEYS)),
            card.disposition == sa.literal_column("'shown'"),
        )
        .group_by(*kept)
    )


def _of_patient() -> tuple[sa.ColumnElement[bool], ...]:
    card = issued_card.c
    return (
        card.tenant == sa.bindparam("tenant", type_=sa.Text),
        card.patient.in_(_places("patient", KEYS)),
        card.as_of >= sa.bindparam("since", type_=card.as_of.type),
    )


def _places(name: str, count: int) -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"{name}_{place}", type_=sa.Text) for place in range(count)]


def _numbered(name: str, values: list[str] | tuple[str, ...], count: int = 0) -> dict[str, str]:
    """Values by place; what is missing to `count` is a value that nothing has."""
    padded = [*values, *[""] * (count - len(values))]
    return {f"{name}_{place}": value for place, value in enumerate(padded)}
