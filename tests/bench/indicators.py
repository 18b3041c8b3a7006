"""A million indicators, live: from the bytes of a log to matches as ``mithaq hunt --indicators`` finds them.

The log is the flat recordings of Windows and Zeek's JSON, with values of indicators planted in some lines; the least
that reading it takes is orjson parsing the same lines. Both begin at the file; beside that, orjson is given its lines
ready in memory. What should be found is found by plain sets as well.
"""

import gc
import gzip
import ipaddress
import itertools
import json
import lzma
import random
import re
import statistics
import time
import zipfile
from hashlib import sha256

import orjson

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.stix.patterns import Patterns
from mithaq.errors import InputError
from mithaq.ingest.hunted import Sought
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.wanted import Content
from mithaq.model.values import Value, of_kind
from tests.bench.common import Figure
from tests.bench.detecting import DATA

COUNT = 1_000_000
TIMES = 11
PLANTED = 1_000
BEFORE = "eset", "unit42", "amnesty"  # lists that are taken whole; the rest is Maltrail's


def indicators(folder):
    values = listed()
    known = Indicators(values)
    path = folder / "log.json"
    planted = write_log(path, values)
    sought = Sought(count=len(values), values=known, patterns=Patterns(()), unserved=())
    content = Content(indicators=sought)
    lines = path.read_bytes().splitlines()
    gc.collect()
    gc.freeze()  # the lists that the measure itself holds are not the hunt's to walk through
    rounds = [
        (cpu(lambda: parsed(path))[0], cpu(lambda: ready(lines))[0], *cpu(lambda: hunted(content, path)))
        for _ in range(TIMES)
    ]  # fmt: skip
    from_file, in_memory, ours = (min(each[at] for each in rounds) for at in range(3))
    # The two of a round stand side by side, whatever the machine does meanwhile; in the first no value was met before.
    first, *ratios = (each[0] / each[2] for each in rounds)
    ratios.sort()
    _, events, found = rounds[0][3]
    assert events == len(lines)
    wanted = plain(lines, values)
    assert planted <= found, f"{len(planted - found)} of what was planted is missing"
    assert wanted <= found, f"{len(wanted - found)} of what plain sets find is missing"
    more = found - wanted
    assert not more, f"{len(more)} more than plain sets find, such as {more.pop()}"
    yield Figure(
        f"{len(values):,} indicators live, against parsing", f"{statistics.median(ratios):.2f} of orjson", "0.8",
        f"{len(lines):,} lines ({path.stat().st_size >> 20} MiB) from file to {len(found):,} matches, {PLANTED:,} of"
        f" them planted, the same as by plain sets: {len(lines) / ours:,.0f} a second; orjson from the file"
        f" {len(lines) / from_file:,.0f}, its lines ready in memory {len(lines) / in_memory:,.0f}"
        f" ({in_memory / ours:.2f}), each the best of {TIMES} by CPU, one core; the ratio is the median of"
        f" {len(ratios)} rounds, {ratios[0]:.2f} to {ratios[-1]:.2f}; {first:.2f} before, when no value was known",
    )  # fmt: skip


def cpu(act):
    begin = time.process_time()
    made = act()
    return time.process_time() - begin, made


def parsed(path):
    loads = orjson.loads
    with path.open("rb") as log:
        for line in log:
            loads(line)


def ready(lines):
    loads = orjson.loads
    for line in lines:
        loads(line)


def hunted(content, path):
    """Return how many events there are, and the digests of those with the indicators they speak of."""
    run = Hunt(content)
    found = {(hit.match.event, hit.match.rule) for hit in run.run([path]) if hit}
    return run.refused.total(), run.events, found


def listed():
    """Return a million values of the lists, each an indicator: those of reports, then some of Maltrail's."""
    seen = {}
    files = sorted((DATA / "iocs").glob("*.tsv.xz"))
    for path in sorted(files, key=lambda each: not each.name.startswith(BEFORE)):
        kind = path.name.partition("-")[2].partition(".")[0].replace("cidr", "ipv4")
        with lzma.open(path, "rt", encoding="utf-8") as rows:
            for row in rows:
                try:
                    seen[of_kind(kind, row.partition("\t")[0].strip())] = None
                except InputError:
                    continue
    first = list(itertools.islice(seen, COUNT // 2))
    rest = list(itertools.islice(seen, COUNT // 2, None))
    chosen = first + random.Random(1).sample(rest, COUNT - len(first))
    return [Listed(value, f"indicator--{number}") for number, value in enumerate(chosen)]


def recorded():
    """Yield the flat events of Windows, recording by recording, then Zeek's, log by log."""
    for path in sorted(DATA.glob("mordor/*/windows/**/*.zip")):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if name.endswith(".json") and "__MACOSX" not in name:
                    yield from (
                        line for line in packed.read(name).splitlines() if b'"EventID"' in line
                    )
    for path in sorted(DATA.glob("zeek-wrccdc/*.json.gz")):
        yield from gzip.decompress(path.read_bytes()).split(b"\n")


def write_log(path, values):
    """Write the log; return what is planted, as ``hunted`` does."""
    of = {}
    for each in values:
        of.setdefault(each.value.kind, []).append(each)
    ways = [
        ("domain", b'"EventID"', lambda text: {"QueryName": f"a.{text}"}),
        ("ipv4", b'"EventID"', lambda text: {"DestinationIp": text.partition("/")[0]}),
        ("sha256", b'"EventID"', lambda text: {"Hashes": f"SHA1={'0' * 40},SHA256={text.upper()}"}),
        (
            "url",
            b'"EventID"',
            lambda text: {"RemoteName": text if "://" in text else f"http://{text}"},
        ),
        ("domain", b'"_path":"dns"', lambda text: {"query": text}),
        ("ipv4", b'"_path"', lambda text: {"id.resp_h": text.partition("/")[0]}),
        ("md5", b'"_path"', lambda text: {"md5": text}),
    ]
    lines = [line for line in recorded() if line]
    chance, planted = random.Random(2), set()
    for number, at in enumerate(chance.sample(range(len(lines)), PLANTED * 8)):
        kind, mark, more = ways[number % len(ways)]
        if mark not in lines[at] or len(planted) >= PLANTED:
            continue
        each = chance.choice(of[kind])
        lines[at] = json.dumps(
            json.loads(lines[at]) | more(each.value.text), ensure_ascii=False
        ).encode()
        planted.add(("sha256:" + sha256(lines[at]).hexdigest(), each.id))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return planted


# What plain sets find: the fields that hold values, and how each is written.
IPS = ["SourceIp", "DestinationIp", "IpAddress", "SourceAddress", "DestAddress", "ClientAddress"]
ZEEK_IPS = [
    "id.orig_h",
    "id.resp_h",
    "tx_hosts",
    "rx_hosts",
    "src",
    "dst",
    "x_originating_ip",
    "san.ip",
]
ZEEK_IPS += ["client_addr", "server_addr", "assigned_addr", "requested_addr"]
NAMES = ["SourceHostname", "DestinationHostname", "QueryName"]
ZEEK_NAMES = [
    "host",
    "request.host",
    "query",
    "server_name",
    "host_name",
    "domain",
    "san.dns",
    "answers",
]
MAILS = ["mailfrom", "rcptto", "from", "to", "cc", "reply_to", "san.email"]


def plain(lines, values):
    ids = {}
    networks = []
    for each in values:
        ids.setdefault((each.value.kind, key(each.value)), each.id)
        if "/" in each.value.text and each.value.kind == "ipv4":
            networks.append((ipaddress.ip_network(each.value.text), each.id))
    found, known = set(), {}
    for line in lines:
        for kind, text in said(orjson.loads(line)):
            hits = known.get((kind, text))
            if hits is None:
                hits = known[kind, text] = list(hit(kind, text, ids, networks))
            if hits:
                event = "sha256:" + sha256(line).hexdigest()
                found.update((event, each) for each in hits)
    return found


def key(value: Value):
    return value.text.removesuffix("/") if value.kind == "url" else value.text


def hit(kind, text, ids, networks):
    if kind == "host":
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            parts = text.lower().rstrip(".").split(".")
            names = (".".join(parts[at:]) for at in range(len(parts) - 1))
            yield from (ids[each] for each in (("domain", name) for name in names) if each in ids)
            return
        address = getattr(address, "ipv4_mapped", None) or address
        if ("ipv4", str(address)) in ids:
            yield ids["ipv4", str(address)]
        yield from (id_ for network, id_ in networks if address.version == 4 and address in network)
    elif (kind, text) in ids:
        yield ids[kind, text]


def said(event):
    """Yield what an event says in these fields: how it is looked up, and the text."""

    def each(*names):
        for name in names:
            value = event.get(name)
            yield from (one for one in (value if isinstance(value, list) else [value]) if one)

    yield from windows(each) if "EventID" in event else zeek(each)


def windows(each):
    for text in each(*IPS, *NAMES):
        yield "host", text
    for text in each("QueryResults"):
        yield from (
            ("host", re.sub(r"^type:\s*\d+ ", "", part.strip())) for part in text.split(";")
        )
    for text in each("Hashes"):
        for part in text.split(","):
            name, _, digest = part.partition("=")
            yield name.lower(), digest.lower()
    yield from urls(each("RemoteName", "url"))


def zeek(each):
    for text in each(*ZEEK_IPS, *ZEEK_NAMES):
        yield "host", text.removeprefix("*.")
    for text in each(*MAILS):
        yield from (("host", part) for part in re.findall(r"@([\w.-]+)", text))
    for kind in ("md5", "sha1", "sha256"):
        yield from ((kind, text) for text in each(kind))
    yield from urls(each("referrer", "san.uri"))


def urls(texts):
    for text in texts:
        if "://" in text:
            rest = text.partition("://")[2]
            yield "url", text.removesuffix("/")
            yield "url", rest.removesuffix("/")  # a list may have none
            yield "host", re.split(r"[/:?#]", rest)[0]
