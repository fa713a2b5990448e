"""The one way our side of the cloud says no to an AWS client."""

from __future__ import annotations


class AwsError(Exception):
    """An error as AWS answers it: `code` is the service's own exception name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
