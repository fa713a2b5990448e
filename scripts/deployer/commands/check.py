"""`check`: all that a whole delivery takes, looked at before its first step changes anything.

The root action runs one command after the other; without this a typo in the rollout's policy would be found only once
the image is pushed and the release is published.
"""

from __future__ import annotations

from dataclasses import replace

from deployer.aws import reach
from deployer.aws.session import open_session
from deployer.commands import publish
from deployer.commands.announcement import announcement
from deployer.commands.groups import check_place
from deployer.commands.rolling import check_health, check_preview, limits_of
from deployer.commands.wanted_images import services_of, wanted_images
from deployer.core.errors import BadInput
from deployer.github.console import Console
from deployer.github.run import RunContext
from deployer.image import reference
from deployer.image.bake import SERVICE
from deployer.inputs import DeliveryInputs
from deployer.outcome import Outcome
from deployer.rollout.preflight import check_limits

NOT_BUILT_YET = "sha256:" + "0" * 64
"""Stands for the digest that the build will give the image."""


def run(inputs: DeliveryInputs, console: Console) -> Outcome:
    """Outputs `image`, `digest` and `images` of an image given by its digest, "" for one that is to be built.

    Raises BadInput for what can be known here, Refused when AWS does not let us in.
    """
    check_place(inputs)
    limits = limits_of(inputs)
    check_limits(limits, inputs.auto_rollback)
    version, images = _built(inputs, console.run)
    draft = publish.draft_of(replace(inputs, version=version, images=(*inputs.images, *images)), console.run)
    check_health(draft.version, draft.health, limits)
    check_preview(draft.version, draft.git.ref, inputs.allow_preview)
    if announced := announcement(inputs, draft.version, draft.git, console):
        announced.check()
    session = open_session(inputs, console, reach=_reach(inputs))
    console.say(f"{session.role_arn or session.caller_arn} in account {session.account_id}, {session.region}")
    given = reference.parse(inputs.image) if _is_given(inputs) else None
    return Outcome(
        outputs={
            "image": given.pinned if given else "",
            "digest": given.digest if given else "",
            "images": "\n".join(images) if given else "",
        }
    )


def _reach(inputs: DeliveryInputs) -> reach.Reach:
    """That of the rollout to come, the widest there is: whether STS takes it is known here, then."""
    return reach.rolling(inputs.app, inputs.bucket, inputs.document, inputs.auto_scaling_group)


def _is_given(inputs: DeliveryInputs) -> bool:
    """Whether the image is there already, under its digest. `{service}` is in no name that an image has."""
    return SERVICE not in inputs.image and bool(inputs.image) and bool(reference.parse(inputs.image).digest)


def _built(inputs: DeliveryInputs, run: RunContext) -> tuple[str, tuple[str, ...]]:
    """What `publish` will be given as `version` and beside the input `images`; a build has no digest yet."""
    if not inputs.image:
        if inputs.service:
            raise BadInput("service is given without an image", "`service` names the compose service that runs `image`")
        return inputs.version, ()
    services = () if SERVICE in inputs.image else services_of(inputs)
    if _is_given(inputs):
        return inputs.version, tuple(f"{each}={reference.parse(inputs.image).pinned}" for each in services)
    if not inputs.push:
        raise BadInput(
            "push is false, so the image would have no digest, and a release holds images by digest",
            "leave `push` out; to build without releasing use actions/build-push by itself",
        )
    wanted = wanted_images(inputs, run)
    images = (f"{service}={reference.pin(image, NOT_BUILT_YET)}" for service, image in wanted.services.items())
    return wanted.version, tuple(images)
