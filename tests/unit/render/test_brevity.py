"""A summary that is too long says less of the finding, never of what to do."""

from __future__ import annotations

import msgspec
import pytest

from cds_service.facts.outcomes import Listing, Phrase
from cds_service.facts.records import Exposure
from cds_service.render.brevity import cut, with_short_names
from tests.shipped import released
from tests.unit.engine.charts import exposure

VOCABULARY = released().vocabulary
PRODUCT = "pantoprazole 40 MG Delayed Release Oral Tablet"


def drug(name: str, *ingredients: str) -> Exposure:
    return msgspec.structs.replace(exposure(), name=name, ingredients=frozenset(ingredients))


@pytest.mark.parametrize(
    ("product", "short"),
    [
        (drug(PRODUCT, "pantoprazole"), "pantoprazol"),
        (
            drug("sodium picosulfate 10 MG / magnesium citrate 12 G Powder", "sodium-picosulfate", "magnesium-citrate"),
            "magnesiumcitraat/natriumpicosulfaat",
        ),
        (drug("Somedrug retard 40 MG Oral Tablet"), "Somedrug retard"),
        (drug("Maalox", "aluminium-hydroxide", "magnesium-hydroxide"), "Maalox"),  # shorter than its ingredients
    ],
)
def test_a_product_is_named_by_its_ingredients_where_that_is_shorter(product: Exposure, short: str) -> None:
    assert with_short_names({"drug": product}, VOCABULARY, "nl")["drug"] == msgspec.structs.replace(product, name=short)


def test_drugs_inside_phrases_and_lists_are_shortened() -> None:
    short = drug("pantoprazole", "pantoprazole")
    values = {"p": Phrase("x", {"d": Listing((drug(PRODUCT, "pantoprazole"), 3))})}
    assert with_short_names(values, VOCABULARY, "en") == {"p": Phrase("x", {"d": Listing((short, 3))})}


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Low – act", 20, "Low – act"),
        ("One two three four five – act now", 24, "One two three… – act now"),
        ("One two (three) – act – now it is so", 23, "One two… – now it is so"),
        ("One two three four", 13, "One two…"),
        ("One – two three four five six seven", 16, "One – two three…"),
        ("Onetwothree", 6, "Onetw…"),
    ],
)
def test_a_text_is_cut_between_words_and_before_the_action(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected
    assert len(expected) <= limit
