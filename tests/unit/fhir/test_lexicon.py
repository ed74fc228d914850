"""Terms of whole words, and what is remembered for each vocabulary."""

from __future__ import annotations

import msgspec

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.read.lexicon import Terms, per_vocabulary, words_of
from tests.unit.fhir.charts import VOCABULARY


def test_a_term_without_words_is_never_found_and_one_given_twice_is_found_once() -> None:
    terms = Terms([("--", "nothing"), ("eye drops", "ophthalmic"), ("Eye Drops", "ophthalmic")])
    assert terms.found_in(words_of("two -- eye-drops")) == [(1, ("ophthalmic",))]


def test_only_the_last_vocabularies_are_remembered() -> None:
    built: list[Vocabulary] = []

    @per_vocabulary
    def build(vocabulary: Vocabulary) -> int:
        built.append(vocabulary)
        return len(built)

    kept = [msgspec.structs.replace(VOCABULARY) for _ in range(65)]
    assert [build(one) for one in kept] == list(range(1, 66))
    assert build(kept[64]) == 65
    assert build(kept[0]) == 66
