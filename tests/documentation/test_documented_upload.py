"""The documentation's program that attaches a file, run by Node as a browser would run it."""

import json
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.documentation.blocks import named
from tests.support.accounts import CREATE, PASSWORD, REGISTER
from tests.support.attachments import OF_TODO
from tests.support.ports import free_port
from tests.support.processes import serving

NODE = shutil.which("node")
PROGRAM = """
import { attach } from './attach.mjs';
const [url, token, todoId] = process.argv.slice(2);
const execute = async (query, variables) => {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};
const file = new File(['Water the plants twice.'], 'Notes für Ada.txt', { type: 'text/plain' });
console.log(JSON.stringify(await attach(execute, todoId, file)));
"""


@pytest.mark.skipif(not NODE, reason="Node isn't installed")
def test_a_file_is_attached_as_documented(database_url: str, tmp_path: Path) -> None:
    """The program announces, sends and finishes a file, which then is the todo's."""
    (tmp_path / "attach.mjs").write_text(named("attach.mjs").text)
    (tmp_path / "program.mjs").write_text(PROGRAM)
    own = {"DATABASE_URL": database_url, "PORT": str(free_port()), "BCRYPT_ROUNDS": "4"}
    with serving(tmp_path / "server" / "data", own) as server:
        name = f"ada-{uuid4().hex[:12]}"
        sent = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        token = server.execute(REGISTER, input=sent)["register"]["tokens"]["accessToken"]
        todo = server.execute(CREATE, token, input={"title": "Water"})["todoCreate"]["todo"]
        assert NODE
        arguments = [NODE, "program.mjs", server.address, token, todo["id"]]
        done = subprocess.run(arguments, cwd=tmp_path, check=True, stdout=subprocess.PIPE)
        attached = json.loads(done.stdout)
        assert (attached["state"], attached["contentType"]) == ("READY", "text/plain")
        [file] = server.execute(OF_TODO, token, id=todo["id"])["todo"]["attachments"]
        assert (file["id"], file["fileName"]) == (attached["id"], "Notes für Ada.txt")
        assert httpx.get(file["url"]).text == "Water the plants twice."
