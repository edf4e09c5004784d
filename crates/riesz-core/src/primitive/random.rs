//! `random_bits`, `fold_in`, `permutation`: randomness as a function of a key.
//!
//! A key is two 64-bit numbers, `i64[…, 2]`; axes before the last are keys side by side. The same key
//! always gives the same numbers, on every machine, alone or in a batch. No derivative passes.

use super::*;
use crate::tensor::Data;
use crate::types::{DType, Shape};
use std::sync::Arc;

/// Whole numbers below 2^`bits`, each as likely as any other, of shape `[…, shape]` for keys `[…, 2]`:
/// the upper bits of the key's words in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RandomBits {
    /// The shape for one key.
    pub shape: Shape,
    /// How many random bits each number has, 1 to 63.
    pub bits: u32,
}

/// `fold_in(keys, data)`: another key `[…, 2]` for each key `[…, 2]` and whole number `[…]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FoldIn;

/// The numbers 0, …, n−1 in an order, each as likely as any other: `[…, n]` for keys `[…, 2]`. That is
/// the order that sorts the key's words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Permutation {
    /// How many numbers there are.
    pub n: usize,
}

/// Keys: their leading axes.
fn expect_keys(ty: &Type) -> Result<Shape> {
    match ty.shape.split_last() {
        Some((2, batch)) if ty.dtype == DType::I64 => Ok(batch.into()),
        _ => Err(Error::shape(format!("needs keys, i64[…,2], not {ty}"))
            .help("make a key from a seed with `Key::new(seed)`")),
    }
}

fn keys(x: &Tensor) -> Result<impl Iterator<Item = [i64; 2]> + '_> {
    Ok(x.as_slice::<i64>()?.chunks_exact(2).map(|k| [k[0], k[1]]))
}

fn whole_numbers(values: Vec<i64>, shape: Shape) -> Vec<Tensor> {
    vec![Tensor::from_data(Data::I64(Arc::new(values)), shape)]
}

impl Primitive for RandomBits {
    fn name(&self) -> &'static str {
        "random_bits"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("shape", Attribute::ints(&self.shape)), ("bits", Attribute::Int(self.bits.into()))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let batch = expect_keys(&args[0])?;
        if !(1..=63).contains(&self.bits) {
            return Err(Error::shape(format!("{} random bits; 1 to 63 are possible", self.bits)));
        }
        let shape: Shape = batch.iter().chain(self.shape.iter()).copied().collect();
        Ok(smallvec![args[0].with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let mut values = Vec::with_capacity(types[0].size());
        for key in keys(args[0])? {
            let words = philox::words(key, self.shape.size());
            values.extend(words.map(|w| (w >> (64 - self.bits)) as i64));
        }
        Ok(whole_numbers(values, types[0].shape.clone()))
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(self.clone(), args)
    }
}

impl Primitive for FoldIn {
    fn name(&self) -> &'static str {
        "fold_in"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        let batch = expect_keys(&args[0])?;
        if args[1].dtype != DType::I64 || args[1].shape != batch {
            return Err(Error::shape(format!(
                "needs one whole number for each key, i64{batch}, not {}",
                args[1]
            )));
        }
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let data = args[1].as_slice::<i64>()?;
        let new = keys(args[0])?.zip(data).flat_map(|(key, &data)| philox::fold(key, data));
        Ok(whole_numbers(new.collect(), args[0].shape().clone()))
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None, None]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(FoldIn, &batch_all(args, batched, n))
    }
}

impl Primitive for Permutation {
    fn name(&self) -> &'static str {
        "permutation"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("n", Attribute::Int(self.n as i64))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let batch = expect_keys(&args[0])?;
        let shape: Shape = batch.iter().copied().chain([self.n]).collect();
        Ok(smallvec![args[0].with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let mut values = Vec::with_capacity(types[0].size());
        for key in keys(args[0])? {
            // Equal words, one pair in 2⁶⁴, keep their order.
            let mut order: Vec<(u64, i64)> = philox::words(key, self.n).zip(0..).collect();
            order.sort_unstable();
            values.extend(order.into_iter().map(|(_, i)| i));
        }
        Ok(whole_numbers(values, types[0].shape.clone()))
    }
    fn linearity(&self) -> Linearity {
        Linearity::Nonlinear
    }
    fn differential(&self, _: &[Var], _: &[Var], _: &[Option<Var>]) -> Tangents {
        smallvec![None]
    }
    fn transpose(&self, _: &[Arg], _: &[Option<Var>]) -> Cotangents {
        smallvec![None]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(*self, args)
    }
}

/// One key, three keys, and none.
fn sample_keys() -> [Tensor; 3] {
    let none = Tensor::zeros(&Type::new(DType::I64, [0, 2]));
    [Tensor::from([7i64, -1]), Tensor::from([[0i64, 0], [1, 0], [i64::MIN, i64::MAX]]), none]
}

impl Listed for RandomBits {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "random_bits").then(|| {
            let bits = u32::try_from(a.int("bits")?).map_err(|_| {
                Error::new(crate::ErrorKind::Syntax, "the number of bits is not negative")
            })?;
            Ok(RandomBits { shape: a.sizes("shape")?.into(), bits })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for (shape, bits) in [(Shape::scalar(), 1), (Shape::from([3]), 53), (Shape::from([2, 0]), 63)]
        {
            for key in sample_keys() {
                let prim = RandomBits { shape: shape.clone(), bits }.into();
                all.push(Sample { prim, args: vec![key] });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("random_bits", "key", "reproducible random whole numbers").differential("0"),
        ]
    }
}

impl Listed for FoldIn {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "fold_in").then_some(Ok(FoldIn))
    }
    fn samples() -> Vec<Sample> {
        let [one, three, none] = sample_keys();
        vec![
            Sample { prim: FoldIn.into(), args: vec![one, Tensor::from(5i64)] },
            Sample { prim: FoldIn.into(), args: vec![three, Tensor::from([0i64, -1, 1 << 40])] },
            Sample {
                prim: FoldIn.into(),
                args: vec![none, Tensor::zeros(&Type::new(DType::I64, [0]))],
            },
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("fold_in", "key, data", "the key that a key and a whole number make").differential("0"),
        ]
    }
}

impl Listed for Permutation {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "permutation").then(|| {
            let n = usize::try_from(a.int("n")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "the length is not negative"))?;
            Ok(Permutation { n })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for n in [0, 1, 5] {
            for key in sample_keys() {
                all.push(Sample { prim: Permutation { n }.into(), args: vec![key] });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("permutation", "key", "a random order of 0, 1, …, n - 1").differential("0"),
        ]
    }
}

/// The key of a seed: what `fold_in` makes of the key (seed, 0) and 0.
pub(crate) fn key_of_seed(seed: i64) -> [i64; 2] {
    philox::fold([seed, 0], 0)
}
