"""Drugs whose product code a drug map knows: what the map says, and what goes before it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from cds_service.facts.records import Strength
from cds_service.facts.vocabulary import MappedDrug
from cds_service.fhir.call import Call, KeyAnswer
from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.chart import read_chart
from cds_service.fhir.read.drugs import Identity, identify
from cds_service.fhir.read.product_codes import eleven_digits
from cds_service.knowledge.vocabulary_systems import NDC
from tests.unit.fhir.charts import AMSTERDAM, ATC, KEYS, NOW, PATIENT, RXNORM, VOCABULARY, concept, only, order, raw

SITE, PRK = "urn:site:drugs", "urn:oid:2.16.840.1.113883.2.4.4.10"
CITRATE = MappedDrug(
    frozenset({"magnesium-citrate"}), route="oral", strengths=(Strength("Mg", Decimal(100), "mg", Decimal(1), ""),)
)
MAPPED = msgspec.structs.replace(
    VOCABULARY,
    mapped_drugs={
        SITE: {
            "1": MappedDrug(frozenset({"losartan", "hydrochlorothiazide"})),
            "2": CITRATE,
            "3": MappedDrug(),
            "4": MappedDrug(atc=frozenset({"A02BC01"})),
        },
        PRK: {"1234": MappedDrug(frozenset({"metformin"}))},
        RXNORM: {"900001": MappedDrug(frozenset({"pantoprazole"}))},
        NDC: {"00093010105": MappedDrug(frozenset({"metformin"}))},
    },
)


def known(text: str, *codings: tuple[str, str]) -> Identity:
    return identify([Coding(system, code) for system, code in codings], text, None, MAPPED)


@pytest.mark.parametrize(
    ("system", "code", "ingredients"),
    [
        (SITE, "1", {"losartan", "hydrochlorothiazide"}),
        (SITE, " 1 ", {"losartan", "hydrochlorothiazide"}),
        (PRK, "1234", {"metformin"}),
        (PRK, "00001234", {"metformin"}),
        (RXNORM, "900001", {"pantoprazole"}),
        (NDC, "00093010105", {"metformin"}),
        (NDC, "0093-0101-05", {"metformin"}),
        (SITE, "4", {"omeprazole"}),
    ],
)
def test_a_product_code_of_the_map_identifies_a_drug(system: str, code: str, ingredients: set[str]) -> None:
    identity = known("some tablets", (system, code))
    assert identity.ingredients == ingredients
    assert identity.known_by == "map"


def test_the_map_goes_before_the_text() -> None:
    assert known("omeprazole 20 mg", (SITE, "1")).ingredients == {"losartan", "hydrochlorothiazide"}


def test_a_drug_that_is_known_and_none_of_ours_is_identified() -> None:
    identity = known("omeprazole 20 mg", (SITE, "3"))
    assert (identity.ingredients, identity.known_by) == (frozenset(), "map")


@pytest.mark.parametrize(("system", "code", "by"), [(ATC, "A02BC01", "ATC"), (RXNORM, "7646", "RxNorm")])
def test_codes_of_ingredients_go_before_the_map(system: str, code: str, by: str) -> None:
    identity = known("", (SITE, "1"), (system, code))
    assert (identity.ingredients, identity.known_by) == (frozenset({"omeprazole"}), by)


def test_a_code_that_no_map_knows_leaves_it_to_the_text() -> None:
    identity = known("omeprazole 20 mg", (SITE, "99"))
    assert (identity.ingredients, identity.known_by, identity.system) == (frozenset({"omeprazole"}), "text", SITE)


def test_the_first_code_that_a_map_knows_counts() -> None:
    assert known("", (SITE, "99"), (PRK, "1234")).ingredients == {"metformin"}


def test_route_and_content_come_with_the_product() -> None:
    assert known("", (SITE, "2")).mapped == CITRATE
    answers = {"medications": KeyAnswer("complete", (raw(order(medicationCodeableConcept=concept("2", system=SITE))),))}
    read = only(read_chart(Call("patient-view", PATIENT, NOW, answers), MAPPED, KEYS, AMSTERDAM))
    assert (read.route, read.strengths) == (CITRATE.route, CITRATE.strengths)


@pytest.mark.parametrize(
    ("ndc", "digits"),
    [
        ("0093-0101-05", "00093010105"),
        ("12345-678-90", "12345067890"),
        ("12345-6789-0", "12345678900"),
        ("0093-0101", "0093-0101"),
    ],
)
def test_an_ndc_with_hyphens_is_filled_up_to_eleven_digits(ndc: str, digits: str) -> None:
    assert eleven_digits(ndc) == digits


def test_a_code_that_is_there_but_empty_is_passed_over() -> None:
    assert known("", (SITE, ""), (PRK, "1234")).ingredients == {"metformin"}
