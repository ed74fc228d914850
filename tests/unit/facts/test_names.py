"""How names are compared: without case, accents and punctuation."""

from __future__ import annotations

from cds_service.facts.vocabulary import normal_name


def test_an_accent_belongs_to_its_letter_and_does_not_part_a_word() -> None:
    assert normal_name("Hypomagnésémie") == normal_name("hypomagnesemie") == "hypomagnesemie"
