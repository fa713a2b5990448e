"""How checks are run, and how what they say is written."""

from __future__ import annotations

import pytest

from deployer.core.errors import BadInput, Denied, DeployError, Refused
from deployer.doctor import report
from deployer.doctor.checkup import Check, Examined, Section, examine
from deployer.doctor.finding import Finding, State, not_checked, ok, problem, warning


def fails(error: Exception) -> Finding:
    raise error


def unforeseen(error: Exception) -> DeployError:
    return DeployError(f"unexpected {type(error).__name__}", "report it")


def examined(*checks: Check) -> dict[str, Finding]:
    sections = list(examine([Section("A", checks)], unforeseen))
    return {each.name: each for section in sections for each in section.findings}


def test_a_check_whose_ground_is_missing_is_not_made() -> None:
    found = examined(
        Check("bucket", lambda: problem("is not there", "make it")),
        Check("versioning", lambda: fails(AssertionError("it was made")), ("bucket",)),
        Check("tls", lambda: fails(AssertionError("it was made")), ("versioning",)),
    )
    assert found["versioning"] == Finding("versioning", State.NOT_CHECKED, "because `bucket` is not known to be well")
    assert found["tls"].said == "because `versioning` is not known to be well"


@pytest.mark.parametrize("ground", [ok("is there"), warning("is odd", "mend it")])
def test_a_check_with_its_ground_is_made(ground: Finding) -> None:
    found = examined(Check("bucket", lambda: ground), Check("versioning", lambda: ok("is on"), ("bucket",)))
    assert found["versioning"].state is State.OK


def test_the_ground_may_be_in_another_section() -> None:
    sections = [
        Section("A", (Check("account", lambda: problem("x", "y")),)),
        Section("B", (Check("bucket", lambda: ok("is there"), ("account",)),)),
    ]
    assert [each.findings[0].state for each in examine(sections, unforeseen)] == [State.PROBLEM, State.NOT_CHECKED]


@pytest.mark.parametrize("error", [Refused("AWS said no", "ask again"), BadInput("AWS said no", "ask again")])
def test_a_refusal_is_a_finding_and_ends_nothing(error: Exception) -> None:
    found = examined(Check("group", lambda: fails(error)), Check("document", lambda: ok("is there")))
    assert found["group"] == Finding("group", State.PROBLEM, "AWS said no", "ask again")
    assert found["document"].state is State.OK


def test_an_answer_of_a_shape_nobody_foresaw_ends_its_own_check_alone() -> None:
    found = examined(
        Check("trust", lambda: fails(IndexError("list index out of range"))), Check("document", lambda: ok("is there"))
    )
    assert found["trust"] == Finding("trust", State.PROBLEM, "unexpected IndexError", "report it")
    assert found["document"].state is State.OK


def test_a_permission_that_a_deploy_needs_is_a_problem_with_its_statement() -> None:
    denied = Denied("s3:ListBucket was refused", '{"Action": "s3:ListBucket"}', "s3:ListBucket")
    found = examined(Check("bucket", lambda: fails(denied)))
    assert found["bucket"] == Finding("bucket", State.PROBLEM, denied.what, denied.fix)


def test_a_permission_that_only_we_need_is_no_problem() -> None:
    denied = Denied("s3:GetBucketPolicy was refused", "the statement", "s3:GetBucketPolicy")
    found = examined(Check("TLS only", lambda: fails(denied), extra=True))
    assert found["TLS only"].state is State.NOT_CHECKED
    assert found["TLS only"].said == "because it takes s3:GetBucketPolicy, which a deploy does not"


def test_findings_with_names_of_their_own_keep_them() -> None:
    found = examined(Check("orders", lambda: [ok("answered"), ok("25.0.3", "docker")]))
    assert list(found) == ["orders", "docker"]


def test_a_problem_is_followed_by_what_to_do_and_nothing_else_is_wide() -> None:
    section = Examined(
        "Bucket",
        (
            ok("is there", "bucket"),
            problem("is off", "aws s3api\nput-bucket-versioning", "versioning"),
            warning("is odd", "mend it", "tls"),
            not_checked("nobody asked", "some statement", "policy"),
        ),
    )
    assert list(report.lines(section)) == [
        "  ✓ bucket      is there",
        "  ✗ versioning  is off",
        "      aws s3api",
        "      put-bucket-versioning",
        "  ! tls         is odd",
        "      mend it",
        "  - policy      not checked: because nobody asked",
    ]


def test_the_count_names_every_kind_there_is() -> None:
    findings = [ok("x"), ok("y"), problem("x", "y"), not_checked("z")]
    assert report.counted(findings) == "2 ok, 1 problem, 1 not checked"


def test_machines_get_every_field() -> None:
    [row] = report.as_data([Examined("Bucket", (problem("is off", "mend it", "versioning"),))])
    expected = {"section": "Bucket", "name": "versioning", "state": "problem", "said": "is off", "fix": "mend it"}
    assert row == expected


def test_a_cell_of_the_summary_holds_no_markup_of_others() -> None:
    said = report.markdown([Examined("A", (ok("a|b <img>\nc", "name"),))])
    assert said.splitlines()[-1] == "| ✓ | name | a\\|b &lt;img> c |"
