"""The line "start after consultation": for which new magnesium supplement, and because of what."""

from __future__ import annotations

import pytest

from cards._families.supplement_opener.family import supplement_opener
from cds_service.facts.outcomes import Listing, Phrase
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Exposure, Problem
from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.cases import options_for
from cds_service.service.decide import decide
from cds_service.service.situations import build_call
from tests.shipped import knowledge

SUPPLEMENT = {"is": "magnesium citrate", "dose": "150 mg elemental 1/d"}


def ask(**case: object) -> tuple[Phrase, ...]:
    """The line at the signing of a new magnesium supplement, for a man of 50 unless the case says otherwise."""
    chart = {"name": "chart", "hook": "order-sign", "patient": {"age": 50, "sex": "male"}, "then": "satisfied"}
    entry = CaseEntry.model_validate(chart | {"drafts": (SUPPLEMENT,)} | case)
    snapshot = decide(build_call(entry, knowledge()), knowledge(), options_for(entry)).snapshot
    return Patient(snapshot, Needs(uses=frozenset({"supplement-opener"})), knowledge().families).ask(supplement_opener)


def reasons(**case: object) -> list[str]:
    """What the line names as reasons: names of drugs, groups of problems, ids of phrases."""
    (line,) = ask(**case)
    listed = line.values["reasons"]
    assert isinstance(listed, Listing)
    return [_named(item) for item in listed.items]


def _named(item: object) -> str:
    if isinstance(item, Exposure):
        return next(iter(item.ingredients))
    return item.group if isinstance(item, Problem) else item.id if isinstance(item, Phrase) else ""


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"drugs": ("furosemide -300d",)}, "furosemide"),
        ({"drugs": ("omeprazole -300d",)}, "omeprazole"),
        ({"drugs": ("ciprofloxacin -2d",)}, "ciprofloxacin"),
        *(
            ({"conditions": (f"{heart} -300d",)}, heart)
            for heart in (
                "heart-failure",
                "ischaemic-heart-disease",
                "heart-block",
                "arrhythmia",
                "atrial-fibrillation",
            )
        ),
        ({"conditions": ("ckd-g3 -300d",)}, "ckd"),
        ({"labs": ("egfr 59 mL/min/{1.73_m2} -30d",)}, "reduced-kidney-function"),
        ({"patient": {"age": 31, "sex": "female", "pregnant": True}}, "pregnant"),
    ],
)
def test_each_reason_to_consult_first_is_named(case: dict[str, object], reason: str) -> None:
    assert reasons(**case) == [reason]


def test_a_patient_without_a_reason_gets_no_line() -> None:
    assert ask(labs=("egfr 60 mL/min/{1.73_m2} -30d",), drugs=("paracetamol -30d",)) == ()


def test_several_reasons_are_one_line() -> None:
    assert len(reasons(drugs=("furosemide -300d", "omeprazole -300d"), conditions=("heart-failure -300d",))) == 3


def test_a_renewed_supplement_is_not_new() -> None:
    assert ask(drugs=("furosemide -300d", "magnesium citrate -60d")) == ()


def test_a_supplement_that_is_not_of_this_call_is_not_new() -> None:
    assert ask(hook="order-select", drugs=("furosemide -300d",), drafts=(SUPPLEMENT | {"select": False},)) == ()


@pytest.mark.parametrize("draft", [{"is": "magnesium hydroxide"}, {"is": "magnesium sulfate", "route": "intravenous"}])
def test_a_laxative_or_an_infusion_is_no_supplement(draft: dict[str, str]) -> None:
    assert ask(drugs=("furosemide -300d",), drafts=(draft,)) == ()


def test_an_unknown_problem_list_is_no_reason_and_no_obstacle() -> None:
    case = {"patient": {"age": 31, "sex": "female"}, "without": ("conditions",)}
    assert ask(**case) == ()
    assert reasons(**case, drugs=("omeprazole -300d",)) == ["omeprazole"]
