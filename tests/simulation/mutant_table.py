"""The mistakes: each is a change in one place of a file of scripts/deployer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`before`, found exactly once in `file`, becomes `after`. `look_first`: a seed that saw it once, to save time."""

    name: str
    file: str
    before: str
    after: str
    look_first: int = 0


MUTANTS = (
    Mutant(
        "the window is off by one",
        "core/plan.py",
        "return max(1, limits.window.of(group_size))",
        "return max(1, limits.window.of(group_size)) + 1",
    ),
    Mutant(
        "the way back has no window",
        "core/plan.py",
        "return min(max(1, group_size), max(2 * forward, math.ceil(group_size / 3)))",
        "return max(1, group_size)",
    ),
    Mutant(
        "failures are counted anew in every wave",
        "core/decide.py",
        "if len(failed) > plan.limits.failures:",
        "if len(failed) > plan.limits.failures + len(progress.at(Stage.PROVEN)):",
    ),
    Mutant(
        "converge is skipped",
        "core/decide.py",
        "    if lost:\n        return _converge(",
        "    if lost and plan.goes_back:\n        return _converge(",
    ),
    Mutant(
        "who is being born at the promotion is not waited for",
        "core/decide.py",
        "if coming or _missed(",
        "if _missed(",
    ),
    Mutant(
        "newborns are ignored",
        "core/absorb.py",
        "owing=progress.owing | owed,",
        "owing=progress.owing or frozenset(owed),",
    ),
    Mutant(
        "the lease does not fence",
        "rollout/lease.py",
        "        while self._clock.now() - self._renewed_at >= RENEW_AFTER:\n            self._write(self._holder)",
        "        return",
    ),
    Mutant(
        "a lease is taken although it is held",
        "rollout/lease.py",
        "return not self.released and now < self.expires_at",
        "return not self.released and now < self.expires_at - LIFETIME",
    ),
    Mutant(
        "the release is promoted before the canary",
        "core/decide.py",
        "    under_way = _advance(plan, fleet, progress)\n",
        "    if not progress.promoted_at:\n        return (Promote(),)\n"
        "    under_way = _advance(plan, fleet, progress)\n",
    ),
    Mutant(
        "suspended processes are not resumed",
        "rollout/rollout.py",
        "    processes = record.entry.suspended\n    if not processes:\n",
        "    processes = record.entry.suspended\n    if processes:\n",
    ),
    Mutant(
        "the record does not say what will be suspended",
        "rollout/rollout.py",
        "    record.suspending(tuple(dict.fromkeys((*left, *wanted))))\n",
        "",
    ),
    Mutant(
        "unreachable counts as success",
        "core/answers.py",
        "    if marker is None:\n        return Stage.UNREACHABLE, reply.detail\n    if _proves(plan, marker):",
        "    if marker is None:\n        return Stage.ACTIVATED, reply.detail\n    if _proves(plan, marker):",
    ),
    Mutant(
        "unreachable has no limit",
        "core/decide.py",
        "if len(unreachable) > plan.limits.unreachable:",
        "if len(unreachable) > plan.limits.unreachable + 100:",
    ),
    Mutant(
        "a marker's generation is not looked at",
        "core/marker.py",
        "(self.manifest_sha256, self.generation) == (manifest_sha256, generation)",
        "self.manifest_sha256 == manifest_sha256",
    ),
    Mutant(
        "it turns back under the same generation",
        "rollout/loop.py",
        "generation = self._lease.advance()",
        "generation = self._lease.generation",
    ),
    Mutant(
        "desired.json is not restored after a failure",
        "rollout/loop.py",
        "        self._owes_desired = True\n",
        "        self._owes_desired = False\n",
    ),
    Mutant(
        "who failed and runs the previous release stays out of the load balancer",
        "core/decide.py",
        "Register((*joins, *rejoins))",
        "Register(joins)",
    ),
    Mutant(
        "who is still out when a rollout ends stays out",
        "rollout/loop.py",
        "        if out:\n            with suppress(Refused):",
        "        if not out:\n            with suppress(Refused):",
    ),
    Mutant(
        "alarms are ignored",
        "core/decide.py",
        'for name, state in fleet.alarms.items() if state != "OK")',
        'for name, state in fleet.alarms.items() if state == "NEVER")',
    ),
    Mutant(
        "the deadline is ignored",
        "core/decide.py",
        "if now > plan.deadline:",
        "if now > plan.deadline + 100_000:",
    ),
    Mutant(
        "an order whose sending got no answer is sent again blindly",
        "aws/run_command.py",
        "            self._doubts.append(Doubt(order, ids, sent_at, self._now(), open=frozenset(ids)))\n",
        "",
    ),
    Mutant(
        "what one list told is lost where the next one is refused",
        "aws/run_command.py",
        "        for each in self._stirring(command_ids):\n            yield each, self._replies(each)\n",
        "        yield from [(each, self._replies(each)) for each in self._stirring(command_ids)]\n",
        look_first=249,
    ),
    Mutant(
        "who is on standby is put into the load balancer",
        "core/decide.py",
        "if fleet.present[each].in_service and _runs_previous(",
        "if _runs_previous(",
        look_first=1378,
    ),
    Mutant(
        "a mark from before fails a good release",
        "core/absorb.py",
        "newly_marked = not instance.healthy and not step.marked",
        "newly_marked = not instance.healthy",
        look_first=99,
    ),
    Mutant(
        "newborns begin the bake anew",
        "core/decide.py",
        "for step in proven if not step.newborn",
        "for step in proven",
        look_first=99,
    ),
    Mutant(
        "who left and comes back is not asked again",
        "core/absorb.py",
        "here = {each for each, step in progress.steps.items() if step.stage is not Stage.GONE}",
        "here = set(progress.steps)",
    ),
    Mutant(
        "who was touched, left and comes back is not put back",
        "core/absorb.py",
        "owed.intersection_update((*newcomers, *progress.touched))",
        "owed.intersection_update(newcomers)",
        look_first=107,
    ),
    Mutant(
        "a crash before is forgotten",
        "rollout/record.py",
        'return self.result in ("running", "interrupted", "could-not-restore")',
        "return False",
        look_first=409,
    ),
    Mutant(
        "an answer to an earlier order is taken for the last one's",
        "rollout/dispatch.py",
        "                self.forget(its)\n",
        "",
        look_first=625,
    ),
    Mutant(
        "the canary is not baked",
        "core/window.py",
        "if canary and now < proven[canary - 1] + plan.limits.canary_bake:",
        "if canary and now < proven[canary - 1]:",
    ),
    Mutant(
        "an instance that was unhealthy before does not count against the window",
        "core/window.py",
        "    return stopped or not serving\n",
        "    return stopped\n",
    ),
    Mutant(
        "nobody is drained",
        "core/decide.py",
        "    if not plan.drain or instance.traffic in (Traffic.NONE, Traffic.OUT):",
        "    if plan.drain or instance.traffic in (Traffic.NONE, Traffic.OUT):",
    ),
    Mutant(
        "nobody waits for the load balancer",
        "core/absorb.py",
        "    return instance.traffic not in (Traffic.NONE, Traffic.HEALTHY)\n",
        "    return False\n",
    ),
    Mutant(
        "who turns unhealthy after its proof is not seen",
        "core/absorb.py",
        "if step.stage is Stage.PROVEN and _sick(plan, instance, step):",
        "if step.stage is Stage.JOINING and _sick(plan, instance, step):",
    ),
    Mutant(
        "output without a marker is quoted",
        "aws/invocations.py",
        'detail=f"SSM says {status}, and it left no marker")',
        'detail=f"SSM says {status}: {full_output(instance_id)}")',
    ),
    Mutant(
        "a wish to stop is not heard",
        "rollout/loop.py",
        "while not self._clock.stop_requested():",
        "while True:",
    ),
    Mutant(
        "an order that may have been carried out is forgotten",
        "rollout/loop.py",
        "self.progress = self.progress.perhaps_told(waiting, self.plan.target.version)",
        "pass",
        look_first=517,
    ),
    Mutant(
        "a lease is counted from when the answer to its renewal came",
        "rollout/lease.py",
        "self._holder, self._renewed_at = holder, asked_at",
        "self._holder, self._renewed_at = holder, self._clock.now()",
        look_first=1438,
    ),
    Mutant(
        "a failure is forgotten when its instance leaves",
        "core/decide.py",
        "failed, unreachable = progress.failed, progress.at(Stage.UNREACHABLE)",
        "failed, unreachable = progress.at(Stage.FAILED), progress.at(Stage.UNREACHABLE)",
    ),
)
