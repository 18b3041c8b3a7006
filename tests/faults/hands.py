"""A terminal as a process of its own, to be killed in the middle of a command.

It reads command lines as JSON lists, one a line, runs each as ``mithaq`` does, and answers with its exit code and
what it printed. Whoever reads the answer knows that the command was acknowledged; who reads none knows nothing.
"""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

import typer

from mithaq.cli.app import app, run


def main():
    command = typer.main.get_command(app)
    answer("ready")
    for line in sys.stdin:
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = run(command, json.loads(line))
        answer([code, said.getvalue()])


def answer(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
