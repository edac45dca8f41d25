//! Random numbers that are the same on every machine.
//!
//! A seed must give the same bytes everywhere, so nothing here calls the platform's mathematics library (its last digits
//! differ between systems): numbers come from `ChaCha8`, choices are integer arithmetic, and the one distribution that needs
//! an exponential computes it with additions and multiplications, which IEEE 754 fixes to the last bit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// A stream of a seed. Streams of one seed are independent: numbers drawn from one do not change another.
    pub(super) fn seeded(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// A whole number from 0 up to, not including, `bound` (0 for a bound of 0).
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product is below `bound`, so the conversion never fails.
        u64::try_from((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// A whole number from `low` up to, not including, `high` (`low` for an empty range).
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low.saturating_add_unsigned(self.below(width))
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One word of a list, the empty one of an empty list.
    pub(super) fn word(&mut self, words: &[&'static str]) -> &'static str {
        let at = usize::try_from(self.below(words.len() as u64)).unwrap_or(0);
        words.get(at).copied().unwrap_or_default()
    }

    /// One of the choices, each as often as its weight gives; `otherwise` where the sum of the weights is 0.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(T, u64)], otherwise: T) -> T {
        let mut left = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for &(choice, weight) in choices {
            if left < weight {
                return choice;
            }
            left -= weight;
        }
        otherwise
    }

    /// A duration scattered around its median as waiting times are: roughly log-normal, two thirds of them within
    /// `octaves` doublings or halvings of the median.
    pub(super) fn around(&mut self, median_ms: i64, octaves: f64) -> i64 {
        (median_ms as f64 * power_of_two(self.normal() * octaves)) as i64
    }

    /// Roughly standard normal, within ±3.5: the sum of four uniform numbers, centred and scaled.
    fn normal(&mut self) -> f64 {
        let drawn = self.0.next_u64();
        let sum: u32 = [0, 16, 32, 48].iter().map(|shift| ((drawn >> shift) & 0xffff) as u32).sum();
        (f64::from(sum) - 131_070.0) / 37_837.0
    }
}

/// 2 to the power of `exponent` (within ±60) by the Taylor series of its fraction; good to six digits.
fn power_of_two(exponent: f64) -> f64 {
    let whole = exponent.floor().clamp(-60.0, 60.0);
    let x = (exponent - whole) * std::f64::consts::LN_2;
    let fraction = (1..=8).rev().fold(1.0, |sum, n| 1.0 + sum * x / f64::from(n));
    let scale = (1u64 << (whole.abs() as u32)) as f64;
    if whole < 0.0 { fraction / scale } else { fraction * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two() {
        for exponent in [-3.5, -1.0, -0.25, 0.0, 0.5, 1.0, 4.75] {
            let exact = f64::powf(2.0, exponent);
            assert!((power_of_two(exponent) / exact - 1.0).abs() < 1e-6, "{exponent}");
        }
    }

    #[test]
    fn half_of_the_durations_are_below_the_median() {
        let mut random = Random::seeded(7, 0);
        let below = (0..10_000).filter(|_| random.around(60_000, 1.0) < 60_000).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }

    #[test]
    fn nothing_to_choose_from_is_no_trouble() {
        let mut random = Random::seeded(7, 0);
        assert_eq!((random.below(0), random.between(5, 5), random.word(&[])), (0, 5, ""));
        assert_eq!(random.weighted(&[], 9), 9);
    }
}
