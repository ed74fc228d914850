"""A card says what it rests on and what to do; a text that fails never silences it."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import msgspec
import pytest

from cds_service.engine.rank import Shown
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import Fires, Phrase, Satisfied, Severity
from cds_service.facts.records import LabOrder
from cds_service.knowledge.card_form import CardForm
from cds_service.knowledge.model import CardText, Evidence, OverrideReason, Text
from cds_service.knowledge.template import parse_template
from cds_service.render.card import SUMMARY_LIMIT, CardWriter
from cds_service.render.voice import CardStyle
from tests.unit.engine.charts import ZONE, exposure, knowledge, rule
from tests.unit.render.test_values import NINE, magnesium, printer

PHRASES = {
    "grade-strong": "strong", "source": "Source", "what-to-do": "What to do", "to-order": "To order",
    "ordered": "ordered", "date-unknown": "date unknown", "unknown": "unknown",
    "last-known": "Last known.", "last-known-short": "last known,",
    "new-order": "New order", "ordered-again": "now ordered again",
}  # fmt: skip
REASON = OverrideReason("or-treating", {"nl": "wordt behandeld", "en": "being treated"})
GUIDELINE = Evidence("e", "Guideline", "A guideline.", None, date(2026, 1, 1))
STYLE = CardStyle("en", ZONE, "https://example.org", "https://example.org/fhir")


def text(words: str) -> Text:
    return {language: parse_template(words) for language in ("nl", "en")}


def written(
    style: CardStyle = STYLE, to_order: tuple[str, ...] = (), offered: tuple[str, ...] = (), **card: Any
) -> dict[str, Any]:
    """The card of a rule of which only these members are filled; `offered` are suggestions by their labels."""
    given: dict[str, Any] = {
        "summary": "Low",
        "why": None,
        "do": (),
        "because": (),
        "reasons": (),
        "sources": frozenset(),
    }
    given |= {"rule_id": "example", "evidence": (GUIDELINE,)} | card
    values, remarks = given.get("values", {}), given.get("remarks", ())
    variant = CardText("low", Severity.WARNING, text(given["summary"]), given["why"], given["do"], ())
    one = rule(
        lambda patient, k: Satisfied(),
        given["rule_id"],
        cards={"low": variant},
        evidence=given["evidence"],
        override_reasons=given["reasons"],
    )
    known = knowledge(
        one,
        phrases={name: text(words) for name, words in PHRASES.items()},
        override_reasons={REASON.code: REASON},
        vocabulary=printer("en")._vocabulary,
    )
    fires = Fires("low", because=given["because"], values=values, sources=given["sources"])
    verdict = Verdict(one, "fires", fires, "P3", severity=Severity.WARNING, remarks=remarks)
    suggestions = [{"label": name, "uuid": f"u-{name}", "actions": [{"description": name}]} for name in offered]
    return CardWriter(known, style).card(Shown(verdict, Severity.WARNING), suggestions, to_order)


def in_form(**form: Any) -> CardStyle:
    """The style for an EHR that takes cards in this form."""
    return msgspec.structs.replace(STYLE, form=CardForm(**form))


def test_a_card_of_few_words_has_no_empty_parts() -> None:
    card = written()
    assert card["detail"] == "Strong · Source: Guideline"
    assert "overrideReasons" not in card
    assert "suggestions" not in card


def test_a_card_cites_those_sources_of_its_rule_that_it_rests_on() -> None:
    both = (GUIDELINE, Evidence("l", "Label", "A label.", None, date(2026, 1, 1)))
    assert written(evidence=both)["detail"] == "Strong · Source: Guideline; Label"
    card = written(evidence=both, sources=frozenset({"l"}))
    assert (card["detail"], card["source"]["label"]) == ("Strong · Source: Label", "Label")


def test_a_card_says_why_and_what_to_do_and_how_it_may_be_overridden() -> None:
    card = written(why=text("It is low."), do=(text("Repeat it."),), reasons=("or-treating",))
    assert "It is low." in card["detail"]
    assert "1. Repeat it." in card["detail"]
    assert card["overrideReasons"][0]["display"] == "being treated"


def test_of_several_suggestions_any_may_be_taken() -> None:
    card = written(offered=("magnesium", "ECG"))
    assert card["selectionBehavior"] == "any"
    assert [suggestion["label"] for suggestion in card["suggestions"]] == ["magnesium", "ECG"]


def test_where_at_most_one_suggestion_may_be_taken_it_holds_all_orders() -> None:
    card = written(in_form(selection="at-most-one"), offered=("magnesium", "ECG"))
    assert card["selectionBehavior"] == "at-most-one"
    [all_orders] = card["suggestions"]
    assert all_orders == {
        "label": "magnesium; ECG",
        "uuid": "u-magnesium",
        "actions": [{"description": "magnesium"}, {"description": "ECG"}],
    }


def test_a_single_suggestion_is_the_same_for_all() -> None:
    one = written(in_form(selection="at-most-one"), offered=("ECG",))["suggestions"]
    assert one == written(offered=("ECG",))["suggestions"]


def test_where_nothing_of_2_0_is_known_nothing_of_it_is_sent() -> None:
    card = written(in_form(since_2=False), reasons=("or-treating",))
    assert card.keys().isdisjoint({"uuid", "overrideReasons"})
    assert set(card["source"]) == {"label", "url"}


def test_a_topic_may_go_without_hyphens() -> None:
    style = in_form(topic_hyphens=False)
    codes = [written(asked, rule_id="an-example")["source"]["topic"]["code"] for asked in (STYLE, style)]
    assert codes == ["an-example", "anexample"]


def test_an_order_that_cannot_be_offered_is_named_in_the_detail() -> None:
    assert "**To order**: magnesium, potassium" in written(to_order=("magnesium", "potassium"))["detail"]


def test_a_test_that_was_ordered_is_a_fact_with_its_date() -> None:
    ordered = LabOrder("magnesium", NINE, "ServiceRequest/1")
    assert "- Ordered: magnesium, 20 Nov 2026" in written(because=(ordered,))["detail"]


def test_a_drug_in_use_that_is_ordered_again_is_one_line() -> None:
    in_use, draft = exposure(status="active"), exposure()
    again = msgspec.structs.replace(draft, name="Example")
    assert written(because=(again, in_use))["detail"].startswith("- Example (now ordered again)\n\n")
    other = msgspec.structs.replace(draft, name="other")
    assert written(because=(in_use, other))["detail"].startswith("- Example\n- New order: other\n\n")


def test_a_text_that_cannot_be_printed_gives_way_to_the_title_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        card = written(summary="Low {nothing}")
    assert (card["summary"], card["detail"]) == ("example", "Strong · Source: Guideline")
    assert "card text failed" in caplog.text


def test_a_text_that_cannot_be_printed_fails_a_case() -> None:
    with pytest.raises(KeyError):
        written(msgspec.structs.replace(STYLE, strict=True), summary="Low {nothing}")


def test_two_cards_of_one_variant_are_spoken_with_one_voice() -> None:
    writer = CardWriter(knowledge(phrases={name: text(words) for name, words in PHRASES.items()}), STYLE)
    one = rule(lambda patient, k: Satisfied(), evidence=(Evidence("e", "Guideline", "A guideline."),))
    verdicts = [Verdict(one, "fires", Fires("low"), "P3", severity=Severity.WARNING) for _ in range(2)]
    first, second = (writer.card(Shown(verdict, Severity.WARNING), ()) for verdict in verdicts)
    assert (first["summary"], first["detail"]) == (second["summary"], second["detail"])
    assert first["uuid"] != second["uuid"]


def test_a_value_may_be_printed_bare_and_an_order_by_its_name() -> None:
    assert printer("nl").value(magnesium(), "value") == "0,42"
    assert printer("nl").value(LabOrder("magnesium", None, "ServiceRequest/1")) == "magnesium"


def test_a_long_product_name_gives_way_to_what_it_contains_and_never_the_action() -> None:
    drug = msgspec.structs.replace(exposure(), name="somedrug 40 MG Delayed Release Oral Tablet" * 2)
    card = written(
        summary="Low with {drug} for so long that it is hardly believable any more – act now", values={"drug": drug}
    )
    assert card["summary"].endswith("any more – act now")
    assert "Tablet" not in card["summary"]


def test_a_finding_without_end_is_cut_before_the_action() -> None:
    card = written(summary="Low " * 40 + "– act now")
    assert len(card["summary"]) <= SUMMARY_LIMIT
    assert card["summary"].endswith("Low… – act now")


@pytest.mark.parametrize(("summary", "said"), [("Low", "Low (last known, 20 Nov 2026)"), ("Low on {mg.date}", None)])
def test_the_date_of_an_old_result_is_said_once(summary: str, said: str | None) -> None:
    old = magnesium(at=NINE, age="recent")
    card = written(summary=summary, because=(old,), values={"mg": old}, remarks=(Phrase("last-known"),))
    assert card["summary"] == (said or "Low on 20 Nov 2026 10:05")
