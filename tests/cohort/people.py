"""Who the cohort's patients are: age, sex, problems, kidneys, drugs. No FHIR yet."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.cohort.numbers import Draws, Entry, deviate, population

ADULT = 18


class Use(msgspec.Struct, frozen=True):
    """A drug in use: its group in population.yaml, its product in codes.yaml, since how many days."""

    group: str
    product: str
    days: float
    told: bool = False


class Person(msgspec.Struct, frozen=True):
    """One patient. egfr in mL/min/1.73 m2; stay: days since admission, 0 outside the hospital.

    problems: conditions that the patient has; traits: these, the drugs in use and the kidneys.
    """

    number: int
    setting: str
    style: str
    age: float
    sex: str
    problems: tuple[str, ...]
    egfr: float
    uses: tuple[Use, ...]
    traits: frozenset[str]
    stay: float = 0.0
    intensive: bool = False

    @property
    def draws(self) -> Draws:
        """The chances of this patient."""
        return Draws(self.number)

    @property
    def language(self) -> str:
        """In which language the EHR writes."""
        return "en" if self.style == "us" else "nl"


def people() -> Iterator[Person]:
    """All patients, setting by setting."""
    number = 0
    for setting, entry in population()["settings"].items():
        for _ in range(entry["patients"]):
            yield _person(number, setting, entry)
            number += 1


def _person(number: int, setting: str, entry: Entry) -> Person:
    draws = Draws(number)
    bands = population()["bands"]
    band = int(draws.pick("band", {str(n): share for n, share in enumerate(entry["ages"])}))
    age = draws.between("age", bands[band], bands[band + 1])
    sex = "female" if draws.happens("sex", entry["women"]) else "male"
    problems = [
        name
        for name, one in population()["conditions"].items()
        if one.get("only", sex) == sex and draws.happens(f"condition/{name}", _share(one, band, setting))
    ]
    egfr, kidneys = _kidneys(draws, age, band, setting, dialysis="dialysis" in problems)
    uses = _uses(draws, band, setting, frozenset(problems))
    in_hospital = setting == "inpatient"
    quirk = population()["quirks"]["intensive-care"]["share"]
    intensive = in_hospital and age >= ADULT and draws.happens("intensive", quirk)
    return Person(
        number=number,
        setting=setting,
        style=draws.pick("style", {k: v for k, v in population()["styles"][setting].items() if k != "from"}),
        age=age,
        sex=sex,
        problems=(*problems, *_coded_kidneys(draws, kidneys)),
        egfr=egfr,
        uses=uses,
        traits=frozenset([*problems, *kidneys, *(use.group for use in uses), *(use.product for use in uses)]),
        stay=(14.0 if intensive else draws.stretched("stay", 0.3, 14)) if in_hospital else 0.0,
        intensive=intensive,
    )


def _share(one: Entry, band: int, setting: str) -> float:
    return float(one["shares"][band] * one.get("times", {}).get(setting, 1))


def _kidneys(draws: Draws, age: float, band: int, setting: str, *, dialysis: bool) -> tuple[float, tuple[str, ...]]:
    if dialysis:
        return draws.between("egfr", 5, 12), ("below-60", "g5")
    kidneys, normal = population()["kidneys"], population()["egfr"]
    if draws.happens("kidneys", _share(kidneys["below-60"], band, setting)):
        stage = draws.share("stage")
        if stage < kidneys["of_these"]["g5"]:
            return draws.between("egfr", 7, 15), ("below-60", "g5")
        if stage < kidneys["of_these"]["g5"] + kidneys["of_these"]["g4"]:
            return draws.between("egfr", 15, 30), ("below-60", "g4")
        return 60 - 30 * draws.share("egfr") ** 1.6, ("below-60", "g3")
    usual = normal["at_20"] + normal["per_year"] * max(0.0, age - 20)
    return min(130.0, max(60.0, usual + normal["sd"] * deviate(draws.stream("egfr")))), ()


def _coded_kidneys(draws: Draws, kidneys: tuple[str, ...]) -> tuple[str, ...]:
    known = draws.happens("kidneys-coded", population()["kidneys"]["coded"]["share"])
    return (f"ckd-{kidneys[-1]}",) if kidneys and known else ()


def _uses(draws: Draws, band: int, setting: str, problems: frozenset[str]) -> tuple[Use, ...]:
    found: list[Use] = []
    for group, one in population()["drugs"].items():
        share = _share(one, band, setting)
        if "only_with" in one and problems.isdisjoint(one["only_with"]):
            continue
        if any(use.group in one.get("without", ()) for use in found):
            continue
        for problem, times in one.get("with", {}).items():
            share *= times if problem in problems else 1
        if draws.happens(f"drug/{group}", share):
            product = draws.pick(f"product/{group}", one["products"])
            found.append(Use(group, product, draws.stretched(f"days/{group}", *one["days"]), one.get("told", False)))
    return tuple(found)
