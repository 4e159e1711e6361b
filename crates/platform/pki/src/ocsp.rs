//! Requests to an OCSP responder and what its answers say (RFC 6960), in bytes.
//!
//! The signature of an answer is not checked here: whoever asks by hashes alone has no certificate of the issuer to
//! check it with. A station that gets the answer passed on checks it itself.

use crate::PkiError;

/// Object identifiers of the hash functions that OCPP names, as DER contents.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;

/// Which certificate is asked about: what OCPP calls `OCSPRequestData`, its texts in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateId {
    /// `SHA256`, `SHA384` or `SHA512`.
    pub hash_algorithm: String,
    /// Hash of the issuer's name.
    pub issuer_name_hash: String,
    /// Hash of the issuer's public key.
    pub issuer_key_hash: String,
    /// Serial number of the certificate.
    pub serial_number: String,
}

/// What a responder says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It counts.
    Good,
    /// It was taken back.
    Revoked,
    /// The responder does not know it.
    Unknown,
}

/// The request, DER.
///
/// # Errors
/// [`PkiError::Format`] when a hash or the serial number is not hexadecimal, or the hash function is none of the three.
pub fn request(id: &CertificateId) -> Result<Vec<u8>, PkiError> {
    let algorithm = match id.hash_algorithm.as_str() {
        "SHA256" => SHA256,
        "SHA384" => SHA384,
        "SHA512" => SHA512,
        other => return Err(PkiError::format("the hash algorithm", format!("`{other}` is not in use"))),
    };
    let algorithm = element(SEQUENCE, &[element(OBJECT, algorithm), element(NULL, &[])].concat());
    let certificate = element(
        SEQUENCE,
        &[
            algorithm,
            element(OCTETS, &from_hex("the issuer's name hash", &id.issuer_name_hash)?),
            element(OCTETS, &from_hex("the issuer's key hash", &id.issuer_key_hash)?),
            element(INTEGER, &integer(from_hex("the serial number", &id.serial_number)?)),
        ]
        .concat(),
    );
    // request list of one request, in the part to be signed, in the request
    Ok([SEQUENCE; 4].into_iter().fold(certificate, |inner, tag| element(tag, &inner)))
}

/// What a successful response says of the certificate with `serial_number` (hexadecimal).
///
/// # Errors
/// [`PkiError::Format`] when it is no successful response, or does not speak of that certificate.
pub fn status(response: &[u8], serial_number: &str) -> Result<Status, PkiError> {
    let wanted = integer(from_hex("the serial number", serial_number)?);
    let bad = |reason: &str| PkiError::format("the OCSP response", reason);
    let mut whole = Reader(response).expect(SEQUENCE)?;
    match whole.expect(ENUMERATED)?.0 {
        [0] => {}
        [code] => return Err(bad(&format!("the responder refuses with status {code}"))),
        _ => return Err(bad("its status is no byte")),
    }
    let mut bytes = whole.expect(0xa0)?.expect(SEQUENCE)?;
    bytes.expect(OBJECT)?;
    let mut data = bytes.expect(OCTETS)?.expect(SEQUENCE)?.expect(SEQUENCE)?;
    let (mut tag, mut element) = data.next()?;
    while tag != SEQUENCE {
        // version, responder and time of production
        (tag, element) = data.next()?;
    }
    while !element.0.is_empty() {
        let mut single = element.expect(SEQUENCE)?;
        let mut certificate = single.expect(SEQUENCE)?;
        certificate.expect(SEQUENCE)?;
        certificate.expect(OCTETS)?;
        certificate.expect(OCTETS)?;
        if certificate.expect(INTEGER)?.0 == wanted {
            return match single.next()?.0 & 0x1f {
                0 => Ok(Status::Good),
                1 => Ok(Status::Revoked),
                2 => Ok(Status::Unknown),
                _ => Err(bad("its verdict is none of the three")),
            };
        }
    }
    Err(bad("it does not speak of the certificate"))
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = content.len().to_be_bytes();
            let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
            out.push(0x80 | u8::try_from(bytes.len() - first).unwrap_or(8));
            out.extend_from_slice(&bytes[first..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A positive integer as DER wants it: no needless zeros, none missing before a high bit.
fn integer(bytes: Vec<u8>) -> Vec<u8> {
    let mut digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    digits
}

fn from_hex(what: &'static str, text: &str) -> Result<Vec<u8>, PkiError> {
    let odd = if text.len() % 2 == 1 { "0" } else { "" };
    let text = format!("{odd}{text}");
    if text.is_empty() || text.len() > 256 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PkiError::format(what, "it is not hexadecimal of 1 to 256 digits"));
    }
    let pairs = text.as_bytes().chunks(2);
    let byte =
        |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    pairs.map(byte).collect::<Option<_>>().ok_or_else(|| PkiError::format(what, "it is not hexadecimal"))
}

/// Reads one element after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(u8, Reader<'a>), PkiError> {
        let short = || PkiError::format("the OCSP response", "it ends early");
        let (&tag, rest) = self.0.split_first().ok_or_else(short)?;
        let (&length, mut rest) = rest.split_first().ok_or_else(short)?;
        let length = if length < 0x80 {
            usize::from(length)
        } else {
            let count = usize::from(length & 0x7f);
            let digits = rest.get(..count).filter(|_| (1..=4).contains(&count)).ok_or_else(short)?;
            rest = &rest[count..];
            digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit))
        };
        let content = rest.get(..length).ok_or_else(short)?;
        self.0 = &rest[length..];
        Ok((tag, Reader(content)))
    }

    fn expect(&mut self, tag: u8) -> Result<Reader<'a>, PkiError> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            (found, _) => {
                Err(PkiError::format("the OCSP response", format!("{found:#04x} where {tag:#04x} belongs")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CertificateId {
        CertificateId {
            hash_algorithm: "SHA256".to_owned(),
            issuer_name_hash: "ab".repeat(32),
            issuer_key_hash: "cd".repeat(32),
            serial_number: "9f00ff".to_owned(),
        }
    }

    #[test]
    fn a_request_is_what_the_standard_draws() {
        let der = request(&id()).unwrap();
        // worked out by hand from RFC 6960, section 4.1.1
        let algorithm = "300d06096086480165030402010500";
        let certificate = format!("{algorithm}0420{}0420{}0204009f00ff", "ab".repeat(32), "cd".repeat(32));
        let expected = format!("3061305f305d305b3059{certificate}");
        let found: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
        for broken in ["", "xyz"] {
            assert!(request(&CertificateId { serial_number: broken.to_owned(), ..id() }).is_err());
        }
        assert!(request(&CertificateId { hash_algorithm: "MD5".to_owned(), ..id() }).is_err());
    }

    fn response(verdict: u8) -> Vec<u8> {
        let mut inner = request(&id()).unwrap();
        for _ in 0..4 {
            inner = Reader(&inner).expect(SEQUENCE).unwrap().0.to_vec();
        }
        let certificate = inner;
        let time = element(0x18, b"20260101000000Z");
        let single = element(SEQUENCE, &[certificate, element(verdict, &[]), time.clone()].concat());
        let responder = element(0xa2, &element(OCTETS, &[7; 20]));
        let data = element(SEQUENCE, &[responder, time, element(SEQUENCE, &single)].concat());
        let basic = element(SEQUENCE, &data);
        let kind = element(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
        let bytes = element(SEQUENCE, &[kind, element(OCTETS, &basic)].concat());
        element(SEQUENCE, &[element(ENUMERATED, &[0]), element(0xa0, &bytes)].concat())
    }

    #[test]
    fn a_response_speaks_of_one_certificate() {
        assert_eq!(status(&response(0x80), "9F00FF").unwrap(), Status::Good);
        assert_eq!(status(&response(0xa1), "9f00ff").unwrap(), Status::Revoked);
        assert_eq!(status(&response(0x82), "9f00ff").unwrap(), Status::Unknown);
        assert!(status(&response(0x80), "01").unwrap_err().to_string().contains("does not speak"));
        assert!(status(&[0x30, 3, 0x0a, 1, 3], "01").unwrap_err().to_string().contains("status 3"));
    }

    #[test]
    fn no_cut_of_a_response_panics() {
        let whole = response(0x80);
        for end in 0..whole.len() {
            assert!(status(&whole[..end], "9f00ff").is_err(), "{end}");
            let mut broken = whole.clone();
            broken[end] ^= 0xff;
            let _ = status(&broken, "9f00ff");
        }
    }
}
