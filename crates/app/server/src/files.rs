//! `/files/{token}`: where stations send logs and fetch firmware.
//!
//! The token is 256 random bits that stand for one file of one tenant and end: one to send is good for one whole file,
//! one to fetch for its time. A token that is unknown, used or over is answered like any other that is not there. The
//! name that a station gives is only shown; on the disk a file is called by its id.

use std::collections::HashSet;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _};
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use voltwin_core::TenantId;
use voltwin_security::SessionToken;
use voltwin_store::{FileGrant, FileKind, FilePurpose, FileRecord, FileState, FileWriter};

use crate::http::Problem;
use crate::state::AppState;

/// Files that are sent or fetched at once by stations; more are answered 503.
const AT_ONCE: usize = 64;
/// A sender that is silent for this long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes read from the disk at once.
const CHUNK: usize = 64 * 1024;
/// Characters of a name that are kept.
const NAME_MAX: usize = 100;

/// What is on its way.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    open: Mutex<HashSet<(TenantId, String)>>,
}

/// The place of one transfer; given back when it ends.
struct Place<'a> {
    transfers: &'a Transfers,
    key: (TenantId, String),
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.transfers.open.lock().remove(&self.key);
    }
}

impl Transfers {
    fn take(&self, tenant: &TenantId, file: &str) -> Result<Place<'_>, Problem> {
        let key = (tenant.clone(), file.to_owned());
        let mut open = self.open.lock();
        if open.len() >= AT_ONCE {
            return Err(Problem::busy(format!("{AT_ONCE} files are on their way already")).limit(AT_ONCE));
        }
        if !open.insert(key.clone()) {
            return Err(Problem::conflict("this file is being sent already"));
        }
        Ok(Place { transfers: self, key })
    }
}

pub(crate) fn routes() -> Router<AppState> {
    let methods = || get(fetch).put(receive).post(receive);
    Router::new()
        .route("/files/{token}", methods())
        .route("/files/{token}/{*name}", methods())
        .layer(DefaultBodyLimit::disable())
}

fn nothing() -> Problem {
    Problem::not_found("there is no such file, or it is over")
}

async fn granted(state: &AppState, token: &str, purpose: FilePurpose) -> Result<FileGrant, Problem> {
    let token = SessionToken::parse(token).map_err(|_| nothing())?;
    let grant = state.runtime.store().file_grant(&token.hash(), state.runtime.now()).await?;
    grant.filter(|grant| grant.purpose == purpose).ok_or_else(nothing)
}

/// Takes what a station sends, as the body itself or as a form.
async fn receive(
    State(state): State<AppState>,
    Path(segments): Path<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Problem> {
    let segment = |name: &str| segments.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let grant = granted(&state, segment("token").unwrap_or_default(), FilePurpose::Send).await?;
    let given = segment("name").map(str::to_owned);
    let file = store_body(&state, &grant.tenant, &grant.file, given, request).await?;
    if let Err(error) = state.csms.file_received(&grant.tenant, &file).await {
        tracing::warn!(file = %file.id, %error, "could not note that a file came");
    }
    let body = json!({"bytes": file.bytes, "sha256": file.sha256});
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Writes the body of a request as the bytes of an expected file.
pub(crate) async fn store_body(
    state: &AppState,
    tenant: &TenantId,
    file: &FileRecord,
    given: Option<String>,
    request: Request,
) -> Result<FileRecord, Problem> {
    let _place = state.transfers.take(tenant, &file.id)?;
    let bytes_max = match file.kind {
        FileKind::Log => state.config.log_bytes_max,
        FileKind::Firmware => state.config.firmware_bytes_max,
    };
    let registry = state.registry(tenant);
    // of a form it counts the frame too, so that only the file itself is measured
    let announced = length(request.headers()).filter(|_| !is_form(request.headers()));
    if announced.is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large(bytes_max));
    }
    let left = state.config.files_bytes_max.saturating_sub(registry.file_bytes().await?);
    if left == 0 || announced.is_some_and(|bytes| bytes > left) {
        return Err(Problem::over_quota("the files of this tenant take all the room that they may")
            .limit(state.config.files_bytes_max));
    }
    let mut writer = registry.write_file(&file.id, bytes_max.min(left)).await?;
    let named = if is_form(request.headers()) {
        read_form(request, &mut writer, bytes_max).await?
    } else {
        read_all(request.into_body().into_data_stream(), &mut writer, bytes_max).await?;
        None
    };
    let (bytes, sha256) = writer.finish().await?;
    if bytes == 0 {
        return Err(Problem::invalid("the file is empty"));
    }
    let name = named.or(given).and_then(|name| shown_name(&name));
    let limit = state.config.files_bytes_max;
    Ok(registry.file_stored(&file.id, name.as_deref(), (bytes, &sha256), limit, state.runtime.now()).await?)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data")
}

fn too_large(bytes_max: u64) -> Problem {
    Problem::too_large(usize::try_from(bytes_max).unwrap_or(usize::MAX))
}

/// The first file of a form; its name, where it has one.
async fn read_form(
    request: Request,
    writer: &mut FileWriter,
    bytes_max: u64,
) -> Result<Option<String>, Problem> {
    let unreadable = |error: &dyn std::fmt::Display| Problem::invalid(format!("the form: {error}"));
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| unreadable(&error))?;
    loop {
        let next = tokio::time::timeout(SILENCE, form.next_field()).await;
        let next = next.map_err(|_| Problem::timeout(SILENCE.as_secs()))?;
        let Some(field) = next.map_err(|error| unreadable(&error))? else {
            return Err(Problem::invalid("the form holds no file"));
        };
        if field.file_name().is_none() && field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().map(str::to_owned);
        read_all(field, writer, bytes_max).await?;
        return Ok(name);
    }
}

async fn read_all<E: std::fmt::Display>(
    stream: impl Stream<Item = Result<Bytes, E>>,
    writer: &mut FileWriter,
    bytes_max: u64,
) -> Result<(), Problem> {
    let mut stream = std::pin::pin!(stream);
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next()).await;
        match next.map_err(|_| Problem::timeout(SILENCE.as_secs()))? {
            None => return Ok(()),
            Some(Ok(chunk)) => writer.write(&chunk).await.map_err(|error| match error {
                voltwin_store::StoreError::Limit { limit, .. } if limit == bytes_max => too_large(bytes_max),
                other => other.into(),
            })?,
            Some(Err(error)) => return Err(Problem::invalid(format!("the body ended early: {error}"))),
        }
    }
}

/// The last part of a name, without what could be taken for a path or a line.
pub(crate) fn shown_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && *c != '"').take(NAME_MAX).collect();
    let kept = kept.trim();
    (!kept.is_empty() && kept != "." && kept != "..").then(|| kept.to_owned())
}

/// Hands a stored file to whoever has its token.
async fn fetch(
    State(state): State<AppState>,
    Path(segments): Path<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let token = segments.iter().find(|(key, _)| key == "token").map(|(_, value)| value.as_str());
    let grant = granted(&state, token.unwrap_or_default(), FilePurpose::Fetch).await?;
    content(&state, &grant.tenant, &grant.file, &headers).await
}

/// The bytes of a stored file, or the range of them that was asked for.
pub(crate) async fn content(
    state: &AppState,
    tenant: &TenantId,
    file: &FileRecord,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if file.state != FileState::Stored {
        return Err(Problem::not_found(format!("the file `{}` has not come yet", file.id)));
    }
    let mut bytes = state.registry(tenant).open_file(&file.id).await?;
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (status, first, last) = match range.map(|range| part(range, file.bytes)) {
        None | Some(Part::Ignored) => (StatusCode::OK, 0, file.bytes.saturating_sub(1)),
        Some(Part::Of(first, last)) => (StatusCode::PARTIAL_CONTENT, first, last),
        Some(Part::Outside) => {
            let whole = format!("bytes */{}", file.bytes);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, whole)]).into_response());
        }
    };
    let unreadable = |error: std::io::Error| Problem::internal(&error);
    bytes.seek(std::io::SeekFrom::Start(first)).await.map_err(unreadable)?;
    let count = (last + 1).saturating_sub(first).min(file.bytes);
    let rest = bytes.take(count);
    let stream = futures_util::stream::try_unfold(rest, |mut rest| async move {
        let mut chunk = vec![0; CHUNK];
        let read = rest.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), rest)))
    });
    let mut response = (status, Body::from_stream(stream)).into_response();
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    set.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    set.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let ascii: String = file.name.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{ascii}\"")) {
        set.insert(header::CONTENT_DISPOSITION, value);
    }
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = HeaderValue::from_str(&format!("bytes {first}-{last}/{}", file.bytes))
    {
        set.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Several ranges or another unit: the whole file is as good an answer.
    Ignored,
    Of(u64, u64),
    Outside,
}

/// Reads `bytes=first-last`, `bytes=first-` and `bytes=-count`.
fn part(range: &str, bytes: u64) -> Part {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Part::Ignored;
    };
    let end = bytes.saturating_sub(1);
    let (first, last) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, end),
        (Err(_), Ok(count)) if first.trim().is_empty() && count > 0 => (bytes.saturating_sub(count), end),
        _ => return Part::Ignored,
    };
    if first < bytes { Part::Of(first, last) } else { Part::Outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_clients_write_them() {
        for (range, want) in [
            ("bytes=0-9", Part::Of(0, 9)),
            ("bytes=90-", Part::Of(90, 99)),
            ("bytes=90-500", Part::Of(90, 99)),
            ("bytes=-10", Part::Of(90, 99)),
            ("bytes=-500", Part::Of(0, 99)),
            ("bytes=100-", Part::Outside),
            ("bytes=9-0", Part::Ignored),
            ("bytes=0-1,5-6", Part::Ignored),
            ("bytes=-0", Part::Ignored),
            ("items=0-1", Part::Ignored),
            ("bytes=", Part::Ignored),
        ] {
            assert_eq!(part(range, 100), want, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Outside);
    }

    #[test]
    fn a_name_is_no_path() {
        for (given, want) in [
            ("log.zip", Some("log.zip")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\logs\\a.txt", Some("a.txt")),
            ("a\"b\r\nc", Some("abc")),
            ("..", None),
            ("dir/", None),
            (" ", None),
        ] {
            assert_eq!(shown_name(given).as_deref(), want, "{given}");
        }
        assert_eq!(shown_name(&"x".repeat(500)).unwrap().len(), NAME_MAX);
    }
}
