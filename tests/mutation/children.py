"""Work done in a child process, so that whatever it breaks is gone afterwards."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
LIMIT = 20.0  # seconds of processor time for one test


class ChildDiedError(RuntimeError):
    """The child ended without an answer: `out_of_time` when it used more processor time than a test may."""

    def __init__(self, status: int) -> None:
        super().__init__(f"a child process ended with status {status}")
        self.out_of_time = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF


def in_child(work: Callable[[], Answer]) -> Answer:
    """What `work` returns (it must be picklable) in a fork of this process. Raises ChildDiedError."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    if status != 0:
        raise ChildDiedError(status)
    found: Answer = pickle.loads(answer)  # noqa: S301 - written by our own child
    return found


def allow_time() -> None:
    """From now on this process has LIMIT seconds of processor time; then it is ended."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT)


def be_quiet() -> None:
    """Nothing that this process prints is seen."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
