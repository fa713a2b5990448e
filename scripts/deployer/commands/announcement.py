"""What a rollout tells the repository once a version runs: a git tag, a GitHub Release.

See docs/decisions/0023-versions.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from deployer.core.errors import BadInput, DeployError
from deployer.core.release import Git
from deployer.core.version import is_preview
from deployer.github.console import Console
from deployer.github.releases import Releases
from deployer.inputs import ForwardPolicy


@dataclass(frozen=True)
class Announcement:
    """A version and the commit it was made from; `release`: a GitHub Release as well as the tag."""

    version: str
    git: Git
    release: bool
    releases: Releases

    def check(self) -> None:
        """Raises BadInput where the tag could not be made, Refused where GitHub does not say."""
        self.releases.check(self.version, self.git.sha)

    def make(self, previous: str, console: Console) -> str:
        """The URL of the release, "" where there is none. What runs, runs: a refusal now is a warning."""
        try:
            if self.release:
                preview = is_preview(self.version, self.git.ref)
                return self.releases.publish(self.version, self.git.sha, previous, preview)
            self.releases.tag(self.version, self.git.sha)
        except DeployError as error:
            console.warning(f"{self.version} runs, and is not tagged or released", f"{error.what}; {error.fix}")
        return ""


def announcement(inputs: ForwardPolicy, version: str, git: Git, console: Console) -> Announcement | None:
    """What the inputs ask for, None if nothing; raises BadInput for what GitHub could never do."""
    if not (inputs.git_tag or inputs.github_release):
        return None
    run = console.run
    if not (git.sha and git.repository) or git.repository != run.repository:
        raise BadInput(
            f"{version} was made from {git.repository or 'no repository that is known'}"
            f"{f' at {git.sha[:12]}' if git.sha else ''}, and this job belongs to {run.repository or 'none'}",
            "leave git-tag and github-release out, or roll out from a workflow of the release's own repository",
        )
    token = inputs.github_token or os.environ.get("GITHUB_TOKEN", "")
    if not token:
        raise BadInput("git-tag and github-release take a token", "pass github-token (contents: write)")
    console.mask(token)
    return Announcement(version, git, inputs.github_release, Releases(run, os.environ.get("GITHUB_API_URL", ""), token))
