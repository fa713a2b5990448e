"""A runner behind a proxy: GitHub's token service and STS are reached through it, under their own names."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deployer.cli import main
from tests.cloud.job_stand_in import ROLE, TICKET, Services, serving
from tests.loopback_server import Request, loopback_server

TOKENS, STS = "run-actions.example", "sts.eu-central-1.amazonaws.com"


class Proxy:
    """Tunnels every CONNECT to one server, whatever name it is for, if that name is let out."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = ""
        self.let_out = {TOKENS, STS}
        self.asked: list[str] = []

    def answer(self, request: Request) -> None:
        """Returns when either side has hung up."""
        self.asked.append(request.path)
        allowed = request.path.partition(":")[0] in self.let_out
        request.send_response_only(200 if allowed else 407)
        request.end_headers()
        request.close_connection = True
        if not allowed:
            return
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as server:
            back = threading.Thread(target=_copy, args=(server, request.connection), daemon=True)
            back.start()
            _copy(request.connection, server)
            back.join(10)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # the other side was quicker
        return


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Both services over TLS, under the names they have in the world."""
    services = Services()
    with serving(services.answer, _tls(tmp_path)) as services.url:
        yield services


@pytest.fixture
def proxy(services: Services) -> Iterator[Proxy]:
    proxy = Proxy(int(services.url.rpartition(":")[2]))
    with loopback_server(proxy.answer) as address:
        proxy.url = f"http://runner:s3cr3t@{address.netloc}"
        yield proxy


@pytest.fixture
def job(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """A job whose only way out is the proxy; the process gets its environment too, as its libraries read it there."""
    certificate = str(tmp_path / "authority.pem")
    environment = {
        "GITHUB_ACTIONS": "true",
        "AWS_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"https://{TOKENS}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TICKET,
        "INPUT_ROLE_TO_ASSUME": ROLE,
        "HTTPS_PROXY": proxy.url,
        "AWS_CA_BUNDLE": certificate,
        "REQUESTS_CA_BUNDLE": certificate,
    }
    for name in ("https_proxy", "NO_PROXY", "no_proxy", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("urllib3.util.retry.Retry.get_backoff_time", lambda _: 0.0)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    return environment


def test_tokens_and_roles_come_through_the_proxy_and_sts_is_that_of_the_region(
    services: Services, proxy: Proxy, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assume-role", "--allowed-account-ids", ROLE.split(":")[4]], job) == 0, capsys.readouterr()
    assert set(proxy.asked) == {f"{TOKENS}:443", f"{STS}:443"}
    assert [each.headers["host"] for each in services.asked_for("AssumeRoleWithWebIdentity")] == [STS]
    assert services.asked_for("GetCallerIdentity")


def test_a_proxy_that_says_no_is_named_without_its_password(
    proxy: Proxy, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.let_out = set()
    assert main(["assume-role"], job) == 1
    shown = "".join(capsys.readouterr())
    assert "GitHub's token service cannot be reached" in shown
    assert "the runner's proxy" in shown
    assert "s3cr3t" not in shown


def test_a_proxy_that_lets_nobody_out_to_sts_is_named_without_its_password(
    services: Services, proxy: Proxy, job: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    proxy.let_out = {TOKENS}
    assert main(["assume-role"], job) == 1
    shown = "".join(capsys.readouterr())
    assert "sts:AssumeRoleWithWebIdentity" in shown
    assert "got no answer" in shown
    assert "s3cr3t" not in shown
    assert services.tokens[0].split(".")[2] not in shown.replace(f"::add-mask::{services.tokens[0]}", "")


def _tls(folder: Path) -> ssl.SSLContext:
    """A certificate for both names, which is its own authority: authority.pem in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "services of a test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(TOKENS), x509.DNSName(STS)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "authority.pem", folder / "key.pem")
    return context
