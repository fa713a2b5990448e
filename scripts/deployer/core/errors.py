"""What can end a command early, and with which exit code.

    DeployError            1   something failed and nothing is left half-done
    ├── BadInput           2   the caller's input is wrong; nothing was touched
    ├── Refused            1   AWS or GitHub said no
    │   ├── Denied         1   for want of a permission
    │   └── Unanswered     1   nobody knows whether it was carried out
    ├── LeaseHeld          5   another rollout holds the group
    └── Interrupted  130/143   SIGINT or SIGTERM

The outcomes of a rollout (3 rolled back, 4 could not restore) are results, not errors: see core.actions.Result.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_ROLLED_BACK = 3
EXIT_COULD_NOT_RESTORE = 4
EXIT_LEASE_HELD = 5
EXIT_CHANGES = 10  # `plan` only


class DeployError(Exception):
    """One refusal a person can act on.

    `what` says what happened and why in one sentence; `fix` says what to do next (may span lines, ready to paste).
    """

    exit_code = EXIT_FAILED

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  {self.fix}" if self.fix else self.what


class BadInput(DeployError):
    """An input is unknown, missing or malformed. Raised before anything is touched."""

    exit_code = EXIT_BAD_INPUT


class Refused(DeployError):
    """AWS, GitHub, docker or a registry answered no; `what` names the call that was refused."""


class Denied(Refused):
    """AWS refused it for want of the permission `action`; `fix` holds the statement that grants it."""

    def __init__(self, what: str, fix: str = "", action: str = "") -> None:
        super().__init__(what, fix)
        self.action = action


class Unanswered(Refused):
    """The call may have been carried out, but no answer said so: what must not happen twice is looked up first."""


class LeaseHeld(DeployError):
    """Another rollout holds the group's lease, or waits for it with a newer release."""

    exit_code = EXIT_LEASE_HELD


class Interrupted(DeployError):
    """The operator or the runner asked to stop; the exit code is 128 + the signal's number."""

    def __init__(self, signal_number: int, what: str = "interrupted", fix: str = "") -> None:
        super().__init__(what, fix)
        self.exit_code = 128 + signal_number
