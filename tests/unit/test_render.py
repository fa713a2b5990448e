import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from deployer.commands import render
from deployer.core.errors import BadInput
from deployer.core.marker import find_marker
from deployer.core.quantities import Lines
from deployer.github.console import console_for
from deployer.infra.roles import identity_roles, storage_policy
from deployer.inputs import RenderInputs
from deployer.instance_files import DIRECTORY, MOST_DOCUMENT, MOST_USER_DATA, loader
from localcloud.aws.documents import step_of

LOADER = loader()
GOOD = {
    "Subcommand": ["boot", "prefetch", "activate", "status", "down"],
    "App": ["orange", "Orange_2-x"],
    "Bucket": ["releases", "my.bucket-1"],
    "Group": ["orange-fleet", "a"],
    "Version": ["", "v1.2.3", "20261124.7.1-abcdef0"],
    "ManifestSha256": ["", "0" * 64],
    "Generation": ["", "0", "42"],
    "Parameters": ["", "/orange/env", "/orange/env:3", "/orange/env/", "env"],
    "Timeout": ["5", "600", "172800"],
}
BAD = {
    "Subcommand": ["", "rm", "boot; rm -rf /", "status\nboot"],
    "App": ["", "../x", "a b", "$(id)", "-x", "a" * 64],
    "Bucket": ["", "ab", "UPPER", "a/b", "-abc"],
    "Group": ["", "a/b", "a b", "`id`", "-x"],
    "Version": ["..", "-v", "v 1", "v1;id", "a" * 129],
    "ManifestSha256": ["0" * 63, "G" * 64, "0" * 65],
    "Generation": ["-1", "01", "1.0", "12345678901"],
    "Parameters": ["/orange/*", "a b", "/orange/$(id)", "/orange/env:0", "//"],
    "Timeout": ["", "0", "10m", "60 ", "-1", "1000000"],
}


def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(render.document())
    return content


def user_data(hook: str = "launch") -> str:
    return render.user_data("orange", "releases", "fleet", hook)


def between(text: str, start: str, end: str) -> str:
    """What a here-document holds."""
    return text.split(f"<<'{start}'", 1)[1].split("\n", 1)[1].split(f"\n{end}\n", 1)[0] + "\n"


def test_the_document_carries_the_loader_word_for_word() -> None:
    script = "\n".join(document()["mainSteps"][0]["inputs"]["runCommand"]) + "\n"

    assert between(script, "LOADER", "LOADER") == LOADER


def test_the_user_data_carries_the_loader_word_for_word() -> None:
    assert between(user_data(), "LOADER", "LOADER") == LOADER


def test_the_user_data_carries_the_unit_word_for_word() -> None:
    assert between(user_data(), "UNIT", "UNIT") == (DIRECTORY / "deployer-boot.service").read_text()


def test_sizes_stay_within_what_aws_takes() -> None:
    assert len(render.document().encode()) < MOST_DOCUMENT
    longest = render.user_data("a" * 63, "b" * 63, "g" * 255, "h" * 255)
    assert len(longest.encode()) < MOST_USER_DATA


def test_no_value_is_ever_pasted_into_the_script() -> None:
    step, parameters = document()["mainSteps"][0], document()["parameters"]
    by_variable = {name for name, each in parameters.items() if each.get("interpolationType") == "ENV_VAR"}

    assert step["action"] == "aws:runShellScript"
    assert "{{" not in "\n".join(step["inputs"]["runCommand"])
    assert parameters.keys() - by_variable == {"Timeout"}


@pytest.mark.parametrize(("given", "seconds"), [({"Timeout": ["90"]}, 90), ({}, 3600)])
def test_whoever_sends_the_command_says_how_long_it_may_take(given: dict[str, list[str]], seconds: int) -> None:
    place = {"Subcommand": ["status"], "App": ["orange"], "Bucket": ["releases"], "Group": ["fleet"]}

    assert step_of(document(), {**place, **given}).timeout == seconds


def test_every_parameter_has_good_and_bad_examples_here() -> None:
    assert document()["parameters"].keys() == GOOD.keys() == BAD.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_patterns_let_good_values_through(name: str, value: str) -> None:
    assert re.search(document()["parameters"][name]["allowedPattern"], value)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_patterns_keep_bad_values_out(name: str, value: str) -> None:
    # SSM looks for the pattern anywhere in the value, so the anchors have to be in it
    assert not re.search(document()["parameters"][name]["allowedPattern"], value)


def test_parameters_with_a_default_may_be_left_out() -> None:
    defaults = {name for name, each in document()["parameters"].items() if "default" in each}

    assert defaults == {"Version", "ManifestSha256", "Generation", "Parameters", "Timeout"}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_both_texts_are_scripts_a_shell_can_read(shell: str, tmp_path: Path) -> None:
    text = "\n".join(document()["mainSteps"][0]["inputs"]["runCommand"]) if shell == "sh" else user_data()
    script = tmp_path / "script"
    script.write_text(text)

    subprocess.run([shell, "-n", str(script)], check=True)


def test_an_agent_that_hands_no_parameters_over_is_told_to_be_too_old() -> None:
    script = "\n".join(document()["mainSteps"][0]["inputs"]["runCommand"])
    done = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=False)

    marker = find_marker(done.stdout)
    assert marker is not None
    assert (marker.outcome, done.returncode, done.stderr) == ("failed", 1, "")
    assert "older than 3.3.2746.0" in marker.reason
    assert "AWS-UpdateSSMAgent" in marker.reason


def test_user_data_needs_names_that_aws_knows() -> None:
    with pytest.raises(BadInput) as refused:
        render.user_data("", "Bucket", "fleet", "launch hook'")

    assert "app is required" in refused.value.what
    assert "bucket is 'Bucket'" in refused.value.what
    assert "lifecycle-hook" in refused.value.what
    assert "auto-scaling-group" not in refused.value.what


@pytest.mark.parametrize("what", ["document", "user-data"])
def test_the_command_prints_nothing_but_the_text(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = RenderInputs(
        what=what, app="orange", bucket="releases", auto_scaling_group="fleet", lifecycle_hook="launch"
    )

    render.run(inputs, console_for({}, machine_readable=False))

    assert capsys.readouterr().out == (render.document() if what == "document" else user_data())


def policies(*stack_parameters: str, **inputs: str) -> dict[str, Any]:
    names = {"app": "orange", "bucket": "orange-releases", "auto_scaling_group": "orange-web"}
    place = {"account_id": "123456789012", "aws_region": "eu-central-1"}
    given = RenderInputs(what="policies", stack_parameters=Lines(stack_parameters), **{**names, **place, **inputs})
    printed: dict[str, Any] = json.loads(render.policies(given, {}))
    return printed


WHO = ("Repository=acme/orange", "RepositoryId=222", "RepositoryOwnerId=111")


def test_the_policies_are_those_of_the_templates() -> None:
    janitor = "arn:aws:iam::123456789012:role/janitor"
    printed = policies(*WHO, "Environment=production", "Document=ours", f"JanitorRoleArn={janitor}")

    parameters = {"App": "orange", "Bucket": "orange-releases", "AutoScalingGroup": "orange-web", "Document": "ours"}
    who = {**dict(each.split("=", 1) for each in WHO), "Environment": "production"}
    roles = identity_roles({**parameters, **who}, "123456789012", "eu-central-1")
    bucket = {"Bucket": "orange-releases", "JanitorRoleArn": janitor}
    assert printed["roles"] == {name: asdict(role) for name, role in roles.items()}
    assert printed["bucket_policy"] == storage_policy(bucket, "123456789012", "eu-central-1")


def test_the_region_decides_the_partition() -> None:
    inputs = {"aws_region": "us-gov-west-1"}

    assert '"arn:aws:' not in json.dumps(policies(*WHO, **inputs))
    assert "arn:aws-us-gov:iam::123456789012:" in json.dumps(policies(*WHO, **inputs))


def test_all_that_policies_lack_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        policies("Repository=acme", "Colour=red", app="")

    for said in ("App is required", "Repository is 'acme'", "RepositoryId is required", "Colour is no parameter"):
        assert said in refused.value.what


@pytest.mark.parametrize(
    ("inputs", "said"),
    [({"account_id": "123"}, "account-id"), ({"aws_region": ""}, "aws-region"), ({"aws_region": "eu"}, "aws-region")],
)
def test_policies_are_for_an_account_and_a_region(inputs: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        policies(*WHO, **inputs)


def test_a_stack_parameter_has_a_name_and_a_value() -> None:
    with pytest.raises(BadInput, match="'Repository'"):
        policies("Repository")


def test_anything_else_to_render_is_bad_input() -> None:
    with pytest.raises(BadInput, match="ami"):
        render.run(RenderInputs(what="ami"), console_for({}, machine_readable=False))
