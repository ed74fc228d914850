"""Values are printed as the laboratory printed them, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.outcomes import Listing, Phrase
from cds_service.facts.records import Result
from cds_service.facts.vocabulary import AgePolicy, Concept
from cds_service.knowledge.model import Limit
from cds_service.knowledge.template import parse_template
from cds_service.render.escape import plain
from cds_service.render.values import Gapped, Printer
from tests.unit.engine.charts import EMPTY_VOCABULARY, ZONE, exposure, result

MAGNESIUM = Concept(
    "magnesium",
    {"nl": "magnesium", "en": "magnesium"},
    "mmol/L",
    2,
    "labs",
    AgePolicy(timedelta(days=1), timedelta(days=2)),
)
PHRASES = {
    name: {"nl": parse_template(nl), "en": parse_template(en)}
    for name, nl, en in (("unknown", "onbekend", "unknown"), ("date-unknown", "datum onbekend", "date unknown"))
}
_AT = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
NINE = Moment(_AT, _AT)


def printer(language: str) -> Printer:
    vocabulary = msgspec.structs.replace(EMPTY_VOCABULARY, concepts={"magnesium": MAGNESIUM})
    limit = Limit("severe", Decimal("0.50"), "mmol/L", None, None, "design", None, 1)
    return Printer(language, ZONE, vocabulary, PHRASES, {}, (limit,), plain)


def magnesium(**other: Any) -> Result:
    return msgspec.structs.replace(result("0.42", concept="magnesium"), **other)


@pytest.mark.parametrize(("language", "printed"), [("nl", "0,42 mmol/L"), ("en", "0.42 mmol/L")])
def test_the_decimal_sign_follows_the_language(language: str, printed: str) -> None:
    assert printer(language).value(magnesium()) == printed


def test_a_converted_value_shows_both_with_the_laboratorys_first() -> None:
    converted = magnesium(value=Decimal("0.45"), reported="1.10", unit="mg/dL", converted=True)
    assert printer("nl").value(converted) == "1,10 mg/dL (0,45 mmol/L)"


def test_a_converted_value_that_is_the_same_number_is_printed_once() -> None:
    same = magnesium(value=Decimal("3.0"), reported="3.0", unit="meq/L", converted=True)
    assert printer("en").value(same) == "3.0 mEq/L"


def test_a_bound_keeps_its_sign_with_a_space() -> None:
    assert printer("en").value(magnesium(comparator="<=")) == "≤ 0.42 mmol/L"


def test_trailing_zeros_are_kept() -> None:
    assert printer("en").value(magnesium(reported="0.50")) == "0.50 mmol/L"


@pytest.mark.parametrize(("language", "printed"), [("nl", "3 mEq/L, 13 kg/m²"), ("en", "3 mEq/L, 13 kg/m²")])
def test_units_are_printed_as_people_write_them(language: str, printed: str) -> None:
    salt, mass = magnesium(reported="3", unit="meq/L"), magnesium(reported="13", unit="kg/m2")
    assert ", ".join(printer(language).value(one) for one in (salt, mass)) == printed


@pytest.mark.parametrize(("language", "printed"), [("nl", "20-11-2026 10:05"), ("en", "20 Nov 2026 10:05")])
def test_dates_are_printed_in_the_tenants_time_zone(language: str, printed: str) -> None:
    assert printer(language).day(NINE) == printed


def test_the_day_of_a_result_is_printed_without_its_time() -> None:
    drawn = magnesium(at=NINE)
    assert [printer("nl").value(drawn, part) for part in ("date", "day")] == ["20-11-2026 10:05", "20-11-2026"]


def test_a_date_without_a_time_is_printed_without_one() -> None:
    assert printer("nl").day(parse_moment("2026-11-20", ZONE)) == "20-11-2026"


def test_an_unknown_date_is_said_to_be_unknown() -> None:
    assert printer("nl").value(exposure(), "since") == "datum onbekend"


def test_a_limit_is_printed_with_its_unit_and_decimals() -> None:
    assert printer("nl").ready(parse_template("onder {limit.severe} is laag")) == "onder 0,50 mmol/L is laag"


def test_a_prepared_text_waits_for_the_patients_values_only() -> None:
    text = printer("nl").ready(parse_template("{mg} op {mg.date}, onder {limit.severe}"))
    assert isinstance(text, Gapped)
    assert text.pieces == ("", " op ", "", ", onder 0,50 mmol/L")
    assert printer("nl").fill(text, {"mg": magnesium(at=NINE)}) == "0,42 mmol/L op 20-11-2026 10:05, onder 0,50 mmol/L"


def test_a_listing_is_printed_in_the_language() -> None:
    assert printer("en").value(Listing((Phrase("unknown"), Decimal("1.5")))) == "unknown, 1.5"


def test_a_list_says_each_thing_once() -> None:
    assert printer("en").value(Listing((Phrase("unknown"), Decimal("1.5"), Phrase("unknown")))) == "unknown, 1.5"


def test_a_value_that_the_rule_did_not_give_is_an_error() -> None:
    with pytest.raises(KeyError):
        printer("en").fill(printer("en").ready(parse_template("{nothing}")), {})


def test_words_of_a_chart_are_no_value_by_themselves() -> None:
    words: Any = "<b>anything</b>"
    with pytest.raises(KeyError):
        printer("en").value(words)


def test_a_stray_brace_is_refused() -> None:
    with pytest.raises(ValueError, match="stray brace"):
        parse_template("100 % } of it")
