//! Requests to an OCSP responder and what its answers say (RFC 6960), in bytes.
//!
//! [`read`] says what an answer states; [`verify`] says whether it is the issuer's word, for whoever has the issuer's
//! certificate. A station that gets an answer passed on checks the signature itself.

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_parser::asn1_rs::BitString;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;
use x509_parser::verify::verify_signature;
use x509_parser::x509::AlgorithmIdentifier;

use crate::certificate::hex;
use crate::{Certificate, PkiError};

/// Object identifiers of the hash functions that OCPP names, as DER contents.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const BITS: u8 = 0x03;
const ENUMERATED: u8 = 0x0a;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// Certificates that a responder may send along.
const SENT_ALONG_MAX: usize = 8;

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

impl CertificateId {
    /// The id of `certificate`, which `issuer` signed, by SHA-256.
    ///
    /// # Errors
    /// [`PkiError::Format`].
    pub fn of(certificate: &Certificate, issuer: &Certificate) -> Result<Self, PkiError> {
        let (name, key) = name_and_key(issuer)?;
        Ok(Self {
            hash_algorithm: "SHA256".to_owned(),
            issuer_name_hash: hex(&Sha256::digest(name)),
            issuer_key_hash: hex(&Sha256::digest(key)),
            serial_number: certificate.serial.clone(),
        })
    }

    /// Whether `issuer` is who issued the certificate that is meant: by the hashes of its name and its key.
    #[must_use]
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let Ok((name, key)) = name_and_key(issuer) else { return false };
        let hash = |bytes: &[u8]| match self.hash_algorithm.as_str() {
            "SHA256" => hex(&Sha256::digest(bytes)),
            "SHA384" => hex(&Sha384::digest(bytes)),
            _ => hex(&Sha512::digest(bytes)),
        };
        hash(&name).eq_ignore_ascii_case(&self.issuer_name_hash)
            && hash(&key).eq_ignore_ascii_case(&self.issuer_key_hash)
    }
}

/// The name (DER) and the public key (bits) of a certificate's holder, over which the hashes of an id go.
fn name_and_key(certificate: &Certificate) -> Result<(Vec<u8>, Vec<u8>), PkiError> {
    let parsed = parsed(&certificate.der)?;
    let key = parsed.public_key().subject_public_key.data.to_vec();
    Ok((parsed.subject().as_raw().to_vec(), key))
}

fn parsed(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| PkiError::format("the certificate", error))?;
    Ok(parsed)
}

/// What an answer states of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Whether it counts.
    pub status: Status,
    /// Since when this is known to be so, seconds since 1970.
    pub this_update_s: i64,
    /// When more will be known, seconds since 1970; `None` = at any time.
    pub next_update_s: Option<i64>,
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
pub fn read(response: &[u8], serial_number: &str) -> Result<Statement, PkiError> {
    let wanted = integer(from_hex("the serial number", serial_number)?);
    let mut data = Reader(basic(response)?.data).expect(SEQUENCE)?;
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
        if certificate.expect(INTEGER)?.0 != wanted {
            continue;
        }
        let status = match single.next()?.0 & 0x1f {
            0 => Status::Good,
            1 => Status::Revoked,
            2 => Status::Unknown,
            _ => return Err(bad("its verdict is none of the three")),
        };
        let this_update_s = time(single.expect(TIME)?.0)?;
        let next_update_s = match single.next() {
            Ok((0xa0, mut next)) => Some(time(next.expect(TIME)?.0)?),
            _ => None,
        };
        return Ok(Statement { status, this_update_s, next_update_s });
    }
    Err(bad("it does not speak of the certificate"))
}

/// Whether a response is the word of `issuer`: signed by it, or by a responder whose certificate, which is sent along
/// and counts at `now_s`, it signed for that (RFC 6960, section 4.2.2.2).
///
/// # Errors
/// [`PkiError::Format`] with what is wrong.
pub fn verify(response: &[u8], issuer: &Certificate, now_s: i64) -> Result<(), PkiError> {
    let basic = basic(response)?;
    let (_, algorithm) =
        AlgorithmIdentifier::from_der(basic.algorithm).map_err(|error| bad(&error.to_string()))?;
    let (_, signature) = BitString::from_der(basic.signature).map_err(|error| bad(&error.to_string()))?;
    let issuer = parsed(&issuer.der)?;
    let signed_by = |signer: &X509Certificate<'_>| {
        verify_signature(signer.public_key(), &algorithm, &signature, basic.data).is_ok()
    };
    if signed_by(&issuer) {
        return Ok(());
    }
    for der in basic.certificates.iter().take(SENT_ALONG_MAX) {
        let responder = parsed(der)?;
        let validity = responder.validity();
        let counts = validity.not_before.timestamp() <= now_s && now_s <= validity.not_after.timestamp();
        let for_this =
            responder.extended_key_usage().ok().flatten().is_some_and(|usage| usage.value.ocsp_signing);
        if counts
            && for_this
            && responder.issuer() == issuer.subject()
            && responder.verify_signature(Some(issuer.public_key())).is_ok()
            && signed_by(&responder)
        {
            return Ok(());
        }
    }
    Err(bad("it is signed neither by the issuer nor by a responder of the issuer"))
}

/// The certificates that a response brings along, at most 8: the issuer's may be among them.
///
/// # Errors
/// [`PkiError::Format`].
pub fn sent_along(response: &[u8]) -> Result<Vec<Certificate>, PkiError> {
    let basic = basic(response)?;
    basic.certificates.iter().take(SENT_ALONG_MAX).map(|der| Certificate::from_der(der)).collect()
}

/// The parts of a successful response, each as DER.
struct Basic<'a> {
    data: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    certificates: Vec<&'a [u8]>,
}

fn basic(response: &[u8]) -> Result<Basic<'_>, PkiError> {
    let mut whole = Reader(response).expect(SEQUENCE)?;
    match whole.expect(ENUMERATED)?.0 {
        [0] => {}
        [code] => return Err(bad(&format!("the responder refuses with status {code}"))),
        _ => return Err(bad("its status is no byte")),
    }
    let mut bytes = whole.expect(0xa0)?.expect(SEQUENCE)?;
    bytes.expect(OBJECT)?;
    let mut basic = bytes.expect(OCTETS)?.expect(SEQUENCE)?;
    let (data, algorithm, signature) = (basic.raw(SEQUENCE)?, basic.raw(SEQUENCE)?, basic.raw(BITS)?);
    let mut certificates = Vec::new();
    if let Ok((0xa0, mut list)) = basic.next() {
        let mut list = list.expect(SEQUENCE)?;
        while !list.0.is_empty() {
            certificates.push(list.raw(SEQUENCE)?);
        }
    }
    Ok(Basic { data, algorithm, signature, certificates })
}

fn time(content: &[u8]) -> Result<i64, PkiError> {
    let whole = element(TIME, content);
    let (_, time) = ASN1Time::from_der(&whole).map_err(|error| bad(&error.to_string()))?;
    Ok(time.timestamp())
}

fn bad(reason: &str) -> PkiError {
    PkiError::format("the OCSP response", reason)
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

    /// The next element with its head.
    fn raw(&mut self, tag: u8) -> Result<&'a [u8], PkiError> {
        let before = self.0;
        self.expect(tag)?;
        Ok(&before[..before.len() - self.0.len()])
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

    fn response(verdict: u8, next: Option<&[u8]>) -> Vec<u8> {
        let mut inner = request(&id()).unwrap();
        for _ in 0..4 {
            inner = Reader(&inner).expect(SEQUENCE).unwrap().0.to_vec();
        }
        let certificate = inner;
        let time = element(TIME, b"20260101000000Z");
        let next = next.map_or_else(Vec::new, |next| element(0xa0, &element(TIME, next)));
        let single = element(SEQUENCE, &[certificate, element(verdict, &[]), time.clone(), next].concat());
        let responder = element(0xa2, &element(OCTETS, &[7; 20]));
        let data = element(SEQUENCE, &[responder, time, element(SEQUENCE, &single)].concat());
        let algorithm = element(SEQUENCE, &element(OBJECT, &[0x2b, 0x65, 0x70]));
        let basic = element(SEQUENCE, &[data, algorithm, element(BITS, &[0; 65])].concat());
        let kind = element(OBJECT, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
        let bytes = element(SEQUENCE, &[kind, element(OCTETS, &basic)].concat());
        element(SEQUENCE, &[element(ENUMERATED, &[0]), element(0xa0, &bytes)].concat())
    }

    #[test]
    fn a_response_speaks_of_one_certificate_for_a_time() {
        let status = |verdict, serial| read(&response(verdict, None), serial).map(|told| told.status);
        assert_eq!(status(0x80, "9F00FF").unwrap(), Status::Good);
        assert_eq!(status(0xa1, "9f00ff").unwrap(), Status::Revoked);
        assert_eq!(status(0x82, "9f00ff").unwrap(), Status::Unknown);
        assert!(status(0x80, "01").unwrap_err().to_string().contains("does not speak"));
        assert!(read(&[0x30, 3, 0x0a, 1, 3], "01").unwrap_err().to_string().contains("status 3"));
        let told = read(&response(0x80, Some(b"20260102000000Z")), "9f00ff").unwrap();
        // 2026-01-01 and a day later
        assert_eq!((told.this_update_s, told.next_update_s), (1_767_225_600, Some(1_767_312_000)));
        assert_eq!(read(&response(0x80, None), "9f00ff").unwrap().next_update_s, None);
    }

    #[test]
    fn no_cut_of_a_response_panics() {
        let whole = response(0x80, Some(b"20260102000000Z"));
        for end in 0..whole.len() {
            assert!(read(&whole[..end], "9f00ff").is_err(), "{end}");
            let mut broken = whole.clone();
            broken[end] ^= 0xff;
            let _ = (read(&broken, "9f00ff"), sent_along(&broken));
        }
    }
}
