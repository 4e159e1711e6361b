//! Queues on the kernel.

use std::collections::VecDeque;

use voltwin_des::{Agenda, Name, Stream, quantile_in_place};

/// Laws of service with mean 1.
#[derive(Clone, Copy)]
pub(crate) enum Service {
    Exponential,
    Constant,
    Erlang4,
    /// Two exponentials with balanced means, squared coefficient of variation 4.
    Hyper4,
}

impl Service {
    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Self::Exponential => stream.exponential(),
            Self::Constant => 1.0,
            Self::Erlang4 => (0..4).map(|_| stream.exponential()).sum::<f64>() / 4.0,
            Self::Hyper4 => {
                let p = 0.5 * (1.0 + (3.0_f64 / 5.0).sqrt());
                let share = if stream.unit() < p { p } else { 1.0 - p };
                stream.exponential() / (2.0 * share)
            }
        }
    }
}

/// Servers with one queue.
pub(crate) struct Queue {
    pub servers: u32,
    pub rate: f64,
    pub service: Service,
    pub customers: u32,
    /// How many may be there; all others are lost.
    pub room: Option<u32>,
}

pub(crate) struct Figures {
    pub wait_mean: f64,
    pub wait_p95: f64,
    pub lost: f64,
    pub queue_mean: f64,
    pub rate: f64,
}

enum Event {
    Arrival,
    Departure,
}

impl Queue {
    pub(crate) fn new(servers: u32, rate: f64, service: Service, customers: u32) -> Self {
        Self { servers, rate, service, customers, room: None }
    }

    /// The first twentieth of the customers is not counted; it ends when the last has begun.
    pub(crate) fn run(&self, name: Name) -> Figures {
        let (mut gaps, mut services) = (name.word("gap").stream(), name.word("service").stream());
        let mut agenda = Agenda::new();
        let mut queue = VecDeque::new();
        let mut waits = Vec::with_capacity(self.customers as usize);
        let (mut busy, mut arrived, mut lost) = (0, 0_u32, 0_u32);
        let warm = self.customers / 20;
        // the queue as an integral over its changes, which knows nothing of waits
        let (mut area, mut changed, mut counted) = (0.0, 0.0, 0_u32);
        agenda.schedule(gaps.exponential() / self.rate, 0, Event::Arrival);
        while let Some((now, event)) = agenda.pop() {
            area += f64::from(counted) * (now - changed);
            changed = now;
            match event {
                Event::Arrival => {
                    if arrived < self.customers {
                        agenda.schedule(now + gaps.exponential() / self.rate, 0, Event::Arrival);
                        arrived += 1;
                        if self.room.is_some_and(|room| busy + queue.len() as u32 >= room) {
                            lost += u32::from(arrived > warm);
                        } else {
                            queue.push_back((now, arrived > warm));
                            counted += u32::from(arrived > warm);
                        }
                    }
                }
                Event::Departure => busy -= 1,
            }
            while busy < self.servers
                && let Some((since, counts)) = queue.pop_front()
            {
                busy += 1;
                if counts {
                    waits.push(now - since);
                    counted -= 1;
                }
                agenda.schedule(now + self.service.draw(&mut services), 0, Event::Departure);
            }
        }
        let n = waits.len() as f64;
        Figures {
            wait_mean: waits.iter().sum::<f64>() / n,
            wait_p95: quantile_in_place(&mut waits, 0.95),
            lost: f64::from(lost) / f64::from(self.customers - warm),
            queue_mean: area / changed,
            rate: n / changed,
        }
    }
}

/// Units that are up, down and waiting, or in service.
pub(crate) struct Closed {
    pub units: u32,
    pub servers: u32,
    /// Mean time up of each unit, where units fail by themselves.
    pub up: f64,
    pub service: f64,
    /// Rate of the customers that each take one unit down, where they do.
    pub arrivals: Option<f64>,
}

pub(crate) struct ClosedFigures {
    pub down: f64,
    pub busy: f64,
    pub throughput: f64,
    pub lost: f64,
}

impl Closed {
    /// From all up, over `events` events, of which the first twentieth is not counted.
    pub(crate) fn run(&self, name: Name, events: u32) -> ClosedFigures {
        let (mut ups, mut services) = (name.word("up").stream(), name.word("service").stream());
        let mut agenda = Agenda::new();
        let mut down = 0_u32;
        match self.arrivals {
            Some(rate) => {
                agenda.schedule(ups.exponential() / rate, 0, Event::Arrival);
            }
            None => {
                for _ in 0..self.units {
                    agenda.schedule(ups.exponential() * self.up, 0, Event::Arrival);
                }
            }
        }
        let (mut begin, mut last) = (0.0, 0.0);
        let (mut down_area, mut busy_area, mut done, mut came, mut lost) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for event in 0..events {
            let Some((now, what)) = agenda.pop() else { break };
            if event == events / 20 {
                begin = now;
                (down_area, busy_area, done, came, lost) = (0.0, 0.0, 0.0, 0.0, 0.0);
            } else {
                down_area += f64::from(down) * (now - last);
                busy_area += f64::from(down.min(self.servers)) * (now - last);
            }
            last = now;
            let busy = down.min(self.servers);
            match what {
                Event::Arrival => {
                    came += 1.0;
                    if let Some(rate) = self.arrivals {
                        agenda.schedule(now + ups.exponential() / rate, 0, Event::Arrival);
                    }
                    if down == self.units {
                        lost += 1.0;
                    } else {
                        down += 1;
                    }
                }
                Event::Departure => {
                    down -= 1;
                    done += 1.0;
                    if self.arrivals.is_none() {
                        agenda.schedule(now + ups.exponential() * self.up, 0, Event::Arrival);
                    }
                }
            }
            // who has left is no longer busy; whoever may begin does
            let still = if matches!(what, Event::Departure) { busy - 1 } else { busy };
            for _ in still..down.min(self.servers) {
                agenda.schedule(now + services.exponential() * self.service, 0, Event::Departure);
            }
        }
        let time = last - begin;
        ClosedFigures {
            down: down_area / time,
            busy: busy_area / time,
            throughput: done / time,
            lost: lost / came,
        }
    }
}

/// Busy servers at two instants (h) of a queue without end of servers and with a changing rate, by thinning.
pub(crate) fn infinite(name: Name, at: [f64; 2]) -> [f64; 2] {
    let (mut gaps, mut services) = (name.word("gap").stream(), name.word("service").stream());
    let mut busy = [0.0; 2];
    let mut now = 0.0;
    while now < at[1] {
        now += gaps.exponential() / 160.0;
        let rate = 100.0 * (1.0 + 0.6 * (2.0 * std::f64::consts::PI * now / 24.0).sin());
        if gaps.unit() * 160.0 < rate {
            let end = now + 1.5 * services.exponential();
            for (count, at) in busy.iter_mut().zip(at) {
                *count += f64::from(u8::from(now <= at && at < end));
            }
        }
    }
    busy
}
