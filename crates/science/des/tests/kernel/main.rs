//! The kernel against queues whose answers are known in closed form.
//!
//! Rule of every case: fixed seed, 20 replications; the exact value lies within 4 standard errors of the mean, and the 95 %
//! interval is so narrow (relative half width as stated) that a wrong kernel could not hide in it.

mod queue;

use queue::{Closed, Queue, Service};
use voltwin_des::{Name, Summary, replicate};

const REPLICATIONS: u64 = 20;

fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, k| load * b / (f64::from(k) + load * b))
}

/// Wait of M/M/k: Erlang C over the spare rate.
fn mmk_wait(servers: u32, load: f64) -> f64 {
    let b = erlang_b(servers, load);
    let c = b / (1.0 - load / f64::from(servers) * (1.0 - b));
    c / (f64::from(servers) - load)
}

fn judge(what: &str, values: &[f64], exact: f64, half_width: f64) {
    let summary = Summary::of(values.iter().copied());
    let z = (summary.mean - exact) / summary.standard_error();
    let relative = summary.half_width(0.95) / exact;
    assert!(z.abs() <= 4.0, "{what}: {} is not {exact} (z {z:.1})", summary.mean);
    assert!(relative <= half_width, "{what}: half width {relative:.4} of the mean, {half_width} wanted");
}

fn runs(queue: &Queue) -> Vec<queue::Figures> {
    replicate(0..REPLICATIONS, |r| queue.run(Name::of_seed(20_261_120).number(r)))
}

fn waits(queue: &Queue) -> (Vec<f64>, Vec<f64>) {
    let runs = runs(queue);
    (runs.iter().map(|run| run.wait_mean).collect(), runs.iter().map(|run| run.wait_p95).collect())
}

#[test]
fn m_m_1() {
    let (mean, p95) = waits(&Queue::new(1, 0.8, Service::Exponential, 600_000));
    judge("wait", &mean, 4.0, 0.01);
    judge("p95", &p95, (0.8_f64 / 0.05).ln() / 0.2, 0.02);
}

#[test]
fn m_m_10() {
    let (mean, p95) = waits(&Queue::new(10, 8.0, Service::Exponential, 600_000));
    assert!((mmk_wait(10, 8.0) - 0.204_590).abs() < 1e-6);
    judge("wait", &mean, mmk_wait(10, 8.0), 0.01);
    judge("p95", &p95, 1.051_07, 0.02);
}

#[test]
fn m_m_100() {
    let (mean, _) = waits(&Queue::new(100, 90.0, Service::Exponential, 1_400_000));
    judge("wait", &mean, mmk_wait(100, 90.0), 0.03);
}

#[test]
fn m_d_1() {
    let (mean, p95) = waits(&Queue::new(1, 0.8, Service::Constant, 400_000));
    judge("wait", &mean, 2.0, 0.01);
    // from Erlang's distribution of the wait of M/D/1
    judge("p95", &p95, 6.620_32, 0.02);
}

#[test]
fn m_e4_1() {
    let (mean, _) = waits(&Queue::new(1, 0.8, Service::Erlang4, 400_000));
    judge("wait", &mean, 2.5, 0.01);
}

/// Pollaczek and Khinchine with a squared coefficient of variation of 4: 0.7 x 5 / (2 x 0.3).
#[test]
fn m_h2_1() {
    let (mean, _) = waits(&Queue::new(1, 0.7, Service::Hyper4, 1_200_000));
    judge("wait", &mean, 0.7 * 5.0 / 0.6, 0.01);
}

#[test]
fn m_m_10_10_and_m_d_10_10_lose_alike() {
    for service in [Service::Exponential, Service::Constant] {
        let mut queue = Queue::new(10, 8.0, service, 400_000);
        queue.room = Some(10);
        let lost: Vec<f64> = runs(&queue).iter().map(|run| run.lost).collect();
        judge("lost", &lost, erlang_b(10, 8.0), 0.01);
    }
}

/// M(t)/M/inf with a rate of 100 (1 + 0.6 sin(2 pi t / 24)) an hour and 1.5 h of service: busy servers at the hour of the
/// most and of the least, on the fourth day. Poisson, so that the sample variance is checked too.
#[test]
fn a_changing_rate_is_followed_with_its_lag() {
    let at = [7.429_3 + 96.0, 19.429_3 + 96.0];
    let runs = replicate(0..2_000, |r| queue::infinite(Name::of_seed(5).number(r), at));
    for (place, exact, half_width) in [(0, 233.772, 0.005), (1, 66.228, 0.01)] {
        let busy: Vec<f64> = runs.iter().map(|run| run[place]).collect();
        judge("busy", &busy, exact, half_width);
        let spread = Summary::of(busy).sd;
        // 4 standard errors of a standard deviation of 2,000
        assert!((spread / f64::sqrt(exact) - 1.0).abs() < 4.0 / (2.0 * 2_000.0_f64).sqrt(), "{spread}");
    }
}

#[test]
fn machine_repair() {
    let closed = Closed { units: 20, servers: 3, up: 60.0, service: 6.0, arrivals: None };
    let runs = replicate(0..REPLICATIONS, |r| closed.run(Name::of_seed(6).number(r), 200_000));
    let column = |of: fn(&queue::ClosedFigures) -> f64| runs.iter().map(of).collect::<Vec<_>>();
    judge("broken", &column(|run| run.down), 2.126_232, 0.01);
    judge("waiting", &column(|run| run.down - run.busy), 0.338_855, 0.02);
    judge("throughput", &column(|run| run.throughput), 0.297_896, 0.01);
}

/// The battery loop as a birth-death chain: a vehicle takes a full battery or is lost, chargers fill them.
#[test]
fn battery_loops() {
    for (units, servers, per_h, lost, depleted, use_) in
        [(20, 12, 7.5, 0.049_841_2, 12.792_54, 0.890_774), (24, 18, 11.0, 0.047_613_8, 16.880_31, 0.873_021)]
    {
        let closed = Closed { units, servers, up: 0.0, service: 1.5, arrivals: Some(per_h) };
        let runs = replicate(0..REPLICATIONS, |r| closed.run(Name::of_seed(7).number(r), 400_000));
        let column = |of: fn(&queue::ClosedFigures) -> f64| runs.iter().map(of).collect::<Vec<_>>();
        judge("lost", &column(|run| run.lost), lost, 0.02);
        judge("depleted", &column(|run| run.down), depleted, 0.01);
        let share: Vec<f64> = column(|run| run.busy).iter().map(|busy| busy / f64::from(servers)).collect();
        judge("use", &share, use_, 0.01);
    }
}

/// L = lambda W to the bit of the end effect: customers that are there at the end have not left their whole wait.
#[test]
fn little() {
    for run in runs(&Queue::new(3, 2.4, Service::Hyper4, 100_000)) {
        let apart = (run.queue_mean - run.rate * run.wait_mean).abs() / run.queue_mean;
        assert!(apart < 1e-9, "{apart}");
    }
}

/// 95 % intervals over 1,000 trials of M/M/1 cover the truth in 92.9 to 97.1 % (3 binomial standard errors).
#[test]
fn intervals_cover_as_often_as_they_say() {
    let queue = Queue::new(1, 0.5, Service::Exponential, 4_000);
    let covered = replicate(0..1_000, |trial| {
        let name = Name::of_seed(8).number(trial);
        let means = (0..10).map(|r| queue.run(name.number(r)).wait_mean);
        let (low, high) = Summary::of(means).interval(0.95);
        low <= 1.0 && 1.0 <= high
    });
    let share = covered.iter().filter(|hit| **hit).count();
    assert!((929..=971).contains(&share), "{share} of 1,000");
}
