"""A send that got no answer: it is looked up, and sent again only where it did not arrive."""

from __future__ import annotations

import pytest

from deployer.aws.run_command import MOST_INSTANCES, VISIBLE_WITHIN, RunCommand
from deployer.core.errors import Unanswered
from tests.unit.fake_ssm import ORDER, Ssm, Time, commands, told


def lost(*ids: str) -> tuple[Ssm, Time, RunCommand]:
    """After an order to these instances whose sending got no answer."""
    ssm, now = Ssm(), Time()
    to = commands(ssm, now)
    ssm.loses_the_next_answer = True
    with pytest.raises(Unanswered):
        told(to, *ids)
    return ssm, now, to


def test_a_send_without_an_answer_that_was_carried_out_is_not_sent_again() -> None:
    ssm, _, to = lost("i-1", "i-2")
    ssm.commands = [ssm.shown_command(1)]
    assert told(to, "i-1", "i-2", "i-3") == {"command-1": ("i-1", "i-2"), "command-2": ("i-3",)}
    assert [each["InstanceIds"] for each in ssm.sent] == [["i-1", "i-2"], ["i-3"]]


def test_who_may_have_got_a_lost_order_is_looked_up_although_the_next_order_leaves_it_out() -> None:
    ssm, now, to = lost("i-1", "i-2")
    ssm.commands = [ssm.shown_command(1)]
    assert told(to, "i-1") == {"command-1": ("i-1",)}
    now.at += VISIBLE_WITHIN
    assert told(to, "i-2", "i-3") == {"command-1": ("i-2",), "command-2": ("i-3",)}


def test_a_send_without_an_answer_waits_until_lists_would_show_it_and_is_then_sent_again() -> None:
    ssm, now, to = lost("i-1")
    with pytest.raises(Unanswered, match="no list shows yet"):
        told(to, "i-1")
    assert len(ssm.sent) == 1
    now.at += VISIBLE_WITHIN
    assert told(to, "i-1") == {"command-2": ("i-1",)}


def test_a_command_of_another_order_or_group_is_not_taken_for_the_lost_one() -> None:
    ssm, now, to = lost("i-1")
    elsewhere = {**ssm.sent[0]["Parameters"], "Group": ["another"]}
    ssm.commands = [ssm.shown_command(1, Comment="7.2 activate v2"), ssm.shown_command(1, Parameters=elsewhere)]
    now.at += VISIBLE_WITHIN
    assert told(to, "i-1") == {"command-2": ("i-1",)}


def test_a_refusal_half_way_loses_nothing_that_was_sent() -> None:
    ssm = Ssm()
    sending = commands(ssm).send([f"i-{at}" for at in range(60)], ORDER)
    assert len(next(sending).commands["command-1"]) == MOST_INSTANCES
    ssm.loses_the_next_answer = True
    with pytest.raises(Unanswered):
        next(sending)
