"""Answers command lines, one after the other, as the program would that is started for each."""

import json
import sys

from typer.testing import CliRunner

from todo_gql.cli.main import app

if __name__ == "__main__":
    for line in sys.stdin:
        arguments, typed, environment = json.loads(line)
        result = CliRunner().invoke(app, arguments, input=typed, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        answer = [result.exit_code, result.stdout, result.stderr]
        print(json.dumps(answer), flush=True)  # noqa: T201 - how it answers
