"""The bucket or Parameter Store cannot be read: what an instance says of it, and what it does instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cloud.instance.instances import APP, BUCKET, GROUP, Instance
from tests.loopback_server import Request, loopback_server

ERROR = "<Error><Code>{code}</Code><Message>{code} it is</Message></Error>"
NOTHING_LISTED = "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
DESIRED = f"s3://{BUCKET}/{APP}/groups/{GROUP}/desired.json cannot be read"
AT_ONCE = {"PATIENCE": "0"}


@contextmanager
def bucket_that_says(code: str, listed: str = "") -> Iterator[dict[str, str]]:
    """Every request is refused with 403 and that code, but for lists, if there is an answer to them."""

    def answer(request: Request) -> None:
        if listed and "list-type=2" in request.path:
            request.reply(200, listed)
        else:
            request.reply(403, ERROR.format(code=code))

    with loopback_server(answer) as address:
        yield {"AWS_ENDPOINT_URL_S3": address.url, **AT_ONCE}


def test_a_key_that_is_denied_and_not_listed_is_not_there(instance: Instance) -> None:
    """So S3 may answer whoever lists by prefix only."""
    with bucket_that_says("AccessDenied", NOTHING_LISTED) as environment:
        marker = instance.run("boot", environment=environment)

    assert (marker.outcome, marker.reason) == ("unchanged", "no desired release")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (
            "AccessDenied",
            "the instance's role may not (update the stack of infra/identity.yml, or give the instance its profile)",
        ),
        ("NoSuchBucket", "there is no such bucket (correct its name, or make it with infra/storage.yml)"),
        ("RequestTimeTooSkewed", "AWS says otherwise (repair time sync: systemctl restart chronyd)"),
    ],
)
def test_a_refusal_is_explained_at_boot_and_to_an_order(instance: Instance, code: str, cause: str) -> None:
    with bucket_that_says(code) as environment:
        boot = instance.run("boot", environment=environment)
        order = instance.run("activate", instance.publish("v1"), 1, environment)

    assert (boot.outcome, order.outcome) == ("failed", "failed")
    assert boot.reason.startswith(DESIRED)
    assert order.reason.startswith(f"s3://{BUCKET}/{APP}/releases/v1/release.json cannot be read: ")
    for marker in (boot, order):
        assert cause in marker.reason
        assert f"({code})" in marker.reason, "AWS's own words"


def test_a_clock_that_is_wrong_is_shown(instance: Instance) -> None:
    with bucket_that_says("RequestTimeTooSkewed") as environment:
        assert ": the clock says 20" in instance.run("boot", environment=environment).reason


def test_a_bucket_that_cannot_be_reached_is_told_from_one_that_refuses(instance: Instance) -> None:
    marker = instance.run("boot", environment={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", **AT_ONCE})

    assert marker.outcome == "failed"
    assert f"{DESIRED}: AWS cannot be reached" in marker.reason


def test_an_instance_without_a_role_says_so(instance: Instance) -> None:
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1"}

    marker = instance.run("boot", environment={**none, **AT_ONCE})

    assert f"{DESIRED}: this instance has no role (attach the instance profile of infra/identity.yml)" in marker.reason


def test_what_ran_last_runs_again_while_the_bucket_cannot_be_read(serving: Instance) -> None:
    v1, generation = serving.publish("v1"), serving.next_generation()
    serving.run("activate", v1, generation)
    serving.promote(serving.publish("v2"), generation)
    for each in list(serving.engine().containers()):
        each.remove()

    with bucket_that_says("AccessDenied") as environment:
        assert serving.run("boot", environment=environment).proves("v1", v1.manifest_sha256, generation)

    assert serving.get() == (200, "v1 hello")
    assert serving.last is not None
    assert f"{DESIRED}: the instance's role may not" in serving.last.stdout
    assert "; staying with v1" in serving.last.stdout


def test_a_throttled_bucket_is_asked_again_until_it_answers(instance: Instance) -> None:
    asked: list[str] = []

    def answer(request: Request) -> None:
        asked.append(request.path)
        throttled = len(asked) <= 7  # more than the AWS CLI tries by itself
        request.reply(503 if throttled else 404, ERROR.format(code="SlowDown" if throttled else "NoSuchKey"))

    with loopback_server(answer) as address:
        marker = instance.run("boot", environment={"AWS_ENDPOINT_URL_S3": address.url})

    assert (marker.outcome, marker.reason) == ("unchanged", "no desired release")
    assert len(asked) == 8


@pytest.mark.parametrize(
    ("code", "message", "cause"),
    [
        (
            "AccessDeniedException",
            "not authorized",
            "the instance's role may not (update the stack of infra/identity.yml, or give the instance its profile)",
        ),
        ("ThrottlingException", "Rate exceeded", "AWS is asked too often (try again later)"),
        ("ParameterNotFound", "", "there is no such parameter (correct its name, or put it: aws ssm put-parameter)"),
        ("InvalidSignatureException", "Signature not yet current: 2", "AWS says otherwise (repair time sync"),
        ("InvalidSignatureException", "Signature expired: 2", "AWS says otherwise (repair time sync"),
    ],
)
def test_parameters_that_are_refused_are_explained_and_the_release_before_serves_on(
    serving: Instance, code: str, message: str, cause: str
) -> None:
    body = json.dumps({"__type": code, "message": message})
    with loopback_server(lambda request: request.reply(400, body)) as address:
        environment = {"AWS_ENDPOINT_URL_SSM": address.url, **AT_ONCE}
        marker = serving.run("activate", serving.publish("v2"), serving.next_generation(), environment)

    assert (marker.outcome, marker.version) == ("failed", "v1")
    assert marker.reason.startswith("parameters /orange/env cannot be read: ")
    assert cause in marker.reason
    assert serving.get() == (200, "v1 hello")
