//! What transactions cost: receipts, charge detail records, and the signed readings behind them.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::{Path, rejection::PathRejection};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use voltwin_core::{Decimal, Timestamp, TransactionPhase};
use voltwin_csms::{ComparedCost, Receipt};
use voltwin_security::Permission;
use voltwin_store::{ReceiptRecord, StoreError, TenantStore, TransactionState};

use super::tariffs::CostView;
use super::transactions::{Transaction, state_name};
use crate::auth::{Guard, Principal};
use crate::http::{Json, Page, PageLimit, Problem, Query, in_order};
use crate::state::AppState;

/// Records that a CSV export reads at once.
const CSV_PAGE: usize = 500;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(Guard::needs(Permission::Read).on(routes!(receipt)))
        .routes(Guard::needs(Permission::Read).on(routes!(signed)))
        .routes(Guard::needs(Permission::Read).on(routes!(cdrs)))
}

/// What a transaction costs.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptView {
    /// The transaction, by our number.
    number: i64,
    /// False while it runs: the cost so far.
    #[serde(rename = "final")]
    is_final: bool,
    /// From 1; a correction is the next one. Null while it runs.
    revision: Option<i64>,
    /// Why there is this revision: `ended`, `events` (some came after the receipt), `tariff`.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// The tariff's id.
    tariff: String,
    tariff_version: i64,
    tariff_name: String,
    /// By which it was priced.
    time_zone: String,
    station: String,
    evse: Option<u32>,
    transaction_id: String,
    id_token: Option<String>,
    /// Since when the EVSE had been held for whoever charged, when a reservation was taken up.
    #[schema(value_type = Option<String>, format = DateTime)]
    reserved_from: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    #[schema(example = "20000")]
    energy_wh: String,
    /// Seconds of charging.
    charging_s: String,
    /// Seconds without charging.
    idle_s: String,
    /// Whether a station in quarantine told any of it.
    quarantined: bool,
    /// What the station works out itself, when it said so; the transaction is flagged where it does not agree.
    station_cost: Option<StationCost>,
    /// Tariffs that took the place of the first while it ran, in the order of their times; `tariff` of a line or period counts
    /// them from 1.
    tariff_changes: Vec<TariffChange>,
    /// What it would come to without these changes; null where there are none.
    unchanged: Option<Unchanged>,
    cost: CostView,
}

/// What a station works out that a transaction costs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StationCost {
    #[schema(example = "EUR")]
    currency: Option<String>,
    net: Option<String>,
    #[schema(example = "10.71")]
    gross: Option<String>,
    /// By how much it is more than ours.
    #[schema(example = "0.00")]
    difference: Option<String>,
    /// Whether both are the same but for how lines are rounded; null where the station names no amount.
    agrees: Option<bool>,
}

impl From<ComparedCost> for StationCost {
    fn from(cost: ComparedCost) -> Self {
        let text = |amount: Option<Decimal>| amount.map(|amount| amount.to_string());
        Self {
            currency: cost.told.currency,
            net: text(cost.told.net),
            gross: text(cost.told.gross),
            difference: text(cost.difference),
            agrees: cost.agrees,
        }
    }
}

/// A tariff that took the place of another while the transaction ran.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TariffChange {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(example = "night")]
    tariff: String,
    tariff_version: i64,
    tariff_name: String,
}

impl From<voltwin_csms::TariffChange> for TariffChange {
    fn from(change: voltwin_csms::TariffChange) -> Self {
        Self {
            from: change.from,
            tariff: change.tariff,
            tariff_version: change.version,
            tariff_name: change.name,
        }
    }
}

/// A total without the changes of tariff.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Unchanged {
    net: String,
    gross: String,
    /// By how much the changes made it dearer, with tax; negative where they made it cheaper.
    #[schema(example = "-1.20")]
    difference: String,
}

impl ReceiptView {
    fn of(number: i64, receipt: Receipt, record: Option<&ReceiptRecord>) -> Result<Self, Problem> {
        let gross = receipt.cost.gross;
        let unchanged = receipt.unchanged.map(|total| Unchanged {
            net: total.net.to_string(),
            gross: total.gross.to_string(),
            difference: (gross - total.gross).to_string(),
        });
        Ok(Self {
            number,
            is_final: record.is_some(),
            revision: record.map(|record| record.revision),
            reason: record.map(|record| record.reason.clone()),
            created_at: record.map(|record| record.created_at),
            cost: CostView::of(&receipt.cost)?,
            tariff: receipt.tariff,
            tariff_version: receipt.version,
            tariff_name: receipt.name,
            time_zone: receipt.time_zone,
            station: receipt.station,
            evse: receipt.evse,
            transaction_id: receipt.transaction_id,
            id_token: receipt.id_token,
            reserved_from: receipt.reserved_from,
            started_at: receipt.started_at,
            ended_at: receipt.ended_at,
            energy_wh: receipt.energy_wh.to_string(),
            charging_s: receipt.charging_s.to_string(),
            idle_s: receipt.idle_s.to_string(),
            quarantined: receipt.quarantined,
            station_cost: receipt.station_cost.map(StationCost::from),
            tariff_changes: receipt.changes.into_iter().map(TariffChange::from).collect(),
            unchanged,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Html,
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReceiptQuery {
    /// `json`, or `html` for a page to print.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "html")]
    format: Format,
    /// An earlier revision; the newest when left out.
    revision: Option<i64>,
}

fn number(number: Result<Path<i64>, PathRejection>) -> Result<i64, Problem> {
    number
        .map(|Path(number)| number)
        .map_err(|_| Problem::field("number", "the number must be a whole number"))
}

/// What a transaction costs: so far, or its receipt.
#[utoipa::path(get, path = "/transactions/{number}/receipt", tag = "transactions",
    params(("number" = i64, Path, description = "Our number."), ReceiptQuery),
    responses((status = 200, body = ReceiptView), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such transaction, or no tariff applies to it.")))]
async fn receipt(
    State(state): State<AppState>,
    principal: Principal,
    at: Result<Path<i64>, PathRejection>,
    Query(query): Query<ReceiptQuery>,
) -> Result<Response, Problem> {
    let number = number(at)?;
    let view = view(&state, &principal, number, query.revision).await?;
    match query.format {
        Format::Json => Ok(Json(view).into_response()),
        Format::Html => {
            Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html(&view)).into_response())
        }
        Format::Csv => Err(Problem::field("format", "a receipt is `json` or `html`")),
    }
}

async fn view(
    state: &AppState,
    principal: &Principal,
    number: i64,
    revision: Option<i64>,
) -> Result<ReceiptView, Problem> {
    let registry = state.registry(&principal.tenant);
    let found = registry.transaction(number).await?;
    let transaction = found.ok_or_else(|| Problem::not_found(format!("there is no transaction {number}")))?;
    let free = || Problem::not_found(format!("no tariff applies to transaction {number}"));
    if transaction.state == TransactionState::Active {
        let receipt = state.csms.price(&principal.tenant, number).await?.ok_or_else(free)?;
        return ReceiptView::of(number, receipt, None);
    }
    if registry.receipts(number).await?.is_empty() {
        // It has ended this very moment.
        state.csms.rate_due().await?;
    }
    let records = registry.receipts(number).await?;
    let newest = records.first().ok_or_else(free)?;
    let record = match revision {
        None => newest,
        Some(wanted) => records.iter().find(|record| record.revision == wanted).ok_or_else(|| {
            let newest = newest.revision;
            Problem::not_found(format!(
                "transaction {number} has no receipt {wanted}; its newest is {newest}"
            ))
        })?,
    };
    let receipt: Option<Receipt> =
        serde_json::from_value(record.receipt.clone()).map_err(|error| Problem::internal(&error))?;
    ReceiptView::of(number, receipt.ok_or_else(free)?, Some(record))
}

/// Text that stands in HTML as what it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A page without script or outside request.
fn html(view: &ReceiptView) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => escaped(text),
        serde_json::Value::Null => String::new(),
        other => escaped(&other.to_string()),
    };
    let lines = view.cost.lines.as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |line: &serde_json::Value| {
        let cell = |name: &str| format!("<td>{}</td>", text(&line[name]));
        let cells = ["kind", "used", "billed", "price", "net", "tax_percent", "tax"].map(cell).concat();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = lines.iter().map(row).collect();
    let title = match view.revision {
        Some(revision) => format!("Receipt {}-{revision}", view.number),
        None => format!("Cost so far of transaction {}", view.number),
    };
    let changes = view.tariff_changes.iter().map(|change| {
        let (name, tariff, version) = (&change.tariff_name, &change.tariff, change.tariff_version);
        ("Tariff from then on", format!("{}: {name} ({tariff}, version {version})", change.from))
    });
    let mut facts = vec![
        ("Station", view.station.clone()),
        ("Transaction", view.transaction_id.clone()),
        ("Token", view.id_token.clone().unwrap_or_default()),
        ("Start", view.started_at.to_string()),
        ("End", view.ended_at.map(|at| at.to_string()).unwrap_or_default()),
        ("Energy", format!("{} Wh", view.energy_wh)),
        ("Charging", format!("{} s", view.charging_s)),
        ("Idle", format!("{} s", view.idle_s)),
        ("Tariff", format!("{} ({}, version {})", view.tariff_name, view.tariff, view.tariff_version)),
        ("Time zone", view.time_zone.clone()),
    ];
    facts.extend(changes);
    facts.extend(view.reserved_from.map(|at| ("Reserved from", at.to_string())));
    if let Some(without) = &view.unchanged {
        facts.push(("Without the change of tariff", format!("{} {}", without.gross, view.cost.currency)));
    }
    if view.quarantined {
        facts.push(("Remark", "told by a station in quarantine".to_owned()));
    }
    let fact = |(name, value): &(&str, String)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(value));
    let facts: String = facts.iter().map(fact).collect();
    let currency = escaped(&view.cost.currency);
    let (net, tax, gross) = (&view.cost.net, &view.cost.tax, &view.cost.gross);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
         <h1>{title}</h1>\n<dl>\n{facts}</dl>\n<table>\n<thead><tr><th>For</th><th>Used</th><th>Billed</th>\
         <th>Price</th><th>Net</th><th>Tax %</th><th>Tax</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n\
         <p>Net {net} {currency}, tax {tax} {currency}</p>\n<p><strong>Total {gross} {currency}</strong></p>\n\
         </body></html>\n"
    )
}

/// A reading that the meter signed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SignedReading {
    /// With which event it came: `started`, `updated` or `ended`.
    #[schema(value_type = String)]
    phase: TransactionPhase,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    measurand: String,
    context: Option<String>,
    /// The signed data, byte for byte.
    data: String,
    /// Such as `OCMF`.
    encoding: Option<String>,
    signing_method: Option<String>,
    public_key: Option<String>,
}

/// The signed readings of a transaction, in the order of its events.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SignedReadings {
    items: Vec<SignedReading>,
}

/// What the meter signed, byte for byte.
#[utoipa::path(get, path = "/transactions/{number}/signed", tag = "transactions",
    params(("number" = i64, Path, description = "Our number.")),
    responses((status = 200, body = SignedReadings), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such transaction.")))]
async fn signed(
    State(state): State<AppState>,
    principal: Principal,
    at: Result<Path<i64>, PathRejection>,
) -> Result<Json<SignedReadings>, Problem> {
    let number = number(at)?;
    let registry = state.registry(&principal.tenant);
    if registry.transaction(number).await?.is_none() {
        return Err(Problem::not_found(format!("there is no transaction {number}")));
    }
    let shown = |record: voltwin_store::SignedRecord| SignedReading {
        phase: record.phase,
        at: record.reading.at,
        measurand: record.reading.measurand,
        context: record.reading.context,
        data: record.reading.data,
        encoding: record.reading.encoding,
        signing_method: record.reading.signing_method,
        public_key: record.reading.public_key,
    };
    let items = registry.signed_readings(number).await?.into_iter().map(shown).collect();
    Ok(Json(SignedReadings { items }))
}

/// A charge detail record: an ended transaction and what it costs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Cdr {
    transaction: Transaction,
    /// Null where no tariff applies.
    receipt: Option<ReceiptView>,
}

impl Cdr {
    fn of(cdr: voltwin_store::Cdr) -> Result<Self, Problem> {
        let number = cdr.transaction.number;
        let receipt = match &cdr.receipt {
            Some(record) => {
                let receipt: Option<Receipt> = serde_json::from_value(record.receipt.clone())
                    .map_err(|error| Problem::internal(&error))?;
                receipt.map(|receipt| ReceiptView::of(number, receipt, Some(record))).transpose()?
            }
            None => None,
        };
        Ok(Self { transaction: cdr.transaction.into(), receipt })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CdrQuery {
    /// Transactions that ended from then on.
    #[param(value_type = String, format = DateTime)]
    from: Timestamp,
    /// And before then.
    #[param(value_type = String, format = DateTime)]
    to: Timestamp,
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 100)]
    limit: PageLimit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// `json` in pages, or `csv`: all of them in one answer.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "csv")]
    format: Format,
}

/// Charge detail records in the order in which the transactions ended.
#[utoipa::path(get, path = "/cdrs", tag = "transactions", params(CdrQuery),
    responses((status = 200, body = Page<Cdr>)))]
async fn cdrs(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<CdrQuery>,
) -> Result<Response, Problem> {
    in_order(Some(query.from), Some(query.to))?;
    let registry = state.registry(&principal.tenant);
    match query.format {
        Format::Html => Err(Problem::field("format", "records are `json` or `csv`")),
        Format::Csv => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"cdrs.csv\""),
            ];
            Ok((headers, Body::from_stream(csv(registry, query.from, query.to))).into_response())
        }
        Format::Json => {
            let limit = query.limit.get()?;
            let page = registry.cdrs(query.from, query.to, query.cursor.as_deref(), limit).await?;
            let items = page.items.into_iter().map(Cdr::of).collect::<Result<Vec<_>, _>>()?;
            Ok(Json(Page { items, next: page.next }).into_response())
        }
    }
}

/// The columns, which stay as they are; new ones come after them.
const COLUMNS: &str = "number,station,evse,connector,transaction_id,id_token,state,started_at,ended_at,duration_s,\
    energy_wh,meter_start_wh,meter_stop_wh,stopped_reason,offline,flags,tariff,tariff_version,currency,net,tax,gross,\
    revision\r\n";

/// Page after page, so that memory does not depend on how many there are.
fn csv(
    registry: TenantStore,
    from: Timestamp,
    to: Timestamp,
) -> impl futures_util::Stream<Item = Result<Bytes, StoreError>> {
    /// What is to be read next; `None` when all is.
    type Next = Option<Option<String>>;
    let start: (TenantStore, Next, bool) = (registry, Some(None), true);
    stream::try_unfold(start, move |(registry, next, first)| async move {
        let Some(cursor) = next else { return Ok(None) };
        let page = registry.cdrs(from, to, cursor.as_deref(), CSV_PAGE).await?;
        let mut text = if first { COLUMNS.to_owned() } else { String::new() };
        page.items.iter().for_each(|cdr| row(&mut text, cdr));
        let next = page.next.map(Some);
        Ok(Some((Bytes::from(text), (registry, next, false))))
    })
}

fn row(out: &mut String, cdr: &voltwin_store::Cdr) {
    let t = &cdr.transaction;
    let shown = |value: Option<String>| value.unwrap_or_default();
    let priced = |pointer: &str| {
        let value = cdr.receipt.as_ref().and_then(|record| record.receipt.pointer(pointer));
        match value {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        }
    };
    let fields = [
        t.number.to_string(),
        quoted(&t.station),
        shown(t.evse.map(|evse| evse.to_string())),
        shown(t.connector.map(|connector| connector.to_string())),
        quoted(&t.transaction_id),
        quoted(t.id_token.as_deref().unwrap_or_default()),
        state_name(t.state).to_owned(),
        shown(t.started_at.map(|at| at.to_string())),
        shown(t.ended_at.map(|at| at.to_string())),
        shown(t.duration_s.map(|seconds| seconds.to_string())),
        t.energy_wh.to_string(),
        shown(t.meter_start_wh.map(|wh| wh.to_string())),
        shown(t.meter_stop_wh.map(|wh| wh.to_string())),
        quoted(t.stopped_reason.as_deref().unwrap_or_default()),
        t.offline.to_string(),
        t.flags.join(" "),
        quoted(&priced("/tariff")),
        priced("/version"),
        priced("/cost/currency"),
        priced("/cost/net"),
        priced("/cost/tax"),
        priced("/cost/gross"),
        shown(cdr.receipt.as_ref().map(|record| record.revision.to_string())),
    ];
    out.push_str(&fields.join(","));
    out.push_str("\r\n");
}

/// A text field (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_field_stays_one_field() {
        assert_eq!(quoted("TAG-1"), "TAG-1");
        assert_eq!(quoted("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(COLUMNS.trim_end().split(',').count(), 23);
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(escaped("<b a='x'>&\"</b>"), "&lt;b a=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;");
    }
}
