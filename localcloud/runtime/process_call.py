"""One call of a program that the cloud keeps warm (`process_programs.py`); started anew where that is not there.

    python -I -S process_call.py SOCKET MODULE WORD…

Started for every call, so it imports next to nothing.
"""

import json
import os
import socket
import sys


def main() -> int:
    place, program, *words = sys.argv[1:]
    warm = socket.socket(socket.AF_UNIX)
    try:
        directory = os.open(os.path.dirname(place), os.O_PATH)
        warm.connect(f"/proc/self/fd/{directory}/{os.path.basename(place)}")  # its own path may be too long
    except OSError:
        os.execv(sys.executable, [sys.executable, "-P", "-m", program, *words])  # noqa: S606 (the caller has a shell already)
    asked = {"program": program, "words": words, "environment": dict(os.environ), "directory": os.getcwd()}
    text = json.dumps(asked).encode() + b"\n"
    begun = socket.send_fds(warm, [text], [0, 1, 2])
    if begun < len(text):
        warm.sendall(text[begun:])  # not even nothing, which fails where the answer has come and the other end is shut
    answer = warm.recv(1)
    return answer[0] if answer else 255


if __name__ == "__main__":
    sys.exit(main())
