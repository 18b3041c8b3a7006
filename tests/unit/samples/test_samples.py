"""What ships with the node is real, whole and licensed."""

import pytest

from mithaq.formats import BUILT_IN
from mithaq.model.objects import Object, references
from mithaq.samples import UnknownSample, path

SAMPLES = {"attack-subset.json": 245, "indicator-report.json": 155}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_object_of_a_sample_is_valid_and_refers_to_nothing_outside(name):
    objects = list(BUILT_IN.read(path(name).read_bytes()))

    assert len(objects) == SAMPLES[name]
    assert all(isinstance(each, Object) for each in objects)
    ids = {each.id for each in objects}
    assert len(ids) == len(objects)
    assert {target for each in objects for _, target in references(each.body)} <= ids


@pytest.mark.parametrize("name", ["ATTACK-LICENSE.txt", "INDICATORS-LICENSE.txt", "README.md"])
def test_the_licences_lie_beside_the_samples(name):
    assert path(name).read_text("utf-8").strip()


@pytest.mark.parametrize("name", ["", "none.json", "../config.py", "/etc/passwd", "."])
def test_nothing_else_is_a_sample(name):
    with pytest.raises(UnknownSample):
        path(name)
