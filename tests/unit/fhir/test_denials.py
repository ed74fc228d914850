"""What the words around a term deny: which of the conditions in a text are this patient's, now, and for sure."""

from __future__ import annotations

import pytest

from cds_service.fhir.read.conditions import ConditionNames, condition_names
from cds_service.fhir.read.denials import is_doubted, is_past
from tests.shipped import knowledge

# What a text says, and the groups that it leaves (with what they imply).
CLAUSES = {
    "no complications, heart failure": "heart-failure",
    "Geen complicaties. Hartfalen.": "heart-failure",
    "no fever. heart failure": "heart-failure",
    "niet reanimeren, palliatief beleid": "palliative",
    "geen curatieve opties; palliatieve zorg": "palliative",
    "geen familie\npalliatieve zorg": "palliative",
    "no transplant options - chronic dialysis": "dialysis",
    "negative T waves, u waves": "ecg-change",
    "geen obstipatie, wel diarree": "diarrhoea",
    "HIV negative, pregnant": "pregnancy",
    "former smoker, heart failure": "heart-failure",
    "chest pain, ruled out MI": "chest-pain",
    "heart failure, negative troponin": "heart-failure",
    "no fever,, heart failure": "heart-failure",
    "geen asp. voor hartfalen": "",
    "geen diarree/braken": "",
}
ENDING_WORDS = {
    "no constipation but diarrhoea": "diarrhoea",
    "kan niet slapen door beenkrampen": "muscle-cramps",
    "hyperkalaemia without ECG changes": "hyperkalaemia",
    "geen ECG-afwijkingen bij hyperkaliëmie": "hyperkalaemia",
    "niet reanimeren palliatief": "palliative",
    "never smoker with heart failure": "heart-failure",
}
LISTS = {
    "no seizures, syncope or palpitations": "",
    "no fever, palpitations, syncope, or seizures": "",
    "geen koorts, hartkloppingen, collaps of insulten": "",
    "no allergies, history of seizures": "seizure",
    "no diarrhoea, vomiting": "vomiting",
    "no allergies, hypertension treated for many years, syncope or seizures": "hypertension seizure syncope",
    "no acute coronary syndrome or seizures or vomiting": "",
    "Denies: chest pain, palpitations, syncope": "",
    "patient denies chest pain, palpitations, syncope": "",
    "hypertension; ontkent hartkloppingen, collaps": "hypertension",
    "no complications, heart failure, denies pain": "heart-failure",
    "Familieanamnese: hypertensie, epilepsie; zelf: migraine": "headache-migraine migraine",
    "Negatief: hartkloppingen, syncope": "",
    "geen allergieën, diagnose: hypertensie": "hypertension",
}
REACH = {
    "no known history of epilepsy": "",
    "geen aanwijzingen voor een hartinfarct": "",
    "geen klinische tekenen van hartfalen": "",
    "no help at all with epilepsy": "epilepsy",
    "neither epilepsy nor syncope": "",
}
ADJECTIVES = {
    "high-risk pregnancy": "pregnancy",
    "zwangerschap met hoog risico": "pregnancy",
    "risicozwangerschap": "pregnancy",
    "verhoogd risico op refeedingsyndroom": "",
    "at risk for hypokalaemia": "",
    "heart failure risk": "",
    "Gram-negative sepsis": "sepsis",
    "AChR-negative myasthenia gravis": "myasthenia-gravis",
    "negative for syncope": "",
    "negatieve Chvostek": "",
    "niet-oligurische AKI": "aki",
    "former smoker with hypertension": "hypertension",
    "ex-alcoholist": "",
    "geplande sectio caesarea": "",
    "screening for coeliac disease": "",
}
AFTERWARDS = {
    "alcohol dependence, in remission": "",
    "alcohol dependence (currently abstinent)": "",
    "sepsis: uitgesloten": "",
    "sepsis - excluded by culture": "",
    "seizure-free": "",
    "hypertension: no": "",
    "epilepsy in mother": "",
    "epilepsy; mother was told": "epilepsy",
    "hartfalen, familie ingelicht": "heart-failure",
    "hypertension, no": "",
    "hypertension, no complaints": "hypertension",
}
ALL = CLAUSES | ENDING_WORDS | LISTS | REACH | ADJECTIVES | AFTERWARDS
IMPLIED = {"ischaemic-heart-disease"}


def names() -> ConditionNames:
    return condition_names(knowledge().vocabulary)


@pytest.mark.parametrize(("text", "left"), ALL.items())
def test_a_denial_takes_what_it_is_about_and_no_more(text: str, left: str) -> None:
    assert names().in_note(text) - IMPLIED == set(left.split())


def test_a_list_of_any_length_is_read_in_one_pass() -> None:
    text = "no seizures" + ", seizures" * 20_000 + " or syncope"
    assert names().in_note(text) == {"seizure", "syncope"}, "a list is followed for some thirty words"


@pytest.mark.parametrize(
    "text",
    [
        "hartfalen?", "rule out sepsis", "r/o sepsis", "v.a. sepsis", "DD: sepsis", "likely sepsis", "cave sepsis",
        "sepsis not excluded", "sepsis cannot be ruled out", "hartinfarct niet uitgesloten", "vermoedelijke sepsis",
    ],
)  # fmt: skip
def test_a_doubt_is_heard(text: str) -> None:
    assert is_doubted(text)
    assert names().in_note(text)


@pytest.mark.parametrize("text", ["sepsis dd 12-03-2026", "sepsis d.d. 12-03", "2dd sepsis", "sepsis unlikely"])
def test_what_only_resembles_a_doubt_is_none(text: str) -> None:
    assert not is_doubted(text)


@pytest.mark.parametrize(
    "text",
    [
        "history of seizures", "H/o seizure", "Past medical history: seizure", "previous seizure", "VG: insult",
        "Insulten in de voorgeschiedenis", "seizures in the past.", "eerder insult",
    ],
)  # fmt: skip
def test_a_problem_of_the_past_is_heard(text: str) -> None:
    assert is_past(text)
    assert names().in_note(text) == names().in_note("seizure"), "it still is the patient's"


@pytest.mark.parametrize(
    "text",
    [
        "seizure", "status epilepticus", "seizure today, history of epilepsy", "history of epilepsy; seizure today",
        "s/p seizure", "status na insult", "History of present illness: seizure", "history of seizures since Monday",
        "history of seizures for 2 days", "voorgeschiedenis: insult vannacht", "previous seizure 3 h ago",
    ],
)  # fmt: skip
def test_what_may_be_of_today_is_not_of_the_past(text: str) -> None:
    assert not is_past(text)
