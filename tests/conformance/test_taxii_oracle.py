"""TAXII 2.1 section 3.4: what filters choose, against medallion's own filter over the same records."""

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medallion.filters.basic_filter import BasicFilter

from tests.rooms.exchange.world import B_SHELF, build, stamp, stix

PATH = f"/taxii2/{B_SHELF}/collections/intel/manifest/"
ALLOWED = ("id", "type", "version", "spec_version")
VERSIONS = [f"2026-0{month}-01T00:00:00.000Z" for month in range(1, 5)]
TYPES = ["tool", "malware", "campaign"]

placed = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(VERSIONS)), unique=True, min_size=1, max_size=14
)
one_of_versions = st.lists(
    st.sampled_from(["first", "last", *VERSIONS]), unique=True, min_size=1, max_size=3
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "added_after": st.integers(0, 15).map(stamp),
        "match[id]": st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True).map(
            lambda numbers: ",".join(made(n)[0] for n in numbers)
        ),
        "match[type]": st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True).map(
            ",".join
        ),
        "match[version]": st.one_of(st.just("all"), one_of_versions.map(",".join)),
        "match[spec_version]": st.sampled_from(["2.1", "2.0", "2.0,2.1"]),
    },
)


def made(number, version=VERSIONS[0]):
    return stix(number, TYPES[number % len(TYPES)], version)


def expected(records, asked):
    """What medallion would show; it answers an empty result with no order."""
    found, _, headers = BasicFilter(dict(asked)).process_filter(
        [dict(record) for record in records], ALLOWED, None, None
    )
    return sorted(found, key=lambda record: record["date_added"]), headers


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_filters_choose_what_medallion_chooses(data):
    objects = data.draw(placed, label="placed")
    with tempfile.TemporaryDirectory() as folder:
        world = build(Path(folder) / "home")
        dates = world.place(B_SHELF, *(made(number, version) for number, version in objects))
        records = [
            {
                "id": made(number)[0],
                "date_added": date,
                "version": version,
                "media_type": "application/stix+json;version=2.1",
            }
            for (number, version), date in zip(objects, dates, strict=True)
        ]
        for _ in range(6):
            asked = data.draw(filters, label="filters")
            query = "&".join(f"{name}={value}" for name, value in asked.items())

            answer = world.get("borealis", f"{PATH}?{query}" if query else PATH)

            ours = json.loads(answer.body).get("objects", [])

            theirs, dated = expected(records, asked)
            assert ours == theirs
            for name, value in dated.items():
                assert answer.headers[name.lower()] == value
        world.shelf.close()
        world.spool.close()
