"""Whatever AWS answers, the message names the call, the cause and the fix."""

from __future__ import annotations

import json

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as of

from deployer.aws.refusals import calling, translate
from deployer.core.errors import BadInput, DeployError, Refused

ROLE = "arn:aws:sts::123456789012:assumed-role/shop-deploy/gha-77-2"
DOCUMENT = "arn:aws:ssm:eu-central-1:123456789012:document/awesomeorange-deploy"


def said(code: str, message: str = "", operation: str = "Operation") -> of.ClientError:
    return of.ClientError({"Error": {"Code": code, "Message": message}}, operation)


def refusal_of(error: Exception, call: str) -> DeployError:
    refusal = translate(error, call)
    assert refusal is not None
    assert call.split(" on ")[0] in refusal.what or isinstance(refusal, BadInput)
    return refusal


def statement_in(refusal: DeployError) -> dict[str, str]:
    statement: dict[str, str] = json.loads(refusal.fix[refusal.fix.index("{") :])
    return statement


def test_a_denial_that_names_everything_becomes_the_statement_to_add() -> None:
    message = (
        f"User: {ROLE} is not authorized to perform: ssm:SendCommand on resource: {DOCUMENT}"
        " because no identity-based policy allows the ssm:SendCommand action"
    )
    refusal = refusal_of(said("AccessDeniedException", message), "ssm:SendCommand")
    assert ROLE in refusal.what
    assert "may not ssm:SendCommand" in refusal.what
    assert "the role shop-deploy" in refusal.fix
    assert statement_in(refusal) == {"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": DOCUMENT}


@pytest.mark.parametrize(
    ("code", "message", "call", "action", "resource"),
    [
        ("AccessDenied", "Access Denied", "s3:PutObject on s3://b/a/k", "s3:PutObject", "arn:aws:s3:::b/a/k"),
        ("403", "Forbidden", "s3:HeadObject on s3://b/k", "s3:GetObject", "arn:aws:s3:::b/k"),
        ("AccessDenied", "", "s3:ListObjectsV2 on s3://b", "s3:ListBucket", "arn:aws:s3:::b"),
        ("AccessDenied", "", "ssm:ListCommands", "ssm:ListCommands", "*"),
        ("AccessDenied", "", f"ssm:SendCommand on {DOCUMENT}", "ssm:SendCommand", DOCUMENT),
    ],
)
def test_a_denial_without_a_word_is_explained_from_the_call(
    code: str, message: str, call: str, action: str, resource: str
) -> None:
    refusal = refusal_of(said(code, message), call)
    assert statement_in(refusal) == {"Effect": "Allow", "Action": action, "Resource": resource}


def test_the_quotes_s3_puts_around_a_resource_are_no_part_of_it() -> None:
    message = (
        f'User: {ROLE} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k"'
        " because no identity-based policy allows the s3:PutObject action"
    )
    refusal = refusal_of(said("AccessDenied", message), "s3:PutObject on s3://b/k")
    assert statement_in(refusal)["Resource"] == "arn:aws:s3:::b/k"


def test_an_explicit_deny_is_not_answered_with_an_allow() -> None:
    message = (
        f"User: {ROLE} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k"
        " with an explicit deny in a service control policy"
    )
    refusal = refusal_of(said("AccessDenied", message), "s3:PutObject on s3://b/k")
    assert "service control policy" in refusal.what
    assert "Allow" not in refusal.fix


def test_a_denial_by_our_own_session_policy_is_not_blamed_on_the_role() -> None:
    message = (
        f"User: {ROLE} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k"
        " because no session policy allows the s3:PutObject action"
    )
    refusal = refusal_of(said("AccessDenied", message), "s3:PutObject on s3://b/k")
    assert "the session policy this command made for itself" in refusal.what
    assert "narrow-session: false" in refusal.fix
    assert "Allow" not in refusal.fix


def test_a_denied_call_nobody_can_read_an_action_from_still_has_its_cause() -> None:
    refusal = refusal_of(said("AccessDenied", "No."), "the upload")
    assert refusal.what == "the upload was refused: No."
    assert refusal.fix


@pytest.mark.parametrize(
    ("code", "cause", "fix"),
    [
        ("ExpiredToken", "expired", "role-to-assume"),
        ("ExpiredTokenException", "expired", "role-to-assume"),
        ("InvalidClientTokenId", "does not accept the credentials", "clock"),
        ("SignatureDoesNotMatch", "does not accept the credentials", "clock"),
        ("ThrottlingException", "throttled", "later"),
        ("RequestLimitExceeded", "throttled", "later"),
        ("NoSuchBucket", "no such bucket", "bucket"),
        ("PermanentRedirect", "another region", "aws-region"),
        ("InvalidDocument", "no such SSM document", "document"),
        ("InternalServerError", "trouble of its own", "later"),
        ("503", "trouble of its own", "later"),
    ],
)
def test_a_known_answer_has_cause_and_fix(code: str, cause: str, fix: str) -> None:
    refusal = refusal_of(said(code, "as AWS says it"), "s3:GetObject on s3://b/k")
    assert isinstance(refusal, Refused)
    assert cause in refusal.what
    assert fix in refusal.fix


def test_other_answers_pass_in_awss_own_words() -> None:
    error = said("ValidationError", "AutoScalingGroup name not found - no such group: {shop}")
    refusal = refusal_of(error, "autoscaling:SetDesiredCapacity on shop")
    assert "AutoScalingGroup name not found - no such group: {shop}" in refusal.what
    assert "ValidationError" in refusal.what
    assert "aws-region" in refusal.fix
    assert refusal.exit_code == 1


@pytest.mark.parametrize(
    "error",
    [
        of.EndpointConnectionError(endpoint_url="https://s3.example.com/"),
        of.ConnectTimeoutError(endpoint_url="https://s3.example.com/"),
        of.ReadTimeoutError(endpoint_url="https://s3.example.com/"),
        of.SSLError(endpoint_url="https://s3.example.com/", error="certificate"),
        of.ProxyConnectionError(proxy_url="http://proxy.example.com/"),
        of.ConnectionClosedError(endpoint_url="https://s3.example.com/"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_endpoint_out_of_reach_is_said_with_where_it_is(error: of.BotoCoreError) -> None:
    refusal = refusal_of(error, "s3:GetObject on s3://b/k")
    assert "got no answer" in refusal.what
    assert "example.com" in refusal.what
    assert "proxy" in refusal.fix


@pytest.mark.parametrize(
    "error", [of.NoCredentialsError(), of.PartialCredentialsError(provider="env", cred_var="AWS_SECRET")]
)
def test_no_credentials_name_both_ways_to_have_some(error: of.BotoCoreError) -> None:
    refusal = refusal_of(error, "sts:GetCallerIdentity")
    assert refusal.exit_code == 2
    assert "role-to-assume" in refusal.fix
    assert "id-token: write" in refusal.fix
    assert "ambient" in refusal.fix


def test_a_profile_that_does_not_exist_is_bad_input() -> None:
    refusal = refusal_of(of.ProfileNotFound(profile="prod"), "reading the AWS configuration")
    assert isinstance(refusal, BadInput)
    assert "prod" in refusal.what


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (of.ParamValidationError(report="a\nb"), "check the inputs"),
        (of.IncompleteReadError(actual_bytes=1, expected_bytes=2), "run again"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_anything_else_of_botocores_is_one_line_and_a_next_step(error: of.BotoCoreError, fix: str) -> None:
    refusal = refusal_of(error, "s3:GetObject")
    assert "\n" not in refusal.what
    assert fix in refusal.fix


def fail_to_upload() -> None:
    try:
        raise said("NoSuchBucket")
    except of.ClientError as error:
        raise S3UploadFailedError("Failed to upload") from error


def test_an_uploads_own_error_does_not_hide_the_answer_it_got() -> None:
    with pytest.raises(Refused, match="no such bucket"), calling("s3:PutObject on s3://b/k"):
        fail_to_upload()


def test_the_original_stays_for_whoever_needs_the_code() -> None:
    with pytest.raises(Refused) as refused, calling("s3:GetObject"):
        raise said("NoSuchKey")
    assert isinstance(refused.value.__cause__, of.ClientError)


def test_what_is_no_answer_of_awss_passes_untouched() -> None:
    with pytest.raises(ZeroDivisionError), calling("s3:GetObject"):
        _ = 1 / 0
    with pytest.raises(BadInput, match="mine"), calling("s3:GetObject"):
        raise BadInput("mine")
