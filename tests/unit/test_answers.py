"""What a reply means: a marker proves, silence is asked about, and a late answer changes nothing."""

from __future__ import annotations

import pytest

from deployer.core.absorb import ASK_FOR, absorb
from deployer.core.answers import hear
from deployer.core.fleet import Fleet, Instance, Traffic
from deployer.core.marker import Marker
from deployer.core.orders import Delivery, Reply
from deployer.core.plan import Limits, Plan, Target
from deployer.core.progress import Progress, Stage
from deployer.core.quantities import Seconds

SHA = "ab" * 32
PLAN = Plan(Target("v2", SHA, 7), Target("v1", SHA, 0), Limits(instance_timeout=Seconds(100)), False, True, 0.0)
FLEET = Fleet((Instance("i-1", "InService"),))
RUNS_IT = Marker("activated", "v2", 7, SHA)


def at(stage: Stage, *before: Stage) -> Progress:
    """One instance that came to `stage`, 10 s after the start."""
    progress = absorb(PLAN, FLEET, Progress(), 0.0)
    for each in (*before, stage):
        progress = progress.moved(["i-1"], each, 10.0)
    return progress


def doubted(delivery: Delivery) -> Progress:
    progress = hear(PLAN, at(Stage.ACTIVATING), Reply("i-1", delivery, detail="SSM says so"), 20.0)
    assert progress.of("i-1").stage is Stage.DOUBTED
    return progress.moved(["i-1"], Stage.ASKING, 21.0)


@pytest.mark.parametrize("delivery", [Delivery.SILENT, Delivery.UNHEARD])
def test_an_activation_that_ended_without_a_marker_counts_if_the_instance_says_it_runs_the_target(
    delivery: Delivery,
) -> None:
    told = Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v2", 7, SHA))
    assert hear(PLAN, doubted(delivery), told, 22.0).of("i-1").stage is Stage.ACTIVATED


@pytest.mark.parametrize(
    ("delivery", "stage"), [(Delivery.SILENT, Stage.FAILED), (Delivery.UNHEARD, Stage.UNREACHABLE)]
)
@pytest.mark.parametrize(
    "told",
    [
        Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v1", 6, SHA)),
        Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v2", 6, SHA)),
        Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v2", 7, SHA, "the activation of v2 has not ended")),
        Reply("i-1", Delivery.UNREACHABLE, detail="SSM says Undeliverable"),
        Reply("i-1", Delivery.SILENT, detail="SSM says Failed"),
    ],
)
def test_any_other_answer_confirms_what_was_presumed(told: Reply, delivery: Delivery, stage: Stage) -> None:
    step = hear(PLAN, doubted(delivery), told, 22.0).of("i-1")
    assert step.stage is stage
    assert step.reason.startswith("SSM says so; asked")


def test_who_does_not_say_what_it_runs_counts_as_presumed_after_a_minute() -> None:
    asking = doubted(Delivery.UNHEARD)
    assert absorb(PLAN, FLEET, asking, 21.0 + ASK_FOR).of("i-1").stage is Stage.ASKING
    step = absorb(PLAN, FLEET, asking, 22.0 + ASK_FOR).of("i-1")
    assert (step.stage, step.running) == (Stage.UNREACHABLE, None)
    assert "did not answer" in step.reason


def test_an_activation_that_runs_out_of_time_is_asked_about_before_it_counts_as_failed() -> None:
    step = absorb(PLAN, FLEET, at(Stage.ACTIVATING), 111.0).of("i-1")
    assert (step.stage, step.presumed) == (Stage.DOUBTED, Stage.FAILED)
    assert step.reason == "still activating after 100 s"


def test_a_late_activation_that_is_proven_by_asking_gets_its_time_to_join() -> None:
    joining = Fleet((Instance("i-1", "InService", traffic=Traffic.STARTING),))
    asked = absorb(PLAN, joining, at(Stage.ACTIVATING), 111.0).moved(["i-1"], Stage.ASKING, 112.0)
    proven = hear(PLAN, asked, Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v2", 7, SHA)), 113.0)
    assert absorb(PLAN, joining, proven, 114.0).of("i-1").stage is Stage.ACTIVATED
    late = absorb(PLAN, joining, proven.moved(["i-1"], Stage.JOINING, 114.0), 214.0).of("i-1")
    assert late.reason == "still joining after 100 s"


def test_who_joins_and_is_put_on_standby_is_proven() -> None:
    standby = Fleet((Instance("i-1", "Standby", traffic=Traffic.OUT),))
    assert absorb(PLAN, standby, at(Stage.JOINING), 11.0).of("i-1").stage is Stage.PROVEN


def test_who_was_perhaps_told_what_it_runs_already_still_runs_it() -> None:
    ready = at(Stage.PREFETCHING, Stage.READY).heard("i-1", Marker("unchanged", "v2", 6, SHA))
    step = ready.perhaps_told(["i-1"], "v2").of("i-1")
    assert (step.running, step.marker, step.in_doubt) == ("v2", None, True)
    assert ready.perhaps_told(["i-1"], "v3").of("i-1").running is None


def test_an_answer_ends_the_doubt() -> None:
    told = at(Stage.READY).perhaps_told(["i-1"], "v2").moved(["i-1"], Stage.ACTIVATING, 11.0)
    assert not hear(PLAN, told, Reply("i-1", Delivery.ANSWERED, RUNS_IT), 12.0).of("i-1").in_doubt


@pytest.mark.parametrize(("delivery", "in_doubt"), [(Delivery.SILENT, False), (Delivery.UNHEARD, True)])
def test_what_an_instance_says_it_runs_is_the_last_word_only_where_its_order_has_ended(
    delivery: Delivery, in_doubt: bool
) -> None:
    told = Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v1", 6, SHA))
    step = hear(PLAN, doubted(delivery), told, 22.0).of("i-1")
    assert (step.running, step.in_doubt) == ("v1", in_doubt)


def test_an_order_that_never_arrived_leaves_no_doubt() -> None:
    step = hear(PLAN, at(Stage.ACTIVATING), Reply("i-1", Delivery.UNREACHABLE, detail="SSM says so"), 20.0).of("i-1")
    assert step.stage is Stage.UNREACHABLE


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        (Reply("i-1", Delivery.ANSWERED, Marker("unchanged", "v1", 6, SHA)), Stage.READY),
        (Reply("i-1", Delivery.ANSWERED, Marker("failed", "v1", 6, SHA, "no space")), Stage.FAILED),
        (Reply("i-1", Delivery.SILENT), Stage.FAILED),
        (Reply("i-1", Delivery.UNHEARD), Stage.UNREACHABLE),
        (Reply("i-1", Delivery.UNREACHABLE), Stage.UNREACHABLE),
    ],
)
def test_a_prefetch_touches_nothing_so_nothing_is_in_doubt(reply: Reply, stage: Stage) -> None:
    assert hear(PLAN, at(Stage.PREFETCHING), reply, 20.0).of("i-1").stage is stage


@pytest.mark.parametrize("stage", [Stage.PROVEN, Stage.FAILED, Stage.UNREACHABLE, Stage.READY])
def test_an_answer_that_comes_too_late_moves_nobody(stage: Stage) -> None:
    heard = hear(PLAN, at(stage), Reply("i-1", Delivery.ANSWERED, RUNS_IT), 20.0).of("i-1")
    assert (heard.stage, heard.running) == (stage, "v2")


def test_a_marker_of_the_generation_before_proves_nothing() -> None:
    old = Reply("i-1", Delivery.ANSWERED, Marker("activated", "v2", 6, SHA))
    assert hear(PLAN, at(Stage.ACTIVATING), old, 20.0).of("i-1").stage is Stage.FAILED
