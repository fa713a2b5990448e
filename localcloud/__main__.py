"""`python -m localcloud …` from a bare clone: makes sure of the development environment, then is the command line.

Standard library only, as nothing else may be there yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVIRONMENT = REPOSITORY / ".venv"
_AGAIN = "LOCALCLOUD_ENVIRONMENT"
"""Set for the second run, so that a broken environment ends in a message and not in a loop."""


def main() -> int:
    """The command line's exit code; in any other Python this process first becomes one of the locked environment.

    Not even a Python that has all the packages will do: the versions are what the tests ran on.
    """
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        return _run_again()
    sys.path.insert(0, str(REPOSITORY / "scripts"))
    from localcloud.command_line import main as run  # only here are its imports sure to be there

    return run(sys.argv[1:])


def _run_again() -> int:
    if os.environ.get(_AGAIN):
        print(f"error: {sys.prefix} is not the environment in .venv\n  remove .venv and try again", file=sys.stderr)
        return 1
    command = [REPOSITORY / "scripts/environment", REPOSITORY / "requirements/dev.txt", ENVIRONMENT]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        return made.returncode
    python = made.stdout.strip().splitlines()[-1]
    environment = {**os.environ, _AGAIN: "1", "PYTHONPATH": _python_path()}
    return os.execve(python, [python, "-P", "-m", "localcloud", *sys.argv[1:]], environment)  # noqa: S606


def _python_path() -> str:
    """This checkout first, and not the caller's working directory (-P): a module of theirs must never be imported."""
    return os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))


if __name__ == "__main__":
    sys.exit(main())
