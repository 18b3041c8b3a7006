"""What is read of a release of ATT&CK."""

from mithaq.detect.attack import Log, lore

TACTIC = "x-mitre-tactic--1"


def body(type_, number="", **more):
    references = [{"source_name": "mitre-attack", "external_id": number}] if number else []
    return {
        "type": type_,
        "id": f"{type_}--{number or more.get('name')}",
        "external_references": references,
        **more,
    }


def tie(kind, source, target, **more):
    return {
        "type": "relationship",
        "relationship_type": kind,
        "source_ref": source["id"],
        "target_ref": target["id"],
        **more,
    }


SHELL = body(
    "attack-pattern",
    "T1059.001",
    name="PowerShell",
    kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
)
OLD = body("attack-pattern", "T1086", name="PowerShell", revoked=True)
OLDER = body("attack-pattern", "T9999", name="Older", revoked=True)
GONE = body("attack-pattern", "T1234", name="Gone", x_mitre_deprecated=True)
GROUP = body("intrusion-set", "G0007", name="APT28", aliases=["APT28", "Fancy Bear"])
MFA = body("course-of-action", "M1032", name="Multi-factor Authentication")
OVER = body("course-of-action", "T1086", name="PowerShell Mitigation", x_mitre_deprecated=True)
ANALYTIC = body(
    "x-mitre-analytic",
    name="a",
    x_mitre_log_source_references=[{"name": "WinEventLog:Sysmon", "channel": "EventCode=1"}],
)
STRATEGY = body("x-mitre-detection-strategy", name="s", x_mitre_analytic_refs=[ANALYTIC["id"]])


def test_it_says_who_uses_what_what_mitigates_it_and_which_logs_show_it():
    found = lore([
        SHELL, GROUP, MFA, ANALYTIC, STRATEGY,
        tie("uses", GROUP, SHELL), tie("mitigates", MFA, SHELL), tie("detects", STRATEGY, SHELL),
    ])  # fmt: skip

    assert found.techniques["T1059.001"].tactics == ("execution",)
    assert found.groups[GROUP["id"]].techniques == ("T1059.001",)
    assert found.groups[GROUP["id"]].names == ("APT28", "Fancy Bear")
    assert found.mitigated == {"T1059.001": ["M1032"]}
    assert found.logs == {"T1059.001": [Log(name="WinEventLog:Sysmon", channel="EventCode=1")]}


def test_what_is_over_counts_for_nothing_and_its_number_leads_to_what_replaced_it():
    found = lore([
        SHELL, OLD, OLDER, GONE, OVER,
        tie("revoked-by", OLD, SHELL), tie("revoked-by", OLDER, OLD),
        tie("mitigates", OVER, SHELL),
    ])  # fmt: skip

    assert set(found.techniques) == {"T1059.001"}
    assert found.number_of("T1086") == found.number_of("T9999") == "T1059.001"
    assert found.number_of("T1234") == "T1234"
    assert not found.mitigated
    assert not found.mitigations


def test_a_relationship_that_was_revoked_ties_nothing_and_a_circle_ends():
    again = tie("revoked-by", OLD, OLDER), tie("revoked-by", OLDER, OLD)
    found = lore([SHELL, GROUP, OLD, OLDER, *again, tie("uses", GROUP, SHELL, revoked=True)])

    assert found.groups[GROUP["id"]].techniques == ()
    assert found.number_of("T1086") == "T1086"
