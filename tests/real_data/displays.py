"""Every drug display of the public sets, and how well the text matching finds the ingredients in them.

drug_displays.tsv says by hand which ingredients of ours each display names (`other`: none). Displays of licensed
terminologies stand there as the beginning of their SHA-256.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.read.drugs import drug_names
from tests.real_data.charts import DATA, SETS, is_present
from tests.shipped import released

KINDS = ("Medication", "MedicationDispense", "MedicationRequest", "MedicationStatement")
TRUTH = Path(__file__).with_name("drug_displays.tsv")
OTHER = "other"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


class Score(msgspec.Struct):
    """Ingredients found rightly, found wrongly and missed, over distinct displays; `wrong` says which displays."""

    displays: int = 0
    right: int = 0
    too_many: int = 0
    missed: int = 0
    wrong: list[str] = []
    unjudged: list[str] = []

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / max(1, self.right + self.too_many)

    @property
    def recall(self) -> float:
        """Share of what is there that was found."""
        return self.right / max(1, self.right + self.missed)


def truth() -> dict[str, frozenset[str]]:
    """Display (or its key) -> the ingredients it names."""
    with TRUTH.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["display"]: frozenset(row["ingredients"].split("+")) - {OTHER} for row in rows}


def key(display: str) -> str:
    """How a display of a licensed terminology stands in the table."""
    return "sha256:" + hashlib.sha256(display.encode()).hexdigest()[:16]


def displays(name: str) -> Iterator[str]:
    """Every text and display of a drug in a set, as often as it occurs."""
    for kind in KINDS:
        path = DATA / name / f"{kind}.ndjson.gz"
        for line in gzip.decompress(path.read_bytes()).splitlines() if path.is_file() else ():
            yield from _displays(orjson.loads(line))


def rxnorm_displays(name: str) -> Iterator[tuple[str, str]]:
    """RxNorm code and display of every drug in a set that has both."""
    for kind in KINDS:
        path = DATA / name / f"{kind}.ndjson.gz"
        for line in gzip.decompress(path.read_bytes()).splitlines() if path.is_file() else ():
            resource = orjson.loads(line)
            concept = resource.get("code" if kind == "Medication" else "medicationCodeableConcept") or {}
            for coding in concept.get("coding", ()):
                if coding.get("system") == RXNORM and coding.get("display"):
                    yield coding["code"], coding["display"]


def _displays(resource: dict[str, Any]) -> Iterator[str]:
    concepts = [resource.get("medicationCodeableConcept")]
    concepts += [resource.get("code")] if resource["resourceType"] == "Medication" else []
    concepts += [ingredient.get("itemCodeableConcept") for ingredient in resource.get("ingredient", ())]
    texts = [text for c in concepts if c for text in (c.get("text"), *(o.get("display") for o in c.get("coding", ())))]
    texts.append((resource.get("medicationReference") or {}).get("display"))
    yield from (text for text in dict.fromkeys(texts) if text)
    for contained in resource.get("contained", ()):
        yield from _displays(contained)


def measure(found: set[str], vocabulary: Vocabulary) -> Score:
    """Text matching alone, against the table."""
    score, judged, names = Score(len(found)), truth(), drug_names(vocabulary)
    for display in sorted(found):
        expected = judged.get(display, judged.get(key(display)))
        if expected is None:
            score.unjudged.append(display)
            continue
        named = names.identify((), display).ingredients
        score.right += len(named & expected)
        score.too_many += len(named - expected)
        score.missed += len(expected - named)
        if named != expected:
            score.wrong.append(f"{display}: {sorted(named)} instead of {sorted(expected)}")
    return score


def main() -> None:
    """Print precision and recall per set and over all."""
    vocabulary = released().vocabulary
    present = {name: set(displays(name)) for name in SETS if is_present(name)}
    for name, found in {**present, "all": set().union(*present.values())}.items():
        score = measure(found, vocabulary)
        sys.stdout.write(
            f"{name}: {score.displays} displays, precision {score.precision:.3f}, recall {score.recall:.3f}\n"
        )
    sys.stdout.write("\n".join((*score.wrong, *(f"not judged: {d}" for d in score.unjudged))) + "\n")


if __name__ == "__main__":
    main()
