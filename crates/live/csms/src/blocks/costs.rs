//! What stations and payment terminals say that a transaction costs, beside what we say: notes `station_cost` and
//! `settlement`. The receipt stays ours; a station that works out another cost is flagged on the transaction.

use serde_json::{Value as Json, json};
use voltwin_core::{Decimal, StationCost, TransactionFact};

use super::payload::{clip, text};
use crate::decide::Speaker;
use crate::money::compare;
use crate::stations::Events;
use crate::{CentralSystem, CsmsError};

const COSTS: &str = "station_cost";
/// Characters of a station's words that are kept.
const WORDS_MAX: usize = 500;
/// Characters of a currency's code.
const CODE_MAX: usize = 3;

impl CentralSystem {
    /// What the station says that a transaction costs is kept beside what we say.
    pub(crate) async fn station_cost(
        &self,
        speaker: &Speaker<'_>,
        fact: &TransactionFact,
        details: &Json,
    ) -> Result<(), CsmsError> {
        let told = told_cost(details);
        let mut detail = json!({
            "transaction_id": fact.transaction_id,
            "station": {
                "currency": told.currency,
                "type": text(details.get("totalCost").unwrap_or(&Json::Null), "typeOfCost"),
                "net": told.net,
                "gross": told.gross,
            },
            "failure": (details.get("failureToCalculate").and_then(Json::as_bool) == Some(true))
                .then(|| clip(text(details, "failureReason").unwrap_or("not told"), WORDS_MAX)),
            "ours": Json::Null,
            "agrees": Json::Null,
        });
        if let Some(bill) = self.charged(speaker.tenant, speaker.station, &fact.transaction_id).await? {
            let cost = &bill.receipt.cost;
            let compared = compare(&told, cost);
            detail["ours"] = json!({"tariff": bill.receipt.tariff, "version": bill.receipt.version,
                "currency": cost.currency.code(), "net": cost.net, "gross": cost.gross});
            detail["difference"] = json!(compared.difference);
            detail["agrees"] = json!(compared.agrees);
            if compared.agrees == Some(false) {
                metrics::counter!("voltwin_station_costs_differ_total").increment(1);
                tracing::warn!(station = %speaker.station, transaction = fact.transaction_id,
                    difference = ?compared.difference, "a station works out another cost");
            }
        }
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        events.note(speaker.station, self.inner.runtime.now(), COSTS, detail);
        self.record(events).await
    }

    /// What a settled payment is compared with: what the transaction costs here.
    pub(super) async fn settled_against(
        &self,
        speaker: &Speaker<'_>,
        transaction_id: &str,
        settled: Option<Decimal>,
    ) -> Result<Json, CsmsError> {
        let Some(bill) = self.charged(speaker.tenant, speaker.station, transaction_id).await? else {
            return Ok(Json::Null);
        };
        let gross = bill.receipt.cost.gross;
        Ok(json!({"gross": gross, "currency": bill.receipt.cost.currency.code(),
            "agrees": settled.map(|settled| settled == gross)}))
    }
}

/// The total of a station's `costDetails`, exact.
pub(crate) fn told_cost(details: &Json) -> StationCost {
    let total = details.get("totalCost").unwrap_or(&Json::Null);
    let sums = total.get("total").unwrap_or(&Json::Null);
    StationCost {
        currency: text(total, "currency").map(|code| clip(code, CODE_MAX)),
        net: number(sums.get("exclTax")),
        gross: number(sums.get("inclTax")),
    }
}

fn number(value: Option<&Json>) -> Option<Decimal> {
    let text = value?.as_number()?.to_string();
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_station_is_read_exactly() {
        let details = json!({"totalCost": {"currency": "EUR", "typeOfCost": "NormalCost",
            "total": {"exclTax": 4.14, "inclTax": 4.87}}, "totalUsage": {"energy": 8, "chargingTime": 100, "idleTime": 0}});
        let told = told_cost(&details);
        assert_eq!(told.currency.as_deref(), Some("EUR"));
        assert_eq!((told.net, told.gross), (Some(Decimal::new(414, 2)), Some(Decimal::new(487, 2))));
        assert_eq!(told_cost(&json!({"failureToCalculate": true})), StationCost::default());
    }
}
