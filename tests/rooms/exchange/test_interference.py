"""What stands on another peer's shelf changes no byte that a peer observes, on any route, reading or writing."""

import json
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mithaq.formats.export import EXPORTS
from mithaq.seal.keys import encode
from mithaq.store import shelf as shelves
from mithaq.store.shelf import Caller
from tests.rooms.exchange.world import (
    B_SHELF,
    BASE_CHANNEL,
    C_SHELF,
    CLIENT_SHELF,
    build,
    envelope,
    stamp,
    stix,
)

B_ROOT, CLIENT_ROOT = f"/taxii2/{B_SHELF}/", f"/taxii2/{CLIENT_SHELF}/"
NUMBERS = st.integers(1, 12)
VERSIONS = st.sampled_from([f"2026-0{month}-01T00:00:00.000Z" for month in range(1, 5)])
_RANDOM = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def asked(world):
    """Ask everything that the first node and the first client can ask; return all they see."""
    seen = []
    for who, root in (("borealis", B_ROOT), ("misp", CLIENT_ROOT)):
        paths = ["/taxii2/", root, root + "collections/", "/mithaq/heartbeat/", "/mithaq/keys/"]
        paths += ["/export/", *(f"/export/{name}" for name in EXPORTS)]
        paths += ["/export/misp/manifest.json", "/export/misp/hashes.csv"]
        paths += [f"/taxii2/{C_SHELF}/", f"/taxii2/{C_SHELF}/collections/intel/objects/"]
        paths += [f"/taxii2/{c}/frames/" for c in (B_SHELF, C_SHELF, BASE_CHANNEL)]
        for alias in ("intel", "seals", "inbox"):
            base = f"{root}collections/{alias}/"
            for end in ("", "objects/", "manifest/"):
                paths.append(base + end)
                paths += [
                    f"{base}{end}?{query}"
                    for query in (
                        "limit=2",
                        "match[version]=all",
                        "match[version]=first",
                        "match[type]=tool",
                        f"added_after={stamp(2)}",
                    )
                ]
            for number in range(1, 13):
                paths.append(f"{base}objects/{stix(number)[0]}/")
                paths.append(f"{base}objects/{stix(number)[0]}/versions/")
        for path in paths:
            answer = world.get(who, path)
            seen.append((path, answer))
            page = json.loads(answer.body) if answer.body.startswith(b"{") else {}
            if page.get("more"):
                rest = f"{path}{'&' if '?' in path else '?'}next={page['next']}"
                seen.append((rest, world.get(who, rest)))
    inbox = CLIENT_ROOT + "collections/inbox/objects/"
    for who, method, path, body in (
        ("misp", "POST", inbox, envelope(stix(3))),
        ("misp", "DELETE", inbox + f"{stix(1)[0]}/", b""),
        ("misp", "GET", inbox, b""),
        ("borealis", "POST", f"/taxii2/{B_SHELF}/frames/", b"x" * 30_000),
        ("borealis", "POST", f"/taxii2/{C_SHELF}/frames/", b"x" * 30_000),
        ("borealis", "POST", inbox, envelope(stix(3))),
        ("borealis", "DELETE", f"/taxii2/{C_SHELF}/collections/intel/objects/x/", b""),
    ):
        answer = world.ask(who, method, path, body)
        seen.append((path, answer.status, dict(answer.headers), _RANDOM.sub(b"", answer.body)))
    return seen


def fill(world, seal=None):
    """Put onto the first node's and the first client's shelf what both worlds have; return the seal shown."""
    for shelf in (B_SHELF, CLIENT_SHELF):
        world.place(shelf, stix(1), stix(2), stix(4, version="2026-02-01T00:00:00.000Z"))
        pattern = "[domain-name:value = 'evil.example']"
        more = {"pattern": pattern, "pattern_type": "stix", "valid_from": stix(1)[2]}
        world.place(shelf, stix(5, "indicator", **more))
    world.post_settled(CLIENT_SHELF, stix(1))
    seal = world.frame(B_SHELF, "borealis", 1, stix(1)[3], envelope=seal)
    with world.shelf.begin() as unit:
        shelves.put_heartbeat(unit, "borealis", b"beat")
        shelves.put_document(unit, "keys", b"ours")
    return seal


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    placed=st.lists(st.tuples(NUMBERS, VERSIONS), unique=True, max_size=12),
    removed=st.integers(0, 4),
    frames=st.integers(0, 3),
    spooled=st.integers(0, 3),
    state=st.sampled_from(["open", "blocked", "closed"]),
)
def test_another_peers_business_changes_no_byte(placed, removed, frames, spooled, state):
    with tempfile.TemporaryDirectory() as folder:
        plain, busy = (build(Path(folder) / name) for name in ("plain", "busy"))
        busy.signers = dict(plain.signers)
        with busy.shelf.begin() as unit:
            for name, signer in plain.signers.items():
                keys = {signer.keyid: encode(signer.public)}
                shelves.put_caller(unit, Caller(name=name, kind="node", keys=keys))
        fill(busy, fill(plain))
        busy.open_shelf("7" * 32, "siem")
        busy.post_settled("7" * 32, stix(1), stix(9))
        busy.place(C_SHELF, *(stix(n, version=version) for n, version in placed))
        for number, version in placed[:removed]:
            busy.remove(C_SHELF, stix(number)[0], version)
        for seq in range(1, frames + 1):
            busy.frame(C_SHELF, "cyrene", seq, stix(seq)[3])
            busy.frame("8" * 32, "cyrene", seq)
        for _ in range(spooled):
            busy.ask("cyrene", "POST", f"/taxii2/{C_SHELF}/frames/", b"x" * 40_000)
        busy.open_shelf(C_SHELF, "cyrene", state=state)

        assert asked(busy) == asked(plain)

        for world in (plain, busy):
            world.shelf.close()
            world.spool.close()
