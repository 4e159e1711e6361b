//! One station: the rules from arrival to the end of the charge.

use std::collections::VecDeque;

use voltwin_des::{Agenda, Name};

use super::{
    arrivals::Arrivals,
    curve::Curve,
    meter::Meter,
    outages::{Outages, Unit},
    plan::{Rules, StationPlan},
    reserve::{Next, Reserve},
    share::Share,
    tally::Tally,
    vehicle::{EventKind, Outcome, Vehicle, VehicleRow, Watch},
};

/// What can happen at a station.
#[derive(Debug, Clone, Copy)]
enum Event {
    ChargeEnd(u32),
    SwapEnd(u32),
    /// The first in line for power may begin.
    Admit,
    /// Cooldown is over under `share`.
    PowerOn(u32),
    /// The next vehicle of its own demand comes.
    Arrival,
    /// A vehicle comes from another station.
    Incoming(u32),
    /// Patience ends for the vehicle with this place in the order of joining.
    Renege(u32),
    Failure(Unit, u32),
    Repaired(Unit, u32),
}

impl Event {
    /// Of what happens at one instant, first what sets free, then who comes, then who gives up.
    const fn rank(self) -> u8 {
        match self {
            Self::ChargeEnd(_) => 0,
            Self::SwapEnd(_) => 1,
            Self::Repaired(..) => 2,
            Self::Admit => 3,
            Self::PowerOn(_) => 4,
            Self::Failure(..) => 5,
            Self::Arrival | Self::Incoming(_) => 6,
            Self::Renege(_) => 7,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Battery {
    soh: f64,
    /// SoC of the pack that was returned last.
    soc: f64,
    cycles: u32,
    /// Infinite while it is in no charger.
    plugged_at: f64,
}

#[derive(Debug)]
enum Bank {
    Reserve(Reserve),
    Share(Share),
}

struct Queued {
    order: u32,
    since: f64,
    vehicle: Vehicle,
}

/// A vehicle that a station would not or could not serve.
pub(crate) struct Refused {
    pub at: f64,
    pub vehicle: Vehicle,
    pub why: Outcome,
}

/// A station while it runs.
pub(crate) struct Station<'a> {
    rules: &'a Rules,
    plan: &'a StationPlan,
    number: u32,
    agenda: Agenda<Event>,
    arrivals: Arrivals<'a>,
    next_arrival: Option<Vehicle>,
    incoming: Vec<Vehicle>,
    queue: VecDeque<Queued>,
    joined: u32,
    free_bays: u32,
    free_chargers: u32,
    batteries: Vec<Battery>,
    /// Batteries that are ready, the longest-ready first, with the instant since when.
    ready: VecDeque<(f64, u32)>,
    /// Packs that wait for a charger.
    unplugged: VecDeque<u32>,
    bank: Bank,
    outages: Outages,
    pub tally: Tally,
    pub meter: Meter,
}

impl<'a> Station<'a> {
    /// At time 0: all batteries full and ready, nobody there. `name` is the station's chance in this replication.
    pub(crate) fn new(
        rules: &'a Rules,
        plan: &'a StationPlan,
        number: u32,
        name: Name,
        days: &'a [f64],
        rerouting: bool,
    ) -> Self {
        let soh0 = name.word("soh0");
        let battery = |k: u32| Battery {
            soh: rules.soh0.at(soh0.unit_at(u64::from(k))),
            soc: rules.target_soc,
            cycles: 0,
            plugged_at: f64::INFINITY,
        };
        let bank = match plan.grid_kw {
            Some(cap_kw) if rules.share => Bank::Share(Share::new(cap_kw)),
            cap_kw => Bank::Reserve(Reserve::new(cap_kw)),
        };
        let mut station = Self {
            rules,
            plan,
            number,
            agenda: Agenda::new(),
            arrivals: Arrivals::new(rules, plan, number, name, days, rerouting),
            next_arrival: None,
            incoming: Vec::new(),
            queue: VecDeque::new(),
            joined: 0,
            free_bays: plan.bays,
            free_chargers: plan.chargers,
            batteries: (0..plan.batteries).map(battery).collect(),
            ready: (0..plan.batteries).map(|k| (0.0, k)).collect(),
            unplugged: VecDeque::new(),
            bank,
            outages: Outages::new(rules.failures, name),
            tally: Tally { warmup_s: rules.warmup_s, horizon_s: rules.horizon_s, ..Tally::default() },
            meter: Meter::new(rules.horizon_s, rules.meter_s),
        };
        station.expect_arrival();
        for (unit, count) in [(Unit::Charger, plan.chargers), (Unit::Bay, plan.bays)] {
            for k in 0..count {
                station.expect_failure(0.0, unit, k);
            }
        }
        station
    }

    /// The instant of the next event, if it lies before the horizon.
    pub(crate) fn next_time(&mut self) -> Option<f64> {
        self.agenda.peek_time().filter(|at| *at < self.rules.horizon_s)
    }

    /// Lets the next event happen.
    pub(crate) fn step<W: Watch>(&mut self, watch: &mut W) -> Option<Refused> {
        let (now, event) = self.agenda.pop()?;
        if let Bank::Reserve(bank) = &mut self.bank {
            bank.note_starts(now, self.rules.warmup_s);
        }
        match event {
            Event::Arrival => {
                let vehicle = self.next_arrival.take()?;
                self.expect_arrival();
                self.tally.arrivals += u64::from(self.counts(&vehicle));
                return self.arrive(now, vehicle, watch);
            }
            Event::Incoming(slot) => {
                let vehicle = self.incoming[slot as usize];
                return self.arrive(now, vehicle, watch);
            }
            Event::Renege(order) => return self.renege(now, order),
            Event::SwapEnd(battery) => self.end_swap(now, battery, watch),
            Event::ChargeEnd(battery) => self.end_charge(now, battery, watch),
            Event::Admit => {
                if let Bank::Reserve(bank) = &mut self.bank {
                    bank.ticket = None;
                }
                self.admit(now, true, watch);
            }
            Event::PowerOn(battery) => self.power_on(now, battery, watch),
            Event::Failure(unit, k) => self.fail(now, unit, k, watch),
            Event::Repaired(unit, k) => self.repaired(now, unit, k, watch),
        }
        None
    }

    fn schedule(&mut self, at: f64, event: Event) {
        if at < self.rules.horizon_s {
            self.agenda.schedule(at, event.rank(), event);
        }
    }

    fn counts(&self, vehicle: &Vehicle) -> bool {
        vehicle.first_arrival >= self.rules.warmup_s
    }

    fn expect_arrival(&mut self) {
        self.next_arrival = self.arrivals.next();
        if let Some(vehicle) = &self.next_arrival {
            self.schedule(vehicle.first_arrival, Event::Arrival);
        }
    }

    /// A vehicle that another station refused will come.
    pub(crate) fn expect(&mut self, at: f64, vehicle: Vehicle) {
        self.incoming.push(vehicle);
        self.schedule(at, Event::Incoming(self.incoming.len() as u32 - 1));
    }

    /// Rule 3.
    fn arrive<W: Watch>(&mut self, now: f64, vehicle: Vehicle, watch: &mut W) -> Option<Refused> {
        if W::EVENTS {
            watch.event(now, EventKind::Arrival, self.number, vehicle.number, vehicle.soc);
        }
        let at_once = self.queue.is_empty() && self.free_bays > 0 && !self.ready.is_empty();
        let why = if self.plan.hours.is_some_and(|hours| !hours.is_open(now)) {
            Some(Outcome::Closed)
        } else if !at_once && self.rules.queue_cap.is_some_and(|cap| self.queue.len() >= cap) {
            Some(Outcome::Balked)
        } else if !self.rules.waits && self.ready.len() <= self.queue.len() {
            Some(Outcome::Stockout)
        } else {
            None
        };
        if let Some(why) = why {
            return Some(Refused { at: now, vehicle, why });
        }
        let order = self.joined;
        self.joined += 1;
        self.queue.push_back(Queued { order, since: now, vehicle });
        self.dispatch(now, watch);
        if self.rules.waits && self.queue.back().is_some_and(|last| last.order == order) {
            self.schedule(now + vehicle.patience_s, Event::Renege(order));
        }
        None
    }

    /// Rule 4.
    fn dispatch<W: Watch>(&mut self, now: f64, watch: &mut W) {
        while self.free_bays > 0 && !self.ready.is_empty() {
            let Some(head) = self.queue.pop_front() else { return };
            let Some((since, battery)) = self.ready.pop_front() else { return };
            let (vehicle, wait) = (head.vehicle, now - head.since);
            self.free_bays -= 1;
            let end = now + vehicle.swap_s;
            let tally = &mut self.tally;
            tally.queue_s += tally.part(head.since, now);
            tally.ready_s += tally.part(since, now);
            tally.bay_s += tally.part(now, end);
            if vehicle.first_arrival >= self.rules.warmup_s {
                tally.served += 1;
                tally.within_300s += u64::from(wait <= 300.0);
                tally.wait_sum_s += wait;
                tally.waits.push(wait);
            }
            if W::EVENTS {
                watch.event(now, EventKind::SwapStart, self.number, vehicle.number, wait);
            }
            watch.vehicle(self.row(&vehicle, now, Outcome::Served, wait));
            // the pack that comes back continues the record of the one handed out
            self.batteries[battery as usize].soc = vehicle.soc;
            self.schedule(end, Event::SwapEnd(battery));
        }
    }

    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// What became of a vehicle here.
    pub(crate) fn row(&self, vehicle: &Vehicle, at: f64, outcome: Outcome, wait_s: f64) -> VehicleRow {
        VehicleRow {
            first_arrival_s: vehicle.first_arrival,
            home: vehicle.home,
            station: self.number,
            outcome_s: at,
            outcome,
            wait_s,
            hops: vehicle.hops,
        }
    }

    /// Rule 5.
    fn renege(&mut self, now: f64, order: u32) -> Option<Refused> {
        let place = self.queue.binary_search_by_key(&order, |queued| queued.order).ok()?;
        let queued = self.queue.remove(place)?;
        self.tally.queue_s += self.tally.part(queued.since, now);
        Some(Refused { at: now, vehicle: queued.vehicle, why: Outcome::Reneged })
    }

    /// Rule 7.
    fn end_swap<W: Watch>(&mut self, now: f64, battery: u32, watch: &mut W) {
        if W::EVENTS {
            let soc = self.batteries[battery as usize].soc;
            watch.event(now, EventKind::SwapEnd, self.number, battery, soc);
        }
        self.free(now, Unit::Bay);
        self.unplugged.push_back(battery);
        self.plug(now, watch);
        self.dispatch(now, watch);
    }

    /// Rule 8.
    fn plug<W: Watch>(&mut self, now: f64, watch: &mut W) {
        while self.free_chargers > 0 {
            let Some(battery) = self.unplugged.pop_front() else { return };
            self.free_chargers -= 1;
            let record = &mut self.batteries[battery as usize];
            record.plugged_at = now;
            if W::EVENTS {
                watch.event(now, EventKind::PlugIn, self.number, battery, record.soh);
            }
            let curve = self.curve(now, battery);
            match &mut self.bank {
                Bank::Reserve(bank) => {
                    bank.plug(battery, curve.kw);
                    if bank.ticket.is_none() {
                        self.admit(now, false, watch);
                    }
                }
                Bank::Share(_) if self.rules.cooldown_s > 0.0 => {
                    self.schedule(now + self.rules.cooldown_s, Event::PowerOn(battery));
                }
                Bank::Share(_) => self.power_on(now, battery, watch),
            }
        }
    }

    fn curve(&self, now: f64, battery: u32) -> Curve {
        let record = &self.batteries[battery as usize];
        let factor = self.rules.derating.as_ref().map_or(1.0, |derating| derating.at(now));
        self.rules.curve.of(self.rules.capacity_kwh * record.soh, record.soc, factor)
    }

    /// Rule 10: as many as may begin now do; the next one is scheduled.
    fn admit<W: Watch>(&mut self, now: f64, due: bool, watch: &mut W) {
        let mut due = due;
        loop {
            let Bank::Reserve(bank) = &mut self.bank else { return };
            match bank.next(now, due) {
                Next::Nothing => return,
                Next::At(at) => {
                    if at < self.rules.horizon_s {
                        bank.ticket = Some(self.agenda.schedule(at, Event::Admit.rank(), Event::Admit));
                    }
                    return;
                }
                Next::Admit(battery) => self.begin_admitted(now, battery, watch),
            }
            due = false;
        }
    }

    fn begin_admitted<W: Watch>(&mut self, now: f64, battery: u32, watch: &mut W) {
        let plugged_at = self.batteries[battery as usize].plugged_at;
        let curve = self.curve(plugged_at, battery);
        let Bank::Reserve(bank) = &mut self.bank else { return };
        let (start, knee, end) = bank.begin(battery, &curve, now, self.rules.cooldown_s);
        if self.rules.cooldown_s <= 0.0 {
            bank.note_starts(now, self.rules.warmup_s);
        }
        self.meter.level(start, knee, curve.kw);
        self.meter.decay(knee, end, curve.kw, curve.tau_s);
        self.tally.power_s += self.tally.part(start, end);
        if W::EVENTS {
            watch.event(now, EventKind::Admitted, self.number, battery, f64::NAN);
            if start < self.rules.horizon_s {
                watch.event(start, EventKind::PowerOn, self.number, battery, curve.kw);
            }
        }
        self.schedule(end, Event::ChargeEnd(battery));
    }

    /// Rule 11: cooldown is over.
    fn power_on<W: Watch>(&mut self, now: f64, battery: u32, watch: &mut W) {
        let curve = self.curve(self.batteries[battery as usize].plugged_at, battery);
        if W::EVENTS {
            watch.event(now, EventKind::PowerOn, self.number, battery, curve.kw);
        }
        if let Bank::Share(bank) = &mut self.bank {
            bank.advance(now, &mut self.meter);
            bank.begin(battery, &curve, self.rules.warmup_s);
        }
        self.expect_shared_end();
    }

    fn expect_shared_end(&mut self) {
        let Bank::Share(bank) = &mut self.bank else { return };
        if let Some(ticket) = bank.ticket.take() {
            self.agenda.cancel(ticket);
        }
        if let Some((at, battery)) = bank.next_end()
            && at < self.rules.horizon_s
        {
            let event = Event::ChargeEnd(battery);
            bank.ticket = Some(self.agenda.schedule(at, event.rank(), event));
        }
    }

    /// Rule 12.
    fn end_charge<W: Watch>(&mut self, now: f64, battery: u32, watch: &mut W) {
        match &mut self.bank {
            Bank::Reserve(bank) => {
                bank.end(battery);
                if let Some(ticket) = bank.ticket.take() {
                    self.agenda.cancel(ticket);
                }
            }
            Bank::Share(bank) => {
                bank.ticket = None;
                bank.advance(now, &mut self.meter);
                let started = bank.end(battery);
                self.tally.power_s += self.tally.part(started, now);
            }
        }
        let record = &mut self.batteries[battery as usize];
        record.cycles += 1;
        // a pack of no health at all would charge in no time: such a run says nothing any more
        record.soh = (record.soh - self.rules.fade_per_efc * (self.rules.target_soc - record.soc)).max(0.01);
        if W::EVENTS {
            watch.event(now, EventKind::ChargeEnd, self.number, battery, record.soh);
        }
        self.tally.plugged_s += self.tally.part(record.plugged_at, now);
        record.plugged_at = f64::INFINITY;
        self.ready.push_back((now, battery));
        self.free(now, Unit::Charger);
        self.admit(now, false, watch);
        self.plug(now, watch);
        self.expect_shared_end();
        self.dispatch(now, watch);
    }

    /// A unit has done its work: it is free, or goes to the repair that waits for it.
    fn free(&mut self, now: f64, unit: Unit) {
        if let Some((k, repair_s)) = self.outages.take(unit) {
            self.schedule(now + repair_s, Event::Repaired(unit, k));
            return;
        }
        *self.free_units(unit) += 1;
    }

    const fn free_units(&mut self, unit: Unit) -> &mut u32 {
        match unit {
            Unit::Charger => &mut self.free_chargers,
            Unit::Bay => &mut self.free_bays,
        }
    }

    fn expect_failure(&mut self, now: f64, unit: Unit, k: u32) {
        if let Some(wait) = self.outages.until_failure(unit, k) {
            self.schedule(now + wait, Event::Failure(unit, k));
        }
    }

    fn fail<W: Watch>(&mut self, now: f64, unit: Unit, k: u32, watch: &mut W) {
        if W::EVENTS {
            watch.event(now, EventKind::Failure, self.number, unit as u32, f64::NAN);
        }
        self.outages.fail(unit, k);
        let free = self.free_units(unit);
        if *free > 0 {
            *free -= 1;
            self.free(now, unit);
        }
    }

    fn repaired<W: Watch>(&mut self, now: f64, unit: Unit, k: u32, watch: &mut W) {
        if W::EVENTS {
            watch.event(now, EventKind::Repaired, self.number, unit as u32, f64::NAN);
        }
        self.expect_failure(now, unit, k);
        self.free(now, unit);
        match unit {
            Unit::Charger => self.plug(now, watch),
            Unit::Bay => self.dispatch(now, watch),
        }
    }

    /// The horizon: what is still open is counted up to it; whoever still waits is pending.
    pub(crate) fn finish<W: Watch>(&mut self, watch: &mut W) {
        let end = self.rules.horizon_s;
        match &mut self.bank {
            Bank::Reserve(bank) => bank.note_starts(end.next_down(), self.rules.warmup_s),
            Bank::Share(bank) => {
                bank.advance(end, &mut self.meter);
                for started in bank.running() {
                    self.tally.power_s += self.tally.part(started, end);
                }
            }
        }
        for queued in &self.queue {
            self.tally.queue_s += self.tally.part(queued.since, end);
            watch.vehicle(self.row(&queued.vehicle, f64::NAN, Outcome::Pending, f64::NAN));
        }
        for (since, _) in &self.ready {
            self.tally.ready_s += self.tally.part(*since, end);
        }
        for record in &self.batteries {
            self.tally.plugged_s += self.tally.part(record.plugged_at, end);
        }
    }

    /// The highest power right after the start of a charge, kW.
    pub(crate) fn peak_inst_kw(&self) -> f64 {
        match &self.bank {
            Bank::Reserve(bank) => bank.peak_kw(),
            Bank::Share(bank) => bank.peak_kw(),
        }
    }

    /// Charges ended, and the sum of healths.
    pub(crate) fn wear(&self) -> (u64, f64) {
        self.batteries
            .iter()
            .fold((0, 0.0), |(cycles, soh), battery| (cycles + u64::from(battery.cycles), soh + battery.soh))
    }
}
