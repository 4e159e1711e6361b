import { useQuery } from '@tanstack/react-query';
import { batterySectionQuery, type BatterySection, type Particle } from '@/api/batteries';
import { measure, percent } from '@/ui/format';
import { ErrorState, SkeletonBlock } from '@/ui/states';
import { Plot } from './plot';

const micro = (m: number) => `${(m * 1e6).toFixed(0)} µm`;
const names: Readonly<Record<string, string>> = {
  negative: 'Negative',
  separator: 'Separator',
  positive: 'Positive',
};

function ParticlePlot({ title, of }: { title: string; of: Particle }) {
  const share = of.concentration_mol_m3.map((c) => c / of.max_mol_m3);
  const [core, surface] = [share[0] ?? 0, share.at(-1) ?? 0];
  return (
    <div>
      <h3>{title}</h3>
      <Plot
        summary={`${title}: ${percent(core, 1)} full at the centre, ${percent(surface, 1)} at the surface`}
        height={150}
        lines={[
          {
            name: title,
            color: 'var(--series-s3)',
            points: of.r_m.map((r, i) => ({ x: r, y: share[i] ?? 0 })),
          },
        ]}
        x={{ format: (v) => `${(v * 1e6).toFixed(1)}`, label: 'From the centre, µm' }}
        y={{ format: (v) => percent(v, 1) }}
      />
    </div>
  );
}

function Section({ of }: { of: BatterySection }) {
  return (
    <div className="panel-body section">
      <div>
        <h3>Salt between the electrodes</h3>
        <Plot
          summary="Concentration of the salt across the cell"
          height={180}
          lines={[
            {
              name: 'Salt',
              color: 'var(--series-s1)',
              points: of.electrolyte.x_m.map((x, i) => ({
                x,
                y: of.electrolyte.concentration_mol_m3[i] ?? 0,
              })),
            },
          ]}
          spans={of.regions.map((r) => ({ from: r.from_m, to: r.to_m, label: names[r.name] ?? r.name }))}
          x={{ format: micro, label: 'Through the cell' }}
          y={{ format: (v) => `${v.toFixed(0)}` }}
        >
          <span className="faint">mol/m³</span>
        </Plot>
      </div>
      <div className="halves">
        <ParticlePlot title="Lithium in a particle of the negative electrode" of={of.negative_particle} />
        <ParticlePlot title="Lithium in a particle of the positive electrode" of={of.positive_particle} />
      </div>
      <p className="muted">
        SPMe with the parameters of {of.set} after ten minutes at {of.c_rate.toFixed(2)} C and{' '}
        {measure(of.temp_c, '°C')}, {percent(of.soc)} charged: {measure(of.voltage_v, 'V', 3)}.
        {of.plating_margin_v !== null &&
          (of.plating_margin_v > 0
            ? ` Lithium would plate ${(of.plating_margin_v * 1000).toFixed(0)} mV further down.`
            : ' Lithium may plate at this current.')}
      </p>
    </div>
  );
}

/** A look inside one cell, as the physics has it now. */
export function SectionPart({ id }: { id: string }) {
  const query = useQuery(batterySectionQuery(id));
  return (
    <section className="panel" aria-labelledby="section">
      <header className="panel-head">
        <h2 id="section">Inside a cell</h2>
      </header>
      {query.error && !query.data ? (
        <ErrorState error={query.error} retry={() => void query.refetch()} what="The cross-section" />
      ) : query.data ? (
        <Section of={query.data} />
      ) : (
        <SkeletonBlock />
      )}
    </section>
  );
}
