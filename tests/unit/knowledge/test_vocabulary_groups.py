"""Drug and condition groups of cards/_shared: the traps of the code systems stay shut."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.facts.vocabulary import Vocabulary, normal_name
from cds_service.knowledge.vocabulary_systems import ATC, ICD10, ICD10CM, RXNORM, SNOMED
from tests.unit.knowledge.shared_tables import shared_tables


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shared_tables().vocabulary


def classes_of(vocabulary: Vocabulary, atc: str) -> tuple[set[str], set[str]]:
    """Groups and ingredients of an ATC code."""
    groups: set[str] = set()
    ingredients = {vocabulary.drug_codes[ATC, atc]} if (ATC, atc) in vocabulary.drug_codes else set()
    for entry in vocabulary.atc_classes:
        if atc == entry.prefix or (not entry.exact and atc.startswith(entry.prefix)):
            groups |= entry.groups
            ingredients |= entry.ingredients
    for ingredient in ingredients:
        groups |= vocabulary.drugs[ingredient].groups
    return groups, ingredients


# ---- drugs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("atc", ["A06AD01", "A06AD02", "A06AD03", "A06AD04", "A06AD10", "A06AD19", "A06AB58", "V03AE04",
                                 "A02AA04", "A02AD01", "A02AF02", "A12CC", "A12CC04", "B05XA05",
                                 "A12CC02"])  # fmt: skip
def test_magnesium_sources_are_magnesium(vocabulary: Vocabulary, atc: str) -> None:
    assert {"magnesium", "cation-magnesium"} <= classes_of(vocabulary, atc)[0]


@pytest.mark.parametrize(
    "atc", ["A06AD11", "A06AD15", "A06AD65", "A06AD17", "A02BC05", "A02AB01", "A02AC01", "A11AA03"]
)
def test_alternatives_and_trivial_amounts_are_not_magnesium_load(vocabulary: Vocabulary, atc: str) -> None:
    assert "magnesium" not in classes_of(vocabulary, atc)[0]


def test_a_mixed_antacid_carries_aluminium_and_magnesium(vocabulary: Vocabulary) -> None:
    groups, ingredients = classes_of(vocabulary, "A02AD01")
    assert {"antacid", "antacid-mg-al", "cation-aluminium", "cation-magnesium", "cation-calcium"} <= groups
    assert ingredients == {"magnesium-compound", "aluminium-compound"}


def test_a_multivitamin_with_minerals_is_every_cation_but_no_load(vocabulary: Vocabulary) -> None:
    groups, _ = classes_of(vocabulary, "A11AA03")
    assert {"cation-magnesium", "cation-calcium", "cation-iron", "cation-zinc", "multivitamin-mineral"} <= groups
    assert not groups & {"magnesium", "calcium", "iron", "zinc"}


@pytest.mark.parametrize("atc", ["C03AA03", "C03BA11", "C03EA01", "C07BB07", "C07DB01", "C08GA02", "C09BA03", "C09DA01",
                                 "C09BX01", "C09BX03", "C09DX01", "C09DX03", "C09XA52"])  # fmt: skip
def test_combinations_with_a_thiazide_are_thiazides(vocabulary: Vocabulary, atc: str) -> None:
    assert {"thiazide", "diuretic"} <= classes_of(vocabulary, atc)[0]


@pytest.mark.parametrize("atc", ["C09BX02", "C09BX04", "C09DX02", "C09DX04", "C09DX05", "C09AA03", "C07AB07"])
def test_combinations_without_a_thiazide_are_not(vocabulary: Vocabulary, atc: str) -> None:
    assert "thiazide" not in classes_of(vocabulary, atc)[0]


@pytest.mark.parametrize(
    ("now", "then", "ingredient"),
    [("L01FE01", "L01XC06", "cetuximab"), ("N02BF01", "N03AX12", "gabapentin"), ("N02BF02", "N03AX16", "pregabalin")],
)
def test_former_atc_codes_mean_the_same_drug(vocabulary: Vocabulary, now: str, then: str, ingredient: str) -> None:
    assert classes_of(vocabulary, now)[1] == classes_of(vocabulary, then)[1] == {ingredient}


def test_a_neuromuscular_blocker_is_not_botulinum_toxin(vocabulary: Vocabulary) -> None:
    assert "neuromuscular-blocker" in classes_of(vocabulary, "M03AC09")[0]
    assert "neuromuscular-blocker" not in classes_of(vocabulary, "M03AX01")[0]


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [("hydrochloorthiazide", "hydrochlorothiazide"), ("DIGOXINE", "digoxin"), ("ciprofloxacine", "ciprofloxacin"),
     ("furosemide", "furosemide"), ("pantoprazol", "pantoprazole"), ("cholecalciferol", "colecalciferol"),
     ("vitamine D3", "colecalciferol"), ("algeldraat", "aluminium-hydroxide"), ("algeldrate", "aluminium-hydroxide"),
     ("magnesiumoxide", "magnesium-oxide"), ("Magnesium hydroxide", "magnesium-hydroxide"),
     ("magnesiumbisglycinaat", "magnesium-bisglycinate"), ("magnesium citraat", "magnesium-citrate"),
     ("acetaminophen", "paracetamol"), ("ferrofumaraat", "ferrous-fumarate"),
     ("levothyroxinenatrium", "levothyroxine")],
)  # fmt: skip
def test_dutch_and_english_names_find_the_ingredient(vocabulary: Vocabulary, name: str, ingredient: str) -> None:
    assert vocabulary.drug_names[normal_name(name)] == ingredient


def test_every_rxnorm_code_is_digits_and_every_drug_group_has_a_label(vocabulary: Vocabulary) -> None:
    assert all(code.isdigit() for system, code in vocabulary.drug_codes if system == RXNORM)
    used = {group for drug in vocabulary.drugs.values() for group in drug.groups}
    used |= {group for entry in vocabulary.atc_classes for group in entry.groups}
    assert used == set(vocabulary.group_labels)


def test_an_ingredient_belongs_to_the_groups_that_its_own_class_implies_for_any_form(vocabulary: Vocabulary) -> None:
    """A drug known by name must not lose a group that all of its ATC codes imply."""
    lost: dict[str, set[str]] = {}
    for drug_id, drug in vocabulary.drugs.items():
        codes = [code for (system, code), known in vocabulary.drug_codes.items() if system == ATC and known == drug_id]
        by_code = [
            {
                g
                for e in vocabulary.atc_classes
                for g in e.groups
                if c == e.prefix or (not e.exact and c.startswith(e.prefix))
            }
            for c in codes
        ]
        missing = set.intersection(*by_code) - drug.groups if by_code else set()
        if missing and drug_id != "neomycin":  # mostly given to act in the gut, where it is no aminoglycoside to us
            lost[drug_id] = missing
    assert lost == {}


def test_elemental_shares_span_the_forms_of_the_salt(vocabulary: Vocabulary) -> None:
    assert vocabulary.drugs["magnesium-citrate"].elemental_percent == (Decimal("11.3"), Decimal("16.2"))
    assert vocabulary.drugs["magnesium-oxide"].elemental_percent == (Decimal("60.3"), Decimal("60.3"))
    assert vocabulary.drugs["calcium-carbonate"].element == "calcium"
    for drug in vocabulary.drugs.values():
        if drug.elemental_percent is not None:
            assert drug.element is not None
            assert 0 < drug.elemental_percent[0] <= drug.elemental_percent[1] < 100


def test_eye_drops_are_never_oral(vocabulary: Vocabulary) -> None:
    usual = dict(vocabulary.atc_routes)
    assert usual["S01"] == "ophthalmic"
    assert usual["R03"] == "inhaled"
    assert usual["R03D"] == "oral"
    assert vocabulary.routes[SNOMED, "47625008"] == "intravenous"
    assert vocabulary.route_words["intraveneus"] == "intravenous"
    assert "pr" not in vocabulary.route_words


# ---- conditions -----------------------------------------------------------------------------------------------------


def test_a_stage_belongs_to_the_disease(vocabulary: Vocabulary) -> None:
    assert vocabulary.condition_codes[SNOMED, "431857002"] == {"ckd-g4", "ckd"}
    assert vocabulary.condition_codes[ICD10CM, "I4721"] == {
        "torsade",
        "ventricular-tachycardia",
        "ventricular-arrhythmia",
    }


def test_codes_for_both_directions_mean_neither(vocabulary: Vocabulary) -> None:
    assert vocabulary.condition_codes.get((ICD10, "E83.4")) is None
    assert vocabulary.condition_codes[ICD10CM, "E83.42"] == {"hypomagnesaemia"}
    assert not any("K529".startswith(prefix) for prefix, _ in vocabulary.condition_prefixes[ICD10])


@pytest.mark.parametrize(
    ("term", "group"),
    [("high output ileostomy", "high-output-stoma"), ("comfort care only", "palliative"),
     ("constipation", "constipation"),
     ("somnolence", "somnolence"), ("severe pre-eclampsia", "pre-eclampsia"), ("chronic haemodialysis", "dialysis"),
     ("muscle cramps", "muscle-cramps"), ("type 2 diabetes", "type-2-diabetes"), ("paraesthesia", "paraesthesia"),
     ("alcohol use disorder active", "alcohol-use-disorder"), ("second degree AV block", "heart-block"),
     ("anorexia nervosa", "malnutrition"), ("heart failure decompensated", "heart-failure"), ("tetanie", "tetany")],
)  # fmt: skip
def test_texts_of_problem_lists_are_whole_terms(vocabulary: Vocabulary, term: str, group: str) -> None:
    assert (normal_name(term), group) in vocabulary.condition_terms


def test_anorexia_as_a_complaint_is_not_the_eating_disorder(vocabulary: Vocabulary) -> None:
    assert {group for term, group in vocabulary.condition_terms if term == "anorexia"} == {"nausea-anorexia"}
