//! A battery that has no twin, from what is sent of it.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use voltwin_ageing::{Profile, Sample};
use voltwin_batteries::{Facts, Habit, Outlook, PackKind, TypeSource, UsualDay};
use voltwin_estimation::live::{Reading, Sync};

use super::figures::{Bounds, Span};
use super::outlook::{END_SOH, words};
use super::within;
use crate::auth::Principal;
use crate::http::{Json, Problem};
use crate::state::AppState;

const ROWS_MAX: usize = 10_000;
const DAY_POINTS_MAX: usize = 96;
/// What a pack says of its own charge is believed to within this.
const REPORTED_SD: f64 = 0.05;

/// What a battery said at one moment; what is left out is not known.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictReading {
    /// Seconds since any moment, rising.
    t_s: f64,
    voltage_v: Option<f64>,
    /// Into the pack.
    current_a: Option<f64>,
    temp_c: Option<f64>,
    /// Its own opinion of its charge; of the first reading.
    soc: Option<f64>,
}

/// A moment of a usual day.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DayPoint {
    #[schema(minimum = 0.0, maximum = 24.0)]
    hour: f64,
    #[schema(minimum = 0.0, maximum = 1.0)]
    soc: f64,
    #[schema(minimum = -40.0, maximum = 80.0)]
    temp_c: f64,
}

/// A battery and what it said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictRequest {
    /// Such as `NMC`, `LFP` or `NCA`.
    #[schema(example = "NMC")]
    chemistry: String,
    /// Energy when new and full.
    #[schema(minimum = 1.0, maximum = 10000000.0)]
    capacity_wh: f64,
    #[schema(minimum = 1, maximum = 2000)]
    cells_in_series: u32,
    /// 1 to 10 000 readings.
    #[schema(min_items = 1, max_items = 10_000)]
    telemetry: Vec<PredictReading>,
    /// Its age, where it is known.
    #[schema(minimum = 0.0, maximum = 20000.0)]
    age_days: Option<f64>,
    /// Its usual day, 2 to 96 moments with rising hours; a commuter's when left out.
    #[serde(default)]
    #[schema(max_items = 96)]
    usual_day: Vec<DayPoint>,
    /// Health at which its first life is over.
    #[schema(minimum = 0.5, maximum = 0.95)]
    end_soh: Option<f64>,
}

/// Which model said what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PredictModels {
    state: String,
    life: String,
}

/// What is thought of the battery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    soc: Bounds,
    soh: Bounds,
    resistance_ratio: Bounds,
    temp_c: Bounds,
    /// `starting`, `synchronised`, `recovering` or `drifting`, as of a twin.
    status: String,
    /// Until the end of its first life, 90 % bounds; null is beyond 20 years.
    rul_days: Span,
    models: PredictModels,
    /// `given` or `assumed`.
    habit: String,
    /// What of the usual day is outside the experiments behind the model.
    extrapolation: Vec<String>,
}

/// State and remaining life of a battery that has no twin.
#[utoipa::path(post, path = "/api/ml/battery/predict", tag = "batteries", request_body = PredictRequest,
    responses((status = 200, body = Prediction), (status = 413, body = Problem,
        content_type = "application/problem+json", description = "More than 2 MiB.")))]
pub(super) async fn predict(
    State(_): State<AppState>,
    _: Principal,
    Json(body): Json<PredictRequest>,
) -> Result<Json<Prediction>, Problem> {
    within("capacity_wh", body.capacity_wh, 1.0, 1e7)?;
    within("cells_in_series", f64::from(body.cells_in_series), 1.0, 2_000.0)?;
    body.age_days.map(|days| within("age_days", days, 0.0, 20_000.0)).transpose()?;
    let end = within("end_soh", body.end_soh.unwrap_or(END_SOH), 0.5, 0.95)?;
    let count = body.telemetry.len();
    if !(1..=ROWS_MAX).contains(&count) {
        let detail = format!("`telemetry` has {count} entries; it must have 1 to {ROWS_MAX}");
        return Err(Problem::field("telemetry", detail).limit(ROWS_MAX));
    }
    let falls = body.telemetry.windows(2).position(|pair| pair[1].t_s < pair[0].t_s);
    if let Some(place) = falls {
        let field = format!("telemetry[{}].t_s", place + 1);
        return Err(Problem::field(field, "`t_s` must not fall from one reading to the next"));
    }
    let day = day(&body.usual_day)?;
    let work = move || -> Result<Prediction, Problem> { said(&body, day, end) };
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer.map(Json),
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn said(body: &PredictRequest, day: Option<Profile>, end: f64) -> Result<Prediction, Problem> {
    let facts = Facts {
        chemistry: body.chemistry.chars().take(64).collect(),
        capacity_wh: body.capacity_wh,
        series: body.cells_in_series,
        ocv: None,
        source: TypeSource::Pack,
    };
    let kind = PackKind::new(facts).map_err(|reason| Problem::field("chemistry", reason))?;
    let estimator = kind.estimator();
    let mut memory = estimator.start(body.telemetry[0].soc.map(|soc| (soc, REPORTED_SD)));
    let mut estimate = estimator.estimate_of(&memory);
    for row in &body.telemetry {
        let reading = Reading {
            t_s: row.t_s,
            current_a: row.current_a,
            voltage_v: row.voltage_v,
            temp_c: row.temp_c,
            ..Reading::default()
        };
        estimate = estimator.update(&mut memory, &reading);
    }
    let given = day.is_some();
    let internal = |error: &(dyn std::error::Error + 'static)| Problem::internal(error);
    let day = match day {
        Some(profile) => UsualDay { profile, observed: true, observed_days: 0.0 },
        None => Habit::default().day().map_err(|error| internal(&error))?,
    };
    let outlook =
        Outlook::new(kind.ageing, estimate.soh, day, body.age_days).map_err(|error| internal(&error))?;
    let rul = outlook.end_of_life(end).map_err(|error| internal(&error))?;
    let status = match estimate.sync {
        Sync::Starting => "starting",
        Sync::Synchronised => "synchronised",
        Sync::Recovering => "recovering",
        Sync::Degraded => "drifting",
    };
    Ok(Prediction {
        soc: estimate.soc.into(),
        soh: estimate.soh.into(),
        resistance_ratio: estimate.resistance_factor.into(),
        temp_c: estimate.temp_c.into(),
        status: status.to_owned(),
        rul_days: rul.into(),
        models: PredictModels {
            state: format!("equivalent circuit of {} cells, extended Kalman filter", kind.facts.chemistry),
            life: kind.ageing.facts().name.to_owned(),
        },
        habit: if given { "given" } else { "assumed" }.to_owned(),
        extrapolation: words(outlook.outside()),
    })
}

fn day(points: &[DayPoint]) -> Result<Option<Profile>, Problem> {
    if points.is_empty() {
        return Ok(None);
    }
    if !(2..=DAY_POINTS_MAX).contains(&points.len()) {
        let detail = format!("`usual_day` has {} entries; it must have 2 to {DAY_POINTS_MAX}", points.len());
        return Err(Problem::field("usual_day", detail).limit(DAY_POINTS_MAX));
    }
    let mut samples = Vec::with_capacity(points.len());
    for (place, point) in points.iter().enumerate() {
        let field = |name: &str| format!("usual_day[{place}].{name}");
        samples.push(Sample {
            t_s: 3_600.0 * within(&field("hour"), point.hour, 0.0, 24.0)?,
            soc: within(&field("soc"), point.soc, 0.0, 1.0)?,
            temp_c: within(&field("temp_c"), point.temp_c, -40.0, 80.0)?,
        });
    }
    if let (Some(first), Some(last)) = (samples.first().copied(), samples.last().copied())
        && last.t_s - first.t_s < 86_400.0
    {
        // the day closes on itself
        samples.push(Sample { t_s: first.t_s + 86_400.0, ..first });
    }
    Profile::new(samples).map(Some).map_err(|error| Problem::field("usual_day", error.to_string()))
}
