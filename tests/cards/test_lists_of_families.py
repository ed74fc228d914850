"""Every drug group and condition group that a family lists does what it is listed for."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from cards._families.magnesium_loss.family import magnesium_loss
from cards._families.magnesium_risk.family import magnesium_risk
from cards._families.magnesium_signs.family import magnesium_signs
from cards._families.magnesium_wasting.family import magnesium_wasting
from cards._families.potassium_context.family import potassium_context
from cards._families.qt_drugs.family import qt_drugs
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Severity
from cds_service.facts.records import Coverage
from tests.cards.asking import COMPLETE_KEYS, DAY, ask, measured, problem, taken
from tests.unit.engine.charts import moment

RENAL_DRUGS = (
    "loop-diuretic thiazide calcineurin-inhibitor platinum egfr-mab aminoglycoside amphotericin foscarnet-pentamidine"
)
OTHER_PROBLEMS = "diarrhoea short-bowel high-output-stoma malabsorption malnutrition"
LOWERING = (
    "diuretic laxative beta-agonist insulin corticosteroid amphotericin xanthine aminoglycoside platinum abiraterone"
)
SINGLE = "muscle-cramps paraesthesia palpitations"
POOLED = "fatigue insomnia anxiety headache-migraine low-mood nausea-anorexia constipation"
DANGEROUS = (
    "seizure tetany laryngospasm ventricular-arrhythmia arrhythmia heart-block bradycardia ecg-change "
    "muscle-weakness paralysis areflexia somnolence palpitations paraesthesia syncope hypotension"
)
CAUSES = (
    "loop-diuretic thiazide laxative beta-agonist insulin corticosteroid amphotericin abiraterone liquorice xanthine "
    "aminoglycoside cisplatin"
)
RHYTHM = "ventricular-arrhythmia arrhythmia atrial-fibrillation heart-block bradycardia ecg-change long-qt"
LOW = measured("potassium", "2.8")


@pytest.mark.parametrize("group", RENAL_DRUGS.split())
def test_a_drug_that_makes_the_kidney_lose_magnesium_is_named(group: str) -> None:
    drug = taken(group)
    found = ask(magnesium_loss, drug)
    assert (found.renal, found.other) == ((drug,), ())


@pytest.mark.parametrize("group", ["alcohol-use-disorder", "diabetes", "gitelman", "tubulopathy"])
def test_a_disease_that_makes_the_kidney_lose_magnesium_is_named(group: str) -> None:
    found = ask(magnesium_loss, problem(group))
    assert ([one.group for one in found.renal], found.other) == ([group], ())


@pytest.mark.parametrize("group", ["ppi", "laxative", *OTHER_PROBLEMS.split()])
def test_another_cause_of_loss_is_named_apart(group: str) -> None:
    fact = taken(group) if group in ("ppi", "laxative") else problem(group)
    found = ask(magnesium_loss, fact)
    assert (found.renal, found.other) == ((), (fact,))


def test_an_ended_course_is_a_cause_for_as_long_as_it_is_listed() -> None:
    for group, days in (("platinum", 60), ("egfr-mab", 30)):
        for ago, counts in ((days - 1, True), (3650, False)):
            course = taken(group, status="past", until=moment(ago * DAY))
            assert bool(ask(magnesium_loss, course).renal) is counts
        written = taken(group, status="past", authored=moment(10 * DAY))
        assert ask(magnesium_loss, written).renal == (written,)
        assert ask(magnesium_loss, taken(group, status="past")).renal == ()


@pytest.mark.parametrize("group", LOWERING.split())
def test_a_low_potassium_that_a_drug_explains_is_no_sign(group: str) -> None:
    assert [sign.id for sign in ask(magnesium_signs, LOW).signs] == ["sign-potassium"]
    assert ask(magnesium_signs, LOW, taken(group)).signs == ()


@pytest.mark.parametrize("group", ["vomiting", "diarrhoea", "short-bowel", "high-output-stoma"])
def test_a_low_potassium_that_the_gut_explains_is_no_sign(group: str) -> None:
    assert ask(magnesium_signs, LOW, problem(group)).signs == ()


@pytest.mark.parametrize(("group", "sign"), [
    ("tetany", "sign-tetany"), ("tremor", "sign-tremor"), ("fasciculation", "sign-tremor"),
    ("atrial-fibrillation", "sign-rhythm"), ("ventricular-arrhythmia", "sign-rhythm"),
    ("ventricular-ectopy", "sign-rhythm"), ("seizure", "sign-seizure"),
])  # fmt: skip
def test_each_coded_sign_counts_for_ninety_days(group: str, sign: str) -> None:
    assert [one.id for one in ask(magnesium_signs, problem(group, 90)).signs] == [sign]
    assert ask(magnesium_signs, problem(group, 91)).signs == ()
    assert ask(magnesium_signs, problem(group, 90, confirmed=False)).signs == ()


def test_a_low_calcium_is_a_sign_while_it_is_of_this_month() -> None:
    for days, signs in ((30, ["sign-calcium"]), (31, [])):
        calcium = measured("calcium-ionised", "1.05", days * DAY)
        assert [one.id for one in ask(magnesium_signs, calcium).signs] == signs


def test_a_seizure_in_epilepsy_is_no_sign() -> None:
    assert ask(magnesium_signs, problem("seizure"), problem("epilepsy", None)).signs == ()


@pytest.mark.parametrize("group", SINGLE.split())
def test_each_neuromuscular_symptom_counts_by_itself(group: str) -> None:
    assert [one.id for one in ask(magnesium_signs, problem(group)).symptoms] == ["symptom-neuromuscular"]
    assert ask(magnesium_signs, problem(group, 91)).symptoms == ()


@pytest.mark.parametrize("group", POOLED.split())
def test_general_symptoms_count_by_two(group: str) -> None:
    other = "fatigue" if group != "fatigue" else "insomnia"
    assert ask(magnesium_signs, problem(group)).symptoms == ()
    found = ask(magnesium_signs, problem(group), problem(other)).symptoms
    assert [(one.id, one.points, len(one.because)) for one in found] == [("symptom-general", 1, 2)]


@pytest.mark.parametrize("group", DANGEROUS.split())
def test_a_sign_of_danger_keeps_the_card_about_the_value(group: str) -> None:
    doubtful = msgspec.structs.replace(measured("potassium", "5.8"), flags=frozenset({"haemolysed"}))
    assert ask(sample_quality, doubtful).replaced
    assert ask(sample_quality, doubtful, problem(group, 3)).replaced is False
    assert ask(sample_quality, doubtful, problem(group, 4)).replaced


@pytest.mark.parametrize("group", CAUSES.split())
def test_each_drug_that_lowers_potassium_is_named(group: str) -> None:
    assert [drug.name for drug in ask(potassium_context, LOW, taken(group)).causes] == [f"one-{group}"]


def test_penicillin_lowers_potassium_only_from_the_vein() -> None:
    assert ask(potassium_context, LOW, taken("penicillin")).causes == ()
    assert len(ask(potassium_context, LOW, taken("penicillin", route="intravenous")).causes) == 1


@pytest.mark.parametrize("group", [*RHYTHM.split(), "paralysis"])
def test_each_sign_of_the_heart_or_the_muscles_makes_it_critical(group: str) -> None:
    assert ask(potassium_context, LOW).severity is Severity.WARNING
    found = ask(potassium_context, LOW, problem(group))
    assert (found.severity, [one.group for one in found.reasons]) == (Severity.CRITICAL, [group])
    assert ask(potassium_context, LOW, problem(group, 30)).severity is Severity.WARNING


@pytest.mark.parametrize("group", ["atrial-fibrillation", "heart-failure", "ischaemic-heart-disease", "cirrhosis"])
def test_each_disease_makes_a_mildly_low_potassium_a_warning(group: str) -> None:
    mild = measured("potassium", "3.3")
    assert ask(potassium_context, mild).severity is Severity.INFO
    assert ask(potassium_context, mild, problem(group)).severity is Severity.WARNING


@pytest.mark.parametrize("group", ["digoxin", "qt-candidates", "diuretic"])
def test_each_drug_that_makes_magnesium_matter_more_is_named(group: str) -> None:
    assert len(ask(potassium_context, LOW, taken(group)).magnesium_risk) == 1


@pytest.mark.parametrize(("key", "told"), [("medications", "unknown-drugs"), ("conditions", "unknown-problems")])
def test_a_list_that_did_not_come_is_told(key: str, told: str) -> None:
    complete = {name: Coverage("complete") for name in COMPLETE_KEYS}
    assert ask(potassium_context, LOW).unknown == ()
    assert ask(potassium_context, LOW, coverage=complete | {key: Coverage("failed")}).unknown == (told,)


def test_a_fall_counts_from_the_highest_value_of_the_week_before_the_sample() -> None:
    now = measured("potassium", "3.2")
    for ago, counts in ((timedelta(hours=1), False), (timedelta(hours=2), True), (timedelta(hours=169), True),
                        (timedelta(hours=170), False)):  # fmt: skip
        found = ask(potassium_context, now, measured("potassium", "4.9", ago))
        assert bool(found.reasons) is counts
    lower, higher = measured("potassium", "4.8", 2 * DAY), measured("potassium", "4.9", 3 * DAY)
    assert ask(potassium_context, now, lower, higher).reasons == (higher,)
    assert ask(potassium_context, now, measured("potassium", "4.9", 2 * DAY, comparator=">")).reasons == ()


@pytest.mark.parametrize(("group", "risk"), [
    ("calcineurin-inhibitor", "risk-calcineurin"), ("egfr-mab", "risk-egfr-mab"), ("cisplatin", "risk-platinum"),
    ("carboplatin", "risk-platinum"), ("amphotericin", "risk-nephrotoxic"),
    ("foscarnet-pentamidine", "risk-nephrotoxic"), ("patiromer", "risk-patiromer"),
])  # fmt: skip
def test_each_drug_is_a_risk(group: str, risk: str) -> None:
    assert risk in [item.id for item in ask(magnesium_risk, taken(group)).items]


@pytest.mark.parametrize(("group", "risk"), [
    ("short-bowel", "risk-short-bowel"), ("high-output-stoma", "risk-short-bowel"),
    ("alcohol-use-disorder", "risk-alcohol-disorder"), ("coeliac-disease", "risk-malabsorption"),
    ("inflammatory-bowel-disease", "risk-malabsorption"), ("chronic-pancreatitis", "risk-malabsorption"),
    ("bariatric-malabsorptive", "risk-malabsorption"), ("type-2-diabetes", "risk-diabetes"),
    ("malnutrition", "risk-malnutrition"), ("eating-disorder", "risk-malnutrition"),
    ("primary-hyperparathyroidism", "risk-endocrine"), ("hyperthyroidism", "risk-endocrine"),
    ("hyperaldosteronism", "risk-endocrine"), ("chronic-diarrhoea", "risk-diarrhoea"),
])  # fmt: skip
def test_each_disease_is_a_risk_when_it_is_confirmed(group: str, risk: str) -> None:
    assert risk in [item.id for item in ask(magnesium_risk, problem(group, 900)).items]
    assert risk not in [item.id for item in ask(magnesium_risk, problem(group, 900, confirmed=False)).items]


@pytest.mark.parametrize(("route", "counts"), [
    ("intravenous", True), ("intramuscular", True), (None, True), ("topical", False), ("inhaled", False),
])  # fmt: skip
def test_a_long_course_of_an_aminoglycoside_is_a_risk_by_injection(route: str | None, counts: bool) -> None:
    for course in (
        taken("aminoglycoside", route=route, since=moment(20 * DAY)),
        taken("aminoglycoside", route=route, since=moment(30 * DAY), until=moment(5 * DAY), status="past"),
    ):
        found = [item.id for item in ask(magnesium_risk, course).items]
        assert ("risk-nephrotoxic" in found) is counts


def test_a_drug_of_unknown_duration_is_told() -> None:
    for group in ("ppi", "loop-diuretic", "thiazide"):
        assert "unknown-drug-duration" in ask(magnesium_risk, taken(group)).unknown
        assert "unknown-drug-duration" not in ask(magnesium_risk, taken(group, since=moment(DAY))).unknown


@pytest.mark.parametrize(("group", "kind", "route"), [
    ("ppi", "ppi", "oral"), ("loop-diuretic", "loop-diuretic", "oral"), ("thiazide", "thiazide", "oral"),
    ("calcineurin-inhibitor", "calcineurin-inhibitor", "oral"),
    ("calcineurin-inhibitor", "calcineurin-inhibitor", "intravenous"), ("cisplatin", "platinum", "intravenous"),
    ("carboplatin", "platinum", "intravenous"), ("egfr-mab", "egfr-mab", "intravenous"),
    ("aminoglycoside", "antimicrobial", "intravenous"), ("aminoglycoside", "antimicrobial", "intramuscular"),
    ("amphotericin", "antimicrobial", "intravenous"), ("foscarnet-pentamidine", "antimicrobial", "intravenous"),
    ("patiromer", "patiromer", "oral"),
])  # fmt: skip
def test_each_wasting_drug_counts_as_its_class(group: str, kind: str, route: str) -> None:
    drug = taken(group, route=route, since=moment(900 * DAY))
    assert ask(magnesium_wasting, drug).classes == {kind: (drug,)}


@pytest.mark.parametrize("route", ["topical", "ophthalmic", "inhaled", "other"])
def test_a_local_route_prolongs_no_qt(route: str) -> None:
    for status in ("active", "draft"):
        found = ask(qt_drugs, taken("qt-candidates", route=route, status=status))
        assert (found.active, found.drafts) == ((), ())


def test_only_the_drafts_of_this_call_are_judged() -> None:
    judged, other = (taken("qt-candidates", status="draft", judged=judged) for judged in (True, False))
    found = ask(qt_drugs, judged, other)
    assert (found.judged, found.drafts) == ((judged,), (judged, other))
