"""What is on file about a rule beside the rule itself: its cases and its history."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import msgspec

from cds_service.errors import KnowledgeError
from cds_service.knowledge.case_file import CaseEntry, LabEntry, read_cases
from cds_service.knowledge.lock import FILE
from cds_service.knowledge.sources import Sources

_LINK = re.compile(r"`([a-z0-9-]+)`")


class RuleRecord(msgspec.Struct, frozen=True):
    """The cases of a rule, and what the change log of the knowledge says of it: (knowledge version, text).

    since: the version of the knowledge in which the rule last changed; "" when it is not known.
    """

    cases: tuple[CaseEntry, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    since: str = ""


class RuleRecords:
    """Reads the records of the rules of one cards/, each once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.of = lru_cache(maxsize=None)(self._of)
        self._log = lru_cache(maxsize=1)(self._read_log)

    def _of(self, rule_id: str) -> RuleRecord:
        """The record of a rule; without cases when its cases.yaml is refused."""
        source = next(one for one in self._sources.rules if one.entry.id == rule_id)
        try:
            cases = read_cases(self._sources, source.folder.name).entry.cases
        except KnowledgeError:
            cases = ()
        history, since = self._log()
        return RuleRecord(cases, history.get(rule_id, ()), since.get(rule_id, ""))

    def _read_log(self) -> tuple[dict[str, tuple[tuple[str, str], ...]], dict[str, str]]:
        folder = self._sources.cards_dir
        log, lock = folder / "CHANGELOG.md", folder / FILE
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        version = ""
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
            if line.startswith("## "):
                version = line[3:].strip()
            for rule_id in dict.fromkeys(_LINK.findall(line)):
                found[rule_id] = (*found.get(rule_id, ()), (version, line))
        locked = json.loads(lock.read_text(encoding="utf-8"))["rules"] if lock.exists() else {}
        return found, {rule_id: str(entry["since"]) for rule_id, entry in locked.items()}


def given(case: CaseEntry) -> str:
    """The situation of a case in its own shorthand, in one line."""
    person = case.patient
    who = [f"{person.age} y" if isinstance(person.age, int) else str(person.age or person.birth or "age unknown")]
    who += [person.sex] if person.sex else []
    who += ["pregnant"] if person.pregnant else []
    parts = [" ".join(who)]
    parts += [_lab(lab) for lab in case.labs]
    parts += [" ".join(filter(None, (drug.what, drug.dose, drug.end and f"until {drug.end}"))) for drug in case.drugs]
    parts += ["ordered now: " + " ".join(filter(None, (draft.what, draft.dose))) for draft in case.drafts]
    parts += [problem.what for problem in (*case.conditions, *case.procedures)]
    parts += [f"test ordered: {order}" for order in case.ordered]
    parts += [f"not delivered: {key}" for key in case.without]
    return "; ".join(parts)


def _lab(lab: LabEntry) -> str:
    low, high = lab.range or (None, None)
    remarks = [
        lab.status if lab.status != "final" else "",
        f"range {'' if low is None else low}–{'' if high is None else high}" if lab.range else "",
        f"flag {lab.interpretation}" if lab.interpretation else "",
        lab.note or "",
        f"LOINC {lab.code}" if lab.code else "",
    ]
    told = ", ".join(filter(None, remarks))
    return f"{lab.what} ({told})" if told else lab.what
