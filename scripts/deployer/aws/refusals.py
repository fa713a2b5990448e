"""AWS's noes, in the words of whoever has to do something about them.

botocore raises ClientError (AWS answered no) or BotoCoreError (no answer, or nothing was asked). Either becomes a
Refused that names the call, the cause and the fix. The original stays on it as `__cause__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deployer.aws.permission import permission_missing
from deployer.aws.reach import WIDE
from deployer.core.errors import BadInput, DeployError, Refused, Unanswered


@dataclass(frozen=True)
class Answer:
    """What some of AWS's error codes mean. `{call}`, `{code}` and `{message}` stand in `what`."""

    codes: tuple[str, ...]
    what: str
    fix: str
    kind: type[Refused] = Refused


DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403")
ANSWERS = (
    Answer(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        "{call} was refused: the AWS credentials have expired ({code})",
        "give role-to-assume: its credentials are renewed while a command runs, ambient ones must outlive it",
    ),
    Answer(
        (
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "AuthFailure",
            "RequestTimeTooSkewed",
        ),
        "{call} was refused: AWS does not accept the credentials ({code}: {message})",
        "check that access key, secret key and session token belong together, and the clock of the runner",
    ),
    Answer(
        (
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "TooManyUpdates",
            "EC2ThrottledException",
            "SlowDown",
        ),
        "{call} was throttled, again at every retry ({code})",
        "run again later; if it stays so, see what else calls AWS in this account, or ask AWS for a higher quota",
    ),
    Answer(
        ("IDPCommunicationError",),
        "{call} failed: STS could not reach GitHub to verify the token, again at every retry",
        "run the job again later (githubstatus.com)",
    ),
    Answer(
        ("RegionDisabledException",),
        "{call} failed: STS is not active for this account in the region ({message})",
        "activate it in IAM's account settings, or set aws-region to a region where it is",
    ),
    Answer(
        ("PackedPolicyTooLarge", "PackedPolicyTooLargeException", "MalformedPolicyDocument"),
        "{call} failed: STS does not take the session policy ({code}: {message})",
        f"name fewer groups in one command, or set `{WIDE}`, and the role's own policies are the only limit",
    ),
    Answer(
        ("NoSuchBucket",),
        "{call} failed: there is no such bucket",
        "check `bucket`, and that the credentials are of the account it is in",
    ),
    Answer(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        "{call} failed: the bucket is in another region ({message})",
        "set aws-region to the region of the bucket and the group",
    ),
    Answer(
        ("InvalidDocument",),
        "{call} failed: there is no such SSM document",
        "check `document` and aws-region, or set up the stack that makes the document",
    ),
    Answer(
        (
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            *("500", "502", "503", "504"),
        ),
        "{call} failed: AWS has trouble of its own, again at every retry ({code}: {message})",
        "run again later; https://health.aws.amazon.com says whether there is an outage",
        Unanswered,
    ),
)
_BY_CODE = {code: answer for answer in ANSWERS for code in answer.codes}


@contextmanager
def calling(call: str) -> Iterator[None]:
    """Turns what botocore raises inside into a DeployError about `call`.

    Write `call` as `service:Operation on WHAT`, for example `s3:PutObject on s3://bucket/key`: a missing permission is
    read from it where AWS does not name it.
    """
    try:
        yield
    except DeployError:
        raise
    except Exception as error:
        refusal = translate(error, call)
        if refusal is None:
            raise
        raise refusal from error


def translate(error: Exception, call: str) -> DeployError | None:
    """The refusal `error` stands for; None when it is nothing of AWS's."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, Boto3Error) and isinstance(error.__context__, (ClientError, BotoCoreError)):
        error = error.__context__  # an upload's own error hides the answer it got
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        return _said_no(call, str(answer.get("Code", "")), str(answer.get("Message", "")))
    if isinstance(error, (BotoCoreError, Boto3Error)):
        return _no_answer(error, call)
    return None


def no_credentials() -> DeployError:
    """There is nobody to be for AWS."""
    return BadInput(
        "there are no AWS credentials",
        "give `role-to-assume: arn:aws:iam::123456789012:role/NAME` and, to the job,"
        " `permissions: id-token: write`;\n"
        "or provide ambient credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID and its kin, an instance role)",
    )


def _said_no(call: str, code: str, message: str) -> DeployError:
    """What AWS's code means; AWS's own words for "no such group" and all the rest: nobody has better ones."""
    if code in DENIED:
        return permission_missing(call, message)
    answer = _BY_CODE.get(code)
    if answer:
        return answer.kind(answer.what.format(call=call, code=code, message=message), answer.fix)
    return Refused(
        f"{call} failed: {message or 'AWS gave no reason'} ({code or 'no code'})",
        "check the names in it, aws-region, and that the credentials are of the account they are in",
    )


def _no_answer(error: Exception, call: str) -> DeployError:
    from botocore import exceptions as of

    reason = " ".join(str(error).split())
    if isinstance(error, (of.NoCredentialsError, of.PartialCredentialsError)):
        return no_credentials()
    if isinstance(error, (of.HTTPClientError, of.ConnectionError, of.InvalidRegionError)):
        return Unanswered(
            f"{call} got no answer: {reason}",
            "check aws-region, AWS_ENDPOINT_URL if it is set, and the network and proxy of the runner",
        )
    if isinstance(error, (of.ProfileNotFound, of.ConfigParseError, of.InvalidConfigError)):
        return BadInput(f"{call} failed: {reason}", "check AWS_PROFILE and the AWS configuration files")
    if isinstance(error, (of.ParamValidationError, of.ValidationError)):
        return Refused(
            f"{call} was not even sent: {reason}", "check the inputs its values come from: a name is empty, or misspelt"
        )
    return Refused(f"{call} failed: {reason}", "run again; if it stays so, check the AWS settings of the job")
