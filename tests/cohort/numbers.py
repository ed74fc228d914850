"""The cohort's numbers and how chance uses them: every draw depends on the seed, the patient and its own name, so that
changing one number moves nothing else, and the same draw comes out on every Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "fhir_fixtures" / "cohort"
STANDARD = NormalDist()

Entry = dict[str, Any]


@cache
def population() -> Entry:
    """population.yaml: who the patients are, what they use, what was measured, and where each number comes from."""
    return _read("population.yaml")


@cache
def codes() -> Entry:
    """codes.yaml: how the EHRs write it."""
    return _read("codes.yaml")


def _read(name: str) -> Entry:
    read: Entry = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return read


class Draws:
    """The chances of one patient, each by its name."""

    def __init__(self, patient: int) -> None:
        self._prefix = f"{population()['seed']}/{patient}/"

    def stream(self, name: str) -> Random:
        """Many draws in a fixed order."""
        return Random(self._prefix + name)

    def share(self, name: str) -> float:
        """Evenly from 0 up to 1."""
        return self.stream(name).random()

    def happens(self, name: str, share: float) -> bool:
        """True in that share of patients."""
        return self.share(name) < share

    def between(self, name: str, low: float, high: float) -> float:
        """Evenly between two numbers."""
        return low + (high - low) * self.share(name)

    def stretched(self, name: str, low: float, high: float) -> float:
        """Between two positive numbers, as many from 1 to 10 as from 10 to 100."""
        return low * math.exp(self.share(name) * math.log(high / low))

    def pick(self, name: str, weights: Mapping[str, float]) -> str:
        """One of the names, by weight."""
        return picked(self.share(name), weights)


def picked(share: float, weights: Mapping[str, float]) -> str:
    """The name in whose part of the weights, laid end to end, the share falls."""
    left = share * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return name


def deviate(random: Random) -> float:
    """A standard normal deviate, at most 3.7 away from 0."""
    return STANDARD.inv_cdf(0.0001 + 0.9998 * random.random())
