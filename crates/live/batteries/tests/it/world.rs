//! A pack whose truth nobody is told, its sensors, and a processor that sees only these.

use voltwin_batteries::{Batteries, Battery, BatteryProcessor};
use voltwin_battery::{ChargeCommand, Chemistry, Pack, PackConfig, Stream};
use voltwin_core::{Event, EventBody, PropertyName, Seq, Sequenced, TenantId, Timestamp, Value};
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;
use voltwin_runtime::Processor;
use voltwin_store::ProcessorState;

pub(crate) const SERIES: usize = 24;

/// What is wrong with a pack or its sensors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wrong {
    /// The current sensor shows so much more, A.
    pub(crate) bias_a: f64,
    /// Cell 5 leaks so many capacities an hour.
    pub(crate) leak_per_h: f64,
    /// Cell 5 lacks this share of its capacity.
    pub(crate) missing: f64,
    /// Cooling that does not work leaves the pack so much warmer per hour, K.
    pub(crate) heat_k_per_h: f64,
}

/// The truth and its sensors.
pub(crate) struct Truth {
    pub(crate) pack: Pack,
    wrong: Wrong,
    noise: Stream,
    hours: f64,
    start_soc: f64,
}

impl Truth {
    pub(crate) fn new(soh: f64, soc: f64, wrong: Wrong) -> Self {
        let config = PackConfig { soh, ..PackConfig::new(Chemistry::Nmc, SERIES, 1, 16_000.0) };
        let pack = Pack::new(&config, soc, 7).unwrap();
        Self { pack, wrong, noise: Stream::named(3, "sensors", ""), hours: 0.0, start_soc: soc }
    }

    /// Lives a step of a day in town: drives of 20 minutes, stands of 10, and charges when low.
    pub(crate) fn live(&mut self, second: u64, step_s: f64) {
        let into = second % 1_800;
        let low = self.pack.state().soc < 0.35;
        let command = if second % 14_400 > 9_000 && self.pack.state().soc < 0.9 || low {
            ChargeCommand::Charge { max_power_w: 7_000.0, max_current_a: f64::INFINITY }
        } else if into < 1_200 {
            ChargeCommand::Discharge { power_w: 2_500.0 + 2_000.0 * ((second / 20) % 4) as f64 }
        } else {
            ChargeCommand::Rest
        };
        self.pack.step(step_s, command);
        self.hours += step_s / 3_600.0;
    }

    /// What the sensors show.
    pub(crate) fn told(&mut self) -> Vec<(&'static str, Value)> {
        let state = self.pack.state().clone();
        let volts = |noise: &mut Stream| {
            let curve = Chemistry::Nmc.ocv();
            let soc = state.soc;
            let swing = (soc - self.start_soc) * (1.0 / (1.0 - self.wrong.missing) - 1.0);
            let fifth = soc + swing - self.wrong.leak_per_h * self.hours;
            let shift = curve.voltage_v(fifth.clamp(0.0, 1.0)) - curve.voltage_v(soc);
            let mut cells = self.pack.cell_voltage_v();
            cells[4] += shift;
            cells.iter().map(|v| ((v + 0.001 * noise.bell()) * 1e4).round() / 1e4).collect::<Vec<f64>>()
        };
        let cells = volts(&mut self.noise);
        let noise = &mut self.noise;
        let digits = |x: f64, n: f64| Value::from((x * n).round() / n);
        vec![
            ("voltage_v", digits(state.voltage_v + 0.02 * noise.bell(), 100.0)),
            ("current_a", digits(state.current_a + self.wrong.bias_a + 0.1 * noise.bell(), 100.0)),
            (
                "temp_c",
                digits(state.temp_c + self.wrong.heat_k_per_h * self.hours + 0.2 * noise.bell(), 10.0),
            ),
            ("cell_voltage_v", Value::from(serde_json::json!(cells))),
        ]
    }
}

/// A graph with one pack, and the processor.
pub(crate) struct World {
    graph: Graph,
    pub(crate) processor: BatteryProcessor,
    pub(crate) batteries: Batteries,
    seq: u64,
    pub(crate) answers: Vec<Event>,
}

pub(crate) fn at(second: f64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000).plus_seconds(second)
}

fn tenant() -> TenantId {
    "t".parse().unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let batteries = Batteries::default();
        let processor = BatteryProcessor::new(batteries.clone(), []);
        let graph = Graph::new(Ontology::built_in());
        let mut world = Self { graph, processor, batteries, seq: 0, answers: Vec::new() };
        let facts = [
            ("chemistry", Value::from("NMC")),
            ("capacity_wh", Value::from(16_000.0)),
            ("cells_in_series", Value::from(SERIES as i64)),
        ];
        let properties =
            facts.into_iter().map(|(name, value)| (PropertyName::new(name).unwrap(), value)).collect();
        let model = "dtmi:voltwin:BatteryPack;1".parse().unwrap();
        world.happen(0.0, EventBody::Created { model, properties });
        world
    }

    pub(crate) fn happen(&mut self, second: f64, body: EventBody) {
        self.seq += 1;
        let event = Event::new(tenant(), "B-1".parse().unwrap(), at(second), at(second), body);
        self.graph.check(&event).unwrap();
        self.graph.apply(&event, Seq(self.seq));
        let answers = self.processor.on_event(&Sequenced { seq: Seq(self.seq), event }, &self.graph);
        for answer in &answers {
            self.graph.check(answer).unwrap();
        }
        self.answers.extend(answers);
    }

    pub(crate) fn tell(&mut self, second: f64, values: Vec<(&'static str, Value)>) {
        let named = values.into_iter().map(|(name, value)| (PropertyName::new(name).unwrap(), Some(value)));
        self.happen(second, EventBody::Patched { values: named.collect() });
    }

    pub(crate) fn battery(&self) -> Battery {
        self.batteries.get(&tenant(), &"B-1".parse().unwrap()).unwrap()
    }

    /// Ends the processor and starts another with what it remembered.
    pub(crate) fn restart(&mut self, second: f64) {
        let remembered: Vec<ProcessorState> = self.processor.remember(at(second)).unwrap();
        self.batteries = Batteries::default();
        self.processor = BatteryProcessor::new(self.batteries.clone(), remembered);
    }

    /// Lives so many hours at a cadence; `seen` may change what the sensors show.
    pub(crate) fn live(
        &mut self,
        truth: &mut Truth,
        seconds: std::ops::Range<u64>,
        step_s: u64,
        mut seen: impl FnMut(u64, &mut Vec<(&'static str, Value)>) -> bool,
    ) {
        for second in seconds.step_by(step_s as usize) {
            truth.live(second, step_s as f64);
            let mut told = truth.told();
            if seen(second, &mut told) {
                self.tell(second as f64 + step_s as f64, told);
            }
        }
    }
}
