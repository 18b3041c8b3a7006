"""What a MISP sends as it pulls and pushes, and what its code reads in the answers, played against our listener.

The exchanges lie in ``exchanges``, one file for each way of each version, as ``ServerSyncTool`` and ``Server`` of MISP
2.4 and 2.5 lead them. A text in angles stands for any answer that MISP would take there; what an answer says besides
does not matter.
"""

import json
import re
from pathlib import Path

import pytest

from tests.conformance.test_misp_tools import ADDRESS, DOMAIN, HIDDEN, REPORT, uuid
from tests.rooms.exchange.world import B_SHELF, CLIENT_SHELF, build

FILES = sorted((Path(__file__).parent / "exchanges").glob("*.json"))
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FORMS = {
    "<any>": ".*", "<text>": ".+", "<number>": "[0-9]{1,16}", "<seconds>": "[0-9]{1,12}", "<uuid>": UUID,
    "<level>": "[0-5]", "<2.5>": r"2\.5\.[0-9]+", "<hashes>": rf"([0-9a-f]{{32}},{UUID}\n)+", "<place>": ".+/[0-9]+",
}  # fmt: skip


def fits(wanted, said, where=""):
    """Hold that an answer says what is wanted, and whatever else it likes."""
    if wanted in ("<list>", "<flag>"):
        assert isinstance(said, list if wanted == "<list>" else bool), where
    elif isinstance(wanted, dict):
        for name, inner in wanted.items():
            assert name in said, f"{where}/{name}"
            fits(inner, said[name], f"{where}/{name}")
    elif isinstance(wanted, list):
        assert said, where
        for each in said:
            fits(wanted[0], each, f"{where}/*")
    elif isinstance(wanted, str) and wanted in FORMS:
        written = said if isinstance(said, str) else json.dumps(said)
        assert re.fullmatch(FORMS[wanted], written, re.DOTALL), (where, said)
    else:
        assert said == wanted, where


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_misp_is_answered_as_its_code_expects(file, tmp_path):
    world = build(tmp_path / "home")
    world.place(CLIENT_SHELF, DOMAIN, ADDRESS, REPORT)
    world.place(B_SHELF, HIDDEN)
    told = json.loads(file.read_text("utf-8"))
    names = {"REPORT": uuid(REPORT)}
    headers = {name.replace("-", "_"): value for name, value in told["headers"].items()}
    headers["authorization"] = world.tokens["misp"]

    def filled(value):
        written = json.dumps(value)
        for name, text in names.items():
            written = written.replace(f"{{{name}}}", text)
        return json.loads(written)

    for step in told["steps"]:
        method, path = filled(step["ask"])
        body = json.dumps(filled(step["body"])).encode() if "body" in step else b""
        more = {n.replace("-", "_"): v.strip() for n, v in filled(step.get("headers", {})).items()}
        answer = world.ask("misp", method, path, body, **{**headers, **more})
        wanted, why = filled(step["expects"]), step["why"]
        assert answer.status == wanted["status"], (why, answer.body)
        fits(wanted.get("headers", {}), answer.headers, why)
        if "body" in wanted:
            fits(wanted["body"], json.loads(answer.body), why)
        if "exactly" in wanted:
            assert json.loads(answer.body) == wanted["exactly"], why
        if "text" in wanted:
            fits(wanted["text"], answer.body.decode(), why)
        for name, header in step.get("keep", {}).items():
            said = answer.headers[header]
            names[name] = said.rpartition("/")[2] if name == "place" else said.strip('"')
    assert b"hidden.example" not in b"".join(each.raw for each in world.arrivals())
    world.shelf.close()
    world.spool.close()
