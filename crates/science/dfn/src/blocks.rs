//! Block-tridiagonal systems of 2 x 2 blocks with two right-hand sides, by block elimination.
//!
//! No pivoting between blocks: the Jacobian of the cell is an M-matrix in all but extreme states, and an extreme state
//! shows as a Newton iteration that does not converge, which the step control answers with a shorter step.

/// Row-major 2 x 2.
pub(crate) type Block = [f64; 4];

/// The system `lower_i x_(i-1) + diagonal_i x_i + upper_i x_(i+1) = right_i`, two columns on the right.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    pub(crate) lower: Vec<Block>,
    pub(crate) diagonal: Vec<Block>,
    pub(crate) upper: Vec<Block>,
    /// First and second component of the first column, then of the second.
    pub(crate) right: Vec<[f64; 4]>,
}

impl Blocks {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            lower: vec![[0.0; 4]; nodes],
            diagonal: vec![[0.0; 4]; nodes],
            upper: vec![[0.0; 4]; nodes],
            right: vec![[0.0; 4]; nodes],
        }
    }

    /// Leaves the solution in `right`; the matrix is used up. False for a singular block.
    pub(crate) fn solve(&mut self) -> bool {
        let nodes = self.diagonal.len();
        let mut regular = true;
        let (mut upper, mut right) = ([0.0; 4], [0.0; 4]);
        for at in 0..nodes {
            let mut diagonal = self.diagonal[at];
            let mut here = self.right[at];
            if at > 0 {
                let lower = self.lower[at];
                let fill = product(&lower, &upper);
                for k in 0..4 {
                    diagonal[k] -= fill[k];
                }
                for column in [0, 2] {
                    here[column] -= lower[0] * right[column] + lower[1] * right[column + 1];
                    here[column + 1] -= lower[2] * right[column] + lower[3] * right[column + 1];
                }
            }
            let determinant = diagonal[0] * diagonal[3] - diagonal[1] * diagonal[2];
            regular &= determinant.is_normal();
            let scale = 1.0 / determinant;
            let inverse =
                [diagonal[3] * scale, -diagonal[1] * scale, -diagonal[2] * scale, diagonal[0] * scale];
            upper = product(&inverse, &self.upper[at]);
            for column in [0, 2] {
                right[column] = inverse[0] * here[column] + inverse[1] * here[column + 1];
                right[column + 1] = inverse[2] * here[column] + inverse[3] * here[column + 1];
            }
            self.upper[at] = upper;
            self.right[at] = right;
        }
        for at in (0..nodes.saturating_sub(1)).rev() {
            let (upper, next) = (self.upper[at], self.right[at + 1]);
            let here = &mut self.right[at];
            for column in [0, 2] {
                here[column] -= upper[0] * next[column] + upper[1] * next[column + 1];
                here[column + 1] -= upper[2] * next[column] + upper[3] * next[column + 1];
            }
        }
        regular
    }
}

fn product(a: &Block, b: &Block) -> Block {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_satisfies_the_system() {
        let nodes = 7;
        let mut system = Blocks::new(nodes);
        for at in 0..nodes {
            let x = at as f64;
            system.lower[at] = [-0.3, 0.1 * x, 0.2, -0.4];
            system.diagonal[at] = [3.0 + x, 0.5, -0.7, 4.0];
            system.upper[at] = [-0.9, 0.3, 0.1, -0.2 * x];
            system.right[at] = [1.0 + x, -2.0, 0.5 * x, 3.0];
        }
        let asked = system.clone();
        assert!(system.solve());
        for at in 0..nodes {
            for column in [0, 2] {
                let mut have = [0.0; 2];
                let mut add = |block: &Block, node: usize| {
                    let x = &system.right[node];
                    have[0] += block[0] * x[column] + block[1] * x[column + 1];
                    have[1] += block[2] * x[column] + block[3] * x[column + 1];
                };
                add(&asked.diagonal[at], at);
                if at > 0 {
                    add(&asked.lower[at], at - 1);
                }
                if at + 1 < nodes {
                    add(&asked.upper[at], at + 1);
                }
                for row in 0..2 {
                    assert!((have[row] - asked.right[at][column + row]).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn a_singular_block_is_told() {
        assert!(!Blocks::new(1).solve());
    }
}
