"""A metadata service for each instance that boots, filled from the account's books."""

from __future__ import annotations

import threading
from datetime import timezone
from typing import Any

from localcloud.aws.moto_seams import Books
from localcloud.metadata import Credentials, Identity, MetadataService
from localcloud.options import CloudOptions


class MetadataOfInstances:
    """Makes the service of one instance: who it is, its role, its role's credentials."""

    def __init__(self, books: Books, options: CloudOptions, lock: threading.RLock) -> None:
        self._books = books
        self._options = options
        self._lock = lock
        self._services: list[MetadataService] = []

    def close(self) -> None:
        """Ends every service that is left."""
        for each in self._services:
            each.close()

    def serve(self, instance_id: str, instance: Any, user_data: str) -> MetadataService:
        """A running service; whoever boots the machine closes it."""
        account = self._books.account
        with self._lock:
            tags = self._books.tags(instance_id)
        role = f"{tags['aws:autoscaling:groupName']}-instance"

        def renew(seconds: int) -> Credentials:
            with self._lock:
                arn = f"arn:aws:iam::{account}:role/{role}"
                session = self._books.open_role_session(arn, instance_id, seconds)
            expires_at = session.expiration.replace(tzinfo=timezone.utc)  # moto's times are naive
            return Credentials(session.access_key_id, session.secret_access_key, session.session_token, expires_at)

        with self._lock:
            identity = Identity(
                instance_id=instance_id,
                region=self._options.region,
                zone=instance.placement.zone,
                account=account,
                user_data=user_data,
                tags=tags,
                role=role,
                instance_profile_arn=f"arn:aws:iam::{account}:instance-profile/{role}",
                renew=renew,
            )
        service = MetadataService(identity)
        self._services.append(service)
        return service
