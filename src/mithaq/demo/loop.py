"""The loop of defence: what a partner told is looked for in our own logs, and what was seen goes back to them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mithaq import defence, intel
from mithaq.border import people
from mithaq.defence import Detail
from mithaq.demo.incident import IMPLANT, OLD, Incident
from mithaq.demo.nations import Nation, wait
from mithaq.ingest import hunting, keeping, wanted
from mithaq.intel import Copy

_DAY = len("2026-01-31")
MACHINES = ("ws-04.borea.example", "ws-11.borea.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunted:
    """What a hunt read and found."""

    files: int
    events: int
    looked_for: int
    groups: Sequence[Detail]


def write_logs(folder: Path, now: datetime) -> Path:
    """Write down what Borea's resolver and two of its machines saw in the hour before, or in the last hour of a day.

    Hits are judged day by day, and the story is of one.
    """
    folder.mkdir()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if now - midnight < timedelta(hours=1):
        now = midnight - timedelta(minutes=1)
    asked = [
        ("www.borea.example", 50),
        (OLD, 41),
        ("mirror.borea.example", 30),
    ]
    lines = [
        f"{now - timedelta(minutes=ago):%d-%b-%Y %H:%M:%S.000} queries: info: client @0x7f2c 192.0.2.{ago}#53124 "
        f"({name}): query: {name} IN A +E(0)K (192.0.2.53)"
        for name, ago in asked
    ]
    (folder / "resolver.log").write_text("\n".join(lines) + "\n")
    started = [
        {
            "EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": machine,
            "UtcTime": f"{now - timedelta(minutes=ago):%Y-%m-%d %H:%M:%S.000}", "User": f"BOREA\\{user}",
            "Image": image, "Hashes": f"SHA256={digest}",
        }
        for machine, user, image, digest, ago in (
            (MACHINES[0], "mona", "C:\\Windows\\explorer.exe", "1f" * 32, 55),
            (MACHINES[0], "mona", "C:\\Users\\Public\\sync.exe", IMPLANT, 40),
            (MACHINES[1], "karim", "C:\\Users\\Public\\sync.exe", IMPLANT, 22),
        )
    ]  # fmt: skip
    (folder / "sysmon.jsonl").write_text("".join(json.dumps(each) + "\n" for each in started))
    return folder


def hunt(nation: Nation, logs: Path) -> Hunted:
    """Let the analyst look in logs for all that the nation holds."""
    node = nation.node
    with node.core.read() as unit:
        ana = people.named(unit, "ana")
        some = list(defence.held(unit, node.us, ana, node.clock()))
    run = hunting.Hunt(
        wanted.content([], [], held=some),
        keeper=keeping.keeper(node.core, node.config, node.clock),
    )
    for _ in run.run([logs]):
        pass
    with node.core.read() as unit:
        now = node.clock()
        seqs = [each.group.seq for each in defence.hits(unit, node.us, ana, now)]
        groups = [defence.show(unit, node.us, ana, seq, now) for seq in seqs]
    return Hunted(files=run.files, events=run.events, looked_for=run.content.count, groups=groups)


def tell(nation: Nation, group: Detail) -> None:
    """Let the analyst judge that a hit is true, and tell whom it came from."""
    node = nation.node
    with node.core.begin() as unit:
        ana, now = people.named(unit, "ana"), node.clock()
        defence.judge(unit, node.us, ana, group.group.seq, "true", now)
        defence.release(unit, node.us, ana, group.group.seq, (), now)


def told(nation: Nation, incident: Incident) -> tuple[Copy, float]:
    """Wait until a nation holds a sighting of its own indicator; return it, and the seconds that it took."""

    def arrived() -> list[Copy]:
        with nation.node.core.read() as unit:
            copies = intel.received(unit, nation.node.us, people.named(unit, "ana"))
        return [
            copy
            for copy in copies
            if copy.object.body.get("sighting_of_ref") == incident.implant.id
        ]

    took = wait(lambda: bool(arrived()), "what Borea saw did not arrive")
    return arrived()[0], took


def names_nothing(copy: Copy) -> bool:
    """Say whether a sighting names no machine and nobody of those that it was seen at."""
    written = copy.object.raw.decode()
    return not any(name in written for name in (*MACHINES, "mona", "karim", "sync.exe", "192.0.2."))


def days(copy: Copy) -> str:
    """Return the day that a sighting tells of, or the first and the last."""
    body = copy.object.body
    first, last = (str(body[name])[:_DAY] for name in ("first_seen", "last_seen"))
    return first if first == last else f"{first}/{last}"
