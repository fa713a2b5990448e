"""One runner: the ports it is given, its calls counted, and what befalls it at one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployer.core.errors import Refused
from deployer.core.fleet import Fleet, Instance, Traffic
from tests.simulation.timeline import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.scenario import Plot, Run
    from tests.simulation.world import World

STOPPED_BY = 15
TRAFFIC = {each.value: each for each in Traffic}


class Runner:
    """Everything one process running a rollout can reach; dead, it reaches nothing."""

    def __init__(self, world: World, name: str, run: Run, meanwhile: Callable[[Run], object]) -> None:
        self.world, self.name, self.run = world, name, run
        self._plot: Plot | None = run.plot
        self._meanwhile = meanwhile
        self.calls = 0
        self._operation = ""
        self.dead = self.doomed = False
        self.stopped_at: float | None = None
        self.stood_still = 0.0
        self.lines: list[str] = []

    # A call

    def begins(self, operation: str, service: str) -> bool:
        """A call to a service begins; True where it is refused."""
        self._count(operation)
        troubles, world = self.world.troubles, self.world
        world.timeline.go_on(troubles.latency)
        storm = troubles.storm_on == service and world.storms()
        refused = storm or world.random.random() < troubles.throttled
        if refused:
            world.timeline.tell(f"{self.name}: {operation} is refused")
            self.returns()
        return refused

    def returns(self) -> None:
        """The call is over and its answer on the way; a runner that stands still gets it later."""
        if self.doomed:
            self.dies()
        plot = self._plot
        if plot is None or not self._due(plot) or plot.what not in ("pause", "second"):
            return
        self._plot = None
        began = self.world.timeline.now
        if plot.second is not None:
            self._meanwhile(plot.second)
        self.world.timeline.tell(f"{self.name} stands still for {plot.seconds:.0f} s")
        self.world.timeline.go_on(plot.seconds)
        self.stood_still += self.world.timeline.now - began

    def _due(self, plot: Plot) -> bool:
        return self.calls >= plot.at_call and plot.on in self._operation

    def _count(self, operation: str) -> None:
        if self.dead:
            raise Crash
        self.calls += 1
        self._operation = operation
        plot = self._plot
        if plot is None or not self._due(plot):
            return
        if plot.what == "crash":
            self.dies()
        elif plot.what == "crash-after":
            self.doomed = True
        elif plot.what == "stop" and self.stopped_at is None:
            self.world.timeline.tell(f"{self.name} is asked to stop")
            self.stopped_at = self.world.timeline.now

    def dies(self) -> None:
        self.dead = True
        self.world.timeline.tell(f"{self.name} is killed")
        raise Crash

    def loses_reply(self) -> bool:
        return self.world.random.random() < self.world.troubles.lost_reply

    def conflicts(self) -> bool:
        return self.world.random.random() < self.world.troubles.conflict

    # Clock

    def now(self) -> float:
        return self.world.timeline.now

    def wait(self, seconds: float) -> None:
        self._count("wait")
        self.world.timeline.go_on(max(seconds, 0.001) if self.stopped_at is None else 0.001)
        self.returns()

    def stop_requested(self) -> int | None:
        return STOPPED_BY if self.stopped_at is not None else None

    # Voice

    def say(self, line: str) -> None:
        if not self.dead:
            self.lines.append(line)
            self.world.timeline.tell(f"{self.name}: {line}")

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        self.say(f"▸ {title}")
        yield

    def warning(self, title: str, message: str) -> None:
        self.say(f"warning: {title}: {message}")


class GroupOfRunner:
    """A rollout.ports.Group."""

    name = "orange-prod"

    def __init__(self, runner: Runner) -> None:
        self._runner, self._world = runner, runner.world

    def observe(self) -> Fleet:
        self._begin("observe")
        world, now = self._world, self._world.timeline.now
        instances = []
        for host in tuple(world.hosts.values()):
            if host.overlooked or host.lifecycle == "Detached":
                host.overlooked = False
                continue
            traffic = world.balancer.state(host, now)
            online = host.agent_from <= now and (host.hears(now) or (host.counts_as_online and host.alive))
            instances.append(Instance(host.id, host.lifecycle, host.healthy_mark, online, TRAFFIC[traffic]))
        alarms = world.alarms.states()
        world.checker.shown.saw(self._runner, instances, alarms)
        self._runner.returns()
        return Fleet(tuple(instances), alarms)

    def drain(self, ids: Iterable[str]) -> None:
        self._begin("DeregisterTargets")
        wanted = tuple(ids)
        self._world.checker.taken.takes(self._runner, wanted, "drains")
        self._move(wanted, False)

    def register(self, ids: Iterable[str]) -> None:
        self._begin("RegisterTargets")
        wanted = tuple(ids)
        self._world.checker.taken.registers(self._runner, wanted)
        self._move(wanted, True)

    def _move(self, ids: tuple[str, ...], registered: bool) -> None:
        world = self._world
        if world.timeline.story is not None and ids:
            verb = "registers" if registered else "drains"
            world.timeline.tell(f"{self._runner.name} {verb} {' '.join(ids)}")
        for each in ids:
            host = world.hosts.get(each)
            if host is not None and not host.lifecycle.startswith("Terminat"):
                host.moves(registered, world.timeline.now)
        self._answer("the load balancer")

    def suspend(self, processes: Iterable[str]) -> tuple[str, ...]:
        self._begin("SuspendProcesses")
        wanted = tuple(processes)
        new = tuple(each for each in wanted if each not in self._world.scaling.suspended)
        self._world.checker.taken.suspends(self._runner, new)
        self._world.scaling.suspended.update(new)
        self._world.timeline.tell(f"{self._runner.name} suspends {' '.join(new)}")
        self._answer("SuspendProcesses")
        return new

    def resume(self, processes: Iterable[str]) -> None:
        self._begin("ResumeProcesses")
        self._world.checker.taken.resumes(self._runner)
        wanted = tuple(processes)
        self._world.scaling.suspended.difference_update(wanted)
        self._world.timeline.tell(f"{self._runner.name} resumes {' '.join(wanted)}")
        self._answer("ResumeProcesses")

    def _begin(self, operation: str) -> None:
        if self._runner.begins(operation, "autoscaling"):
            raise Refused(f"{operation} was throttled")

    def _answer(self, what: str) -> None:
        lost = self._runner.loses_reply()
        self._runner.returns()
        if lost:
            raise Refused(f"no answer from {what}")
