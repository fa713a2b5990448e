"""`check`: all that a whole delivery takes, looked at before its first step changes anything.

The root action runs one command after the other; without this a typo in the rollout's policy would be found only once
the image is pushed and the release is published.
"""

from __future__ import annotations

from pathlib import Path

from deployer.aws.session import open_session
from deployer.commands.groups import check_place
from deployer.commands.rolling import limits_of
from deployer.core.errors import BadInput
from deployer.core.version import check_version
from deployer.github.console import Console
from deployer.image.content import collect
from deployer.inputs import DeliveryInputs
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_limits


def run(inputs: DeliveryInputs, console: Console) -> Outcome:
    """No outputs; raises BadInput for what can be known here, Refused when AWS does not let us in."""
    check_place(inputs)
    check_limits(limits_of(inputs))
    if inputs.version:
        check_version(inputs.version)
    if bool(inputs.image) != bool(inputs.service):
        raise BadInput("image and service belong together", "`service` names the compose service that runs `image`")
    collect(Path.cwd(), inputs.compose_files, inputs.files, inputs.environment_file, bool(inputs.parameters))
    session = open_session(inputs, console)
    console.say(f"{session.role_arn or session.caller_arn} in account {session.account_id}, {session.region}")
    return Outcome()
