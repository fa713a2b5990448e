"""SSM documents, read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployer.aws.refusals import calling
from deployer.core.errors import BadInput


@dataclass(frozen=True)
class Described:
    """The default version of a document: the SHA-256 of its text, the names of its parameters."""

    sha256: str
    parameters: tuple[str, ...]


def describe(ssm: Any, name: str) -> Described:
    """Raises BadInput where there is no such document."""
    with calling(f"ssm:DescribeDocument of {name}"):
        try:
            document = ssm.describe_document(Name=name)["Document"]
        except ssm.exceptions.InvalidDocument as error:
            raise BadInput(
                f"there is no SSM document {name} in {ssm.meta.region_name}",
                "create it from `scripts/run render --what document`, or give its name as `document`",
            ) from error
    return Described(
        sha256=str(document.get("Hash", "")) if document.get("HashType", "Sha256") == "Sha256" else "",
        parameters=tuple(str(each["Name"]) for each in document.get("Parameters", ())),
    )


def content(ssm: Any, name: str) -> str:
    """The text of the document's default version."""
    with calling(f"ssm:GetDocument of {name}"):
        return str(ssm.get_document(Name=name, DocumentFormat="JSON")["Content"])
