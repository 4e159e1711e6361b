//! Finite volumes through the thickness of the cell.

use std::ops::Range;

use crate::material::{Climate, Material};

/// Nodes at the centres of volumes, equal within a layer.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    counts: [usize; 3],
    /// m.
    pub(crate) width: Vec<f64>,
    pub(crate) porosity: Vec<f64>,
    /// Half a width over the transport efficiency: the way from a node to its face in free electrolyte, m.
    pub(crate) half_path: Vec<f64>,
    /// Of the solid between the two nodes of a face, ohm m2; infinite where no solid leads across. By face.
    pub(crate) solid_resistance: Vec<f64>,
    /// Of the half volumes at the two collectors, ohm m2.
    pub(crate) end_resistance: [f64; 2],
}

impl Grid {
    pub(crate) fn new(material: &Material, counts: [usize; 3], climate: &Climate) -> Self {
        let mut grid = Self {
            counts,
            width: Vec::new(),
            porosity: Vec::new(),
            half_path: Vec::new(),
            solid_resistance: Vec::new(),
            end_resistance: [0.0; 2],
        };
        for (layer, count) in material.layers.iter().zip(counts) {
            let width = layer.thickness_m / count as f64;
            for _ in 0..count {
                grid.width.push(width);
                grid.porosity.push(layer.porosity);
                grid.half_path.push(0.5 * width / layer.efficiency);
            }
        }
        grid.set_temperature(climate);
        grid
    }

    /// The conductivity of the solid may depend on temperature.
    pub(crate) fn set_temperature(&mut self, climate: &Climate) {
        self.solid_resistance.clear();
        self.solid_resistance.resize(self.nodes() + 1, f64::INFINITY);
        for side in 0..2 {
            let conductivity = climate.solid_conductivity[side];
            let nodes = self.electrode(side);
            for node in nodes.clone().skip(1) {
                let distance = 0.5 * (self.width[node - 1] + self.width[node]);
                self.solid_resistance[node] = distance / conductivity;
            }
            let end = if side == 0 { nodes.start } else { nodes.end - 1 };
            self.end_resistance[side] = 0.5 * self.width[end] / conductivity;
        }
    }

    pub(crate) fn nodes(&self) -> usize {
        self.width.len()
    }

    /// The nodes of an electrode: 0 negative, 1 positive.
    pub(crate) fn electrode(&self, side: usize) -> Range<usize> {
        let [negative, separator, positive] = self.counts;
        if side == 0 { 0..negative } else { negative + separator..negative + separator + positive }
    }

    /// Currents through the faces when reactions spread evenly over both electrodes.
    pub(crate) fn even_currents(&self, current: f64, faces: &mut [f64]) {
        faces.fill(current);
        let (negative, positive) = (self.electrode(0), self.electrode(1));
        let (first, last) = (negative.len() as f64, positive.len() as f64);
        for node in negative {
            faces[node] = current * node as f64 / first;
        }
        for node in positive.clone() {
            faces[node + 1] = current * (positive.end - node - 1) as f64 / last;
        }
    }

    /// Distance of each node from the negative collector, m.
    pub(crate) fn positions(&self) -> Vec<f64> {
        let mut end = 0.0;
        self.width
            .iter()
            .map(|width| {
                end += width;
                end - 0.5 * width
            })
            .collect()
    }
}
