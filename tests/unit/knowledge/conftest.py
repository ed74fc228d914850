"""A small cards directory of its own: one rule, one question family, the real value sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cds_service.knowledge.sources import DEFAULT_CARDS

RULE = """\
id: mg-trial
version: 1
status: live
group: A
title: {nl: Proefregel, en: Trial rule}
hooks: [patient-view]
tier: {default: P3}
ages: adult
trigger: [result:magnesium-serum]
needs:
  results: [magnesium-serum]
  uses: [lowest-magnesium]
limits:
  low: {value: 0.70, unit: mmol/L, range: [0.65, 0.75], provenance: verified, evidence: trial-source}
  window: {same_as: lowest-magnesium.window}
grade: strong
evidence: [trial-source]
known_limits:
- {nl: Alleen een proef., en: A trial only.}
override_reasons: [or-treating]
suggestions: [serum-magnesium]
review: {author: A. Author, checker: C. Checker, reviewed: 2026-11-01, next: 2027-11-01}
cards:
  low:
    indicator: warning
    summary: {nl: "Laag magnesium {mg} (grens {limit.low})", en: "Low magnesium {mg} (limit {limit.low})"}
    why: {nl: "Gemeten op {mg.date}.", en: "Measured on {mg.date}."}
    do:
    - {nl: Herhaal., en: Repeat.}
"""

CODE = '''\
"""A trial rule."""

from __future__ import annotations

from cards_trial._families.lowest_magnesium.family import lowest_magnesium
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires below the limit."""
    mg = patient.ask(lowest_magnesium)
    if mg is None:
        return NotApplicable(patient.absent("magnesium-serum"))
    if mg.below(k["low"]):
        return Fires("low", because=(mg,), values={"mg": mg})
    return Satisfied((mg,))
'''

CASES = """\
defaults: {hook: patient-view, patient: {age: 58, sex: male}}
cases:
- {name: just below, labs: [magnesium-serum 0.69 mmol/L -1d], then: low, indicator: warning}
- {name: at the limit, labs: [magnesium-serum 0.70 mmol/L -1d], then: satisfied}
- {name: the oldest that counts, labs: [magnesium-serum 0.60 mmol/L -7d], then: low}
- {name: too old, labs: [magnesium-serum 0.60 mmol/L -8d], then: not-applicable}
"""

FAMILY = """\
id: lowest-magnesium
kind: question
title: {nl: laagste magnesium, en: lowest magnesium}
needs: {results: [magnesium-serum]}
limits:
  window: {value: 7, unit: d, range: [3, 14], provenance: design}
"""

FAMILY_CODE = '''\
"""The lowest magnesium of the last days."""

from __future__ import annotations

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def lowest_magnesium(patient: Patient, k: Limits) -> Result | None:
    """The lowest usable magnesium within the window."""
    found = patient.series("magnesium-serum", k.span("window"))
    return min(found, key=lambda result: result.value, default=None)
'''

EVIDENCE = """\
evidence:
  trial-source: {label: A source, citation: Says so., read: 2026-11-01}
"""

MEMORY = """
memory:
  provenance: design
  overridden_for: {P1: 8 h, P2: 365 d, P3: 14 d, P4: 90 d, P5: 180 d}
  urgent: {at_most: 8 h}
  same_order: {tiers: [P2], hooks: [order-sign], within: 8 h}
  once: {tiers: [P5], hooks: [patient-view], within: 90 d}
"""

Edit = Callable[[str, str, str], None]


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """The directory, complete and without findings once locked."""
    root = tmp_path / "cards_trial"
    shutil.copytree(DEFAULT_CARDS / "_shared", root / "_shared")
    rule, family = root / "mg_trial", root / "_families" / "lowest_magnesium"
    rule.mkdir()
    family.mkdir(parents=True)
    policy = (root / "_shared" / "policy.yaml").read_text(encoding="utf-8")
    texts = {
        rule / "rule.yaml": RULE,
        rule / "rule.py": CODE,
        rule / "cases.yaml": CASES,
        family / "family.yaml": FAMILY,
        family / "family.py": FAMILY_CODE,
        root / "_shared" / "evidence.yaml": EVIDENCE,
        root / "_shared" / "policy.yaml": policy[: policy.index("# Gates over all rules")] + MEMORY,
        root / "VERSION": "1.0.0\n",
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def edit(cards: Path) -> Edit:
    """Replace a text in one file of the directory; the text must be there."""

    def replace(file: str, old: str, new: str) -> None:
        path = cards / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
