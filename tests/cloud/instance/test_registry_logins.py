"""How an instance logs in where no registry of these tests can be: ECR's, and Docker Hub."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.instance.instances import Instance, Surroundings
from tests.cloud.instance.stub import Stub, answering

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = f"{HOST}/team/orange@sha256:{'a' * 64}"
HUB = "https://index.docker.io/v1/"
LOGIN = "/orange/dockerhub"
REFUSED = json.dumps({"__type": "AccessDeniedException", "message": "not authorized to perform: ecr:Get"})

# Pulls are noted with the configuration they have, and the image is then taken for pulled.
DOCKER = """\
#!/bin/sh
[ "$1" = pull ] || exec {docker} "$@"
cat "${{DOCKER_CONFIG:-/nonexistent}}/config.json" 2>/dev/null >{seen}
[ ! -e {closed} ] || {{ echo 'denied: Your authorization token has expired' >&2; exit 1; }}
"""
AWS = """\
#!/bin/sh
echo "$*" >>{calls}
exec {aws} "$@"
"""


class Pulling:
    """An instance on which `docker pull` and every call of AWS are noted."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.directory = instance, instance.root.parent
        self._wrap("docker", DOCKER, seen=self.directory / "seen", closed=self.directory / "closed")
        self._wrap("aws", AWS, calls=self.directory / "calls")

    def _wrap(self, name: str, program: str, **places: Path) -> None:
        real = (self.directory / "bin" / name).rename(self.directory / "bin" / f"{name}.real")
        self.program(name, program.format(**{name: real}, **places))

    def program(self, name: str, text: str) -> None:
        """One more program on the instance's PATH."""
        (self.directory / "bin" / name).write_text(text)
        (self.directory / "bin" / name).chmod(0o755)

    def close(self) -> None:
        """From now on no registry lets this instance in."""
        (self.directory / "closed").touch()

    @property
    def given(self) -> Any:
        """The configuration that the pull was given; None for the host's own."""
        text = (self.directory / "seen").read_text()
        return json.loads(text) if text else None

    @property
    def calls(self) -> list[str]:
        return [" ".join(line.split()[:2]) for line in (self.directory / "calls").read_text().splitlines()]


@pytest.fixture
def pulling(surroundings: Surroundings) -> Iterator[Pulling]:
    with surroundings.instance() as instance:
        yield Pulling(instance)


def of_ecr(manifest: dict[str, Any]) -> None:
    manifest["images"] = {"spring_server": IMAGE}


def of_docker_hub(manifest: dict[str, Any]) -> None:
    manifest["images"] = {"promtail": f"grafana/promtail@sha256:{'b' * 64}"}
    manifest["registries"] = {"docker.io": LOGIN, "ghcr.io": "/not/needed"}


def prefetch(pulling: Pulling, version: str, spoil: Callable[[dict[str, Any]], None], **environment: str) -> str:
    """What the prefetch of a release had to say."""
    release = pulling.instance.publish(version, spoil=spoil)
    return pulling.instance.run("prefetch", release, 1, environment).reason


def test_the_instances_role_asks_ecr_for_a_token_once(pulling: Pulling) -> None:
    assert prefetch(pulling, "ecr", of_ecr) == ""

    assert list(pulling.given["auths"]) == [HOST]
    user, _, token = base64.b64decode(pulling.given["auths"][HOST]["auth"]).decode().partition(":")
    assert (user, bool(token)) == ("AWS", True)
    assert pulling.calls.count("ecr get-login-password") == 1
    assert len(pulling.calls) <= 4
    assert not (pulling.instance.root / "run/deployer/Orange/docker").exists()
    assert pulling.instance.last is not None
    assert token not in pulling.instance.last.stdout + pulling.instance.last.stderr


def test_the_credential_helper_is_used_where_it_is_installed(pulling: Pulling) -> None:
    pulling.program("docker-credential-ecr-login", "#!/bin/sh\n")

    assert prefetch(pulling, "helper", of_ecr) == ""

    assert pulling.given == {"auths": {}, "credHelpers": {HOST: "ecr-login"}}
    assert "ecr get-login-password" not in pulling.calls


@pytest.mark.parametrize("closed", [False, True])
def test_without_a_token_the_hosts_own_login_stands(pulling: Pulling, closed: bool) -> None:
    if closed:
        pulling.close()
    with answering(Stub(400, {"": REFUSED})) as ecr:
        reason = prefetch(pulling, "refused", of_ecr, AWS_ENDPOINT_URL_ECR=ecr.url)

    assert pulling.given is None
    assert ("the instance role must be allowed to pull, EcrRepository of infra/identity.yml" in reason) == closed
    assert ("not authorized to perform: ecr:Get" in reason) == closed


def test_docker_hub_is_logged_in_to_under_the_name_docker_has_for_it(pulling: Pulling) -> None:
    pulling.instance.ssm.put_parameter(Name=LOGIN, Value="puller:p:w\r\n", Type="SecureString", Overwrite=True)

    assert prefetch(pulling, "hub", of_docker_hub) == ""

    assert pulling.given == {"auths": {HUB: {"auth": base64.b64encode(b"puller:p:w").decode()}}, "credHelpers": {}}
    assert pulling.calls.count("ssm get-parameters") == 1
    assert len(pulling.calls) <= 4


def test_a_secret_that_docker_repeats_is_hidden(pulling: Pulling) -> None:
    pulling.instance.ssm.put_parameter(Name=LOGIN, Value="puller:pa$$w0rd", Type="SecureString", Overwrite=True)
    pulling.program(
        "docker", '#!/bin/sh\n[ $1 = pull ] || exec $0.real "$@"\n' + 'echo "denied: pa\\$\\$w0rd" >&2; exit 1\n'
    )

    reason = prefetch(pulling, "repeated", of_docker_hub)

    assert f"does not let this instance in (correct the USERNAME:PASSWORD in {LOGIN}): denied: ***" in reason
