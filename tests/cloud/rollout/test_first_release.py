"""A group that never ran anything, and whose first release never gets healthy."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cloud.conftest import StartCloud
from tests.cloud.delivery import Delivery


def test_a_first_release_that_fails_is_taken_down_with_exit_code_1(start_cloud: StartCloud, tmp_path: Path) -> None:
    delivery = Delivery(start_cloud(user_data=None, launch_hook=True), tmp_path / "application")
    delivery.publish("v1", healthy=False)
    done = delivery.rollout("v1", "--max-unavailable", "1", "--json")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["status"] == "failed"
    assert "nothing is left half-done" in done.stderr
    assert all(answer.startswith("nothing") for answer in delivery.answers())
    assert delivery.desired() == ""
