"""`doctor`: all that a first deploy needs, looked at before it, changing nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from deployer.aws.role_request import roles_from
from deployer.commands.groups import check_place
from deployer.commands.publish import check_parameters, check_url
from deployer.core.errors import EXIT_DONE, EXIT_FAILED, BadInput, DeployError
from deployer.doctor import (
    access,
    bucket,
    document,
    github,
    group,
    instances,
    permissions,
    registry,
    report,
    traffic,
    trust,
)
from deployer.doctor.checkup import Check, Examined, Section, examine
from deployer.doctor.finding import State
from deployer.doctor.situation import Situation
from deployer.github.console import Console
from deployer.image import reference
from deployer.image.bake import SERVICE
from deployer.inputs import DoctorInputs
from deployer.outcome import Outcome

DOCUMENT_PATTERN = r"[A-Za-z0-9_.:/-]{3,200}"
"""SSM: a name, or the ARN of a document somebody shares."""


def run(inputs: DoctorInputs, console: Console) -> Outcome:
    """Exit code 0 when nothing is a problem, 1 otherwise. Raises BadInput for names and URLs that are none."""
    _check(inputs, console)
    done: list[Examined] = []
    for section in examine(_sections(Situation(inputs, console)), console.unforeseen):
        done.append(section)
        with console.group(section.title):
            for line in report.lines(section):
                console.say(line)
    findings = [each for section in done for each in section.findings]
    console.say(report.counted(findings))
    wrong = [each.name for each in findings if each.state is State.PROBLEM]
    return Outcome(
        exit_code=EXIT_FAILED if wrong else EXIT_DONE,
        outputs={"status": "problems" if wrong else "healthy", "checks": report.as_data(done)},
        summary=report.markdown(done),
        failure=_failure(wrong),
    )


def _failure(wrong: Sequence[str]) -> DeployError | None:
    if not wrong:
        return None
    return DeployError(f"not ready to deploy: {', '.join(wrong)}", "the log says below each line what to do")


def _check(inputs: DoctorInputs, console: Console) -> None:
    check_place(inputs)
    check_parameters(inputs.parameters)
    check_url(inputs.health_check)
    if not re.fullmatch(DOCUMENT_PATTERN, inputs.document):
        raise BadInput(f"document is {inputs.document!r}", "give the name of an SSM document")
    if inputs.image:
        reference.parse(inputs.image.replace(SERVICE, "service"))
    roles_from(inputs, console.run.tag)


def _sections(s: Situation) -> Iterator[Section]:
    yield Section(
        "Access",
        (
            Check("token", partial(access.token, s)),
            Check("credentials", partial(access.credentials, s), ("token",) if s.trades else ()),
            Check("account", partial(access.account, s), ("credentials",)),
            Check("role", partial(trust.role, s), ("account",), extra=True),
            Check("trust", partial(trust.trust, s), ("role",), extra=True),
        ),
    )
    yield Section(
        f"Bucket {s.inputs.bucket}",
        (
            Check("bucket", partial(bucket.there, s), ("account",)),
            Check("versioning", partial(bucket.versioning, s), ("bucket",), extra=True),
            Check("public access", partial(bucket.public_access, s), ("bucket",), extra=True),
            Check("encryption", partial(bucket.encryption, s), ("bucket",), extra=True),
            Check("TLS only", partial(bucket.tls_only, s), ("bucket",), extra=True),
            Check("write once", partial(bucket.write_once, s), ("bucket",), extra=True),
        ),
    )
    yield Section(
        f"SSM document {s.inputs.document}",
        (
            Check("document", partial(document.there, s), ("account",)),
            Check("document content", partial(document.content, s), ("document",)),
        ),
    )
    for name in s.inputs.auto_scaling_group:
        yield Section(f"Group {name}", _of_group(s, name))
        yield Section(f"Load balancer of {name}", tuple(_of_targets(s, name)))
        yield from _of_permissions(s, name)
    image = partial(registry.repository, s) if s.inputs.image else registry.no_image
    yield Section("Registry", (Check("image", image, ("account",) if s.inputs.image else ()),))
    yield Section(
        "GitHub",
        (
            Check("contents", partial(github.contents, s)),
            Check("deployments", partial(github.deployments, s)),
            Check("environment", partial(github.environment, s)),
        ),
    )


def _of_group(s: Situation, name: str) -> tuple[Check, ...]:
    there, launch, online = f"group {name}", f"launch template of {name}", f"instances of {name}"
    return (
        Check(there, partial(group.there, s, name), ("account",)),
        Check(launch, partial(group.launch_template, s, name), (there,), extra=True),
        Check(f"launch hook of {name}", partial(group.launch_hook, s, name), (there,), extra=True),
        Check(f"user data of {name}", partial(group.user_data, s, name), (launch, "bucket"), extra=True),
        Check(online, partial(instances.online, s, name), (there,)),
        Check(f"profiles of {name}", partial(instances.profiles, s, name), (launch,), extra=True),
        Check(f"agents of {name}", partial(instances.agents, s, name), (there,)),
        Check(f"orders to {name}", partial(instances.hosts, s, name), (online, "document")),
    )


def _of_targets(s: Situation, name: str) -> Iterator[Check]:
    there = f"group {name}"
    yield Check(f"replacement in {name}", partial(traffic.replacement, s, name), (there, "bucket"))
    for arn, its_name in s.target_groups(name).items():
        yield Check(f"targets of {its_name}", partial(traffic.health, s, name, arn), (there, "bucket"))
        yield Check(f"health path of {its_name}", partial(traffic.path, s, arn), (there,), extra=True)
        yield Check(f"thresholds of {its_name}", partial(traffic.thresholds, s, arn), (there,), extra=True)
        yield Check(f"draining of {its_name}", partial(traffic.draining, s, arn), (there,), extra=True)


def _of_permissions(s: Situation, name: str) -> Iterator[Section]:
    """Asked only about what is there: a name that is misspelt is one problem, and not one for each permission."""
    there, role = ("bucket", "document", f"group {name}"), f"role of {name}"
    deployer = ("role",) if s.inputs.role_to_assume and not s.in_job else ()  # a job has just assumed it
    yield Section(
        f"What the deployer may on {name}",
        (
            Check(
                f"rights of the deployer on {name}",
                partial(permissions.of_deployer, s, name),
                (*there, *deployer),
                extra=True,
            ),
        ),
    )
    yield Section(
        f"What the instances of {name} may",
        (
            Check(role, partial(permissions.profile, s, name), (f"launch template of {name}",), extra=True),
            Check(
                f"rights of the instances of {name}",
                partial(permissions.of_instance, s, name),
                (role, *there),
                extra=True,
            ),
        ),
    )
