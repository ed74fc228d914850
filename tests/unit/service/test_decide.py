"""The answer around the cards: the response extension stays small."""

from __future__ import annotations

import orjson
import pytest

from cds_service.engine.rank import Ranking, Suppressed
from cds_service.engine.run import Verdict
from cds_service.facts.outcomes import CannotTell
from cds_service.facts.records import Unusable
from cds_service.service.decide import summarise
from tests.unit.engine.charts import knowledge, rule, snapshot
from tests.unit.engine.test_run import low_sodium

MANY = 200
KILOBYTES_4 = 4096


def untold(number: int) -> Verdict:
    missing = (f"missing item {number}",)
    return Verdict(rule(low_sodium, f"rule-{number}"), "cannot-tell", CannotTell(missing), "P3", missing=missing)


@pytest.mark.parametrize("kind", ["unusable", "cannot_tell", "suppressed"])
def test_the_response_extension_stays_below_4_kilobytes_and_says_how_much_was_left_out(kind: str) -> None:
    verdicts = tuple(untold(number) for number in range(MANY))
    unusable = {
        f"concept-{n}": (Unusable(f"concept-{n}", "dq-unit", None, "140", "Observation/1"),) for n in range(MANY)
    }
    ranking = Ranking((), tuple(Suppressed(verdict, "cap") for verdict in verdicts if kind == "suppressed"))
    chart = snapshot(unusable=unusable if kind == "unusable" else {})
    summary = summarise(knowledge(), chart, verdicts if kind == "cannot_tell" else (), ranking)
    assert len(orjson.dumps({"org.ionwise.decision": summary})) <= KILOBYTES_4
    assert summary["left_out"] > 0
