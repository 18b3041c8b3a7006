"""Formats are found by name or at a glance; a plug-in never replaces one."""

import pytest

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Layout, UnknownFormat


class Lines:
    """A format of a plug-in: one object a line."""

    def __init__(self, name="lines", begins=b"#"):
        self.name = name
        self._begins = begins

    def fits(self, raw):
        return raw.startswith(self._begins)

    def read(self, raw, limits, layout):
        return iter([f"{self.name} read {len(raw)} of {limits.max_bytes}{layout.kind}"])


def test_what_begins_like_a_json_object_is_read_as_stix():
    assert list(BUILT_IN.read(b' \n{"objects": []}')) == []


@pytest.mark.parametrize("name", [None, "stix"])
def test_what_no_format_fits_says_which_there_are(name):
    with pytest.raises(InputError):
        list(BUILT_IN.read(b"# text", name))
    with pytest.raises(UnknownFormat, match="stix"):
        BUILT_IN.read(b"# text")


def test_a_name_nobody_has_is_refused():
    with pytest.raises(UnknownFormat, match="minutes"):
        BUILT_IN.read(b"{}", "minutes")


def test_a_plug_in_reads_what_fits_it_and_earlier_formats_come_first():
    registry = BUILT_IN.extended(Lines(), Lines("braces", b"{"))

    assert list(registry.read(b"# a")) == ["lines read 3 of 67108864"]
    assert list(registry.read(b"{}")) == []
    assert list(registry.read(b"{}", "braces")) == ["braces read 2 of 67108864"]
    assert BUILT_IN.formats != registry.formats


def test_a_plug_in_is_told_what_a_person_says_of_the_layout():
    registry = BUILT_IN.extended(Lines())

    assert list(registry.read(b"# a", layout=Layout(kind="md5"))) == ["lines read 3 of 67108864md5"]


@pytest.mark.parametrize("more", [[Lines("stix")], [Lines(), Lines()]])
def test_a_plug_in_never_replaces_another_format(more):
    with pytest.raises(InputError):
        BUILT_IN.extended(*more)
