"""Combined products that an ATC code names as one: known by their ingredients alone, they belong to the same groups.

A phosphate binder of calcium acetate and magnesium carbonate is one, whether its code or its name says so. A code
for any salts of some elements names no such product: what that may contain besides, a named product need not.
"""

from __future__ import annotations

from collections.abc import Mapping

from cds_service.facts.vocabulary import AtcClass, Vocabulary


class Combinations:
    """The combined products of one vocabulary.

    bare  ingredient that stands for any salt of its element -> that element
    """

    def __init__(self, vocabulary: Vocabulary, bare: Mapping[str, str]) -> None:
        self._vocabulary = vocabulary
        self._bare = bare
        self._known = [
            (entry.ingredients, self._groups_of(entry))
            for entry in vocabulary.atc_classes
            if len(entry.ingredients) > 1 and not entry.ingredients.issubset(bare)
        ]

    def groups(self, ingredients: frozenset[str]) -> frozenset[str]:
        """The groups of the products that consist of these ingredients; none when there is no such product."""
        if len(ingredients) < 2:
            return frozenset()
        found = [groups for parts, groups in self._known if self._are(ingredients, parts)]
        return frozenset[str]().union(*found)

    def _groups_of(self, entry: AtcClass) -> frozenset[str]:
        wider = [
            other
            for other in self._vocabulary.atc_classes
            if other.prefix == entry.prefix or (not other.exact and entry.prefix.startswith(other.prefix))
        ]
        return frozenset[str]().union(*(other.groups for other in wider))

    def _are(self, ingredients: frozenset[str], parts: frozenset[str]) -> bool:
        """Whether they are the parts; a salt is the part that stands for any salt of its element."""
        if len(ingredients) != len(parts):
            return False
        any_salt = sorted(self._bare.get(part, "") for part in parts - ingredients)
        return any_salt == sorted(self._element(ingredient) for ingredient in ingredients - parts)

    def _element(self, ingredient: str) -> str:
        """Of which element it is a salt; its own name when it is none."""
        drug = self._vocabulary.drugs.get(ingredient)
        return (drug.element if drug is not None else None) or ingredient
