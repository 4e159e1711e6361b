//! A symmetric matrix stored row by row from its first entry on, and its Cholesky factor.
//!
//! Elimination fills nothing in front of the first entry of a row. So with leaves of the tree of meters first the work
//! grows linearly with the number of zones, and over many days linearly with the number of days: one method for both.

/// Lower triangle, row `i` from column `first[i]` to the diagonal.
#[derive(Debug, Clone)]
pub(crate) struct Skyline {
    first: Vec<usize>,
    at: Vec<usize>,
    values: Vec<f64>,
}

impl Skyline {
    pub(crate) fn new(first: Vec<usize>) -> Self {
        let mut at = Vec::with_capacity(first.len() + 1);
        let mut total = 0;
        for (row, start) in first.iter().enumerate() {
            at.push(total);
            total += row + 1 - start;
        }
        at.push(total);
        Self { first, at, values: vec![0.0; total] }
    }

    pub(crate) fn rows(&self) -> usize {
        self.first.len()
    }

    pub(crate) fn clear(&mut self) {
        self.values.fill(0.0);
    }

    pub(crate) fn first(&self, row: usize) -> usize {
        self.first[row]
    }

    /// Row `row` from its first column to the diagonal.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[self.at[row]..self.at[row + 1]]
    }

    /// Row `row` from column `from` on, which must not stand before its first.
    pub(crate) fn row_from(&mut self, row: usize, from: usize) -> &mut [f64] {
        let start = self.at[row] + from - self.first[row];
        &mut self.values[start..self.at[row + 1]]
    }

    /// Adds to an entry of the lower triangle.
    pub(crate) fn add(&mut self, row: usize, column: usize, value: f64) {
        let place = self.at[row] + column - self.first[row];
        self.values[place] += value;
    }

    /// Adds a matrix of the same shape.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (value, added) in self.values.iter_mut().zip(&other.values) {
            *value += added;
        }
    }

    /// Replaces the matrix by its factor `L` with `A = L·Lᵀ`. The diagonal of `L` is stored inverted.
    ///
    /// No pivot gets smaller than `least`, which is the least eigenvalue that the matrix can have.
    pub(crate) fn factor(&mut self, least: f64) {
        for row in 0..self.rows() {
            let first = self.first[row];
            let (done, rest) = self.values.split_at_mut(self.at[row]);
            let current = &mut rest[..row + 1 - first];
            for column in first..row {
                let other_first = self.first[column];
                let from = first.max(other_first);
                let other = &done[self.at[column]..self.at[column + 1]];
                let dotted = dot(
                    &current[from - first..column - first],
                    &other[from - other_first..column - other_first],
                );
                current[column - first] = (current[column - first] - dotted) * other[column - other_first];
            }
            let (left, diagonal) = current.split_at_mut(row - first);
            diagonal[0] = 1.0 / (diagonal[0] - dot(left, left)).max(least).sqrt();
        }
    }

    /// Solves `L·Lᵀ·x = b` in place, after [`Skyline::factor`].
    pub(crate) fn solve(&self, b: &mut [f64]) {
        for row in 0..self.rows() {
            let first = self.first[row];
            let (left, diagonal) = self.row(row).split_at(row - first);
            b[row] = (b[row] - dot(left, &b[first..row])) * diagonal[0];
        }
        for row in (0..self.rows()).rev() {
            let first = self.first[row];
            let (left, diagonal) = self.row(row).split_at(row - first);
            let value = b[row] * diagonal[0];
            b[row] = value;
            for (place, factor) in b[first..row].iter_mut().zip(left) {
                *place -= factor * value;
            }
        }
    }
}

/// Four sums side by side, always in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[4]) + (sums[1] + sums[5]) + (sums[2] + sums[6]) + (sums[3] + sums[7]) + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banded_matrix_with_a_full_last_row_is_solved() {
        // an arrow over a tridiagonal: what zones behind a site look like
        let size = 9;
        let first: Vec<usize> =
            (0..size).map(|row: usize| if row == size - 1 { 0 } else { row.saturating_sub(1) }).collect();
        let mut matrix = Skyline::new(first);
        let mut dense = vec![vec![0.0; size]; size];
        let places = (0..size).flat_map(|row| (matrix.first(row)..=row).map(move |column| (row, column)));
        for (row, column) in places.collect::<Vec<_>>() {
            let value = if row == column { 10.0 + row as f64 } else { 1.0 / (1.0 + column as f64) };
            matrix.add(row, column, value);
            dense[row][column] = value;
            dense[column][row] = value;
        }
        let wanted: Vec<f64> = (0..size).map(|row| (row as f64 - 3.0) * 0.7).collect();
        let mut b: Vec<f64> =
            dense.iter().map(|row| row.iter().zip(&wanted).map(|(a, x)| a * x).sum()).collect();
        matrix.factor(1e-12);
        matrix.solve(&mut b);
        for (found, wanted) in b.iter().zip(&wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
    }
}
