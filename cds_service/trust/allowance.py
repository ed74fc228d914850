"""How often a client may call: a token bucket per client, in this process."""

from __future__ import annotations

import math

from cds_service.trust.clients import Client


class Allowance:
    """Every process counts by itself: behind a balancer a client gets the allowance of each."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, client: Client, now: float) -> int:
        """0 when the client may call now, else the whole seconds after which it may. now: seconds, any origin."""
        most = client.requests_per_minute
        left, since = self._left.get(client.name, (float(most), now))
        left = min(float(most), left + max(0.0, now - since) * most / 60)
        if left < 1:
            self._left[client.name] = (left, now)
            return math.ceil((1 - left) * 60 / most)
        self._left[client.name] = (left - 1, now)
        return 0

    def give_back(self, client: Client) -> None:
        """A call that was taken was not the client's: whoever repeats its tokens must not use up its calls."""
        left, since = self._left[client.name]
        self._left[client.name] = (left + 1, since)
