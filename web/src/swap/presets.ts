import commuters from '../../../scenarios/swap/commuters.json';
import highway from '../../../scenarios/swap/highway.json';
import scooters from '../../../scenarios/swap/scooters.json';
import plateau from '../../../scenarios/swap/urban-plateau.json';
import type { Scenario } from './scenario';

export interface Preset {
  id: string;
  name: string;
  text: string;
  scenario: Scenario;
}

const preset = (id: string, name: string, text: string, scenario: object): Preset => ({
  id,
  name,
  text,
  scenario: scenario as Scenario,
});

/** The scenarios that lie in `scenarios/swap`, from which a plan begins. */
export const presets: readonly Preset[] = [
  preset(
    'commuters',
    'Commuters',
    'Six stations, a morning and an evening peak, vehicles that try elsewhere.',
    commuters,
  ),
  preset('urban-plateau', 'Urban plateau', 'One busy station with an even day.', plateau),
  preset('highway', 'Highway', 'One station, few vehicles, days that differ.', highway),
  preset('scooters', 'Scooters', 'Packs of 1.7 kWh, 16 slots, with prices.', scooters),
];
