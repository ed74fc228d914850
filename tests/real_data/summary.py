"""Prints what the service makes of public data: `python -m tests.real_data.summary [--cards] [--drugs]`."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from cds_service.knowledge.load import load_knowledge
from tests.real_data.charts import SETS, is_present
from tests.real_data.tally import Tally, run_set

COMMONEST = 10


def main(arguments: list[str]) -> None:
    """One paragraph per set; `--cards` adds the card texts, `--drugs` what every drug was taken for."""
    knowledge = load_knowledge()
    for name in SETS:
        if not is_present(name):
            sys.stdout.write(f"{name}: not present\n")
            continue
        tally = run_set(name, knowledge, admit_unknown_status=name.startswith("smart"))
        sys.stdout.write(report(name, tally) + "\n")
        if "--cards" in arguments:
            sys.stdout.write("\n\n".join(tally.texts) + "\n")
        if "--drugs" in arguments:
            sys.stdout.write(_lines("drugs", tally.identified, None) + "\n")


def report(name: str, tally: Tally) -> str:
    """The figures of one set as text."""
    return "\n".join(
        [
            f"== {name}: {tally.patients} patients, statuses {dict(tally.statuses)}, verdicts {dict(tally.verdicts)}",
            _lines("cards", tally.cards, None),
            _lines("cannot tell for want of", tally.missing, COMMONEST),
            _lines("quarantined", tally.quarantined, None),
            _lines("unusable", tally.unusable, None),
            _lines("unidentified drugs by system", tally.unidentified, None),
            _lines("results", tally.results, None),
            _lines("log lines", Counter(tally.troubles), COMMONEST),
        ]
    )


def _lines(title: str, counted: Counter[Any], most: int | None) -> str:
    rows = [f"    {number:6d}  {what}" for what, number in counted.most_common(most)]
    return "\n".join([f"  {title}:", *(rows or ["         none"])])


if __name__ == "__main__":
    main(sys.argv[1:])
