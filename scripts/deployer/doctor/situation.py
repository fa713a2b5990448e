"""What the checks look at, each thing fetched once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from deployer.aws import auto_scaling, documents, launch_templates, roles, target_settings
from deployer.aws.auto_scaling import Described
from deployer.aws.launch_templates import LaunchTemplate
from deployer.aws.session import Session, open_session
from deployer.commands.groups import Groups
from deployer.commands.wanted_images import compose_sections
from deployer.core.release import Desired
from deployer.github.console import Console
from deployer.image import reference
from deployer.image.bake import SERVICE
from deployer.image.reference import Reference
from deployer.inputs import DoctorInputs


class Situation:
    """One delivery: an application, its bucket, its groups. Whatever is asked first of AWS opens the session."""

    def __init__(self, inputs: DoctorInputs, console: Console) -> None:
        self.inputs, self.console = inputs, console
        self.claims: Mapping[str, Any] = {}
        """Of the job's token; filled by the check of it."""
        self._groups: dict[str, Described] = {}
        self._templates: dict[str, LaunchTemplate] = {}
        self.online: dict[str, list[str]] = {}
        """By group, the instances in service whose agent can be told something; filled by the check of agents."""

    @property
    def in_job(self) -> bool:
        """Whether there is a token to trade for the role; at a terminal the ambient credentials look at it."""
        return self.console.run.in_actions

    @property
    def trades(self) -> bool:
        """Whether credentials come from the job's token."""
        return self.in_job and bool(self.inputs.role_to_assume)

    @property
    def access(self) -> DoctorInputs:
        """Who to be; whether the account is an allowed one is a check of its own."""
        role = self.inputs.role_to_assume if self.in_job else ""
        return replace(self.inputs, role_to_assume=role, allowed_account_ids=())

    @cached_property
    def session(self) -> Session:
        return open_session(self.access, self.console)

    @cached_property
    def images(self) -> tuple[Reference, ...]:
        """The images that are built, or the one a compose file names."""
        image = self.inputs.image
        if SERVICE not in image:
            return (reference.parse(image),) if image else ()
        services = compose_sections(self.inputs.compose_files).built
        return tuple(reference.parse(image.replace(SERVICE, each)) for each in services)

    @property
    def environment(self) -> str:
        """The GitHub environment given, else the one the job's token names."""
        return self.inputs.environment or str(self.claims.get("environment", ""))

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.session, self.inputs, self.inputs.document)

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        return self.session.client(service)

    @cached_property
    def trust_policy(self) -> Mapping[str, Any]:
        """Of the role that jobs are to assume; raises BadInput where there is none."""
        return roles.trust_policy(self.client("iam"), self.inputs.role_to_assume)

    @cached_property
    def document(self) -> documents.Described:
        """The SSM document; raises BadInput where there is none."""
        return documents.describe(self.client("ssm"), self.inputs.document)

    def group(self, name: str) -> Described:
        """The group as Auto Scaling describes it; raises BadInput where there is none."""
        if name not in self._groups:
            self._groups[name] = auto_scaling.describe(self.client("autoscaling"), name)
        return self._groups[name]

    def desired(self, name: str) -> Desired | None:
        """What the group should run; None before its first release."""
        return self.groups.desired(name)

    def launch_template(self, name: str) -> LaunchTemplate:
        """The launch template the group uses."""
        if name not in self._templates:
            self._templates[name] = launch_templates.launch_template(
                self.client("ec2"), self.group(name).launch_template
            )
        return self._templates[name]

    def target_groups(self, name: str) -> dict[str, str]:
        """By ARN, the names of the group's target groups, which stand in their ARNs; none before the group is seen."""
        seen = self._groups.get(name)
        return {arn: arn.split("/")[1] for arn in seen.target_group_arns} if seen else {}

    def target_settings(self, arn: str) -> target_settings.TargetSettings:
        """How a target group checks its targets."""
        return target_settings.settings(self.client("elbv2"), arn)
