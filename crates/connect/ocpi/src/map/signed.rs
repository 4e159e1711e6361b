//! What meters signed, byte for byte, as a CDR holds it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use voltwin_core::{SignedReading, TransactionPhase};

use crate::{CiText, SignedData, SignedValue, Text};

/// Readings from between the begin and the end that a CDR holds; with more of them, it holds none of these.
const BETWEEN_MAX: usize = 20;
/// Readings of the begin and the end.
const ENDS_MAX: usize = 20;
/// How data is called whose encoding nobody named.
const UNNAMED: &str = "unspecified";
/// What the readable form of the open charge metering format begins with.
const OCMF: &str = "OCMF|";

/// The readings of one transaction in the order of its events. `None` where there are none, or none that fits: data of more
/// than 5,000 characters is left out, for a part of it could not be checked. Those of one encoding are told, the first's.
#[must_use]
pub fn signed_data(readings: &[(TransactionPhase, SignedReading)]) -> Option<SignedData> {
    let encoding = method(&readings.first()?.1);
    let same = || readings.iter().filter(|(_, reading)| method(reading) == encoding);
    let between = same().filter(|(phase, reading)| nature(*phase, reading) == BETWEEN).count();
    let mut ends = 0;
    let mut signed_values = Vec::new();
    for (phase, reading) in same() {
        let nature = nature(*phase, reading);
        let told = match nature == BETWEEN {
            true => between <= BETWEEN_MAX,
            false => {
                ends += 1;
                ends <= ENDS_MAX
            }
        };
        let (encoded, plain) = forms(reading);
        let (Ok(nature), Ok(signed_data)) = (CiText::new(nature), Text::new(&encoded)) else { continue };
        if told {
            signed_values.push(SignedValue { nature, plain_data: Text::fitted(&plain), signed_data });
        }
    }
    let key = same().filter_map(|(_, reading)| reading.public_key.as_deref()).find(|key| !key.is_empty());
    let signed = SignedData {
        encoding_method: CiText::new(&encoding.chars().take(36).collect::<String>()).ok()?,
        encoding_method_version: None,
        public_key: key.and_then(|key| CiText::new(key).ok()),
        signed_values,
        url: None,
    };
    (!signed.signed_values.is_empty()).then_some(signed)
}

const BETWEEN: &str = "Intermediate";

fn nature(phase: TransactionPhase, reading: &SignedReading) -> &'static str {
    match (reading.context.as_deref(), phase) {
        (Some("Transaction.Begin"), _) | (None, TransactionPhase::Started) => "Start",
        (Some("Transaction.End"), _) | (None, TransactionPhase::Ended) => "End",
        _ => BETWEEN,
    }
}

fn method(reading: &SignedReading) -> &str {
    match reading.encoding.as_deref().filter(|encoding| !encoding.is_empty()) {
        Some(encoding) => encoding,
        None if reading.data.starts_with(OCMF) => "OCMF",
        None => UNNAMED,
    }
}

/// The data in base64, and what of it can be read. OCPP 2.x sends base64 already, where a station does as it says; what 1.6
/// sends is taken as it is.
fn forms(reading: &SignedReading) -> (String, String) {
    let data = reading.data.as_str();
    let decoded = match reading.encoding {
        Some(_) => BASE64_STANDARD.decode(data).ok(),
        None => None,
    };
    match decoded {
        Some(bytes) => (data.to_owned(), readable(&String::from_utf8_lossy(&bytes))),
        None => (BASE64_STANDARD.encode(data), readable(data)),
    }
}

/// The payload of OCMF, without its signature; of anything else the whole.
fn readable(data: &str) -> String {
    let payload = data.strip_prefix(OCMF).and_then(|rest| rest.rsplit_once('|'));
    payload.map_or(data, |(payload, _)| payload).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransactionPhase::{Ended, Started, Updated};

    fn reading(data: &str, context: Option<&str>, encoding: Option<&str>) -> SignedReading {
        SignedReading {
            at: "2026-11-21T08:00:00Z".parse().unwrap(),
            measurand: "Energy.Active.Import.Register".to_owned(),
            context: context.map(str::to_owned),
            data: data.to_owned(),
            encoding: encoding.map(str::to_owned),
            signing_method: None,
            public_key: None,
        }
    }

    fn decoded(value: &SignedValue) -> Vec<u8> {
        BASE64_STANDARD.decode(value.signed_data.as_str()).unwrap()
    }

    const TEXT: &str = r#"OCMF|{"FV":"1.0","RD":[{"RV":1234.5}]}|{"SD":"3045"}"#;

    #[test]
    fn what_was_signed_comes_through_byte_for_byte() {
        let encoded = BASE64_STANDARD.encode(TEXT);
        let mut keyed = reading(&encoded, Some("Transaction.End"), Some("OCMF"));
        keyed.public_key = Some("MFkwEwYH".to_owned());
        let readings = [
            (Started, reading(TEXT, None, None)),
            // a station that says base64 and sends the text itself
            (Updated, reading(TEXT, Some("Sample.Clock"), Some("OCMF"))),
            (Ended, keyed),
        ];
        let signed = signed_data(&readings).unwrap();
        assert_eq!(signed.encoding_method, CiText::new("ocmf").unwrap());
        assert_eq!(signed.public_key, Some(CiText::new("MFkwEwYH").unwrap()));
        let natures: Vec<_> = signed.signed_values.iter().map(|value| value.nature.as_str()).collect();
        assert_eq!(natures, ["Start", "Intermediate", "End"]);
        for value in &signed.signed_values {
            assert_eq!(decoded(value), TEXT.as_bytes());
            assert_eq!(value.plain_data.as_str(), r#"{"FV":"1.0","RD":[{"RV":1234.5}]}"#);
        }
        let json = serde_json::to_string(&signed).unwrap();
        assert_eq!(crate::read::<SignedData>(json.as_bytes()).unwrap(), signed);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_never_cut() {
        assert_eq!(signed_data(&[]), None);
        assert_eq!(signed_data(&[(Started, reading(&"x".repeat(4_000), None, None))]), None);
        let long = format!("OCMF|{}|sig", "y".repeat(900));
        let signed = signed_data(&[(Started, reading(&long, None, None))]).unwrap();
        assert_eq!(signed.signed_values[0].plain_data.as_str().len(), 512, "only for the eye");
        assert_eq!(decoded(&signed.signed_values[0]), long.as_bytes());
        let mut many: Vec<_> =
            (0..BETWEEN_MAX).map(|_| (Updated, reading("a", Some("Sample.Periodic"), None))).collect();
        many.insert(0, (Started, reading("0102", None, None)));
        many.push((Ended, reading("b", None, Some("EDL"))));
        let signed = signed_data(&many).unwrap();
        assert_eq!(signed.encoding_method.as_str(), UNNAMED);
        assert_eq!(signed.signed_values.len(), BETWEEN_MAX + 1, "one of another encoding is none of them");
        assert_eq!(
            decoded(&signed.signed_values[0]),
            b"0102",
            "a text that looks like base64 is a text in 1.6"
        );
        many.insert(1, (Updated, reading("c", Some("Sample.Periodic"), None)));
        assert_eq!(signed_data(&many).unwrap().signed_values.len(), 1);
    }
}
