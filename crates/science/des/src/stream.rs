//! Streams of chance: counter-based, named, and independent of one another.

/// The odd number next to 2^64 divided by the golden ratio: steps of it visit every 64-bit number once.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes 64 bits so that every input bit turns half of the output bits (the finaliser of `SplitMix64`, Steele, Lea and
/// Flood 2014, with the constants of Stafford's variant 13).
#[inline]
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The name of a stream: a seed, narrowed step by step to a replication, a purpose, an entity, a part of it.
///
/// The name alone decides every number of the stream. So a station that is added, or a purpose that draws more often,
/// shifts nobody else's numbers, and two designs that are compared meet the same chance.
///
/// ```
/// use voltwin_des::Name;
///
/// let replication = Name::of_seed(1).number(0);
/// let soc = replication.word("soc").word("S001");
/// let swap = replication.word("swap").word("S001");
/// assert_ne!(soc.stream().next_u64(), swap.stream().next_u64());
/// assert_eq!(soc.stream().next_u64(), soc.stream().next_u64());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    a: u64,
    b: u64,
}

impl Name {
    /// The root of all streams of a seed.
    #[must_use]
    pub const fn of_seed(seed: u64) -> Self {
        Self { a: mix(seed ^ STEP), b: mix(mix(seed).wrapping_add(STEP)) }
    }

    /// Narrows by a number: a replication, an hour, a layer.
    #[must_use]
    #[inline]
    pub const fn number(self, number: u64) -> Self {
        let a = mix(self.a ^ mix(number.wrapping_add(STEP)));
        Self { a, b: mix(self.b.wrapping_add(a)) }
    }

    /// Narrows by a word: a purpose, the identity of an entity.
    #[must_use]
    pub const fn word(self, word: &str) -> Self {
        // FNV-1a, 64 bits
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let bytes = word.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        self.number(hash).number(bytes.len() as u64)
    }

    /// Number `n` of the stream of this name, counted from 0.
    #[must_use]
    #[inline]
    pub const fn at(self, n: u64) -> u64 {
        mix(mix(self.a.wrapping_add(n.wrapping_add(1).wrapping_mul(STEP))) ^ self.b)
    }

    /// Number `n` of the stream as a uniform of (0, 1).
    #[must_use]
    #[inline]
    pub fn unit_at(self, n: u64) -> f64 {
        unit_of(self.at(n))
    }

    /// The stream of this name, from its beginning.
    #[must_use]
    #[inline]
    pub const fn stream(self) -> Stream {
        Stream { name: self, drawn: 0 }
    }
}

/// Random numbers of one name; number `n` depends on the name and `n` alone.
#[derive(Debug, Clone)]
pub struct Stream {
    name: Name,
    drawn: u64,
}

impl Stream {
    /// 64 random bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        let bits = self.name.at(self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        bits
    }

    /// Uniform over the open interval (0, 1): 2^52 values, symmetric about one half, never 0 or 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit_of(self.next_u64())
    }

    /// Exponential of mean 1, by inversion of one uniform.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// Standard normal, by inversion of one uniform.
    pub fn normal(&mut self) -> f64 {
        crate::special::normal_quantile(self.unit())
    }

    /// Gamma of `shape` > 0 and scale 1 (Marsaglia and Tsang 2000; below shape 1 by the power of a uniform).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.unit(), 1.0 / shape);
            return boost * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = self.unit();
            if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Uniform over `0..bound`; 0 for a bound of 0. The bias is below `bound` / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }
}

/// The uniform of (0, 1) that 64 random bits stand for.
#[inline]
#[must_use]
pub fn unit_of(bits: u64) -> f64 {
    const CELL: f64 = 1.0 / (1_u64 << 52) as f64;
    ((bits >> 12) as f64 + 0.5) * CELL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::chi_square_tail;

    fn chi_square(counts: &[u32], total: u32) -> f64 {
        let expected = f64::from(total) / counts.len() as f64;
        let sum: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        chi_square_tail(sum, counts.len() as f64 - 1.0)
    }

    /// Pairs of numbers of one stream, and first numbers of neighbouring streams, fall evenly on a 32 x 32 board.
    /// Fixed seed; a p below 1e-4 in four tests would be a flaw and not chance.
    #[test]
    fn pairs_within_and_across_streams_are_even() {
        let root = Name::of_seed(7).word("pairs");
        let place = |stream: &mut Stream| (stream.next_u64() >> 59) as usize;
        let mut boards = [[0_u32; 1024]; 4];
        let mut one = root.stream();
        for number in 0..200_000_u64 {
            let within = place(&mut one) * 32 + place(&mut one);
            let firsts =
                place(&mut root.number(number).stream()) * 32 + place(&mut root.number(number + 1).stream());
            let seeds = place(&mut Name::of_seed(number).stream()) * 32
                + place(&mut Name::of_seed(number + 1).stream());
            let mut nested = root.number(number).number(3).stream();
            let mut other = root.number(number).number(4).stream();
            for (board, at) in
                boards.iter_mut().zip([within, firsts, seeds, place(&mut nested) * 32 + place(&mut other)])
            {
                board[at] += 1;
            }
        }
        for board in &boards {
            assert!(chi_square(board, 200_000) > 1e-4);
        }
    }

    /// Mean and variance within 4 standard errors of their exact values, for shapes on both sides of 1.
    #[test]
    fn gamma_has_its_moments() {
        for shape in [0.4, 1.0, 4.0, 16.0] {
            let mut stream = Name::of_seed(3).stream();
            let n = 200_000;
            let draws: Vec<f64> = (0..n).map(|_| stream.gamma(shape)).collect();
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            assert!((mean - shape).abs() < 4.0 * (shape / f64::from(n)).sqrt(), "{shape}: {mean}");
            // variance of the sample variance: (mu4 - sigma^4) / n, mu4 of gamma = 3 k^2 + 6 k
            let error = ((2.0 * shape * shape + 6.0 * shape) / f64::from(n)).sqrt();
            assert!((variance - shape).abs() < 4.0 * error, "{shape}: {variance}");
        }
    }

    #[test]
    fn bounded_numbers_reach_every_value() {
        let mut stream = Name::of_seed(3).stream();
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(chi_square(&counts, 70_000) > 1e-4);
        assert_eq!(stream.below(0), 0);
    }
}
