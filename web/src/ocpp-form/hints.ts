/** A line of help under fields whose name does not say enough, and words to choose from. */

const hints: Readonly<Record<string, string>> = {
  evseId: 'From 1; 0 is the whole station where that is allowed.',
  connectorId: 'From 1; 0 is the whole station where that is allowed.',
  requestId: 'Drawn for you. Reports that follow carry it.',
  remoteStartId: 'Drawn for you. The transaction that starts carries it.',
  idTag: 'The card or account that the transaction is booked on.',
  parentIdTag: 'Tags with the same parent may use the reservation too.',
  stackLevel: 'Of profiles with one purpose the one with the highest level holds.',
  chargingProfileId: 'A profile with the same number is replaced.',
  startPeriod: 'Seconds after the start of the schedule; the first is 0.',
  duration: 'Seconds.',
  interval: 'Seconds, unless the message says otherwise.',
  minChargingRate: 'Below it charging is not efficient.',
  chargingRateUnit: 'W for watts, A for amperes per phase.',
  numberPhases: '1 to 3; three where it is left out.',
  limit: 'In the unit of the schedule.',
  location: 'An address that the station can reach.',
  remoteLocation: 'An address that the station can upload to.',
  retries: 'How often it tries again.',
  retryInterval: 'Seconds between tries.',
  retryRequested: 'False lets the station decide.',
  listVersion: 'Greater than that of the list which the station holds.',
  versionNumber: 'Greater than that of the list which the station holds.',
  vendorId: 'Who has agreed on the data, as a domain turned around: com.example.',
  attributeValue: 'As text, whatever the type of the variable.',
  key: 'Capitals count.',
  certificate: 'PEM, with its first and last line.',
  certificateChain: 'PEM, one certificate after the other.',
  signingCertificate: 'PEM, with its first and last line.',
  severity: '0 is danger, 9 is debugging.',
  cronSchedule: 'Leave out for a message that is shown once.',
  additionalInfo: 'Further ids that belong to the token.',
  customData: 'Fields that a vendor has agreed on.',
};

export function hintOf(name: string): string | null {
  return hints[name] ?? null;
}
