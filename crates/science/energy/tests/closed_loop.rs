//! Random days with stations that fail: no limit is ever exceeded, and what can be served is.

use voltwin_energy::{Baseline, Health, Horizon, Outcome, Policy, Site, Stay, run};

/// Splittable enough for a test: one stream a day (Vigna's SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

struct Day {
    site: Site,
    stays: Vec<Stay>,
    health: Vec<Vec<Health>>,
}

fn day(seed: u64, slots: usize, most: usize) -> Day {
    let mut random = Random(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let count = 1 + random.below(most);
    let dt_h = 24.0 / slots as f64;
    let stays: Vec<Stay> = (0..count)
        .map(|_| {
            let arrive = random.below(slots - 2);
            let depart = arrive + 1 + random.below(slots - arrive - 1);
            let power_kw = [3.7, 7.4, 11.0, 22.0][random.below(4)];
            let need_kwh = power_kw * dt_h * (depart - arrive) as f64 * random.unit();
            Stay { arrive, depart, said: arrive + 1 + random.below(slots), need_kwh, power_kw }
        })
        .collect();
    let fallback_kw = 1.4;
    let wish: f64 = stays.iter().map(|stay| stay.power_kw).sum();
    // a site must at least bear all of its stations in their fallback
    let cap_kw = (wish * random.unit() * 0.5).max(fallback_kw * count as f64);
    let health = (0..count)
        .map(|_| {
            let mut now = Health::Obeys;
            (0..slots)
                .map(|_| {
                    if random.below(8) == 0 {
                        now = [Health::Obeys, Health::Silent, Health::Refuses][random.below(3)];
                    }
                    now
                })
                .collect()
        })
        .collect();
    let price = (0..slots).map(|_| random.unit() * 0.5 - 0.1).collect();
    Day { site: Site { dt_h, price, demand_charge: random.unit() * 2.0, cap_kw, fallback_kw }, stays, health }
}

fn play(day: &Day, policy: &mut dyn Policy) -> Outcome {
    let said = |stay: usize, _: usize| day.stays[stay].said;
    run(&day.site, &day.stays, policy, &said, &|stay, slot| day.health[stay][slot])
}

/// Without optimisation of the compiler a planned day takes twenty times as long; a release run plans all of them.
const PLANNED_EVERY: u64 = if cfg!(debug_assertions) { 50 } else { 1 };

#[test]
fn no_limit_is_exceeded_in_ten_thousand_days_with_failing_stations() {
    for seed in 0..10_000 {
        let mut day = day(seed, 24, 8);
        day.site.price[3] = -0.4;
        if seed % PLANNED_EVERY == 0 {
            let mut horizon = Horizon::new(&day.site, 0.2 * day.site.cap_kw);
            let outcome = play(&day, &mut horizon);
            assert!(outcome.exceeded_kw == 0.0, "day {seed}: {} kW beyond", outcome.exceeded_kw);
        }
        let mut baseline = Baseline::ALL[seed as usize % Baseline::ALL.len()];
        let outcome = play(&day, &mut baseline);
        assert!(outcome.exceeded_kw == 0.0, "day {seed}, {}: {}", baseline.name(), outcome.exceeded_kw);
    }
}

#[test]
fn with_healthy_stations_true_times_and_room_nobody_lacks_energy() {
    for seed in 0..300 {
        let mut day = day(seed, 48, 12);
        day.site.cap_kw = day.stays.iter().map(|stay| stay.power_kw).sum();
        let truth = |stay: usize, _: usize| day.stays[stay].depart;
        let mut horizon = Horizon::new(&day.site, 0.0);
        let outcome = run(&day.site, &day.stays, &mut horizon, &truth, &|_, _| Health::Obeys);
        assert!(outcome.unmet_stays == 0, "day {seed}: {} kWh lack", outcome.unmet_kwh);
    }
}

#[test]
fn a_policy_that_answers_nonsense_is_kept_within_the_limits() {
    struct Nonsense;
    impl Policy for Nonsense {
        fn decide(&mut self, view: &voltwin_energy::View<'_>) -> Vec<f64> {
            view.plugged.iter().map(|vehicle| if vehicle.stay % 2 == 0 { f64::NAN } else { 1e12 }).collect()
        }
    }
    let day = day(5, 24, 8);
    assert!(play(&day, &mut Nonsense).exceeded_kw == 0.0);
}
