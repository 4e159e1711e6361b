//! Plug and charge (ISO 15118): the contracts that vehicles show, the certificates that they ask for, and whether
//! certificates were taken back.
//!
//! What cannot be proven is not believed: a contract whose certificate cannot be followed to a known authority, or
//! whose responder does not answer, lets nobody charge. OCPP 1.6 has these messages inside `DataTransfer`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};
use voltwin_core::Timestamp;
use voltwin_ocpp::{Answer, ContractProof, ContractStatus, Version};
use voltwin_pki::ocsp::{CertificateId, Statement, Status};
use voltwin_pki::{Certificate, ChainFault};

use super::payload::{clip, list, text};
use crate::decide::Speaker;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const NOTES: &str = "contract_certificate";
/// When to ask again about what could not be found out, in seconds.
const AGAIN_S: f64 = 300.0;

impl CentralSystem {
    /// `GetCertificateStatus`: the responder's answer is passed on as it came; the station checks who signed it.
    pub(super) async fn certificate_status(&self, payload: &Json) -> Answer {
        let told = match hashed(payload.get("ocspRequestData").unwrap_or(&Json::Null)) {
            Some((id, url)) => self.ocsp(&id, &url).await,
            None => Err("the request is not complete".to_owned()),
        };
        Answer::Payload(match told {
            Ok(heard) => {
                json!({"status": "Accepted", "ocspResult": BASE64_STANDARD.encode(heard.response.as_slice())})
            }
            Err(reason) => json!({"status": "Failed", "statusInfo": because("NoAnswer", &reason)}),
        })
    }

    /// `GetCertificateChainStatus`: each certificate by itself, from the first address that gives a proven answer.
    pub(super) async fn chain_status(&self, payload: &Json) -> Answer {
        let mut told = Vec::new();
        for request in list(payload, "certificateStatusRequests") {
            let hash = request.get("certificateHashData").unwrap_or(&Json::Null);
            let source = text(request, "source").unwrap_or("OCSP");
            let statement = self.first_proven(hash, source, list(request, "urls")).await;
            let again = self.inner.runtime.now().plus_seconds(AGAIN_S);
            let next = statement.as_ref().and_then(|statement| statement.next_update_s);
            let next = next.map_or(again, |next_s| Timestamp::from_micros(next_s.saturating_mul(1_000_000)));
            let status = match statement.map(|statement| statement.status) {
                Some(Status::Good) => "Good",
                Some(Status::Revoked) => "Revoked",
                Some(Status::Unknown) => "Unknown",
                None => "Failed",
            };
            told.push(json!({
                "certificateHashData": hash, "source": source, "status": status, "nextUpdate": next,
            }));
        }
        Answer::Payload(json!({"certificateStatus": told}))
    }

    async fn first_proven(&self, hash: &Json, source: &str, urls: &[Json]) -> Option<Statement> {
        let id = id_of(hash)?;
        for url in urls.iter().filter_map(Json::as_str) {
            let told = match source {
                "CRL" => self.on_list(&id, url).await,
                _ => self.ocsp_proven(&id, url, &[]).await,
            };
            match told {
                Ok(statement) => return Some(statement),
                Err(reason) => tracing::debug!(url, reason, "nothing was learnt of a certificate"),
            }
        }
        None
    }

    /// `Get15118EVCertificate`: what a vehicle asks for is for the operator's command to answer.
    pub(super) async fn vehicle_certificate(
        &self,
        speaker: &Speaker<'_>,
        payload: &Json,
    ) -> Result<Answer, CsmsError> {
        let made = self.contract_made(speaker, payload).await;
        let failed = made.as_ref().err().cloned();
        let detail = json!({
            "step": "Get15118EVCertificate", "action": payload.get("action"),
            "schema": payload.get("iso15118SchemaVersion"),
            "status": if failed.is_none() { "Accepted" } else { "Failed" }, "reason": failed,
        });
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), NOTES, detail);
        self.record(events).await?;
        Ok(Answer::Payload(made.unwrap_or_else(|reason| {
            json!({"status": "Failed", "exiResponse": "", "statusInfo": because("NoContract", &reason)})
        })))
    }

    async fn contract_made(&self, speaker: &Speaker<'_>, payload: &Json) -> Result<Json, String> {
        let service = self.inner.config.contract_service.as_ref();
        let service = service.ok_or("nobody here makes contract certificates (`--contract-command`)")?;
        let (station, tenant) = (speaker.station.as_str(), speaker.tenant.as_str());
        let request = payload.to_string();
        let printed =
            service.ask(request.as_bytes(), station, tenant).await.map_err(|error| error.to_string())?;
        let answer: Json = serde_json::from_str(&printed)
            .map_err(|error| format!("what the command printed is not JSON: {error}"))?;
        let wanted = ["status", "exiResponse", "remainingContracts", "statusInfo"];
        let members = answer.as_object().ok_or("what the command printed is no JSON object")?;
        let known = members.iter().filter(|(name, _)| wanted.contains(&name.as_str()));
        let answer = Json::Object(known.map(|(name, value)| (name.clone(), value.clone())).collect());
        // 1.6 has the message of 2.0.1
        let version = if speaker.version == Version::V16 { Version::V201 } else { speaker.version };
        voltwin_ocpp::validate_answer(version, "Get15118EVCertificate", &answer)
            .map_err(|violation| format!("what the command printed is no answer: {violation}"))?;
        Ok(answer)
    }

    /// The same in OCPP 1.6: the message inside `DataTransfer`, as agreed by the Open Charge Alliance for plug and
    /// charge. `None` when there is no such message.
    pub(super) async fn contract_transfer(
        &self,
        speaker: &Speaker<'_>,
        message: &str,
        data: &Json,
    ) -> Result<Option<Json>, CsmsError> {
        let answer = match message {
            "Authorize" => {
                let token = data.get("idToken").unwrap_or(&Json::Null);
                let token = token.as_str().or_else(|| text(token, "idToken")).unwrap_or_default();
                let proof = ContractProof {
                    certificate: text(data, "certificate").map(str::to_owned),
                    hashes: list(data, "iso15118CertificateHashData").iter().take(4).cloned().collect(),
                };
                let proof = (proof != ContractProof::default()).then_some(&proof);
                let answer = self.authorize(speaker, token, Some("eMAID"), proof).await?;
                let Answer::Authorize { token, certificate, .. } = answer else { return Ok(None) };
                let mut payload = json!({"idTokenInfo": voltwin_ocpp::token_info(Version::V201, &token)});
                if let Some(certificate) = certificate {
                    payload["certificateStatus"] = certificate.as_str().into();
                }
                return Ok(Some(payload));
            }
            "GetCertificateStatus" => self.certificate_status(data).await,
            "Get15118EVCertificate" => self.vehicle_certificate(speaker, data).await?,
            "SignCertificate" => self.sign_certificate(speaker, data, true).await?,
            _ => return Ok(None),
        };
        Ok(match answer {
            Answer::Payload(payload) => Some(payload),
            _ => None,
        })
    }

    /// Whether the contract that a vehicle shows counts.
    pub(crate) async fn judge_contract(
        &self,
        speaker: &Speaker<'_>,
        contract_id: &str,
        proof: &ContractProof,
    ) -> Result<ContractStatus, CsmsError> {
        let (status, reason) = match &proof.certificate {
            Some(chain) => self.judge_chain(contract_id, chain).await,
            None => self.judge_hashes(&proof.hashes).await,
        };
        if status != ContractStatus::Accepted {
            let detail = json!({
                "step": "Authorize", "contract": clip(contract_id, 255), "status": status.as_str(),
                "reason": clip(&reason, 500),
            });
            let mut events = Events::new(self, speaker.tenant, speaker.trace);
            events.note(speaker.station, self.inner.runtime.now(), NOTES, detail);
            self.record(events).await?;
        }
        Ok(status)
    }

    async fn judge_chain(&self, contract_id: &str, chain: &str) -> (ContractStatus, String) {
        let Some(authorities) = &self.inner.config.vehicle_authorities else {
            let reason = "no authority of the vehicle side is known here (`--v2g-ca`)";
            return (ContractStatus::NoCertificateAvailable, reason.to_owned());
        };
        let chain = match authorities.judge(chain, self.now_s()) {
            Ok(chain) => chain,
            Err(ChainFault::Time) => {
                return (ContractStatus::CertificateExpired, "it does not count at this time".to_owned());
            }
            Err(ChainFault::Signature) => {
                return (ContractStatus::SignatureError, "a signature in its chain is wrong".to_owned());
            }
            Err(ChainFault::Chain(reason)) => return (ContractStatus::CertChainError, reason),
        };
        let named = chain.first().and_then(|contract| contract.common_name.as_deref()).unwrap_or_default();
        if plain(named) != plain(contract_id) {
            return (ContractStatus::CertChainError, format!("its certificate is that of `{named}`"));
        }
        for certificate in &chain {
            let Some(url) = certificate.ocsp_url() else { continue };
            let Some(issuer) = authorities.issuer_of(certificate, &chain) else { continue };
            let told = match CertificateId::of(certificate, issuer) {
                Ok(id) => self.ocsp_proven(&id, &url, std::slice::from_ref(issuer)).await,
                Err(error) => Err(error.to_string()),
            };
            if let Some(refused) = refused(told, certificate) {
                return refused;
            }
        }
        (ContractStatus::Accepted, String::new())
    }

    async fn judge_hashes(&self, hashes: &[Json]) -> (ContractStatus, String) {
        for hash in hashes {
            let told = match hashed(hash) {
                Some((id, url)) => self.ocsp_proven(&id, &url, &[]).await,
                None => Err("the hashes of a certificate are not complete".to_owned()),
            };
            match told.map(|statement| statement.status) {
                Ok(Status::Good) => {}
                Ok(Status::Revoked) => {
                    return (ContractStatus::CertificateRevoked, "its responder says so".to_owned());
                }
                Ok(Status::Unknown) => {
                    return (ContractStatus::CertChainError, "its responder does not know it".to_owned());
                }
                Err(reason) => return (ContractStatus::NoCertificateAvailable, reason),
            }
        }
        (ContractStatus::Accepted, String::new())
    }
}

/// What stands against a certificate, if anything does.
fn refused(told: Result<Statement, String>, certificate: &Certificate) -> Option<(ContractStatus, String)> {
    let name = certificate.common_name.as_deref().unwrap_or(&certificate.serial);
    match told.map(|statement| statement.status) {
        Ok(Status::Good) => None,
        Ok(Status::Revoked) => {
            Some((ContractStatus::CertificateRevoked, format!("the certificate of `{name}` was taken back")))
        }
        Ok(Status::Unknown) => Some((
            ContractStatus::CertChainError,
            format!("the responder does not know the certificate of `{name}`"),
        )),
        Err(reason) => Some((ContractStatus::NoCertificateAvailable, format!("of `{name}`: {reason}"))),
    }
}

/// The id of a contract without the hyphens that may stand in it, in upper case (ISO 15118-2, annex H).
fn plain(contract_id: &str) -> String {
    contract_id.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect()
}

/// `CertificateHashDataType`.
fn id_of(hash: &Json) -> Option<CertificateId> {
    Some(CertificateId {
        hash_algorithm: text(hash, "hashAlgorithm")?.to_owned(),
        issuer_name_hash: text(hash, "issuerNameHash")?.to_owned(),
        issuer_key_hash: text(hash, "issuerKeyHash")?.to_owned(),
        serial_number: text(hash, "serialNumber")?.to_owned(),
    })
}

/// `OCSPRequestDataType`.
fn hashed(data: &Json) -> Option<(CertificateId, String)> {
    Some((id_of(data)?, text(data, "responderURL")?.to_owned()))
}

fn because(code: &str, reason: &str) -> Json {
    json!({"reasonCode": code, "additionalInfo": clip(reason, 500)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_the_same_with_and_without_hyphens() {
        assert_eq!(plain("DE-ABC-C12345678-9"), plain("deabcC123456789"));
        assert_ne!(plain("DE-ABC-C12345678-9"), plain("DEABCC123456780"));
    }

    #[test]
    fn half_a_request_is_none() {
        let whole = json!({"hashAlgorithm": "SHA256", "issuerNameHash": "ab", "issuerKeyHash": "cd",
            "serialNumber": "1", "responderURL": "http://ocsp.example"});
        assert_eq!(hashed(&whole).unwrap().1, "http://ocsp.example");
        for member in ["hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber", "responderURL"] {
            let mut half = whole.clone();
            half.as_object_mut().unwrap().remove(member);
            assert!(hashed(&half).is_none(), "{member}");
        }
    }
}
