"""A delivery to look at, whose AWS answers what a test says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from deployer.doctor.situation import Situation
from deployer.github.console import console_for
from deployer.inputs import DoctorInputs

ACCOUNT, REGION = "123456789012", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orange-web-deployer"
GROUP = "orange-web"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/{GROUP}/0123"


def refused(code: str, message: str = "") -> ClientError:
    """AWS's no."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Client:
    """A boto3 client: each method answers what it was given, or raises it; `asked` keeps how it was called."""

    meta = SimpleNamespace(region_name=REGION)

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        names = ("ClientError", "NoSuchKey", "InvalidDocument", "RepositoryNotFoundException", "NoSuchEntityException")
        self.exceptions = SimpleNamespace(**{name: _kind(name) for name in names})

    def __getattr__(self, name: str) -> Any:
        def call(**words: Any) -> Any:
            self.asked.append((name, words))
            answer = self._answers.get(name, refused("AccessDenied"))
            answer = answer(**words) if callable(answer) else answer
            if isinstance(answer, ClientError):
                kind = getattr(self.exceptions, answer.response["Error"]["Code"], None)
                raise kind(answer.response, "Operation") if kind else answer
            return answer

        return call


def _kind(name: str) -> type[ClientError]:
    return ClientError if name == "ClientError" else type(name, (ClientError,), {})


class Session:
    """aws.session.Session, as far as the checks use it."""

    account_id, region, role_arn = ACCOUNT, REGION, ""
    caller_arn = f"arn:aws:iam::{ACCOUNT}:user/operator"

    def __init__(self, answers: dict[str, Any]) -> None:
        self._clients: dict[str, Client] = {}
        self._answers = answers

    def client(self, service: str) -> Client:
        """Answers of all services stand together: no two have an operation of the same name."""
        return self._clients.setdefault(service, Client(self._answers))

    impatient_client = client


def situation(inputs: dict[str, Any] | None = None, /, **answers: Any) -> Situation:
    """What the checks look at; `answers` by the name of boto3's method, and what is not there is denied."""
    place = {"app": "orange", "bucket": "orange-releases", "auto_scaling_group": (GROUP,), **(inputs or {})}
    found = Situation(DoctorInputs(**place), console_for({}, machine_readable=False))
    found.__dict__["session"] = Session(answers)
    return found


def group(**changes: Any) -> dict[str, Any]:
    """The answer of DescribeAutoScalingGroups: two instances in service."""
    instances = [{"InstanceId": f"i-{n}", "LifecycleState": "InService", "HealthStatus": "Healthy"} for n in (1, 2)]
    described = {
        "Instances": instances,
        "DesiredCapacity": 2,
        "HealthCheckType": "EC2",
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": GROUP, "Version": "$Latest"},
        "TargetGroupARNs": [ARN],
    }
    return {"AutoScalingGroups": [{**described, **changes}]}
