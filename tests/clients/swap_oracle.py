"""The rules of `swap-scenario/1` a second time: a plain SimPy program, written to be read beside docs/swap.md.

It shares nothing with the product but the rules. Where the product has closed forms over whole charges, this one cuts time
at every knee and end of a charge and bisects. It serves as the oracle of `swap_check.py` and as the peer of `bench_swap.py`.
"""

from __future__ import annotations

import math
import random
from bisect import insort
from collections import deque
from dataclasses import dataclass, field

from typing import Any

import simpy


EARTH_KM = 6371.0088
TINY_KW = 1e-9


def draw(law: Any, rng: random.Random) -> float:
    """A value of a distribution of the form."""
    if isinstance(law, (int, float)):
        return float(law)
    kind = law["dist"]
    if kind == "const":
        return law["value"]
    if kind == "uniform":
        return rng.uniform(law["lo"], law["hi"])
    if kind == "exp":
        return rng.expovariate(1.0 / law["mean"])
    if kind == "lognormal":
        s2 = math.log1p(law["cv"] ** 2)
        return rng.lognormvariate(math.log(law["mean"]) - s2 / 2, math.sqrt(s2))
    while True:  # truncnorm by rejection
        x = rng.gauss(law["mean"], law["sd"])
        if law["lo"] <= x <= law["hi"]:
            return x


def haversine_km(a: dict[str, Any], b: dict[str, Any]) -> float:
    la, lb = math.radians(a["lat"]), math.radians(b["lat"])
    dl = math.radians(b["lon"] - a["lon"])
    h = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin(dl / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))


@dataclass
class Vehicle:
    first: float
    home: int
    soc: float
    patience: float
    u_reroute: float
    visited: list[int] = field(default_factory=list)


@dataclass
class Pack:
    soh: float
    soc: float = 0.0
    cycles: int = 0


class Meter:
    """Energy in kW s by period."""

    def __init__(self, horizon: float, period: float) -> None:
        self.period = period
        self.cells = [0.0] * round(horizon / period)

    def piece(self, a: float, b: float, energy_to: Any) -> None:
        """`energy_to(t)` is the energy from `a` to `t`."""
        done, t, cell = 0.0, a, int(a // self.period)
        while t < b and cell < len(self.cells):
            t = min(b, (cell + 1) * self.period)
            energy = energy_to(t)
            self.cells[cell] += energy - done
            done, cell = energy, cell + 1


class Grid:
    """`admission`: reservations, and who waits for one."""

    def __init__(self, net: Network, station: Station) -> None:
        self.net, self.station = net, station
        self.jobs: dict[int, tuple[float, float, float]] = {}  # knee, end, tau
        self.line: deque[tuple[int, simpy.Event]] = deque()
        self.version = 0

    def power(self, t: float, kw: float) -> float:
        return sum(kw if t <= knee else kw * math.exp((knee - t) / tau) for knee, _, tau in self.jobs.values())

    def request(self, key: int) -> simpy.Event:
        event = self.net.env.event()
        self.line.append((key, event))
        self.serve()
        return event

    def reserve(self, key: int, start: float, t_cc: float, tau: float, t_cv: float) -> None:
        self.jobs[key] = (start + t_cc, start + t_cc + t_cv, tau)

    def release(self, key: int) -> None:
        del self.jobs[key]
        self.serve()

    def serve(self, due: int = -1) -> None:
        if due >= 0 and due != self.version:
            return
        net, cap = self.net, self.station.cap
        p, now = net.p_grid, net.env.now
        first = due >= 0
        while self.line:
            if not first and len(self.jobs) * p + p > cap + TINY_KW and self.power(now, p) + p > cap + TINY_KW:
                break
            first = False
            key, event = self.line.popleft()
            self.station.begin(key, now)
            event.succeed()
        self.version += 1
        if self.line:
            self.look_ahead(cap - p, p, now)

    def look_ahead(self, room: float, p: float, now: float) -> None:
        end = min(end for _, end, _ in self.jobs.values())
        if self.power(end, p) > room:
            return
        # the piece between two knees in which the reservations fall to the room, then bisection in it
        knots = sorted({now, end, *(knee for knee, _, _ in self.jobs.values() if now < knee < end)})
        lo, hi = 0, len(knots) - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            lo, hi = (mid, hi) if self.power(knots[mid], p) > room else (lo, mid)
        a, b = knots[lo], knots[hi]
        flat = sum(1 for knee, _, _ in self.jobs.values() if knee >= b)
        falling = [(p * math.exp((knee - a) / tau), tau) for knee, _, tau in self.jobs.values() if knee < b]
        x = 0.0
        for _ in range(60):  # Newton on a convex piece, from the left
            terms = [(w * math.exp(-x / tau), tau) for w, tau in falling]
            value = flat * p + sum(w for w, _ in terms) - room
            step = value / sum(w / tau for w, tau in terms)
            x += step
            if abs(step) < 1e-10:
                break
        version = self.version
        wake = self.net.env.timeout(max(0.0, min(a + x, b) - now))
        wake.callbacks.append(lambda _: self.serve(version))


class Sharing:
    """`share`: one clock of effective time for all charges of a station."""

    def __init__(self, net: Network, station: Station) -> None:
        self.net, self.station = net, station
        self.jobs: dict[int, tuple[float, float, float, simpy.Event]] = {}  # knee, end, tau in effective time
        self.t = self.v = 0.0
        self.version = 0

    def wanted(self, v: float) -> float:
        p = self.net.p_grid
        return sum(p if v <= knee else p * math.exp((knee - v) / tau) for knee, _, tau, _ in self.jobs.values())

    def energy(self, a: float, b: float) -> float:
        p, total = self.net.p_grid, 0.0
        for knee, _, tau, _ in self.jobs.values():
            if a < knee:
                total += p * (min(b, knee) - a)
            if b > knee:
                s = max(a, knee)
                total += p * tau * (math.exp((knee - s) / tau) - math.exp((knee - b) / tau))
        return total

    def pieces(self, v_end: float) -> Any:
        """Pieces of effective time up to `v_end`, each with whether the cap binds in it and how long it really takes."""
        cap, v = self.station.cap, self.v
        knots = sorted({v_end, *(k for j in self.jobs.values() for k in j[:2] if v < k < v_end)})
        for b in knots:
            if self.wanted(v) > cap and self.wanted(b) < cap:
                lo, hi = v, b
                for _ in range(80):
                    mid = (lo + hi) / 2
                    lo, hi = (mid, hi) if self.wanted(mid) > cap else (lo, mid)
                yield v, lo, True, self.energy(v, lo) / cap
                yield lo, b, False, b - lo
            elif self.wanted(v) > cap * (1 + 1e-13):
                yield v, b, True, self.energy(v, b) / cap
            else:
                yield v, b, False, b - v
            v = b

    def advance(self, t: float, v_end: float | None = None) -> None:
        if t <= self.t and v_end is None:
            return
        horizon = 1e18 if v_end is None else v_end
        if not self.jobs:
            self.v += t - self.t
            self.t = t
            return
        meter, cap = self.net.meter, self.station.cap
        for a, b, bound, length in list(self.pieces(min(horizon, self.v + (t - self.t) + 1.0))):
            if v_end is None and self.t + length > t:
                span = t - self.t
                if bound:
                    lo, hi = a, b
                    for _ in range(80):
                        mid = (lo + hi) / 2
                        lo, hi = (mid, hi) if self.energy(a, mid) / cap < span else (lo, mid)
                    b = (lo + hi) / 2
                else:
                    b = a + span
                length = span
            t0 = self.t
            if bound:
                meter.piece(t0, t0 + length, lambda x: cap * (x - t0))
            else:
                meter.piece(t0, t0 + length, lambda x: self.energy(a, a + (x - t0)))
            self.t, self.v = t0 + length, b
            if v_end is None and self.t >= t:
                break
        self.t = t

    def begin(self, key: int, t_cc: float, tau: float, t_cv: float) -> simpy.Event:
        now = self.net.env.now
        self.advance(now)
        event = self.net.env.event()
        self.jobs[key] = (self.v + t_cc, self.v + t_cc + t_cv, tau, event)
        if now >= self.net.warmup:
            self.station.peak = max(self.station.peak, min(self.station.cap, self.wanted(self.v)))
        self.plan()
        return event

    def plan(self) -> None:
        self.version += 1
        if not self.jobs:
            return
        key = min(self.jobs, key=lambda k: self.jobs[k][1])
        wait = sum(length for *_, length in self.pieces(self.jobs[key][1]))
        version = self.version
        self.net.env.timeout(wait).callbacks.append(lambda _: self.finish(key, version))

    def finish(self, key: int, version: int) -> None:
        if version != self.version:
            return
        self.advance(self.net.env.now, self.jobs[key][1])
        self.jobs.pop(key)[3].succeed()
        self.plan()


class Station:
    def __init__(self, net: Network, number: int, form: dict[str, Any], rng: random.Random) -> None:
        self.net, self.number, self.form = net, number, form
        self.cap = math.inf if form.get("grid_kw") is None else form["grid_kw"]
        self.packs = [Pack(draw(net.form["battery"]["soh0"], rng)) for _ in range(form["batteries"])]
        self.ready: deque[tuple[int, float]] = deque((k, 0.0) for k in range(form["batteries"]))
        self.bays = form["bays"]
        self.queue: deque[tuple[Vehicle, simpy.Event, float]] = deque()
        self.chargers = simpy.Resource(net.env, form["chargers"])
        self.share = net.form["grid"]["policy"] == "share" and self.cap < math.inf
        self.grid: Any = (Sharing if self.share else Grid)(net, self)
        self.peak = 0.0
        self.starts: dict[int, tuple[float, float, float]] = {}

    def arrive(self, vehicle: Vehicle) -> Any:
        """Rules 3 and 5 to 7 as a process; its value is the outcome."""
        net, env = self.net, self.net.env
        service = net.form["service"]
        lost_mode = service["on_stockout"] == "lost"
        cap = service.get("queue_cap")
        at_once = not self.queue and self.bays > 0 and self.ready
        if cap is not None and len(self.queue) >= cap and not at_once:
            return "balked"
        if lost_mode and len(self.ready) <= len(self.queue):
            return "stockout"
        joined = env.now
        entry = (vehicle, env.event(), joined)
        self.queue.append(entry)
        self.dispatch()
        if not entry[1].triggered and not lost_mode and vehicle.patience < math.inf:
            yield entry[1] | env.timeout(vehicle.patience)
            if not entry[1].triggered:
                self.queue.remove(entry)
                net.integrate("queue", joined, env.now)
                return "reneged"
        pack = yield entry[1]
        wait = env.now - joined
        net.integrate("queue", joined, env.now)
        net.done(vehicle, self.number, env.now, "served", wait)
        swap = draw(net.form["swap"], net.rng)
        net.integrate("bay", env.now, env.now + swap)
        yield env.timeout(swap)
        self.bays += 1
        self.packs[pack].soc = vehicle.soc
        env.process(self.charge(pack))
        self.dispatch()
        return "served"

    def dispatch(self) -> None:
        while self.queue and self.bays > 0 and self.ready:
            _, event, _ = self.queue.popleft()
            pack, since = self.ready.popleft()
            self.net.integrate("ready", since, self.net.env.now)
            self.bays -= 1
            event.succeed(pack)

    def curve(self, pack: int) -> tuple[float, float, float]:
        """Rule 9: length of the level phase, time constant, length of the decay, in s."""
        form, record = self.net.form["charge"], self.packs[pack]
        full = self.net.form["battery"]["capacity_kwh"] * record.soh / form["p_max_kw"] * 3600
        tau = (1 - form["soc_cv"]) * full
        gap = (1 - form["soc_cv"]) / (1 - form["target_soc"])
        return (form["soc_cv"] - record.soc) * full, tau, tau * math.log(gap)

    def begin(self, pack: int, now: float) -> None:
        """A reservation begins."""
        t_cc, tau, t_cv = self.curve(pack)
        self.grid.reserve(pack, now + self.net.form["charge"]["cooldown_s"], t_cc, tau, t_cv)

    def charge(self, pack: int) -> Any:
        """Rules 8 to 12."""
        net, env = self.net, self.net.env
        request = self.chargers.request()
        yield request
        plugged = env.now
        net.plugged[self.number, pack] = plugged
        cooldown = net.form["charge"]["cooldown_s"]
        t_cc, tau, t_cv = self.curve(pack)
        if self.share:
            if cooldown > 0:
                yield env.timeout(cooldown)
            start = env.now
            net.charging[self.number, pack] = start
            yield self.grid.begin(pack, t_cc, tau, t_cv)
        else:
            yield self.grid.request(pack)
            start, p = env.now + cooldown, net.p_grid
            net.charging[self.number, pack] = start
            net.meter.piece(start, start + t_cc, lambda x: p * (x - start))
            knee = start + t_cc
            net.meter.piece(knee, knee + t_cv, lambda x: p * tau * (1 - math.exp((knee - x) / tau)))
            if cooldown > 0:
                yield env.timeout(cooldown)
            self.starts[pack] = (start, knee, tau)
            if start >= net.warmup:
                power = sum(p if env.now <= k else p * math.exp((k - env.now) / u) for _, k, u in self.starts.values())
                self.peak = max(self.peak, power)
            yield env.timeout(t_cc + t_cv)
            del self.starts[pack]
            self.grid.release(pack)
        del net.charging[self.number, pack]
        del net.plugged[self.number, pack]
        net.integrate("charging", start, env.now)
        net.integrate("plugged", plugged, env.now)
        record = self.packs[pack]
        record.cycles += 1
        record.soh -= net.form["battery"]["fade_per_efc"] * (net.form["charge"]["target_soc"] - record.soc)
        self.ready.append((pack, env.now))
        self.chargers.release(request)
        self.dispatch()


class Network:
    def __init__(self, form: dict[str, Any], seed: int = 0) -> None:
        self.form, self.rng = form, random.Random(seed)
        self.env = simpy.Environment()
        self.horizon, self.warmup = form["horizon_s"], form["warmup_s"]
        self.p_grid = form["charge"]["p_max_kw"] / form["charge"]["efficiency"]
        self.meter = Meter(self.horizon, form["meter_s"])
        self.sums: dict[str, float] = dict.fromkeys(("queue", "ready", "bay", "charging", "plugged"), 0.0)
        self.plugged: dict[tuple[int, int], float] = {}
        self.charging: dict[tuple[int, int], float] = {}
        self.rows: list[tuple[float, int, float | None, str, float | None]] = []
        self.arrivals = self.lost = self.reroutes = 0
        self.waits: list[float] = []
        self.stations = [Station(self, k, s, self.rng) for k, s in enumerate(form["stations"])]
        self.open: dict[int, Vehicle] = {}
        for station in self.stations:
            self.env.process(self.source(station))

    def integrate(self, what: str, a: float, b: float) -> None:
        self.sums[what] += max(0.0, min(b, self.horizon) - max(a, self.warmup))

    def source(self, station: Station) -> Any:
        trace = station.form.get("trace")
        vehicles = self.traced(station) if trace is not None else self.drawn(station)
        for vehicle in vehicles:
            if vehicle.first >= self.horizon:
                return
            if vehicle.first > self.env.now:
                yield self.env.timeout(vehicle.first - self.env.now)
            self.env.process(self.journey(vehicle))

    def traced(self, station: Station) -> Any:
        for t, soc, patience, u in sorted(station.form["trace"], key=lambda row: row[0]):
            yield Vehicle(t, station.number, soc, math.inf if patience is None else patience, u)

    def drawn(self, station: Station) -> Any:
        """Rule 2, by thinning."""
        form, rng = self.form["demand"], self.rng
        cv, jitter = form["rate_jitter_cv"], form["arrival_jitter_s"]
        factors: dict[int, float] = {}

        def rate(hour: int) -> float:
            if hour not in factors:
                k = 1 / cv**2 if cv > 0 else 0.0
                factors[hour] = rng.gammavariate(k, 1 / k) if cv > 0 else 1.0
            base = form["profile_per_h"][hour % 24] * station.form["demand_scale"]
            return base * form["dow"][hour // 24 % 7] * factors[hour]

        law = self.form["service"].get("patience")
        waiting: list[tuple[float, int]] = []
        t, n, hour = 0.0, 0, 0
        while t < self.horizon:
            hour = int(t // 3600)
            top = rate(hour)
            t = min(t + rng.expovariate(top / 3600), (hour + 1) * 3600.0) if top > 0 else (hour + 1) * 3600.0
            if t < (hour + 1) * 3600.0:
                n += 1
                insort(waiting, (t + (rng.uniform(0, jitter) if jitter else 0.0), n))
            while waiting and (waiting[0][0] <= t or t >= self.horizon):
                first, _ = waiting.pop(0)
                patience = math.inf if law is None else draw(law, rng)
                yield Vehicle(first, station.number, draw(self.form["arrival_soc"], rng), patience, rng.random())

    def journey(self, vehicle: Vehicle) -> Any:
        counts = vehicle.first >= self.warmup
        self.arrivals += counts
        self.open[id(vehicle)] = vehicle
        rule = self.form["service"].get("reroute")
        at = vehicle.home
        while True:
            vehicle.visited.append(at)
            outcome = yield from self.stations[at].arrive(vehicle)
            if outcome == "served":
                return
            hops = len(vehicle.visited) - 1
            others = [k for k in range(len(self.stations)) if k not in vehicle.visited]
            if not rule or hops >= rule["max_hops"] or vehicle.u_reroute >= rule["prob"] or not others:
                break
            here = self.form["stations"][at]
            km, at = min((haversine_km(here, self.form["stations"][k]), k) for k in others)
            self.reroutes += counts
            yield self.env.timeout(km * rule["detour"] / rule["speed_kmh"] * 3600)
        self.lost += counts
        self.done(vehicle, at, self.env.now, outcome, None)

    def done(self, vehicle: Vehicle, station: int, t: float, outcome: str, wait: float | None) -> None:
        del self.open[id(vehicle)]
        self.rows.append((vehicle.first, vehicle.home, t, outcome, wait))
        if outcome == "served" and vehicle.first >= self.warmup:
            self.waits.append(wait or 0.0)

    def run(self) -> dict[str, float]:
        self.env.run(until=self.horizon)
        for vehicle in self.open.values():
            self.rows.append((vehicle.first, vehicle.home, None, "pending", None))
        for station in self.stations:
            if station.share:
                station.grid.advance(self.horizon)
            for _, _, joined in station.queue:
                self.integrate("queue", joined, self.horizon)
            for _, since in station.ready:
                self.integrate("ready", since, self.horizon)
        for since in self.plugged.values():
            self.integrate("plugged", since, self.horizon)
        for since in self.charging.values():
            self.integrate("charging", since, self.horizon)
        return self.kpis()

    def kpis(self) -> dict[str, float]:
        window = self.horizon - self.warmup
        forms = self.form["stations"]
        total = {key: sum(s[key] for s in forms) for key in ("bays", "chargers", "batteries")}
        cells = self.meter.cells[round(self.warmup / self.meter.period):]
        waits, served = sorted(self.waits), len(self.waits)
        place = 0.95 * (served - 1)
        low = int(place)
        p95 = waits[low] + (place - low) * (waits[min(low + 1, served - 1)] - waits[low]) if served else math.nan
        packs = [pack for station in self.stations for pack in station.packs]
        nan = math.nan
        return {
            "arrivals": self.arrivals,
            "served": served,
            "lost": self.lost,
            "pending_end": self.arrivals - served - self.lost,
            "loss_rate": self.lost / self.arrivals if self.arrivals else nan,
            "reroutes": self.reroutes,
            "wait_mean_s": sum(waits) / served if served else nan,
            "wait_p95_s": p95,
            "wait_max_s": waits[-1] if served else nan,
            "within_300s": sum(w <= 300 for w in waits) / self.arrivals if self.arrivals else nan,
            "bay_util": self.sums["bay"] / window / total["bays"],
            "charger_util": self.sums["charging"] / window / total["chargers"],
            "charger_occupancy": self.sums["plugged"] / window / total["chargers"],
            "queue_mean": self.sums["queue"] / window,
            "ready_mean": self.sums["ready"] / window,
            "energy_kwh": sum(cells) / 3600,
            "peak15_kw": max(cells) / self.meter.period,
            "peak_inst_station_kw": max(s.peak for s in self.stations),
            "cycles": sum(pack.cycles for pack in packs),
            "soh_mean": sum(pack.soh for pack in packs) / total["batteries"],
        }
