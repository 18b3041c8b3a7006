"""A hunt that was broken off goes on where it stopped, and comes to what one that was not comes to."""

import json
from itertools import islice

import pytest

from mithaq import samples
from mithaq.detect.tallies import Tally
from mithaq.ingest import hunting, wanted
from mithaq.ingest.resuming import OtherHunt, Progress

LINES = [
    json.loads(each) for each in samples.path("hunt-log.jsonl").read_text("utf-8").splitlines()
]
AGAIN = """
title: Encoded commands again and again
correlation:
  type: event_count
  rules: encoded
  group-by: Computer
  timespan: 1h
  condition: {gte: 3}
---
title: Encoded
name: encoded
logsource: {category: process_creation, product: windows}
detection:
  one: {CommandLine|contains: ' -enc'}
  condition: one
"""


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """Three files of four batches each, which differ in their bytes, and one that no reader knows."""
    monkeypatch.setattr(hunting, "_BATCH", 128)
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in range(3):
        some = [
            json.dumps(LINES[n % len(LINES)] | {"RecordNumber": n + 2000 * name})
            for n in range(500)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join([*some, "no event"]), "utf-8")
    (folder / "strange.bin").write_bytes(b"\x00\x01" * 50)
    return folder


@pytest.fixture(params=["alone", "together"])
def content(request, tmp_path):
    """Rules that look at each event alone, and some whose hits rest on several."""
    rules = [samples.path("hunt-rules.yml")]
    if request.param == "together":
        file = tmp_path / "again.yml"
        file.write_text(AGAIN, "utf-8")
        rules.append(file)
    return wanted.content(rules, [])


def hunt(content, logs, *, state=None, until=None):
    """Hunt, to the end or until so many signs of life; return what it comes to."""
    tally, progress = Tally(), state and Progress(state, content.digest)
    run = hunting.Hunt(content, progress=progress)
    if progress:
        progress.begin()
    whole = run.run([logs])
    for hit in islice(whole, until):
        if hit is not None:
            tally.add(hit.match, hit.file)
    whole.close()
    if progress:
        progress.close()
    found = {
        digest: (each.count, each.first, each.last, sorted(each.files))
        for digest, each in tally.groups.items()
    }
    return found, run.events, run.files, run.done, run.refused


def test_wherever_it_was_broken_off_it_comes_to_the_same(content, logs, tmp_path):
    expected = hunt(content, logs)
    assert sum(each[0] for each in expected[0].values()) > 300

    for number, until in enumerate((1, 2, 40, 200, 370, 500, 900)):
        state = tmp_path / f"state-{number}"
        hunt(content, logs, state=state, until=until)
        hunt(content, logs, state=state, until=until // 2)
        torn = state.read_bytes()
        state.write_bytes(torn[: len(torn) - number])  # it was being written

        assert hunt(content, logs, state=state) == expected, until


def test_what_was_looked_through_is_not_matched_again(logs, tmp_path, monkeypatch):
    content, state = wanted.content([samples.path("hunt-rules.yml")], []), tmp_path / "state"
    hunt(content, logs, state=state)
    monkeypatch.setattr(hunting.Engine, "match", lambda *_: pytest.fail("matched again"))

    assert sum(each[0] for each in hunt(content, logs, state=state)[0].values()) > 300


def test_a_file_that_changed_since_is_looked_through_anew(content, logs, tmp_path):
    state = tmp_path / "state"
    hunt(content, logs, state=state)
    with (logs / "1.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(LINES[-2] | {"RecordNumber": 99}))

    assert hunt(content, logs, state=state) == hunt(content, logs)


@pytest.mark.parametrize(
    "written", [b"", b'{"content":"another"}\n', b"a letter\n", b"[1]\n", b"\xff\n"]
)
def test_a_file_of_anything_else_is_left_alone(written, logs, tmp_path):
    content, state = wanted.content([samples.path("hunt-rules.yml")], []), tmp_path / "state"
    state.write_bytes(written)

    if written:
        with pytest.raises(OtherHunt):
            hunt(content, logs, state=state)
        assert state.read_bytes() == written
    else:
        hunt(content, logs, state=state)
        assert state.stat().st_mode & 0o077 in {0, 0o044}
