"""The table of log sources: product, category and service of a rule -> the routes that serve it."""

from collections.abc import Iterator
from typing import Final

from mithaq.detect.language import Any, Predicate
from mithaq.detect.sigma import windows
from mithaq.detect.sigma.sources import Route, both, has, is_, named
from mithaq.model.telemetry import LogSource

# --- schemas of everybody: Elastic's, and OCSF ----------------------------------------------------------
_ECS_PROCESS: Final = (
    "Image=process.executable CommandLine=process.command_line CurrentDirectory=process.working_directory "
    "ParentImage=process.parent.executable ParentCommandLine=process.parent.command_line ProcessId=process.pid "
    "ParentProcessId=process.parent.pid OriginalFileName=process.pe.original_file_name Product=process.pe.product "
    "Description=process.pe.description Company=process.pe.company FileVersion=process.pe.file_version User=user.name "
    "Computer=host.name"
)
_ECS_ACTOR: Final = (
    "Image=process.executable ProcessId=process.pid User=user.name Computer=host.name"
)
_ECS_LIBRARY: Final = (
    f"{_ECS_ACTOR} ImageLoaded=dll.path OriginalFileName=dll.pe.original_file_name Product=dll.pe.product "
    "Description=dll.pe.description Company=dll.pe.company Signed=dll.code_signature.exists "
    "Signature=dll.code_signature.subject_name SignatureStatus=dll.code_signature.status"
)
_ECS_NETWORK: Final = (
    f"{_ECS_ACTOR} DestinationIp=destination.ip DestinationPort=destination.port SourceIp=source.ip "
    "DestinationHostname=destination.domain SourcePort=source.port Protocol=network.transport"
)
_ECS: Final = {
    "process_creation": ("process", "start", _ECS_PROCESS),
    "process_termination": ("process", "end", _ECS_PROCESS),
    "file_event": ("file", "creation", f"{_ECS_ACTOR} TargetFilename=file.path"),
    "file_change": ("file", "change", f"{_ECS_ACTOR} TargetFilename=file.path"),
    "file_delete": ("file", "deletion", f"{_ECS_ACTOR} TargetFilename=file.path"),
    "file_access": ("file", "access", f"{_ECS_ACTOR} FileName=file.path TargetFilename=file.path"),
    "image_load": (
        "library",
        "start",
        _ECS_LIBRARY,
    ),
    "registry_set": (
        "registry",
        "change",
        f"{_ECS_ACTOR} TargetObject=registry.path Details=registry.data.strings",
    ),
    "registry_add": ("registry", "creation", f"{_ECS_ACTOR} TargetObject=registry.path"),
    "registry_delete": ("registry", "deletion", f"{_ECS_ACTOR} TargetObject=registry.path"),
    "network_connection": (
        "network",
        "start",
        _ECS_NETWORK,
    ),
    "dns_query": (
        "network",
        "protocol",
        f"{_ECS_ACTOR} QueryName=dns.question.name QueryResults=dns.resolved_ip",
    ),
}
_OCSF_ACTOR: Final = (
    "Image=actor.process.file.path ProcessId=actor.process.pid User=actor.user.name "
    "Computer=device.hostname"
)
_OCSF_NETWORK: Final = (
    f"{_OCSF_ACTOR} DestinationIp=dst_endpoint.ip DestinationPort=dst_endpoint.port "
    "DestinationHostname=dst_endpoint.hostname SourceIp=src_endpoint.ip SourcePort=src_endpoint.port "
    "Protocol=connection_info.protocol_name"
)
_OCSF_PROCESS: Final = (
    "Image=process.file.path CommandLine=process.cmd_line "
    "ParentImage=actor.process.file.path|process.parent_process.file.path "
    "ParentCommandLine=actor.process.cmd_line|process.parent_process.cmd_line ProcessId=process.pid "
    "CurrentDirectory=process.working_directory "
    "User=process.user.name|actor.user.name IntegrityLevel=process.integrity "
    "Computer=device.hostname"
)
_OCSF: Final = {  # category -> class, activity, fields (OCSF 1.4)
    "process_creation": (1007, (1,), _OCSF_PROCESS),
    "process_termination": (1007, (2,), _OCSF_PROCESS),
    "file_event": (1001, (1,), f"{_OCSF_ACTOR} TargetFilename=file.path"),
    "file_access": (1001, (2,), f"{_OCSF_ACTOR} FileName=file.path TargetFilename=file.path"),
    "file_change": (1001, (3,), f"{_OCSF_ACTOR} TargetFilename=file.path"),
    "file_delete": (1001, (4,), f"{_OCSF_ACTOR} TargetFilename=file.path"),
    "image_load": (1005, (1,), f"{_OCSF_ACTOR} ImageLoaded=module.file.path"),
    "network_connection": (
        4001,
        (1,),
        _OCSF_NETWORK,
    ),
    "dns_query": (
        4003,
        (1, 2),
        f"{_OCSF_ACTOR} QueryName=query.hostname QueryResults=answers.rdata",
    ),
}
_SYSTEMS: Final = {"windows": 100, "linux": 200, "macos": 300}  # as OCSF numbers them


def _ecs(product: str, category: str) -> Iterator[Route]:
    if category in _ECS:
        kind, happened, fields = _ECS[category]
        systems = Any((is_("host.os.type", product), is_("host.os.family", product)))
        where = both(is_("event.category", kind), is_("event.type", happened), systems)
        yield Route(telemetry="ecs", where=where, fields=named(fields))


def _ocsf(product: str, category: str) -> Iterator[Route]:
    if category in _OCSF:
        number, activities, fields = _OCSF[category]
        systems = Any((is_("device.os.type_id", _SYSTEMS[product]), is_("device.os.type", product)))
        where = both(is_("class_uid", number), is_("activity_id", *activities), systems)
        yield Route(telemetry="ocsf", where=where, fields=named(fields))


def _linux_sysmon(category: str) -> Iterator[Route]:
    numbers = {"process_creation": 1, "network_connection": 3, "file_event": 11, "file_delete": 23}
    if category in numbers:
        known = windows.CATEGORIES[category][0].fields
        where = both(is_("Channel", "Linux-Sysmon/Operational"), is_("EventID", numbers[category]))
        yield Route(telemetry="sysmon-linux", where=where, fields=known)


# --- the network ----------------------------------------------------------------------------------------
def _zeek(log: str, fields: str = "") -> Route:
    source = LogSource(product="zeek", service=log)
    return Route(telemetry="zeek", source=source, fields=named(fields), open=not fields)


def _eve(kind: str, fields: str) -> Route:
    source = LogSource(product="suricata", service=kind)
    return Route(telemetry="eve", source=source, fields=named(fields))


def _with(telemetry: str, where: Predicate, fields: str = "") -> Route:
    return Route(telemetry=telemetry, where=where, fields=named(fields), open=not fields)


_AGENT: Final = "cs-user-agent|c-useragent|cs(User-Agent)"
_REFERRER: Final = "cs-referer|cs-referrer|cs(Referer)"
_WEB_W3C: Final = (
    f"c-useragent={_AGENT} cs-user-agent={_AGENT} cs-referer={_REFERRER} cs-referrer={_REFERRER} "
    "cs-cookie=cs-cookie|cs(Cookie) c-uri=c-uri|cs-uri cs-uri=cs-uri|c-uri r-dns=r-dns|cs-host"
)
_WEB_ECS: Final = (
    "c-uri=url.original|url.full cs-uri=url.original|url.full "
    "c-uri-query=url.query cs-uri-query=url.query|url.original "
    "c-uri-stem=url.path cs-uri-stem=url.path c-uri-extension=url.extension cs-method=http.request.method "
    "c-useragent=user_agent.original cs-user-agent=user_agent.original sc-status=http.response.status_code "
    "cs-host=url.domain r-dns=url.domain cs-referrer=http.request.referrer cs-referer=http.request.referrer "
    "dst_ip=destination.ip src_ip=source.ip dst_port=destination.port cs-username=user.name"
)
_WEB_ZEEK: Final = (
    "c-uri=uri cs-uri=uri c-uri-query=uri cs-uri-query=uri c-uri-stem=uri cs-uri-stem=uri cs-method=method "
    "c-useragent=user_agent cs-user-agent=user_agent sc-status=status_code cs-host=host r-dns=host "
    "cs-referrer=referrer cs-referer=referrer "
    "cs-username=username dst_ip=id.resp_h src_ip=id.orig_h dst_port=id.resp_p"
)
_WEB_EVE: Final = (
    "c-uri=http.url cs-uri=http.url c-uri-query=http.url cs-uri-query=http.url "
    "c-uri-stem=http.url cs-uri-stem=http.url "
    "cs-method=http.http_method c-useragent=http.http_user_agent cs-user-agent=http.http_user_agent "
    "sc-status=http.status cs-host=http.hostname r-dns=http.hostname cs-referrer=http.http_refer "
    "cs-referer=http.http_refer dst_ip=dest_ip src_ip=src_ip dst_port=dest_port"
)
_WEB: Final = (
    _zeek("http", _WEB_ZEEK),
    _eve("http", _WEB_EVE),
    _with("ecs", both(is_("event.category", "web"), has("url.original", "url.full")), _WEB_ECS),
    Route(
        telemetry="w3c",
        where=has("cs-method", "cs-uri-stem", "c-uri", "cs-uri-query"),
        fields=named(_WEB_W3C),
        open=True,
    ),
)
_DNS: Final = (
    _zeek("dns", "query answer=answers record_type=qtype_name src_ip=id.orig_h dst_ip=id.resp_h"),
    _eve(
        "dns",
        "query=dns.rrname|dns.query.rrname|dns.queries.rrname answer=dns.rdata|dns.answers.rdata "
        "record_type=dns.rrtype|dns.query.rrtype|dns.queries.rrtype src_ip dst_ip=dest_ip",
    ),
    _with(
        "ecs",
        has("dns.question.name"),
        "query=dns.question.name answer=dns.answers.data record_type=dns.question.type src_ip=source.ip "
        "dst_ip=destination.ip",
    ),
    _with(
        "ocsf",
        is_("class_uid", 4003),
        "query=query.hostname answer=answers.rdata record_type=query.type",
    ),
)
_PASSIVE: Final = Route(
    telemetry="passive-dns",
    source=LogSource(category="dns", service="passive-dns"),
    where=has("rrname"),
    fields=named("query=rrname answer=rdata record_type=rrtype"),
)
_RESOLVER: Final = Route(
    telemetry="resolver",
    source=LogSource(category="dns", service="resolver"),
    where=has("query"),
    fields=named("query answer record_type src_ip dst_ip response_code"),
)
_FLOW: Final = Route(
    telemetry="netflow",
    source=LogSource(service="netflow"),
    where=has(
        *("dst4_addr", "dst6_addr", "da", "dstAddr"),
        *("destinationIPv4Address", "destinationIPv6Address"),
    ),
    fields=named(
        "src_ip=src4_addr|src6_addr|sa|srcAddr|sourceIPv4Address|sourceIPv6Address "
        "dst_ip=dst4_addr|dst6_addr|da|dstAddr|destinationIPv4Address|destinationIPv6Address "
        "src_port=src_port|sp|srcPort|sourceTransportPort "
        "dst_port=dst_port|dp|dstPort|destinationTransportPort "
        "destination.port=dst_port|dp|dstPort|destinationTransportPort"
    ),
)
_FIREWALL: Final = (
    _FLOW,
    Route(
        telemetry="netfilter",
        source=LogSource(category="firewall", service="netfilter"),
        where=has("src_ip"),
        fields=named("src_ip dst_ip src_port dst_port protocol"),
    ),
    _zeek("conn", "src_ip=id.orig_h dst_ip=id.resp_h src_port=id.orig_p dst_port=id.resp_p"),
    _eve("flow", "src_ip dst_ip=dest_ip src_port dst_port=dest_port action=alert.action"),
    _with(
        "ecs",
        is_("event.category", "network"),
        "src_ip=source.ip dst_ip=destination.ip src_port=source.port dst_port=destination.port action=event.action",
    ),
)

# --- clouds and services, whose JSON bears the names that rules use -------------------------------------
_AZURE: Final = (
    "operationName OperationName=operationName category Category=category resultType ResultType=resultType "
    "resultDescription ResultDescription=resultDescription location Location=location"
)
_GCP: Final = (
    "gcp.audit.method_name=protoPayload.methodName data.protoPayload.serviceName=protoPayload.serviceName "
    "data.protoPayload.methodName=protoPayload.methodName data.protoPayload.logName=logName "
    "data.protoPayload.authorizationInfo.granted=protoPayload.authorizationInfo.granted "
    "data.protoPayload.authorizationInfo.permission=protoPayload.authorizationInfo.permission "
    "data.protoPayload.resource.type=resource.type eventService=protoPayload.serviceName "
    "eventName=protoPayload.metadata.event.eventName protoPayload.Servicename=protoPayload.serviceName"
)


def _aliased(telemetry: str, where: Predicate, fields: str, source: LogSource) -> Route:
    return Route(telemetry=telemetry, source=source, where=where, fields=named(fields), open=True)


_SERVICES: Final[dict[tuple[str, str], Route]] = {
    ("aws", "cloudtrail"): _aliased(
        "cloudtrail",
        has("eventName"),
        "src_ip=sourceIPAddress",
        LogSource(product="aws", service="cloudtrail"),
    ),
    **{
        ("azure", service): _aliased(
            "azure", has("operationName", "category"), _AZURE, LogSource(product="azure")
        )
        for service in ("activitylogs", "auditlogs", "signinlogs")
    },
    **{
        ("azure", service): _with("azure", has("riskEventType"))
        for service in ("riskdetection", "pim")
    },
    **{
        ("gcp", service): _aliased(
            "gcp", has("protoPayload.serviceName"), _GCP, LogSource(product="gcp")
        )
        for service in ("gcp.audit", "google_workspace.admin", "google_workspace.login")
    },
    ("okta", "okta"): _with("okta", both(has("eventType"), has("actor.alternateId", "actor.id"))),
    ("github", "audit"): _with("github", both(has("action"), has("actor", "org"))),
    ("bitbucket", "audit"): _with("bitbucket", has("auditType.action")),
    ("onelogin", "onelogin.events"): _with("onelogin", has("event_type_id")),
    ("kubernetes", "audit"): _with("kubernetes", both(has("verb"), has("objectRef.resource"))),
    ("opencanary", ""): _with("opencanary", both(has("logtype"), has("node_id"))),
    ("m365", "audit"): _with("m365", both(has("Operation"), has("Workload"))),
    ("m365", ""): _with("m365", both(has("eventSource"), has("eventName"))),
    ("rpc_firewall", ""): _aliased(
        "windows", is_("Channel", "RPCFW"), "EventLog=Channel", LogSource(product="windows")
    ),
    ("", "netflow"): _FLOW,
    ("linux", "auditd"): _aliased(
        "auditd", has("type"), "", LogSource(product="linux", service="auditd")
    ),
}
_LOGGED: Final = frozenset(
    {"sshd", "sudo", "cron", "vsftpd", "clamav", "auth", "syslog", "guacamole"}
)


# Daemons whose lines are told under another name than that of the service.
_DAEMONS: Final = {
    "cron": ("cron", "CRON", "crond"),
    "clamav": ("clamd", "freshclam"),
    "auth": ("su", "login", "sudo", "sshd", "systemd-logind", "polkitd"),
    "guacamole": ("guacd", "guacamole"),
}


def _daemon(service: str) -> Iterator[Route]:
    """Yield what a daemon says to journald and to syslog; of no one daemon, what all do."""
    names = _DAEMONS.get(service, (service,))
    for telemetry, message, program in (
        ("journald", "MESSAGE", "SYSLOG_IDENTIFIER"),
        ("syslog", "message", "program"),
    ):
        said = has(program) if service in {"syslog", ""} else is_(program, *names)
        where = both(has(message), said)
        source = LogSource(product="linux")
        yield Route(telemetry=telemetry, source=source, where=where, open=True)


_DEVICES: Final = frozenset({"cisco", "huawei", "juniper", "fortigate", "fortios", "paloalto"})
_SERVERS: Final = frozenset({"apache", "nginx"})


def _lines(product: str) -> Iterator[Route]:
    """Yield what stands in the lines of devices and servers, in which rules look for words."""
    where = has("message", "MESSAGE", "msg")
    yield Route(telemetry="syslog", source=LogSource(product=product), where=where, open=True)


_NETWORK: Final = {
    **dict.fromkeys(("proxy", "webserver"), _WEB),
    "dns": (*_DNS, _PASSIVE, _RESOLVER),
    "firewall": _FIREWALL,
    "antivirus": (_with("antivirus", has("Signature")),),
}


def routes(source: LogSource) -> Iterator[Route]:
    """Yield the routes that serve what a rule is about."""
    product, category, service = source
    if product == "windows" and not category:
        if service:
            yield from windows.SERVICES.get(service, ())
        else:
            yield windows.ANY_CHANNEL
    elif category in _NETWORK:
        yield from _NETWORK[category]
    elif category in _ECS or category in windows.CATEGORIES:
        for system in [product] if product else [*_SYSTEMS]:
            if system in _SYSTEMS:
                yield from _host(system, category)
    else:
        yield from _service(product, category, service)


def _service(product: str, category: str, service: str) -> Iterator[Route]:
    if product == "zeek" and service:
        yield _zeek(service)
    elif (known := _SERVICES.get((product, service)) or _SERVICES.get((product, ""))) is not None:
        yield known
    elif product in _DEVICES or service in _SERVERS or category in {"application", "database"}:
        yield from _lines(product)
    elif product == "linux" and service in {*_LOGGED, ""}:
        yield from _daemon(service)


def _host(system: str, category: str) -> Iterator[Route]:
    if system == "windows":
        yield from windows.CATEGORIES.get(category, ())
    if system == "linux":
        yield from _linux_sysmon(category)
    yield from _ecs(system, category)
    yield from _ocsf(system, category)


def known() -> Iterator[LogSource]:
    """Yield the log sources that routes serve by name; Zeek's logs, of any name, are served besides."""
    for product in _SYSTEMS:
        for category in sorted({*_ECS, *windows.CATEGORIES}):
            yield LogSource(product=product, category=category)
    for service in ("", *windows.SERVICES):
        yield LogSource(product="windows", service=service)
    for category in _NETWORK:
        yield LogSource(category=category)
    for product, service in _SERVICES:
        yield LogSource(product=product, service=service)
    for service in sorted({*_LOGGED, ""}):
        yield LogSource(product="linux", service=service)
    for product in sorted(_DEVICES):
        yield LogSource(product=product)
    for service in sorted(_SERVERS):
        yield LogSource(service=service)
    for category in ("application", "database"):
        yield LogSource(category=category)
