use super::{
    model::{SingleParticle, drained},
    salt::Work,
};
use crate::{CellError, CellModel, ParameterSet, Surroundings, particle::Particle, set::Stoichiometry};

/// Cells side by side in one block.
const LANES: usize = 8;
type Lane = [f64; LANES];

/// Many cells of one set at one temperature, as structure of arrays: SPM or SPMe.
///
/// Each cell has its own state of charge and current; what depends on the step and the temperature alone is computed
/// once for all. Every number is the one that [`SingleParticle`] gives for the cell alone, bit for bit.
#[derive(Debug, Clone)]
pub struct Batch {
    model: SingleParticle,
    temperature_k: f64,
    cells: usize,
    blocks: Vec<Block>,
    work: Work<LANES>,
}

#[derive(Debug, Clone)]
struct Block {
    negative: [Vec<Lane>; 2],
    positive: [Vec<Lane>; 2],
    salt: [Vec<Lane>; 2],
    voltage_v: Lane,
    current_a: Lane,
}

impl Batch {
    /// Cells at rest at their states of charge, `0..=1`.
    ///
    /// # Errors
    /// When the set's diffusivities vary (those cells need [`SingleParticle`]), or a state of charge or the temperature
    /// is outside of its limits.
    pub fn new(
        set: &ParameterSet,
        electrolyte: bool,
        temperature_k: f64,
        soc: &[f64],
    ) -> Result<Self, CellError> {
        let make = if electrolyte { SingleParticle::spme } else { SingleParticle::spm };
        let model = make(set, Surroundings::Isothermal)?;
        let (Particle::Modal(_), Particle::Modal(_)) = (&model.negative.particle, &model.positive.particle)
        else {
            return Err(CellError::Lacks {
                set: set.name.clone(),
                missing: "constant particle diffusivities",
            });
        };
        let volumes = model.salt.as_ref().map_or(0, |(salt, _)| salt.len());
        let rest = set.electrolyte.concentration_mol_m3;
        let mut blocks = Vec::with_capacity(soc.len().div_ceil(LANES));
        for chunk in soc.chunks(LANES) {
            let mut at = [Stoichiometry { negative: 0.5, positive: 0.5 }; LANES];
            for (place, soc) in at.iter_mut().zip(chunk) {
                model.rest(*soc, temperature_k)?;
                *place = model.window.at(*soc);
            }
            let particle = |count: usize, mean: Lane| {
                let mut state = vec![[0.0; LANES]; count];
                state[0] = mean;
                [state.clone(), state]
            };
            blocks.push(Block {
                negative: particle(model.negative.particle.len(), at.map(|at| at.negative)),
                positive: particle(model.positive.particle.len(), at.map(|at| at.positive)),
                salt: [vec![[rest; LANES]; volumes], vec![[rest; LANES]; volumes]],
                voltage_v: [0.0; LANES],
                current_a: [0.0; LANES],
            });
        }
        Ok(Self { model, temperature_k, cells: soc.len(), blocks, work: Work::new(volumes) })
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells == 0
    }

    /// One step of every cell at its own current, A, charging positive.
    ///
    /// # Errors
    /// When the number of currents is not that of the cells, one is beyond the set's validity, or a cell runs out of
    /// salt or lithium. The batch is then between two steps and no longer of use.
    pub fn advance(&mut self, current_a: &[f64], step_s: f64) -> Result<(), CellError> {
        let (count, cells) = (current_a.len() as f64, self.cells);
        CellError::check("number of currents", count, current_a.len() == cells, "that of the cells")?;
        CellError::check("step_s", step_s, step_s > 0.0, "above 0")?;
        for current in current_a {
            self.model.set().check_current(*current)?;
        }
        let warm = self.model.warm(self.temperature_k);
        for (block, chunk) in self.blocks.iter_mut().zip(current_a.chunks(LANES)) {
            block.current_a = [0.0; LANES];
            block.current_a[..chunk.len()].copy_from_slice(chunk);
            let model = &mut self.model;
            let discharge = block.current_a.map(|current_a| model.discharge_a_m2(current_a));
            let mut surfaces = [[0.0; LANES]; 2];
            for (place, (kernel, state, warm)) in [
                (&mut model.negative, &mut block.negative, &warm.negative),
                (&mut model.positive, &mut block.positive, &warm.positive),
            ]
            .into_iter()
            .enumerate()
            {
                let Particle::Modal(modal) = &mut kernel.particle else { continue };
                let flux = discharge.map(|discharge| kernel.flux_per_a_m2 * discharge);
                let [from, to] = state;
                modal.advances(from, to, (flux, flux), warm.diffusion, step_s);
                surfaces[place] = modal.surfaces(to, flux, warm.diffusion);
                std::mem::swap(from, to);
                if from[0].iter().any(|mean| !(-0.02..=1.02).contains(mean)) {
                    let (field, rule) = ("a mean stoichiometry", "in 0..=1: a cell is empty or full");
                    let value = from[0].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    return Err(CellError::OutOfRange { time_s: 0.0, field, value, rule });
                }
            }
            if let (Some((salt, _)), Some(laws)) = (&model.salt, &warm.salt) {
                let [from, to] = &mut block.salt;
                let least = salt.advance(&mut self.work, from, to, (discharge, discharge), laws, step_s);
                std::mem::swap(from, to);
                let least = least.iter().copied().fold(f64::INFINITY, f64::min);
                if least.is_nan() || least <= 0.0 {
                    return Err(drained(least));
                }
            }
            let [x, y] = surfaces;
            let terminals = self.model.terminals(x, y, &block.salt[0], block.current_a, &warm);
            block.voltage_v = terminals.map(|terminal| terminal.voltage_v);
        }
        Ok(())
    }

    /// Voltages after the last step, V, in the order of the cells.
    pub fn voltages_v(&self) -> impl Iterator<Item = f64> {
        self.blocks.iter().flat_map(|block| block.voltage_v).take(self.cells)
    }

    /// States of charge, in the order of the cells.
    pub fn soc(&self) -> impl Iterator<Item = f64> {
        let window = self.model.window;
        self.blocks.iter().flat_map(|block| block.negative[0][0]).take(self.cells).map(move |x| window.soc(x))
    }
}
