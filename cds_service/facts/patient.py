"""The questions a rule may ask. This is the whole vocabulary of `rule.py`.

A rule gets a `Patient`, a view of the snapshot that raises UndeclaredReadError for anything its rule.yaml does not
declare. Questions about absence (`not_measured_within`, `surely_without`, ...) answer only when the data can prove it
and otherwise raise CannotTellError, which the engine turns into the outcome CannotTell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from cds_service.errors import CannotTellError, UndeclaredReadError
from cds_service.facts import proof
from cds_service.facts.declarations import FamilyKnowledge, Limits, Needs
from cds_service.facts.moments import AsOf, Moment
from cds_service.facts.records import Exposure, LabOrder, Problem, Result, Stay, Unusable
from cds_service.facts.snapshot import Snapshot

__all__ = ["ORDER_HOOKS", "FamilyKnowledge", "Limits", "Needs", "Patient"]

Answer = TypeVar("Answer")
ORDER_HOOKS = frozenset({"order-select", "order-sign", "medication-refill"})


class Patient:
    """One rule's view of the snapshot. Provisional results do not take part; see `doubt.InDoubt` for when they do.

    `needs`: what may be read now; one view serves rule after rule, and the shared questions that they ask.
    """

    __slots__ = ("_answers", "_families", "_newest", "as_of", "hook", "needs", "snapshot")

    def __init__(
        self, snapshot: Snapshot, needs: Needs, families: Mapping[Callable[..., Any], FamilyKnowledge]
    ) -> None:
        self.snapshot = snapshot
        self.as_of: AsOf = snapshot.as_of
        self.hook = snapshot.hook
        self.needs = needs
        self._families = families
        self._answers = snapshot.answers
        self._newest: Mapping[str, Result] = snapshot.newest

    @property
    def age(self) -> int | None:
        """Completed years, None when unknown. A partial birth date gives the youngest possible age (catalogue 1.4)."""
        return self.snapshot.age

    def aged_at_least(self, years: Decimal) -> bool:
        """Whether this age is surely reached. False when the birth date leaves it open or is unknown: age-dependent
        points and bands then count as not met."""
        age = self.snapshot.age
        return age is not None and age >= years

    @property
    def age_in_days(self) -> int | None:
        """Most days since birth that the birth date allows (unlike `age`: the limits of newborns are milder, so who
        falls under them must surely be one); None when it is unknown."""
        birth = self.snapshot.person.birth
        return None if birth is None else self.as_of.days_since(birth)

    @property
    def sex(self) -> str | None:
        """Administrative sex, `male` or `female`; None for anything else."""
        return self.snapshot.person.sex

    @property
    def stay(self) -> Stay | None:
        """The encounter of the call, when one was delivered."""
        return self.snapshot.stay

    @property
    def inpatient(self) -> bool:
        """In hospital now (catalogue 1.2); no Encounter delivered means outpatient."""
        return self.snapshot.stay is not None and self.snapshot.stay.inpatient

    def series(self, concept: str, within: timedelta | None = None) -> tuple[Result, ...]:
        """All usable results of a concept, newest first, at most `within` old (default: not ignored)."""
        found = self._settled(concept)
        if not found:
            return ()
        if within is None:
            return tuple([r for r in found if r.age != "ignored"])
        as_of, since = self.as_of, self.as_of.at - within
        return tuple([r for r in found if (as_of.within(r.at, within) if r.at.day_only else r.at.earliest >= since)])

    def last_known(self, concept: str) -> Result | None:
        """The latest usable result that is not older than its concept's last band (fresh, recent or stale)."""
        if concept not in self.needs.results:
            raise UndeclaredReadError(f"result {concept}")
        return self._newest.get(concept)

    def _settled(self, concept: str) -> tuple[Result, ...]:
        """The series, without provisional results."""
        if concept not in self.needs.results:
            raise UndeclaredReadError(f"result {concept}")
        return self.snapshot.settled.get(concept, ())

    def latest(self, concept: str, within: timedelta | None = None) -> Result | None:
        """The latest usable result when it is fresh or recent (or at most `within` old)."""
        if concept not in self.needs.results:
            raise UndeclaredReadError(f"result {concept}")
        result = self._newest.get(concept)
        if result is None or within is None:
            return None if result is None or result.age == "stale" else result
        at = result.at
        is_within = self.as_of.within(at, within) if at.day_only else self.as_of.at - at.earliest <= within
        return result if is_within else None

    def near(self, concept: str, moment: Moment, within: timedelta) -> Result | None:
        """The usable result closest to `moment`, at most `within` before or after it."""
        return proof.nearest(self._settled(concept), moment, within)

    def not_measured_within(self, concept: str, span: timedelta) -> bool:
        """True only when it is certain that no usable exact result lies within `span`, else CannotTellError: a
        preliminary result, or one of which only the month or year is known, may lie within it."""
        if proof.is_measured(self._settled(concept), self.as_of, span):
            return False
        proof.require_unmeasured(self.snapshot, concept, span)
        return True

    def unusable(self, concept: str) -> tuple[Unusable, ...]:
        """The results of a concept that must not be used, newest first, whatever the reason."""
        if concept not in self.needs.results:
            raise UndeclaredReadError(f"result {concept}")
        return self.snapshot.unusable.get(concept, ())

    def absent(self, concept: str) -> str:
        """Why there is no usable result. Returns a reason when none exists; raises CannotTellError when one may exist
        (answer incomplete) or exists but is unusable."""
        if unusable := self.unusable(concept):
            raise CannotTellError(f"{concept}: {unusable[0].reason}")
        self._require_settled(concept)
        self.complete(self.snapshot.concept_keys.get(concept, concept))
        return f"no {concept} result"

    def _require_settled(self, concept: str) -> None:
        if concept in self.snapshot.provisional:
            raise CannotTellError(f"{concept}: only provisional results")

    def complete(self, key: str) -> None:
        """Raises CannotTellError unless the prefetch key was answered completely."""
        if gap := self.snapshot.gap(key):
            raise CannotTellError(gap)

    def _exposures(self, groups: tuple[str, ...], status: str) -> tuple[Exposure, ...]:
        if not self.needs.drugs.issuperset(groups):
            raise UndeclaredReadError(f"drug {', '.join(sorted(set(groups) - self.needs.drugs))}")
        exposures = self.snapshot.exposures
        if exposures.keys().isdisjoint(groups) or status not in self.snapshot.statuses:
            return ()
        found = [*filter(None, map(exposures.get, groups))]
        if len(found) > 1:
            return tuple({id(e): e for some in found for e in some if e.status == status}.values())
        if len(self.snapshot.statuses) == 1:
            return found[0]
        return tuple([e for e in found[0] if e.status == status])

    def taking(self, *groups: str) -> tuple[Exposure, ...]:
        """Active exposures to any of the groups, without drafts. Empty proves nothing: see `surely_without`."""
        return self._exposures(groups, "active")

    def identified_drugs(self) -> int:
        """How many active drugs, of whatever group, were identified: at least so many are taken."""
        return sum(e.status == "active" for e in self.snapshot.drug_list)

    def took(self, *groups: str) -> tuple[Exposure, ...]:
        """Ended exposures (completed or stopped orders, statements of the past)."""
        return self._exposures(groups, "past")

    def drafts(self, *groups: str) -> tuple[Exposure, ...]:
        """All drafts of the session, selected or not."""
        return self._exposures(groups, "draft")

    def judged(self, *groups: str) -> tuple[Exposure, ...]:
        """The drafts that this call is about: selected (order-select), all signed (order-sign), refilled."""
        return tuple([e for e in self._exposures(groups, "draft") if e.judged])

    def taking_or_ordering(self, *groups: str) -> tuple[Exposure, ...]:
        """Active exposures and drafts together."""
        return self._exposures(groups, "active") + self._exposures(groups, "draft")

    def surely_without(self, *groups: str) -> bool:
        """False when any of the groups is taken. True only when the drug lists are complete and every drug on them was
        identified; otherwise raises CannotTellError naming what is missing."""
        if self.taking(*groups):
            return False
        self.complete("medications")
        self.complete("medicationStatements")
        if self.snapshot.unmapped:
            systems = sorted({drug.system for drug in self.snapshot.unmapped})
            raise CannotTellError(*(f"unidentified drug ({system})" for system in systems))
        return True

    def taken_for(self, exposure: Exposure) -> timedelta:
        """How long an exposure has lasted at least. Raises CannotTellError when its start is unknown."""
        if exposure.since is None:
            raise CannotTellError(f"start date of {sorted(exposure.groups)[0] if exposure.groups else 'drug'}")
        return timedelta(days=self.as_of.days_surely_since(exposure.since))

    def has(self, *groups: str, within: timedelta | None = None) -> Problem | None:
        """The newest active problem of the groups. With `within` (symptoms): only one dated in that window, or undated
        from the current encounter."""
        found = self._problems(groups)
        return proof.newest([p for p in found if p.active], within, self.snapshot) if found else None

    def has_confirmed(self, *groups: str, within: timedelta | None = None) -> Problem | None:
        """Like `has`, without unconfirmed, provisional and differential diagnoses: they do not count for scores."""
        found = self._problems(groups)
        return proof.newest([p for p in found if p.active and p.confirmed], within, self.snapshot) if found else None

    def ever_had(self, *groups: str) -> tuple[Problem, ...]:
        """All problems of the groups, active or not, newest first."""
        return tuple(sorted(self._problems(groups), key=proof.problem_time, reverse=True))

    def _problems(self, groups: tuple[str, ...]) -> Sequence[Problem]:
        if not self.needs.conditions.issuperset(groups):
            raise UndeclaredReadError(f"condition {', '.join(sorted(set(groups) - self.needs.conditions))}")
        found = self.snapshot.problems and [*filter(None, map(self.snapshot.problems.get, groups))]
        return [p for some in found for p in some] if found else ()

    def surely_free_of(self, *groups: str) -> bool:
        """False when an active problem exists; True only on a complete problem list, else CannotTellError."""
        if self.has(*groups) is not None:
            return False
        self.complete("conditions")
        return True

    def underwent(self, *groups: str, within: timedelta | None = None, lasting: bool = False) -> Problem | None:
        """The newest procedure of the groups that began within the window, when one is given. With `lasting` (for
        treatments, not operations) one that ended within it, or goes on, counts too."""
        if not self.needs.procedures.issuperset(groups):
            raise UndeclaredReadError(f"procedure {', '.join(sorted(set(groups) - self.needs.procedures))}")
        procedures = self.snapshot.procedures
        if procedures.keys().isdisjoint(groups):
            return None
        done = [p for group in groups for p in procedures.get(group, ())]
        return proof.newest(done, within, self.snapshot, lasting=lasting)

    def ordered(self, concept: str, within: timedelta) -> LabOrder | None:
        """An active order for the concept, authored or due at most `within` ago (or in the future)."""
        if concept not in self.needs.orders:
            raise UndeclaredReadError(f"order {concept}")
        orders = self.snapshot.orders.get(concept, ())
        return next((o for o in orders if o.at is None or self.as_of.within(o.at, within)), None)

    def surely_not_ordered(self, concept: str, within: timedelta) -> bool:
        """False when an active order exists; True only when the order list is complete, else CannotTellError (where
        the hook's key plan does not ask for orders, only what happened to be delivered is looked at)."""
        if self.ordered(concept, within) is not None:
            return False
        if "orders" in self.snapshot.coverage:
            self.complete("orders")
        return True

    def ask(self, question: Callable[[Patient, Limits], Answer]) -> Answer:
        """The answer of a shared question (a function of cards/_families), computed once per snapshot."""
        family = self._families.get(question)
        if family is None or family.id not in self.needs.uses:
            raise UndeclaredReadError(f"family {getattr(question, '__name__', question)}")
        known = self._answers.get(question, _UNASKED)
        if known is _UNASKED:
            known = self._answers[question] = self._answer(question, family)
        if type(known) is CannotTellError:
            raise CannotTellError(*known.missing)
        answer: Answer = known
        return answer

    def _answer(self, question: Callable[[Patient, Limits], Any], family: FamilyKnowledge) -> Any:
        """The answer, or the CannotTellError that takes its place; meanwhile this view reads what the family may."""
        own = self.needs
        self.needs = family.needs
        try:
            return question(self, family.limits)
        except CannotTellError as unknown:
            return unknown
        finally:
            self.needs = own

    def ask_or(self, question: Callable[[Patient, Limits], Answer], otherwise: Answer) -> Answer:
        """Like `ask`, with what to assume when the question cannot be answered (only where that is the safe side)."""
        try:
            return self.ask(question)
        except CannotTellError:
            return otherwise

    def salts(self, element: str) -> Mapping[str, tuple[Decimal, Decimal] | None]:
        """The ingredients that supply an element, each with its share in percent w/w (from, to; None: unknown)."""
        return self.snapshot.salts.get(element, {})

    def site(self, setting: str) -> frozenset[str]:
        """A tenant's clinical setting (for example the ICU location codes); empty when not set."""
        return self.snapshot.settings.get(setting, frozenset())


_UNASKED: Any = object()
