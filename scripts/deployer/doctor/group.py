"""An Auto Scaling group: its instances, and what its next ones are launched with."""

from __future__ import annotations

from deployer import instance_files
from deployer.aws.auto_scaling import launch_hooks
from deployer.core.errors import BadInput
from deployer.core.fleet import FREEZE_TAG
from deployer.doctor.finding import Finding, ok, problem, warning
from deployer.doctor.situation import Situation

ALONE = 1  # instances, hops


def there(situation: Situation, name: str) -> Finding:
    """Found, not frozen, and with somebody to deploy to."""
    group = situation.group(name)
    if group.freeze:
        return problem(
            f"is frozen, its tag {FREEZE_TAG} says: {group.freeze}",
            "ask whoever froze it; to end the freeze: aws autoscaling delete-tags"
            f" --tags ResourceId={name},ResourceType=auto-scaling-group,Key={FREEZE_TAG}",
        )
    serving = len(in_service(situation, name))
    said = f"{serving} of {group.desired_capacity} instances in service"
    if not serving:
        return problem(
            f"{said}: nothing could be proven",
            f"aws autoscaling set-desired-capacity --auto-scaling-group-name {name} --desired-capacity 2\n"
            "or see why launches fail: aws autoscaling describe-scaling-activities"
            f" --auto-scaling-group-name {name}",
        )
    if serving == ALONE:
        return warning(
            f"{said}: nobody serves while its containers are swapped, so a rollout asks for leave",
            "give the rollout max-unavailable: 1, or set a desired capacity of 2",
        )
    return ok(said)


def in_service(situation: Situation, name: str) -> list[str]:
    """The ids of the instances in service."""
    found = situation.group(name).instances
    return sorted(str(each["InstanceId"]) for each in found if each["LifecycleState"] == "InService")


def launch_template(situation: Situation, name: str) -> Finding:
    """IMDSv2 only, one hop, and an instance profile."""
    if not situation.group(name).launch_template:
        raise BadInput(
            "the group has no launch template (a launch configuration?)",
            "make one, as infra/fleet.yml does: what instances boot with stands in it",
        )
    template = situation.launch_template(name)
    said = f"{template.name} version {template.version}"
    if not template.instance_profile:
        return problem(
            f"{said} names no instance profile: its instances have no role, and SSM does not know them",
            _new_version(situation, name, f'{{"IamInstanceProfile": {{"Name": "{name}-instance"}}}}'),
        )
    if template.http_tokens != "required":
        return problem(
            f"{said} does not demand IMDSv2: a forged request can read the role's keys",
            _new_version(situation, name, _METADATA),
        )
    if template.hop_limit != ALONE:
        return warning(
            f"{said}: the metadata service answers over {template.hop_limit or 'as many hops as the image says'}"
            f"{' hops' if template.hop_limit else ''}, so containers can take the instance's role",
            f"unless the application itself needs the role: {_new_version(situation, name, _METADATA)}",
        )
    return ok(f"{said}: IMDSv2, one hop, instance profile {template.instance_profile}")


_METADATA = '{"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}'


def _new_version(situation: Situation, name: str, data: str) -> str:
    """Made, and given to the group if it does not follow $Latest."""
    group, template = situation.group(name), situation.launch_template(name)
    if group.launch_template.get("Version") == "$Latest":
        given = "the group follows $Latest"
    elif group.mixed_instances:
        given = "then give its mixed instances policy that version, in the template it is made by or in the console"
    else:
        given = (
            f"aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name}"
            f" --launch-template LaunchTemplateName={template.name},Version=$version"
        )
    return (
        "update the stack of infra/fleet.yml, or for a launch template of your own:\n"
        f"version=$(aws ec2 create-launch-template-version --launch-template-name {template.name}"
        f" --source-version {template.version} --launch-template-data '{data}'"
        " --query LaunchTemplateVersion.VersionNumber --output text)\n"
        f"{given}\ninstances that are there keep what they were born with"
    )


def launch_hook(situation: Situation, name: str) -> Finding:
    """A newborn waits outside until its release is proven, and is given up where it is not."""
    hooks = launch_hooks(situation.client("autoscaling"), name)
    if not hooks:
        return warning(
            "there is none: new instances are in service before their release is proven",
            "first give the launch template user data that answers it, or the hook abandons every new instance:"
            f" {_render(situation, name, 'launch')}\n"
            "then: aws autoscaling put-lifecycle-hook --lifecycle-hook-name launch"
            f" --auto-scaling-group-name {name} --lifecycle-transition autoscaling:EC2_INSTANCE_LAUNCHING"
            " --heartbeat-timeout 600 --default-result ABANDON",
        )
    hook = hooks[0]
    if hook.get("DefaultResult") != "ABANDON":
        return warning(
            f"{hook['LifecycleHookName']} lets in whoever does not answer in time",
            "aws autoscaling put-lifecycle-hook --default-result ABANDON"
            f" --lifecycle-hook-name {hook['LifecycleHookName']} --auto-scaling-group-name {name}",
        )
    return ok(f"{hook['LifecycleHookName']}, {hook.get('HeartbeatTimeout', 3600)} s, else abandoned")


def user_data(situation: Situation, name: str) -> Finding:
    """New instances boot with the loader of this version, for this group, and answer its hook."""
    inputs, found = situation.inputs, situation.launch_template(name).user_data
    hooks = [str(each["LifecycleHookName"]) for each in launch_hooks(situation.client("autoscaling"), name)]
    hook = hooks[0] if hooks else ""
    if found.rstrip() == instance_files.user_data(inputs.app, inputs.bucket, name, hook).rstrip():
        return ok("is what this version renders")
    render = _render(situation, name, hook)
    if not found:
        return problem(
            "there is none: new instances would run nothing", f"give the launch template what this says: {render}"
        )
    return warning("is of another version, or somebody's own", f"compare it with what this says: {render}")


def _render(situation: Situation, name: str, hook: str) -> str:
    """The command that prints the user data."""
    inputs = situation.inputs
    return (
        f"scripts/run render --what user-data --app {inputs.app} --bucket {inputs.bucket}"
        f" --auto-scaling-group {name}" + (f" --lifecycle-hook {hook}" if hook else "")
    )
