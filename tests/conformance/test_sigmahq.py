"""SigmaHQ's rules and its regression recordings, which lie beside the checkout and are not ours to copy."""

import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from mithaq.detect.engine import Engine, matches
from mithaq.detect.language import holds
from mithaq.detect.sigma import compiled, evaluable
from mithaq.formats.telemetry import read
from mithaq.formats.telemetry.lines import JsonLines

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
RULES, RECORDINGS = DATA / "sigmahq-rules.tar.gz", DATA / "sigmahq-regression.tar.xz"
ATTACKS = [
    *DATA.glob("mordor/**/cmd_psexec_lsa_secrets_dump.zip"),
    *DATA.glob("mordor/**/psh_lsass_memory_dump_comsvcs.zip"),
    *DATA.glob("mordor/**/cmd_sam_copy_esentutl.zip"),
]
pytestmark = pytest.mark.skipif(
    not (RULES.exists() and RECORDINGS.exists()),
    reason="SigmaHQ lies beside the checkout, in ../shared",
)


@pytest.fixture(scope="module")
def texts():
    with tarfile.open(RULES) as packed:
        return [
            packed.extractfile(each).read().decode()
            for each in packed
            if each.name.endswith(".yml") and each.name.split("/")[1].startswith("rules")
        ]


def test_nearly_every_rule_of_sigmahq_can_be_evaluated_and_of_the_rest_it_is_said_why(texts):
    said = evaluable(texts)
    assert said.rules == 3780
    assert said.evaluable >= 3700
    assert set(said.why_not) <= {"sigma-source", "sigma-fields", "sigma-placeholder"}
    assert said.on["sysmon"] > 2200
    assert said.on["security"] > 1300


def test_every_recording_of_sigmahq_that_must_fire_its_rule_does(texts):
    known = {}
    for text in texts:
        identifier = next(line for line in text.splitlines() if line.startswith("id:"))
        known[identifier.removeprefix("id:").strip()] = text
    with tarfile.open(RECORDINGS) as packed:
        files = {each.name: packed.extractfile(each).read() for each in packed if each.isfile()}
    tried, silent = 0, []
    for name, content in files.items():
        if not name.endswith("info.yml"):
            continue
        said = yaml.safe_load(content)
        for test in said.get("regression_tests_info", ()):  # one of Cisco has raw lines alone
            events = [*read([files[test["path"]]], test["path"])]
            for about in said["rule_metadata"]:
                rules = compiled(known[about["id"]]).rules
                found = sum(any(holds(r.predicate, e) for r in rules) for e in events)
                tried += 1
                if found < test.get("match_count", 1):
                    silent.append(about["title"])
    assert silent == []
    assert tried == 138


@pytest.mark.skipif(not ATTACKS, reason="recorded attacks lie beside the checkout, in ../shared")
def test_the_engine_finds_in_recorded_attacks_what_every_rule_says_of_every_event(texts):
    ours = [text for text in texts if "product: windows" in text]
    rules = [rule for text in ours for rule in compiled(text).rules]
    events = [event for path in ATTACKS for event in _every(path, 40)]

    found = {(match.digest, match.event) for match in Engine(rules).match(events)}

    assert found == {
        (rule.digest, event.digest) for event in events for rule in rules if matches(rule, event)
    }
    assert len(events) > 20
    assert found


def _every(path, distance):
    with zipfile.ZipFile(path) as packed:
        [name] = [each for each in packed.namelist() if not each.startswith("__MACOSX")]
        lines = packed.read(name).splitlines()[::distance]
    return JsonLines().feed(b"\n".join(lines) + b"\n")
