"""An agreement leaves as IEP 2.0 policies, and policies come in as a draft that nobody has signed."""

import json


def test_policies_go_out_and_come_back_as_a_draft_to_complete(allies):
    out, draft = allies.folder / "policies.json", allies.folder / "draft.json"

    told = allies.ask("asteria", "agreement", "iep-export", "pact", "--out", out, actor="lina")
    [policy] = json.loads(out.read_bytes())
    about = ("--party", "borea", "--id", "from-policies", "--out", draft)
    back = allies.ask("asteria", "agreement", "iep-import", out, *about, actor="lina")
    listed = allies.ask("asteria", "agreement", "list", actor="lina")
    bad = allies.run(
        "asteria", "agreement", "iep-import", draft, "--party", "borea", "--id", "x", "--out",
        allies.folder / "none.json", actor="lina",
    )  # fmt: skip

    assert (told["count"], policy["iep_version"]) == (1, 2.0)
    assert {"parties", "kinds"} & {row["field"] for row in told["unfit"]}
    assert "attribution" in {row["field"] for row in back["unfit"]}
    assert json.loads(draft.read_bytes())["shadow"]
    assert [row["agreement"] for row in listed] == ["pact"]  # nothing is kept, signed or sent
    assert bad.exit_code == 2
