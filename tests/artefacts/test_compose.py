"""The Compose file: what its services may do, what it leaves out, and nginx as it sets it up."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from tests.artefacts.surroundings import KNOWN, STOP_SECONDS
from tests.support.accounts import PASSWORD, REGISTER
from tests.support.nginx import DOCUMENTED, documented
from tests.support.ports import free_port
from tests.support.processes import serving

OURS = ("migrate", "web", "worker")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|DSN|_URL$")


@pytest.fixture(scope="module")
def compose(project: Path) -> dict[str, Any]:
    """The file, with its anchors resolved."""
    described: dict[str, Any] = yaml.safe_load((project / "compose.yaml").read_text())
    return described


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    """What it starts, by name."""
    return dict(compose["services"])


def test_every_service_is_confined(services: dict[str, Any]) -> None:
    """None writes to its root file system, has a capability to abuse, or gains a privilege."""
    assert set(services) == {*OURS, "certificate", "nginx", "postgres", "valkey"}
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
    assert [name for name, service in services.items() if "cap_add" in service] == ["certificate"]


def test_no_secret_stands_in_it(services: dict[str, Any]) -> None:
    """What is secret comes from outside, and a start without it says what to set."""
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) and value is not None:
                assert re.search(r"\$\{\w+:[?-]", value) or variable == "REDIS_URL", (
                    name,
                    variable,
                )
    assert services["web"]["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")


@pytest.mark.parametrize("name", OURS)
def test_what_is_set_is_a_setting(services: dict[str, Any], name: str) -> None:
    """No name is misspelt, since the program ignores names that it doesn't know."""
    assert set(services[name]["environment"]) <= KNOWN


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_stop_leaves_time_to_drain(services: dict[str, Any], name: str) -> None:
    """Nobody is killed who would have ended in time."""
    assert int(services[name]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_only_nginx_is_published(services: dict[str, Any]) -> None:
    """The database, the cache and the plain-text port are out of reach, from the internet too."""
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    [port] = services["nginx"]["ports"]
    assert port["host_ip"] == "${LISTEN_ADDRESS:-127.0.0.1}"


def test_images_are_of_a_version(services: dict[str, Any]) -> None:
    """A pull doesn't bring another major version by itself."""
    for name, service in services.items():
        if name not in OURS:
            assert re.search(r":\d+(\.\d+)*(-\w+)?$", service["image"]), service["image"]


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", port)) == 0


def make_certificate(services: dict[str, Any], folder: Path) -> None:
    """Run what the certificate service runs, in another folder and without handing files over."""
    [script] = services["certificate"]["command"]
    here = script.replace("/certificate", str(folder)).replace("chown 101:101", ": ")
    for _ in range(2):
        subprocess.run(["sh", "-euc", here], check=True, capture_output=True)  # noqa: S607


@contextmanager
def nginx(configuration: str, folder: Path, port: int) -> Iterator[None]:
    """A real nginx with a configuration, which answers within the block."""
    file = folder / "nginx.conf"
    file.write_text(configuration)
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(file), "-g", "daemon off;"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 20
            while not listens(port):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield
        finally:
            process.terminate()


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_nginx_answers_over_tls(
    compose: dict[str, Any], services: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    """Its certificate is good for localhost, and what it hands on is answered by the server."""
    make_certificate(services, tmp_path)
    tls, plain = free_port(), free_port()
    with serving(tmp_path / "server" / "data") as server:
        backend = server.address.removesuffix("/graphql")
        assert project / compose["configs"]["nginx"]["file"] == DOCUMENTED
        configuration = documented(tmp_path, [urlsplit(backend).port or 0], tls, plain)
        with nginx(configuration, tmp_path, tls):
            trusted = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
            sent = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
            body = {"query": REGISTER, "variables": {"input": sent}}
            with httpx.Client(base_url=f"https://localhost:{tls}", verify=trusted) as client:
                payload = client.post("/graphql", json=body).json()["data"]["register"]
            assert payload["user"]["username"] == "ada"
            assert httpx.get(f"http://127.0.0.1:{plain}/").is_success
