"""Which account this is, and the key that is the account itself."""

from __future__ import annotations

ACCOUNT = "123456789012"
"""moto's own default account."""

ROOT_KEY = "ROOT" * 5
"""The access key of the account itself, which may everything: what an account is furnished with, and nobody else's."""

ADMINISTRATOR = "administrator"
"""The user who may everything, as the account itself."""
