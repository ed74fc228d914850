"""Which members of a card an EHR takes: cards say the same to all of them."""

from __future__ import annotations

from typing import Literal

import msgspec

Selection = Literal["any", "at-most-one"]


class CardForm(msgspec.Struct, frozen=True):
    """The cards of one kind of EHR.

    selection      how many suggestions of a card its users can take; where at most one, it holds all of the orders
    topic_hyphens  whether it admits hyphens in source.topic.code
    since_2        whether it knows what CDS Hooks 2.0 added to a card: uuid, source.topic, overrideReasons
    """

    selection: Selection = "any"
    topic_hyphens: bool = True
    since_2: bool = True


PLAIN_FORM = CardForm()
