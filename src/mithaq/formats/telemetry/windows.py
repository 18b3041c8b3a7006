"""The channels of Windows' event log, as the services that Sigma's rules name."""

from typing import Final

from mithaq.model.telemetry import LogSource

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
