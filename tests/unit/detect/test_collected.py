"""Log sources by name: an event is counted as the sources whose rules could match it, and as no others."""

from mithaq.detect import sigma
from mithaq.detect.collected import Collected, declared, known, serves, sources_of, wanting
from mithaq.model.telemetry import Event, LogSource

WINDOWS = LogSource("windows")
SYSMON = "Microsoft-Windows-Sysmon/Operational"


def event(source=WINDOWS, at="2026-11-30T10:00:00.000Z", **fields):
    return Event(fields=fields, source=source, at=at, raw=b"")


def rule(field="Image", **source):
    said = "\n".join(f"  {name}: {value}" for name, value in source.items())
    asks = f"detection:\n  s:\n    {field}: x\n  condition: s\n"
    text = f"title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource:\n{said}\n{asks}"
    made = sigma.compiled(text)
    return next(iter(made.needs.values()), ())


def test_sysmon_that_is_collected_for_processes_alone_serves_no_rule_about_names_that_were_asked_for():
    process = sources_of(event(Channel=SYSMON, EventID=1))

    assert serves(process, rule(product="windows", category="process_creation"))
    assert not serves(process, rule(product="windows", category="dns_query"))
    assert "sysmon/dns_query" in wanting(process, rule(product="windows", category="dns_query"))


def test_a_rule_is_served_by_each_way_in_which_its_log_source_is_written():
    needs = rule(product="windows", category="process_creation")

    assert serves(sources_of(event(Channel="Security", EventID=4688)), needs)
    ecs = {"event.category": "process", "event.type": "start", "host.os.type": "windows"}
    assert serves(sources_of(event(LogSource("windows", "process_creation"), **ecs)), needs)
    assert not serves(sources_of(event(Channel="Security", EventID=4624)), needs)


def test_a_field_that_is_called_alike_makes_no_other_source_of_an_event():
    image = event(Channel=SYSMON, EventID=7, Signature="Microsoft", SignatureStatus="Valid")

    assert "antivirus" not in sources_of(image)
    assert "antivirus" in sources_of(event(LogSource(), Signature="EICAR"))


def test_logs_of_a_sensor_have_its_own_name_whatever_rules_ask_of_them():
    http = sources_of(event(LogSource("zeek", service="http"), uri="/x"))

    assert http == ("zeek/http",)
    assert serves(http, rule("c-uri", category="proxy"))
    assert serves(http, rule("c-uri", category="webserver"))
    assert sources_of(event(LogSource("zeek", service="a_log_of_ours"))) == ("zeek/a_log_of_ours",)


def test_events_are_counted_by_source_and_day_and_kinds_alike_once_looked_at_count_the_same():
    seen = Collected()
    batch = [event(Channel=SYSMON, EventID=22) for _ in range(3)]
    seen.take([*batch, event(Channel=SYSMON, EventID=1), event(Channel=SYSMON, EventID=22, at="")])

    assert seen.counts["sysmon/dns_query", "2026-11-30"] == 3
    assert seen.counts["sysmon/dns_query", ""] == 1
    assert seen.counts["sysmon/process_creation", "2026-11-30"] == 1


def test_a_value_that_is_a_list_stops_nothing():
    seen = Collected()
    seen.take(
        [
            event(
                LogSource(),
                **{"event.category": ["process"], "event.type": ["start"], "host.os.type": "linux"},
            )
        ]
    )

    assert seen.counts["ecs/linux/process_creation", "2026-11-30"] == 1


def test_what_people_declare_is_a_pattern_over_names_that_are_known():
    assert declared(["sysmon/dns_*", "nothing/*"], known()) == {"sysmon/dns_query"}
