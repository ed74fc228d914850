"""A service with a small key plan of its own and an answer that says what it was given: the edge without the rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.facts.outcomes import Satisfied
from cds_service.facts.patient import Limits, Needs
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.call import Call
from cds_service.knowledge.model import Evidence, KeyPlanEntry, Knowledge, Limit, Policy, Review, Rule
from cds_service.settings import Settings
from cds_service.web.edge import Answer, Voice
from tests.http.client import Client
from tests.http.trusted import production

HOOKS = (
    "patient-view", "order-select", "order-sign", "encounter-start", "encounter-discharge", "medication-refill"
)  # fmt: skip
WHY = {"nl": "nodig", "en": "needed"}
PLAN = (
    KeyPlanEntry("patient", "Patient/{{context.patientId}}", dict.fromkeys(HOOKS, "R"), WHY, "Patient"),
    KeyPlanEntry("encounter", "Encounter/{{context.encounterId}}", dict.fromkeys(HOOKS, "O"), WHY, "Encounter"),
    KeyPlanEntry(
        "labs",
        "Observation?patient={{context.patientId}}&code=http://loinc.org|2601-3,2823-3&_sort=-date&_count=3",
        dict.fromkeys(HOOKS, "R"),
        WHY,
        "Observation",
    ),
    KeyPlanEntry(
        "conditions",
        "Condition?patient={{context.patientId}}&_count=100",
        dict.fromkeys(HOOKS[:3], "S"),
        WHY,
        "Condition",
    ),
)


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """One rule, four prefetch keys."""
    vocabulary = Vocabulary({}, {}, {}, {}, {}, (), {}, {}, (), {}, {})
    policy = Policy(3, 3, 3, 5, {}, (), ())
    evidence = Evidence("src-1", "Source", 'A <b>bold</b> "citation"', "https://journal.example/1")
    return Knowledge(
        "1.2.3", "none", (_rule(evidence),), {}, (), {}, vocabulary, PLAN, policy, {}, {"src-1": evidence}, {}, {}
    )


def _rule(evidence: Evidence) -> Rule:
    limit = Limit("low", Decimal("0.50"), "mmol/L", Decimal("0.40"), Decimal("0.55"), "verified", "src-1", 1)
    return Rule(
        id="test-rule",
        version=4,
        status="live",
        group="A",
        title={"nl": "Regel <script>", "en": "Rule <script>"},
        hooks=frozenset({"patient-view"}),
        tiers={},
        default_tier="P3",
        ages="adult",
        gates=(),
        recent_is_fresh_at=frozenset(),
        trigger=frozenset(),
        needs=Needs(),
        limits=Limits({}, {}),
        limit_table=(limit,),
        evaluate=lambda patient, limits: Satisfied(),
        cards={},
        notes={},
        phrases={},
        grade="strong",
        evidence=(evidence,),
        known_limits=({"nl": "Ziet geen <i>urine</i>", "en": "Sees no <i>urine</i>"},),
        override_reasons=(),
        review=Review("a", "b", date(2026, 1, 1), date(2027, 1, 1)),
        family=None,
        sha256="0",
        folder="test_rule",
    )


def echo(call: Call, voice: Voice) -> dict[str, Any]:
    """An answer that tells what arrived, in a response extension."""
    answers = {key: [answer.state, len(answer.resources), len(answer.included)] for key, answer in call.answers.items()}
    told = {
        "asOf": call.as_of.isoformat(),
        "answers": answers,
        "language": voice.language,
        "base": voice.base_url,
        "drafts": len(call.drafts),
        "judged": "all" if call.judged is None else sorted(call.judged),
    }
    return {"cards": [], "extension": {"test": told}}


Make = Callable[..., Client]


@pytest.fixture
def make(knowledge: Knowledge, tmp_path: Path) -> Make:
    """Builds a client for given settings, with a trusted client outside the sandbox; `answer` takes the place of the
    echo."""

    def build(answer: Answer = echo, **given: Any) -> Client:
        if not given.get("sandbox", True) and "clients_file" not in given:
            given = production(tmp_path) | given
        return Client(create_app(Settings(**{"sandbox": True} | given), knowledge, answer))

    return build


@pytest.fixture
def client(make: Make) -> Client:
    """The sandbox."""
    return make()
