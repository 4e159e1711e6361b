/** What each action of OCPP does, in one sentence for whoever is about to send it or reads it in the log. */

export const groups = [
  'Charging',
  'Availability',
  'Smart charging',
  'Configuration',
  'Monitoring',
  'Authorisation',
  'Firmware and logs',
  'Security',
  'Display and tariffs',
  'Energy and grid',
  'Other',
] as const;
export type Group = (typeof groups)[number];

interface Entry {
  group: Group;
  says: string;
  /** Ends what somebody is doing, or can leave a station out of reach. */
  careful?: string;
}

const e = (group: Group, says: string, careful?: string): Entry =>
  careful ? { group, says, careful } : { group, says };

const sent: Readonly<Record<string, Entry>> = {
  RemoteStartTransaction: e('Charging', 'Starts a transaction for an ID tag, as if its card had been shown.'),
  RequestStartTransaction: e(
    'Charging',
    'Starts a transaction for a token, with a charging profile if need be.',
  ),
  RemoteStopTransaction: e('Charging', 'Ends a running transaction.', 'The vehicle stops charging.'),
  RequestStopTransaction: e('Charging', 'Ends a running transaction.', 'The vehicle stops charging.'),
  GetTransactionStatus: e(
    'Charging',
    'Asks whether a transaction still runs and whether messages of it wait.',
  ),
  UnlockConnector: e('Charging', 'Opens the lock of a connector, for a cable that is stuck.'),
  ReserveNow: e('Charging', 'Holds a connector for one token until a time.'),
  CancelReservation: e('Charging', 'Gives a reserved connector free.'),
  RequestBatterySwap: e('Charging', 'Lets the holder of a token swap a battery.'),
  NotifyAllowedEnergyTransfer: e('Charging', 'Tells which kinds of energy transfer a transaction may use.'),
  Reset: e('Availability', 'Restarts the station, or one EVSE.', 'It is offline until it has started again.'),
  ChangeAvailability: e(
    'Availability',
    'Takes a station, EVSE or connector out of service, or back into it.',
  ),
  TriggerMessage: e('Availability', 'Asks for a message now, such as status or meter values.'),
  ExtendedTriggerMessage: e('Availability', 'Asks for a message now, those of security and logs included.'),
  SetChargingProfile: e(
    'Smart charging',
    'Limits power or current over time, for a station or a transaction.',
  ),
  ClearChargingProfile: e('Smart charging', 'Takes charging profiles back.'),
  GetCompositeSchedule: e('Smart charging', 'Asks for the limit that results from all profiles together.'),
  GetChargingProfiles: e('Smart charging', 'Asks for the profiles that are in force; reports follow.'),
  UpdateDynamicSchedule: e('Smart charging', 'Gives new limits or set points to a dynamic profile.'),
  UsePriorityCharging: e('Smart charging', 'Switches priority charging of a transaction on or off.'),
  GetConfiguration: e('Configuration', 'Reads configuration keys; all of them when none is named.'),
  ChangeConfiguration: e('Configuration', 'Sets one configuration key.'),
  GetVariables: e('Configuration', 'Reads variables of the device model.'),
  SetVariables: e('Configuration', 'Sets variables of the device model.'),
  GetBaseReport: e('Configuration', 'Asks for the inventory of the whole device model; reports follow.'),
  GetReport: e('Configuration', 'Asks for chosen components and variables; reports follow.'),
  SetNetworkProfile: e(
    'Configuration',
    'Stores how the station reaches a central system, in one of its slots.',
    'A wrong profile can leave the station out of reach.',
  ),
  SetMonitoringBase: e('Monitoring', 'Chooses which set of monitors is active.'),
  SetMonitoringLevel: e('Monitoring', 'Events at this severity or worse are told, others are not.'),
  SetVariableMonitoring: e('Monitoring', 'Sets monitors on variables: thresholds, deltas, intervals.'),
  ClearVariableMonitoring: e('Monitoring', 'Removes monitors by their numbers.'),
  GetMonitoringReport: e('Monitoring', 'Asks for the monitors that are set; reports follow.'),
  AdjustPeriodicEventStream: e('Monitoring', 'Changes how often a stream of values is sent.'),
  GetPeriodicEventStream: e('Monitoring', 'Asks for the streams of values that are open.'),
  GetLocalListVersion: e('Authorisation', 'Asks which version of the local authorisation list is stored.'),
  SendLocalList: e('Authorisation', 'Replaces or updates the local authorisation list.'),
  ClearCache: e('Authorisation', 'Empties the authorisation cache.'),
  CustomerInformation: e(
    'Authorisation',
    'Asks for what is stored of a customer, or has it deleted.',
    'Deleting cannot be undone.',
  ),
  UpdateFirmware: e(
    'Firmware and logs',
    'Has the station fetch and install a firmware.',
    'It restarts to install it.',
  ),
  SignedUpdateFirmware: e(
    'Firmware and logs',
    'Has the station fetch, check and install a signed firmware.',
    'It restarts to install it.',
  ),
  PublishFirmware: e('Firmware and logs', 'Has a local controller offer a firmware to its stations.'),
  UnpublishFirmware: e('Firmware and logs', 'Ends the offering of a firmware by a local controller.'),
  GetDiagnostics: e('Firmware and logs', 'Has the station send its diagnostics to an address.'),
  GetLog: e('Firmware and logs', 'Has the station send a log to an address.'),
  CertificateSigned: e('Security', 'Delivers the certificate that the station asked to have signed.'),
  InstallCertificate: e('Security', 'Installs a root certificate that the station trusts from then on.'),
  DeleteCertificate: e(
    'Security',
    'Removes an installed certificate.',
    'Without the right root the station may not connect again.',
  ),
  GetInstalledCertificateIds: e('Security', 'Asks which certificates are installed.'),
  SetDisplayMessage: e('Display and tariffs', 'Shows a message on the display of the station.'),
  GetDisplayMessages: e('Display and tariffs', 'Asks which messages are shown; reports follow.'),
  ClearDisplayMessage: e('Display and tariffs', 'Takes a message off the display.'),
  CostUpdated: e('Display and tariffs', 'Tells the cost of a running transaction for the display.'),
  SetDefaultTariff: e(
    'Display and tariffs',
    'Sets the tariff that holds where a driver has none of their own.',
  ),
  GetTariffs: e('Display and tariffs', 'Asks which tariffs the station holds.'),
  ClearTariffs: e('Display and tariffs', 'Removes tariffs from the station.'),
  ChangeTransactionTariff: e('Display and tariffs', 'Changes the tariff of a running transaction.'),
  NotifyWebPaymentStarted: e('Display and tariffs', 'Tells that somebody pays on the web for this EVSE.'),
  SetDERControl: e('Energy and grid', 'Sets how a bidirectional station behaves toward the grid.'),
  GetDERControl: e('Energy and grid', 'Asks for grid controls that are set; reports follow.'),
  ClearDERControl: e('Energy and grid', 'Removes grid controls.'),
  AFRRSignal: e('Energy and grid', 'Passes on a signal of frequency restoration.'),
  DataTransfer: e('Other', 'Sends data in a form that a vendor has agreed on.'),
};

const told: Readonly<Record<string, string>> = {
  Authorize: 'The station asks whether a token may charge.',
  BatterySwap: 'The station tells that batteries were put in or taken out.',
  BootNotification: 'The station has started and says who it is.',
  ClearedChargingLimit: 'A limit from outside is over.',
  ClosePeriodicEventStream: 'The station closes a stream of values.',
  DiagnosticsStatusNotification: 'How far the sending of diagnostics has come.',
  FirmwareStatusNotification: 'How far a firmware update has come.',
  Get15118EVCertificate: 'A vehicle asks for a contract certificate through the station.',
  GetCertificateChainStatus: 'The station asks whether certificates of a chain are revoked.',
  GetCertificateStatus: 'The station asks whether a certificate is revoked.',
  Heartbeat: 'The station is alive, and learns the time from the answer.',
  LogStatusNotification: 'How far the sending of a log has come.',
  MeterValues: 'Readings of a meter.',
  NotifyChargingLimit: 'A limit from outside holds now.',
  NotifyCustomerInformation: 'A part of what is stored of a customer.',
  NotifyDERAlarm: 'Something went wrong with the grid or with a grid control.',
  NotifyDERStartStop: 'A grid control has started or stopped.',
  NotifyDisplayMessages: 'A part of the messages that are shown.',
  NotifyEVChargingNeeds: 'What a vehicle wants: energy, limits, departure.',
  NotifyEVChargingSchedule: 'The schedule that a vehicle has chosen.',
  NotifyEvent: 'Monitors have seen something.',
  NotifyMonitoringReport: 'A part of the monitors that are set.',
  NotifyPeriodicEventStream: 'Values of a stream. Nobody answers it.',
  NotifyPriorityCharging: 'Priority charging was switched on or off.',
  NotifyReport: 'A part of the device model.',
  NotifySettlement: 'What became of a payment.',
  OpenPeriodicEventStream: 'The station opens a stream of values.',
  PublishFirmwareStatusNotification: 'How far the offering of a firmware has come.',
  PullDynamicScheduleUpdate: 'The station asks for the newest limits of a dynamic profile.',
  ReportChargingProfiles: 'A part of the profiles that are in force.',
  ReportDERControl: 'A part of the grid controls that are set.',
  ReservationStatusUpdate: 'A reservation has expired or was removed.',
  SecurityEventNotification: 'Something that matters to security happened.',
  SignCertificate: 'The station asks to have a certificate signed.',
  SignedFirmwareStatusNotification: 'How far the update of a signed firmware has come.',
  StartTransaction: 'A transaction has started.',
  StatusNotification: 'The state of a connector has changed.',
  StopTransaction: 'A transaction has ended.',
  TransactionEvent: 'A transaction has started, gone on or ended.',
  VatNumberValidation: 'The station asks whether a VAT number is valid.',
};

/** What an action does, or null for one that this desk does not know. */
export function describe(action: string | null | undefined): string | null {
  if (!action) return null;
  return sent[action]?.says ?? told[action] ?? null;
}

export function groupOf(action: string): Group {
  return sent[action]?.group ?? 'Other';
}

/** What to think of before sending, null where there is nothing. */
export function careful(action: string): string | null {
  return sent[action]?.careful ?? null;
}

/** All actions that are known here, for a field that completes names. */
export const knownActions: readonly string[] = [...Object.keys(sent), ...Object.keys(told)].sort();

/** What operators send most, before a network has a history of its own. */
const usual = [
  'TriggerMessage',
  'GetConfiguration',
  'ChangeConfiguration',
  'GetVariables',
  'SetVariables',
  'ChangeAvailability',
  'RemoteStartTransaction',
  'RequestStartTransaction',
  'RemoteStopTransaction',
  'RequestStopTransaction',
  'UnlockConnector',
  'Reset',
  'SetChargingProfile',
  'GetLog',
];

/** Names of actions, most used first, then the usual ones, at most `n`. */
export function mostUsed(available: readonly string[], used: readonly string[], n: number): string[] {
  const counts = new Map<string, number>();
  for (const action of used) counts.set(action, (counts.get(action) ?? 0) + 1);
  const rank = (action: string) => {
    const at = usual.indexOf(action);
    return (counts.get(action) ?? 0) * 100 + (at < 0 ? 0 : usual.length - at);
  };
  return available
    .filter((action) => rank(action) > 0)
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, n);
}
