"""Everything there is outside a runner."""

from __future__ import annotations

import random
from functools import partial

from tests.simulation.alarms import Alarms
from tests.simulation.balancer import Balancer
from tests.simulation.bucket import BucketObjects
from tests.simulation.checker import Checker
from tests.simulation.host import Host
from tests.simulation.releases import Releases
from tests.simulation.scaling import Scaling
from tests.simulation.scenario import Scenario
from tests.simulation.ssm import Ssm
from tests.simulation.timeline import BEGINNING, Timeline


class World:
    """One scenario's group, bucket and services. All chance after the beginning comes from `random`, in order."""

    def __init__(self, scenario: Scenario, story: list[str] | None = None) -> None:
        self.scenario, self.troubles = scenario, scenario.troubles
        self.random = random.Random(scenario.seed)  # noqa: S311 - the same chance every time
        self.timeline = Timeline(story)
        self.releases = Releases(scenario.seed, scenario.behaviours)
        self.balancer = Balancer(scenario.start.balanced, scenario.troubles.drain, scenario.troubles.join)
        self.hooked = scenario.start.hooked
        self.hosts: dict[str, Host] = {}
        self.scaling = Scaling(self)
        self.ssm = Ssm(self)
        self.alarms = Alarms(self, scenario.start.alarms)
        self.checker = Checker(self)
        self.bucket = BucketObjects(self)
        for event in scenario.events:
            self.timeline.at(BEGINNING + event.at, partial(self.scaling.happen, event))
        self.scaling.begin()

    def storms(self) -> bool:
        troubles = self.troubles
        since = self.timeline.now - BEGINNING - troubles.storm_at
        return 0.0 <= since < troubles.storm_seconds
