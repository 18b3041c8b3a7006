"""Trials of changed code in forks of a process that has imported and collected everything already.

A fork exchanges the code of one function, wherever it is bound, runs the tests it is given until one fails, and is
gone. What no function holds, such as a constant, is tried in a fork of a process that has imported nothing of ours.
"""

import gc
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader  # noqa: TID251 to plant a change
from importlib.util import spec_from_file_location  # noqa: TID251 to plant a change
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings

QUIET = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "tmp_path_retention_policy=failed"]
EXAMPLES = 100  # what a property is tried with at most, each time the same
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
Lines = dict[str, dict[int, list[str]]]  # file -> line -> the tests that run it


@dataclass(slots=True)
class Baseline:
    """What the tests do with the code as it is."""

    seconds: dict[str, float] = field(default_factory=dict)  # by test
    lines: Lines = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a trial: the test that noticed, ``time`` if it never ended, or nobody."""

    by: str
    seconds: float


@dataclass(slots=True)
class Server:
    """The session of pytest that forks are made of."""

    session: pytest.Session
    items: dict[str, pytest.Item] = field(default_factory=dict)
    functions: dict[tuple[str, str, int], list[FunctionType]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note every function by where its code stands."""
        self.items = {item.nodeid: item for item in self.session.items}
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                code = each.__code__
                at = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self.functions.setdefault(at, []).append(each)

    def share(self, fixture: str) -> None:
        """Run a test that asks for a fixture, if there is one: what the session keeps for it stands for all forks."""
        users = [i for i in self.items.values() if fixture in getattr(i, "fixturenames", ())]
        for item in users[:1]:
            chain = item.listchain()
            far = min(self.items.values(), key=lambda i: sum(n in chain for n in i.listchain()))
            runtestprotocol(item, nextitem=far, log=False)

    def run(
        self, names: Sequence[str], before: Callable[[str], None] = lambda _: None
    ) -> Iterator[tuple[str, bool]]:
        """Run tests in this process; yield each with whether it failed."""
        for name, follows in zip(names, [*names[1:], None], strict=True):
            before(name)
            after = self.items[follows] if follows else None
            reports = runtestprotocol(self.items[name], nextitem=after, log=False)
            yield name, any(report.failed for report in reports)

    def baseline(self, room: Path, names: Sequence[str]) -> Baseline:
        """Measure tests, and which lines of ``room`` each runs."""
        made = Baseline()
        watch = coverage.Coverage(
            data_file=None, config_file=False, include=[f"{room}/*"], messages=False
        )
        remembered = [each for each in gc.get_objects() if isinstance(each, _lru_cache_wrapper)]

        def before(name: str) -> None:
            for each in remembered:  # or only the first of many tests would be seen to need it
                each.cache_clear()
            watch.switch_context(name)

        watch.start()
        began = time.process_time()
        for name, failed in self.run(names, before):
            now = time.process_time()
            made.seconds[name] = round(now - began, 4)
            began = now
            made.failed += [name] if failed else []
        watch.stop()
        data = watch.get_data()
        for file in data.measured_files():
            found = data.contexts_by_lineno(file)
            made.lines[file] = {line: sorted(filter(None, who)) for line, who in found.items()}
        return made

    def try_function(
        self, at: tuple[str, str, int], code: CodeType, tests: Mapping[str, float]
    ) -> Verdict | None:
        """Try one function with other code; None if there is no such function to be found here.

        Args:
            tests: in their order, with the seconds each may take.
        """
        known = self.functions.get(at)
        if not known or any(f.__code__.co_freevars != code.co_freevars for f in known):
            return None

        def trial() -> str:
            for function in known:
                function.__code__ = code
            ran = self.run([*tests], lambda name: signal.setitimer(signal.ITIMER_PROF, tests[name]))
            return next((name for name, failed in ran if failed), "")

        def calm() -> str:
            with own_folder(self.session.config):
                return trial()

        return forked(calm, sum(tests.values()))


class Plugin:
    """Does ``work`` with a collected session in place of running its tests."""

    def __init__(self, work: Callable[[Server], None] | None = None) -> None:
        self.work = work

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let Hypothesis try the same each time, and not look for the smallest example."""
        for item in items:
            test = getattr(item, "obj", None)
            if hasattr(test, "_hypothesis_internal_use_settings"):
                given = test._hypothesis_internal_use_settings
                test._hypothesis_internal_use_settings = settings(
                    given,
                    max_examples=min(given.max_examples, EXAMPLES),
                    phases=[Phase.explicit, Phase.generate],
                    # A machine that has other work to do is no test that noticed.
                    suppress_health_check=list(HealthCheck),
                    derandomize=True,
                    database=None,
                    report_multiple_bugs=False,
                )

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Hand the session over."""
        if self.work is None:
            return None
        self.work(Server(session))
        return True


def serve(paths: Sequence[str], work: Callable[[Server], None]) -> None:
    """Collect tests and do ``work`` with them, in this process."""
    pytest.main([*QUIET, *paths], plugins=[Plugin(work)])


@contextmanager
def own_folder(config: pytest.Config) -> Iterator[None]:
    """Let the tests of a fork write where nobody else does."""
    folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=FAST))
    config._tmp_path_factory._basetemp = folder
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def try_module(name: str, path: str, code: CodeType, tests: Sequence[str], most: float) -> Verdict:
    """Try a module with other code, imported anew; call it where nothing of ours is imported."""

    def trial() -> str:
        sys.meta_path.insert(0, _Finder(name, path, code))
        folder = tempfile.mkdtemp(prefix="mutant-", dir=FAST)
        try:
            told = pytest.main([*QUIET, "-x", f"--basetemp={folder}/t", *tests], plugins=[Plugin()])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return "" if told == pytest.ExitCode.OK else "import or tests"

    return forked(trial, most)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


class _Finder(MetaPathFinder):
    def __init__(self, module: str, path: str, code: CodeType) -> None:
        self.module, self.path, self.code = module, path, code

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        loader = _Loader(fullname, self.path, self.code)
        return spec_from_file_location(fullname, self.path, loader=loader)


def forked(trial: Callable[[], str], most: float, *, quiet: bool = True) -> Verdict:
    """Do a trial in a fork that may use ``most`` seconds of processor, and ten times that by the clock."""
    began = time.monotonic()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reads)
        resource.setrlimit(resource.RLIMIT_CPU, (int(most) + 1, int(most) + 2))
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2) if quiet else ():
            os.dup2(silent, stream)
        try:
            said = trial()
        except BaseException as error:  # noqa: BLE001 whatever breaks a trial was noticed
            said = f"{type(error).__name__}"
        with suppress(BrokenPipeError):
            os.write(writes, said.encode() or b"-")
        os._exit(0)
    os.close(writes)
    while True:
        done, _ = os.waitpid(child, os.WNOHANG)
        passed = time.monotonic() - began
        if done:
            break
        if passed > 10 * most + 30:
            _kill(child)
            os.waitpid(child, 0)
            break
        time.sleep(0.002)
    said_ = os.read(reads, 4096).decode() if done else ""
    os.close(reads)
    _kill(child)  # and whatever it has started
    return Verdict(by="" if said_ == "-" else said_ or "time", seconds=round(passed, 2))


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
