"""Three fictional nations: their homes, their people's keys, and their nodes as processes on loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

from mithaq.auth.actors import Role
from mithaq.border import people
from mithaq.clock import monotonic
from mithaq.config import Settings
from mithaq.errors import Fault
from mithaq.exchange.wire import PeerUnreachable, Request
from mithaq.node import Node, init
from mithaq.policy.agreement import Party
from mithaq.seal.keys import KeySigner, generate

PATIENCE = 300.0  # seconds to wait for anything: a first start on a busy machine takes minutes
STEP = 0.05
NATIONS = (
    ("aurelia", "QM", "Aurelia National CSIRT"),
    ("borea", "QN", "CERT Borea"),
    ("corvia", "QO", "Corvia Cyber Centre"),
)
PEOPLE = (("ana", Role.ANALYST), ("omar", Role.DUTY_OFFICER), ("lena", Role.POLICY_OWNER))


@dataclass(slots=True, kw_only=True)
class Nation:
    """One nation of the demonstration."""

    name: str
    country: str
    organisation: str
    node: Node
    keys: dict[str, KeySigner] = field(default_factory=dict)  # of its people
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where its peers reach it."""
        return self.node.us.url

    @property
    def party(self) -> Party:
        """It as a party of agreements."""
        return Party(name=self.name, country=self.country, organisation=self.organisation)


def found(folder: Path) -> list[Nation]:
    """Make the three homes, each with an analyst, a duty officer and a policy owner."""
    made: list[Nation] = []
    for (name, country, organisation), port in zip(NATIONS, _ports(len(NATIONS)), strict=True):
        settings = Settings(
            nation=name,
            organisation=organisation,
            country=country,
            url=f"http://127.0.0.1:{port}",
            listen=f"127.0.0.1:{port}",
            log_level="warning",
        )
        nation = Nation(
            name=name,
            country=country,
            organisation=organisation,
            node=init(folder / name, settings),
        )
        _enrol(nation, folder / name)
        made.append(nation)
    return made


def _enrol(nation: Nation, home: Path) -> None:
    for person, role in PEOPLE:
        key = generate()
        nation.keys[person] = key
        newcomer = people.Newcomer(
            name=person,
            roles=frozenset({role}),
            clearance="AMBER+STRICT",
            public=key.public,
        )
        with nation.node.core.begin() as unit:
            people.enrol(unit, newcomer, nation.node.clock(), by=people.OWNER)
        file = home / f"{person}.pem"
        file.touch(mode=0o600)
        file.write_bytes(key.pem())


def _ports(count: int) -> list[int]:
    """Return free ports of the loopback; held together, so that none comes twice."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return numbers


@contextmanager
def served(nations: Sequence[Nation]) -> Iterator[None]:
    """Serve the nodes as processes of their own; end them with the block."""
    try:
        for nation in nations:
            home = nation.node.config.home
            with (home / "serve.log").open("wb") as log:
                nation.process = subprocess.Popen(  # noqa: S603 our own interpreter and module
                    [sys.executable, "-m", "mithaq.serve", str(home)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                    start_new_session=True,  # Ctrl-C reaches us alone, who end them in order
                )
        for nation in nations:
            wait(lambda nation=nation: _answers(nation), f"{nation.name} does not answer")  # type: ignore[misc]
        yield
    finally:
        for nation in nations:
            if nation.process is not None:
                nation.process.terminate()
        for nation in nations:
            if nation.process is not None:
                nation.process.wait(PATIENCE)


def _answers(nation: Nation) -> bool:
    if nation.process is not None and nation.process.poll() is not None:
        said = (nation.node.config.home / "serve.log").read_text("utf-8", "replace")
        raise Fault(f"the node of {nation.name} ended: {said[-2000:]}")
    try:
        answer = nation.node.wire.send(
            Request(method="GET", url=f"{nation.url}/mithaq/keys/"), 1 << 20
        )
    except PeerUnreachable:
        return False
    return answer.status == 200  # noqa: PLR2004 OK


def wait(ready: Callable[[], bool], otherwise: str) -> float:
    """Wait until ``ready``; return the seconds it took.

    Raises:
        Fault: it is not ready in time.
    """
    start = monotonic()
    while not ready():
        if monotonic() - start > PATIENCE:
            raise Fault(f"{otherwise} within {PATIENCE:.0f} s")
        sleep(STEP)
    return monotonic() - start
