"""Answers AWS operations in moto's place.

moto reads the request and writes the response in the service's own protocol; a handler is only what lies between:
parameters in, result out, both in the shapes of the AWS API (what boto3 takes and gives).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from localcloud.aws.errors import AwsError

RESPONSES = {
    "autoscaling": ("moto.autoscaling.responses", "AutoScalingResponse"),
    "elbv2": ("moto.elbv2.responses", "ELBV2Response"),
    "iam": ("moto.iam.responses", "IamResponse"),
    "ssm": ("moto.ssm.responses", "SimpleSystemManagerResponse"),
    "sts": ("moto.sts.responses", "TokenResponse"),
}


@dataclass(frozen=True)
class Request:
    """One call: its parameters, who signed it, and moto's own answer should the handler want it."""

    parameters: Mapping[str, Any]
    access_key: str
    moto: Callable[[], Any]


Handler = Callable[[Request], Any]


class _Answered(ServiceException):
    """Not moto's own class: moto takes the package of an exception for its service, and knows no service `core`."""


class Operations:
    """The operations answered by us; `close` gives them back to moto."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def replace(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Answers each named operation (`SendCommand`, …) of `service` with its handler."""
        module, name = RESPONSES[service]
        responses = getattr(import_module(module), name)
        for operation, handler in handlers.items():
            self._replace(responses, camelcase_to_underscores(operation), handler)

    def _replace(self, responses: type, name: str, handler: Handler) -> None:
        original = getattr(responses, name, None)

        def answer(response: Any) -> Any:
            request = Request(
                _parameters(response),
                response.get_access_key(),
                _ours_only if original is None else lambda: original(response),
            )
            try:
                result = handler(request)
            except AwsError as error:
                raise _Answered(error.code, error.message) from error
            return result if isinstance(result, ActionResult) else ActionResult(result)

        setattr(responses, name, answer)
        if original is None:
            self._undo.append(lambda: delattr(responses, name))
        else:
            self._undo.append(lambda: setattr(responses, name, original))

    def close(self) -> None:
        """Gives every replaced operation back to moto."""
        while self._undo:
            self._undo.pop()()


def _ours_only() -> Any:
    raise AwsError("InvalidAction", "moto has no answer of its own to this operation")


def _parameters(response: Any) -> Mapping[str, Any]:
    if response.automated_parameter_parsing:
        parsed: Mapping[str, Any] = response.params
        return parsed
    body: Mapping[str, Any] = json.loads(response.body or "{}")
    return body
