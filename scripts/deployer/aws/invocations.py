"""What SSM says of a command at one instance, as a reply.

Taken from AWS's "Understanding command statuses": `StatusDetails` counts, `Status` is too coarse; Success says only
that exit code 0 came back, so a reply is worth no more than the marker in its output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deployer.core.marker import find_marker
from deployer.core.orders import Delivery, Reply

RUNNING = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
UNREACHED = frozenset({"Undeliverable", "AccessDenied", "InvalidPlatform", "Terminated"})
"""It never ran there (Terminated: its command had passed MaxErrors before)."""
UNHEARD = "DeliveryTimedOut"
"""No word of its end came in time; an instance whose agent restarted may have run it all the same."""
ERROR_PART = "\n----------ERROR-------"  # how the list joins standard output and standard error


def reply_of(invocation: Mapping[str, Any], full_output: Callable[[str], str]) -> Reply | None:
    """The reply in one entry of ListCommandInvocations with Details; None while the command is under way there.

    The list keeps 2,500 characters of output; `full_output` is asked for the 24,000 of GetCommandInvocation (by the
    instance's id) only where no marker is among the first.
    """
    instance_id, status = str(invocation["InstanceId"]), str(invocation["StatusDetails"])
    if status in RUNNING:
        return None
    if status in UNREACHED:
        return Reply(instance_id, Delivery.UNREACHABLE, detail=f"SSM says {status}")
    if status == UNHEARD:
        return Reply(instance_id, Delivery.UNHEARD, detail=f"SSM says {status}")
    output = _listed(invocation)
    if not find_marker(output):
        output = full_output(instance_id)
    if marker := find_marker(output):
        return Reply(instance_id, Delivery.ANSWERED, marker, output=output)
    return Reply(instance_id, Delivery.SILENT, detail=f"SSM says {status}, and it left no marker")


def _listed(invocation: Mapping[str, Any]) -> str:
    """The part of standard output that the list keeps."""
    listed = "".join(str(plugin.get("Output", "")) for plugin in invocation.get("CommandPlugins", ()))
    return listed.partition(ERROR_PART)[0]
