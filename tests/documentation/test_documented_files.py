"""The documentation's configuration files, each taken by the program that it is for."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.documentation.blocks import BLOCKS, EXCERPT, ROOT, Block, blocks_in, named

CLIENTS = ROOT / "tests/clients"
# Which test takes a block that is a file, by its name.
FILES = {
    "attach.mjs": "tests/documentation/test_documented_upload.py, which runs it",
    ".env": "test_the_compose_file_asks_for_what_is_to_be_set",
    "claude_desktop_config.json": "tests/http/mcp, which compares it with mcp.json",
    "mcp.json": "tests/http/mcp, whose client connects by it",
    "prometheus.yaml": "test_prometheus_takes_its_file",
    "pyproject.toml": "test_ariadne_codegen_is_set_up_as_documented",
    "relay.config.json": "tests/clients, which compiles by it",
    "values.yaml": "test_the_chart_has_the_documented_values",
}
# Languages of which every block is found and run, whatever it is called.
RUN_ALL = {"graphql", "sh", "sql"}


def is_imported(block: Block) -> bool:
    """Whether a test of clients, or another program of the documentation, imports this program.

    The other one has to be imported as well, which is tested for itself.
    """
    module = block.name.partition(".")[0].split("/")[-1]
    if module == "codegen":
        return True
    pattern = f"/{module}'" if block.language == "ts" else f"from {module} import"
    folder = CLIENTS / ("src" if block.language == "ts" else "python")
    programs = [*folder.rglob("*.ts"), *folder.rglob("*.py")]
    users = [each for each in programs if each.name != Path(block.name).name]
    texts = [user.read_text() for user in users]
    texts += [other.text for other in BLOCKS if other.name != block.name]
    return any(pattern in text for text in texts)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_has_a_test(block: Block) -> None:
    """Who adds one says what runs it: its language, its file's name, or a program that imports it."""
    if block.is_shown_only or block.language in RUN_ALL:
        return
    if block.language in {"ts", "python"}:
        assert is_imported(block), "no test imports this"
    else:
        assert block.name in FILES, "no test takes this: name it, or call it an answer"


EXCERPTS = [block for block in BLOCKS if block.name == EXCERPT]


@pytest.mark.parametrize("block", EXCERPTS, ids=str)
def test_excerpts_are_python(block: Block) -> None:
    """An excerpt of a module is the source of statements that Python compiles."""
    assert compile(block.text, str(block), "exec")


@pytest.mark.parametrize("block", blocks_in("sql"), ids=str)
async def test_postgresql_takes_a_statement(block: Block, server_url: str) -> None:
    """PostgreSQL accepts the documented statement, with another name for the database."""
    name = f"documented_{uuid4().hex}"
    statement = re.sub(r"(?<=DATABASE )\w+", name, block.text)
    assert name in statement
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(statement)
        await connection.execute(f"DROP DATABASE {name}")
    finally:
        await connection.close()


def test_ariadne_codegen_is_set_up_as_documented() -> None:
    """ariadne-codegen is set up as documented, but for the path of the schema."""
    documented = tomllib.loads(named("pyproject.toml").text)["tool"]["ariadne-codegen"]
    used = tomllib.loads((CLIENTS / "python/pyproject.toml").read_text())["tool"]["ariadne-codegen"]
    used["schema_path"] = Path(used["schema_path"]).name
    assert documented == used


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")
def test_prometheus_takes_its_file(tmp_path: Path) -> None:
    """Prometheus accepts its documented file with the rules that the file names."""
    shutil.copy(ROOT / "helm/todo-gql/alerts.yaml", tmp_path)
    (tmp_path / "prometheus.yaml").write_text(named("prometheus.yaml").text)
    subprocess.run(
        ["promtool", "check", "config", "prometheus.yaml"],  # noqa: S607
        cwd=tmp_path,
        check=True,
    )


def test_the_chart_has_the_documented_values() -> None:
    """Each name of the documented values is one of the chart's own."""
    values = (ROOT / "helm/todo-gql/values.yaml").read_text()
    block = named("values.yaml").text
    for line in block.splitlines():
        if not line.startswith("    "):
            assert line.strip() in values or f"{line.rstrip()} {{}}" in values, line
