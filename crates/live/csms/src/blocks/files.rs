//! Files between stations and us: logs that a station sends, firmware that it fetches, each by an address of ours with
//! a token that is good for that one file.

use std::time::Duration;

use serde_json::{Value as Json, json};
use uuid::Uuid;
use voltwin_core::{CommandState, EventBody, NoteFact, TenantId, Timestamp, TwinId};
use voltwin_ocpp::Version;
use voltwin_security::SessionToken;
use voltwin_store::{Command, FileKind, FilePurpose, FileRecord, FileState, NewFile};

use crate::{CentralSystem, CommandRequest, CsmsError};

/// Seconds that a station has to send a log.
const SEND_WITHIN_S: f64 = 24.0 * 3_600.0;
/// Seconds that it has to fetch a firmware after the time at which it may begin.
const FETCH_WITHIN_S: f64 = 7.0 * 24.0 * 3_600.0;

/// Which log is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRequest {
    /// `DiagnosticsLog`, `SecurityLog` or, from 2.1 on, `DataCollectorLog`. OCPP 1.6 is asked for diagnostics by
    /// `GetDiagnostics`, for the rest by `GetLog` of its security extension.
    pub log_type: String,
    /// Not before.
    pub oldest: Option<Timestamp>,
    /// Not after.
    pub latest: Option<Timestamp>,
    /// How often the station may try to send it.
    pub retries: Option<u32>,
    /// Seconds between two attempts.
    pub retry_interval_s: Option<u32>,
}

/// Where a firmware comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum FirmwareImage {
    /// A file that was uploaded to us.
    File(String),
    /// Any address that the station understands.
    Location(String),
}

/// Which firmware to install, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct FirmwareRequest {
    /// Where it comes from.
    pub image: FirmwareImage,
    /// Not fetched before; now when absent.
    pub retrieve_at: Option<Timestamp>,
    /// Not installed before (2.x, and signed updates of 1.6).
    pub install_at: Option<Timestamp>,
    /// The certificate that signed it, in PEM, with the signature: a signed update.
    pub signed: Option<(String, String)>,
    /// How often the station may try to fetch it.
    pub retries: Option<u32>,
    /// Seconds between two attempts.
    pub retry_interval_s: Option<u32>,
}

impl CentralSystem {
    /// Asks a station for a log, to be sent to `{base}/files/{token}`. The file is there when its state says so; a
    /// station that refuses leaves none.
    ///
    /// # Errors
    /// As [`CentralSystem::command`], and when the tenant has too many files.
    pub async fn request_log(
        &self,
        (tenant, station): (&TenantId, &TwinId),
        request: &LogRequest,
        base: &str,
        by: &str,
        wait: Duration,
    ) -> Result<(FileRecord, Command), CsmsError> {
        let entry = self.inner.directory.get(tenant, station);
        let version = self.version_of(tenant, station, entry.as_ref())?;
        let store = self.inner.runtime.store().tenant(tenant);
        let now = self.inner.runtime.now();
        let plain = version == Version::V16 && request.log_type == "DiagnosticsLog";
        let request_id = if plain { None } else { Some(self.request_number().await?) };
        let file = NewFile {
            id: Uuid::now_v7().to_string(),
            kind: FileKind::Log,
            station: Some(station.to_string()),
            name: request.log_type.clone(),
            request_id,
        };
        let file = store.expect_file(&file, by, now).await?;
        let token = SessionToken::generate()?;
        store.grant_file(&file.id, FilePurpose::Send, &token.hash(), now.plus_seconds(SEND_WITHIN_S)).await?;
        let location = format!("{base}/files/{}", token.reveal().expose());
        let command = CommandRequest::Raw {
            action: if plain { "GetDiagnostics" } else { "GetLog" }.to_owned(),
            payload: request.payload(&location, request_id),
        };
        let command = match self.command(tenant, station, command, by, wait).await {
            Ok(command) => command,
            Err(error) => {
                store.remove_file(&file.id, by, now).await?;
                return Err(error);
            }
        };
        if matches!(command.state, CommandState::Failed | CommandState::Rejected) {
            store.remove_file(&file.id, by, now).await?;
        }
        Ok((file, command))
    }

    /// Asks a station to install a firmware. One of our files gets the address `{base}/files/{token}`.
    ///
    /// # Errors
    /// As [`CentralSystem::command`], and [`CsmsError::Missing`] when the file is not there.
    pub async fn update_firmware(
        &self,
        (tenant, station): (&TenantId, &TwinId),
        request: &FirmwareRequest,
        base: &str,
        by: &str,
        wait: Duration,
    ) -> Result<(Option<i64>, Command), CsmsError> {
        let request_id = self.firmware_number(tenant, station, request).await?;
        let command = self.update_firmware_as(request_id, (tenant, station), request, base, by, wait).await?;
        Ok((request_id, command))
    }

    /// A fresh number for such a request; none where the station's version has no place for one (an unsigned update of
    /// OCPP 1.6).
    ///
    /// # Errors
    /// [`CsmsError::NoStation`], or when no number can be drawn.
    pub async fn firmware_number(
        &self,
        tenant: &TenantId,
        station: &TwinId,
        request: &FirmwareRequest,
    ) -> Result<Option<i64>, CsmsError> {
        let entry = self.inner.directory.get(tenant, station);
        let version = self.version_of(tenant, station, entry.as_ref())?;
        let plain = version == Version::V16 && request.signed.is_none();
        Ok(if plain { None } else { Some(self.request_number().await?) })
    }

    /// As [`CentralSystem::update_firmware`], under a number that was drawn before, so that whoever asks can write it
    /// down first.
    ///
    /// # Errors
    /// As there.
    pub async fn update_firmware_as(
        &self,
        request_id: Option<i64>,
        (tenant, station): (&TenantId, &TwinId),
        request: &FirmwareRequest,
        base: &str,
        by: &str,
        wait: Duration,
    ) -> Result<Command, CsmsError> {
        let entry = self.inner.directory.get(tenant, station);
        let version = self.version_of(tenant, station, entry.as_ref())?;
        let now = self.inner.runtime.now();
        let retrieve_at = request.retrieve_at.unwrap_or(now);
        let location = match &request.image {
            FirmwareImage::Location(location) => location.clone(),
            FirmwareImage::File(id) => {
                let until = retrieve_at.max(now).plus_seconds(FETCH_WITHIN_S);
                self.fetch_address(tenant, id, base, until).await?
            }
        };
        let (action, payload) = request.call(version, &location, retrieve_at, request_id);
        let command = CommandRequest::Raw { action: action.to_owned(), payload };
        self.command(tenant, station, command, by, wait).await
    }

    /// An address under which whoever has it can fetch a stored file until then.
    ///
    /// # Errors
    /// [`CsmsError::Missing`] when there is no such file.
    pub async fn fetch_address(
        &self,
        tenant: &TenantId,
        id: &str,
        base: &str,
        until: Timestamp,
    ) -> Result<String, CsmsError> {
        let store = self.inner.runtime.store().tenant(tenant);
        let file = store.file(id).await?.filter(|file| file.state == FileState::Stored);
        let missing = || CsmsError::Missing { field: "file", detail: format!("there is no file `{id}`") };
        let file = file.ok_or_else(missing)?;
        let token = SessionToken::generate()?;
        store.grant_file(&file.id, FilePurpose::Fetch, &token.hash(), until).await?;
        Ok(format!("{base}/files/{}", token.reveal().expose()))
    }

    /// A file has come in full: its station's notebook says so.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn file_received(&self, tenant: &TenantId, file: &FileRecord) -> Result<(), CsmsError> {
        let Some(station) = &file.station else { return Ok(()) };
        let detail = json!({"id": file.id, "name": file.name, "bytes": file.bytes, "sha256": file.sha256,
            "request_id": file.request_id});
        let body = EventBody::Note(NoteFact { topic: "file".to_owned(), detail });
        self.inner.runtime.submit(self.event(tenant, &station.parse()?, body)).await?;
        Ok(())
    }

    async fn request_number(&self) -> Result<i64, CsmsError> {
        Ok(self.inner.runtime.store().next_transaction_number().await? & 0x7fff_ffff)
    }
}

fn put(json: &mut Json, field: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        json[field] = value.into();
    }
}

impl LogRequest {
    fn payload(&self, location: &str, request_id: Option<i64>) -> Json {
        let mut payload = match request_id {
            None => {
                let mut payload = json!({"location": location});
                put(&mut payload, "startTime", self.oldest.map(|at| at.to_string()));
                put(&mut payload, "stopTime", self.latest.map(|at| at.to_string()));
                payload
            }
            Some(request_id) => {
                let mut log = json!({"remoteLocation": location});
                put(&mut log, "oldestTimestamp", self.oldest.map(|at| at.to_string()));
                put(&mut log, "latestTimestamp", self.latest.map(|at| at.to_string()));
                json!({"logType": self.log_type, "requestId": request_id, "log": log})
            }
        };
        put(&mut payload, "retries", self.retries);
        put(&mut payload, "retryInterval", self.retry_interval_s);
        payload
    }
}

impl FirmwareRequest {
    fn call(
        &self,
        version: Version,
        location: &str,
        retrieve_at: Timestamp,
        request_id: Option<i64>,
    ) -> (&'static str, Json) {
        let (action, mut payload) = match request_id {
            None => {
                ("UpdateFirmware", json!({"location": location, "retrieveDate": retrieve_at.to_string()}))
            }
            Some(request_id) => {
                let mut firmware = json!({"location": location, "retrieveDateTime": retrieve_at.to_string()});
                put(&mut firmware, "installDateTime", self.install_at.map(|at| at.to_string()));
                if let Some((certificate, signature)) = &self.signed {
                    firmware["signingCertificate"] = certificate.as_str().into();
                    firmware["signature"] = signature.as_str().into();
                }
                let action = if version == Version::V16 { "SignedUpdateFirmware" } else { "UpdateFirmware" };
                (action, json!({"requestId": request_id, "firmware": firmware}))
            }
        };
        put(&mut payload, "retries", self.retries);
        put(&mut payload, "retryInterval", self.retry_interval_s);
        (action, payload)
    }
}
