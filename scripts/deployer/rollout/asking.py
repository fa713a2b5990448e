"""Asks instances for their status, and waits for what they say; nothing on them is changed."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.core.orders import Reply
from deployer.rollout.dispatch import NOTHING, Dispatch
from deployer.rollout.ports import Clock, Commands

PATIENCE = 60  # seconds for all instances to answer
LOOK_EVERY = 0.5  # seconds


def ask(commands: Commands, clock: Clock, ids: Sequence[str], parameters: str = "") -> dict[str, Reply]:
    """By instance, the reply of each that answers in time; `parameters`: what it is to try to read meanwhile.

    Raises Refused.
    """
    if not ids:
        return {}
    dispatch = Dispatch(commands, 0)
    sent = dispatch.send("status", NOTHING, PATIENCE, ids, parameters)
    replies = {reply.instance_id: reply for piece in sent for reply in piece.refused}
    until = clock.now() + PATIENCE
    while len(replies) < len(ids) and clock.now() < until:
        clock.wait(LOOK_EVERY)
        replies |= {each.instance_id: each for each in dispatch.replies()}
    return replies
