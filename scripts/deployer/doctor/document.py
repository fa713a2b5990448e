"""The SSM document: there, and the one this version sends orders to."""

from __future__ import annotations

import hashlib
import json

from deployer import instance_files
from deployer.aws import documents
from deployer.core.errors import Denied
from deployer.doctor.finding import Finding, not_checked, ok, problem
from deployer.doctor.situation import Situation


def there(situation: Situation) -> Finding:
    """Described, as every rollout does."""
    return ok(f"is there, with {len(situation.document.parameters)} parameters")


def content(situation: Situation) -> Finding:
    """The hash says it; where that differs, the text is read, for whoever made it may have set it in other lines."""
    ssm, name, ours = situation.client("ssm"), situation.inputs.document, instance_files.ssm_document()
    found = situation.document.sha256
    if found == hashlib.sha256(ours.encode()).hexdigest():
        return ok(f"is what this version renders (sha256 {found[:12]}…)")
    try:
        same = json.loads(documents.content(ssm, name)) == json.loads(ours)
    except ValueError:
        same = False
    except Denied as denied:
        return not_checked(
            f"its hash is another than that of this version's text, and comparing the text takes {denied.action}",
            f"if it may be of another version: {_update(name)}",
        )
    if same:
        return ok("is what this version renders")
    return problem("is of another version, or was changed", _update(name))


def _update(name: str) -> str:
    return (
        "update the stack of infra/storage.yml, or:\n"
        "scripts/run render --what document > document.json\n"
        f"aws ssm update-document --name {name} --document-version '$LATEST' --content file://document.json\n"
        f"aws ssm update-document-default-version --name {name} --document-version"
        f" \"$(aws ssm describe-document --name {name} --document-version '$LATEST'"
        ' --query Document.DocumentVersion --output text)"'
    )
