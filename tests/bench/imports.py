"""Import of real lists of indicators, one after the other into one store that grows, and of real sets of STIX."""

import lzma
import tarfile
from collections import Counter
from itertools import pairwise

from mithaq import intel
from mithaq.auth.actors import ROLES, Actor
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Layout
from mithaq.intel import Source
from mithaq.model.labels import Beside, Clearance, Tlp
from tests.bench.common import ATTACK, Figure, timed
from tests.federation.world import Federation

DETECTION = ATTACK.parents[1] / "detection"
ANA = Actor(name="ana", roles=frozenset(ROLES), clearance=Clearance(tlp=Tlp.RED))
HASHES = {"md5", "sha1", "sha256"}  # no form tells these


def imports(folder):
    """Take in every list, then every set; whatever was read is stored, known, or refused with a reason."""
    federation = Federation(folder / "imports")
    node = federation.nation("aurelia", "QM")
    yield _lists(federation, node)
    yield _sets(federation, node)
    federation.close()


def _lists(federation, node):
    entries, took, told = 0, 0.0, Counter()
    for path in sorted((DETECTION / "iocs").glob("*.tsv.xz")):
        raw = lzma.decompress(path.read_bytes())
        name = path.name.partition(".")[0]
        kind = name.rpartition("-")[2]
        layout = Layout(kind=kind if kind in HASHES else "")
        seconds, added = timed(lambda: _add(federation, node, name, raw, "list", layout))  # noqa: B023 called at once
        lines = [line for line in raw.decode().split("\n") if line.strip()]
        values = [line.partition("\t")[0] for line in lines]
        values = values if kind == "url" else [value.lower() for value in values]
        became = Counter(
            stored=len(added.stored), known=added.known, refused=len(added.rejected),
            joined=sum(one == other for one, other in pairwise(values)),
        )  # fmt: skip
        assert became.total() == len(lines), (name, became, len(lines))
        entries, took, told = entries + len(lines), took + seconds, told + became
    return Figure(
        "import of real lists", f"{entries / took:,.0f} a second", "20,000",
        f"{entries:,} entries in {took:.0f} s into one store, one core: {told['stored']:,} stored, {told['joined']:,}"
        f" joined with the line before, {told['refused']:,} refused, each by its line and reason",
    )  # fmt: skip


def _sets(federation, node):
    given, took, told, whole = 0, 0.0, Counter(), 0
    with tarfile.open(DETECTION / "stix-indicator-sets.tar.xz") as sets:
        files = {m.name: sets.extractfile(m).read() for m in sets if m.isfile()}
    for name, raw in files.items():
        if not name.endswith((".json", ".stix2")):
            continue
        try:
            seconds, added = timed(lambda: _add(federation, node, name, raw, None, Layout()))  # noqa: B023 called at once
        except InputError:
            whole += 1
            continue
        became = Counter(
            stored=len(added.stored), known=added.known, refused=len(added.rejected),
            markings=added.markings,
        )  # fmt: skip
        given, took, told = given + became.total(), took + seconds, told + became
    return Figure(
        "import of real sets of STIX objects", f"{given / took:,.0f} a second", "",
        f"{given:,} objects: {told['stored']:,} stored, {told['known']:,} known, {told['markings']:,} markings,"
        f" {told['refused']:,} refused; {whole} files are none of them",
    )  # fmt: skip


def _add(federation, node, name, raw, format_, layout):
    incoming = intel.Incoming(
        raw=raw,
        source=Source(name=f"file:{name}", kind="file"),
        beside=Beside(tlp=Tlp.GREEN),
        format=format_,
        layout=layout,
    )
    return intel.add(node.core, node.us, ANA, incoming, federation.clock(), formats=BUILT_IN)
