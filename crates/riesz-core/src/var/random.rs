//! Random numbers from keys: a key is used once, or split.
//!
//! Nothing is drawn from a hidden state: the same key gives the same numbers, on every machine and in
//! any batch. Bits, uniform numbers, truth values and permutations are the same to the last bit
//! everywhere; normal and Gumbel numbers agree as far as `erfinv` and `log` do (2 ulp).

use super::Operand;
use super::arithmetic::common_shape;
use super::check::{composed, expect};
use crate::error::Error;
use crate::primitive::support::expect_float;
use crate::primitive::{FoldIn, Permutation, RandomBits, random::key_of_seed};
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape};

/// A key of a random stream: two 64-bit numbers, `i64[2]`.
///
/// ```
/// use riesz_core::{DType, Key, eval, trace};
/// let f = trace(&[], |_| {
///     let [weights, noise] = Key::new(42).split();
///     vec![weights.normal([2, 3], DType::F64), noise.uniform([4], DType::F64)]
/// })?;
/// assert_eq!(eval(&f, &[])?, eval(&f, &[])?);
/// # Ok::<(), riesz_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Key(pub Var);

impl Key {
    /// The key of a seed.
    #[track_caller]
    pub fn new(seed: i64) -> Key {
        Key(Var::constant(key_of_seed(seed)))
    }

    /// The key of a seed, an `i64` number, that is known when the program runs.
    #[track_caller]
    pub fn from_seed(seed: Var) -> Key {
        Key(composed("key", &[seed], || {
            let zero = seed.zeros_like();
            Ok(apply1(FoldIn, &[Var::stack(&[seed, zero], 0), zero]))
        }))
    }

    /// Another key for each whole number: for steps of a loop, or members of an ensemble.
    #[track_caller]
    pub fn fold_in(self, data: impl Operand) -> Key {
        Key(apply1(FoldIn, &[self.0, data.beside(self.0)]))
    }

    /// Independent keys, for one use each. This key should not be used again.
    #[track_caller]
    pub fn split<const N: usize>(self) -> [Key; N] {
        let all = self.split_many(N);
        std::array::from_fn(|i| Key(all.at(i)))
    }

    /// `n` independent keys side by side, `i64[n, 2]`, to be mapped over.
    #[track_caller]
    pub fn split_many(self, n: usize) -> Var {
        apply1(FoldIn, &[self.0.broadcast_leading(n), Var::iota(DType::I64, n)])
    }

    /// Whole numbers below 2^`bits`, each as likely as any other; 1 to 63 bits.
    #[track_caller]
    pub fn bits(self, shape: impl Into<Shape>, bits: u32) -> Var {
        apply1(RandomBits { shape: shape.into(), bits }, &[self.0])
    }

    /// Uniform numbers in [0, 1): multiples of 2⁻⁵³ in f64, of 2⁻²⁴ in f32.
    #[track_caller]
    pub fn uniform(self, shape: impl Into<Shape>, dtype: DType) -> Var {
        let shape = shape.into();
        self.floats("uniform", dtype, || {
            let bits: i32 = if dtype == DType::F32 { 24 } else { 53 };
            self.bits(shape, bits as u32).cast(dtype) * 2f64.powi(-bits)
        })
    }

    /// Numbers of the standard normal distribution: √2·erfinv(u) with u uniform in (−1, 1) and
    /// symmetric, |x| < 8.3. For another mean and deviation write `mean + deviation * x`, through which
    /// derivatives pass.
    #[track_caller]
    pub fn normal(self, shape: impl Into<Shape>, dtype: DType) -> Var {
        let shape = shape.into();
        self.floats("normal", dtype, || {
            // The odd numbers between −2⁵³ and 2⁵³: exact, never ±1, each with its opposite.
            let odd = self.bits(shape, 53) * 2 + (1.0 - 2f64.powi(53));
            let u = odd.cast(DType::F64) * 2f64.powi(-53);
            (u.erfinv() * std::f64::consts::SQRT_2).cast(dtype)
        })
    }

    /// Numbers of the standard Gumbel distribution: −log(−log u), u uniform in (0, 1).
    #[track_caller]
    pub fn gumbel(self, shape: impl Into<Shape>, dtype: DType) -> Var {
        let shape = shape.into();
        self.floats("gumbel", dtype, || {
            let u = (self.bits(shape, 52) * 2 + 1).cast(DType::F64) * 2f64.powi(-53);
            (-(-u.log()).log()).cast(dtype)
        })
    }

    /// Truth values that hold with probability `p`, a number or anything that broadcasts to `shape`.
    #[track_caller]
    pub fn bernoulli(self, p: impl Operand, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        let operands: Vec<Var> = std::iter::once(self.0).chain(p.value()).collect();
        composed("bernoulli", &operands, || {
            let dtype = p.value().map_or(DType::F64, |p| p.dtype());
            let from = p.value().map_or(Shape::scalar(), |p| p.shape());
            let fits = common_shape(&from, &shape).as_ref() == Some(&shape);
            expect(fits, || format!("probabilities of shape {from} do not broadcast to {shape}"))?;
            Ok(self.uniform(shape, dtype).lt(p))
        })
    }

    /// Indices 0, …, k−1 with probabilities proportional to exp(logits), which lie along the last axis:
    /// `i64` of the shape of the other axes. (The largest of logits plus Gumbel numbers; Yellott 1977.)
    #[track_caller]
    pub fn categorical(self, logits: Var) -> Var {
        composed("categorical", &[self.0, logits], || {
            expect_float(&logits.ty())?;
            let shape = logits.shape();
            let Some((&k, _)) = shape.split_last() else {
                return Err(Error::shape("needs logits along an axis, not one number"));
            };
            let last = shape.rank() - 1;
            let x = logits + self.gumbel(shape, logits.dtype());
            let largest = x.max_axes(&[last]).keep_axes(&[last]);
            let index = Var::iota(DType::I64, k);
            Ok(Var::select(x.lt(largest), k as f64, index).min_axes(&[last]))
        })
    }

    /// The numbers 0, …, n−1 in an order, each order as likely as any other. `x.take(order, 0)` shuffles.
    #[track_caller]
    pub fn permutation(self, n: usize) -> Var {
        apply1(Permutation { n }, &[self.0])
    }

    #[track_caller]
    fn floats(self, name: &str, dtype: DType, f: impl FnOnce() -> Var) -> Var {
        composed(name, &[self.0], || {
            expect(dtype.is_float(), || format!("makes f32 or f64 numbers, not {dtype}"))?;
            Ok(f())
        })
    }
}
