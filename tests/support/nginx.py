"""nginx, which keeps its connections to servers and sends requests of many people over each."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DOCUMENTED = Path(__file__).parents[2] / "docs/nginx.conf"
# As whoever needs no WebSockets sets it up, and as most guides say to let these through.
KEPT_ALIVE = 'proxy_set_header Connection "";'
UPGRADED = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'


@contextmanager
def proxy(folder: Path, ports: list[int], headers: str = KEPT_ALIVE) -> Iterator[str]:
    """The address of an nginx before servers on these ports, which are sent these headers."""
    port = free_port()
    servers = "".join(f"server 127.0.0.1:{one} max_fails=0;" for one in ports)
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
        user root;
        events {{}}
        http {{
            access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
            fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
            client_max_body_size 16m;
            upstream todo_gql {{ {servers} keepalive 32; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://todo_gql;
                    proxy_http_version 1.1;
                    {headers}
                }}
            }}
        }}
        """
    )
    with _running(folder):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    assert NGINX
    command = [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGQUIT)


def documented(folder: Path, ports: list[int], port: int, health_port: int) -> str:
    """The documented file, for nginx to listen here, before servers on these ports."""
    servers = " ".join(f"server 127.0.0.1:{one} max_fails=0;" for one in ports)
    text = DOCUMENTED.read_text()
    replaced = {
        # Debian's nginx is older than the image's, and knows neither of these.
        "server web:8000 resolve max_fails=0;": servers,
        "http2 on;": "",
        "/tmp/": f"{folder}/",  # noqa: S108 - it is what is replaced
        "/certificate": str(folder),
        "listen 8443": f"listen 127.0.0.1:{port}",
        "listen 8080": f"listen 127.0.0.1:{health_port}",
    }
    for inside, here in replaced.items():
        assert inside in text, inside
        text = text.replace(inside, here)
    return text


@contextmanager
def documented_proxy(folder: Path, ports: list[int]) -> Iterator[str]:
    """The address of an nginx set up as documented, but for TLS."""
    port = free_port()
    lines = documented(folder, ports, port, free_port()).splitlines()
    kept = [line.replace(" ssl;", ";") for line in lines if "ssl_" not in line]
    (folder / "nginx.conf").write_text("\n".join(["daemon off; user root;", *kept]))
    with _running(folder):
        yield f"http://127.0.0.1:{port}"
