import { count } from '@/ui/format';
import { vehiclesPerDay, type Law, type Scenario, type SwapStation } from './scenario';

/** What is wrong at each field, by its path, in the limits that docs/swap.md and the server hold a scenario to. */
export type Problems = Map<string, string>;

const HORIZON_MAX_S = 10 * 366 * 86_400;
const ARRIVALS_MAX = 2e8;
const CELLS_MAX = 4e8;
/** More are not told one by one. */
const PROBLEMS_MAX = 200;

class Checks {
  readonly problems: Problems = new Map();

  fail(field: string, what: string): void {
    if (!this.problems.has(field) && this.problems.size < PROBLEMS_MAX) this.problems.set(field, what);
  }

  within(field: string, value: number | undefined, low: number, high: number, unit = 1): void {
    if (value === undefined || !(value >= low && value <= high))
      this.fail(field, `From ${plain(low / unit)} to ${plain(high / unit)}`);
  }

  above(field: string, value: number | undefined, low: number, high: number, unit = 1): void {
    if (value === undefined || !(value > low && value <= high))
      this.fail(field, `Above ${plain(low / unit)}, at most ${plain(high / unit)}`);
  }

  whole(field: string, value: number | undefined, low: number, high: number): void {
    if (value !== undefined && !Number.isInteger(value)) this.fail(field, 'A whole number');
    this.within(field, value, low, high);
  }

  /** A law whose values lie within bounds. */
  law(field: string, law: Law, low: number, high: number): void {
    const [least, most] = this.support(field, law);
    if (least < low) this.fail(field, `Its values begin at ${plain(least)}; ${plain(low)} is the least`);
    if (most > high) this.fail(field, `Its values reach ${plain(most)}; ${plain(high)} is the most`);
  }

  private support(field: string, law: Law): [number, number] {
    if (typeof law === 'number') return [law, law];
    switch (law.dist) {
      case 'const':
        return [law.value, law.value];
      case 'uniform':
        if (law.hi < law.lo) this.fail(`${field}.hi`, `Not below ${plain(law.lo)}`);
        return [law.lo, law.hi];
      case 'exp':
        this.above(`${field}.mean`, law.mean, 0, Number.MAX_VALUE);
        return [0, Number.POSITIVE_INFINITY];
      case 'lognormal':
        if (!(law.mean > 0)) this.fail(`${field}.mean`, 'Above 0');
        if (!(law.cv >= 0)) this.fail(`${field}.cv`, 'Not below 0');
        return law.cv === 0 ? [law.mean, law.mean] : [0, Number.POSITIVE_INFINITY];
      case 'truncnorm':
        if (!(law.sd > 0)) this.fail(`${field}.sd`, 'Above 0');
        if (!(law.hi > law.lo)) this.fail(`${field}.hi`, `Above ${plain(law.lo)}`);
        return [law.lo, law.hi];
    }
  }
}

function plain(value: number): string {
  return Math.abs(value) >= 1e4 ? count(value) : String(Number(value.toPrecision(6)));
}

function times(checks: Checks, { horizon_s, warmup_s, meter_s, replications, seed }: Scenario): void {
  checks.above('horizon_s', horizon_s, 0, HORIZON_MAX_S, 86_400);
  checks.within('meter_s', meter_s, 60, 86_400, 60);
  checks.whole('replications', replications, 1, 1_000_000);
  if (!(Number.isSafeInteger(seed) && seed >= 0)) checks.fail('seed', 'A whole number from 0');
  if (!(warmup_s >= 0 && warmup_s < horizon_s)) checks.fail('warmup_s', 'From 0 to below what is simulated');
  for (const [field, value] of [
    ['horizon_s', horizon_s],
    ['warmup_s', warmup_s],
  ] as const)
    if (meter_s > 0 && value % meter_s !== 0) checks.fail(field, 'A multiple of the energy meter’s period');
}

function packs(checks: Checks, { battery, charge, arrival_soc, swap }: Scenario): void {
  checks.above('battery.capacity_kwh', battery.capacity_kwh, 0, 10_000);
  checks.law('battery.soh0', battery.soh0, 0.1, 1);
  checks.within('battery.fade_per_efc', battery.fade_per_efc, 0, 0.01);
  checks.within('battery.swap_min_soc', battery.swap_min_soc, 0, 1, 0.01);
  checks.above('charge.p_max_kw', charge.p_max_kw, 0, 10_000);
  checks.above('charge.efficiency', charge.efficiency, 0.1, 1);
  checks.within('charge.cooldown_s', charge.cooldown_s, 0, 86_400);
  if (!(charge.soc_cv > 0 && charge.soc_cv < 1)) checks.fail('charge.soc_cv', 'Above 0 and below 100');
  if (!(charge.target_soc > charge.soc_cv && charge.target_soc < 1))
    checks.fail('charge.target_soc', `Above ${plain(charge.soc_cv * 100)} and below 100`);
  if (charge.target_soc <= battery.swap_min_soc)
    checks.fail(
      'charge.target_soc',
      `Above ${plain(battery.swap_min_soc * 100)}, from which packs are handed out`,
    );
  checks.law('arrival_soc', arrival_soc, 0, charge.soc_cv);
  if (typeof arrival_soc === 'number' && arrival_soc >= charge.soc_cv)
    checks.fail('arrival_soc', `Below ${plain(charge.soc_cv)}`);
  checks.law('swap', swap, 0, Number.POSITIVE_INFINITY);
}

function service(checks: Checks, { service: { patience, reroute, queue_cap } }: Scenario): void {
  if (patience !== undefined) checks.law('service.patience', patience, 0, Number.POSITIVE_INFINITY);
  if (queue_cap != null) checks.whole('service.queue_cap', queue_cap, 0, 4_294_967_295);
  if (!reroute) return;
  checks.within('service.reroute.prob', reroute.prob, 0, 1, 0.01);
  checks.whole('service.reroute.max_hops', reroute.max_hops, 0, 20);
  checks.above('service.reroute.speed_kmh', reroute.speed_kmh, 0, 500);
  checks.within('service.reroute.detour', reroute.detour, 1, 10);
}

function demand(checks: Checks, scenario: Scenario): void {
  const { profile_per_h, dow, rate_jitter_cv, day_jitter_cv, arrival_jitter_s } = scenario.demand;
  if (profile_per_h.length !== 24) checks.fail('demand.profile_per_h', '24 rates are wanted');
  if (dow.length !== 7) checks.fail('demand.dow', '7 factors are wanted');
  profile_per_h.forEach((rate, i) => checks.within(`demand.profile_per_h[${i}]`, rate, 0, 10_000));
  dow.forEach((factor, i) => checks.within(`demand.dow[${i}]`, factor, 0, 100));
  checks.within('demand.rate_jitter_cv', rate_jitter_cv, 0, 3);
  checks.within('demand.day_jitter_cv', day_jitter_cv ?? 0, 0, 3);
  checks.within('demand.arrival_jitter_s', arrival_jitter_s, 0, 86_400, 60);
}

function station(checks: Checks, scenario: Scenario, one: SwapStation, at: string): void {
  if (one.id === '' || one.id.length > 128) checks.fail(`${at}.id`, '1 to 128 characters');
  checks.within(`${at}.lat`, one.lat, -90, 90);
  checks.within(`${at}.lon`, one.lon, -180, 180);
  checks.whole(`${at}.bays`, one.bays, 1, 1_000);
  checks.whole(`${at}.batteries`, one.batteries, 1, 100_000);
  checks.whole(`${at}.chargers`, one.chargers, 1, 100_000);
  checks.within(`${at}.demand_scale`, one.demand_scale, 0, 1_000);
  if (one.grid_kw == null) return;
  checks.above(`${at}.grid_kw`, one.grid_kw, 0, 1e6);
  const draw = scenario.charge.p_max_kw / scenario.charge.efficiency;
  if (scenario.grid.policy === 'admission' && one.grid_kw < draw - 1e-9)
    checks.fail(`${at}.grid_kw`, `At least ${plain(draw)}, the power of one charger: none would ever start`);
}

function money(checks: Checks, { economics }: Scenario): void {
  if (!economics) return;
  const { energy_per_kwh: prices = [], capital = {} } = economics;
  if (prices.length !== 0 && prices.length !== 24)
    checks.fail('economics.energy_per_kwh', '24 prices are wanted');
  checks.above('economics.life_years', economics.life_years ?? 10, 0, 100);
  checks.within('economics.swap_price', economics.swap_price ?? 0, 0, 1e12);
  checks.within('economics.peak_per_kw_month', economics.peak_per_kw_month ?? 0, 0, 1e12);
  for (const [name, price] of Object.entries(capital))
    checks.within(`economics.capital.${name}`, price, 0, 1e12);
}

/** Everything that is wrong with a scenario. */
export function check(scenario: Scenario): Problems {
  const checks = new Checks();
  times(checks, scenario);
  packs(checks, scenario);
  service(checks, scenario);
  demand(checks, scenario);
  const { stations } = scenario;
  if (stations.length === 0 || stations.length > 10_000) checks.fail('stations', '1 to 10,000 stations');
  const seen = new Set<string>();
  stations.forEach((one, i) => {
    station(checks, scenario, one, `stations[${i}]`);
    if (seen.has(one.id)) checks.fail(`stations[${i}].id`, `${one.id} is the id of another station`);
    seen.add(one.id);
  });
  money(checks, scenario);
  if (checks.problems.size > 0) return checks.problems;
  const days = scenario.horizon_s / 86_400;
  const arrivals = vehiclesPerDay(scenario) * days;
  if (arrivals > ARRIVALS_MAX)
    checks.fail(
      'horizon_s',
      `About ${count(arrivals)} vehicles would come; ${count(ARRIVALS_MAX)} are possible`,
    );
  const cells = (scenario.horizon_s / scenario.meter_s) * stations.length;
  if (cells > CELLS_MAX)
    checks.fail('meter_s', `${count(cells)} periods over all stations; ${count(CELLS_MAX)} are possible`);
  return checks.problems;
}
