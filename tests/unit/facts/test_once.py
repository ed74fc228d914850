"""A value that is computed once for each object."""

from __future__ import annotations

from cds_service.facts.once import once


class Counted:
    """Counts how often its value is computed."""

    computed = 0

    @once
    def value(self) -> int:
        """What is asked for."""
        self.computed += 1
        return self.computed


def test_a_value_is_computed_on_first_use_and_kept_with_its_object() -> None:
    one, other = Counted(), Counted()
    assert (one.value, one.value, other.value) == (1, 1, 1)
    assert one.computed == 1


def test_the_class_shows_what_documents_the_value() -> None:
    assert Counted.value.__doc__ == "What is asked for."
