//! The contract of the history, checked from outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use voltwin_core::{PropertyName, Seq, TenantId, Timestamp, TwinId};
use voltwin_history::{History, HistoryError, Point};

fn names(n: usize) -> (TenantId, TwinId, PropertyName) {
    let tenant = ["a", "b"][n % 2];
    (
        tenant.parse().unwrap(),
        format!("V{}", n / 4).parse().unwrap(),
        ["soc", "power_w"][n / 2 % 2].parse().unwrap(),
    )
}

fn point(series: usize, at_us: i64, value: f64) -> Point {
    let (tenant, twin, property) = names(series);
    Point { tenant, twin, property, at: Timestamp::from_micros(at_us), value }
}

fn us(at: i64) -> Timestamp {
    Timestamp::from_micros(at)
}

async fn range(history: &History, series: usize, from: i64, to: i64, limit: usize) -> Vec<(i64, f64)> {
    let (tenant, twin, property) = names(series);
    let values = history.range(&tenant, &twin, &property, us(from), us(to), limit).await.unwrap();
    values.into_iter().map(|(at, value)| (at.as_micros(), value)).collect()
}

#[tokio::test]
async fn the_feed_is_written_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path()).await.unwrap();
    assert_eq!(history.cursor().await.unwrap(), Seq(0));
    history.append(&[point(0, 5, 1.0), point(0, 6, f64::NAN)], Seq(10)).await.unwrap();
    history.append(&[point(0, 5, 99.0), point(0, 7, 99.0)], Seq(10)).await.unwrap();
    history.append(&[point(0, 8, 2.0)], Seq(11)).await.unwrap();
    history.close().await;
    let history = History::open(dir.path()).await.unwrap();
    assert_eq!(history.cursor().await.unwrap(), Seq(11));
    assert_eq!(range(&history, 0, 0, 100, 10).await, [(5, 1.0), (8, 2.0)]);
    let (tenant, twin, property) = names(0);
    assert_eq!(history.properties(&tenant, &twin).await.unwrap(), std::slice::from_ref(&property));
    assert!(history.properties(&names(1).0, &twin).await.unwrap().is_empty());
    let error = history.downsample(&tenant, &twin, &property, us(0), us(9), 2001).await.unwrap_err();
    assert!(matches!(error, HistoryError::Invalid { field: "points", .. }));
}

#[tokio::test]
async fn many_row_groups_and_a_damaged_segment() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path()).await.unwrap();
    let points: Vec<_> = (0..60_000).map(|i| point(i % 8, 10 * i as i64, i as f64)).collect();
    history.append(&points, Seq(1)).await.unwrap();
    let (tenant, twin, property) = names(5);
    let buckets = |history: History| {
        let (tenant, twin, property) = (tenant.clone(), twin.clone(), property.clone());
        async move { history.downsample(&tenant, &twin, &property, us(0), us(600_000), 100).await }
    };
    let before = (range(&history, 5, 100, 500_000, 9_000).await, buckets(history.clone()).await.unwrap());
    assert_eq!(before.0.len(), 6249);
    assert_eq!(before.1.iter().map(|b| b.count).sum::<u64>(), 7_500);
    let report = history.seal(us(590_000)).await.unwrap();
    assert_eq!((report.segments, report.rows), (1, 59_000));
    let after = (range(&history, 5, 100, 500_000, 9_000).await, buckets(history.clone()).await.unwrap());
    assert_eq!(after, before);
    assert_eq!(range(&history, 5, 100, 500_000, 3).await, before.0[..3]);

    let segment = dir.path().join("history/0-589990.parquet");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() / 2]).unwrap();
    let text = buckets(history.clone()).await.unwrap_err().to_string();
    assert!(text.contains("0-589990.parquet is damaged"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("history.db"),
        b"certainly no database, whatever its name says".repeat(50),
    )
    .unwrap();
    let text = History::open(dir.path()).await.unwrap_err().to_string();
    assert!(text.contains("history.db is damaged"), "{text}");
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(usize, i64, f64)>),
    Seal(i64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = prop::collection::vec((0usize..6, 0i64..400, -1e6f64..1e6), 1..40).prop_map(Step::Append);
    let seal = (0i64..400).prop_map(Step::Seal);
    prop::collection::vec(prop_oneof![5 => append, 3 => seal, 1 => Just(Step::Reopen)], 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn reading_is_as_if_there_were_no_segments(
        steps in steps(), from in 0i64..400, span in 1i64..400, limit in 1usize..60, points in 1usize..30,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut history = History::open(dir.path()).await.unwrap();
            let mut oracle: BTreeMap<(usize, i64), f64> = BTreeMap::new();
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Append(values) => {
                        let batch: Vec<_> = values.iter().map(|(s, at, v)| point(*s, *at, *v)).collect();
                        history.append(&batch, Seq(n as u64 + 1)).await.unwrap();
                        oracle.extend(values.into_iter().map(|(s, at, v)| ((s, at), v)));
                    }
                    Step::Seal(at) => drop(history.seal(us(at)).await.unwrap()),
                    Step::Reopen => {
                        history.close().await;
                        history = History::open(dir.path()).await.unwrap();
                    }
                }
            }
            for series in 0..6 {
                let all: Vec<_> = oracle.range((series, from)..(series, from + span)).map(|(k, v)| (k.1, *v)).collect();
                let got = range(&history, series, from, from + span, limit).await;
                prop_assert_eq!(&got[..], &all[..limit.min(all.len())]);
                let (tenant, twin, property) = names(series);
                let got = history.downsample(&tenant, &twin, &property, us(from), us(from + span), points).await.unwrap();
                let width = (span as u64).div_ceil(points as u64) as i64;
                let mut expected: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
                for (at, value) in all {
                    expected.entry((at - from) / width * width + from).or_default().push(value);
                }
                prop_assert!(got.len() <= points);
                prop_assert_eq!(got.iter().map(|b| b.t.as_micros()).collect::<Vec<_>>(), expected.keys().copied().collect::<Vec<_>>());
                for (bucket, values) in got.iter().zip(expected.values()) {
                    prop_assert_eq!(bucket.count, values.len() as u64);
                    prop_assert_eq!(bucket.min, values.iter().copied().fold(f64::INFINITY, f64::min));
                    prop_assert_eq!(bucket.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    prop_assert!((bucket.mean - mean).abs() < 1e-6, "{} {}", bucket.mean, mean);
                }
            }
            Ok(())
        })?;
    }
}
