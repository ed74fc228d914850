"""`make mutants`: changes the code of the facts and the families line by line and asks the suite whether it notices.

`python -m tests.mutation [paths] [--sample N --seed S]`. A path is a folder or a file; `file.py:12` is only that line.
Ends with exit status 1 when a mutant survives that survivors.yaml does not explain, or an explanation is stale.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import sqrt
from pathlib import Path

from tests.mutation.judging import judge
from tests.mutation.mutants import ROOT, Mutant, mutants_of
from tests.mutation.survivors import Reckoning, read_explained, reckon

DEFAULT = ("cds_service/facts", "cards/_families")


def main(arguments: Sequence[str]) -> int:
    """Try the mutants, print those that survive as they are found, then the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paths", nargs="*", default=DEFAULT, help="folders, files or file.py:line")
    parser.add_argument("--sample", type=int, help="how many mutants to draw (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    asked = parser.parse_args(arguments)
    everything = [mutant for path in asked.paths for mutant in below(path)]
    tried = everything
    if asked.sample is not None and asked.sample < len(everything):
        tried = sorted(random.Random(asked.seed).sample(everything, asked.sample))
    listed, start = read_explained(), time.perf_counter()
    say(f"{len(tried)} of {len(everything)} mutants; the suite runs once first")
    verdicts = judge(tried, lambda mutant, killer: say(str(mutant)) if killer is None else None)
    found = reckon(listed, everything, verdicts.killers)
    for name in verdicts.failing:
        say(f"left out, because it fails without any mutant: {name}")
    report(everything, verdicts.killers, found, time.perf_counter() - start)
    return 1 if found.unexplained or found.stale else 0


def below(path: str) -> list[Mutant]:
    """The mutants of a folder, a file or a line."""
    name, _, line = path.partition(":")
    place = (ROOT / name).resolve()
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    found = [mutant for file in files for mutant in mutants_of(file.relative_to(ROOT).as_posix())]
    return [mutant for mutant in found if not line or mutant.line == int(line)]


def report(
    everything: Collection[Mutant], killers: Mapping[Mutant, str | None], found: Reckoning, seconds: float
) -> None:
    """Per file, then altogether."""
    tried, killed = Counter[str](), Counter[str]()
    for mutant, killer in killers.items():
        tried[mutant.file] += 1
        killed[mutant.file] += killer is not None
    say(f"\n{'mutants':>7} {'killed':>7} {'left':>5}")
    for file in sorted(tried):
        say(f"{tried[file]:7} {killed[file]:7} {tried[file] - killed[file]:5}  {Path(file).as_posix()}")
    say(
        f"\n{killed.total()} of {tried.total()} mutants killed: {share(killed.total(), tried.total(), len(everything))}"
    )
    for kind, number in Counter(entry.kind for entry in found.explained.values()).most_common():
        say(f"{number:5} survive, explained: {kind}")
    say(f"{len(found.unexplained):5} survive, not explained in survivors.yaml")
    for mutant in found.unexplained:
        say(str(mutant))
    for line in found.stale:
        say(f"stale in survivors.yaml: {line}")
    say(f"{seconds:.0f} s, {1000 * seconds / max(1, tried.total()):.0f} ms each")


def share(killed: int, tried: int, everything: int) -> str:
    """The percentage; of a sample, with Wilson's 95 % interval."""
    if tried == 0:
        return "none tried"
    part = killed / tried
    if tried == everything:
        return f"{part:.1%}"
    z = 1.96
    middle, width = part + z * z / (2 * tried), z * sqrt(part * (1 - part) / tried + z * z / (4 * tried * tried))
    low, high = ((middle + sign * width) / (1 + z * z / tried) for sign in (-1, 1))
    return f"{part:.1%}, of all mutants probably {low:.1%} to {high:.1%} (95 %)"


def say(line: str) -> None:
    """One line, now: a run takes long."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
