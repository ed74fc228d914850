"""Measures the alert burden anew and writes the table and its page: `python -m tests.cohort [--because "why"]`.

`--cards HOOK RULE [SETTING]` prints the cards of a rule as the cohort's clinicians get them, with what is known of the
patient, and writes nothing.
"""

from __future__ import annotations

import argparse
import sys

from cds_service.knowledge.load import load_knowledge
from cds_service.service.decide import DecideOptions, Decider
from tests.cohort import baseline, page
from tests.cohort.burden import measure
from tests.cohort.calls import calls_about
from tests.cohort.people import Person, people


def main(arguments: list[str]) -> int:
    """1 when the table changed and nothing says why."""
    parser = argparse.ArgumentParser(prog="python -m tests.cohort", description=__doc__)
    parser.add_argument("--because", help="why the table changed; needed when it did")
    parser.add_argument("--cards", nargs="+", metavar=("HOOK", "RULE"), help="print cards instead")
    given = parser.parse_args(arguments)
    if given.cards:
        hook, rule, *setting = given.cards
        _print_cards(hook, rule, setting)
        return 0
    knowledge = load_knowledge()
    table = baseline.table_of(measure(people(), knowledge), baseline.cohort_mark(people()))
    try:
        baseline.write(table, given.because)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    page.PAGE.write_text(page.page(), "utf-8")
    return 0


def _print_cards(hook: str, rule: str, settings: list[str]) -> None:
    knowledge = load_knowledge()
    decider = Decider(knowledge, DecideOptions(language="en", strict=True))
    for person in people():
        if settings and person.setting not in settings:
            continue
        for call in (call for call in calls_about(person, knowledge) if call.hook == hook):
            for card in decider.decide(call).response["cards"]:
                if card["source"]["topic"]["code"] == rule:
                    sys.stdout.write(f"== {_known(person)}\n{card['indicator']}: {card['summary']}\n")
                    sys.stdout.write(f"{card['detail']}\n\n")


def _known(person: Person) -> str:
    used = ", ".join(f"{use.product} {use.days:.0f} d" for use in person.uses)
    told = f"{person.setting}, {person.age:.0f}, {person.sex}, eGFR {person.egfr:.0f}"
    return f"{told}; {', '.join(person.problems)}; {used}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
