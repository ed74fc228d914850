"""Every seed claim is settled, and advice that the evidence does not carry is nowhere given, in neither language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.dossier import ClaimEntry, ClaimsFile, read_dossier
from cds_service.knowledge.sources import DEFAULT_CARDS, Sources
from cds_service.knowledge.template import Template
from cds_service.service.cases import GOLDEN_FILE, options_for
from cds_service.service.decide import decide
from cds_service.service.situations import build_call
from tests.shipped import knowledge, sources

CLAIMS = 64
# Words that tell someone to take or give something...
GIVE = re.compile(
    r"\b(take|give|add|start|consider|replace|replete|supplement)\b[^.;]*\b(magnesium|supplement\w*|repletion)\b"
    r"|\b(neem|geef|slik|start|overweeg|suppleer)\b[^.;]*\b(magnesium|supplement\w*|suppletie)\b|\bvul\b[^.;]*\baan\b",
    re.IGNORECASE,
)
# ... and what makes such a sentence something else: a refusal, a condition, a measurement, a distance in time.
GUARD = re.compile(
    r"\b(not|no|niet|geen|if|is magnesium laag|laag magnesium|low magnesium|measure\w*|check\w*|meet|bepaal|bepaling"
    r"|(h|min) before|h after|(uur|minuten) vóór|uur na|start after consultation|start in overleg|still needed"
    r"|may be taken|wat laag is|what is low|alleen wat ontbreekt|only what is missing|give the same|by one without)\b",
    re.IGNORECASE,
)
# They say how to give the magnesium that is being ordered already.
REVIEWED = {"iv-mg-neuromuscular-blocker", "iv-mg-calcium-channel-blocker"}
COMPLAINT = re.compile(
    r"slaap|sleep|insomnia|angst|anxi|energ|moe\b|fatigue|stress|ritme|rhythm|migrain|kramp|cramp", re.IGNORECASE
)
FORM = re.compile(
    r"glycina|malaat|malate|taura|threon|citraat|citrate|\boxide\b|glucona|chela|vorm(en)?\b|forms?\b", re.IGNORECASE
)
VENDOR = re.compile(
    r"https?:|www\.|®|™|€|webshop|korting|discount|test ?kit|thuistest|home test|microbio|probiot|topvitamine"
    r"|innerbuddies",
    re.IGNORECASE,
)
ADD_ONS = re.compile(
    r"\bvitamine? ?[CK][0-9]*\b|ascorb|menaqui|\btaurine?\b|omega|\bB6\b|pyridox|collage", re.IGNORECASE
)
PREVENT = re.compile(r"\bpreventie|prophyla|profyla|uit voorzorg|as a precaution", re.IGNORECASE)


def claims() -> tuple[ClaimEntry, ...]:
    found = read_dossier(sources()).claims
    assert found is not None
    return found.entry.claims


def plain(text: Template) -> str:
    return "".join(piece if isinstance(piece, str) else "..." for piece in text.pieces)


def texts() -> Iterator[tuple[str, str]]:
    """Rule id and text, of everything that a card may say in either language."""
    for rule in knowledge().rules:
        shown = [*rule.notes.values(), *rule.phrases.values()]
        for card in rule.cards.values():
            shown += [card.summary, *([card.why] if card.why else []), *card.do]
        yield from ((rule.id, plain(text)) for both in shown for text in both.values())
        yield from ((rule.id, text) for text in rule.title.values())
    for both in knowledge().phrases.values():
        yield from (("phrases", plain(text)) for text in both.values())


def golden(rule_folder: str) -> dict[str, Any]:
    text = (DEFAULT_CARDS / rule_folder / GOLDEN_FILE).read_text(encoding="utf-8")
    cards: dict[str, Any] = json.loads(text)["cases"]
    return cards


def lines_without_a_result() -> Iterator[tuple[str, str]]:
    """Rule id and line, of every reviewed card about a patient of whom no result is known at all."""
    for rule in knowledge().rules:
        cards = golden(rule.folder)
        for case in read_cases(sources(), rule.folder).entry.cases:
            for card in cards.get(case.name, {}).values() if not case.labs else ():
                yield from ((rule.id, line) for line in (card["summary"], *card["detail"]))


def test_every_seed_claim_has_a_rule_or_a_reason() -> None:
    known = {rule.id for rule in knowledge().rules}
    assert [claim.number for claim in claims()] == list(range(1, CLAIMS + 1))
    assert [c.number for c in claims() if not (set(c.rules) & known) and c.reason is None] == []


def test_a_claim_that_is_not_true_is_never_settled_by_silence() -> None:
    """What is wrong or unsupported either changed a rule, or somebody wrote down why there is none."""
    false = [claim for claim in claims() if claim.verdict in ("wrong", "unsupported")]
    assert false
    assert all(claim.rules or (claim.reason and claim.reason.nl) for claim in false)


def test_a_claim_without_rule_and_reason_is_refused() -> None:
    bare = {"number": 1, "seeds": (0,), "claim": {"nl": "x", "en": "x"}, "verdict": "wrong",
            "finding": {"nl": "x", "en": "x"}}  # fmt: skip
    with pytest.raises(ValueError, match="neither a rule that acts on it nor a reason"):
        ClaimsFile.model_validate({"claims": (bare,)})


def test_a_claim_about_a_rule_that_does_not_exist_is_refused() -> None:
    fewer = Sources(DEFAULT_CARDS, rules=sources().rules[:1], families=sources().families, policy=sources().policy)
    with pytest.raises(KnowledgeError, match="there is no rule iron-deficiency"):
        read_dossier(fewer)


def test_nobody_without_a_result_is_told_to_take_magnesium() -> None:
    """Preventive supplements (claim 27) and `more signals, more magnesium` (claim 17)."""
    told = {(rule, line) for rule, line in lines_without_a_result() if GIVE.search(line) and not GUARD.search(line)}
    assert {(rule, line) for rule, line in told if rule not in REVIEWED} == set()


def test_no_card_speaks_of_prevention_by_a_supplement() -> None:
    assert [found for found in texts() if PREVENT.search(found[1])] == []


def test_no_card_chooses_a_form_of_magnesium_by_complaint() -> None:
    """Claim 40; the one card that names forms and complaints together says that none is proven better."""
    both = [(rule, text) for rule, text in texts() if FORM.search(text) and COMPLAINT.search(text)]
    assert [(rule, text) for rule, text in both if rule != "mg-form-evidence"] == []
    assert all(re.search(r"geen vorm|no form", text) for _, text in both)


def test_no_card_sends_anyone_to_a_vendor_or_a_home_test() -> None:
    """Claims 30 and 60."""
    assert [found for found in texts() if VENDOR.search(found[1])] == []


def test_no_card_adds_other_vitamins() -> None:
    """Claims 24, 41, 59 and 62."""
    assert [found for found in texts() if ADD_ONS.search(found[1])] == []


def test_nothing_that_a_card_can_order_is_a_product() -> None:
    assert {order.category for order in knowledge().orders.values()} <= {"laboratory", "procedure"}


@pytest.mark.parametrize("group", ["stress", "irritable-bowel"])
def test_what_is_no_proven_cause_is_read_by_no_rule(group: str) -> None:
    """Claims 29 and 31: it counts in no score."""
    readers = [rule.id for rule in knowledge().rules if group in rule.needs.conditions]
    readers += [family.id for family in knowledge().family_table if group in family.needs.conditions]
    assert readers == []


NOT_A_REASON: dict[str, dict[str, Any]] = {
    "stress, coffee and sauna": {"conditions": ({"is": "stress -30d"}, {"is": "hyperhidrosis -30d"})},
    "irritable bowel and leaky gut": {"conditions": ({"is": "irritable-bowel -400d"}, {"is": "leaky gut -30d"})},
    "a microbiome test": {"procedures": ({"is": "microbiome test -10d"},)},
    "nothing at all": {},
    "one oral antibiotic": {"drugs": ({"is": "amoxicillin -2d"},)},
}


@pytest.mark.parametrize("name", NOT_A_REASON)
def test_what_the_texts_blame_without_evidence_gives_no_card(name: str) -> None:
    """Claims 2, 26, 29, 30, 31 and 32."""
    assert cards_of(NOT_A_REASON[name]) == []


TEMPTING: dict[str, dict[str, Any]] = {
    "complaints that the texts call signs": {
        "conditions": tuple({"is": f"{one} -20d"} for one in ("fatigue", "muscle-cramps", "insomnia", "anxiety"))
    },
    "a PPI and a diuretic for years": {"drugs": ({"is": "omeprazole -900d"}, {"is": "furosemide -900d"})},
    "a PPI, no test, and an antibiotic now": {
        "hook": "order-sign", "drugs": ({"is": "omeprazole -900d"},), "drafts": ({"is": "doxycycline"},),
    },
    "restless legs": {"conditions": ({"is": "restless-legs -20d"}, {"is": "fatigue -20d"})},
    "pregnancy": {"patient": {"age": 30, "sex": "female", "pregnant": True}},
    "low vitamin D": {"labs": ({"is": "vitamin-d 18 nmol/L -5d"},)},
}  # fmt: skip


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("name", TEMPTING)
def test_where_the_texts_say_take_magnesium_the_whole_service_says_at_most_measure(name: str, language: str) -> None:
    for card in cards_of(TEMPTING[name], language):
        lines = [card["summary"], *card["detail"].split("\n")]
        assert [line for line in lines if GIVE.search(line) and not GUARD.search(line)] == []
        assert not any(ADD_ONS.search(line) or VENDOR.search(line) for line in lines)
        actions = [action for offer in card.get("suggestions", ()) for action in offer["actions"]]
        assert {action["resource"]["resourceType"] for action in actions} <= {"ServiceRequest"}


def cards_of(situation: dict[str, Any], language: str = "nl") -> list[dict[str, Any]]:
    """The cards of a whole call, with every rule running (silent ones too)."""
    case = CaseEntry.model_validate(
        {"name": "x", "then": "satisfied", "patient": {"age": 45, "sex": "female"}} | situation
    )
    found: list[dict[str, Any]] = decide(
        build_call(case, knowledge()), knowledge(), options_for(case, language)
    ).response["cards"]
    return found
