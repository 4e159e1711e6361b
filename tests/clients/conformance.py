"""`docs/ocpp-conformance.md` against the code: every message of every version has its row, every test named there exists.

The list of messages is that of `voltwin ocpp actions`. `--write` makes the tables of messages anew: the words below, and
for each message the tests that speak of it. What stands outside these tables is written by hand.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Report, arguments, checked
from lenient import known_actions

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/ocpp-conformance.md"
BEGIN, END = "<!-- messages: written by tests/clients/conformance.py -->", "<!-- end of messages -->"
BEHAVIOURS = "## Behaviours that a central system must have"
TESTS_SHOWN = 3
GENERAL = "the general ones"
SENDERS = {"station": "station →", "system": "→ station", "both": "both ways"}
TITLES = {"1.6": "OCPP 1.6 with the security extension", "2.0.1": "OCPP 2.0.1", "2.1": "OCPP 2.1"}
KEPT = "sent by command; the answer is kept with the command"

# What the central system does, where that is more than keeping the answer.
DOES = {
    "Authorize": "decides by the tokens known here, then by partners over OCPI; judges contract certificates",
    "BatterySwap": "records the batteries of the slots and the swap",
    "BootNotification": "accepts a registered station, makes its twin, gives interval and time",
    "CancelReservation": "sent by command; the reservation ends when the station agrees",
    "CertificateSigned": "sent when a request was signed, and by command; the outcome is noted",
    "ChangeAvailability": "sent by command; what was wanted and answered is recorded",
    "ChangeConfiguration": "sent by command; the value is recorded as a variable, secrets masked",
    "ClearChargingProfile": "sent by command; profiles that it matches are forgotten when the station agrees",
    "ClearDERControl": "sent by command; the controls are forgotten when the station agrees",
    "ClearDisplayMessage": "sent by command; the message is forgotten when the station agrees",
    "ClearVariableMonitoring": "sent by command; the monitors are forgotten by the answer to each",
    "ClearedChargingLimit": "forgets the limit and notes it",
    "ClosePeriodicEventStream": "forgets the stream",
    "AdjustPeriodicEventStream": "sent by command; the stream's parameters are recorded when the station agrees",
    "CustomerInformation": "sent by command; the data is expected for an hour",
    "DataTransfer": "answers by a table of vendors; both directions are noted",
    "DeleteCertificate": "sent by command; the certificate is forgotten when the station agrees",
    "DiagnosticsStatusNotification": "follows the upload to its end",
    "FirmwareStatusNotification": "follows the update to its end, alarms when it fails",
    "Get15118EVCertificate": "answered by the operator's command that makes contract certificates; `Failed` without one",
    "GetBaseReport": "sent once by itself after a first boot, and by command; parts are put together",
    "GetCertificateChainStatus": "answers what the issuers' responders and lists say, as far as it is proven",
    "GetCertificateStatus": "passes the responder's answer on, byte for byte",
    "GetChargingProfiles": "sent by command; the parts of the report replace what was believed",
    "GetCompositeSchedule": "sent by command; compared with our own composite schedule",
    "GetConfiguration": "sent once by itself after a first boot, and by command; keys become variables",
    "GetDERControl": "sent by command; the parts of the report replace what was believed",
    "GetDiagnostics": "sent with an address of ours for one file, or by command",
    "GetDisplayMessages": "sent by command; parts are put together",
    "GetInstalledCertificateIds": "sent by command; the certificates are recorded",
    "GetLog": "sent with an address of ours for one file, or by command",
    "GetMonitoringReport": "sent by command; parts are put together",
    "GetPeriodicEventStream": "sent by command; the streams are recorded",
    "GetReport": "sent by command; parts are put together",
    "GetTransactionStatus": "sent by command; what is still queued at the station is recorded",
    "GetVariables": "sent by command, in as many messages as the station takes; values are recorded",
    "Heartbeat": "answers with the time, also when nothing can be recorded",
    "InstallCertificate": "sent by command; the outcome is noted",
    "LogStatusNotification": "follows the upload to its end",
    "MeterValues": "live values on the connector, energy into the ledger of the transaction, signed values byte for byte",
    "NotifyAllowedEnergyTransfer": "sent by command; the modes are recorded on the transaction",
    "NotifyChargingLimit": "records the limit by source and EVSE",
    "NotifyCustomerInformation": "puts the parts together in memory only, when they were asked for",
    "NotifyDERAlarm": "notes the alarm",
    "NotifyDERStartStop": "notes it and marks the control",
    "NotifyDisplayMessages": "puts the parts together",
    "NotifyEVChargingNeeds": "records the needs; says that no schedule is made",
    "NotifyEVChargingSchedule": "records the schedule",
    "NotifyEvent": "notes each event, sets the variable and the connector's status",
    "NotifyMonitoringReport": "puts the parts together",
    "NotifyPeriodicEventStream": "notes the values of an open stream; never answered",
    "NotifyPriorityCharging": "records whether the transaction charges with priority",
    "NotifyReport": "puts the parts together into the variables of the station",
    "NotifySettlement": "notes it",
    "NotifyWebPaymentStarted": "sent by command; noted",
    "OpenPeriodicEventStream": "records the stream and accepts",
    "PublishFirmware": "sent by command; followed to its end",
    "PublishFirmwareStatusNotification": "follows the publishing to its end",
    "PullDynamicScheduleUpdate": "answers with the values that were sent last",
    "RemoteStartTransaction": "sent by command",
    "RemoteStopTransaction": "sent by command",
    "ReportChargingProfiles": "replaces what was believed of the profiles, part by part",
    "ReportDERControl": "replaces what was believed of the controls, part by part",
    "RequestBatterySwap": "sent by command",
    "RequestStartTransaction": "sent by command",
    "RequestStopTransaction": "sent by command",
    "ReservationStatusUpdate": "ends the reservation",
    "ReserveNow": "sent by command, refused when it conflicts; the reservation is recorded",
    "SecurityEventNotification": "notes it; the grave ones raise an alarm",
    "SetChargingProfile": "sent by command; the profile is recorded when the station agrees",
    "SetDERControl": "sent by command; the control and those it supersedes are recorded",
    "SetDisplayMessage": "sent by command; the message is recorded when the station agrees",
    "SetMonitoringBase": "sent by command; monitors are asked for anew when the station agrees",
    "SetVariableMonitoring": "sent by command; the monitors are recorded by the answer to each",
    "SetVariables": "sent by command; the values are recorded by the answer to each, secrets masked",
    "SignCertificate": "checks the request, signs by our authority or a command, sends the certificate",
    "SignedFirmwareStatusNotification": "follows the update to its end, alarms when it fails",
    "SignedUpdateFirmware": "sent by command; followed to its end",
    "StartTransaction": "gives a durable id, the same to the same start; always answered after the commit",
    "StatusNotification": "sets the status of the connector; old ones say nothing",
    "StopTransaction": "ends the transaction to the watt-hour; an unknown one is kept apart and bills nothing",
    "TransactionEvent": "idempotent by station, transaction and number; any order; answered after the commit",
    "UnpublishFirmware": "sent by command; the firmware is forgotten when the station agrees",
    "UpdateDynamicSchedule": "sent by command; the values are recorded when the station agrees",
    "UpdateFirmware": "sent with an address of ours, or by command; followed to its end",
    "UsePriorityCharging": "sent by command; recorded on the transaction",
    "VatNumberValidation": "answers `Rejected`: no office is asked",
    "AFRRSignal": "sent by command; noted",
}


# Tests that speak of a message in words of their own.
ALSO = {
    "CertificateSigned": ["a station asks for a certificate and comes back with it"],
    "Get15118EVCertificate": ["a certificate is made for a vehicle"],
    "GetCertificateChainStatus": ["each certificate of a chain by OCSP or by list"],
    "GetCertificateStatus": ["the responder's answer is passed on as it is"],
    "SetNetworkProfile": ["a station is told to come with a higher profile, and is held to it once it has"],
    "SignCertificate": ["a station asks for a certificate and comes back with it"],
}


@dataclass(frozen=True)
class Test:
    name: str
    text: str
    rank: int  # real clients before the rest


def tests() -> list[Test]:
    """Every test of the repository by its name: stories of the clients, then tests in Rust."""
    found = []
    for file in sorted((ROOT / "tests/clients").glob("*.py")):
        text = file.read_text()
        for part in re.split(r"\n(?=@(?:story|each_version)\()", text)[1:]:
            title = re.match(r'@(?:story|each_version)\("([^"]+)"', part)
            if title:
                found.append(Test(title.group(1), re.split(r"\n\n\n(?!    )", part)[0], 0))
    for file in sorted((ROOT / "crates").rglob("*.rs")):
        text = file.read_text()
        for part in re.split(r"\n\s*#\[(?:tokio::)?test[^\]]*\]", text)[1:]:
            title = re.search(r"fn (\w+)\(", part)
            if title:
                rank = 1 if "live/csms" in str(file) else 2
                found.append(Test(title.group(1), re.split(r"\n    }\n|\n}\n", part)[0], rank))
    return found


def mentions(test: Test, action: str) -> bool:
    return re.search(rf'(?:["\'.]){action}(?:["\'(\\]|$)', test.text) is not None


def exists(name: str, sources: str) -> bool:
    return f"fn {name}(" in sources or f'"{name}' in sources


def tables(actions: list[dict[str, Any]]) -> str:
    known = tests()
    names = sorted({item["action"] for item in actions})
    breadth = {test: sum(mentions(test, name) for name in names) for test in set(known)}
    lines = []
    for version, title in TITLES.items():
        lines += [f"### {title}", "", "| message | sent by | what the central system does | shown by, beside the general tests |",
                  "| --- | --- | --- | --- |"]
        for item in actions:
            if item["version"] != version:
                continue
            action = item["action"]
            found = sorted({test for test in known if mentions(test, action)},
                           key=lambda test: (test.rank, breadth[test], test.name))
            shown = [*ALSO.get(action, []), *(test.name for test in found)][:TESTS_SHOWN]
            shown = "; ".join(f"`{name}`" for name in shown) or GENERAL
            lines.append(f"| `{action}` | {SENDERS[item['from']]} | {DOES.get(action, KEPT)} | {shown} |")
        lines.append("")
    return "\n".join(lines)


def rows(document: str) -> dict[tuple[str, str], tuple[str, str, str]]:
    """(version, message) to (sender, what, shown by)."""
    found = {}
    version = ""
    for line in document.split(BEGIN)[1].split(END)[0].splitlines():
        for name, title in TITLES.items():
            if line == f"### {title}":
                version = name
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) == 4 and cells[0].startswith("`"):
            found[version, cells[0].strip("`")] = (cells[1], cells[2], cells[3])
    return found


async def every_message(actions: list[dict[str, Any]]) -> None:
    found = rows(DOCUMENT.read_text())
    wanted = {(item["version"], item["action"]): SENDERS[item["from"]] for item in actions}
    assert set(found) == set(wanted), f"rows without a message or messages without a row: {set(found) ^ set(wanted)}"
    wrong = [key for key, (sender, what, _) in found.items() if sender != wanted[key] or not what]
    assert not wrong, f"rows that say something else: {wrong}"
    shown = {name: text for test in tests() for name, text in ((test.name, test.text),)}
    silent = [f"{action}: {name}" for (_, action), (_, _, names) in found.items()
              for name in re.findall(r"`([^`]+)`", names) if name not in shown]
    assert not silent, f"tests that are no more: {silent}"
    alone = sum(names == GENERAL for _, _, names in found.values())
    print(f"   {len(found)} messages, {alone} of them with {GENERAL} only")


async def every_test_exists() -> None:
    files = [*(ROOT / "crates").rglob("*.rs"), *(ROOT / "tests/clients").glob("*.py"), *(ROOT / "web/e2e").rglob("*.ts")]
    sources = "\n".join(file.read_text() for file in files)
    document = DOCUMENT.read_text()
    by_hand = document.split(BEHAVIOURS)[1].split(BEGIN)[0]
    names = {name for line in by_hand.splitlines() if line.startswith("| ")
             for name in re.findall(r"`([^`]+)`", line.rsplit(" | ", 1)[-1])}
    missing = sorted(name for name in names if not exists(name, sources))
    assert not missing, f"tests that are no more: {missing}"
    print(f"   {len(names)} tests are named for behaviours")


async def main() -> int:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make the tables of messages anew")
    given = parser.parse_args()
    actions = known_actions(checked(given.voltwin))
    if given.write:
        before, after = DOCUMENT.read_text().split(BEGIN)[0], DOCUMENT.read_text().split(END)[1]
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{tables(actions)}{END}{after}")
    report = Report()
    await report.run("every message of every version has its row", lambda: every_message(actions))
    await report.run("every test that is named exists", every_test_exists)
    return report.finish()


if __name__ == "__main__":
    import asyncio

    sys.exit(asyncio.run(main()))
