//! Work for `tests/clients/bench_swap.py` that the command line has no form for:
//! `speed kernel CUSTOMERS` (M/M/10 with a load of 0.8) and `speed events SCENARIO REPS` (every event into columns).
#![expect(clippy::print_stdout, reason = "a program of its own")]

use std::collections::VecDeque;

use voltwin_des::{Agenda, Name};
use voltwin_swap::{Everything, Network, Scenario, replication};

enum Event {
    Arrival,
    Departure,
}

fn kernel(customers: u64) -> f64 {
    let name = Name::of_seed(1);
    let (mut gaps, mut services) = (name.word("gap").stream(), name.word("service").stream());
    let (mut agenda, mut queue) = (Agenda::new(), VecDeque::new());
    let (mut busy, mut begun, mut waited) = (0, 0, 0.0);
    agenda.schedule(gaps.exponential() / 8.0, 0, Event::Arrival);
    while let Some((now, event)) = agenda.pop() {
        match event {
            Event::Arrival => {
                queue.push_back(now);
                agenda.schedule(now + gaps.exponential() / 8.0, 0, Event::Arrival);
            }
            Event::Departure => busy -= 1,
        }
        while busy < 10
            && let Some(since) = queue.pop_front()
        {
            busy += 1;
            begun += 1;
            waited += now - since;
            agenda.schedule(now + services.exponential(), 0, Event::Departure);
        }
        if begun >= customers {
            break;
        }
    }
    waited / begun as f64
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["kernel", customers] => println!("{:.6}", kernel(customers.parse()?)),
        ["events", path, reps] => {
            let network = Network::new(&Scenario::from_json(&std::fs::read_to_string(path)?)?);
            let mut events = 0;
            for r in 0..reps.parse()? {
                let mut seen = Everything::default();
                replication(&network, r, &mut seen, &|| false)?;
                events += seen.events.len();
            }
            println!("{events}");
        }
        _ => return Err("speed kernel CUSTOMERS | speed events SCENARIO REPS".into()),
    }
    Ok(())
}
