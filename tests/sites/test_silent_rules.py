"""A silent rule: evaluated and recorded everywhere, shown in the sandbox only, marked; live by a signed line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.knowledge.case_file import CaseEntry
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.service.situations import build_call
from tests.shipped import released

SILENT = "mg-form-evidence"
SIGNED = f"live: {{{SILENT}: {{reason: looked at in silence for a month, signed_by: Drug committee}}}}\n"


def at_order_select(knowledge: Knowledge, *, sandbox: bool) -> Decision:
    """A supplement is chosen for a man of 50: the one situation in which the silent rule speaks."""
    case = CaseEntry.model_validate({
        "name": "x", "then": "forms", "hook": "order-select", "patient": {"age": 50, "sex": "male"},
        "drafts": ({"is": "magnesium citrate", "dose": "200 mg elemental 1/d"},),
    })  # fmt: skip
    return decide(build_call(case, knowledge), knowledge, DecideOptions(sandbox=sandbox))


def marks(decision: Decision) -> list[dict[str, str]]:
    """What the cards say of the rule in their extension."""
    rules = [mark for card in decision.response["cards"] for mark in card["extension"]["org.ionwise.rules"]]
    return [mark for mark in rules if mark["id"] == SILENT]


def test_outside_the_sandbox_a_silent_rule_is_recorded_and_not_shown() -> None:
    decision = at_order_select(released(), sandbox=False)
    assert marks(decision) == []
    assert [(s.verdict.rule_id, s.reason) for s in decision.ranking.suppressed] == [(SILENT, "silent")]
    told = decision.response["extension"]["org.ionwise.decision"]
    assert {"rule": SILENT, "reason": "silent"} in told["suppressed"]


def test_the_sandbox_shows_a_silent_rule_and_marks_its_card() -> None:
    (mark,) = marks(at_order_select(released(), sandbox=True))
    assert mark["status"] == "silent"


@pytest.mark.parametrize("sandbox", [False, True])
def test_what_a_site_signed_for_is_shown_like_any_other_card(tmp_path: Path, sandbox: bool) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text(SIGNED)
    (mark,) = marks(at_order_select(load_knowledge(overlay=overlay), sandbox=sandbox))
    assert "status" not in mark
