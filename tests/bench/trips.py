"""Trips through the other format and back: MISP → STIX → MISP and STIX → MISP → STIX, beside misp-stix.

Sent are the fixtures of misp-stix's own tests, ours, events and bundles drawn with every mark for every element, the
public cases of STIX, MITRE ATT&CK and public sets of indicators. ``tests.trips`` compares both sides leaf by leaf.

misp-stix is installed from PyPI into the measure's folder and goes with it; its tests are in no package, so they are
read from a checkout that ``BENCH_MISP_STIX`` names. Without one its fixtures are left out, and the figure says so.
"""

import json
import os
import subprocess
import sys
import tarfile

from hypothesis import HealthCheck, given, settings

from mithaq.errors import InputError
from mithaq.formats.misp.roundtrip import compared
from tests import trips
from tests.bench.common import ATTACK, Figure
from tests.rooms.formats.test_misp_writing import RICH
from tests.trip_cases import bundles, events, objects_in, trip_of_events, trip_of_objects

DATA = ATTACK.parents[1]
CHECKOUT = os.environ.get("BENCH_MISP_STIX", "")
PACKAGES = ("misp-stix==2026.10.12",)
DRAWN = 1000  # events, and as many bundles

FIXTURES = """
import importlib, inspect, json, pathlib, sys
root = sys.argv[1]
sys.path.insert(0, root)
def plain(made):
    return json.loads(made.serialize()) if hasattr(made, "serialize") else made
def made_by(module):
    of_it = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__]
    for holder in (module, *of_it):
        for name in sorted(dir(holder)):
            make = getattr(holder, name)
            if name.startswith("get_") and callable(make) and getattr(make, "__module__", "") == module.__name__:
                wanted = [p for p in inspect.signature(make).parameters.values() if p.default is p.empty]
                yield plain(make(*["2.1"] * len(wanted)))
events, bundles = [], []
files = [json.loads(f.read_text()) for f in sorted(pathlib.Path(root, "tests").glob("*.json"))]
for found in [*made_by(importlib.import_module("tests.test_events")), *files]:
    found = found.get("response", found) if isinstance(found, dict) else found
    for each in found if isinstance(found, list) else [found]:
        each = each.get("Event", each) if isinstance(each, dict) else {}
        if "info" in each:
            events.append(each)
bundles += [each for each in files if each.get("type") == "bundle"]
for kind in ("external_stix20", "external_stix21", "internal_stix20", "internal_stix21"):
    some = made_by(importlib.import_module(f"tests.test_{kind}_bundles"))
    bundles += [each for each in some if isinstance(each, dict) and each.get("type") == "bundle"]
json.dump({"events": events, "bundles": bundles}, sys.stdout)
"""

RIVAL = """
import json, sys, time
from misp_stix_converter import InternalSTIX2toMISPParser, MISPtoSTIX21Parser
sides, begin = [], time.process_time()
for event in json.load(sys.stdin):
    try:
        out = MISPtoSTIX21Parser()
        out.parse_misp_event(event)
        back = InternalSTIX2toMISPParser()
        back.load_stix_bundle(out.bundle)
        back.parse_stix_bundle()
        found = back.misp_events
        found = found if isinstance(found, list) else [found]
        sides.append([json.loads(each.to_json()) for each in found])
    except Exception:
        sides.append([])
json.dump({"sides": sides, "seconds": time.process_time() - begin}, sys.stdout)
"""


def trips_there_and_back(folder):
    """Send everything that there is on a trip, and misp-stix's events through misp-stix too."""
    python = _rival(folder)
    fixtures = {"events": [], "bundles": []}
    if CHECKOUT:
        fixtures = json.loads(subprocess.check_output([python, "-c", FIXTURES, CHECKOUT]))
    theirs, own = fixtures["events"], [RICH, *_drawn(events())]
    yield _of_events(python, theirs, own)
    sets = {
        "misp-stix's": [json.dumps(each).encode() for each in fixtures["bundles"]],
        "of the validator's cases": [*_cases()],
        "of ATT&CK": [ATTACK.read_bytes()],
        "of public sets": [*_public()],
    }
    yield _of_objects(sets, [*_drawn(bundles())])


def _rival(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=600)
    pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *PACKAGES], check=True, timeout=600, capture_output=True)
    return str(folder / "bin" / "python")


def _drawn(strategy):
    """Return what a strategy draws, the same each time."""
    found = []

    @settings(
        max_examples=DRAWN, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def draw(each):
        found.append(each)

    draw()
    return found


def _cases():
    path = DATA / "stix_cases/validator_suite.json"
    for case in json.loads(path.read_bytes())["cases"]:
        if case["valid"]:
            yield json.dumps(case["instance"]).encode()


def _public():
    with tarfile.open(DATA / "detection/stix-indicator-sets.tar.xz") as packed:
        for member in packed:
            if member.isfile() and member.name.endswith(".json"):
                yield packed.extractfile(member).read()


def _of_events(python, theirs, own):
    sums = {"elements": 0, "lowered": 0, "differences": 0, "unnamed": 0}
    for event in (*theirs, *own):
        report, unnamed, lower = trip_of_events([event])
        sums["elements"] += report.objects
        sums["lowered"] += len(lower)
        sums["differences"] += len(report.lost)
        sums["unnamed"] += len(unnamed)
        _say(unnamed, lower)
    some = [*theirs, *own]
    told = subprocess.run(
        [python, "-c", RIVAL], input=json.dumps(some).encode(), check=True, capture_output=True
    )
    sides = json.loads(told.stdout)["sides"]
    beside = {"lowered": 0, "differences": 0, "failed": 0}
    for event, after in zip(some, sides, strict=True):
        beside["failed"] += not after
        beside["lowered"] += len(trips.widened([event], after))
        beside["differences"] += len(compared([event], after).lost)
    whose = f"{len(theirs)} of misp-stix's tests" if theirs else "none of misp-stix's tests"
    return Figure(
        "MISP → STIX → MISP: marked lower, and differences without a name",
        f"{sums['lowered']}, {sums['unnamed']}", "0, 0",
        f"of {sums['elements']:,} elements and {sums['differences']:,} losses in {len(some):,} events: {whose},"
        f" {len(own):,} of ours with TLP, PAP, distributions and sharing groups drawn for each element; misp-stix in"
        f" the same run marks {beside['lowered']:,} lower or for more readers, loses {beside['differences']:,} and"
        f" breaks off at {beside['failed']:,} events",
    )  # fmt: skip


def _of_objects(sets, drawn):
    sums = {"objects": 0, "lowered": 0, "losses": 0, "unnamed": 0}
    told, refused = [], 0
    for name, some in sets.items():
        count = 0
        for raw in some:
            try:
                bodies = objects_in(raw)
            except InputError:
                refused += 1
                continue
            count += _add(sums, bodies)
        told.append(f"{count:,} {name}")
    told.append(f"{sum(_add(sums, each) for each in drawn):,} drawn with every mark and caveat")
    return Figure(
        "STIX → MISP → STIX: marked lower, and differences without a name",
        f"{sums['lowered']}, {sums['unnamed']}", "0, 0",
        f"of {sums['objects']:,} objects and {sums['losses']:,} losses: {', '.join(told)};"
        f" {refused:,} files are no STIX",
    )  # fmt: skip


def _add(sums, bodies):
    report, unnamed, lower = trip_of_objects(bodies)
    sums["objects"] += report.objects
    sums["lowered"] += len(lower)
    sums["losses"] += len(report.lost)
    sums["unnamed"] += len(unnamed)
    _say(unnamed, lower)
    return report.objects


def _say(*found):
    for some in found:
        for each in some:
            sys.stderr.write(f"{str(each)[:600]}\n")
