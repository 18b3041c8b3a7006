"""An operator takes releases of ATT&CK; an analyst sees what each step changes, and what of theirs refers to it."""

import json

import pytest

from tests.journeys.test_formats import say
from tests.journeys.test_search import made

__all__ = ["say"]
NUMBERED = {"external_references": [{"source_name": "mitre-attack", "external_id": "T1086"}]}
OLD = made("attack-pattern--00000000-0000-4000-8000-000000000001", name="PowerShell", **NUMBERED)
NEW = made("attack-pattern--00000000-0000-4000-8000-000000000002", name="Shell | <b>", is_x=True)
GONE = made(
    "relationship--00000000-0000-4000-8000-000000000003",
    relationship_type="revoked-by", source_ref=OLD["id"], target_ref=NEW["id"],
)  # fmt: skip
OURS = made(
    "relationship--00000000-0000-4000-8000-000000000004",
    relationship_type="uses", source_ref="malware--00000000-0000-4000-8000-000000000005", target_ref=OLD["id"],
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    def write(name, *objects):
        path = tmp_path / name
        path.write_text(
            json.dumps({"type": "bundle", "id": f"bundle--{OLD['id'][16:]}", "objects": objects})
        )
        return str(path)

    return write


def test_a_release_of_attack_is_taken_looked_at_used_and_taken_back(say, file, tmp_path):
    say("actor", "add", "olga", "--role", "operator")
    first, second = file("attack.json", OLD), file("later.json", OLD | {"revoked": True}, NEW, GONE)

    assert "mithaq reference take" in say("reference", "list", "--as", "ana")
    say("reference", "take", first, "--version", "1.0", "--as", "olga")
    say("reference", "use", "attack", "1.0", "--yes", "--as", "olga")
    say("import", file("ours.json", OURS), "--tlp", "GREEN", "--as", "ana")
    shown = say("reference", "take", second, "--name", "attack", "--version", "2.0", "--as", "olga")
    assert "mithaq reference use attack 2.0" in shown
    told = json.loads(say("reference", "changes", "attack", "--as", "ana", "--json"))
    assert (told["version_before"], told["version"]) == ("1.0", "2.0")
    assert [(c["what_became"], c["called"], c["by"]) for c in told["changes"]] == [
        ("revoked", "T1086", ["Shell | <b>"]),
        ("added", "", []),
    ]
    assert [(e["id"], e["refers"]) for e in told["revise"]] == [(OURS["id"], "refers")]

    page = tmp_path / "page.md"
    for language in ("en", "fr", "ar"):
        out = tmp_path / f"{language}.md"
        text = say(
            "reference", "changes", "attack", "--as", "ana", "--out", str(out), language=language
        )
        assert "T1086 PowerShell" in text
        page = out.read_text("utf-8")
        assert "T1086 | attack-pattern | PowerShell |" in page
        assert "Shell \\| &lt;b&gt;" in page
        assert "<b>" not in page

    say("reference", "use", "attack", "2.0", "--yes", "--as", "ana", code=3)
    say("reference", "use", "attack", "2.0", "--yes", "--as", "olga")
    rows = json.loads(say("reference", "list", "--as", "olga", "--json"))
    assert [(r["version"], r["counts"]) for r in rows] == [("1.0", False), ("2.0", True)]
    found = json.loads(say("reference", "find", "T1086", "--as", "ana", "--json"))
    assert {(each["name"], each["over"]) for each in found} == {
        ("PowerShell", True),
        ("Shell | <b>", False),
    }
    assert json.loads(say("reference", "show", "attack", "--as", "ana", "--json"))["types"][0] == {
        "type": "attack-pattern", "objects": 2, "over": 1,
    }  # fmt: skip
    assert (
        "4" not in say("reference", "use", "attack", "1.0", "--yes", "--as", "olga").split(":")[-1]
    )
    say("reference", "drop", "attack", "2.0", "--yes", "--as", "olga")
    say("reference", "drop", "attack", "1.0", "--yes", "--as", "olga")
    assert json.loads(say("search", "PowerShell", "--as", "ana", "--json")) == []
    say("reference", "show", "attack", "--as", "ana", code=4)
