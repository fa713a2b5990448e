"""The firewall without the engine's own part."""

from __future__ import annotations

from localcloud.engine_network import without_docker

OWN = """\
*filter
:INPUT ACCEPT [7:420]
:FORWARD DROP [0:0]
[3:180] -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "not docker's" -j ACCEPT
[0:0] -A FORWARD -i virbr0 -j ACCEPT
COMMIT
"""
ENGINES = """\
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
[0:0] -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
[0:0] -A POSTROUTING -s 10.200.0.0/24 ! -o docker0 -j MASQUERADE
[0:0] -A DOCKER-USER -j RETURN
"""


def test_the_engines_chains_and_rules_go_and_everything_else_stays() -> None:
    lines = OWN.splitlines(keepends=True)
    mixed = "".join([*lines[:3], ENGINES, *lines[3:]])
    assert without_docker(mixed, "10.200.0.0/24") == OWN


def test_a_firewall_without_an_engine_is_left_as_it_is() -> None:
    assert without_docker(OWN, "10.200.0.0/24") == OWN
