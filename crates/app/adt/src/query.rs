//! Queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use voltwin_query::{Budget, Dialect, Page, Query, QueryError};

use crate::call::Call;
use crate::error::{AdtError, Code};
use crate::limits::Rate;
use crate::paging::{PAGE_STRICT, max_items};

#[derive(Deserialize)]
struct Specification {
    #[serde(default)]
    query: Option<String>,
    #[serde(default, rename = "continuationToken")]
    token: Option<String>,
}

/// Tells the walk to end when nobody waits for it any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) async fn ask(call: Call, body: Body) -> Result<Response, AdtError> {
    call.spend(Rate::Queries)?;
    let now = call.adt.now();
    if call.strict {
        call.adt.buckets.lock().has_left(call.tenant(), Rate::QueryUnits, now)?;
    }
    let rows = max_items(&call.headers)?.unwrap_or(PAGE_STRICT);
    let bytes = call.body(body).await?;
    let asked: Specification = serde_json::from_slice(&bytes).map_err(|error| {
        AdtError::argument(format!(
            r#"the body must be {{"query":"…"}} or {{"continuationToken":"…"}}: {error}"#
        ))
    })?;
    let query = read(asked, if call.strict { Dialect::StrictAdt } else { Dialect::Superset })?;
    let page = answer(&call, query, rows).await?;
    if call.strict {
        call.adt.buckets.lock().charge(call.tenant(), Rate::QueryUnits, page.charge, now);
    }
    let mut response =
        axum::Json(json!({ "value": page.rows, "continuationToken": page.token })).into_response();
    if let Ok(charge) = HeaderValue::from_str(&format!("{:.2}", page.charge)) {
        response.headers_mut().insert("query-charge", charge);
    }
    Ok(response)
}

/// A token goes before a query, as it does in Azure.
fn read(asked: Specification, dialect: Dialect) -> Result<Query, AdtError> {
    if let Some(token) = asked.token {
        let query = Query::resume(&token)?;
        if dialect == Dialect::StrictAdt && query.dialect() != Dialect::StrictAdt {
            return Err(AdtError::new(Code::BadRequest, "the continuation token is of another dialect"));
        }
        return Ok(query);
    }
    let text =
        asked.query.ok_or_else(|| AdtError::argument("the body has neither query nor continuationToken"))?;
    Ok(Query::parse(&text, dialect)?)
}

async fn answer(call: &Call, query: Query, rows: usize) -> Result<Page, AdtError> {
    let (within, steps) = (call.adt.config.query_within, call.adt.config.query_steps);
    let abandoned = Arc::new(AtomicBool::new(false));
    let _abandon = Abandon(abandoned.clone());
    let past = match query.as_of() {
        Some(instant) => Some(call.adt.runtime.as_of(call.tenant(), instant).await?),
        None => None,
    };
    let (runtime, tenant, begun) = (call.adt.runtime.clone(), call.tenant().clone(), Instant::now());
    let walk = move || {
        let stop = || abandoned.load(Ordering::Relaxed) || begun.elapsed() > within;
        let budget = Budget { steps, stop: &stop };
        match past {
            Some(past) => query.page(&past.graph, rows, budget),
            None => runtime.read(&tenant, |graph| query.page(graph, rows, budget)),
        }
    };
    let page: Result<Page, QueryError> = tokio::task::spawn_blocking(walk).await.map_err(|_| {
        AdtError::new(Code::InternalServerError, "the query failed; the cause is in the server's log")
    })?;
    Ok(page?)
}
