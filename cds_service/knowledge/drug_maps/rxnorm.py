"""A drug map from RxNorm's RRF files: every product, pack, branded name and component down to its ingredients.

Only atoms and relations of RxNorm itself (SAB=RXNORM) are read. In RXNREL a line says: RXCUI2 RELA RXCUI1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.drug_maps.file import NAME, ProductRow
from cds_service.knowledge.drug_maps.ingredients import IngredientNames, joined
from cds_service.knowledge.drug_maps.strengths import write_strength
from cds_service.knowledge.vocabulary_systems import NDC, RXNORM

CONCEPTS, RELATIONS = "RXNCONSO.RRF", "RXNREL.RRF"
ATTRIBUTES, ARCHIVE, MERGED = "RXNSAT.RRF", "RXNATOMARCHIVE.RRF", "RXNCUI.RRF"
_INGREDIENT, _PRECISE, _COMPONENT = "IN", "PIN", "SCDC"
# term type -> relations that lead nearer to the ingredients; the next row is tried only when one leads nowhere
_STEPS: Mapping[str, tuple[frozenset[str], ...]] = {
    "BPCK": (frozenset({"contains", "tradename_of"}),),
    "GPCK": (frozenset({"contains"}),),
    "SBD": (frozenset({"tradename_of"}), frozenset({"consists_of"}), frozenset({"isa"})),
    "SCD": (frozenset({"consists_of"}), frozenset({"has_ingredients"}), frozenset({"isa"})),
    "SBDC": (frozenset({"tradename_of"}),),
    "SBDF": (frozenset({"tradename_of"}),),
    "SBDG": (frozenset({"tradename_of"}),),
    "SCDC": (frozenset({"has_ingredient", "has_precise_ingredient"}),),
    "SCDF": (frozenset({"has_ingredient"}),),
    "SCDG": (frozenset({"has_ingredient"}),),
    "MIN": (frozenset({"has_part"}),),
    "BN": (frozenset({"tradename_of"}),),
    "PIN": (frozenset({"form_of"}),),
}
# what a step may lead to: RELA alone also leads to dose forms and brand names
_BELOW: Mapping[str, frozenset[str]] = {
    "BPCK": frozenset({"SBD", "SCD", "GPCK"}),
    "GPCK": frozenset({"SCD", "SBD"}),
    "SBD": frozenset({"SCD", "SBDC", "SBDF"}),
    "SCD": frozenset({"SCDC", "SCDF", "MIN"}),
    "SBDC": frozenset({"SCDC"}),
    "SBDF": frozenset({"SCDF"}),
    "SBDG": frozenset({"SCDG"}),
    "SCDC": frozenset({"IN", "PIN"}),
    "SCDF": frozenset({"IN"}),
    "SCDG": frozenset({"IN"}),
    "MIN": frozenset({"IN", "PIN"}),
    "BN": frozenset({"IN", "PIN", "MIN"}),
    "PIN": frozenset({"IN"}),
}
_RELATIONS = frozenset(relation for rows in _STEPS.values() for row in rows for relation in row)


def read_rxnorm(folder: Path, vocabulary: Vocabulary) -> tuple[list[ProductRow], dict[str, int]]:
    """The rows of a map and what was counted on the way.

    Where present, RXNSAT adds NDC codes, RXNATOMARCHIVE and RXNCUI the retired codes that were merged into living ones.
    Raises KnowledgeError when RXNCONSO or RXNREL is missing or not in its layout.
    """
    graph = _Graph(folder, vocabulary)
    rows = {code: row for code in sorted(graph.types) if (row := graph.row(code)) is not None}
    counts = {"products": len(rows), "without ingredients": sum(1 for t in graph.types.values() if t in _STEPS)}
    counts["without ingredients"] -= sum(graph.types[code] in _STEPS for code in rows)
    merged = {old: rows[new] for old, new in _merged(folder).items() if new in rows and old not in graph.types}
    codes = {ndc: rows[code] for ndc, code in _ndc(folder).items() if code in rows}
    counts |= {"retired codes": len(merged), "NDC codes": len(codes)}
    listed = list(rows.values())
    listed += [row._replace(code=old) for old, row in merged.items()]
    listed += [row._replace(system=NDC, code=ndc) for ndc, row in codes.items()]
    return listed, counts


class _Graph:
    """RxNorm's concepts with their type and name, and the steps from each towards its ingredients."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self.names = IngredientNames(vocabulary)
        self.drugs = vocabulary.drugs
        self.types: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        for line in _lines(folder / CONCEPTS, 18):
            code, kind = line[0], line[12]
            if line[11] == "RXNORM" and (kind in _STEPS or kind == _INGREDIENT) and line[16] != "O":
                self.types[code], self.texts[code] = kind, line[14]
        self.steps: dict[str, dict[str, list[str]]] = {}
        for line in _lines(folder / RELATIONS, 16):
            below, above, relation = line[0], line[4], line[7]
            if line[10] == "RXNORM" and relation in _RELATIONS and above in self.types and below in self.types:
                kind = self.types[above]
                if kind in _STEPS and self.types[below] in _BELOW[kind]:
                    self.steps.setdefault(above, {}).setdefault(relation, []).append(below)
        self._found: dict[str, frozenset[str]] = {}

    def row(self, code: str) -> ProductRow | None:
        """The row of a product; None for an ingredient of ours (the vocabulary has it) and where nothing is found."""
        if self.names.of_code(RXNORM, code) is not None:
            return None
        ingredients = self._ingredients(code)
        if not ingredients:
            return None
        ours = [self._ours(ingredient) for ingredient in sorted(ingredients)]
        has_mineral = any(ingredient is not None and self.drugs[ingredient].element for ingredient in ours)
        return ProductRow(RXNORM, code, joined(ours), strength=self._strength(code) if has_mineral else "")

    def _ours(self, ingredient: str) -> str | None:
        return self.names.of_code(RXNORM, ingredient) or self.names.of_name(self.texts[ingredient])

    def _ingredients(self, code: str) -> frozenset[str]:
        """Codes of the ingredients (IN); of the exact salt (PIN) instead where the salt is one of ours."""
        known = self._found.get(code)
        if known is not None:
            return known
        self._found[code] = frozenset()  # a circle ends here
        kind = self.types[code]
        if kind == _INGREDIENT or (kind == _PRECISE and self._ours_exactly(code)):
            found = frozenset({code})
        elif kind == _COMPONENT:
            below = self._below(code)
            salts = [c for c in below if self.types[c] == _PRECISE and self._ours_exactly(c)]
            found = frozenset(salts or [c for c in below if self.types[c] == _INGREDIENT])
        else:
            found = frozenset[str]().union(*map(self._ingredients, self._below(code)))
        self._found[code] = found
        return found

    def _ours_exactly(self, code: str) -> bool:
        """Whether a salt is an ingredient of its own with us, not only a form of another one."""
        found = self._ours(code)
        bases = [self._ours(base) for base in self.steps.get(code, {}).get("form_of", ())]
        return found is not None and found not in bases

    def _below(self, code: str) -> list[str]:
        steps = self.steps.get(code, {})
        for relations in _STEPS.get(self.types[code], ()):
            found = [below for relation in sorted(relations) for below in steps.get(relation, ())]
            if found:
                return found
        return []

    def _strength(self, code: str) -> str:
        """Content per unit as the components of a single product state it; a pack has none."""
        kind = self.types[code]
        if kind == "SBD":
            return next((self._strength(c) for c in self._below(code) if self.types[c] == "SCD"), "")
        components = [code] if kind == _COMPONENT else self._below(code) if kind == "SCD" else []
        texts = [write_strength(self.texts[c]) for c in components if self.types[c] == _COMPONENT]
        return "; ".join(sorted(texts)) if texts and all(texts) else ""


def _merged(folder: Path) -> dict[str, str]:
    """Retired code -> the code that it was merged into, followed to the last."""
    found: dict[str, str] = {}
    if (folder / MERGED).is_file():
        found |= {line[0]: line[4] for line in _lines(folder / MERGED, 5) if line[4] and line[4] != line[0]}
    if (folder / ARCHIVE).is_file():
        for line in _lines(folder / ARCHIVE, 16):
            if line[13] == "RXNORM" and line[15] and line[15] != line[12]:
                found[line[12]] = line[15]
    return {old: _last(old, found) for old in found}


def _last(code: str, merged: Mapping[str, str]) -> str:
    seen = {code}
    while code in merged and merged[code] not in seen:
        code = merged[code]
        seen.add(code)
    return code


def _ndc(folder: Path) -> dict[str, str]:
    """NDC in eleven digits -> RXCUI."""
    if not (folder / ATTRIBUTES).is_file():
        return {}
    lines = _lines(folder / ATTRIBUTES, 13)
    return {line[10]: line[0] for line in lines if line[8] == "NDC" and line[9] == "RXNORM" and line[11] != "O"}


def _lines(path: Path, columns: int) -> Iterator[list[str]]:
    """The lines of an RRF file: fields each ended by `|`."""
    if not path.is_file():
        remedy = "name the folder rrf of an unpacked RxNorm release"
        raise KnowledgeError((Finding(path.name, 1, NAME, "the file is missing", remedy),))
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, text in enumerate(file, 1):
            line = text.rstrip("\r\n").split("|")
            if len(line) < columns:
                problem = f"{len(line)} fields instead of {columns}"
                raise KnowledgeError(
                    (Finding(path.name, number, NAME, problem, "use the files of RxNorm's own release"),)
                )
            yield line
