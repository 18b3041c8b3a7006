"""What Windows writes: Sysmon, the Security log, PowerShell, and every channel that rules name as a service.

The fields of Sysmon's events are those of its schema 4.91.
"""

from collections.abc import Mapping
from typing import Final

from mithaq.detect.sigma.sources import Route, both, has, is_, named, same
from mithaq.model.telemetry import LogSource

_WINDOWS: Final = LogSource(product="windows")
_SYSTEM: Final = (
    "EventID Channel Computer Hostname Provider_Name Provider_Guid Level Keywords Opcode Task Version EventRecordID "
    "UtcTime RuleName ProcessGuid ProcessId Image User"
)
_FILE: Final = "FileVersion Description Product Company OriginalFileName Hashes"
_PARENT: Final = "ParentProcessGuid ParentProcessId ParentImage ParentCommandLine ParentUser"
_REGISTRY: Final = "EventType TargetObject Details NewName"
_BETWEEN: Final = (
    "SourceProcessGuid SourceProcessGUID SourceProcessId SourceImage SourceUser TargetProcessGuid TargetProcessGUID "
    "TargetProcessId TargetImage TargetUser"
)
_CONNECTION: Final = (
    "Protocol Initiated SourceIsIpv6 SourceIp SourceHostname SourcePort SourcePortName DestinationIsIpv6 "
    "DestinationIp DestinationHostname DestinationPort DestinationPortName"
)
# Category -> the numbers of Sysmon's events that tell of it, and what these have beyond what all have.
_SYSMON: Final[Mapping[str, tuple[tuple[int, ...], str]]] = {
    "process_creation": (
        (1,),
        f"{_FILE} {_PARENT} CommandLine CurrentDirectory LogonGuid LogonId TerminalSessionId IntegrityLevel",
    ),
    "file_change": ((2,), "TargetFilename CreationUtcTime PreviousCreationUtcTime"),
    "network_connection": (
        (3,),
        _CONNECTION,
    ),
    "sysmon_status": ((4, 16), "State SchemaVersion Configuration ConfigurationFileHash"),
    "process_termination": ((5,), ""),
    "driver_load": ((6,), "ImageLoaded Hashes Signed Signature SignatureStatus"),
    "image_load": ((7,), f"ImageLoaded {_FILE} Signed Signature SignatureStatus"),
    "create_remote_thread": (
        (8,),
        f"{_BETWEEN} NewThreadId StartAddress StartModule StartFunction",
    ),
    "raw_access_thread": ((9,), "Device"),
    "raw_access_read": ((9,), "Device"),
    "process_access": ((10,), f"{_BETWEEN} SourceThreadId GrantedAccess CallTrace"),
    "file_event": ((11,), "TargetFilename CreationUtcTime"),
    "registry_add": ((12,), _REGISTRY),
    "registry_delete": ((12,), _REGISTRY),
    "registry_set": ((13,), _REGISTRY),
    "registry_rename": ((14,), _REGISTRY),
    "registry_event": ((12, 13, 14), _REGISTRY),
    "create_stream_hash": ((15,), "TargetFilename CreationUtcTime Hash Contents"),
    "pipe_created": ((17, 18), "EventType PipeName"),
    "wmi_event": (
        (19, 20, 21),
        "EventType Operation EventNamespace Name Query Type Destination Consumer Filter",
    ),
    "dns_query": ((22,), "QueryName QueryStatus QueryResults"),
    "file_delete": ((23, 26), "TargetFilename Hashes IsExecutable Archived"),
    "clipboard_capture": ((24,), "Session ClientInfo Hashes Archived"),
    "process_tampering": ((25,), "Type"),
    "file_block_executable": ((27,), "TargetFilename Hashes"),
    "file_block_shredding": ((28,), "TargetFilename Hashes IsExecutable"),
    "file_executable_detected": ((29,), "TargetFilename Hashes"),
    "sysmon_error": ((255,), "ID Description"),
}
_SYSMON_CHANNEL: Final = "Microsoft-Windows-Sysmon/Operational"
_POWERSHELL: Final = (
    "Microsoft-Windows-PowerShell/Operational",
    "PowerShellCore/Operational",
)
_CLASSIC: Final = "Windows PowerShell"
_AUDITED: Final = "EventID Channel Computer Hostname Provider_Name Level Keywords Opcode Task Version EventRecordID"
_INTEGRITY: Final = {
    ("IntegrityLevel", name): f"S-1-16-{number}"
    for name, number in (("low", 4096), ("medium", 8192), ("high", 12288), ("system", 16384))
}
_LOCKER: Final = tuple(
    f"Microsoft-Windows-AppLocker/{name}"
    for name in (
        "EXE and DLL",
        "MSI and Script",
        "Packaged app-Deployment",
        "Packaged app-Execution",
    )
)
_MORE: Final = "Microsoft-Windows-"
# Service -> the channels that it is.
CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "application": ("Application",),
    "security": ("Security",),
    "system": ("System",),
    "sysmon": (_SYSMON_CHANNEL,),
    "powershell": _POWERSHELL,
    "powershell-classic": (_CLASSIC,),
    "applocker": _LOCKER,
    "appmodel-runtime": (f"{_MORE}AppModel-Runtime/Admin",),
    "appxdeployment-server": (f"{_MORE}AppXDeploymentServer/Operational",),
    "appxpackaging-om": (f"{_MORE}AppxPackaging/Operational",),
    "bits-client": (f"{_MORE}Bits-Client/Operational",),
    "capi2": (f"{_MORE}CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        f"{_MORE}CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": (f"{_MORE}CodeIntegrity/Operational",),
    "dhcp": (f"{_MORE}DHCP-Server/Operational",),
    "diagnosis-scripted": (f"{_MORE}Diagnosis-Scripted/Operational",),
    "dns-client": (f"{_MORE}DNS Client Events/Operational", f"{_MORE}DNS-Client/Operational"),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": (f"{_MORE}DNS-Server/Analytical", f"{_MORE}DNSServer/Analytical"),
    "dns-server-audit": (f"{_MORE}DNS-Server/Audit", f"{_MORE}DNSServer/Audit"),
    "driver-framework": (f"{_MORE}DriverFrameworks-UserMode/Operational",),
    "firewall-as": (f"{_MORE}Windows Firewall With Advanced Security/Firewall",),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "ldap": (f"{_MORE}LDAP-Client/Debug",),
    "lsa-server": (f"{_MORE}LSA/Operational",),
    "microsoft-servicebus-client": ("Microsoft-ServiceBus-Client",),
    "msexchange-management": ("MSExchange Management",),
    "ntlm": (f"{_MORE}NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "printservice-admin": (f"{_MORE}PrintService/Admin",),
    "printservice-operational": (f"{_MORE}PrintService/Operational",),
    "security-mitigations": (
        f"{_MORE}Security-Mitigations/KernelMode",
        f"{_MORE}Security-Mitigations/UserMode",
    ),
    "sense": (f"{_MORE}SENSE/Operational",),
    "shell-core": (f"{_MORE}Shell-Core/Operational",),
    "smbclient-connectivity": (f"{_MORE}SmbClient/Connectivity",),
    "smbclient-security": (f"{_MORE}SmbClient/Security",),
    "smbserver-connectivity": (f"{_MORE}SMBServer/Connectivity",),
    "taskscheduler": (f"{_MORE}TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": (
        f"{_MORE}TerminalServices-LocalSessionManager/Operational",
    ),
    "vhdmp": (f"{_MORE}VHDMP/Operational",),
    "windefend": (f"{_MORE}Windows Defender/Operational",),
    "wmi": (f"{_MORE}WMI-Activity/Operational",),
}


def _sysmon(numbers: tuple[int, ...], more: str) -> Route:
    return Route(
        telemetry="sysmon",
        source=_WINDOWS,
        where=both(is_("Channel", _SYSMON_CHANNEL), is_("EventID", *numbers)),
        fields=same(f"{_SYSTEM} {more}".split()),
    )


def _channels(*channels: str, number: int | None = None) -> Route:
    numbers = [] if number is None else [is_("EventID", number)]
    return Route(
        telemetry="powershell" if channels in {_POWERSHELL, (_CLASSIC,)} else "windows",
        source=_WINDOWS,
        where=both(is_("Channel", *channels), *numbers),
        open=True,
    )


def _security(number: int, more: str) -> Route:
    return Route(
        telemetry="security",
        source=_WINDOWS,
        where=both(is_("Channel", "Security"), is_("EventID", number)),
        fields=same(_AUDITED.split()) | named(more),
        values=_INTEGRITY,
    )


_AUDIT_4688: Final = (
    "Image=NewProcessName ParentImage=ParentProcessName CommandLine ProcessId=NewProcessId User=SubjectUserName "
    "LogonId=SubjectLogonId IntegrityLevel=MandatoryLabel ParentProcessId=ProcessId"
)
_AUDIT_5156: Final = (
    "Image=Application SourceIp=SourceAddress SourcePort DestinationIp=DestAddress "
    "DestinationPort=DestPort ProcessId=ProcessID"
)

CATEGORIES: Final[Mapping[str, tuple[Route, ...]]] = {
    **{category: (_sysmon(*said),) for category, said in _SYSMON.items()},
    "process_creation": (_sysmon(*_SYSMON["process_creation"]), _security(4688, _AUDIT_4688)),
    "network_connection": (_sysmon(*_SYSMON["network_connection"]), _security(5156, _AUDIT_5156)),
    "ps_module": (_channels(*_POWERSHELL, number=4103),),
    "ps_script": (_channels(*_POWERSHELL, number=4104),),
    "ps_classic_start": (_channels(_CLASSIC, number=400),),
    "ps_classic_provider_start": (_channels(_CLASSIC, number=600),),
    "ps_classic_script": (_channels(_CLASSIC, number=800),),
}
SERVICES: Final[Mapping[str, tuple[Route, ...]]] = {
    service: (_channels(*channels),) for service, channels in CHANNELS.items()
}
ANY_CHANNEL: Final = Route(telemetry="windows", source=_WINDOWS, where=has("Channel"), open=True)
