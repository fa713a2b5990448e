"""A signal ends a command that may stop at any line, whatever the command catches there."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from deployer.commands.interruptible import interruptible
from deployer.core.errors import DeployError, Interrupted


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("caught", [DeployError, Exception])
def test_a_signal_passes_what_catches_errors_on_its_way(
    caught: type[Exception], number: signal.Signals, exit_code: int
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as interrupted, interruptible("run again"), suppress(caught):
        os.kill(os.getpid(), number)
    assert interrupted.value.exit_code == exit_code
    assert (interrupted.value.what, interrupted.value.fix) == (f"stopped by {number.name}", "run again")
    assert signal.getsignal(number) is before


def test_an_error_of_the_commands_own_stays_what_it_is() -> None:
    with pytest.raises(DeployError, match="mine"), interruptible("run again"):
        raise DeployError("mine")
