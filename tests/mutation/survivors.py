"""survivors.yaml: the mutants that no test can notice, or need notice, each with the reason."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tests.mutation.mutants import Mutant

FILE = Path(__file__).with_name("survivors.yaml")


class Explained(BaseModel):
    """One mutated line of one function, and why it may survive.

    equivalent   every question has the same answer, whatever the chart
    shortcut     the same answer by a slower or a quicker way
    unreachable  differs only for what the readers, the value sets or a caller never hand over
    typing       only what a type checker needs
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    within: str = Field(alias="in", default="")
    was: str
    now: str
    kind: Literal["equivalent", "shortcut", "unreachable", "typing"]
    because: str

    def explains(self, mutant: Mutant) -> bool:
        """Whether this is about that mutant."""
        return (self.file, self.within, self.was, self.now) == (mutant.file, mutant.scope, mutant.was, mutant.now)


class Reckoning(NamedTuple):
    """What the list says of the survivors, and what of the list no longer holds."""

    explained: Mapping[Mutant, Explained]
    unexplained: list[Mutant]
    stale: list[str]


def read_explained(path: Path = FILE) -> list[Explained]:
    """The list. Raises pydantic's ValidationError when it is malformed."""
    return TypeAdapter(list[Explained]).validate_python(yaml.safe_load(path.read_text("utf-8")) or [])


def reckon(
    listed: Collection[Explained], everything: Collection[Mutant], killers: Mapping[Mutant, str | None]
) -> Reckoning:
    """Compare the list with what was found. everything: all mutants of the files, tried or not."""
    survivors = [mutant for mutant, killer in killers.items() if killer is None]
    explained = {mutant: entry for mutant in survivors for entry in listed if entry.explains(mutant)}
    unexplained = [mutant for mutant in survivors if mutant not in explained]
    return Reckoning(explained, unexplained, list(_stale(listed, everything, killers)))


def _stale(
    listed: Collection[Explained], everything: Collection[Mutant], killers: Mapping[Mutant, str | None]
) -> Iterator[str]:
    files = {mutant.file for mutant in everything}
    for entry in listed:
        meant = [mutant for mutant in everything if entry.explains(mutant)]
        if entry.file in files and not meant:
            yield f"{entry.file} {entry.within}: there is no such mutant: {entry.now}"
        elif meant and all(killers.get(mutant) is not None for mutant in meant):
            yield f"{entry.file} {entry.within}: a test notices it now: {entry.now}"
