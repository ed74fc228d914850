"""A client may call so often, and as often at once; it is told when to come again."""

from __future__ import annotations

from cds_service.trust.allowance import Allowance
from cds_service.trust.clients import Client

SLOW = Client("slow", "iss", requests_per_minute=2)
FAST = Client("fast", "iss2", requests_per_minute=600)


def test_the_allowance_of_a_minute_may_be_used_at_once() -> None:
    allowance = Allowance()
    assert [allowance.take(SLOW, 100) for _ in range(3)] == [0, 0, 30]


def test_it_comes_back_with_time_and_never_grows_beyond_itself() -> None:
    allowance = Allowance()
    assert [allowance.take(SLOW, now) for now in (0, 0, 29, 30, 31, 10_000, 10_000, 10_000)] == [
        0, 0, 1, 0, 29, 0, 0, 30
    ]  # fmt: skip


def test_a_call_that_was_not_the_clients_is_given_back() -> None:
    allowance = Allowance()
    for _ in range(5):
        assert allowance.take(SLOW, 0) == 0
        allowance.give_back(SLOW)
    assert [allowance.take(SLOW, 0) for _ in range(3)] == [0, 0, 30]


def test_one_client_does_not_use_the_allowance_of_another() -> None:
    allowance = Allowance()
    assert [allowance.take(SLOW, 0) for _ in range(3)][-1] == 30
    assert not any(allowance.take(FAST, 0) for _ in range(600))
    assert allowance.take(FAST, 0) == 1


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    allowance = Allowance()
    assert [allowance.take(SLOW, now) for now in (1000, 0, 0, 30)] == [0, 0, 30, 0]
