"""Words of problem lists without codes: which mean a condition of the shipped value sets, and which do not."""

from __future__ import annotations

import pytest

from cds_service.fhir.read.conditions import condition_names
from tests.shipped import knowledge

MEANT = {
    "alcohol-use-disorder": "chronic alcohol misuse; alcohol dependence syndrome; schadelijk alcoholgebruik",
    "areflexia": "absent deep tendon reflexes; loss of patellar reflexes; afwezige peesreflexen",
    "atrial-fibrillation": "boezemfibr.; new onset AF; paroxysmal AF; persistent atrial fibrillation; paroxysmaal AF",
    "ckd-g3": "CKD3b; CKD stage 3b; chronic kidney disease G3bA2; chronische nierschade stadium 3",
    "ckd-g4": "CKD stadium 4; stage IV CKD; stage 4 chronic kidney disease; CKD G4A2; "
    "chronic kidney disease, stage IV; chronische nierschade G4",
    "ckd-g5": "end-stage kidney failure; ESKD; terminale nierinsufficiëntie",
    "ckd": "renal impairment; nierinsufficiëntie; pre-dialysis care",
    "aki": "acute kidney failure; acute on chronic kidney injury; acute tubulusnecrose",
    "dialysis": "on haemodialysis three times weekly; CAPD; hemodialyse",
    "ecg-change": "peaked T waves on ECG; prominent U waves; ECG-afwijkingen; wide QRS; linkerbundeltakblok",
    "heart-failure": "HFrEF; chronic heart failure NYHA III; cardiac failure; gedecompenseerd hartfalen",
    "ischaemic-heart-disease": "stable angina; coronary artery disease with PCI; coronairsclerose",
    "laxative-misuse": "laxative abuse; misuse of laxatives; laxantiamisbruik",
    "palliative": "end of life care; terminally ill; best supportive care; palliatieve fase; EOL care",
    "pregnancy": "high-risk pregnancy; risicozwangerschap; in verwachting; antenatal care",
    "sepsis": "urosepsis; septicaemia",
    "seizure": "generalised tonic-clonic seizure; status epilepticus; gegeneraliseerd insult",
    "somnolence": "lethargy; reduced level of consciousness; slaperig",
    "acute-pancreatitis": "galsteenpancreatitis; pancreatitis, acute",
    "alcohol-withdrawal": "alcoholonttrekkingsinsult; EtOH withdrawal",
    "bariatric-malabsorptive": "maagomleiding; omega-loop bypass",
    "bariatric-surgery": "sleeve-resectie",
    "chronic-diarrhoea": "diarrhoea, chronic; diarree, chronisch",
    "conduction-widening": "ventricular pacing",
    "congenital-long-qt": "Jervell en Lange-Nielsen-syndroom",
    "diarrhoea": "waterige ontlasting",
    "fatigue": "uitputting",
    "low-mood": "neerslachtigheid",
    "muscle-cramps": "kramp in de kuiten",
    "myasthenia-gravis": "myasthene crisis",
    "palpitations": "bonzend hart; racing heart",
    "paraesthesia": "tintelende vingers; gevoelloosheid",
    "syncope": "flauwte; passed out",
    "type-2-diabetes": "non-insuline-afhankelijke diabetes mellitus",
    "ventricular-ectopy": "ventriculaire bigeminie",
    "ventricular-tachycardia": "broad complex tachycardia; V-tach",
    "tremor": "handtremor; bevende handen",
    "visual-disturbance": "xanthopsie; geel zien",
    "tetany": "Chvostek's sign positive; carpopedal spasms; carpopedaalspasme; teken van Trousseau",
}
NOT_MEANT = {
    "asthma": "astma cardiale",
    "coeliac-disease": "spruw van de mond",
    "low-mood": "depressed left ventricular function; ST depressed",
    "syncope": "vertebral collapse",
    "alcohol-use-disorder": "alcohol dependence in remission; non-alcoholic steatohepatitis; former alcoholism",
    "ckd-g4": "CKD stage 3b; stage 4 chronic kidney disease ruled out",
    "delivery": "previous caesarean section; eerdere keizersnede; geplande sectio caesarea",
    "dialysis": "pre-dialysis care; no indication for dialysis",
    "ischaemic-heart-disease": "keelangina; coronary artery disease excluded",
    "palliative": "do not resuscitate; terminal ileitis; end-stage renal disease",
    "seizure": "bij toeval gevonden afwijking; no seizures; seizures denied; family history of seizures",
    "sepsis": "septic arthritis",
    "tetany": "Chvostek negative; Trousseau's sign negative; geen tetanie",
}


def pairs(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(group, text) for group, texts in words.items() for text in texts.split("; ")]


def groups(text: str) -> frozenset[str]:
    return condition_names(knowledge().vocabulary).in_text(text)


@pytest.mark.parametrize(("group", "text"), pairs(MEANT))
def test_a_problem_in_words_is_recognised(group: str, text: str) -> None:
    assert group in groups(text)


@pytest.mark.parametrize(("group", "text"), pairs(NOT_MEANT))
def test_words_that_deny_it_or_mean_another_thing_are_not_the_problem(group: str, text: str) -> None:
    assert group not in groups(text)
