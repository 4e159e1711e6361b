//! Other habits beside the present one, from the live state on.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use voltwin_batteries::{BATTERY_PACK, Change, Course, V2g, WhatIf};
use voltwin_core::{Timestamp, TwinId};

use super::figures::{Ahead, Bounds, ahead};
use super::outlook::{END_SOH, PRICE_PER_KWH, habit, pack_value, words};
use super::{computed, outlook_of, within};
use crate::auth::Principal;
use crate::http::{Json, Problem};
use crate::state::AppState;

const BATTERIES_MAX: usize = 50;
const SCENARIOS_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 80;

/// Feeding back to the grid once a day, charged again over the five hours that follow.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct V2gPlan {
    /// Share of the capacity that is fed back.
    #[schema(minimum = 0.0, maximum = 0.8)]
    soc_share: f64,
    /// Hour of the UTC day.
    #[schema(minimum = 0.0, maximum = 24.0)]
    from_hour: f64,
    /// Hour of the UTC day.
    #[schema(minimum = 0.0, maximum = 24.0)]
    to_hour: f64,
}

/// A habit; what is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// 1 to 80 characters.
    name: String,
    /// End every charge at departure.
    #[serde(default)]
    charge_late: bool,
    /// Charge no higher than this.
    #[schema(minimum = 0.1, maximum = 1.0)]
    charge_to_soc: Option<f64>,
    /// Charge no faster than this, in capacities per hour.
    #[schema(minimum = 0.01, maximum = 20.0)]
    max_charge_c_rate: Option<f64>,
    /// Cool to this before and while charging, in degrees Celsius.
    #[schema(minimum = -20.0, maximum = 60.0)]
    cool_to_c: Option<f64>,
    /// A climate warmer by this, in kelvin; negative is colder.
    #[schema(minimum = -40.0, maximum = 40.0)]
    warmer_k: Option<f64>,
    v2g: Option<V2gPlan>,
}

/// Which batteries, and which habits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatIfRequest {
    /// 1 to 50 batteries.
    #[serde(default)]
    #[schema(max_items = 50)]
    batteries: Vec<String>,
    /// All batteries instead, those that ask most to be looked at first, at most 50.
    #[serde(default)]
    all: bool,
    /// How far to look; ten years when left out.
    #[schema(minimum = 1.0, maximum = 7300.0)]
    days: Option<f64>,
    /// Price of a new pack less what the old one fetches, in money per kWh.
    #[schema(minimum = 0.0, maximum = 10000.0)]
    price_per_kwh: Option<f64>,
    /// Health at which a pack is replaced.
    #[schema(minimum = 0.5, maximum = 0.95)]
    end_soh: Option<f64>,
    /// 1 to 8.
    #[schema(min_items = 1, max_items = 8)]
    scenarios: Vec<Scenario>,
}

/// The life of one habit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HabitCourse {
    name: String,
    /// Health from now to the horizon, 90 % bounds.
    curve: Vec<Ahead>,
    /// Null where that is beyond 20 years.
    end_of_life_days: Option<f64>,
    /// What of the habit is outside the experiments behind the model.
    extrapolation: Vec<String>,
}

/// The life of another habit, and what it is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScenarioCourse {
    #[serde(flatten)]
    course: HabitCourse,
    /// Health at the horizon less that of the present habit, in percentage points.
    points: Bounds,
    money: Bounds,
}

/// One battery under every habit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatteryWhatIf {
    id: String,
    soh: Option<Bounds>,
    /// `observed` or `assumed`.
    habit: String,
    present: HabitCourse,
    scenarios: Vec<ScenarioCourse>,
}

/// Batteries under other habits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhatIfAnswer {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    days: f64,
    batteries: Vec<BatteryWhatIf>,
    /// Batteries of which too little is known, with the reason.
    left_out: Vec<LeftOut>,
}

/// A battery that could not be looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOut {
    id: String,
    reason: String,
}

impl Scenario {
    fn change(&self, place: usize) -> Result<Change, Problem> {
        let field = |name: &str| format!("scenarios[{place}].{name}");
        let chars = self.name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) {
            let detail = format!("`name` has {chars} characters; it must have 1 to {NAME_CHARS_MAX}");
            return Err(Problem::field(field("name"), detail).limit(NAME_CHARS_MAX));
        }
        let checked = |name: &str, value: Option<f64>, low: f64, high: f64| {
            value.map(|value| within(&field(name), value, low, high)).transpose()
        };
        let v2g = self.v2g.as_ref().map(|plan| {
            Ok::<_, Problem>(V2g {
                soc_share: within(&field("v2g.soc_share"), plan.soc_share, 0.0, 0.8)?,
                from_hour: within(&field("v2g.from_hour"), plan.from_hour, 0.0, 24.0)?,
                to_hour: within(&field("v2g.to_hour"), plan.to_hour, 0.0, 24.0)?,
            })
        });
        Ok(Change {
            charge_late: self.charge_late,
            charge_to_soc: checked("charge_to_soc", self.charge_to_soc, 0.1, 1.0)?,
            max_charge_c_rate: checked("max_charge_c_rate", self.max_charge_c_rate, 0.01, 20.0)?,
            cool_to_c: checked("cool_to_c", self.cool_to_c, -20.0, 60.0)?,
            warmer_k: checked("warmer_k", self.warmer_k, -40.0, 40.0)?.unwrap_or(0.0),
            v2g: v2g.transpose()?,
        })
    }
}

fn course(name: &str, course: Course) -> HabitCourse {
    let Course { points, end_days, outside } = course;
    let extrapolation = words(outside);
    HabitCourse { name: name.to_owned(), curve: ahead(points), end_of_life_days: end_days, extrapolation }
}

/// Run other habits beside the present one, from the live state of one battery or many. Nothing is recorded.
#[utoipa::path(post, path = "/batteries/what-if", tag = "batteries", request_body = WhatIfRequest,
    responses((status = 200, body = WhatIfAnswer), (status = 404, body = Problem,
        content_type = "application/problem+json", description = "No such battery."), (status = 409, body = Problem,
        content_type = "application/problem+json", description = "Too little is known of one.")))]
pub(super) async fn what_if(
    State(state): State<AppState>,
    principal: Principal,
    Json(body): Json<WhatIfRequest>,
) -> Result<Json<WhatIfAnswer>, Problem> {
    let days = within("days", body.days.unwrap_or(3_650.0), 1.0, 7_300.0)?;
    let price_per_kwh = within("price_per_kwh", body.price_per_kwh.unwrap_or(PRICE_PER_KWH), 0.0, 10_000.0)?;
    let end_soh = within("end_soh", body.end_soh.unwrap_or(END_SOH), 0.5, 0.95)?;
    let count = body.scenarios.len();
    if !(1..=SCENARIOS_MAX).contains(&count) {
        let detail = format!("`scenarios` has {count} entries; it must have 1 to {SCENARIOS_MAX}");
        return Err(Problem::field("scenarios", detail).limit(SCENARIOS_MAX));
    }
    let changes: Vec<Change> = body
        .scenarios
        .iter()
        .enumerate()
        .map(|(place, scenario)| scenario.change(place))
        .collect::<Result<_, _>>()?;
    let ids = chosen(&state, &principal, &body)?;
    let at = state.runtime.now();
    let names: Vec<String> = body.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
    let (mut outlooks, mut left_out) = (Vec::new(), Vec::new());
    for id in ids {
        match outlook_of(&state, &principal, &id) {
            Ok((outlook, known)) => outlooks.push((id, outlook, known)),
            // of a fleet, one of which nothing is known must not hide the others
            Err(problem) if body.all => left_out.push(LeftOut { id: id.to_string(), reason: problem.detail }),
            Err(problem) => return Err(problem),
        }
    }
    let batteries = computed(move || {
        let batteries = outlooks.into_iter().map(|(id, outlook, known)| {
            let value = pack_value(&known, price_per_kwh, end_soh);
            let (present, beside) = outlook.what_if(&changes, value, days)?;
            let scenario = |(name, what_if): (&String, WhatIf)| ScenarioCourse {
                course: course(name, what_if.course),
                points: what_if.points.into(),
                money: what_if.money.into(),
            };
            Ok(BatteryWhatIf {
                id: id.to_string(),
                soh: known.live.estimate.map(|estimate| estimate.soh.into()),
                habit: habit(outlook.day.observed),
                present: course("present", present),
                scenarios: names.iter().zip(beside).map(scenario).collect(),
            })
        });
        batteries.collect::<Result<Vec<_>, _>>()
    })
    .await?;
    Ok(Json(WhatIfAnswer { at, days, batteries, left_out }))
}

fn chosen(state: &AppState, principal: &Principal, body: &WhatIfRequest) -> Result<Vec<TwinId>, Problem> {
    if body.all {
        if !body.batteries.is_empty() {
            return Err(Problem::field("batteries", "`batteries` must be left out where `all` is said"));
        }
        let mut ids: Vec<(f64, TwinId)> = state.runtime.read(&principal.tenant, |graph| {
            state.batteries.look(&principal.tenant, |known| {
                let twins = graph.twins_of(BATTERY_PACK);
                twins
                    .map(|twin| (known(twin.id()).map_or(0.0, |known| known.live.risk()), twin.id().clone()))
                    .collect()
            })
        });
        ids.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
        return Ok(ids.into_iter().take(BATTERIES_MAX).map(|(_, id)| id).collect());
    }
    let count = body.batteries.len();
    if !(1..=BATTERIES_MAX).contains(&count) {
        let detail = format!("`batteries` has {count} entries; it must have 1 to {BATTERIES_MAX}");
        return Err(Problem::field("batteries", detail).limit(BATTERIES_MAX));
    }
    let id = |(place, id): (usize, &String)| {
        TwinId::new(id).map_err(|error| Problem::field(format!("batteries[{place}]"), error.to_string()))
    };
    body.batteries.iter().enumerate().map(id).collect()
}
