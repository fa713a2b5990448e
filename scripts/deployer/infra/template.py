"""A CloudFormation template of `infra/`, resolved without AWS: what its resources are for given parameters.

It knows the functions and the kinds of resources our templates use, and refuses others: Ref, Fn::Sub, Fn::GetAtt,
Fn::If, Fn::Join, Fn::Split, Fn::Select, Fn::Base64 and the functions of conditions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deployer.core.errors import BadInput
from deployer.infra.functions import NO_VALUE, Functions

DIRECTORY = Path(__file__).resolve().parents[3] / "infra"

_URL_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


@dataclass(frozen=True)
class Place:
    """Where a stack would be made."""

    account: str
    region: str
    partition: str = "aws"

    @property
    def pseudo_parameters(self) -> Mapping[str, Any]:
        return {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::URLSuffix": _URL_SUFFIXES.get(self.partition, "amazonaws.com"),
            "AWS::NoValue": NO_VALUE,
        }


class Template:
    """One template with its parameters; raises BadInput for parameters CloudFormation would not take."""

    def __init__(self, name: str, parameters: Mapping[str, str], place: Place) -> None:
        body = read(name)
        self._resources: Mapping[str, Any] = body["Resources"]
        self._place = place
        given = _checked(name, body["Parameters"], parameters)
        self._functions = Functions({**place.pseudo_parameters, **given}, body.get("Conditions", {}), self._attribute)

    def properties(self, logical_id: str, *path: str) -> Any:
        """The resource's properties as plain data, or only what is found under `path` in them."""
        node = self._resources[logical_id].get("Properties", {})
        for each in path:
            node = node[each]
        return self._functions.resolve(node)

    def of_type(self, kind: str) -> tuple[str, ...]:
        """The logical ids of the resources of a type, those left out by a condition not among them."""
        return tuple(
            name
            for name, each in self._resources.items()
            if each["Type"] == kind and self._functions.holds(each.get("Condition"))
        )

    def _attribute(self, logical_id: str, attribute: str) -> str:
        """A resource's attribute, or with "" what a Ref to it gives; raises KeyError for what is not known here."""
        kind = self._resources[logical_id]["Type"]
        return _ATTRIBUTES[kind, attribute](self.properties(logical_id), self._place)


def _iam(kind: str, name: str) -> Callable[[Mapping[str, Any], Place], str]:
    return lambda properties, place: f"arn:{place.partition}:iam::{place.account}:{kind}/{properties[name]}"


def _provider(properties: Mapping[str, Any], place: Place) -> str:
    host = str(properties["Url"]).removeprefix("https://")
    return f"arn:{place.partition}:iam::{place.account}:oidc-provider/{host}"


def _named(name: str) -> Callable[[Mapping[str, Any], Place], str]:
    return lambda properties, _: str(properties[name])


_ATTRIBUTES: Mapping[tuple[str, str], Callable[[Mapping[str, Any], Place], str]] = {
    ("AWS::IAM::OIDCProvider", ""): _provider,
    ("AWS::IAM::OIDCProvider", "Arn"): _provider,
    ("AWS::IAM::Role", ""): _named("RoleName"),
    ("AWS::IAM::Role", "Arn"): _iam("role", "RoleName"),
    ("AWS::IAM::InstanceProfile", ""): _named("InstanceProfileName"),
    ("AWS::S3::Bucket", ""): _named("BucketName"),
    ("AWS::S3::Bucket", "Arn"): lambda properties, place: f"arn:{place.partition}:s3:::{properties['BucketName']}",
}


def parameter_names(name: str) -> frozenset[str]:
    """The parameters of a template."""
    return frozenset(read(name)["Parameters"])


def partition_of(region: str) -> str:
    """The partition a region belongs to, the first part of its ARNs."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")


@cache
def read(name: str) -> Mapping[str, Any]:
    """The template as it stands, short forms of functions written out."""
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML with CloudFormation's tags."""

    Loader.add_multi_constructor("!", _function)
    body: Mapping[str, Any] = yaml.load((DIRECTORY / name).read_text(encoding="utf-8"), Loader)  # noqa: S506 (it is safe)
    return body


def _function(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    """`!Sub x` as `{"Fn::Sub": x}`."""
    if node.id == "scalar":
        value = loader.construct_scalar(node)
    elif node.id == "sequence":
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _checked(template: str, declared: Mapping[str, Any], given: Mapping[str, str]) -> Mapping[str, str]:
    """Every parameter's value, each matching its pattern as a whole; raises BadInput naming all that are wrong."""
    wrong = [f"{name} is no parameter of infra/{template}" for name in given if name not in declared]
    values = {name: given.get(name, each.get("Default")) for name, each in declared.items()}
    for name, value in values.items():
        if value is None:
            wrong.append(f"{name} is required")
        elif not _allowed(declared[name], value):
            wrong.append(f"{name} is {value!r}: it must be {declared[name].get('ConstraintDescription', 'another')}")
    if wrong:
        raise BadInput("; ".join(wrong), f"infra/{template} describes each parameter")
    return {name: str(value) for name, value in values.items()}


def _allowed(declared: Mapping[str, Any], value: object) -> bool:
    pattern = declared.get("AllowedPattern")
    fits = pattern is None or re.fullmatch(pattern, str(value)) is not None
    return fits and str(value) in map(str, declared.get("AllowedValues", [value]))
