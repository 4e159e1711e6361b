use std::collections::HashMap;

use uuid::Uuid;
use voltwin_core::{
    AlarmChange, AlarmFact, AlarmId, Event, EventBody, PropertyName, Sequenced, TenantId, Timestamp, TwinId,
    Value,
};
use voltwin_graph::Graph;
use voltwin_runtime::Processor;

use crate::rules::{RULES, Rule};

/// Names the space in which alarm identifiers are derived.
const NAMESPACE: Uuid = Uuid::from_u128(0x7a3f_61c2_90d4_5e1b_8c2d_4f6e_8a1b_3c5d);

/// An alarm that was open when the processor started.
#[derive(Debug, Clone)]
pub struct OpenAlarm {
    /// Whose.
    pub tenant: TenantId,
    /// The twin.
    pub twin: TwinId,
    /// The rule's code.
    pub code: String,
    /// This raising.
    pub id: AlarmId,
}

type Key = (TenantId, TwinId, &'static str);

/// An alarm whose condition holds and whose delay has not passed yet.
struct Waiting {
    due: Timestamp,
    raise: Event,
}

/// Raises and clears alarms by [`RULES`].
pub struct AlarmProcessor {
    open: HashMap<Key, AlarmId>,
    waiting: HashMap<Key, Waiting>,
}

impl AlarmProcessor {
    /// A processor that knows the alarms which are open already. Codes of rules that no longer exist are ignored.
    pub fn new(open: impl IntoIterator<Item = OpenAlarm>) -> Self {
        let known = |alarm: OpenAlarm| {
            let rule = RULES.iter().find(|rule| rule.code == alarm.code)?;
            Some(((alarm.tenant, alarm.twin, rule.code), alarm.id))
        };
        Self { open: open.into_iter().filter_map(known).collect(), waiting: HashMap::new() }
    }

    fn judge(
        &mut self,
        rule: &'static Rule,
        value: Option<&Value>,
        sequenced: &Sequenced,
        graph: &Graph,
    ) -> Option<Event> {
        let event = &sequenced.event;
        let twin = graph.twin(event.twin.as_str())?;
        let key = (event.tenant.clone(), event.twin.clone(), rule.code);
        let open = self.open.get(&key).copied();
        let wrong = value.is_some_and(|value| (rule.wrong)(value, &twin, open.is_some()));
        match (wrong, open) {
            (true, None) => {
                let name = format!("{}/{}/{}/{}", event.tenant, event.twin, rule.code, sequenced.seq);
                let fact = AlarmFact {
                    id: AlarmId(Uuid::new_v5(&NAMESPACE, name.as_bytes())),
                    change: AlarmChange::Raised {
                        code: rule.code.to_owned(),
                        severity: rule.severity,
                        message: (rule.message)(value?, &twin),
                    },
                };
                let due = event.received.plus_seconds(rule.delay_s);
                let raise = follow(event, due, fact);
                if rule.delay_s > 0.0 {
                    self.waiting.entry(key).or_insert(Waiting { due, raise });
                    return None;
                }
                Some(self.raise(key, raise))
            }
            (false, Some(id)) => {
                self.open.remove(&key);
                Some(follow(event, event.received, AlarmFact { id, change: AlarmChange::Cleared }))
            }
            (false, None) => {
                self.waiting.remove(&key);
                None
            }
            (true, Some(_)) => None,
        }
    }

    /// What was wrong with a twin ends with the twin.
    fn forget(&mut self, event: &Event) -> Vec<Event> {
        let keys = RULES.iter().map(|rule| (event.tenant.clone(), event.twin.clone(), rule.code));
        let mut answers = Vec::new();
        for key in keys {
            self.waiting.remove(&key);
            if let Some(id) = self.open.remove(&key) {
                let fact = AlarmFact { id, change: AlarmChange::Cleared };
                answers.push(follow(event, event.received, fact));
            }
        }
        answers
    }

    fn raise(&mut self, key: Key, raise: Event) -> Event {
        if let EventBody::Alarm(fact) = &raise.body {
            self.open.insert(key, fact.id);
        }
        raise
    }
}

impl Processor for AlarmProcessor {
    fn name(&self) -> &'static str {
        "processor:alarms"
    }

    fn on_event(&mut self, sequenced: &Sequenced, graph: &Graph) -> Vec<Event> {
        let event = &sequenced.event;
        let values: Vec<(&PropertyName, Option<&Value>)> = match &event.body {
            EventBody::Patched { values } | EventBody::Retyped { values, .. } => {
                values.iter().map(|(name, value)| (name, value.as_ref())).collect()
            }
            EventBody::Created { properties, .. } => {
                properties.iter().map(|(name, value)| (name, Some(value))).collect()
            }
            EventBody::Deleted => return self.forget(event),
            _ => return Vec::new(),
        };
        let Some(twin) = graph.twin(event.twin.as_str()) else { return Vec::new() };
        let mut answers = Vec::new();
        for (name, value) in values {
            let watching = |rule: &&'static Rule| {
                rule.property == name.as_str() && graph.ontology().is_a(twin.model().as_str(), rule.model)
            };
            for rule in RULES.iter().filter(watching) {
                answers.extend(self.judge(rule, value, sequenced, graph));
            }
        }
        answers
    }

    fn on_tick(&mut self, now: Timestamp) -> Vec<Event> {
        let due: Vec<Key> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(key, _)| key.clone())
            .collect();
        due.into_iter()
            .filter_map(|key| {
                let waiting = self.waiting.remove(&key)?;
                Some(self.raise(key, waiting.raise))
            })
            .collect()
    }
}

fn follow(cause: &Event, at: Timestamp, fact: AlarmFact) -> Event {
    let body = EventBody::Alarm(fact);
    let event = Event::new(cause.tenant.clone(), cause.twin.clone(), at, at, body);
    Event { trace: cause.trace, ..event }
}

#[cfg(test)]
mod tests {
    use super::*;
    use voltwin_core::Seq;
    use voltwin_ontology::Ontology;

    struct World {
        graph: Graph,
        processor: AlarmProcessor,
        seq: u64,
    }

    impl World {
        fn new(twin: &str, model: &str, properties: &[(&str, Value)]) -> Self {
            let mut world =
                Self { graph: Graph::new(Ontology::built_in()), processor: AlarmProcessor::new([]), seq: 0 };
            let properties =
                properties.iter().cloned().map(|(n, v)| (PropertyName::new(n).unwrap(), v)).collect();
            world.happen(twin, 0.0, EventBody::Created { model: model.parse().unwrap(), properties });
            world
        }

        fn happen(&mut self, twin: &str, at_s: f64, body: EventBody) -> Vec<Event> {
            let at = Timestamp::from_micros(0).plus_seconds(at_s);
            self.seq += 1;
            let event = Event::new("t".parse().unwrap(), twin.parse().unwrap(), at, at, body);
            self.graph.apply(&event, Seq(self.seq));
            self.processor.on_event(&Sequenced { seq: Seq(self.seq), event }, &self.graph)
        }
    }

    fn change(events: &[Event]) -> Vec<&'static str> {
        let name = |event: &Event| match &event.body {
            EventBody::Alarm(AlarmFact { change: AlarmChange::Raised { .. }, .. }) => "raised",
            EventBody::Alarm(AlarmFact { change: AlarmChange::Cleared, .. }) => "cleared",
            _ => "other",
        };
        events.iter().map(name).collect()
    }

    #[test]
    fn a_fault_raises_once_and_clears_once() {
        let mut world = World::new("S:1:1", "dtmi:voltwin:Connector;1", &[]);
        let fault =
            || EventBody::patch([("error_code", "GroundFailure".into()), ("status", "Faulted".into())]);
        let raised = world.happen("S:1:1", 1.0, fault());
        assert_eq!(change(&raised), ["raised"]);
        let text = format!("{raised:?}");
        assert!(text.contains("GroundFailure"), "{text}");
        assert!(world.happen("S:1:1", 2.0, fault()).is_empty());
        let cleared = world.happen("S:1:1", 3.0, EventBody::patch([("status", "Available".into())]));
        assert_eq!(change(&cleared), ["cleared"]);
        assert!(world.happen("S:1:1", 4.0, EventBody::patch([("status", "Available".into())])).is_empty());
    }

    #[test]
    fn a_short_absence_is_no_alarm_and_a_long_one_is() {
        let mut world = World::new("S", "dtmi:voltwin:ChargingStation;1", &[("online", false.into())]);
        // it has never come: that is no absence
        assert!(world.processor.on_tick(Timestamp::from_micros(0).plus_seconds(90.0)).is_empty());
        world.happen("S", 5.0, EventBody::patch([("last_seen", "2026-11-21T08:00:00Z".into())]));
        let online = |online: bool| EventBody::patch([("online", online.into())]);
        let tick =
            |world: &mut World, s: f64| world.processor.on_tick(Timestamp::from_micros(0).plus_seconds(s));
        assert!(world.happen("S", 10.0, online(false)).is_empty());
        assert!(tick(&mut world, 39.0).is_empty());
        assert!(world.happen("S", 39.5, online(true)).is_empty());
        assert!(tick(&mut world, 100.0).is_empty());
        world.happen("S", 200.0, online(false));
        assert_eq!(change(&tick(&mut world, 230.0)), ["raised"]);
        assert_eq!(change(&world.happen("S", 231.0, online(true))), ["cleared"]);
    }

    #[test]
    fn alarms_end_with_their_twin() {
        let seen = Value::from("2026-11-21T08:00:00Z");
        let mut world = World::new("S", "dtmi:voltwin:ChargingStation;1", &[("last_seen", seen)]);
        let wrong = EventBody::patch([("status", "Faulted".into()), ("online", false.into())]);
        assert_eq!(change(&world.happen("S", 1.0, wrong)), ["raised"]);
        assert_eq!(change(&world.happen("S", 2.0, EventBody::Deleted)), ["cleared"]);
        assert!(world.processor.on_tick(Timestamp::from_micros(90_000_000)).is_empty());
        assert!(world.processor.open.is_empty());
    }

    #[test]
    fn an_overload_clears_below_its_limit_only() {
        let mut world =
            World::new("G", "dtmi:voltwin:GridConnection;1", &[("max_power_w", Value::from(100_000.0))]);
        let power = |w: f64| EventBody::patch([("power_w", w.into())]);
        world.happen("G", 0.0, power(100_500.0));
        assert_eq!(change(&world.processor.on_tick(Timestamp::from_micros(6_000_000))), ["raised"]);
        assert!(world.happen("G", 7.0, power(98_000.0)).is_empty());
        assert_eq!(change(&world.happen("G", 8.0, power(96_000.0))), ["cleared"]);
    }

    #[test]
    fn the_same_journal_gives_the_same_identifiers() {
        let run = || {
            let mut world = World::new("S:1:1", "dtmi:voltwin:Connector;1", &[]);
            world.happen("S:1:1", 1.0, EventBody::patch([("status", "Faulted".into())]))
        };
        assert_eq!(run(), run());
    }
}
