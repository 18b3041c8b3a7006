"""An analyst asks what is emerging, and reads why; on a node of one day, that there is no baseline yet."""

import json
from datetime import timedelta

from mithaq import clock, intel
from mithaq.node import open_node
from tests.journeys.test_formats import say

__all__ = ["say"]
IVY = "malware--00000000-0000-4000-8000-000000000001"
OLD = "malware--00000000-0000-4000-8000-000000000002"


def made(id_, ago, **more):
    at = f"{clock.now() - timedelta(days=ago):%Y-%m-%dT00:00:00.000Z}"
    type_ = id_.partition("--")[0]
    return {"type": type_, "spec_version": "2.1", "id": id_, "created": at, "modified": at, **more}


def seen(number, of, ago):
    id_ = f"sighting--00000000-0000-4000-8000-{number:012d}"
    return made(id_, ago, sighting_of_ref=of)


def write(file, *objects):
    whole = {"type": "bundle", "id": "bundle--" + IVY[9:], "objects": objects}
    file.write_text(json.dumps(whole), "utf-8")
    return str(file)


def counted(home):
    with open_node(home) as node:
        intel.count_on(node.core)


def test_an_analyst_reads_what_is_emerging_and_why(say, tmp_path):
    home = tmp_path / "home"
    names = [
        made(each, 300, name=name, is_family=True) for each, name in ((IVY, "Ivy"), (OLD, "Old"))
    ]
    first = write(tmp_path / "first.json", *names, seen(1, IVY, 1))
    say("import", first, "--tlp", "GREEN", "--as", "ana")
    counted(home)
    assert "no baseline yet" in say("emerging", "--of", "malware", "--as", "ana")

    for source, at in (("one", 10), ("two", 1000), ("three", 2000)):
        old = [seen(at + n, OLD, n) for n in range(8, 90, 3)]
        new = [seen(at + 500 + n, IVY, n) for n in (1, 2)]
        file = write(tmp_path / f"{source}.json", *old, *new)
        say("import", file, "--tlp", "AMBER", "--as", "ana")
    counted(home)

    told = say("emerging", "--evidence", "--of", "malware,targets", "--as", "ana")
    found = json.loads(say("emerging", "--as", "ana", "--json"))
    low = json.loads(say("emerging", "--up-to", "GREEN", "--as", "ana", "--json"))

    assert "Ivy" in told
    assert "by chance alone" in told.lower()
    assert "TLP:AMBER" in told
    [ivy] = next(each for each in found["families"] if each["family"] == "malware")["findings"]
    assert (ivy["name"], ivy["news"], ivy["claims"], ivy["partners"]) == ("Ivy", "burst", 7, 0)
    assert len(ivy["evidence"]) == 7
    assert (found["marking"], low["marking"]) == ("TLP:AMBER", "TLP:GREEN")
    assert [each["findings"] for each in low["families"]] == [[], [], [], []]
    assert "متزايد" in say("emerging", "--as", "ana", language="ar")
    say("emerging", "--since", "36h", "--as", "ana", code=2)
    say("emerging", "--of", "weather", "--as", "ana", code=2)
