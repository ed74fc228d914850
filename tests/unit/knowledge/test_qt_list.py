"""Our own list of QT-prolonging drugs: short, systemic, and each drug by its own label."""

from __future__ import annotations

import pytest
import yaml

from cds_service.knowledge.value_set_files import DrugsFile
from cds_service.knowledge.vocabulary_clash import Clash, VocabularyError
from cds_service.knowledge.vocabulary_drugs import build_drugs
from tests.unit.knowledge.shared_tables import SHARED, shared_tables

GROUP = "qt-candidates"
DRUGS = yaml.safe_load((SHARED / "valuesets" / "drugs.yaml").read_text(encoding="utf-8"))
BIBLIOGRAPHY = yaml.safe_load((SHARED / "evidence.yaml").read_text(encoding="utf-8"))["evidence"]


def test_every_member_names_its_own_label_in_the_bibliography() -> None:
    sources = DRUGS["groups"][GROUP]["sources"]
    members = {d.id for d in shared_tables().vocabulary.drugs.values() if GROUP in d.groups}
    assert members == set(sources)
    assert len(set(sources.values())) == len(sources)
    assert set(sources.values()) <= BIBLIOGRAPHY.keys()


def test_no_atc_class_makes_a_drug_qt_prolonging() -> None:
    assert not [one.prefix for one in shared_tables().vocabulary.atc_classes if GROUP in one.groups]


def test_a_member_without_a_source_and_a_source_without_a_member_are_refused() -> None:
    label = {"nl": "x", "en": "x"}
    file = DrugsFile.model_validate(
        {
            "groups": {GROUP: {"label": label, "sources": {"other": "label-other"}}},
            "ingredients": {"one": {"label": {"nl": "een", "en": "one"}, "groups": (GROUP,)}},
            "classes": (),
            "products": {},
            "named": (),
            "routes": {"codes": {}, "words": {}, "usual": ()},
        }
    )
    clash = Clash()
    build_drugs(file, clash)
    with pytest.raises(VocabularyError) as refused:
        clash.check()
    assert "one is a member without a source" in str(refused.value.problems)
    assert "other is no member" in str(refused.value.problems)
