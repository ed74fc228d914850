"""What was measured in a patient, when, and what came out: values in the unit of population.yaml."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from tests.cohort.numbers import Draws, Entry, deviate, population
from tests.cohort.people import ADULT, Person

AS_OF = datetime.fromisoformat("2026-11-21T10:00:00+01:00")


class Measured(msgspec.Struct, frozen=True):
    """One value of one test; `turn` counts the draws of the test from the newest, 0."""

    test: str
    value: float
    at: datetime
    turn: int
    haemolysed: bool = False


def measurements(person: Person) -> Iterator[Measured]:
    """All values of a patient, of one test after the other, the newest first."""
    for test, entry in population()["labs"].items():
        for turn, at in enumerate(_moments(person, test, entry)):
            haemolysed, added = _haemolysis(person, test, at)
            yield Measured(test, _value(person, test, entry, turn) + added, at, turn, haemolysed)
    for test in ("qtc", "weight", "bmi"):
        entry = population()[test]
        if person.age >= ADULT and person.draws.happens(f"measured/{test}", entry["measured"][person.setting]):
            at = _ago(person.draws.stretched(f"at/{test}", 0.1, 300))
            yield Measured(test, _value(person, test, entry, 0), at, 0)
    yield from _alcohol(person)


def _alcohol(person: Person) -> Iterator[Measured]:
    entry, draws = population()["alcohol"], person.draws
    if person.age >= ADULT and draws.happens("measured/alcohol", entry["measured"][person.setting]):
        habit = entry["with_disorder" if "alcohol-use-disorder" in person.traits else "without"]
        drinks = float(int(draws.between("alcohol", *habit)))
        yield Measured("alcohol", drinks, _ago(draws.between("at/alcohol", 1, 600)), 0)


def _ago(days: float) -> datetime:
    return AS_OF - timedelta(minutes=round(days * 1440))


def _moments(person: Person, test: str, entry: Entry) -> list[datetime]:
    """When a test was done, newest first: during the stay, and before it as an outpatient."""
    draws, panel, habits = person.draws, entry.get("panel", test), population()["habits"]
    days: list[float] = []
    if person.stay and draws.share(f"in/{panel}") < _chance(person, entry, "inpatient"):
        every = 0.25 if person.intensive else entry.get("every", 20)
        newest = min(draws.between(f"newest/{panel}", 0.05, 0.25 if person.intensive else 1.1), person.stay)
        days = [newest + n * every for n in range(1 + int((person.stay - newest) / every))]
    outside = "outpatient" if person.stay else person.setting
    if draws.share(f"out/{panel}") < _chance(person, entry, outside):
        within = entry.get("within", habits["within"]) * habits["season"][person.setting]
        fresh = draws.happens("results-in", population()["results_in"].get(person.setting, 0))
        last = person.stay + draws.between(f"last/{panel}", 0.2, habits["fresh"] if fresh else within)
        apart = draws.between(f"apart/{panel}", 60, 420)
        days += [last + n * apart for n in range(int(draws.between(f"times/{panel}", 1, 4)))]
    return [_ago(day) for day in days]


def _chance(person: Person, entry: Entry, setting: str) -> float:
    chance = float(entry["measured"][setting])
    for trait, times in entry.get("often", {}).items():
        chance *= times if trait in person.traits else 1
    kidney = population()["kidney_panel"]
    if entry.get("panel") == "kidney" and not person.traits.isdisjoint(kidney["of"]):
        chance *= kidney["chronic"]
    return chance * (1 if person.age >= ADULT else population()["habits"]["child"])


def _haemolysis(person: Person, test: str, at: datetime) -> tuple[bool, float]:
    """Whether the draw was haemolysed and what that adds: to potassium, and a little to magnesium and phosphate."""
    if test not in ("potassium", "magnesium", "phosphate"):
        return False, 0.0
    quirk = population()["quirks"]["haemolysed"]
    share = quirk["inpatient" if person.stay else "share"]
    if not person.draws.happens(f"haemolysed/{at.isoformat()}", share):
        return False, 0.0
    return True, quirk["adds"] if test == "potassium" else 0.1


def _value(person: Person, test: str, entry: Entry, turn: int) -> float:
    if test in ("creatinine", "egfr"):
        filtration = person.egfr * (1 + 0.05 * deviate(person.draws.stream(f"filtration/{turn}")))
        return filtration if test == "egfr" else _creatinine(person, filtration)
    ward = entry.get("inpatient", {}) if person.stay else {}
    shift: float = sum(by for trait, by in entry.get("shifts", {}).items() if trait in person.traits)
    spread = (ward or entry)["sd"] * _deviation(person.draws, test, turn)
    if "log" in entry:
        young = person.sex == "female" and person.age < 50 and "women_below_50" in entry
        return float(entry["women_below_50" if young else "log"] * math.exp(spread + shift))
    woman = entry.get("women", 0) if person.sex == "female" else 0
    value: float = (ward or entry)["mean"] + woman + shift + spread
    return value + 0.02 * _lack_of_albumin(person, turn) if test == "calcium" else value


def _deviation(draws: Draws, test: str, turn: int) -> float:
    """How far from the middle, in standard deviations: mostly by the patient, in part by the draw."""
    tails = population()["tails"]
    wide = tails["times"] if draws.happens(f"tail/{test}", tails["share"]) else 1
    own, now = deviate(draws.stream(f"own/{test}")), deviate(draws.stream(f"draw/{test}/{turn}"))
    steady = population()["habits"]["steady"]
    return float(wide * math.sqrt(steady) * own + math.sqrt(1 - steady) * now)


def _lack_of_albumin(person: Person, turn: int) -> float:
    """How many g/L of albumin there are above 40; total calcium goes with it, 0.02 mmol for each gram."""
    return _value(person, "albumin", population()["labs"]["albumin"], turn) - 40


def _creatinine(person: Person, filtration: float) -> float:
    """The creatinine in umol/L that gives this eGFR by CKD-EPI 2021."""
    woman = person.sex == "female"
    times = filtration / (142 * 0.9938 ** max(person.age, ADULT) * (1.012 if woman else 1))
    power = (-0.241 if woman else -0.302) if times >= 1 else -1.2
    return float((0.7 if woman else 0.9) * times ** (1 / power) * 88.42)
