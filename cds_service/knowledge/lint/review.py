"""A rule whose review date has passed fails; one that is due within 60 days is announced."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk

NAME = "review"
SOON = timedelta(days=60)


def check(desk: Desk) -> Iterator[Finding]:
    """Review dates against the day of the check."""
    for source in desk.sources.rules:
        review = source.entry.review
        if review.next <= review.reviewed:
            yield source.finding(NAME, "next review is not after the last", "correct the dates", "review", "next")
        if review.next < desk.today:
            yield source.finding(NAME, f"review was due on {review.next}", "review the rule and set new dates",
                                 "review", "next")  # fmt: skip
        elif review.next - desk.today <= SOON:
            yield source.finding("review-soon", f"review is due on {review.next}", "plan it", "review", "next")
        if review.author == review.checker and source.entry.status != "draft":
            yield source.finding(NAME, "author and checker are the same", "have someone else check it", "review")
