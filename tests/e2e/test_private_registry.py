"""Images of a registry that asks for a login: pulled with what Parameter Store holds, and of that nothing stays."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from localcloud.registry import Registry
from tests.e2e.real_images import Shelf
from tests.e2e.real_instance import SERVES, Published, RealInstance, real_instance
from tests.waiting import eventually

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.timeout(300)]

PASSWORD = "s3cr3t-of-the-registry: \\ $x"
LOGIN = f"puller:{PASSWORD}"
USERS = "puller:$2b$04$abcdefghijklmnopqrstuuFv0qi7YF.NF2hEz6EyhlMyD7dZ7EAO.\n"
"""The same, as the registry keeps it."""
PARAMETER = "/orange/registry"

WATCH = """\
exec >/run/seen 2>/dev/null
while [ ! -e /run/stop ]; do
  for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <"$file"; done
  stat -c '%a %n' /run/deployer/orange/docker/*
done
"""
"""Everything that is on a command line meanwhile, and who may read the login."""


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp("private"), users=USERS)
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def instance(private: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealInstance]:
    directory = tmp_path_factory.mktemp("instance")
    open_to_all = Registry(directory)
    open_to_all.start()
    try:
        with real_instance(directory, open_to_all, private) as instance:
            yield instance
    finally:
        open_to_all.stop()


def publish(instance: RealInstance, private: Registry, version: str, login: str = LOGIN) -> Published:
    """A release whose image only `puller` may pull, once `login` is in Parameter Store."""
    instance.ssm.put_parameter(Name=PARAMETER, Value=login, Type="SecureString", Overwrite=True)
    image = Shelf(private.address, LOGIN).push("secret/orange", SERVES, {"www/index.html": version.encode()})
    return instance.publish(version, image, words=("--registry-credentials", f"{private.address}={PARAMETER}"))


def test_a_login_is_used_and_nothing_of_it_stays(instance: RealInstance, private: Registry) -> None:
    release = publish(instance, private, "v1")
    instance.says(f"cat >/run/watch <<'END'\n{WATCH}END\nsetsid sh /run/watch >/dev/null 2>&1 &")

    assert instance.activate(release).outcome == "activated"

    instance.says("touch /run/stop")
    seen = instance.says("cat /run/seen")
    assert instance.page() == "v1"
    assert "get-parameters --names /orange/registry" in seen
    assert "600 /run/deployer/orange/docker/config.json" in seen
    for secret in (PASSWORD, base64.b64encode(LOGIN.encode()).decode()):
        assert secret not in seen + "".join(instance.said)
        assert secret not in instance.says("docker inspect $(docker ps -aq) $(docker images -q)")
        found = instance.sh('grep -rlF -e "$SECRET" /run/deployer /var/lib/deployer /root /tmp', SECRET=secret)
        assert (found.exit_code, found.stdout) == (1, "")
    assert instance.sh("ls /run/deployer/orange/docker").exit_code == 2


def test_where_nothing_is_missing_no_login_is_read(instance: RealInstance, private: Registry) -> None:
    release = publish(instance, private, "v2")
    assert instance.run("prefetch", release).outcome == "unchanged"
    instance.ssm.delete_parameter(Name=PARAMETER)

    assert instance.activate(release).outcome == "activated"


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ("puller:wr0ng-password", f"does not let this instance in (correct the USERNAME:PASSWORD in {PARAMETER})"),
        ("no-colon-in-here", f"registry-credentials: there is no USERNAME:PASSWORD in {PARAMETER}"),
    ],
)
def test_a_wrong_login_is_told_without_being_shown(
    instance: RealInstance, private: Registry, login: str, reason: str
) -> None:
    before = instance.page()
    release = publish(instance, private, f"wrong-{len(login)}", login)

    marker = instance.activate(release)

    assert (marker.outcome, marker.version) == ("failed", before)
    assert reason in marker.reason
    assert login.partition(":")[2] or login not in "".join(instance.said)
    assert instance.page() == before
    assert instance.sh("ls /run/deployer/orange/docker").exit_code == 2


def test_a_login_that_is_not_there_is_named(instance: RealInstance, private: Registry) -> None:
    release = publish(instance, private, "nowhere")
    instance.ssm.delete_parameter(Name=PARAMETER)

    reason = instance.activate(release).reason

    assert reason.startswith(
        f"registry-credentials: there is no USERNAME:PASSWORD in {PARAMETER} (aws ssm put-parameter"
    )


def test_a_release_that_names_no_login_is_told_how(instance: RealInstance, private: Registry) -> None:
    image = publish(instance, private, "named").image

    reason = instance.activate(instance.publish("unnamed", image)).reason

    assert "its registry does not let this instance in (name a login in registry-credentials)" in reason


def test_the_hosts_own_login_is_used_where_the_release_names_none(instance: RealInstance, private: Registry) -> None:
    image = publish(instance, private, "of-the-host").image
    instance.says(f"mkdir -p /root/.docker && cat >/root/.docker/config.json <<'END'\n{own_login(private)}\nEND")

    assert instance.activate(instance.publish("own", image)).outcome == "activated"
    instance.says("rm -r /root/.docker")


def own_login(private: Registry) -> str:
    return json.dumps({"auths": {private.address: {"auth": base64.b64encode(LOGIN.encode()).decode()}}})


def test_what_a_killed_command_leaves_is_removed_by_the_next(instance: RealInstance, private: Registry) -> None:
    before = publish(instance, private, "before")
    assert instance.activate(before).outcome == "activated"
    release = publish(instance, private, "killed")
    private.stop()
    instance.generation += 1
    under_way = instance.start("activate", release)
    there = "test -s /run/deployer/orange/docker/config.json"
    eventually("it has the login and tries to pull", lambda: instance.sh(there).exit_code == 0)
    under_way.kill()
    under_way.wait()
    private.start()
    assert instance.sh(there).exit_code == 0

    assert instance.run("activate", before).outcome == "unchanged"
    assert instance.sh(there).exit_code == 1
