"""One node's people at one terminal: what they may, what they are told, and how it fails."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mithaq.seal.keys import from_pem
from mithaq.store import inbound
from mithaq.store.inbound import Quarantined
from tests.journeys.conftest import bundle, indicator

KEYS = {  # what programs may count on
    "status": {
        "nation", "realm", "url", "home", "keys", "warnings", "peers", "agreements", "shelves",
        "queue", "review", "quarantine", "refused", "alarms", "witnesses", "spool", "turned", "unshown",
        "log", "padding", "served", "receipts", "clock", "feeds_wanting",
    },
    "verify": {"leaves", "padding", "bodies", "rows", "problems"},
    "peer words": {"nation", "words"},
}  # fmt: skip
ROW = {
    "marking", "number", "type", "name", "id", "version", "from", "standing", "agreement", "received",
    "via",
}  # fmt: skip


@pytest.fixture
def node(town):
    town.found("asteria")
    return town


def real(town, *args, **env):
    """Run the command as a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MITHAQ_", "LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-m", "mithaq.cli", *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=town.folder,
        env=clean | {"MITHAQ_HOME": str(town.folder / "asteria"), "MITHAQ_LANG": "en"} | env,
        check=False,
    )


def test_a_new_home_keeps_its_secrets_and_says_where_the_root_key_goes(town):
    told = town.ask("asteria", "init", "--nation", "asteria", "--url", "http://asteria.example")

    home = town.folder / "asteria"
    assert len(told["words"]) == 12
    assert told["root_key"] == str(home / "core/keys/root.pem")
    for secret in ("core/keys/root.pem", "core/keys/exchange.pem", "core/secret"):
        assert stat.S_IMODE((home / secret).stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "core").stat().st_mode) == 0o700


def test_a_file_with_nothing_to_take_is_told_and_not_called_a_success(node):
    node.folder.joinpath("empty.json").write_text("{}")
    done = node.run("asteria", "import", "empty.json", actor="amal")

    assert done.exit_code != 0
    assert "empty.json" in done.stderr


def test_what_was_looked_at_is_taken_off_the_quarantine_and_stays_on_record(allies):
    with allies.nodes["asteria"].core.begin() as unit:
        aside = Quarantined(
            at="", voucher="borea", origin="x/1", id="tool--1", type="tool", version="",
            digest="sha256:" + "0" * 64, code="entry", where="/", body=b"{}",
        )  # fmt: skip
        inbound.set_aside(unit, [aside])
    [waits] = allies.ask("asteria", "quarantine", "list", actor="lina")

    allies.do("asteria", "quarantine", "drop", waits["number"], actor="lina")

    assert allies.ask("asteria", "quarantine", "list", actor="lina") == []
    shown = allies.ask("asteria", "quarantine", "show", waits["number"], actor="lina")
    assert shown["state"] == "dropped"
    [leaf] = allies.ask("asteria", "log", "list", "tool--1", actor="lina")
    assert (leaf["kind"], leaf["by"]) == ("quarantine-dropped", "lina")


def test_a_damaged_database_is_told_in_one_sentence(node):
    node.folder.joinpath("asteria", "core", "node.db").write_bytes(os.urandom(8192))
    for left in ("node.db-wal", "node.db-shm"):
        node.folder.joinpath("asteria", "core", left).unlink(missing_ok=True)

    told = real(node, "status")

    assert told.returncode == 7
    assert "[store-fault]" in told.stderr
    assert "sqlalche.me" not in told.stderr


def test_a_second_node_in_one_home_is_refused(node):
    again = node.run("asteria", "init", "--nation", "asteria", "--url", "http://x.example")

    assert again.exit_code == 5
    assert "[conflict]" in again.stderr


def test_a_root_key_is_protected_by_a_passphrase_if_one_is_given(town):
    town.folder.joinpath("pass").write_text("long enough\n")
    about = ("--nation", "asteria", "--url", "http://a.example", "--passphrase-file", "pass")
    told = town.ask("asteria", "init", *about)

    pem = Path(told["root_key"]).read_bytes()
    assert b"ENCRYPTED" in pem
    assert from_pem(pem, "long enough")


def test_the_first_operator_is_added_by_the_homes_owner_and_nobody_else_is(town):
    town.do("asteria", "init", "--nation", "asteria", "--url", "http://asteria.example")
    file = bundle(town.folder, indicator(1, "x"))

    analyst = town.run("asteria", "actor", "add", "amal", "--role", "analyst")
    imported = town.run("asteria", "import", file)
    operator = town.run("asteria", "actor", "add", "omar", "--role", "operator")
    by_owner = town.run("asteria", "actor", "add", "lina", "--role", "policy-owner")
    by_amal = town.run("asteria", "actor", "add", "lina", "--role", "policy-owner", actor="amal")
    by_omar = town.run("asteria", "actor", "add", "lina", "--role", "policy-owner", actor="omar")

    assert (analyst.exit_code, operator.exit_code) == (0, 0)
    assert imported.exit_code == 2  # the owner is no analyst
    assert "usage-no-actor" in imported.stderr
    assert "usage-no-actor" in by_owner.stderr  # there is an operator now
    assert by_amal.exit_code == 3
    assert by_omar.exit_code == 0


def test_each_persons_key_is_their_own_file_and_never_written_over(node):
    key = node.key("asteria", "amal")

    twice = node.run(
        "asteria", "actor", "add", "zeno", "--role", "analyst", "--key", key, actor="omar"
    )

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert twice.exit_code == 2
    assert "zeno" not in {row["name"] for row in node.ask("asteria", "actor", "list")}


def test_an_encrypted_key_asks_for_its_passphrase(node):
    node.folder.joinpath("pass").write_text("open sesame\n")
    key = node.folder / "z.pem"
    about = ("--role", "duty-officer", "--passphrase-file", "pass", "--key", key)
    node.do("asteria", "actor", "add", "zeno", *about, actor="omar")

    assert b"ENCRYPTED" in key.read_bytes()
    assert from_pem(key.read_bytes(), "open sesame")


def test_an_import_counts_what_will_never_leave_as_it_is_marked_and_says_what_to_do(node):
    there = {"object_marking_refs": ["marking-definition--00000000-0000-4000-8000-00000000000a"]}
    file = bundle(node.folder, indicator(1, "x"), indicator(2, "y", **there))

    bare = node.run("asteria", "import", file, actor="amal")
    again = node.run("asteria", "import", file, "--tlp", "CLEAR", actor="amal")
    anew = node.ask("asteria", "import", file, "--tlp", "CLEAR", "--source", "feed", actor="amal")

    assert "Without a TLP level: 1." in bare.stdout
    assert "With a marking that this source has not defined: 1." in bare.stdout
    assert "keeps the marking it had" not in bare.stdout
    assert "What was here already keeps the marking it had" in again.stdout
    assert [(each["stored"], each["unmarked"], each["unreadable"]) for each in anew] == [(2, 0, 1)]


def test_a_person_sees_no_more_than_their_clearance(node):
    about = ("--role", "analyst", "--clearance", "GREEN", "--key", "low.pem")
    node.do("asteria", "actor", "add", "low", *about, actor="omar")
    file = bundle(node.folder, indicator(1, "deep"))
    node.do("asteria", "import", file, "--own", "--tlp", "RED", actor="amal")

    assert node.ask("asteria", "search", "deep", actor="low") == []
    hidden = node.run("asteria", "show", indicator(1, "")["id"], actor="low")
    absent = node.run("asteria", "show", indicator(2, "")["id"], actor="low")
    assert (hidden.exit_code, absent.exit_code) == (4, 4)
    assert hidden.stderr.replace("0001", "0002") == absent.stderr
    assert len(node.ask("asteria", "search", "deep", actor="amal")) == 1


def test_the_stored_bytes_come_back_as_they_came(node):
    raw = json.dumps(indicator(1, "Größe\t→"), ensure_ascii=False, indent=3).encode()
    file = node.folder / "one.json"
    file.write_bytes(raw)
    node.do("asteria", "import", file, "--tlp", "GREEN", actor="amal")

    done = node.run("asteria", "show", indicator(1, "")["id"], "--raw", actor="amal")

    assert done.stdout_bytes == raw


def test_a_file_with_bad_objects_takes_in_the_good_ones_and_says_so(node):
    file = bundle(node.folder, indicator(1, "good"), indicator(2, "bad", valid_from="never"))

    done = node.run("asteria", "import", file, "--tlp", "GREEN", actor="amal")
    again = node.run("asteria", "import", file, "--tlp", "GREEN", "--json", actor="amal")

    assert done.exit_code == again.exit_code == 1
    [told] = json.loads(again.stdout)
    assert (told["stored"], told["known"]) == (0, 1)
    [refused] = told["rejected"]
    assert refused["id"] == indicator(2, "")["id"]
    assert refused["code"].startswith("stix-")
    assert "/valid_from" in refused["where"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no json", "unknown-format"),
        (b"[1]", "unknown-format"),
        (b'{"type": "bundle"}', "not-this-format"),
        (b'{"objects": [], "objects": []}', "gate"),
        (b"", "unknown-format"),
    ],
)
def test_a_file_that_is_refused_whole_says_why(node, content, code):
    file = node.folder / "x.json"
    file.write_bytes(content)

    done = node.run("asteria", "import", file, actor="amal")

    assert done.exit_code == 2
    assert f"[{code}" in done.stderr


def test_marking_raises_and_is_seen_at_once(node):
    file = bundle(node.folder, indicator(1, "x"))
    node.do("asteria", "import", file, "--own", actor="amal")

    before = node.ask("asteria", "search", "x", actor="amal")[0]["marking"]
    node.do("asteria", "mark", indicator(1, "")["id"], "--tlp", "GREEN", actor="amal")
    after = node.ask("asteria", "search", "x", actor="amal")[0]["marking"]

    assert (before, after) == ("", "TLP:GREEN")


@pytest.mark.parametrize(
    ("line", "actor", "code"),
    [
        (["show", "indicator--00000000-0000-4000-8000-000000000009"], "amal", 4),
        (["show", "99"], "amal", 4),
        (["mark", "99", "--tlp", "RED"], "amal", 4),
        (["mark", "99"], "amal", 2),
        (["mark", "99", "--tlp", "PINK"], "amal", 2),
        (["import", "absent.json"], "amal", 2),
        (["release", "99", "--agreement", "pact"], "amal", 4),
        (["release", "nonsense", "--agreement", "pact"], "amal", 2),
        (["release", "--agreement", "pact"], "amal", 2),
        (["release", "--agreement", "pact", "--source", "nobody"], "amal", 4),
        (["release", "99", "--agreement", "pact"], "omar", 3),
        (["explain", "99", "--to", "borea"], "amal", 4),
        (["approve", "99", "--key", "x.pem", "--yes"], "lina", 4),
        (["approve", "99", "--key", "x.pem"], "amal", 3),
        (["quarantine", "show", "99"], "lina", 4),
        (["quarantine", "list"], "amal", 3),
        (["quarantine", "show", "99"], "amal", 3),
        (["peer", "show", "nobody"], "", 4),
        (["peer", "confirm", "nobody", "--words", "x"], "omar", 4),
        (["peer", "delivery", "nobody", "push"], "omar", 4),
        (["peer", "remove", "nobody", "--yes"], "lina", 4),
        (["peer", "remove", "nobody", "--yes"], "omar", 3),
        (["peer", "add"], "omar", 2),
        (["peer", "add", "http://nowhere.example"], "omar", 6),
        (["peer", "add", "--taxii", "siem", "--default-tlp", "PINK"], "omar", 2),
        (["token", "create", "--peer", "nobody"], "omar", 4),
        (["token", "revoke", "--peer", "nobody"], "omar", 4),
        (["agreement", "show", "nothing"], "", 4),
        (["agreement", "sign", "nothing"], "lina", 4),
        (["agreement", "suspend", "nothing"], "lina", 4),
        (["agreement", "propose", "absent.toml"], "lina", 2),
        (["agreement", "simulate", "absent.toml"], "amal", 2),
        (["agreement", "new", "--template", "nothing", "--party", "b=BO:B"], "", 2),
        (["agreement", "new", "--template", "forum", "--party", "b=BOO:B"], "", 2),
        (["agreement", "new", "--template", "forum", "--party", "b,c=BO:B"], "", 2),
        (["agreement", "new", "--template", "forum", "--party", "b=BO:B", "--id", "../x"], "", 2),
        (["agreement", "new", "--template", "forum", "--party", "b=BO:B", "--end", "soon"], "", 2),
        (["import", "x.json", "--own", "--source", "feed"], "amal", 2),
        (["import", "x.json", "--releasable-to", "nobody-we-know"], "amal", 2),
        (["init", "--nation", "x", "--url", "http://x.example", "--country", "QMM"], "", 2),
        (["init", "--nation", "x", "--url", "http://u:p@x.example"], "", 2),
        (["agreement", "new", "--template", "forum", "--party", "stranger"], "", 4),
        (["log", "prove", "nothing"], "lina", 4),
        (["log", "prove", "nothing"], "amal", 3),
        (["log", "check", "absent.json", "--keys", "absent.json"], "", 2),
        (["actor", "add", "x", "--role", "king"], "omar", 2),
        (["actor", "add", "x y", "--role", "analyst"], "omar", 2),
        (["actor", "add", "amal", "--role", "analyst", "--key", "n.pem"], "omar", 5),
        (["search"], "nobody", 4),
        (["search"], "", 2),
    ],
)
def test_each_failure_is_one_sentence_on_the_error_stream(node, line, actor, code):
    done = node.run("asteria", *line, actor=actor)

    assert (done.exit_code, done.stdout) == (code, ""), done.output
    first = done.stderr.splitlines()[0]
    assert first.startswith("mithaq: ")
    assert first.endswith("]")


@pytest.mark.parametrize(("command", "keys"), KEYS.items())
def test_json_has_the_keys_that_programs_count_on(node, command, keys):
    assert set(node.ask("asteria", *command.split())) == keys


def test_rows_have_the_keys_that_programs_count_on(node):
    file = bundle(node.folder, indicator(1, "x"))
    node.do("asteria", "import", file, "--tlp", "GREEN", actor="amal")

    [row] = node.ask("asteria", "search", actor="amal", language="ar")[:1]

    assert set(row) == ROW


def test_the_screen_speaks_the_readers_language_and_json_never_does(node):
    french = node.do("asteria", "status", language="fr")
    arabic = node.do("asteria", "status", language="ar")
    values = [node.ask("asteria", "status", language=each) for each in ("en", "fr", "ar")]

    assert "La clé racine est encore dans le répertoire du nœud." in french
    assert "مفتاح الجذر" in arabic
    assert values[0] == values[1] == values[2]


def test_an_unknown_key_in_the_settings_refuses_to_start(node):
    settings = node.folder / "asteria" / "mithaq.toml"
    settings.write_text(settings.read_text() + 'colour = "blue"\n')

    done = node.run("asteria", "status")

    assert done.exit_code == 2
    assert "colour" in done.stderr
    assert "[invalid-config]" in done.stderr


def test_a_home_without_its_secret_says_which_file_is_missing(node):
    (node.folder / "asteria" / "core/secret").unlink()

    done = node.run("asteria", "status")

    assert done.exit_code == 2
    assert "secret" in done.stderr


def test_a_broken_database_is_our_fault_and_no_traceback(node):
    node.close()
    (node.folder / "asteria/core/node.db").write_bytes(b"this is no database" * 1000)

    done = real(node, "status")

    assert done.returncode == 7
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("mithaq: ")


def test_as_a_process_it_exits_with_the_codes_of_the_table(node):
    fine = real(node, "peer", "words", "--json")
    missing = real(node, "show", "99", "--as", "amal")
    forbidden = real(node, "log", "list", "--as", "amal", "--json")
    homeless = real(node, "status", "--home", node.folder / "nowhere")

    assert (fine.returncode, fine.stderr) == (0, "")
    assert len(json.loads(fine.stdout)["words"]) == 12
    assert (missing.returncode, forbidden.returncode, homeless.returncode) == (4, 3, 2)
    assert json.loads(forbidden.stderr)["error"] == "forbidden"
    assert all("Traceback" not in each.stderr for each in (missing, forbidden, homeless))


def test_a_reader_that_hangs_up_is_no_error(node):
    command = f"{sys.executable} -m mithaq.cli agreement schema | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert done.stderr == ""


def test_a_terminal_that_knows_few_letters_still_gets_the_rest(node):
    done = real(node, "peer", "list", "--language", "ar", PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert "mithaq peer add URL" in done.stdout
