"""Writes what is derived from deployer.inputs: every action.yml and docs/action-reference.md.

    python scripts/faces.py --write    writes them
    python scripts/faces.py --check    names each that is not what it would write; exit code 1

An action hands its inputs over in environment variables only: an expression inside `run:` would let an input
write the script. The root action does not use the smaller ones: docs/decisions/0001-composite-actions.md says why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from deployer.cli import COMMANDS  # noqa: E402 (needs the line above when run as a script)
from deployer.declaration import Input, inputs_of  # noqa: E402
from deployer.inputs import DeliveryInputs  # noqa: E402

NOTE = "# Written by `make faces` from scripts/deployer/inputs.py and scripts/faces.py."

OUTPUTS = {
    "version": "Version that was built, published or asked for; a group runs it where `status` is `succeeded`",
    "previous-version": "Version the group ran before",
    "image": "The image by digest: name@sha256:…",
    "digest": "Digest of the image: sha256:…",
    "images": "Images by compose service, as `publish` takes them: service=name@sha256:…, one a line",
    "generation": "Generation of the group after the rollout",
    "status": "How the rollout ended: succeeded, failed, rolled-back, could-not-restore or interrupted",
    "instances-total": "Instances in the group",
    "instances-updated": "Instances proven on the version",
    "report": "S3 address of the rollout's record",
    "release-url": "URL of the GitHub Release, where one was asked for",
    "aws-account-id": "Account the credentials belong to",
    "role-arn": "ARN of the identity AWS sees",
    "manifest-sha256": "Checksum of the release's manifest",
    "checks": "What each check says: section, name, state, said, fix (JSON)",
    "expires-at": "When the credentials end (UTC), empty if they do not",
}


def outputs_named(*names: str) -> dict[str, str]:
    """Outputs and what they are."""
    return {name: OUTPUTS[name] for name in names}


ROLLED = outputs_named(
    "version", "previous-version", "generation", "status", "instances-total", "instances-updated", "report"
)


@dataclass(frozen=True)
class Action:
    """One action of one command."""

    title: str
    command: str
    description: str
    outputs: Mapping[str, str]
    icon: str


ACTIONS = {
    "assume-role": Action(
        "Assume an AWS role",
        "assume-role",
        "Trade the job's OIDC token for an IAM role: no access key is stored anywhere",
        outputs_named("aws-account-id", "role-arn", "expires-at"),
        "lock",
    ),
    "build-push": Action(
        "Build and push an image",
        "build",
        "Build an image, or one for each service, push it, say its digest",
        outputs_named("version", "image", "digest", "images"),
        "box",
    ),
    "publish": Action(
        "Publish a release",
        "publish",
        "Put a release of a docker-compose application into S3, once and for all",
        outputs_named("version", "manifest-sha256"),
        "archive",
    ),
    "rollout": Action(
        "Roll out a release",
        "rollout",
        "Bring every instance of an Auto Scaling group to a published release, or back",
        {**ROLLED, **outputs_named("release-url")},
        "upload-cloud",
    ),
    "rollback": Action(
        "Roll back",
        "rollback",
        "Bring every instance of an Auto Scaling group back to an earlier release",
        ROLLED,
        "rotate-ccw",
    ),
    "plan": Action(
        "Plan a rollout",
        "plan",
        "Say what a rollout would do, changing nothing",
        {"version": OUTPUTS["version"], "status": "`changes` if a rollout would change something, else `unchanged`"},
        "list",
    ),
    "status": Action(
        "Status of a group",
        "status",
        "Say what runs where",
        {
            "status": "`converged` if every instance runs the desired release, else `drifted`",
            "instances-total": OUTPUTS["instances-total"],
            "instances": "What each instance says it runs, by group (JSON)",
        },
        "activity",
    ),
    "prune-releases": Action(
        "Remove old releases",
        "prune-releases",
        "Remove the releases of an application that are old and needed by no group",
        {"removed": "Versions that were removed, or would be (JSON)", "dry-run": "Whether nothing was removed"},
        "trash-2",
    ),
    "doctor": Action(
        "Look before the first deploy",
        "doctor",
        "Look at all that a first deploy needs, changing nothing, and say what to do about what is missing",
        {"status": "`healthy` if nothing is a problem, else `problems`", "checks": OUTPUTS["checks"]},
        "heart",
    ),
}


@dataclass(frozen=True)
class Step:
    """One step of an action.

    `given`: variables that do not just hold the input of their name. `script`: lines that run before the command.
    """

    id: str
    name: str
    command: str
    condition: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    script: tuple[str, ...] = ()


PUBLISHED = {
    "INPUT_VERSION": "${{ steps.publish.outputs.version }}",
    "INPUT_MANIFEST_SHA256": "${{ steps.publish.outputs.manifest-sha256 }}",
}
DELIVERY = (
    Step("check", "Check inputs and access", "check"),
    Step("build", "Build and push the image", "build", "inputs.image != '' && !contains(inputs.image, '@sha256:')"),
    Step(
        "publish",
        "Publish the release",
        "publish",
        given={
            "INPUT_VERSION": "${{ steps.build.outputs.version || inputs.version }}",
            "BUILT": "${{ steps.build.outputs.images || steps.check.outputs.images }}",
        },
        script=("INPUT_IMAGES=${INPUT_IMAGES//,/$'\\n'}$'\\n'$BUILT",),
    ),
    Step("rollout", "Roll out", "rollout", given=PUBLISHED),
)
DELIVERED = {
    **{name: f"${{{{ steps.rollout.outputs.{name} }}}}" for name in (*ROLLED, "release-url")},  # of a failed one too
    "version": "${{ steps.rollout.outputs.version || steps.publish.outputs.version }}",
    **{
        name: f"${{{{ steps.build.outputs.{name} || steps.check.outputs.{name} }}}}"
        for name in ("image", "digest", "images")
    },
}
"""The root action's outputs and where they come from."""


def delivery_yml() -> str:
    """The root action."""
    title = "Deploy to an Auto Scaling group"
    description = "Build a docker-compose application and bring every instance of an AWS Auto Scaling group to it"
    lines = _head(title, description, "upload-cloud", inputs_of(DeliveryInputs))
    lines += _outputs(outputs_named(*DELIVERED), DELIVERED)
    for step in DELIVERY:
        lines += _step(step, "")
    return _joined(lines)


def action_yml(action: Action) -> str:
    """One of the smaller actions, which is one step."""
    values = {name: f"${{{{ steps.run.outputs.{name} }}}}" for name in action.outputs}
    inputs = inputs_of(COMMANDS[action.command].inputs)
    lines = _head(action.title, action.description, action.icon, inputs) + _outputs(action.outputs, values)
    return _joined(lines + _step(Step("run", action.title, action.command), "/../.."))


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _head(title: str, description: str, icon: str, inputs: Sequence[Input]) -> list[str]:
    lines = [NOTE, f"name: {_text(title)}", f"description: {_text(description)}", "author: AwesomeOrange"]
    lines += ["branding:", f"  icon: {icon}", "  color: orange", "inputs:"]
    for each in inputs:
        lines += [f"  {each.name}:", f"    description: {_text(each.help)}"]
        lines.append("    required: true" if each.required else f"    default: {_text(each.shown)}")
    return lines


def _outputs(meanings: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    lines = ["outputs:"]
    for name, meaning in meanings.items():
        lines += [f"  {name}:", f"    description: {_text(meaning)}", f"    value: {values[name]}"]
    return [*lines, "runs:", "  using: composite", "  steps:"]


def _step(step: Step, up: str) -> list[str]:
    """`up`: the way from the action's folder to the repository's root."""
    handed_over = {each.variable: f"${{{{ inputs.{each.name} }}}}" for each in inputs_of(COMMANDS[step.command].inputs)}
    lines = [f"    - id: {step.id}", f"      name: {_text(step.name)}"]
    lines += [f"      if: {step.condition}"] if step.condition else []
    lines += ["      shell: bash", "      env:"]
    lines += [f"        {variable}: {value}" for variable, value in {**handed_over, **step.given}.items()]
    last = f'exec "$GITHUB_ACTION_PATH{up}/scripts/run" {step.command}'
    if step.command == "plan":  # 10, "it would change something", is no failure of the job's; the output says it
        last = last.removeprefix("exec ") + " || { code=$?; [ $code -eq 10 ] || exit $code; }"
    return [*lines, "      run: |", *(f"        {line}" for line in (*step.script, last))]


def _text(text: str) -> str:
    """A YAML string in single quotes, in which only the quote itself is special."""
    return "'" + text.replace("'", "''") + "'"


def reference_md() -> str:
    """docs/action-reference.md: inputs and outputs of every action."""
    lines = [
        "# Action reference",
        "",
        "<!-- Written by `make faces` from scripts/deployer/inputs.py. -->",
        "",
        "Each input is also a flag of the command line (`--app`) and an environment variable (`INPUT_APP`).",
        "Durations are `90s`, `10m`, `1h`; shares are a count or a percentage; lists have one item a line, or commas.",
        "",
        *_section(
            "awesomeorange/deploy@v1", "the whole delivery", inputs_of(DeliveryInputs), outputs_named(*DELIVERED)
        ),
    ]
    for name, action in ACTIONS.items():
        inputs = inputs_of(COMMANDS[action.command].inputs)
        lines += _section(f"awesomeorange/deploy/actions/{name}@v1", action.description, inputs, action.outputs)
    return "\n".join(lines)


def _section(uses: str, description: str, inputs: Sequence[Input], outputs: Mapping[str, str]) -> list[str]:
    lines = [f"## `{uses}`", "", f"{description[0].upper()}{description[1:]}.", "", "| input | default | what it is |"]
    lines += ["|---|---|---|"]
    for each in inputs:
        default = "**required**" if each.required else f"`{each.shown}`" if each.shown else ""
        lines.append(f"| `{each.name}` | {default} | {_cell(each.help)} |")
    lines += ["", "| output | what it is |", "|---|---|"]
    return [*lines, *(f"| `{name}` | {_cell(meaning)} |" for name, meaning in outputs.items()), ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def faces() -> Iterator[tuple[Path, str]]:
    """Every generated file and what belongs into it."""
    yield ROOT / "action.yml", delivery_yml()
    for name, action in ACTIONS.items():
        yield ROOT / "actions" / name / "action.yml", action_yml(action)
    yield ROOT / "docs" / "action-reference.md", reference_md()


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in (["--write"], ["--check"]):
        print("usage: faces.py --write | --check", file=sys.stderr)  # noqa: T201
        return 2
    wrong = [(path, text) for path, text in faces() if not path.exists() or path.read_text("utf-8") != text]
    for path, text in wrong:
        if arguments[0] == "--write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'written' if arguments[0] == '--write' else 'run `make faces`'}")  # noqa: T201
    return 1 if wrong and arguments[0] == "--check" else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
