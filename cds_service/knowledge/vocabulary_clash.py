"""What does not fit together in the shared files, collected so that all of it is reported at once."""

from __future__ import annotations

from cds_service.errors import IonwiseError

Problem = tuple[str, tuple[str | int, ...], str, str]


class VocabularyError(IonwiseError):
    """The shared files do not fit together. `problems` lists file, path in it, what is wrong and what to do."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{file}: {'.'.join(map(str, path))}: {what}" for file, path, what, _ in problems))


class Clash:
    """The problems so far."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, file: str, path: tuple[str | int, ...], problem: str, remedy: str) -> None:
        """Note one problem at `path` of `file`."""
        self._problems.append((file, path, problem, remedy))

    def check(self) -> None:
        """Raises VocabularyError when anything was noted."""
        if self._problems:
            raise VocabularyError(tuple(self._problems))
