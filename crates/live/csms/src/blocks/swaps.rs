//! Battery swapping (2.1 block S): which battery lies in which slot, who took and brought what.
//!
//! Topic `battery` (key = EVSE of the slot); notes `battery_swap`. A `BatteryPack` twin with the id of the serial
//! number follows.

use serde_json::{Value as Json, json};
use voltwin_core::{TwinId, Value};

use super::fields::{list, place, text};
use crate::decide::Speaker;
use crate::stations::{Events, patch};
use crate::{CentralSystem, CsmsError};

const BATTERY: &str = "battery";
const PACK: &str = "dtmi:voltwin:BatteryPack;1";

impl CentralSystem {
    /// Batteries went in or out.
    pub(super) async fn battery_swap(&self, speaker: &Speaker<'_>, payload: &Json) -> Result<(), CsmsError> {
        let now = self.inner.runtime.now();
        let event = text(payload, "eventType").unwrap_or_default();
        let mut events = Events::new(self, speaker.tenant, speaker.trace);
        for battery in list(payload, "batteryData") {
            let Some(slot) = place(battery, "evseId") else { continue };
            let share =
                |field: &str| battery.get(field).and_then(Json::as_f64).map(|percent| percent / 100.0);
            let value = json!({
                "serial_number": text(battery, "serialNumber"),
                "soc": share("soC"),
                "soh": share("soH"),
                "produced_at": text(battery, "productionDate"),
                "vendor_info": text(battery, "vendorInfo"),
            });
            match event {
                // one that was not taken out in time lies where it lay
                "BatteryIn" | "BatteryOutTimeout" => {
                    events.say(speaker, BATTERY, &slot.to_string(), Some(value));
                }
                _ => events.say(speaker, BATTERY, &slot.to_string(), None),
            }
            self.follow_pack(speaker, battery, &mut events);
        }
        let detail = json!({
            "event": event,
            "request_id": payload.get("requestId"),
            "id_token": payload.pointer("/idToken/idToken"),
            "batteries": list(payload, "batteryData"),
        });
        events.note(speaker.station, now, "battery_swap", detail);
        self.record(events).await
    }

    fn follow_pack(&self, speaker: &Speaker<'_>, battery: &Json, events: &mut Events<'_>) {
        let Some(pack) = text(battery, "serialNumber").and_then(|serial| TwinId::new(serial).ok()) else {
            return;
        };
        let known = self.inner.runtime.read(speaker.tenant, |graph| {
            graph.twin(pack.as_str()).is_some_and(|twin| graph.ontology().is_a(twin.model().as_str(), PACK))
        });
        let share = |field: &str| battery.get(field).and_then(Json::as_f64).map(|percent| percent / 100.0);
        let values = [("soc", share("soC")), ("soh", share("soH"))];
        let values: Vec<_> =
            values.into_iter().filter_map(|(name, v)| Some((name, Value::from(v?)))).collect();
        if known && !values.is_empty() {
            events.add(&pack, self.inner.runtime.now(), patch(values, []));
        }
    }
}
