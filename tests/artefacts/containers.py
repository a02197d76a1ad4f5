"""An image as buildah keeps it, and containers of it that runc runs as a cluster would."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

NAMESPACES = ("pid", "ipc", "uts", "mount")
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
    {
        "destination": "/tmp",  # noqa: S108 - it is the container's own
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "nodev", "noexec", "mode=1777"],
    },
]


def output(*command: str | Path) -> str:
    """What a command prints; fails with what it said."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Image:
    """An image with its configuration, and its unpacked root file system."""

    config: Mapping[str, Any]
    root: Path
    bytes: int


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """The image of that name, its file system mounted for as long as the block."""
    described = json.loads(output("buildah", "inspect", "--type", "image", name))
    container = output("buildah", "from", "--pull-never", name)
    try:
        root = Path(output("buildah", "mount", container))
        size = output("du", "--summarize", "--bytes", root).split()[0]
        yield Image(described["Docker"]["config"], root, int(size))
    finally:
        output("buildah", "rm", container)


class Container:
    """A container on the host's network: no root, no capability, nothing to write to but /tmp."""

    def __init__(
        self,
        image: Image,
        folder: Path,
        command: list[str],
        environment: Mapping[str, str],
        binds: Mapping[Path, str],
    ) -> None:
        self.id = f"todo_gql-test-{uuid4().hex}"
        user, group = map(int, image.config["User"].split(":"))
        given = [f"{name}={value}" for name, value in environment.items()]
        process = {
            "user": {"uid": user, "gid": group},
            "args": [*image.config["Entrypoint"], *command],
            "env": [*image.config["Env"], *given],
            "cwd": image.config["WorkingDir"],
            "noNewPrivileges": True,
            "capabilities": {},
        }
        bound = [
            {"destination": inside, "source": str(outside), "type": "bind", "options": ["bind"]}
            for outside, inside in binds.items()
        ]
        namespaces = [{"type": name} for name in NAMESPACES]
        bundle = {
            "ociVersion": "1.0.2",
            "root": {"path": str(image.root), "readonly": True},
            "process": process,
            "mounts": MOUNTS + bound,
            "linux": {"namespaces": namespaces},
        }
        (folder / "config.json").write_text(json.dumps(bundle))
        self.process = subprocess.Popen(
            ["runc", "run", "--bundle", folder, self.id],  # noqa: S607
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        """The container, which is killed in the end if it still runs."""
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            output("runc", "delete", "--force", self.id)
        self.process.communicate()

    def execute(self, *command: str) -> int:
        """The exit status of another command inside."""
        return subprocess.run(["runc", "exec", self.id, *command], check=False).returncode  # noqa: S607
