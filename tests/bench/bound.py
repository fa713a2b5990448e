"""The lower bound of a rollout's time is the work there is.

It is the slowest prefetch, the canary, and what all the others took to activate, divided by how many of them may be
under way at once. No schedule reaches it quite: an instance cannot be divided, so the last ones end alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.runtime.simulated import Work


def lower_bound(done: Sequence[Work], window: int) -> float:
    """Seconds no rollout with one canary can be quicker than, given what each order took."""
    prefetches = [each.seconds for each in done if each.subcommand == "prefetch"]
    canary, *rest = sorted((each for each in done if each.subcommand == "activate"), key=lambda each: each.began)
    return max(prefetches) + canary.seconds + sum(each.seconds for each in rest) / window
