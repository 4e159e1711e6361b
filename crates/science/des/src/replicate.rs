//! Replications on all cores, with results that do not know how many there were.

use rayon::prelude::*;

/// Runs `replication` for each number of `range` on the threads of the current rayon pool, and returns the results in the
/// order of the numbers. A replication must depend on its number alone; then so does the whole.
///
/// ```
/// let squares = voltwin_des::replicate(2..5, |r| r * r);
/// assert_eq!(squares, [4, 9, 16]);
/// ```
pub fn replicate<T: Send>(
    range: std::ops::Range<u64>,
    replication: impl Fn(u64) -> T + Sync + Send,
) -> Vec<T> {
    range.into_par_iter().map(replication).collect()
}

#[cfg(test)]
mod tests {
    use super::replicate;
    use crate::stream::Name;

    /// The sum of floating numbers depends on its order; here the order is that of the numbers at any thread count.
    #[test]
    fn bits_do_not_depend_on_threads() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let rows = pool.install(|| {
                replicate(0..500, |r| {
                    let mut stream = Name::of_seed(1).number(r).stream();
                    (0..100).map(|_| stream.exponential()).sum::<f64>()
                })
            });
            rows.iter().sum::<f64>().to_bits()
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
    }
}
