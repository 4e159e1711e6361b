import type { ReactNode } from 'react';
import { valueAt, vehiclesPerDay } from '@/swap/scenario';
import { Check, Field } from '@/ui/field';
import { count, duration } from '@/ui/format';
import { Segments } from '@/ui/segments';
import { LawField, NumberField, useForm } from './form';
import { ProfileEditor } from './profile-editor';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export function Section({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  const id = `swap-${title.toLowerCase().replace(/\W+/g, '-')}`;
  return (
    <section className="panel" aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside && <span className="aside">{aside}</span>}
      </header>
      <div className="swap-section">{children}</div>
    </section>
  );
}

export function DemandSection() {
  const { scenario, set, disabled, problems } = useForm();
  const own = [...problems.keys()].find((field) => field.startsWith('demand.profile_per_h'));
  return (
    <Section title="Demand" aside={`about ${count(vehiclesPerDay(scenario))} vehicles a day`}>
      <ProfileEditor
        label="Vehicles that come, at scale 1"
        unit="an hour"
        profile={scenario.demand.profile_per_h}
        disabled={disabled}
        problem={own && problems.get(own)}
        onChange={(profile) => set('demand.profile_per_h', profile)}
      />
      <fieldset className="swap-law">
        <legend>Factor of the weekday</legend>
        <div className="swap-fields swap-days">
          {DAYS.map((day, i) => (
            <NumberField key={day} path={`demand.dow[${i}]`} label={day} />
          ))}
        </div>
      </fieldset>
      <div className="swap-fields">
        <NumberField
          path="demand.rate_jitter_cv"
          label="Variation of each hour"
          hint="sd over mean, of each station by itself"
        />
        <NumberField
          path="demand.day_jitter_cv"
          fallback={0}
          label="Variation of each day"
          hint="sd over mean, shared by all: weather, holidays"
        />
        <NumberField
          path="demand.arrival_jitter_s"
          label="Late by up to, min"
          factor={60}
          hint="each vehicle by itself"
        />
      </div>
    </Section>
  );
}

export function PackSection() {
  const { scenario, set, disabled } = useForm();
  const { p_max_kw: power, efficiency } = scenario.charge;
  return (
    <Section title="Packs and charging">
      <div className="swap-fields">
        <NumberField path="battery.capacity_kwh" label="Capacity of a new pack, kWh" />
        <NumberField
          path="charge.p_max_kw"
          label="Power into a pack, kW"
          hint={`${(power / efficiency).toFixed(1)} kW from the grid`}
        />
        <NumberField path="charge.efficiency" label="Efficiency" hint="into the pack over from the grid" />
        <NumberField path="charge.soc_cv" label="Full power until charged to, %" factor={0.01} />
        <NumberField path="charge.target_soc" label="Ready when charged to, %" factor={0.01} />
        <NumberField
          path="battery.swap_min_soc"
          label="Handed out from, %"
          factor={0.01}
          hint="a check only"
        />
        <NumberField path="charge.cooldown_s" label="Rest before charging, s" />
        <NumberField path="battery.fade_per_efc" label="Health lost a full cycle" />
      </div>
      <LawField path="battery.soh0" label="Health at the start, 0 to 1" />
      <LawField path="arrival_soc" label="State of charge that a vehicle brings, 0 to 1" />
      <fieldset className="swap-law">
        <legend>Where the connection is short of power</legend>
        <Segments<'admission' | 'share'>
          label="Rule of the connection"
          value={scenario.grid.policy}
          onChange={(policy) => !disabled && set('grid.policy', policy)}
          options={[
            { value: 'admission', label: 'a charge begins when its full power is free' },
            { value: 'share', label: 'all charge at the same fraction' },
          ]}
        />
      </fieldset>
    </Section>
  );
}

export function ServiceSection() {
  const { scenario, set, disabled } = useForm();
  const { service } = scenario;
  const waits = service.on_stockout === 'wait';
  return (
    <Section title="Vehicles">
      <LawField path="swap" label="Time of a swap, s" />
      <fieldset className="swap-law">
        <legend>Where no pack is ready</legend>
        <Segments<'wait' | 'lost'>
          label="Where no pack is ready"
          value={service.on_stockout}
          onChange={(value) => {
            if (disabled) return;
            set('service.on_stockout', value);
            if (value === 'lost') set('service.patience', undefined);
          }}
          options={[
            { value: 'wait', label: 'they wait' },
            { value: 'lost', label: 'they are refused' },
          ]}
        />
      </fieldset>
      {waits && (
        <>
          <Check
            label="They lose patience"
            text="without this they wait for ever"
            checked={service.patience !== undefined}
            onChange={(on) =>
              !disabled && set('service.patience', on ? { dist: 'exp', mean: 600 } : undefined)
            }
          />
          {service.patience !== undefined && <LawField path="service.patience" label="Patience, s" />}
        </>
      )}
      <div className="swap-fields">
        <NumberField
          path="service.queue_cap"
          label="Longest queue"
          optional
          hint="vehicles; who comes after is refused"
        />
      </div>
      <Check
        label="Refused vehicles try other stations"
        checked={service.reroute != null}
        onChange={(on) =>
          !disabled &&
          set('service.reroute', on ? { prob: 0.6, max_hops: 2, speed_kmh: 25, detour: 1.35 } : null)
        }
      />
      {service.reroute != null && (
        <div className="swap-fields">
          <NumberField path="service.reroute.prob" label="Share that does, %" factor={0.01} />
          <NumberField path="service.reroute.max_hops" label="Stations tried at most" />
          <NumberField path="service.reroute.speed_kmh" label="Speed, km/h" />
          <NumberField path="service.reroute.detour" label="Road over straight line" />
        </div>
      )}
    </Section>
  );
}

export function TimeSection() {
  const { scenario } = useForm();
  const watched = scenario.horizon_s - scenario.warmup_s;
  return (
    <Section title="Time and chance" aside={`figures over ${duration(Math.max(0, watched))}`}>
      <div className="swap-fields">
        <NumberField path="horizon_s" label="Simulated, days" factor={86_400} />
        <NumberField path="warmup_s" label="Of that to warm up, h" factor={3_600} hint="not in the figures" />
        <NumberField path="meter_s" label="Energy meter, min" factor={60} />
        <NumberField path="replications" label="Replications" hint="more of them narrow the intervals" />
        <NumberField path="seed" label="Seed" hint="the same seed gives the same figures" />
      </div>
    </Section>
  );
}

export function MoneySection() {
  const { scenario, set, disabled, problems } = useForm();
  const priced = scenario.economics !== undefined;
  const energy = scenario.economics?.energy_per_kwh ?? [];
  return (
    <Section title="Money" aside={priced ? 'in one currency of your choice' : undefined}>
      <Check
        label="With prices and costs"
        text="revenue, energy and what building costs stand beside the figures, and a budget can be searched"
        checked={priced}
        onChange={(on) =>
          !disabled &&
          set(
            'economics',
            on
              ? {
                  swap_price: 12,
                  energy_per_kwh: Array.from({ length: 24 }, () => 0.15),
                  peak_per_kw_month: 8,
                  capital: { station: 80_000, bay: 60_000, battery: 9_000, charger: 6_000, grid_kw: 250 },
                  life_years: 10,
                }
              : undefined,
          )
        }
      />
      {priced && (
        <>
          <div className="swap-fields">
            <NumberField path="economics.swap_price" label="Price of a swap" />
            <NumberField path="economics.peak_per_kw_month" label="Highest power, per kW and month" />
            <NumberField path="economics.life_years" label="Written off over, years" />
            <NumberField path="economics.capital.station" label="A station costs" />
            <NumberField path="economics.capital.bay" label="A bay costs" />
            <NumberField path="economics.capital.battery" label="A pack costs" />
            <NumberField path="economics.capital.charger" label="A charger costs" />
            <NumberField path="economics.capital.grid_kw" label="A kW of connection costs" />
          </div>
          {energy.length === 24 && (
            <ProfileEditor
              label="Price of energy by the hour"
              unit="per kWh"
              profile={energy}
              disabled={disabled}
              problem={problems.get('economics.energy_per_kwh')}
              onChange={(prices) => set('economics.energy_per_kwh', prices)}
            />
          )}
        </>
      )}
    </Section>
  );
}

export function NameField() {
  const { scenario, set, disabled, problems } = useForm();
  return (
    <Field label="Name" problem={problems.get('name')}>
      {(field) => (
        <input
          {...field}
          className="input"
          maxLength={200}
          disabled={disabled}
          value={String(valueAt(scenario, 'name') ?? '')}
          onChange={(event) => set('name', event.target.value)}
        />
      )}
    </Field>
  );
}
