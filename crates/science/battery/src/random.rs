/// A named stream of random numbers, each a pure function of seed, name and counter.
///
/// A stream belongs to one purpose and one entity, so that adding an entity never shifts the numbers of another.
/// The generator is the SplitMix64 finaliser over a Weyl sequence (Steele, Lea and Flood, OOPSLA 2014), keyed by a
/// 64-bit FNV-1a hash of the name. It is for simulation only and has no cryptographic strength.
///
/// ```
/// use voltwin_battery::Stream;
/// let mut a = Stream::named(1, "drive", "EV-001");
/// let b = Stream::named(1, "drive", "EV-001");
/// assert_eq!(a.next_u64(), b.at(0));
/// assert_ne!(b.at(0), Stream::named(1, "drive", "EV-002").at(0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    key: u64,
    counter: u64,
}

const WEYL: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of `purpose` for `entity` under `seed`.
    #[must_use]
    pub fn named(seed: u64, purpose: &str, entity: &str) -> Self {
        let bytes = purpose.bytes().chain([0xff]).chain(entity.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { key: mix(hash ^ mix(seed.wrapping_add(WEYL))), counter: 0 }
    }

    /// The number at `index`, whatever was drawn before.
    #[must_use]
    pub fn at(&self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(WEYL)))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        let value = self.at(self.counter);
        self.counter = self.counter.wrapping_add(1);
        value
    }

    /// The next number in `0.0..1.0`, uniform.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next number in `low..high`, uniform.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// The next index below `count`; 0 when `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next_u64()) * count as u128) >> 64) as usize
    }

    /// The next number of mean 0 and standard deviation 1, within ±4: the sum of twelve uniform numbers less 6,
    /// which is bell-shaped without the unbounded tails that would make an impossible cell.
    pub fn bell(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.uniform()).sum();
        (sum - 6.0).clamp(-4.0, 4.0)
    }

    /// The waiting time until the next event of a process with this mean time between events.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::named(3, "moments", "");
        let n = 20_000;
        let uniform = (0..n).map(|_| stream.uniform()).sum::<f64>() / f64::from(n);
        let bell: Vec<f64> = (0..n).map(|_| stream.bell()).collect();
        let mean = bell.iter().sum::<f64>() / f64::from(n);
        let variance = bell.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        let waiting = (0..n).map(|_| stream.exponential(5.0)).sum::<f64>() / f64::from(n);
        assert!((uniform - 0.5).abs() < 0.01, "{uniform}");
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!((waiting - 5.0).abs() < 0.2, "{waiting}");
    }

    #[test]
    fn below_covers_its_range_and_nothing_else() {
        let mut stream = Stream::named(3, "below", "");
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[stream.below(5)] += 1;
        }
        assert!(seen.iter().all(|&n| n > 130), "{seen:?}");
        assert_eq!(stream.below(0), 0);
    }
}
