//! What queries take on networks of 100,000 and 1,000,000 twins: of 100, 1 is a site, 9 are stations, 20 EVSEs,
//! 20 connectors, 25 vehicles and 25 packs. A call is parsed, planned and answered, as a server does it.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use voltwin_core::{
    Event, EventBody, PropertyMap, PropertyName, RelationshipId, Seq, TenantId, Timestamp, TwinId, Value,
};
use voltwin_graph::Graph;
use voltwin_ontology::Ontology;
use voltwin_query::{Budget, Dialect, Query};

struct Builder {
    graph: Graph,
    tenant: TenantId,
    at: Timestamp,
}

impl Builder {
    fn put(&mut self, twin: &str, body: EventBody) {
        let twin = TwinId::new(twin).expect("a valid id");
        let event = Event::new(self.tenant.clone(), twin, self.at, self.at, body);
        // As a runtime does it: texts of enumerations share the memory of the schema.
        let event = self.graph.check(&event).expect("an event that fits");
        self.graph.apply(&event, Seq(self.graph.seq().0 + 1));
    }

    fn twin(&mut self, id: &str, model: &str, values: &[(&str, Value)]) {
        let model = format!("dtmi:voltwin:{model};1").parse().expect("a valid model");
        let named =
            |(name, value): &(&str, Value)| (PropertyName::new(name).expect("a valid name"), value.clone());
        self.put(id, EventBody::Created { model, properties: values.iter().map(named).collect() });
    }

    fn link(&mut self, source: &str, name: &str, target: &str) {
        self.put(
            source,
            EventBody::Linked {
                id: RelationshipId::new(&format!("{name}-{target}")).expect("a valid id"),
                name: PropertyName::new(name).expect("a valid name"),
                target: TwinId::new(target).expect("a valid id"),
                properties: PropertyMap::new(),
            },
        );
    }
}

fn network(twins: usize) -> Graph {
    let mut b = Builder {
        graph: Graph::new(Ontology::built_in()),
        tenant: TenantId::new("bench").expect("a valid tenant"),
        at: Timestamp::from_millis(1_795_000_000_000),
    };
    let share = |n: usize| (n * 7_919 % 1_000) as f64 / 1_000.0;
    for site in 0..twins / 100 {
        let site_id = format!("SITE-{site}");
        b.twin(&site_id, "Site", &[("name", site_id.as_str().into())]);
        for n in 0..9 {
            let station = format!("ST-{site}-{n}");
            let status = if share(site * 9 + n) < 0.05 { "Faulted" } else { "Available" };
            b.twin(
                &station,
                "ChargingStation",
                &[("status", status.into()), ("online", Value::from(n % 4 > 0))],
            );
            b.link(&site_id, "contains", &station);
        }
        for n in 0..20 {
            let (station, evse) = (format!("ST-{site}-{}", n % 9), format!("EVSE-{site}-{n}"));
            let power = share(site * 20 + n) * 150_000.0;
            b.twin(&evse, "EVSE", &[("power_w", power.into()), ("evse_id", Value::Int(n as i64 / 9 + 1))]);
            b.link(&station, "hasEvse", &evse);
            let connector = format!("{evse}:1");
            b.twin(&connector, "Connector", &[("power_w", power.into()), ("connector_id", Value::Int(1))]);
            b.link(&evse, "hasConnector", &connector);
        }
        for n in 0..25 {
            let (vehicle, pack) = (format!("EV-{site}-{n}"), format!("PACK-{site}-{n}"));
            let soc = share(site * 25 + n);
            b.twin(&vehicle, "Vehicle", &[("soc", soc.into()), ("status", "Driving".into())]);
            b.twin(
                &pack,
                "BatteryPack",
                &[("soc", soc.into()), ("chemistry", "LFP".into()), ("soh", 0.95.into())],
            );
            b.link(&vehicle, "hasPack", &pack);
        }
    }
    b.graph
}

const QUERIES: [(&str, &str); 10] = [
    ("point read", "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'EV-77-3'"),
    (
        "2 hops and a filter",
        "SELECT E.$dtId, E.power_w FROM DIGITALTWINS S JOIN C RELATED S.contains JOIN E RELATED C.hasEvse \
         WHERE S.$dtId = 'SITE-77' AND E.power_w > 100000",
    ),
    (
        "2 hops backwards",
        "SELECT S FROM DIGITALTWINS S JOIN C RELATED S.contains JOIN E RELATED C.hasEvse WHERE E.$dtId = 'EVSE-77-3'",
    ),
    ("up to 3 hops", "SELECT COUNT() FROM DIGITALTWINS MATCH (S)-[*..3]->(X) WHERE S.$dtId = 'SITE-77'"),
    (
        "COUNT of a model by a number, no index",
        "SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:voltwin:BatteryPack;1') AND T.soc < 0.2",
    ),
    ("COUNT of all by a number, no index", "SELECT COUNT() FROM DIGITALTWINS T WHERE T.soc < 0.2"),
    (
        "COUNT by a text, no index",
        "SELECT COUNT() FROM DIGITALTWINS T WHERE T.status = 'Faulted' AND NOT T.online = false",
    ),
    ("100 rows of a scan", "SELECT T.$dtId, T.soc FROM DIGITALTWINS T WHERE T.soc < 0.2"),
    (
        "top 10 in order",
        "SELECT TOP(10) T.$dtId, T.power_w FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:voltwin:EVSE;1') ORDER BY T.power_w DESC",
    ),
    (
        "mean by group",
        "SELECT T.status, AVG(T.soc) FROM DIGITALTWINS T WHERE IS_OF_MODEL('dtmi:voltwin:Vehicle;1') GROUP BY T.status",
    ),
];

fn queries(c: &mut Criterion) {
    for twins in [100_000, 1_000_000] {
        let graph = network(twins);
        let mut group = c.benchmark_group(format!("query, {twins} twins"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        for (name, text) in QUERIES {
            group.bench_function(name, |b| {
                b.iter(|| {
                    let query = Query::parse(black_box(text), Dialect::Superset).expect("a query");
                    query.page(&graph, 100, Budget::default()).expect("an answer").rows.len()
                });
            });
        }
        group.finish();
    }
    c.bench_function("parse two joins", |b| {
        b.iter(|| Query::parse(black_box(QUERIES[1].1), Dialect::StrictAdt).expect("a query").dialect());
    });
}

criterion_group!(benches, queries);
criterion_main!(benches);
