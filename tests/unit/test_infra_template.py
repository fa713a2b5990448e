"""Resolving templates: what CloudFormation would make of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.core.errors import BadInput
from deployer.infra import template
from deployer.infra.functions import Functions
from deployer.infra.template import Place, Template

TEXT = """
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z]{0,5}", ConstraintDescription: up to five letters}
  Colour: {Type: String, Default: red, AllowedValues: [red, green]}
  Days: {Type: Number, Default: 30}
Conditions:
  Named: !Not [!Equals [!Ref Name, ""]]
  NamedRed: !And [!Condition Named, !Equals [!Ref Colour, red]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "${Name}-role"
      Path: !If [NamedRed, /red/, !Ref AWS::NoValue]
      Tags: [first, !If [Named, !Ref AWS::NoValue, second]]
  Bucket:
    Type: AWS::S3::Bucket
    Condition: Named
    Properties:
      BucketName: !Join ["-", [!Ref Name, !Ref AWS::Region]]
      Owner: !Sub "${Role.Arn} ${!Role} ${Days} ${AWS::URLSuffix}"
      Policy:
        Condition: {StringEquals: {"aws:x": !Select [1, !Split ["/", "a/b"]]}}
      Script: !Base64 {"Fn::Sub": ["${Own}-${Name}", {Own: !Ref Role}]}
"""


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.yml").write_text(TEXT)
    monkeypatch.setattr(template, "DIRECTORY", tmp_path)
    template.read.cache_clear()


@pytest.fixture(autouse=True, scope="module")
def afterwards() -> None:
    template.read.cache_clear()


def one(partition: str = "aws", **parameters: str) -> Template:
    return Template("one.yml", parameters, Place("123456789012", "eu-west-1", partition))


def test_functions_give_what_cloudformation_gives() -> None:
    assert one(Name="blue").properties("Bucket") == {
        "BucketName": "blue-eu-west-1",
        "Owner": "arn:aws:iam::123456789012:role/blue-role ${Role} 30 amazonaws.com",
        "Policy": {"Condition": {"StringEquals": {"aws:x": "b"}}},
        "Script": "Ymx1ZS1yb2xlLWJsdWU=",
    }


def test_what_has_no_value_is_left_out() -> None:
    assert one(Name="blue").properties("Role") == {"RoleName": "blue-role", "Path": "/red/", "Tags": ["first"]}
    assert one(Name="").properties("Role") == {"RoleName": "-role", "Tags": ["first", "second"]}


def test_a_resource_whose_condition_does_not_hold_is_not_there() -> None:
    assert one(Name="blue").of_type("AWS::S3::Bucket") == ("Bucket",)
    assert one(Name="").of_type("AWS::S3::Bucket") == ()


def test_another_partition_has_other_names() -> None:
    owner = one("aws-cn", Name="blue").properties("Bucket")["Owner"]

    assert owner == "arn:aws-cn:iam::123456789012:role/blue-role ${Role} 30 amazonaws.com.cn"


def test_parameters_are_refused_as_cloudformation_refuses_them() -> None:
    with pytest.raises(BadInput) as refused:
        one(Name="Blue!", Colour="blue", Size="9")

    assert "Size is no parameter of infra/one.yml" in refused.value.what
    assert "Name is 'Blue!': it must be up to five letters" in refused.value.what
    assert "Colour is 'blue'" in refused.value.what


def test_a_parameter_without_a_default_is_required() -> None:
    with pytest.raises(BadInput, match="Name is required"):
        one()


def test_an_unknown_function_is_not_passed_over() -> None:
    with pytest.raises(KeyError, match="Fn::FindInMap"):
        Functions({}, {}, lambda *_: "").resolve({"Fn::FindInMap": ["a", "b", "c"]})
