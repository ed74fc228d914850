"""From the ingredient of another drug file to ours: by its code, else by its whole name without its salt."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.facts.vocabulary import ELEMENT_WORDS, Vocabulary, normal_name
from cds_service.knowledge.drug_maps.file import OTHER

# Acids, bases and water that a substance is bound to: what is left when they are taken away is the ingredient.
_SALT_WORDS = frozenset(
    {
        "acetate", "acetaat", "anhydrous", "arginine", "axetil", "besilaat", "besylate", "bromide", "butyrate",
        "chloride", "cilexetil", "citrate", "citraat", "dihydrate", "dihydraat", "dimesilaat", "disodium",
        "dinatrium", "erbumine", "ester", "fosfaat", "fumarate", "fumaraat", "furoate", "furoaat", "hcl",
        "hemihydrate", "hydrate", "hydraat", "hydrobromide", "hydrochloride", "hydrogensulfaat", "lactate",
        "lactaat", "magnesium", "maleate", "maleaat", "malate", "medoxomil", "mesilate", "mesilaat", "mesylate",
        "monohydrate", "monohydraat", "mononatrium", "natrium", "nitrate", "nitraat", "phosphate", "potassium",
        "kalium", "calcium", "propionate", "propionaat", "sodium", "succinate", "succinaat", "sulfate", "sulfaat",
        "sulphate", "tartrate", "tartraat", "tosylate", "trihydrate", "trihydraat", "trometamol", "watervrij",
        "zinc", "zink",
    }
)  # fmt: skip
_JOINED = tuple(sorted((word for word in _SALT_WORDS if len(word) > 4), key=len, reverse=True))


class IngredientNames:
    """Looks up ingredients of ours by the codes and names that other drug files use."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def of_code(self, system: str, code: str) -> str | None:
        """Our ingredient of an exact code."""
        return self.vocabulary.drug_codes.get((system, code))

    def of_name(self, *names: str) -> str | None:
        """Our ingredient of the first name that is one, as written or without its salt.

        A bare element never remains: `magnesium stearate` is no magnesium.
        """
        for name in names:
            words = normal_name(name).split()
            while words:
                joined = " ".join(words)
                found = self.vocabulary.drug_names.get(joined) or self._split(joined)
                if found is not None and (len(words) > 1 or words[0] not in ELEMENT_WORDS or name.lower() == joined):
                    return found
                if words[-1] not in _SALT_WORDS:
                    break
                words.pop()
        return None

    def _split(self, word: str) -> str | None:
        """Dutch writes a substance and its salt in one word: `metoprololtartraat`."""
        for salt in _JOINED:
            stem = word.removesuffix(salt)
            if stem != word and len(stem) > 3 and stem not in ELEMENT_WORDS:
                found = self.vocabulary.drug_names.get(stem)
                if found is not None:
                    return found
        return None


def joined(ingredients: Iterable[str | None]) -> str:
    """Ingredient ids as a row has them; None (not ours) becomes `other`."""
    return "+".join(sorted({ingredient or OTHER for ingredient in ingredients}))
