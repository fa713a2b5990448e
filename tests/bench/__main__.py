"""`python -m tests.bench [launcher | swap | fleet [SIZE…]]`: what things cost, against what they may cost."""

from __future__ import annotations

import sys

from tests.bench import launcher

SIZES = (100, 1000)


def main(words: list[str]) -> int:
    """Exit code 1 if anything is above its limit."""
    part, *sizes = words or ["launcher"]
    if part == "launcher":
        return 0 if launcher.main() else 1
    sys.path.insert(0, str(launcher.ROOT / "scripts"))
    from tests.bench import fleet, swap  # they take a cloud, and seconds to import

    if part == "swap":
        return 0 if swap.main() else 1
    good = [fleet.main(int(size)) for size in sizes or SIZES]
    return 0 if all(good) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
