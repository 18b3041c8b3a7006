"""1.45 million entries of naive lists over all recordings: what of that would be told to a partner, and what stops it.

Aurelia takes the lists in by the real import, and tells Borea of those that match there, as a partner who believes its
lists does; Borea hunts for all of them in its telemetry by the real hunt, keeps the hits, and its people try to tell
Aurelia that they saw them. The gate is given no help: every entry counts since before the first recording, ages never,
and Aurelia knows no list of what is harmless.
"""

import dataclasses
import lzma
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mithaq import defence, intel
from mithaq.auth.actors import ROLES, Actor
from mithaq.config import Defence
from mithaq.formats import BUILT_IN, Layout
from mithaq.ingest.hunted import sought
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.wanted import Content
from mithaq.intel import Source
from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.model.listed import Effect
from mithaq.store import matches, objects
from tests.bench.common import ATTACK, Figure, text, timed
from tests.federation.world import Federation

DATA = ATTACK.parents[1] / "detection"
RECORDINGS = (
    *("mordor", "zeek-wrccdc", "evtx-attack-samples.tar.xz", "evtx-to-mitre.tar.xz"),
    "suricata-alerts.tar.xz",
)
BEFORE = datetime(2014, 1, 1, tzinfo=UTC)  # the first recording is of 2015
ANA = Actor(name="ana", roles=frozenset(ROLES), clearance=Clearance(tlp=Tlp.RED))
HASHES = {"md5", "sha1", "sha256"}  # no form tells these
SEEN = "a person looked and says so"
SAID = 40  # of what is left to a person, named


class _Undone(Exception):
    pass


def junk(folder: Path):
    """Try to tell of every hit: with nobody's word, and with that of somebody who judges without a look."""
    federation = Federation(folder / "junk")
    federation.clock.now = BEFORE
    aurelia, borea = (federation.nation(name, "QM") for name in ("aurelia", "borea"))
    aurelia.us.benign.become(lambda _: [], effects={"reserved": Effect.OFF}, allowed=())
    object.__setattr__(borea.us, "limits", Defence(worth=0))
    federation.enrol_all()
    terms = msgspec.structs.replace(
        text("warnings", ("aurelia", "borea"), kind="bilateral"), start="2013-01-01T00:00:00.000Z"
    )
    federation.sign(terms, "aurelia", "borea")
    entries, importing = _lists(federation, aurelia)
    run, matching = _hunted(aurelia, borea)
    groups = _warned(federation, aurelia, borea)
    yield _nobody(federation, borea, groups)
    yield from _blind(federation, borea, groups)
    sightings = [key for key in federation.held_by("aurelia") if key[0].startswith("sighting--")]
    yield Figure(
        "junk sightings of 1.45 M naive list entries that reach a partner", str(len(sightings)), "0",
        f"{entries:,} entries, imported in {importing:.0f} s, over {run.events:,} events of all recordings in"
        f" {matching:.0f} s: {run.keeper.new:,} hits of {len({g.rule for g in groups})} entries, {len(groups)} groups",
    )  # fmt: skip
    federation.close()


def _lists(federation, node):
    """Take in the lists; return how many entries they have, and the seconds that it took."""
    entries, took = 0, 0.0
    for path in sorted((DATA / "iocs").glob("*.tsv.xz")):
        raw = lzma.decompress(path.read_bytes())
        name = path.name.partition(".")[0]
        kind = name.rpartition("-")[2]
        incoming = intel.Incoming(
            raw=raw,
            source=Source(name=f"file:{name}", kind="file"),
            beside=Beside(tlp=Tlp.CLEAR),
            format="list",
            layout=Layout(kind=kind if kind in HASHES else ""),
        )
        seconds, _ = timed(
            lambda: intel.add(  # called at once
                node.core, node.us, ANA, incoming, federation.clock(), formats=BUILT_IN  # noqa: B023
            )
        )  # fmt: skip
        entries, took = entries + raw.count(b"\n"), took + seconds
    return entries, took


def _hunted(aurelia, borea):
    """Look for all that Aurelia holds in all recordings, and keep what is found as hits of Borea."""
    with aurelia.core.read() as unit:
        held = (
            (word._replace(giver="aurelia"), body)  # as Borea knows it
            for word, body in defence.held(unit, aurelia.us, ANA, aurelia.clock())
        )
        content = Content(indicators=sought((), held))
    run = Hunt(content, keeper=Keeper(borea.core, borea.clock))
    took, _ = timed(lambda: sum(hit is not None for hit in run.run(DATA / n for n in RECORDINGS)))
    return run, took


def _warned(federation, aurelia, borea):
    """Let Aurelia tell Borea of what matched there; return the groups of hits."""
    with borea.core.read() as unit:
        groups = matches.groups(unit)
    with aurelia.core.read() as unit:
        rows = objects.named(objects.everything(), sorted({each.rule for each in groups}))
        seqs = [copy.seq for each in rows for copy in objects.load(unit, each)]
    federation.release("aurelia", "warnings", seqs)
    federation.settle()
    assert len(federation.held_by("borea")) >= len({each.rule for each in groups})
    return groups


def _nobody(federation, node, groups):
    """Let the worker tell what goes by itself, and release each group that nobody judged."""
    with node.core.begin() as unit:
        gone = defence.go_on(unit, node.us, federation.clock())
        for group in groups:
            made = _release(unit, node, group, federation.clock())
            assert made.against, group
            gone += len(made.outcomes)
    federation.settle()
    return Figure(
        "of these released with nobody's judgement", str(gone), "0",
        f"{len(groups)} groups: each answered that nobody has judged it, or with what stands against it",
    )  # fmt: skip


def _blind(federation, node, groups):
    """Judge each true without a word, release it, and say what stopped it; then with a word, which is taken back."""
    gone, why, left = 0, Counter(), {}
    with node.core.begin() as unit:
        for group in groups:
            codes = _judged(unit, node, group, federation.clock())
            why[", ".join(sorted(codes - {"unexplained"})) or "unexplained alone"] += 1
            made = _release(unit, node, group, federation.clock())
            gone += len(made.outcomes)
    federation.settle()
    yield Figure(
        "of these released by somebody who judges all true without a look", str(gone), "0",
        "; ".join(f"{count} {code}" for code, count in why.most_common()),
    )  # fmt: skip
    with suppress(_Undone), node.core.begin() as unit:
        for group in groups:
            if not _judged(unit, node, group, federation.clock(), why=SEEN):
                shown = defence.show(unit, node.us, ANA, group.seq, federation.clock())
                left[group.rule] = _told(group, shown)
        raise _Undone
    yield Figure(
        "of these left to a person who says why", str(len(left)), "-",
        f"of {len({g.rule for g in groups})} entries: " + "; ".join(list(left.values())[:SAID]),
    )  # fmt: skip


def _judged(unit, node, group, now, why=""):
    """Judge a group true; return what stands against it."""
    said = defence.judge(unit, node.us, ANA, group.seq, "true", now, why=why)
    assert (said.copy is None) == bool(said.against)
    return {each.code for each in said.against}


def _release(unit, node, group, now):
    return defence.release(unit, node.us, ANA, group.seq, (), now)


def _told(group, shown):
    """Say of a group what its indicator is and what it rests on."""
    rests = shown.found[0].found
    fields = ", ".join(f"{name}={str(value)[:40]}" for name, value in list(rests.items())[:2])
    seen = dataclasses.asdict(shown.weighed)["prevalence"]
    return f"{group.title} ({group.source}; {fields}; {seen[0]} of {seen[1]} machines)"
