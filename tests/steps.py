"""Every step of the scripts on an instance, to kill them there.

A step is a call of a program that changes something or waits for somebody outside. Before a call that only looks, waits
or makes a directory all is as before the step that follows, and once the state is flushed as before it is. A program of
each such name is put before the real one in the instance's PATH: it counts, and at the chosen step it kills its whole
process group, as SSM does, before, amid or after the real one's work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

BEFORE, DURING, AFTER = "before", "during", "after"
"""Its work; `during`: when the containers that run have begun to change."""
PROGRAMS = ("aws", "docker", "ln", "mv", "rm")
LOOKS = ("ps", "inspect", "image inspect", "image ls", "version", "info", "compose version", "logs")
"""What is asked of docker only."""

_PROGRAM = """\
#!/bin/sh
[ -e {inside}/chosen ] || exec {real} "$@"
case "{name} $*" in {looks}) exec {real} "$@" ;; esac
exec 8>>{inside}/lock
/usr/bin/flock 8
read -r count <{inside}/count
count=$((count + 1))
echo "$count" >{inside}/count
read -r step moment <{inside}/chosen
[ "$count" != "$step" ] || echo {name} "$@" >{inside}/killed
exec 8>&-
[ "$count" = "$step" ] || exec {real} "$@"
case "$moment" in
  during) running=$({real} ps -q); {real} "$@" & while [ "$({real} ps -q)" = "$running" ]; do :; done ;;
  after) {real} "$@" ;;
esac
kill -s KILL 0
"""


class Steps:
    """The steps of one instance. `directory`: where they are counted; the instance sees it as `inside`."""

    def __init__(self, directory: Path, inside: str = "") -> None:
        self._directory = directory
        self._inside = inside or str(directory)
        directory.mkdir()

    def watch(self, programs: Path, real: Mapping[str, str], names: Sequence[str] = PROGRAMS) -> None:
        """Puts what counts in the place of these programs into `programs`; `real` are those not in /usr/bin."""
        looks = " | ".join(f'"docker {each}"*' for each in LOOKS)
        for name in names:
            place = real.get(name, f"/usr/bin/{name}")
            text = _PROGRAM.format(inside=self._inside, real=place, name=name, looks=looks)
            (programs / name).unlink(missing_ok=True)
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def kill_at(self, number: int, moment: str) -> None:
        """From now on steps are counted, and what comes to that one is killed."""
        (self._directory / "killed").write_text("")
        (self._directory / "count").write_text("0\n")
        (self._directory / "chosen").write_text(f"{number} {moment}\n")

    def killed(self) -> str:
        """Counts no longer; the step at which there was a kill, "" if none was reached."""
        (self._directory / "chosen").unlink()
        return (self._directory / "killed").read_text().strip()
