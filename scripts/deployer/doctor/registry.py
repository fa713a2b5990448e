"""The registry of the image: does it answer, does it know us, is there a repository to push to."""

from __future__ import annotations

from dataclasses import replace

from deployer.aws import ecr
from deployer.aws.session import open_session
from deployer.commands.registry_access import credentials_for
from deployer.core.errors import Denied
from deployer.doctor.finding import Finding, State, not_checked, ok, warning
from deployer.doctor.situation import Situation
from deployer.image.reference import Reference
from deployer.image.registry import Registries


def repository(situation: Situation) -> Finding:
    """Asked of ECR by its API, of any other registry as docker asks."""
    found = [
        _of_ecr(situation, image) if ecr.is_ecr(image.registry) else _of_any(situation, image)
        for image in situation.images
    ]
    return next((each for each in found if each.state is not State.OK), found[-1])


def _of_ecr(situation: Situation, image: Reference) -> Finding:
    session = open_session(replace(situation.access, aws_region=ecr.region_of(image.registry)), situation.console)
    client = session.client("ecr")
    ecr.login(client)
    try:
        fixed = ecr.has_fixed_tags(client, image.repository)
    except Denied as denied:
        ecr.check_there(client, image.repository)
        return ok(f"{image.repository} is there; whether its tags can move takes {denied.action}")
    if fixed:
        return ok(f"{image.repository} is there, its tags never move")
    return warning(
        f"{image.repository} is there, and its tags can be moved",
        "aws ecr put-image-tag-mutability --image-tag-mutability IMMUTABLE"
        f" --repository-name {image.repository} --region {session.region}",
    )


def _of_any(situation: Situation, image: Reference) -> Finding:
    found = Registries(credentials_for(situation.access, situation.console)).labels(image)
    if found is None:
        return ok(f"{image.registry} answers; there is no {image.name}:{image.tag} yet, whether we may push shows then")
    return ok(f"{image.name}:{image.tag} is there; whether we may push shows at the first build")


def no_image() -> Finding:
    """The compose files name all images, and publish reads their digests."""
    return not_checked("no image is given")
