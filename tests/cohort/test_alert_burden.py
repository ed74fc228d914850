"""What the service says to the cohort is what the committed table says; a change needs a reason."""

from __future__ import annotations

from difflib import unified_diff
from functools import cache

import pytest

from tests.cohort import baseline, page
from tests.cohort.burden import Burden, measure
from tests.cohort.people import people
from tests.real_data.tally import listening
from tests.shipped import released

SHOWN = 40  # lines of a difference


@cache
def measured() -> tuple[Burden, tuple[str, ...]]:
    """The burden of the whole cohort and every log line that was written meanwhile, once for all tests."""
    with listening() as lines:
        burden = measure(people(), released())
    return burden, tuple(lines)


@cache
def cohort() -> str:
    return baseline.cohort_mark(people())


def test_no_rule_crashes_and_nothing_is_logged_about_the_cohort() -> None:
    assert measured()[1] == ()


def test_the_patients_are_the_committed_ones() -> None:
    _, table = baseline.committed()
    assert f"cohort: {cohort()}" == table.partition("\n")[0], (
        f"the cohort itself changed, not only what is said about it; when that was meant: {baseline.UPDATE}"
    )


def test_the_burden_is_the_committed_one() -> None:
    _, before = baseline.committed()
    now = baseline.table_of(measured()[0], cohort())
    changed = [*unified_diff(before.splitlines(), now.splitlines(), "committed", "now", lineterm="", n=0)]
    if changed:
        pytest.fail(
            "\n".join(changed[:SHOWN])
            + f"\n\n{len(changed)} lines differ. Judge them by the rules' sources; when meant: {baseline.UPDATE}"
        )


def test_the_last_reason_is_about_the_table_that_stands_there() -> None:
    changes, table = baseline.committed()
    assert changes[-1]["table"] == baseline.mark_of(table), f"the table was edited without a reason: {baseline.UPDATE}"
    assert all(change["reason"].strip() for change in changes)


def test_the_page_shows_the_committed_table() -> None:
    assert page.PAGE.read_text("utf-8") == page.page(), "python -m tests.cohort writes the page anew"


def test_a_new_table_is_not_written_without_a_reason() -> None:
    with pytest.raises(ValueError, match="say why"):
        baseline.write("cohort: another\n", None)


def test_nothing_is_lost_between_firing_and_showing() -> None:
    for spoken, fates in measured()[0].fates.items():
        assert fates["fired"] == sum(fates[fate] for fate in fates if fate != "fired"), spoken


def test_who_asks_again_never_gets_more_cards() -> None:
    assert +measured()[0].grown == {}
