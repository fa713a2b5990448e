"""What a docker engine changes in the machine's network and never takes back: done here when ours has stopped.

It switches forwarding on, sets the policy of the FORWARD chain to DROP (which cuts off other virtual machines once the
engine's own exceptions are gone), and leaves its chains and its bridge behind.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from localcloud.engine_command import search_path

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TOOLS = ("iptables", "ip6tables")


def remember(file: Path) -> None:
    """Notes how the network is before the engine starts; what an engine that was killed noted stays true."""
    if file.exists():
        return
    policies = {tool: policy for tool in _TOOLS if (policy := _forward_policy(tool))}
    file.write_text(json.dumps({"forwarding": _FORWARDING.read_text().strip(), "policies": policies}))


def restore(file: Path, bridge: str) -> None:
    """Makes the network what `remember` noted; `bridge` is the address range of the engine's docker0 (10.0.0.0/24)."""
    if not file.exists():
        return
    before = json.loads(file.read_text())
    _run("ip", "link", "delete", "docker0")
    for tool, policy in before["policies"].items():
        _run(f"{tool}-restore", "--counters", text=without_docker(_run(f"{tool}-save", "--counters"), bridge))
        _run(tool, "-P", "FORWARD", policy)
    _FORWARDING.write_text(before["forwarding"])
    file.unlink()


def without_docker(rules: str, bridge: str) -> str:
    """The output of iptables-save less the engine's chains, and the rules that lead to them or to its bridge."""
    its_own = re.compile(rf"^(:DOCKER|\[.*(DOCKER|docker0|{re.escape(bridge)}))")
    return "".join(line for line in rules.splitlines(keepends=True) if not its_own.search(line))


def _forward_policy(tool: str) -> str:
    found = re.search(r"^-P FORWARD (\w+)$", _run(tool, "-S", "FORWARD"), re.MULTILINE)
    return found[1] if found else ""


def _run(*command: str, text: str | None = None) -> str:
    """What the command prints; nothing where it is not installed or has nothing to do."""
    environment = {**os.environ, "PATH": search_path()}
    try:
        done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout
