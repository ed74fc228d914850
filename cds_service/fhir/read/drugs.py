"""Which drug is it: a set of ingredients, from codes when they say so and from whole ingredient names otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

import msgspec

from cds_service.facts.vocabulary import ELEMENT_WORDS, MappedDrug, Vocabulary, words_of
from cds_service.fhir.datatypes import CodeableConcept, Coding
from cds_service.fhir.read.combinations import Combinations
from cds_service.fhir.read.lexicon import Terms, per_vocabulary, remember_concepts, without_final_e
from cds_service.fhir.read.product_codes import ProductCodes
from cds_service.fhir.read.salts import without_salt
from cds_service.fhir.structs import Medication
from cds_service.knowledge.vocabulary_systems import ATC, RXNORM, SNOMED, UNII

DATA_ABSENT = "data-absent-reason"
NULL_FLAVOR = "NullFlavor"
UNIDENTIFIED = ""
NO_DRUG = "no drug"
_NOTHING_TAKEN = frozenset(
    {
        ("http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", "no-known-medications"),
        (SNOMED, "787481004"),
    }
)

_SYSTEM_NAMES = {
    RXNORM: "RxNorm",
    SNOMED: "SNOMED CT",
    UNII: "UNII",
}
MAP = "map"
_PRECEDENCE = ("ATC", "RxNorm", "SNOMED CT", "UNII")
_COMPONENTS = re.compile(r"[/+,;&]|\s[-\u2013]\s|\b(?:en|and|und|et|met|with)\b", re.IGNORECASE)
_ATC_CODE = re.compile(r"[A-Z](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?")  # of level 1 to 5
_UNITS = frozenset({"mg", "g", "kg", "ug", "mcg", "ml", "l", "iu", "ie", "mmol", "meq", "h", "d"})
_NEUTRAL = frozenset(
    {
        "tablet", "tablets", "tabletten", "tabletje", "capsule", "capsules", "capsulen", "caps", "bruistablet",
        "bruistabletten", "kauwtablet", "kauwtabletten", "effervescent", "chewable", "powder", "poeder",
        "sachet", "sachets", "granulaat", "suspension", "suspensie", "solution", "oplossing", "drank", "drops",
        "druppels", "injection", "injectie", "infusion", "infuus", "infusie", "injectable", "oral", "orale",
        "intravenous", "intraveneus", "elemental", "elementair", "elementaire", "chelated", "liquid", "high",
        "dose", "strength", "extra", "forte", "supplement", "supplements", "supplementen", "otc", "vrij",
        "verkrijgbaar", "organic", "pure", "mineral", "mineraal", "generic", "slow", "release", "retard",
        "coated", "film", "filmomhulde", "delayed", "extended",
    }
)  # fmt: skip


class Identity(msgspec.Struct, frozen=True, dict=True):
    """What a drug is.

    atc       ATC codes as recorded; substances: those of level 5; classes: their level 4, else that of the ingredients
    known_by  the code system that identified it, MAP (a drug map knows its product code), "text", NO_DRUG for the
              statement that nothing is taken, or "" when it was not identified
    system    code system of the first coding (for counting what could not be mapped), or "text"
    partial   one of several listed active ingredients was not identified
    mapped    what a drug map says of the product, where it was the map that identified it
    """

    ingredients: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    atc: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    known_by: str = UNIDENTIFIED
    system: str = "text"
    partial: bool = False
    substances: frozenset[str] = frozenset()
    mapped: MappedDrug | None = None

    @cached_property
    def names(self) -> tuple[str | frozenset[str], ...]:
        """What the drug can be recognised by: two records of one drug share at least one of these."""
        return (*self.substances, self.ingredients) if self.ingredients else (*self.substances,)

    @cached_property
    def kin(self) -> frozenset[str]:
        """Its ingredients and classes: use of what shares one of them goes on where this drug takes over."""
        return self.classes | self.ingredients


def identify(codings: Iterable[Coding], text: str, medication: Medication | None, vocabulary: Vocabulary) -> Identity:
    """The identity of a drug from its codes and text, and from the Medication resource when there is one."""
    names = drug_names(vocabulary)
    if medication is None:
        return names.identify(tuple(codings), text)
    code = medication.code or CodeableConcept()
    identity = names.identify((*codings, *code.coding), code.text or text)
    listed = [i for i in medication.ingredient if i.is_active is not False]
    if not listed:
        return identity
    parts = [
        names.identify(tuple(c.coding), c.text) for c in (i.item_codeable_concept for i in listed) if c is not None
    ]
    return names.join(identity, parts, missing=len(parts) < len(listed))


class DrugNames:
    """All drug knowledge of one vocabulary, indexed for look-up; identities are remembered, as the same drugs recur."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.identify = remember_concepts(self._identify)
        names = [(name, ingredient) for name, ingredient in vocabulary.drug_names.items() if name not in _UNITS]
        names += [(name, ingredient) for name, listed in vocabulary.products.items() for ingredient in listed]
        names += without_final_e(names)
        self._names = Terms(names)
        self._products = ProductCodes(vocabulary)
        self._atc_of: dict[str, set[str]] = {}
        for (system, code), ingredient in vocabulary.drug_codes.items():
            if system == ATC:
                self._atc_of.setdefault(ingredient, set()).add(code)
        self._prefixes = {entry.prefix for entry in vocabulary.atc_classes}
        self._prefixes |= {code for system, code in vocabulary.drug_codes if system == ATC}
        named = {word: vocabulary.drug_names[word] for word in sorted(ELEMENT_WORDS & vocabulary.drug_names.keys())}
        self._bare = {ingredient: self._element(ingredient) or word for word, ingredient in named.items()}
        self._combined = frozenset(drug.id for drug in vocabulary.drugs.values() if drug.combined)
        self._combinations = Combinations(vocabulary, self._bare)

    def atc_codes(self, identity: Identity) -> frozenset[str]:
        """Recorded ATC codes, else those of the ingredients."""
        return identity.atc or frozenset(code for i in identity.ingredients for code in self._atc_of.get(i, ()))

    def class_groups(self, ingredient: str, allowed: Callable[[str], bool]) -> frozenset[str]:
        """The groups that all ATC codes of an ingredient imply, of the codes that are allowed."""
        codes = [code for code in self._atc_of.get(ingredient, ()) if allowed(code)]
        implied = []
        for code in codes:
            entries = [
                e
                for e in self.vocabulary.atc_classes
                if code == e.prefix or (not e.exact and code.startswith(e.prefix))
            ]
            implied.append(frozenset[str]().union(*(entry.groups for entry in entries)))
        return frozenset.intersection(*implied) if implied else frozenset()

    def join(self, whole: Identity, parts: list[Identity], *, missing: bool) -> Identity:
        """A product and its listed ingredients as one identity.

        Ingredients add to a product identified by code only when a code identifies them too.
        """
        by_code = whole.known_by not in (UNIDENTIFIED, "text")
        used = [part for part in parts if part.known_by and (part.known_by != "text" or not by_code)]
        if not used:
            return whole
        ingredients = set(whole.ingredients).union(*(part.ingredients for part in used))
        groups = set(whole.groups).union(*(part.groups for part in used))
        atc = whole.atc or frozenset[str]().union(*(part.atc for part in used))
        known_by = whole.known_by if by_code else next((p.known_by for p in used if p.known_by != "text"), "text")
        partial = not whole.known_by and (missing or len(used) < len(parts))
        joined = self._sealed(ingredients, groups, atc, known_by, whole.system, partial)
        return joined if whole.mapped is None else msgspec.structs.replace(joined, mapped=whole.mapped)

    def _identify(self, codings: tuple[Coding, ...], text: str) -> Identity:
        ingredients: set[str] = set()
        groups: set[str] = set()
        atc: set[str] = set()
        known: set[str] = set()
        counted = "text"
        for coding in codings:
            system = self.vocabulary.systems.get(coding.system, coding.system)
            if DATA_ABSENT in system:
                return Identity(system=system)
            if NULL_FLAVOR in system or not coding.code:
                continue
            counted = system if counted == "text" else counted
            code = coding.code.strip()
            if (system, code) in _NOTHING_TAKEN:
                return Identity(known_by=NO_DRUG, system=system)
            if system == ATC or system.endswith("/atc"):
                if self._read_atc(code.upper(), ingredients, groups, atc):
                    known.add("ATC")
            elif (ingredient := self.vocabulary.drug_codes.get((system, code))) is not None:
                ingredients.add(ingredient)
                known.add(_SYSTEM_NAMES.get(system, system))
        texts = (text, *(coding.display for coding in codings))
        mapped = self._products.find(codings) if ingredients.issubset(self._bare) else None
        if mapped is not None and not known:
            known.add(MAP)
            ingredients |= mapped.ingredients
            for code in mapped.atc:
                self._read_atc(code, ingredients, groups, atc)
        if not known:
            ingredients = self._named(*texts)
            known.update(("text",) if ingredients else ())
        elif ingredients.issubset(self._bare):
            said = (mapped.ingredients if mapped is not None else frozenset()) - self._bare.keys()
            ingredients |= self._refining(ingredients, groups, atc, said or self._named(*texts))
        elif ingredients.issubset(self._combined):
            ingredients |= self._named(*texts)
        known_by = next((name for name in _PRECEDENCE if name in known), next(iter(known), UNIDENTIFIED))
        identity = self._sealed(ingredients, groups, frozenset(atc), known_by, counted, False)
        return msgspec.structs.replace(identity, mapped=mapped) if mapped is not None else identity

    def _read_atc(self, code: str, ingredients: set[str], groups: set[str], atc: set[str]) -> bool:
        """Add what an ATC code implies; whether the code settles what the drug is."""
        if not _ATC_CODE.fullmatch(code):
            return False
        atc.add(code)
        ingredient = self.vocabulary.drug_codes.get((ATC, code))
        if ingredient is not None:
            ingredients.add(ingredient)
        implied = False
        for entry in self.vocabulary.atc_classes:
            if code == entry.prefix or (not entry.exact and code.startswith(entry.prefix)):
                ingredients |= entry.ingredients
                groups |= entry.groups
                implied = True
        if len(code) == 7 or implied:
            return True
        return not any(prefix.startswith(code) for prefix in self._prefixes)

    def _named(self, *texts: str) -> set[str]:
        for text in texts:
            if text:
                # as one too, for names with a separator in them: `estrogens, conjugated`, `multivitamin with minerals`
                found = self._named_in_component(words_of(text))
                for component in _COMPONENTS.split(text):
                    found |= self._named_in_component(words_of(component))
                if found:
                    return found
        return set()

    def _named_in_component(self, words: list[str]) -> set[str]:
        """Ingredients of one component; a bare element after another substance is only its counter-ion."""
        found: set[str] = set()
        other = False
        start = 0
        while start < len(words):
            length, meanings = self._at(words, start)
            if length:
                bare = length == 1 and words[start] in ELEMENT_WORDS
                if not (bare and other):
                    found.update(meanings)
                other = other or not bare
            elif len(words[start]) > 3 and words[start].isalpha() and words[start] not in ELEMENT_WORDS:
                other = other or (words[start] not in _NEUTRAL and not found)
            start += length or 1
        return found

    def _at(self, words: list[str], start: int) -> tuple[int, tuple[str, ...]]:
        """The longest name that begins at `start`, else the drug whose salt that word is; a salt of an element is not
        the element: many of those are excipients."""
        length, meanings = self._names.at(words, start)
        if length:
            return length, meanings
        for name in without_salt(words[start]):
            length, meanings = self._names.at((name,), 0)
            if length:
                return (0, ()) if any(self._element(i) or i in self._bare for i in meanings) else (1, meanings)
        return 0, ()

    def _refining(self, ingredients: set[str], groups: set[str], atc: set[str], named: Iterable[str]) -> set[str]:
        """What a name adds to a class code: the salt of its element, an ingredient that brings in no new group, or one
        that belongs to the class itself."""
        elements = {self._bare[ingredient] for ingredient in ingredients}
        if elements:
            return {i for i in named if self._element(i) in elements}
        return {i for i in named if groups and (self._groups_of(i) <= groups or self._is_below(i, groups, atc))}

    def _is_below(self, ingredient: str, groups: set[str], atc: set[str]) -> bool:
        """Whether an ingredient belongs to the class of one of the codes, or to all groups that they imply."""
        own = self._atc_of.get(ingredient, ())
        return groups <= self._groups_of(ingredient) or any(code.startswith(tuple(atc)) for code in own)

    def _groups_of(self, ingredient: str) -> frozenset[str]:
        drug = self.vocabulary.drugs.get(ingredient)
        return drug.groups if drug is not None else frozenset()

    def _sealed(
        self, ingredients: set[str], groups: set[str], atc: frozenset[str], known_by: str, system: str, partial: bool
    ) -> Identity:
        for bare, element in self._bare.items():
            if bare in ingredients and any(i != bare and self._element(i) == element for i in ingredients):
                ingredients.discard(bare)
        for ingredient in ingredients:
            groups |= self._groups_of(ingredient)
        if not atc:
            groups |= self._combinations.groups(frozenset(ingredients))
        codes = atc or frozenset(code for i in ingredients for code in self._atc_of.get(i, ()))
        classes = frozenset(code[:5] for code in codes if len(code) >= 5)
        substances = frozenset(code for code in atc if len(code) == 7)
        known = frozenset(ingredients), frozenset(groups)
        return Identity(*known, atc, classes, known_by, system, partial, substances)

    def _element(self, ingredient: str) -> str | None:
        drug = self.vocabulary.drugs.get(ingredient)
        return drug.element if drug is not None else None


drug_names = per_vocabulary(DrugNames)
