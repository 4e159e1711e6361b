//! Many cells side by side give what each gives alone, bit for bit.

use voltwin_cell::{Batch, CellModel, Ramp, SingleParticle, Surroundings, set};

#[test]
fn a_batch_is_its_cells_bit_for_bit() {
    for name in ["Chen2020", "Prada2013", "NCA_Kim2011", "Marquis2019"] {
        for electrolyte in [false, true] {
            let set = set::named(name).unwrap();
            // not a multiple of a block
            let soc: Vec<f64> = (0..13).map(|i| 0.3 + 0.04 * f64::from(i)).collect();
            let mut batch = Batch::new(&set, electrolyte, 288.15, &soc).unwrap();
            let make = if electrolyte { SingleParticle::spme } else { SingleParticle::spm };
            let mut model = make(&set, Surroundings::Isothermal).unwrap();
            let mut states: Vec<_> = soc.iter().map(|soc| model.rest(*soc, 288.15).unwrap()).collect();
            for step in 0..40 {
                let current = |cell: usize| {
                    let rate = ((step * 7 + cell * 3) % 11) as f64 / 5.5 - 1.0;
                    rate * set.one_c_a()
                };
                let currents: Vec<f64> = (0..soc.len()).map(current).collect();
                let step_s = if step < 20 { 1.0 } else { 5.0 };
                batch.advance(&currents, step_s).unwrap();
                for (cell, voltage_v) in batch.voltages_v().enumerate() {
                    let mut next = states[cell].clone();
                    model.advance(&states[cell], &mut next, Ramp::constant(currents[cell]), step_s).unwrap();
                    let alone = model.voltage_v(&next, currents[cell]).unwrap();
                    assert_eq!(voltage_v.to_bits(), alone.to_bits(), "{name} {electrolyte} {step} {cell}");
                    states[cell] = next;
                }
            }
            for (soc, state) in batch.soc().zip(&states) {
                assert_eq!(soc.to_bits(), model.soc(state).to_bits());
            }
        }
    }
}

#[test]
fn a_batch_refuses_what_it_cannot_do() {
    let varying = Batch::new(&set::named("ORegan2022").unwrap(), true, 298.15, &[0.5]).unwrap_err();
    assert!(varying.to_string().contains("constant particle diffusivities"), "{varying}");
    let mut batch = Batch::new(&set::named("Chen2020").unwrap(), true, 298.15, &[0.5]).unwrap();
    assert!(batch.advance(&[1.0, 2.0], 1.0).unwrap_err().to_string().contains("number of currents is 2"));
    assert!(batch.advance(&[1e9], 1.0).is_err());
    assert!(batch.advance(&[f64::NAN], 1.0).is_err());
    assert!(batch.advance(&[-1.0], 0.0).is_err());
}
