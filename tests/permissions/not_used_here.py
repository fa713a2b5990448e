"""What the roles grant and no local cloud is ever asked for: each with the reason why it is granted nevertheless."""

from __future__ import annotations

_AGENT = "the SSM agent's own channel to AWS: the local cloud hands commands to its instances directly"
_REGISTRY = "docker asks it of ECR's registry, with the login that ecr:GetAuthorizationToken gives; there is none here"
_KEY = "Parameter Store asks it of KMS in the instance's name; the local cloud encrypts nothing"
_ZONES = "Prometheus asks it first; nothing of ours does"

NOT_USED_HERE: dict[tuple[str, str], str] = {
    ("Instance", "ssm:UpdateInstanceInformation"): _AGENT,
    ("Instance", "ssmmessages:CreateControlChannel"): _AGENT,
    ("Instance", "ssmmessages:OpenControlChannel"): _AGENT,
    ("Instance", "ssmmessages:CreateDataChannel"): _AGENT,
    ("Instance", "ssmmessages:OpenDataChannel"): _AGENT,
    ("Instance", "kms:Decrypt"): _KEY,
    ("Instance", "ecr:BatchGetImage"): _REGISTRY,
    ("Instance", "ecr:GetDownloadUrlForLayer"): _REGISTRY,
    ("Deployer", "ecr:BatchCheckLayerAvailability"): _REGISTRY,
    ("Deployer", "ecr:InitiateLayerUpload"): _REGISTRY,
    ("Deployer", "ecr:UploadLayerPart"): _REGISTRY,
    ("Deployer", "ecr:CompleteLayerUpload"): _REGISTRY,
    ("Deployer", "ecr:PutImage"): _REGISTRY,
    ("Deployer", "ecr:GetDownloadUrlForLayer"): _REGISTRY,
}
