//! How evenly a load is spread.

/// The Gini coefficient of shares that are not negative: 0 when all are equal, (n − 1) / n when one has everything.
/// Half the mean absolute difference over the mean (Gini 1912), from the sorted shares. `None` for no shares or a sum
/// of zero.
#[must_use]
pub fn gini(shares: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = shares.iter().copied().filter(|share| share.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (n, sum) = (sorted.len() as f64, sorted.iter().sum::<f64>());
    if sum <= 0.0 {
        return None;
    }
    let weighted: f64 = sorted.iter().enumerate().map(|(rank, share)| (rank + 1) as f64 * share).sum();
    Some((2.0 * weighted / (n * sum) - (n + 1.0) / n).max(0.0))
}

/// The greatest share over the mean: 1 when all are equal. `None` for no shares or a sum of zero.
#[must_use]
pub fn peak_to_mean(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let peak = shares.iter().copied().fold(f64::MIN, f64::max);
    (sum > 0.0).then(|| peak * shares.len() as f64 / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_shares_are_balanced_and_one_taker_is_not() {
        assert_eq!(gini(&[3.0, 3.0, 3.0]), Some(0.0));
        assert!((gini(&[0.0, 0.0, 0.0, 8.0]).unwrap() - 0.75).abs() < 1e-12);
        assert_eq!((gini(&[]), gini(&[0.0]), peak_to_mean(&[])), (None, None, None));
        assert_eq!(peak_to_mean(&[1.0, 2.0, 3.0]), Some(1.5));
    }

    proptest! {
        #[test]
        fn it_is_half_the_relative_mean_difference(shares in prop::collection::vec(0.0..1e6f64, 1..30)) {
            let (n, sum) = (shares.len() as f64, shares.iter().sum::<f64>());
            prop_assume!(sum > 1.0);
            let differences: f64 =
                shares.iter().flat_map(|a| shares.iter().map(move |b| (a - b).abs())).sum();
            let wanted = differences / (2.0 * n * sum);
            prop_assert!((gini(&shares).unwrap() - wanted).abs() < 1e-9);
        }
    }
}
