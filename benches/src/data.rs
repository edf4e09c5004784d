//! The numbers of the benchmarks, the same here as in `benches/peers/data.py`.
//!
//! Number i of stream s is SplitMix64's mixing function (Steele, Lea, Flood: *Fast splittable
//! pseudorandom number generators*, OOPSLA 2014) of a counter, so every element can be made alone:
//!
//! ```text
//! z = (i + s·2⁴⁰)·0x9E3779B97F4A7C15;  z = (z ^ z>>30)·0xBF58476D1CE4E5B9
//! z = (z ^ z>>27)·0x94D049BB133111EB;  z = z ^ z>>31;  number = 2·(z>>11)·2⁻⁵³ − 1
//! ```

use riesz::prelude::*;

/// Numbers in [−1, 1), to be scaled and shaped.
#[derive(Clone, Copy)]
pub struct Stream {
    number: u64,
    scale: f64,
    shift: f64,
}

/// The stream with a number.
pub fn stream(number: u64) -> Stream {
    Stream { number, scale: 1.0, shift: 0.0 }
}

impl Stream {
    /// The numbers times a factor.
    pub fn times(self, factor: f64) -> Stream {
        Stream { scale: self.scale * factor, ..self }
    }

    /// The numbers plus a constant.
    pub fn plus(self, shift: f64) -> Stream {
        Stream { shift: self.shift + shift, ..self }
    }

    /// The first `n` numbers.
    pub fn values(self, n: usize) -> Vec<f64> {
        (0..n as u64).map(|i| mixed(i + (self.number << 40)) * self.scale + self.shift).collect()
    }

    /// The first numbers as a tensor, filled row by row.
    ///
    /// # Errors
    /// When the shape has more elements than can be counted.
    pub fn tensor(self, shape: &[usize], dtype: DType) -> Result<Tensor> {
        Tensor::from_f64(&self.values(shape.iter().product()), shape, dtype)
    }

    /// Whole numbers 0 … 9, by cutting [−1, 1) in ten parts.
    pub fn digits(self, n: usize) -> Vec<i64> {
        self.values(n).into_iter().map(|u| (((u + 1.0) * 5.0) as i64).clamp(0, 9)).collect()
    }
}

fn mixed(counter: u64) -> f64 {
    let z = counter.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    let z = z ^ (z >> 31);
    (z >> 11) as f64 * 2f64.powi(-53) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::stream;

    /// Computed with Python's integers from the definition.
    #[test]
    fn the_stream_is_the_documented_one() {
        assert_eq!(stream(1).values(3), EXPECTED);
        assert_eq!(stream(1).times(2.0).plus(1.0).values(1), [2.0 * EXPECTED[0] + 1.0]);
    }

    const EXPECTED: [f64; 3] = [0.8203737414092125, -0.803006351884409, -0.9092068158558];
}
