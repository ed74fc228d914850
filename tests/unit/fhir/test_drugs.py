"""Which drug is it: codes, whole names, references, and what must stay unidentified."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir import structs
from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.drugs import Identity, identify
from tests.unit.fhir.charts import ATC, RXNORM, SNOMED, VOCABULARY, chart, concept, only, order, raw


def known(text: str = "", *codings: tuple[str, str], medication: dict[str, Any] | None = None) -> Identity:
    product = (
        structs.decode(raw({"resourceType": "Medication"} | medication), structs.Medication) if medication else None
    )
    return identify([Coding(system, code) for system, code in codings], text, product, VOCABULARY)


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Omeprazol 40 mg capsule", {"omeprazole"}),
        ("omeprazole OTC", {"omeprazole"}),
        ("esomeprazole magnesium 20 mg", {"esomeprazole"}),
        ("esomeprazol (als magnesium)", {"esomeprazole"}),
        ("Esomeprazole-Magnesium", {"esomeprazole"}),
        ("Losartan/hydrochloorthiazide 50/12,5 mg", {"losartan", "hydrochlorothiazide"}),
        ("losartan en hydrochloorthiazide", {"losartan", "hydrochlorothiazide"}),
        ("losartan + hydrochlorothiazide", {"losartan", "hydrochlorothiazide"}),
        ("algeldrate/magnesium hydroxide 4dd", {"aluminium-hydroxide", "magnesium-hydroxide"}),
        ("magnesium/aluminium hydroxide", {"magnesium-compound", "aluminium-hydroxide"}),
        ("Magnesium 400 mg bruistablet", {"magnesium-compound"}),
        ("tabletten magnesium 400 mg", {"magnesium-compound"}),
        ("magnesium citrate 150 mg elemental", {"magnesium-citrate"}),
        ("Maalox kauwtablet", {"aluminium-hydroxide", "magnesium-hydroxide"}),
        ("MAGNESIUMCITRAAT", {"magnesium-citrate"}),
        ("atorvastatin calcium 20 mg", set()),
        ("paracetamol 500 mg", set()),
        ("Mg", set()),
        ("omeprazoleish", set()),
        ("Error", set()),
        ("", set()),
    ],
)
def test_a_text_names_its_ingredients_by_whole_words(text: str, ingredients: set[str]) -> None:
    identity = known(text)
    assert identity.ingredients == ingredients
    assert identity.known_by == ("text" if ingredients else "")


@pytest.mark.parametrize(
    ("system", "code", "known_by"),
    [
        (ATC, "A02BC01", "ATC"),
        ("urn:oid:2.16.840.1.113883.6.73", "a02bc01", "ATC"),
        ("http://fhir.de/CodeSystem/bfarm/atc", "A02BC01", "ATC"),
        (RXNORM, "7646", "RxNorm"),
        (SNOMED, "387137007", "SNOMED CT"),
    ],
)
def test_every_code_system_leads_to_the_same_ingredient(system: str, code: str, known_by: str) -> None:
    identity = known("", (system, code))
    assert identity.ingredients == {"omeprazole"}
    assert identity.groups == {"ppi"}
    assert identity.known_by == known_by


def test_a_combination_code_carries_all_its_ingredients() -> None:
    assert known("", (ATC, "C09DA01")).groups == {"arb", "thiazide"}


def test_any_full_atc_code_identifies_a_drug_that_is_in_none_of_our_groups() -> None:
    identity = known("pembrolizumab", (ATC, "L01FF02"))
    assert identity.known_by == "ATC"
    assert not identity.ingredients


@pytest.mark.parametrize(("code", "settled"), [("A02B", False), ("A02BC", True), ("N05", True), ("omeprazol", False)])
def test_a_class_code_settles_a_drug_only_when_nothing_of_ours_hides_below_it(code: str, settled: bool) -> None:
    assert bool(known("", (ATC, code)).known_by) is settled


def test_a_name_says_which_salt_a_class_code_means() -> None:
    assert known("magnesium citrate", (ATC, "A12CC")).ingredients == {"magnesium-citrate"}
    assert known("citroen", (ATC, "A12CC")).ingredients == {"magnesium-compound"}
    assert known("omeprazole", (ATC, "A12CC")).ingredients == {"magnesium-compound"}


def test_a_code_counts_before_a_name() -> None:
    assert known("omeprazole", (ATC, "C03AA03")).ingredients == {"hydrochlorothiazide"}


def test_an_unknown_product_code_is_named_by_its_system() -> None:
    identity = known("paracetamol", (RXNORM, "313782"))
    assert (identity.known_by, identity.system) == ("", RXNORM)


def test_an_absent_code_is_not_guessed_from_its_text() -> None:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    assert known("omeprazole", (system, "error")).known_by == ""


def test_listed_ingredients_identify_a_product_without_a_known_code() -> None:
    listed = [{"itemCodeableConcept": concept("7646", system=RXNORM)}, {"itemCodeableConcept": {"text": "magnesium"}}]
    identity = known(medication={"code": {"text": "Combi"}, "ingredient": listed})
    assert identity.ingredients == {"omeprazole", "magnesium-compound"}
    assert not identity.partial


def test_a_product_with_one_unknown_active_ingredient_is_only_partly_known() -> None:
    listed = [{"itemCodeableConcept": {"text": "omeprazole"}}, {"itemCodeableConcept": {"text": "mysterium"}}]
    identity = known(medication={"ingredient": listed})
    assert identity.ingredients == {"omeprazole"}
    assert identity.partial


PRODUCT = {"resourceType": "Medication", "id": "prod", "code": concept("A02BC01", "Losec")}


@pytest.mark.parametrize(
    ("reference", "contained", "included"),
    [
        ("#prod", [PRODUCT], ()),
        ("Medication/prod", [], (PRODUCT,)),
        ("urn:uuid:prod", [], (PRODUCT,)),
        ("https://ehr.example/fhir/Medication/prod/_history/3", [], (PRODUCT,)),
    ],
)
def test_a_medication_reference_is_followed_in_every_form(
    reference: str, contained: list[Any], included: tuple[Any, ...]
) -> None:
    request = order(medicationReference={"reference": reference}, contained=contained)
    exposure = only(chart(request, included=included))
    assert exposure.name == "Losec"
    assert exposure.ingredients == {"omeprazole"}


def test_a_medication_may_come_under_any_key_or_among_the_drafts() -> None:
    request = order(medicationReference={"reference": "Medication/prod"})
    assert only(chart(request, PRODUCT, key="orders")).groups == {"ppi"}
    assert only(chart(drafts=(request, PRODUCT), hook="order-sign")).groups == {"ppi"}


def test_a_reference_that_leads_nowhere_is_known_by_what_it_displays() -> None:
    exposure = only(chart(order(medicationReference={"reference": "Medication/gone", "display": "omeprazole 20 mg"})))
    assert (exposure.name, exposure.known_by) == ("omeprazole 20 mg", "text")


def test_a_reference_that_leads_nowhere_and_displays_nothing_is_an_unidentified_drug() -> None:
    snapshot = chart(order(medicationReference={"reference": "Medication/gone"}))
    assert [(d.system, d.ref) for d in snapshot.unmapped] == [("text", "MedicationRequest/m1")]
    assert not snapshot.drug_list
