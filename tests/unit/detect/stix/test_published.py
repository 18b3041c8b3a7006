"""The patterns that the field publishes: all are read, or refused with a reason."""

import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from mithaq.detect.stix.stream import Stream

SETS = Path(__file__).parents[5] / "shared" / "data" / "detection" / "stix-indicator-sets.tar.xz"


def patterns_in(said):
    """Yield all that stands as a pattern of STIX in a document."""
    if isinstance(said, dict):
        pattern = said.get("pattern")
        if isinstance(pattern, str) and pattern.lstrip()[:1] in {"[", "("}:
            yield pattern
        said = list(said.values())
    if isinstance(said, list):
        for each in said:
            yield from patterns_in(each)


@pytest.mark.skipif(not SETS.exists(), reason="no ../shared/data/detection beside the checkout")
def test_all_that_the_field_publishes_is_filed_or_refused_with_a_reason():
    with tarfile.open(SETS) as archive:
        files = [each for each in archive if each.name.endswith((".json", ".stix2"))]
        documents = [json.loads(archive.extractfile(each).read()) for each in files]
    published = sorted({pattern for each in documents for pattern in patterns_in(each)})

    stream = Stream((pattern, pattern) for pattern in published)

    assert len(published) > 16_000
    assert Counter(error.code for error in stream.refused.values()) == {
        "pattern-sign": 3,  # rules of Suricata and YARA in square brackets
        "pattern-syntax": 1,  # a Sigma rule
    }
    told = Counter(code for codes in stream.tolerated.values() for code in codes)
    assert set(told) == {"hash-name", "renamed-type", "unknown-property", "unknown-type"}
