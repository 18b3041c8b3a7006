"""What the event log of Windows says of itself: channels, as the services that Sigma's rules name, and names."""

from typing import Final

from mithaq.model.telemetry import LogSource, Value

_CHANNELS: Final = {
    "Application": "application",
    "Security": "security",
    "System": "system",
    "Windows PowerShell": "powershell-classic",
    "DNS Server": "dns-server",
    "MSExchange Management": "msexchange-management",
    "OpenSSH/Operational": "openssh",
    "PowerShellCore/Operational": "powershell",
    "Microsoft-Windows-AppLocker/EXE and DLL": "applocker",
    "Microsoft-Windows-AppLocker/MSI and Script": "applocker",
    "Microsoft-Windows-AppLocker/Packaged app-Deployment": "applocker",
    "Microsoft-Windows-AppLocker/Packaged app-Execution": "applocker",
    "Microsoft-Windows-Bits-Client/Operational": "bits-client",
    "Microsoft-Windows-CodeIntegrity/Operational": "codeintegrity-operational",
    "Microsoft-Windows-DHCP-Server/Operational": "dhcp",
    "Microsoft-Windows-DriverFrameworks-UserMode/Operational": "driver-framework",
    "Microsoft-Windows-NTLM/Operational": "ntlm",
    "Microsoft-Windows-PowerShell/Operational": "powershell",
    "Microsoft-Windows-PrintService/Admin": "printservice-admin",
    "Microsoft-Windows-PrintService/Operational": "printservice-operational",
    "Microsoft-Windows-Security-Mitigations/KernelMode": "security-mitigations",
    "Microsoft-Windows-Security-Mitigations/UserMode": "security-mitigations",
    "Microsoft-Windows-SmbClient/Security": "smbclient-security",
    "Microsoft-Windows-Sysmon/Operational": "sysmon",
    "Microsoft-Windows-TaskScheduler/Operational": "taskscheduler",
    "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational": (
        "terminalservices-localsessionmanager"
    ),
    "Microsoft-Windows-WMI-Activity/Operational": "wmi",
    "Microsoft-Windows-Windows Defender/Operational": "windefend",
    "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall": "firewall-as",
}

# A channel that is not here has no service that is certain; rules for it ask for the channel itself.
SERVICES: Final = {
    channel: LogSource(product="windows", service=service) for channel, service in _CHANNELS.items()
}

_WINDOWS: Final = LogSource(product="windows")

# Names that tools write, and what others, and rules, call the same.
LIFTS: Final = (
    ("Hostname", "Computer"),
    ("SourceName", "Provider_Name"),
    ("ProviderGuid", "Provider_Guid"),
)


_DIGITS: Final = 19  # a number of 64 bits has no more


def kind(channel: Value, number: Value) -> tuple[LogSource, Value]:
    """Return what an event of a channel and a number says of its source, and the number that it has."""
    decimal = isinstance(number, str) and number.isdecimal() and number.isascii()
    if isinstance(number, str) and decimal and len(number) < _DIGITS:
        number = int(number)
    return SERVICES.get(str(channel), _WINDOWS), number
