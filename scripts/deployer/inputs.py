"""Every input of every command, declared once: name, type, default, help.

A field is an input: its name in kebab-case is the action's input and the CLI's flag, its annotation chooses the parser,
and its text is the help. `action.yml`, the docs and the CLI are held equal to these classes by a test.
Classes are combined by inheritance where commands share inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployer.core.quantities import ImageName, Lines, Rows, Seconds, Share
from deployer.declaration import optional, required


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who we are for AWS. Without a role the ambient credentials are used."""

    role_to_assume: str = optional("", "ARN of the IAM role to assume with the job's OIDC token")
    aws_region: str = optional("", "AWS region; default: AWS_REGION")
    role_session_name: str = optional("", "Session name in CloudTrail; default: gha-<run id>-<attempt>")
    role_duration_seconds: int = optional(
        3600, "Lifetime of the role's session in seconds; refreshed while a command runs"
    )
    audience: str = optional("", "Audience of the OIDC token; default: by the partition of the role")
    role_chain_to: str = optional(
        "", "ARN of a second IAM role, assumed with role-to-assume or, without it, with the ambient credentials"
    )
    role_external_id: str = optional("", "External id that the trust policy of role-chain-to asks for")
    narrow_session: bool = optional(
        True, "Hold the session of the assumed role to the app, bucket and groups at hand (by a session policy)"
    )
    allowed_account_ids: Lines = optional((), "Account ids the credentials may belong to; anything else is refused")


@dataclass(frozen=True, kw_only=True)
class AssumeRoleInputs(Access):
    """assume-role"""

    export_credentials: bool = optional(
        False, "Hand the credentials to later steps of the job (masked); default: keep them in this step"
    )


@dataclass(frozen=True, kw_only=True)
class ComposeInputs(Access):
    """Where the application is described."""

    compose_files: Lines = optional(
        ("docker-compose.yml",), "Compose files in the order compose takes them", shown="docker-compose.yml"
    )
    profiles: Lines = optional((), "Profiles of the compose files whose services run; default: services without any")


@dataclass(frozen=True, kw_only=True)
class BuildInputs(ComposeInputs):
    """build-push"""

    image: ImageName = required(
        "Image name without a tag, registry included: registry.example.com/orange (capitals are taken in lower case). "
        "With {service} in it each compose service that has a `build` is built: registry.example.com/orange-{service}"
    )
    service: str = optional(
        "",
        "Compose service that runs `image`, where that is one image; default: the only one that runs, those that name this "
        "image, or the only one with a `build`",
    )
    version: str = optional(
        "", "Version tag of the image; default: made from the git tag, or pull request, date, run and commit"
    )
    context: str = optional(".", "Build context: a folder, or the URL of a git repository (#commit at its end)")
    dockerfile: str = optional("", "Dockerfile, relative to the working directory; default: Dockerfile in the context")
    target: str = optional("", "Stage of a multi-stage Dockerfile to build")
    platforms: Lines = optional((), "Platforms of the image, for example linux/amd64,linux/arm64")
    build_args: Lines = optional((), "Build arguments NAME=value, one a line; never secrets")
    secrets: Rows = optional(
        Rows(()), "Build secrets as `docker buildx build --secret` takes them, one a line: id=npm,env=NPM_TOKEN"
    )
    ssh: Rows = optional(
        Rows(()), "SSH agents and keys as `docker buildx build --ssh` takes them, one a line: default, or NAME=FILE"
    )
    cache: str = optional("none", "Build cache: none, registry, gha or local")
    cache_ref: ImageName = optional(
        "", "Image that `cache: registry` keeps its layers in; default: the tag buildcache of the image"
    )
    extra_tags: Lines = optional((), "More tags for the same image, for example latest")
    provenance: str = optional("", "Provenance attestation: min, max or false; default: min where the builder can")
    sbom: bool = optional(False, "Attach a software bill of materials")
    push: bool = optional(True, "Push the image; false builds only")
    registry_username: str = optional("", "User for the registry; ECR needs none")
    registry_password: str = optional("", "Password or token for the registry")


@dataclass(frozen=True, kw_only=True)
class Place(Access):
    """Which application, kept in which bucket."""

    app: str = required("Name of the application: the first part of every key in the bucket")
    bucket: str = required("S3 bucket that holds releases and the state of groups")


@dataclass(frozen=True, kw_only=True)
class PublishInputs(Place, ComposeInputs):
    """publish"""

    version: str = optional(
        "", "Version of the release; default: made from the git tag, or pull request, date, run and commit"
    )
    files: Lines = optional((), "More files and folders the application needs beside its compose files")
    exclude: Lines = optional((), "What to leave out of folders, in patterns as in a .gitignore, one a line")
    images: Lines = optional((), "Images of services as service=name@sha256:…, one a line")
    registry_credentials: Lines = optional(
        (),
        "Logins of private registries as HOST=PARAMETER, one a line; the parameter (a SecureString) holds "
        "USERNAME:PASSWORD and is read by instances. ECR needs none",
    )
    parameters: str = optional("", "Parameter Store NAME or NAME:VERSION of a whole .env, or a PATH/ of parameters")
    environment_file: str = optional(".env", "Where compose expects the environment file")
    health_check: str = optional("", "URL that says the application is healthy, as seen from the instance")
    health_status: int = optional(200, "HTTP status of a healthy answer")
    health_timeout: Seconds = optional(
        Seconds(120), "Time a release has to become healthy on an instance", shown="120s"
    )
    pin_images: bool = optional(True, "Pin images without a digest to the digest their tag has now")


@dataclass(frozen=True, kw_only=True)
class FleetPlace(Place):
    """Which groups; all that `releases` asks."""

    auto_scaling_group: Lines = required("Auto Scaling group, or several in the order to roll them")


@dataclass(frozen=True, kw_only=True)
class PruneReleasesInputs(Place):
    """prune-releases"""

    keep: int = optional(20, "How many of the newest releases stay in any case")
    older_than_days: int = optional(90, "Days a release is left alone after it was published")
    dry_run: bool = optional(True, "Only say what would be removed")


@dataclass(frozen=True, kw_only=True)
class Policy(FleetPlace):
    """How carefully a group is brought to a release."""

    canary: int = optional(1, "Instances that go first, alone")
    canary_bake: Seconds = optional(Seconds(0), "Time to watch the canary before the rest", shown="0s")
    max_unavailable: Share = optional(
        Share(33, True),
        "Instances in flight at once: a count or a percentage; an only instance takes a count or 100%",
        shown="33%",
    )
    failure_limit: int = optional(
        0, "Instances that may fail before a rollout turns back at once; each is tried once more, and must be proven"
    )
    unreachable_limit: int = optional(
        0, "Instances that may be unreachable before a rollout turns back at once; each must come back, and be proven"
    )
    bake: Seconds = optional(Seconds(0), "Time to watch the whole group before the rollout counts as done", shown="0s")
    alarms: Lines = optional((), "Up to 10 CloudWatch alarms that must stay OK from the first proven instance on")
    drain: str = optional(
        "auto", "auto: take an instance out of its target groups while it changes; never: leave it in"
    )
    instance_timeout: Seconds = optional(Seconds(600), "Time one instance has for its activation", shown="10m")
    timeout: Seconds = optional(Seconds(3600), "Time the whole rollout has, rolling back included", shown="1h")
    auto_rollback: bool = optional(True, "Put the previous release back by itself when the rollout fails")
    document: str = optional("awesomeorange-deploy", "SSM document the instances run")
    wait_for_lease: Seconds = optional(
        Seconds(0),
        "Time to wait for another rollout of the group to end; of several that wait, the newest release stays",
        shown="0s",
    )
    github_deployment: bool = optional(
        True, "Record the rollout as a GitHub Deployment where the job may (deployments: write)"
    )
    environment: str = optional("", "GitHub environment of that Deployment; default: the group's name")
    github_token: str = optional(
        "", "Token for that Deployment, the git tag and the GitHub Release", shown="${{ github.token }}"
    )
    allow_preview: bool = optional(False, "Take a version that was made from a pull request")


@dataclass(frozen=True, kw_only=True)
class ForwardPolicy(Policy):
    """A policy for new releases, and what the repository is told of those that run."""

    git_tag: bool = optional(False, "Tag the commit with the version once every group runs it (contents: write)")
    github_release: bool = optional(
        False,
        "Publish a GitHub Release of the version once every group runs it, with notes since the version before, and the "
        "git tag (contents: write)",
    )


@dataclass(frozen=True, kw_only=True)
class RolloutInputs(ForwardPolicy):
    """rollout and plan"""

    version: str = required("Version of a published release")
    manifest_sha256: str = optional("", "Checksum that `publish` gave the manifest; another one is refused")


@dataclass(frozen=True, kw_only=True)
class RollbackInputs(Policy):
    """rollback"""

    version: str = optional("", "Version to go back to; default: the release before the present one")
    auto_rollback: bool = optional(False, "A rollback that fails stays where it is, unless this is true")


@dataclass(frozen=True, kw_only=True)
class DeliveryInputs(ForwardPolicy, PublishInputs, BuildInputs):
    """check, and the root action: build, publish and rollout in one"""

    image: ImageName = optional(
        "",
        "Image to build and push, without a tag; with {service} in it each compose service that has a `build` is built; "
        "with a digest (name@sha256:…) it is taken as it is, not built; empty: the compose files name all images",
    )
    version: str = optional(
        "", "Version of the release; default: made from the git tag, or pull request, date, run and commit"
    )


@dataclass(frozen=True, kw_only=True)
class StatusInputs(FleetPlace):
    """status and history"""

    document: str = optional("awesomeorange-deploy", "SSM document the instances run")


@dataclass(frozen=True, kw_only=True)
class DoctorInputs(FleetPlace):
    """doctor"""

    document: str = optional("awesomeorange-deploy", "SSM document the instances run")
    parameters: str = optional("", "What `publish` is given as `parameters`: each instance tries to read it")
    health_check: str = optional("", "What `publish` is given as `health-check`")
    compose_files: Lines = optional(
        ("docker-compose.yml",),
        "Compose files, if they are here: for how long containers take to stop",
        shown="docker-compose.yml",
    )
    image: ImageName = optional(
        "", "Image that is built ({service} and all), or that a compose file names: its registry is asked"
    )
    environment: str = optional("", "GitHub environment of the deploying job; default: the one this job names")
    github_token: str = optional("", "Token whose permissions are looked at", shown="${{ github.token }}")


@dataclass(frozen=True, kw_only=True)
class RenderInputs:
    """render"""

    what: str = required(
        "document: the SSM document; user-data: what a launch template boots instances with; "
        "policies: every role and the bucket policy as JSON"
    )
    app: str = optional("", "Name of the application (user-data, policies)")
    bucket: str = optional("", "S3 bucket of the application (user-data, policies)")
    auto_scaling_group: str = optional("", "Auto Scaling group it is for (user-data, policies)")
    lifecycle_hook: str = optional(
        "", "Launch lifecycle hook that user data completes once the instance is healthy (user-data)"
    )
    account_id: str = optional("", "Account the roles are for (policies)")
    aws_region: str = optional("", "AWS region the roles are for (policies); default: AWS_REGION")
    stack_parameters: Lines = optional(
        (), "Parameters of infra/identity.yml and infra/storage.yml as Name=Value (policies)"
    )
