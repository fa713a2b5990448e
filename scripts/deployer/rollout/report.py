"""The log of a rollout: one group per phase, one line per instance and change, advice where something went wrong."""

from __future__ import annotations

from contextlib import ExitStack

from deployer.core.errors import Refused
from deployer.core.fleet import Fleet, Instance
from deployer.core.plan import Plan, window_of
from deployer.core.progress import IN_FLIGHT, Progress, Stage, Step
from deployer.rollout.ports import Voice

SHOWN = frozenset(Stage) - {
    Stage.COMING,
    Stage.NEW,
    Stage.READY,
    Stage.ACTIVATED,
    Stage.PREFETCHING,
    Stage.ASKING,
}


class Report:
    """Says what changed since it was last shown. Close it at the end: the last phase's group is open until then."""

    def __init__(self, voice: Voice, group: str) -> None:
        self._voice, self._group = voice, group
        self._said: dict[str, Stage] = {}
        self._met: dict[str, str] = {}
        self._met_anyone = False
        self._phase = ""
        self._open = ExitStack()

    def opening(self, plan: Plan, size: int) -> None:
        """The first lines: what will happen, before it does."""
        limits = plan.limits
        source = plan.previous.version if plan.previous else "nothing"
        self._voice.say(f"{self._group}: {source} → {plan.target.version}, generation {plan.target.generation}")
        back = "comes back by itself" if plan.auto_rollback else "stays where it is"
        drain = ", out of the load balancer meanwhile" if plan.drain else ""
        canary = f"a canary of {limits.canary}, then " if limits.canary else ""
        pace = f"{canary}{window_of(plan, size)} at a time{drain}"
        self._voice.say(f"{size} instances: {pace}; on failure the group {back}")

    def meet(self, fleet: Fleet) -> None:
        """Names who is not simply in service, once: sick or on standby from the start, newborn, or changed since."""
        for each in fleet.instances:
            known = self._met.get(each.id)
            condition = _condition(each)
            if condition != known and (condition or known):
                self._voice.say(f"  {each.id}  {condition or 'is in service'}")
            elif known is None and self._met_anyone:
                self._voice.say(f"  {each.id}  joined the group")
        self._met = {each.id: _condition(each) for each in fleet.instances}  # who comes back joins anew
        self._met_anyone = True

    def show(self, plan: Plan, progress: Progress, now: float) -> bool:
        """Says every change since the last call; True if there was one."""
        self._enter(phase(plan, progress))
        changed = False
        for instance_id, step in progress.steps.items():
            if self._said.get(instance_id) is step.stage:
                continue
            changed = True
            self._said[instance_id] = step.stage
            if step.stage in SHOWN:
                self._voice.say(f"  {instance_id}  {_line(plan, step, now)}")
        return changed

    def promoted(self, plan: Plan) -> None:
        self._voice.say(f"  desired release is {plan.target.version}: new instances boot it from now on")

    def turning(self, plan: Plan, reason: str) -> None:
        """The rollout fails; said once, loudly, with what happens next."""
        back = f"going back to {plan.previous.version}" if plan.previous else "there is no release to go back to"
        self._voice.warning(f"{self._group}: {plan.target.version} failed", f"{reason}; {back}")
        self._said = {}

    def ending(self, plan: Plan, progress: Progress) -> None:
        """Whom the group will replace although it is proven, said before the group may: a mark never goes by itself."""
        marked = [each for each in progress.at(Stage.PROVEN) if progress.of(each).marked]
        if marked:
            boots = f"; what comes in its place boots {plan.target.version}" if plan.target.version else ""
            self._voice.warning(
                f"{self._group}: {', '.join(marked)} will be replaced",
                "it was marked unhealthy before the rollout, and the group holds to that whatever runs there now"
                f"{boots}. To keep it: aws autoscaling set-instance-health --health-status Healthy --instance-id"
                f" {marked[0]}",
            )

    def refused(self, error: Refused) -> None:
        self._voice.say(f"  {error.what}; trying again")

    def close(self) -> None:
        self._open.close()

    def _enter(self, name: str) -> None:
        if name != self._phase:
            self._phase = name
            self._open.close()
            self._open.enter_context(self._voice.group(name))


def phase(plan: Plan, progress: Progress) -> str:
    """The name of what is going on, for people."""
    if plan.goes_back:
        return "restore"
    if progress.promoted_at is not None:
        all_proven = len(progress.at(Stage.PROVEN)) == len(progress.owing - set(progress.at(Stage.GONE)))
        return "bake" if all_proven and plan.limits.bake else "converge"
    if not progress.touched and not progress.at(*IN_FLIGHT):
        return "prefetch"
    return "canary" if len(progress.at(Stage.PROVEN)) < plan.limits.canary else "window"


def _condition(instance: Instance) -> str:
    """What is special about an instance; "" if it is in service and well, or busy with the rollout itself."""
    if instance.coming:
        return f"is being born ({instance.lifecycle}): it boots what is desired, and is asked once it is there"
    if instance.leaving:
        return f"is leaving the group ({instance.lifecycle})"
    if instance.lifecycle == "Standby":
        return "is on standby: it gets the release, but no requests"
    return "" if instance.healthy else "is unhealthy, as the group sees it"


def _line(plan: Plan, step: Step, now: float) -> str:
    match step.stage:
        case Stage.DRAINING:
            return "leaving the load balancer"
        case Stage.ACTIVATING:
            return f"activating {plan.target.version}" if plan.target.version else "taking the application down"
        case Stage.DOUBTED:
            return f"? {step.reason}: asking what it runs"
        case Stage.JOINING:
            return f"runs {plan.target.version}, joining the load balancer"
        case Stage.PROVEN:
            marked = ", still marked unhealthy from before" if step.marked else ""
            return f"✓ {plan.target.version or 'nothing runs'}  {now - step.began_at:.1f} s{_seconds(step)}{marked}"
        case Stage.GONE:
            return "left the group"
        case _:
            return f"✗ {step.stage.value}: {step.reason}"


def _seconds(step: Step) -> str:
    parts = step.marker.seconds if step.marker else {}
    return f"  ({', '.join(f'{name} {value:g}' for name, value in parts.items())})" if parts else ""
