//! `/api/v1`: one module per resource. Handlers parse, authorise, call and render; nothing is decided here.

mod alarms;
mod audit;
mod batteries;
mod bulk;
mod campaigns;
mod care;
mod certificates;
mod charging;
mod claims;
mod commands;
mod efficiency;
mod events;
mod files;
mod history;
mod id_tokens;
mod iot_hub;
mod local_lists;
mod messages;
mod ocpi;
mod ocpp;
mod onboarding;
mod overview;
mod receipts;
mod recordings;
mod records;
mod reservations;
mod scene;
mod search;
mod security;
mod session;
mod station_tariffs;
mod stations;
mod swap;
mod tariffs;
mod telemetry;
mod transactions;
mod twins;
mod uptime;
mod validation;
mod vehicles;

use axum::Json;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;

use crate::http::Problem;
use crate::state::AppState;

pub(crate) use alarms::Alarm;
pub(crate) use commands::Command;
pub(crate) use transactions::Transaction;

/// The path under which all of this stands.
const BASE: &str = "/api/v1";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(Problem)), modifiers(&Describe))]
struct Document;

struct Describe;

impl Modify for Describe {
    fn modify(&self, document: &mut OpenApi) {
        document.info = InfoBuilder::new()
            .title("Voltwin")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(
                "The twins of an electric-mobility network. Units are SI and stand in the names; `soc` is 0 to 1; \
                 times are RFC 3339 UTC; energies of transactions are exact decimal strings in Wh.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let cookie = ApiKeyValue::new(crate::auth::COOKIE);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

fn described() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::new()
        .merge(session::routes())
        .merge(overview::routes())
        .merge(scene::routes())
        .merge(stations::routes())
        .merge(security::routes())
        .merge(certificates::routes())
        .merge(commands::routes())
        .merge(care::routes())
        .merge(reservations::routes())
        .merge(charging::routes())
        .merge(files::routes())
        .merge(bulk::routes())
        .merge(campaigns::routes())
        .merge(onboarding::routes())
        .merge(uptime::routes())
        .merge(efficiency::routes())
        .merge(messages::routes())
        .merge(recordings::routes())
        .merge(ocpp::routes())
        .merge(validation::routes())
        .merge(transactions::routes())
        .merge(receipts::routes())
        .merge(id_tokens::routes())
        .merge(local_lists::routes())
        .merge(tariffs::routes())
        .merge(station_tariffs::routes())
        .merge(alarms::routes())
        .merge(vehicles::routes())
        .merge(batteries::routes())
        .merge(swap::routes())
        .merge(twins::routes())
        .merge(records::routes())
        .merge(iot_hub::routes())
        .merge(telemetry::routes())
        .merge(claims::routes())
        .merge(search::routes())
        .merge(audit::routes())
        .merge(ocpi::routes())
        .merge(events::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, api).merge(batteries::models())
}

/// Names each operation after its method and path: handlers are called `list` in many modules, and generated clients
/// need names that are theirs alone.
fn distinguish(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let words: Vec<&str> = path.split(['/', '{', '}']).filter(|word| !word.is_empty()).skip(2).collect();
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{}", words.join("_")));
            }
        }
    }
}

fn document() -> (axum::Router<AppState>, OpenApi) {
    let (router, mut document) = described().split_for_parts();
    distinguish(&mut document);
    (router, document)
}

/// The routes, and among them their own description.
pub(crate) fn routes() -> axum::Router<AppState> {
    let (router, document) = document();
    let answer = move || std::future::ready(Json(document.clone()));
    router.route(&format!("{BASE}/openapi.json"), axum::routing::get(answer))
}

/// The description of the HTTP API (OpenAPI 3.1) as pretty-printed JSON, as `docs/openapi.json` holds it.
///
/// # Errors
/// Never in practice: the description is built from the code.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let (_, document) = document();
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
