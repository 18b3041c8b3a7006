"""Plant bugs one at a time, each in a fork, and say which tests noticed: ``python -m tests.mutation.planted``.

Reads from standard input a list of {module, old, new, tests}, all in JSON, and writes for each bug which test
noticed it, or "". A bug is a change of text within a function; ``old`` stands in its module exactly once.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutation.forks import Server, forked, own_folder, serve

ROOT = Path(__file__).parents[2]
MOST = 120.0  # seconds of processor for one bug's tests


def functions(code: CodeType) -> Iterator[CodeType]:
    """Yield the functions of a module that stand in no other function."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_flags & 2:  # a function's locals are its own; a class's are not
                yield each
            else:
                yield from functions(each)


def plant(server: Server, path: Path, old: str, new: str) -> None:
    """Exchange the code of every function of a module for that of its changed text."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    made = compile(text.replace(old, new), str(path), "exec")
    known: dict[str, list[list[FunctionType]]] = {}
    for (file, name, _), bound in sorted(server.functions.items(), key=lambda at: at[0]):
        if file == str(path):
            known.setdefault(name, []).append(bound)
    for code in functions(made):
        for function in (known.get(code.co_qualname) or [[]]).pop(0):
            function.__code__ = code


def judge(server: Server, bugs: list[dict]) -> list[str]:
    """Return which test noticed each bug."""
    for fixture in ("template", "three", "line", "two"):
        server.share(fixture)

    def tried(tests: list[str], *change: str) -> str:
        names = [n for n in server.items if any(n.partition("[")[0] == t for t in tests)]
        assert len({n.partition("[")[0] for n in names}) == len(tests), f"not all here: {tests}"

        def trial() -> str:
            if change:
                path = ROOT / "src" / Path(*change[0].split(".")).with_suffix(".py")
                plant(server, path, change[1], change[2])
            with own_folder(server.session.config):
                return next((name for name, failed in server.run(names) if failed), "")

        by = forked(trial, MOST).by
        assert by in {"", "time", *names}, f"{change}: {by}"
        return by

    sound = tried(sorted({test for bug in bugs for test in bug["tests"]}))
    assert not sound, f"fails without a bug: {sound}"
    return [tried(b["tests"], b["module"], b["old"], b["new"]) for b in bugs]


def main() -> None:
    bugs = json.load(sys.stdin)
    found: list[str] = []
    out = os.dup(1)
    os.dup2(2, 1)  # what pytest says goes elsewhere
    paths = dict.fromkeys(test.partition("::")[0] for bug in bugs for test in bug["tests"])
    serve([*paths], lambda server: found.extend(judge(server, bugs)))
    os.write(out, json.dumps(found).encode())


if __name__ == "__main__":
    main()
