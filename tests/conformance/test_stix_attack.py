"""All of MITRE ATT&CK Enterprise is read, and stays as it was written."""

from pathlib import Path

import pytest

from mithaq.formats import BUILT_IN
from mithaq.model.canonical import canonical, parse
from mithaq.model.markings import MarkingKind, classify
from mithaq.model.objects import Object

FILE = Path(__file__).parents[3] / "shared" / "data" / "attack" / "enterprise-attack.json"


@pytest.mark.skipif(not FILE.exists(), reason="no ../shared/data/attack beside the checkout")
def test_every_object_of_attack_is_accepted_with_its_bytes_kept():
    """The file has one object a line: its lines are the oracle for where each object stands."""
    raw = FILE.read_bytes()
    lines = [line.removesuffix(b",") for line in raw.splitlines()[1:-1]]

    objects = list(BUILT_IN.read(raw))

    assert len(objects) == 24_771
    assert all(isinstance(each, Object) for each in objects)
    assert [each.raw for each in objects] == lines
    assert all(parse(canonical(dict(each.body))) == each.body for each in objects[::50])
    marking = next(each for each in objects if each.type == "marking-definition")
    assert classify(marking.body).kind == MarkingKind.STATEMENT
