"""What a cloud can be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.aws.run_command import Tempo
from localcloud.github.issuer import Job
from localcloud.runtime.simulated import Pace

CANARY = "canary-5d0ab6c2-" * 3
"""A secret that nothing may let out; whoever finds a part of it anywhere knows where it came from."""

DOTENV = {
    "PROMTAIL_PORT": "9080",
    "LOKI_URL": "http://loki:3100/loki/api/v1/push",
    "DOCKERHUB_USERNAME": "awesomeorange",
    "DATABASE_PASSWORD": CANARY,
    "GREETING": "hello from the local cloud",
}
"""The application's own environment, as its team keeps it in Parameter Store."""

HOUSEKEEPING = "housekeeping"
"""The GitHub environment of the job that removes old releases."""


@dataclass(frozen=True)
class CloudOptions:
    """One cloud. The defaults are what `python -m localcloud up` makes, but for the operator."""

    state_directory: Path
    instances: int = 3
    min_size: int | None = None
    """None: 0."""
    max_size: int | None = None
    """None: twice the instances, at least 4."""
    runtime: str = ""
    """`docker`, `process`, or empty: docker where an engine answers. Tests may say `simulated`."""
    engines: Sequence[Path] = ()
    """Folders of a docker engine's programs, for instances of the docker runtime in turn; none: this machine's."""
    target_group: bool = False
    app: str = "orange"
    region: str = "ap-northeast-2"
    repository: str = "awesomeorange/orange"
    environment: str = "production"
    """The GitHub environment its jobs name, which the deployer role trusts; "": none, and a branch alone is trusted."""
    document: str = "awesomeorange-deploy"
    health_check_type: str = "EC2"
    dotenv: Mapping[str, str] = field(default_factory=lambda: DOTENV)
    user_data: str | None = None
    """None: what `deployer render` makes for this group."""
    launch_hook: bool = True
    """Whether instances wait, before they enter service, for their user data to say that they are ready."""
    operator: str = "deployer"
    """Whose credentials `environment` holds: the deployer's, or an administrator's as `up` prints them."""
    tempo: Tempo = field(default_factory=Tempo)
    pace: Pace = field(default_factory=Pace)
    """How long orders take on simulated instances."""
    session_seconds: float | None = None
    """Seconds a session of a role really lives, whatever was asked for; None: as long as was asked for."""
    boot_patience: float = 300
    """Seconds until every first instance must be in service."""

    @property
    def group(self) -> str:
        """The Auto Scaling group's name."""
        return f"{self.app}-web"

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return f"{self.app.lower()}-releases"

    @property
    def parameters(self) -> str:
        """The Parameter Store name that holds the whole .env."""
        return f"/{self.app}/env"

    def identity(self, job: Job) -> dict[str, str]:
        """The parameters of infra/identity.yml for a job of this repository, as a team would give them."""
        return {
            "App": self.app,
            "Bucket": self.bucket,
            "AutoScalingGroup": self.group,
            "TargetGroup": self.group if self.target_group else "",
            "Document": self.document,
            "ParameterName": self.parameters,
            "RegistryParameterName": f"/{self.app}/registry",
            "Repository": self.repository,
            "RepositoryId": job.repository_id,
            "RepositoryOwnerId": job.owner_id,
            "Environment": job.environment,
            "JanitorEnvironment": HOUSEKEEPING,
            "EcrRepository": self.app.lower(),
            "AlarmPrefix": f"{self.app}-",
        }

    @property
    def limits(self) -> tuple[int, int]:
        """The group's minimum and maximum size."""
        largest = max(2 * self.instances, 4) if self.max_size is None else self.max_size
        return self.min_size or 0, largest
