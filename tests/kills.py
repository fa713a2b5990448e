"""A command on an instance, killed at every step: what must hold then, and after the next order, on any host."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deployer.core.marker import Marker, find_marker
from localcloud.runtime import Finished
from tests.steps import AFTER, BEFORE, Steps
from tests.waiting import eventually

MORE_MOMENTS = {"docker compose": (AFTER,), "docker pull": (AFTER,)}
"""What is killed not only before its work; after all else it is as before the step that follows."""
KEYS = {"version", "manifest_sha256", "generation", "previous_version", "attempt"}
"""What every state has, among others."""


class Release(Protocol):
    """A release in the bucket."""

    @property
    def version(self) -> str: ...
    @property
    def manifest_sha256(self) -> str: ...


class Host(Protocol):
    """An instance whose steps are counted, and what can be seen of it from outside."""

    steps: Steps

    def publish(self, generation: int) -> Release:
        """A release that was never here, desired at that generation."""

    def order(self, subcommand: str, release: Release | None, generation: int | None) -> Finished:
        """A command through the SSM document, to its end."""

    def serves(self) -> str:
        """The version that answers; "" if none does."""

    def state(self) -> Mapping[str, str]:
        """What the instance remembers."""

    def containers(self) -> Collection[str]:
        """The names of all containers there are."""

    def leftovers(self) -> Collection[str]:
        """Files beside the state, the environments and what belongs to the release that runs."""

    def lock_is_free(self) -> bool:
        """Whether somebody could take the application's lock."""


@dataclass
class Ordeal:
    """One host that goes through it. `runs`: the release it is known to run."""

    host: Host
    runs: Release
    generation: int
    containers: Collection[str]
    more_moments: Mapping[str, Sequence[str]] = field(default_factory=lambda: MORE_MOMENTS)
    littered: bool = False
    """Whether a release lies there that is neither the one that runs nor the one before."""

    @classmethod
    def of(cls, host: Host) -> Ordeal:
        """Begins with a first release."""
        first = host.publish(1)
        assert _marker(host.order("activate", first, 1)).proves(first.version, first.manifest_sha256, 1)
        return cls(host, first, 1, host.containers())

    def everywhere(self, subcommand: str, far_enough: Callable[[str], bool], settle_every: int = 1) -> list[str]:
        """Kills the command at one step after the other until one that is far enough; "" is its own end."""
        killed: list[str] = []
        for number in itertools.count(1):
            settle = number % settle_every == 0
            step = self._kill(subcommand, number, BEFORE, settle=settle, goes_back=number % 3 == 0)
            if far_enough(step):
                return killed
            killed.append(step)
            for moment in self.more_moments.get(" ".join(step.split()[:2]), ()):
                self._kill(subcommand, number, moment, settle=settle, goes_back=number % 3 != 0)
        raise AssertionError("unreachable")

    def _kill(self, subcommand: str, number: int, moment: str, *, settle: bool, goes_back: bool) -> str:
        if self.littered:  # what it left is pruned by the next order, whose steps would be other ones
            self.host.order("prefetch", self.runs, self.generation)
        self.generation += 1
        new = self.host.publish(self.generation)
        self.host.steps.kill_at(number, moment)
        finished = self.host.order(subcommand, new, self.generation)
        step = self.host.steps.killed()
        assert (finished.exit_code is None) == bool(step), finished
        try:
            self._look(new)
            self.littered = not settle or goes_back
            if settle or not step:
                self._settle(new, goes_back=goes_back)
        except AssertionError as error:
            raise AssertionError(f"{subcommand} of {new.version} killed {moment} {number}, {step}: {error}") from error
        return step

    def _look(self, new: Release) -> None:
        """The state is whole, the status says the truth, and what was not touched serves."""
        eventually("the lock is free", self.host.lock_is_free)
        state = self.host.state()
        assert state.keys() >= KEYS
        marker = _marker(self.host.order("status", None, None))
        if state["attempt"]:
            assert (marker.version, state["attempt"]) == ("", new.version)
            assert marker.reason == f"the activation of {new.version} has not ended"
            assert self.host.serves() in (self.runs.version, new.version, "")
        else:
            assert (marker.version, marker.reason) == (state["version"], "")
            assert marker.version in (self.runs.version, new.version)
            assert self.host.serves() == marker.version

    def _settle(self, new: Release, *, goes_back: bool) -> None:
        """The same order again, or the release before under a newer one."""
        release = self.runs if goes_back else new
        self.generation += goes_back
        marker = _marker(self.host.order("activate", release, self.generation))
        assert marker.proves(release.version, release.manifest_sha256, self.generation), marker
        self.runs = release
        assert self.host.serves() == release.version
        assert self.host.containers() == self.containers
        assert not self.host.leftovers()


def _marker(finished: Finished) -> Marker:
    marker = find_marker(finished.stdout)
    assert marker is not None, finished
    return marker
