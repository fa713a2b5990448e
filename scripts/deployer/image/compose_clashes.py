"""What compose files ask for that an instance cannot give: refused where it is certain, else a warning.

Everything is said as what would happen on the instance. What only a variable says is given the benefit of the doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from urllib.parse import urlsplit

from deployer.core.errors import BadInput
from deployer.image.compose import Compose, Service

_HERE = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}


def check(app: Compose, profiles: Collection[str]) -> None:
    """Raises BadInput for an application that compose would refuse to start on every instance."""
    _check_profiles(app, profiles)
    running = app.running(profiles)
    for name, service in running.items():
        _check_needs(app, running, name, service)
        _check_defined(app, name, service)
        _check_replicas(name, service)
    for (name, one), (other_name, other) in combinations(running.items(), 2):
        if one.container_name and one.container_name == other.container_name:
            raise BadInput(
                f"services {name} and {other_name} both have the container_name {one.container_name}, "
                "and an engine has one container of a name",
                "take `container_name` away from one of them",
            )
        _check_ports(f"services {name} and {other_name}", one, other)


def warnings(app: Compose, running: Mapping[str, Service], health_check: str) -> Iterator[str]:
    """What may go wrong on an instance, one sentence each."""
    for each in app.external:
        yield f"{each} is external: on an instance where nobody has made it the release does not start"
    names = {each.container_name for each in running.values()}
    for name, service in running.items():
        for each in service.joins:
            if each not in names:
                yield f"service {name} joins container {each}: on an instance without it the release does not start"
    port = _port_here(health_check)
    if port and not any(_may_answer(each, port) for each in running.values()):
        yield (
            f"health-check asks for port {port} of the instance, and no service publishes it: "
            "no instance will be found healthy"
        )


def _check_profiles(app: Compose, profiles: Collection[str]) -> None:
    there = sorted({each for service in app.services.values() for each in service.profiles})
    if unknown := sorted(set(profiles) - {*there, "*"}):
        raise BadInput(
            f"no service has the profile {', '.join(unknown)}",
            f"the profiles are {', '.join(there)}" if there else "leave `profiles` out: no service has any",
        )
    if not app.running(profiles):
        raise BadInput(
            "every service has `profiles`, and none of them is chosen, so nothing would run",
            f"name some in `profiles`: {', '.join(there)}",
        )


def _check_needs(app: Compose, running: Mapping[str, Service], name: str, service: Service) -> None:
    for each in service.needs:
        if each not in app.services:
            raise BadInput(
                f"service {name} depends on {each}, which is no service",
                "mend its `depends_on`, or whatever else of it names that: links, volumes_from, network_mode, pid, ipc",
            )
        if each not in running:
            raise BadInput(
                f"service {name} depends on {each}, which does not run without one of its profiles: "
                f"{', '.join(app.services[each].profiles)}",
                "name one of them in `profiles`, or take the dependency away",
            )


def _check_defined(app: Compose, name: str, service: Service) -> None:
    sections = {
        "volume": (service.volumes, app.volumes),
        "network": (service.networks, app.networks),
        "config": (service.configs, app.configs),
        "secret": (service.secrets, app.secrets),
    }
    known = [(kind, each, each in defined) for kind, (used, defined) in sections.items() for each in used]
    if undefined := [f"{kind} {each}" for kind, each, is_defined in known if not is_defined and "$" not in each]:
        folder = next((f"; a folder is ./{each}" for each in service.volumes if each not in app.volumes), "")
        raise BadInput(
            f"service {name} uses {', '.join(undefined)}, which is nowhere defined",
            f"define it under the top-level `volumes:`, `networks:`, `configs:` or `secrets:`{folder}",
        )
    if swarm := [each for kind, used, _ in known if (each := f"{kind} {used}") in app.swarm]:
        raise BadInput(
            f"service {name} uses {', '.join(swarm)}, which is external: only a swarm has those",
            "give it a `file`; an absolute path of the instance where it must not lie in the bucket",
        )


def _check_replicas(name: str, service: Service) -> None:
    if service.replicas < 2:
        return
    if service.container_name:
        raise BadInput(
            f"service {name} has {service.replicas} replicas and a container_name, which only one container can have",
            "take `container_name` away",
        )
    _check_ports(f"the {service.replicas} replicas of service {name}", service, service)


def _check_ports(who: str, one: Service, other: Service) -> None:
    if one.on_host_network or other.on_host_network:
        return
    for port in one.ports:
        if any(port.meets(each) for each in other.ports):
            raise BadInput(
                f"{who} all publish port {port} of the instance, which only one container can have",
                "publish another port, or a range of ports for replicas, as in 8080-8089:8080",
            )


def _port_here(health_check: str) -> int:
    """The instance's port that the health check asks for; 0 if it asks somebody else, or nobody."""
    try:
        url = urlsplit(health_check)
        return url.port or _PORTS.get(url.scheme, 0) if url.hostname in _HERE else 0
    except ValueError:
        return 0


def _may_answer(service: Service, port: int) -> bool:
    return service.on_host_network or service.ports_vary or any(each.holds(port) for each in service.ports)
