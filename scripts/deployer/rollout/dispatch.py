"""Orders on their way, and whose answer is still awaited.

An instance can have been given two orders at once: one that was given up, and one that followed. Only the answer to the
last one counts; an answer to the one before says nothing of what was asked since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from deployer.core.errors import Refused
from deployer.core.orders import Order, Reply, Sent
from deployer.core.plan import Target
from deployer.rollout.ports import Commands

NOTHING = Target("", "", 0)
"""The target of an order that only asks."""


class Dispatch:
    """The orders of one rollout of one group; `generation` is the rollout's, and makes their ids its own."""

    def __init__(self, commands: Commands, generation: int) -> None:
        self._commands, self._generation = commands, generation
        self._sent = 0
        self._awaited: dict[str, set[str]] = {}
        """Command → the instances of which it is the last one, and that have not answered."""

    def send(
        self, subcommand: str, target: Target, timeout: int, ids: Iterable[str], parameters: str = ""
    ) -> Iterator[Sent]:
        """Sends an order; each piece is accounted for before the next is tried. Raises Refused."""
        self._sent += 1
        order = Order(f"{self._generation}.{self._sent}", subcommand, target, timeout, parameters)
        for sent in self._commands.send(ids, order):
            for command_id, its in sent.commands.items():
                self.forget(its)
                self._awaited.setdefault(command_id, set()).update(its)
            yield sent

    def replies(self) -> Iterator[Reply]:
        """What came back since the last call, of the answers still awaited. Raises Refused where one cannot be read."""
        if not self._awaited:
            return
        for command_id, replies in self._commands.replies(tuple(self._awaited)):
            waiting = self._awaited[command_id]
            answered = [each for each in replies if each.instance_id in waiting]
            self.forget(each.instance_id for each in answered)
            yield from answered

    def forget(self, ids: Iterable[str]) -> None:
        """No answer of these instances is awaited any more."""
        gone = set(ids)
        left = {command_id: waiting - gone for command_id, waiting in self._awaited.items()}
        self._awaited = {command_id: waiting for command_id, waiting in left.items() if waiting}

    def give_up(self) -> None:
        """Asks for everything to be cancelled; fencing finds out whether it stopped, so a refusal changes nothing."""
        for command_id in self._awaited:
            with suppress(Refused):
                self._commands.cancel(command_id)
        self._awaited.clear()
