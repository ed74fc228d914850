"""The question about earlier cards as SQL: for each rule that has something to say now, its newest cards by one index.

Only so many cards of a rule are looked at, so that a patient of many calls costs no more than another. What is kept
back leaves no card: after an override come only those that repeat it within other cards, or are news.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cds_service.storage.records import Question

NEWEST = 50  # cards of a rule about a patient that are looked at
# From the index alone (a pseudonym belongs to one tenant): the rows are read only when they matter.
_NEWEST = f"""SELECT id, card FROM issued_card
    WHERE patient = :{{patient}} AND rule = :{{rule}} AND as_of >= :since AND card IS NOT NULL
    ORDER BY as_of DESC LIMIT {NEWEST}"""  # noqa: S608 (a number of ours)
# A rule that another one's card absorbed shares the answer to that card. Most cards have none: CROSS JOIN makes SQLite
# look for one before it reads the row. Who reports on another client's card changes nothing.
_ANSWERED = """SELECT c.rule, c.variant, c.severity, c.subject, c.as_of, c.card, f.id, f.outcome, f.reason
    FROM ({newest}) AS n CROSS JOIN feedback AS f CROSS JOIN issued_card AS c
    WHERE f.tenant = :tenant AND f.card = n.card AND c.id = n.id AND c.client = f.client"""
# The newest that the user saw, per variant, severity and subject; the line of another card was seen as well.
_SHOWN = """SELECT c.rule, c.variant, c.severity, c.subject, max(c.as_of), CAST(NULL AS TEXT), CAST(NULL AS BIGINT),
        CAST(NULL AS TEXT), CAST(NULL AS TEXT)
    FROM ({newest}) AS n CROSS JOIN issued_card AS c
    WHERE c.id = n.id AND c.clinician IN ({users}) AND c.disposition IN ('shown', 'absorbed')
    GROUP BY c.rule, c.variant, c.severity, c.subject"""


@lru_cache(maxsize=256)
def statement(rules: int, once_rules: int, keys: int) -> str:
    """The query for so many rules and pseudonym keys; `once_rules` 0: without what was shown.

    Its rows: rule, variant, severity, subject, as_of, card, id of the feedback (None: the row is about a shown card),
    outcome, reason. Understood by SQLite and PostgreSQL; its values are named, see `parameters`.
    """
    users = ", ".join(f":user_{key}" for key in range(keys))
    patients = [f"patient_{key}" for key in range(keys)]
    newest = [(f"rule_{rule}", patient) for rule in range(rules) for patient in patients]
    arms = [_ANSWERED.format(newest=_NEWEST.format(rule=rule, patient=patient)) for rule, patient in newest]
    shown = [(f"once_{rule}", patient) for rule in range(once_rules) for patient in patients]
    arms += [_SHOWN.format(newest=_NEWEST.format(rule=rule, patient=patient), users=users) for rule, patient in shown]
    return "\nUNION ALL ".join(arms)


def parameters(question: Question) -> dict[str, Any]:
    """The values for the statement."""
    values = {"tenant": question.tenant, "since": question.since}
    _number(values, "patient", [one.value for one in question.patients])
    _number(values, "rule", question.rules)
    if question.users:
        _number(values, "once", question.once_rules)
        _number(values, "user", [one.value for one in question.users])
    return values


def _number(values: dict[str, Any], name: str, found: Sequence[str]) -> None:
    for place, value in enumerate(found):
        values[f"{name}_{place}"] = value
