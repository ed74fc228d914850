"""The value sets in cards/_shared: codes pass their check digits, tables fit together, and the traps stay shut."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from cds_service.facts.vocabulary import UNASKED, Vocabulary, normal_name
from cds_service.knowledge.shared_files import SharedFiles, read_shared
from cds_service.knowledge.vocabulary_systems import LOINC, SNOMED
from tests.unit.knowledge.shared_tables import SHARED, shared_tables

HOOKS = {
    "patient-view", "encounter-start", "encounter-discharge", "order-select", "order-sign", "medication-refill",
}  # fmt: skip
LOINC_FORM = re.compile(r"\b[0-9]{1,7}-[0-9]\b")
SNOMED_LIST = re.compile(r'snomed: (?:\[([^]]*)\]|"([0-9]+)")')

D = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
     (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
     (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
     (9, 8, 7, 6, 5, 4, 3, 2, 1, 0))  # fmt: skip
P = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def passes_verhoeff(code: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(code)):
        number = int(digit)
        for _ in range(place % 8):
            number = P[number]
        check = D[check][number]
    return check == 0


def passes_loinc(code: str) -> bool:
    digits, _, check = code.partition("-")
    total = sum(sum(map(int, str(int(d) * (2 if place % 2 == 0 else 1)))) for place, d in enumerate(reversed(digits)))
    return (10 - total % 10) % 10 == int(check)


@pytest.fixture(scope="module")
def shared() -> SharedFiles:
    return shared_tables()


@pytest.fixture(scope="module")
def vocabulary(shared: SharedFiles) -> Vocabulary:
    return shared.vocabulary


def texts() -> list[str]:
    """The YAML files without their comments."""
    return [re.sub(r"(?m)^\s*#.*$", "", path.read_text(encoding="utf-8")) for path in sorted(SHARED.rglob("*.yaml"))]


def test_every_loinc_code_passes_its_check_digit(vocabulary: Vocabulary) -> None:
    codes = {code for system, code in (*vocabulary.measurement_codes, *vocabulary.order_codes) if system == LOINC}
    codes |= {code for _, code in vocabulary.order_panels}
    assert len(codes) > 120
    assert [code for code in sorted(codes) if not passes_loinc(code)] == []


def test_every_snomed_code_passes_its_check_digit() -> None:
    lists = [found[0] or found[1] for text in texts() for found in SNOMED_LIST.findall(text)]
    codes = {code for given in lists for code in re.findall(r"[0-9]{6,18}", given)}
    assert len(codes) > 250
    assert [code for code in sorted(codes) if not passes_verhoeff(code)] == []


def test_the_check_digits_catch_a_swapped_pair() -> None:
    assert passes_loinc("2601-3")
    assert not passes_loinc("2610-3")
    assert passes_verhoeff("46764007")
    assert not passes_verhoeff("47664007")


def test_codes_whose_licence_forbids_it_are_not_shipped() -> None:
    everything = "\n".join(texts())
    for audit_c in ("75626-2", "72109-2", "68519-8", "68520-6"):
        assert audit_c not in everything
    assert "2.16.840.1.113883.2.4.4.30.45" not in everything


def test_names_are_compared_without_case_diacritics_and_punctuation() -> None:
    assert normal_name("  Fenytoïne\t") == "fenytoine"
    assert normal_name("Magnesium L-Threonate") == normal_name("magnesium l threonate")
    assert normal_name("25-OH-vitamine D") == "25 oh vitamine d"


# ---- measurements ---------------------------------------------------------------------------------------------------


def test_uncorrected_qt_is_not_qtc(vocabulary: Vocabulary) -> None:
    assert (LOINC, "8634-8") not in vocabulary.measurement_codes
    assert vocabulary.measurement_codes[LOINC, "76634-5"].id == "qtc"


@pytest.mark.parametrize(
    ("code", "concept"),
    [("2601-3", "magnesium-serum"), ("19123-9", "magnesium-serum"), ("2593-2", "magnesium-blood"),
     ("26746-8", "magnesium-rbc"), ("73573-8", "magnesium-ionised"), ("2598-1", "magnesium-urine-spot"),
     ("2599-9", "magnesium-urine-24h"), ("14683-7", "creatinine-urine"), ("14684-5", "creatinine-urine-24h"),
     ("46269-7", "vitamin-d2"), ("14635-7", "vitamin-d")],
)  # fmt: skip
def test_specimens_are_separate_series(vocabulary: Vocabulary, code: str, concept: str) -> None:
    assert vocabulary.measurement_codes[LOINC, code].id == concept


def test_magnesium_has_the_numbers_of_the_catalogue(vocabulary: Vocabulary) -> None:
    magnesium = vocabulary.concepts["magnesium-serum"]
    assert magnesium.unit == "mmol/L"
    assert magnesium.decimals == 2
    assert magnesium.haemolysis_raises
    assert magnesium.substance is not None
    assert (magnesium.substance.molar_mass, magnesium.substance.valence) == (Decimal("24.305"), 2)
    assert magnesium.plausible == (Decimal("0.10"), Decimal("15"))
    assert magnesium.properties["19123-9"] == "mass"
    assert [check.unit for check in magnesium.range_checks] == ["mmol/L", "mg/dL", "meq/L"]


def test_magnesium_potassium_and_phosphate_rise_with_haemolysis(vocabulary: Vocabulary) -> None:
    raised = {concept.id for concept in vocabulary.concepts.values() if concept.haemolysis_raises}
    assert raised == {"magnesium-serum", "potassium", "phosphate"}


def test_kidney_results_age_faster_during_a_stay(vocabulary: Vocabulary) -> None:
    age = vocabulary.concepts["egfr"].age
    assert age.fresh.days == 90
    assert age.fresh_inpatient is not None
    assert age.fresh_inpatient.days == 3
    assert age.stale is None


def test_the_newest_egfr_formula_is_preferred(vocabulary: Vocabulary) -> None:
    place = vocabulary.concepts["egfr"].preference
    assert place["98979-8"] < place["62238-1"] < place["33914-3"]


def test_pregnancy_is_a_coded_answer(vocabulary: Vocabulary) -> None:
    values = vocabulary.concepts["pregnancy-status"].coded_values
    assert values[SNOMED, "77386006"] == 1
    assert values[LOINC, "LA26683-5"] == 0


# ---- keys and orders ------------------------------------------------------------------------------------------------


def test_every_query_stays_short_when_encoded(shared: SharedFiles) -> None:
    for entry in shared.key_plan:
        assert len(entry.query.replace("|", "%7C").replace(",", "%2C")) < 900, entry.key
        assert "{codes}" not in entry.query


def test_rare_and_frequent_tests_never_share_a_key(shared: SharedFiles) -> None:
    keys = {entry.key: set(entry.concepts) for entry in shared.key_plan}
    assert {"magnesium-serum", "vitamin-d", "pth", "phosphate", "hba1c"} <= keys["labsRare"]
    assert {"potassium", "sodium", "calcium-total", "albumin", "creatinine", "egfr"} <= keys["labsFrequent"]
    assert {"qtc", "pregnancy-status", "gestational-age", "body-weight"} <= keys["clinicalObs"]


@pytest.mark.parametrize(
    "code",
    ["2601-3", "19123-9", "2598-1", "14683-7", "14682-9", "98979-8", "59261-8", "2276-4", "718-7", "2599-9", "14684-5",
     "3167-4", "73573-8", "26746-8", "1995-0", "1751-7", "14879-1", "14635-7", "62292-8", "8636-3", "18185-9",
     "82810-3", "10535-3", "2823-3", "2000-8"],
)  # fmt: skip
def test_a_code_of_everyday_use_is_asked_for(shared: SharedFiles, code: str) -> None:
    assert any(f"{LOINC}|{code}" in entry.query for entry in shared.key_plan)


def test_the_plan_names_every_hook_and_requires_the_patient(shared: SharedFiles) -> None:
    plan = {entry.key: entry.hooks for entry in shared.key_plan}
    assert plan["patient"] == dict.fromkeys(HOOKS, "R")
    assert plan["labsRare"]["patient-view"] == "R"
    assert plan["labsRare"]["order-sign"] == "S"
    assert plan["medications"]["patient-view"] == "S"
    assert plan["medications"]["medication-refill"] == "R"
    assert "order-sign" not in plan["orders"]
    assert "order-select" not in plan["medicationsPast"]
    assert plan["encounter"]["encounter-start"] == "S"
    assert plan["encounter"]["order-sign"] == "O"


def test_what_no_key_asks_for_says_so(vocabulary: Vocabulary) -> None:
    assert vocabulary.concepts["heart-rate"].key == UNASKED
    assert vocabulary.concepts["potassium"].key == "labsFrequent"


def test_orders_place_a_known_code_and_recognise_the_same_test(shared: SharedFiles) -> None:
    magnesium = shared.orders["serum-magnesium"]
    assert magnesium.codings[0] == {"system": LOINC, "code": "2601-3"}
    assert shared.vocabulary.order_codes[SNOMED, "312475002"] == "magnesium-serum"
    assert "magnesium-serum" not in shared.vocabulary.order_panels[LOINC, "51990-0"]


def test_override_reasons_have_both_languages(shared: SharedFiles) -> None:
    assert len(shared.override_reasons) == 13
    assert all(set(reason.display) == {"nl", "en"} for reason in shared.override_reasons.values())


# ---- what is refused ------------------------------------------------------------------------------------------------


def copy_with(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    """The findings after one replacement in one file."""
    for path in SHARED.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if path.name == name:
            assert old in text
            text = text.replace(old, new, 1)
        target = tmp_path / path.relative_to(SHARED)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    built, findings = read_shared(tmp_path, lambda path: path.name)
    assert built is None
    return [str(finding) for finding in findings]


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("observations.yaml", "age: magnesium-phosphate", "age: nothing", "no age policy nothing"),
        ("observations.yaml", "key: labsRare", "key: labsOdd", "no prefetch key labsOdd"),
        ("observations.yaml", "loinc: 19123-9", "loinc: 2823-3", "belongs to magnesium-serum already"),
        ("observations.yaml", "decimals: 2", "decimals: 2\n    colour: red", "unknown member"),
        ("drugs.yaml", "groups: [ppi]", "groups: [ppx]", "no drug group ppx"),
        ("drugs.yaml", "ingredients: [magaldrate]", "ingredients: [magaldraat]", "no ingredient magaldraat"),
        ("conditions.yaml", "also: [diabetes]", "also: [diabetis]", "no group diabetis"),
        ("orders.yaml", "measures: [pth]", "measures: [ptx]", "no concept ptx"),
        ("age_policies.yaml", "fresh: 7 d", "fresh: a week", "must be a span"),
        ("key_plan.yaml", "&code={codes}", "", "the query and the concepts disagree"),
        ("key_plan.yaml", "&code={codes}", "&code={codes}" + "&note=long" * 90, "characters when encoded"),
        ("drugs.yaml", "  gabapentin:\n", "  ppi:\n", "ppi is a group it does not belong to"),
        ("drugs.yaml", "atc: [C03CA01]", "atc: [N02BF01]", "N02BF01 is the code of"),
        ("drugs.yaml", "names: [Neurontin]", "names: [Lasix]", "Lasix is a name of"),
        ("drugs.yaml", "    bisoprolol: []", "    furosemide: []", "furosemide exists already"),
        ("drugs.yaml", "  Maalox: [", "  Lasix: [", "Lasix is the name of an ingredient"),
        ("drugs.yaml", "{atc: A02AF01,", "{atc: A02AD01,", "A02AD01 has its ingredients already"),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(tmp_path: Path, name: str, old: str, new: str, says: str) -> None:
    findings = copy_with(tmp_path, name, old, new)
    assert any(says in finding and re.match(r"[a-z_]+\.yaml:[1-9]", finding) for finding in findings), findings
