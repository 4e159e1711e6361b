//! How long a synthetic ontology takes to read: many interfaces that extend each other, in the size of real ones.

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use voltwin_dtdl::{Options, parse};

/// Interfaces, about as many as the largest public ontology of buildings has.
const INTERFACES: usize = 1_364;

fn ontology() -> Vec<String> {
    (0..INTERFACES)
        .map(|number| {
            let mut text = format!(
                "{{\"@context\": \"dtmi:dtdl:context;3\", \"@id\": \"dtmi:bench:Kind{number};1\", \"@type\": \"Interface\", \
                 \"displayName\": {{\"en\": \"Kind {number}\"}}, \"contents\": ["
            );
            let _ = write!(text, "{{\"@type\": \"Property\", \"name\": \"value{number}\", \"schema\": \"double\"}}");
            let _ = write!(text, ", {{\"@type\": \"Relationship\", \"name\": \"part{number}\"}}]");
            if number > 0 {
                let _ = write!(text, ", \"extends\": \"dtmi:bench:Kind{};1\"", number / 4);
            }
            text.push('}');
            text
        })
        .collect()
}

fn read(criterion: &mut Criterion) {
    let texts = ontology();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut group = criterion.benchmark_group("dtdl");
    group.throughput(Throughput::Elements(INTERFACES as u64));
    group.bench_function("ontology", |bencher| {
        bencher
            .iter(|| parse(black_box(&texts), &Options::default()).map(|model| model.interfaces().count()));
    });
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
