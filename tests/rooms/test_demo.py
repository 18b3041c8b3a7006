"""What the demonstration makes up is the same story at every hour."""

import re
from datetime import UTC, datetime

import pytest

from mithaq.demo.loop import write_logs


@pytest.mark.parametrize("minute", [0, 1, 22, 40, 59, 60, 61, 720, 1439])
def test_what_borea_saw_is_of_one_day_and_before_now(tmp_path, minute):
    now = datetime(2026, 12, 1, minute // 60, minute % 60, 30, tzinfo=UTC)
    folder = write_logs(tmp_path / "logs", now)

    asked = re.findall(r"^\S+ \S+", (folder / "resolver.log").read_text(), re.MULTILINE)
    started = re.findall(r'"UtcTime": "([^"]+)"', (folder / "sysmon.jsonl").read_text())
    instants = [
        datetime.strptime(each, "%d-%b-%Y %H:%M:%S.%f").replace(tzinfo=UTC) for each in asked
    ]
    instants += [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in started]
    assert len(instants) == 6
    assert len({each.date() for each in instants}) == 1
    assert max(instants) < now
