"""Which fields of telemetry hold values, and how each is read: a table for each way that events name their fields.

Nothing is told from the text of a field that no table has. Names with dots are those of ECS and OCSF, which mean the
same whoever wrote the event; other names mean what they mean only where their log source is said.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

Table: TypeAlias = Mapping[
    str, str
]  # a field -> how it is read: a kind of value, or a reader of ``observables``


def _table(**fields: str) -> dict[str, str]:
    """Return the fields of each reader, written after it with blanks between."""
    return {name: how.replace("_", "-") for how, names in fields.items() for name in names.split()}


def _hashes(*stems: str) -> dict[str, str]:
    return {f"{stem}{name}": name for stem in stems for name in ("md5", "sha1", "sha256", "sha512")}


WINDOWS: Final = _table(
    hashes="Hashes Hash",
    path="Image ParentImage SourceImage TargetImage ImageLoaded TargetFilename NewProcessName ParentProcessName"
    " ProcessName Application RelativeTargetName",
    filename="OriginalFileName",
    ip="SourceIp DestinationIp IpAddress SourceAddress DestAddress ClientAddress",
    host="SourceHostname DestinationHostname",
    domain="QueryName",
    answers="QueryResults",
    registry="TargetObject",
    object="ObjectName",
    url="url RemoteName",
)  # fmt: skip

ZEEK: Final = _table(
    ip="id.orig_h id.resp_h tx_hosts rx_hosts src dst x_originating_ip client_addr server_addr assigned_addr"
    " requested_addr san.ip",
    host="host request.host",
    domain="query server_name host_name domain",
    wildcard="san.dns",
    answers="answers",
    url="referrer san.uri",
    user_agent="user_agent",
    filename="filename",
    mail="mailfrom rcptto from to cc reply_to san.email",
    mac="mac",
    md5="md5", sha1="sha1", sha256="sha256",
    certificate_sha256="cert_chain_fps client_cert_chain_fps fingerprint",
)  # fmt: skip

EVE: Final = _table(
    ip="src_ip dest_ip dns.grouped.A dns.grouped.AAAA dhcp.assigned_ip dhcp.client_ip",
    host="http.hostname",
    domain="dns.rrname dns.query.rrname dns.queries.rrname dns.answers.rrname dns.grouped.CNAME dns.grouped.NS"
    " dns.grouped.MX tls.sni quic.sni",
    answers="dns.rdata dns.answers.rdata",
    url="http.http_refer email.url",
    user_agent="http.http_user_agent",
    mail="smtp.mail_from smtp.rcpt_to email.from email.to email.cc",
    path="fileinfo.filename files.filename",
    mac="ether.src_mac ether.dest_mac dhcp.client_mac",
    certificate_sha1="tls.fingerprint",
) | _hashes("fileinfo.", "files.")  # fmt: skip

DOTTED: Final = _table(  # ECS, then OCSF
    ip="source.ip destination.ip client.ip server.ip network.forwarded_ip source.nat.ip destination.nat.ip"
    " dns.resolved_ip src_endpoint.ip dst_endpoint.ip",
    host="source.domain destination.domain client.domain server.domain url.domain src_endpoint.hostname"
    " dst_endpoint.hostname dst_endpoint.domain http_request.url.hostname",
    domain="dns.question.name dns.answers.name tls.client.server_name query.hostname tls.sni",
    answers="dns.answers.data answers.rdata",
    url="url.full http.request.referrer http_request.url.url_string http_request.referrer",
    user_agent="user_agent.original http_request.user_agent",
    path="file.path process.executable process.parent.executable dll.path process.file.path"
    " process.parent_process.file.path actor.process.file.path module.file.path",
    filename="file.name process.name process.parent.name dll.name email.attachments.file.name process.file.name"
    " actor.process.file.name",
    registry="registry.path reg_key.path",
    mail="email.from.address email.to.address email.cc.address email.sender.address email.reply_to.address email.from"
    " email.to email.cc email.reply_to",
    mac="source.mac destination.mac src_endpoint.mac dst_endpoint.mac",
    asn="source.as.number destination.as.number",
    imphash="file.pe.imphash process.pe.imphash dll.pe.imphash",
    certificate_sha1="tls.server.hash.sha1 file.x509.hash.sha1",
    certificate_sha256="tls.server.hash.sha256",
) | _hashes(
    "file.hash.", "process.hash.", "process.parent.hash.", "dll.hash.", "email.attachments.file.hash.",
)  # fmt: skip

AUDITD: Final = _table(path="exe name", ip="addr laddr", host="hostname")

WEB: Final = _table(  # as W3C's extended log format and Sigma's rules name them
    ip="c-ip s-ip src_ip dst_ip x-forwarded-for",
    host="cs-host r-dns",
    url="c-uri cs-uri cs-referrer cs-referer cs(Referer)",
    user_agent="c-useragent cs-user-agent cs(User-Agent)",
)

DNS: Final = _table(
    domain="query rrname qname", answers="answer answers record rdata", ip="src_ip client_ip"
)

MAIL: Final = _table(
    mail="from to orig_to cc sender recipient recipients mail_from rcpt_to reply_to sender-address return-path",
    addresses="recipient-address",
    ip="client_ip src_ip relay_ip client-ip server-ip original-client-ip original-server-ip",
    host="helo client_name relay_name",
    filename="attachment attachments",
) | _hashes("")

FLOW: Final = _table(
    ip="src_ip dst_ip sourceIPv4Address destinationIPv4Address sourceIPv6Address destinationIPv6Address"
    " postNATSourceIPv4Address postNATDestinationIPv4Address postNATSourceIPv6Address postNATDestinationIPv6Address"
    " src4_addr dst4_addr src6_addr dst6_addr SrcAddr DstAddr sa da",
    host="httpRequestHost",
    user_agent="httpUserAgent",
    mac="sourceMacAddress destinationMacAddress",
    asn="bgpSourceAsNumber bgpDestinationAsNumber src_as dst_as SrcAS DstAS",
)

CEF: Final = _table(  # and LEEF
    ip="src dst sourceTranslatedAddress destinationTranslatedAddress dvc srcPreNAT dstPreNAT",
    host="shost dhost",
    domain="destinationDnsDomain sourceDnsDomain domain",
    url="request requestContext url",
    user_agent="requestClientApplication userAgent",
    filename="fname",
    path="filePath oldFilePath",
    mail="suser duser",
)

FORTIGATE: Final = _table(
    ip="srcip dstip remip locip tranip transip",
    host="hostname dstname srcname",
    domain="qname",
    answers="ipaddr",
    url="url referralurl",
    user_agent="agent",
    filename="filename",
    mail="from to sender recipient",
)

CLOUDTRAIL: Final = _table(host="sourceIPAddress", user_agent="userAgent")

# A word of the log source -> its table; an event has those of its product, category and service.
TABLES: Final[Mapping[str, Table]] = {
    "windows": WINDOWS, "sysmon": WINDOWS, "zeek": ZEEK, "suricata": EVE, "auditd": AUDITD, "cloudtrail": CLOUDTRAIL,
    "smtp": {"path": "ip"}, "smb_files": {"name": "path"}, "proxy": WEB, "webserver": WEB, "dns": DNS, "mail": MAIL,
    "firewall": FLOW, "netflow": FLOW, "ipfix": FLOW, "cef": CEF, "leef": CEF, "fortigate": FORTIGATE,
    "sshd": {"src_ip": "ip"},
}  # fmt: skip

PLAIN: Final = frozenset(
    {"windows", "zeek", "suricata"}
)  # products whose events say all under names of their own

# Two fields that are one value together: the reader, and of each pair the names.
PAIRS: Final[tuple[tuple[str, str, str], ...]] = (
    ("ip-port", "DestinationIp", "DestinationPort"), ("ip-port", "id.resp_h", "id.resp_p"),
    ("ip-port", "dest_ip", "dest_port"), ("ip-port", "destination.ip", "destination.port"),
    ("ip-port", "dst_endpoint.ip", "dst_endpoint.port"), ("ip-port", "dst_ip", "dst_port"),
    ("ip-port", "destinationIPv4Address", "destinationTransportPort"),
    ("ip-port", "destinationIPv6Address", "destinationTransportPort"),
    ("ip-port", "dst4_addr", "dst_port"), ("ip-port", "dst6_addr", "dst_port"), ("ip-port", "DstAddr", "DstPort"),
    ("ip-port", "da", "dp"), ("ip-port", "dst", "dpt"), ("ip-port", "dst", "dstPort"), ("ip-port", "dstip", "dstport"),
    ("page", "host", "uri"), ("page", "http.hostname", "http.url"), ("page", "cs-host", "cs-uri-stem"),
    ("page", "httpRequestHost", "httpRequestTarget"),
    ("typed", "file.hashes.algorithm", "file.hashes.value"),
    ("typed", "process.file.hashes.algorithm", "process.file.hashes.value"),
    ("typed", "actor.process.file.hashes.algorithm", "actor.process.file.hashes.value"),
)  # fmt: skip
