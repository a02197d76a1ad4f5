"""nginx, which keeps its connections to servers and sends requests of many people over each."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
# As the guide says to set it up, and as most guides say to let WebSockets through.
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
    assert NGINX
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGQUIT)
