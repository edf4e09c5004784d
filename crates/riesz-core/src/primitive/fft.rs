//! `fft`, `ifft`, `rfft`, `irfft`: the discrete Fourier transform along the last axis.
//!
//! A complex number is a pair of real ones along an axis of length 2 after all others. As maps of real
//! vector spaces these are linear, and their transposes, in the inner product Σ (a·a′ + b·b′), are:
//! of F, with the matrix exp(−2πi·jk/n), its conjugate transpose n·F⁻¹, so of F⁻¹ it is F/n.
//!
//! The spectrum of a real x is symmetric, so `rfft` keeps the first n/2 + 1 entries. In ⟨rfft x, y⟩
//! each stands for itself alone, while `irfft` counts those between the first and, for even n, the
//! last twice: with w = 1 for these two and ½ between, rfftᵀ y = n·irfft(w·y), and
//! irfftᵀ x = rfft(x)/(n·w).

use super::fourier::{Complex, transform};
use super::*;
use crate::types::{DType, Shape};

/// The transform of `[…, n, 2]`, n pairs of a real and an imaginary part: Σⱼ xⱼ·exp(−2πi·jk/n), or
/// its inverse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fft {
    /// Σⱼ xⱼ·exp(2πi·jk/n)/n instead.
    pub inverse: bool,
}

/// The transform of n real numbers `[…, n]`: the first n/2 + 1 entries, `[…, n/2 + 1, 2]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rfft;

/// The n real numbers `[…, n]` whose transform begins with the given entries, `[…, n/2 + 1, 2]`. The
/// imaginary part of the first, and for even n of the last, is not read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Irfft {
    /// How many numbers there are.
    pub n: usize,
}

/// The leading axes and the number of pairs.
fn expect_pairs(ty: &Type) -> Result<(Shape, usize)> {
    support::expect_float(ty)?;
    match ty.shape.split_last_chunk::<2>() {
        Some((batch, &[n, 2])) if n > 0 => Ok((batch.into(), n)),
        _ => Err(Error::shape(format!("needs complex numbers as pairs […, n, 2], n > 0, not {ty}"))
            .help("stack the real and the imaginary part along a new last axis")),
    }
}

fn no_elements() -> Error {
    Error::shape("the transform of no elements does not exist")
}

/// 1 for the entries of a half spectrum that have no mirror image, `between` for the others.
fn weights(like: Var, n: usize, between: f64) -> Var {
    let count = n / 2 + 1;
    let values: Vec<f64> = (0..count)
        .map(|k| if k == 0 || 2 * k == n { 1.0 } else { between })
        .flat_map(|w| [w, w])
        .collect();
    match Tensor::from_f64(&values, [count, 2], like.dtype()) {
        Ok(weights) => Var::constant(weights).broadcast_to(like.shape()),
        Err(error) => crate::trace::fail(error),
    }
}

/// Runs `f` on each stretch of `from` numbers.
fn each_stretch(
    x: &Tensor,
    from: usize,
    out: &Shape,
    mut f: impl FnMut(&[f64]) -> Vec<f64>,
) -> Result<Tensor> {
    let values = x.to_f64();
    let result: Vec<f64> = values.chunks(from.max(1)).flat_map(&mut f).collect();
    Tensor::from_f64(&result, out.clone(), x.dtype())
}

fn pairs(x: &[f64]) -> Vec<Complex> {
    x.chunks_exact(2).map(|p| (p[0], p[1])).collect()
}

impl Primitive for Fft {
    fn name(&self) -> &'static str {
        if self.inverse { "ifft" } else { "fft" }
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        expect_pairs(&args[0])?;
        Ok(smallvec![args[0].clone()])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = expect_pairs(&args[0].ty())?;
        let scale = if self.inverse { n as f64 } else { 1.0 };
        let y = each_stretch(args[0], 2 * n, args[0].shape(), |x| {
            let y = transform(&pairs(x), self.inverse);
            y.into_iter().flat_map(|(a, b)| [a / scale, b / scale]).collect()
        })?;
        Ok(vec![y])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential((*self).into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let n = expect_pairs(&args[0].ty()).map_or(1.0, |(_, n)| n as f64);
        let scale = if self.inverse { 1.0 / n } else { n };
        let back = Fft { inverse: !self.inverse };
        smallvec![ct[0].map(|ct| scale * apply(back, &[ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(*self, args)
    }
}

impl Primitive for Rfft {
    fn name(&self) -> &'static str {
        "rfft"
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        support::expect_float(&args[0])?;
        match args[0].shape.split_last() {
            Some((0, _)) | None => Err(no_elements()),
            Some((n, batch)) => {
                let shape: Shape = batch.iter().copied().chain([n / 2 + 1, 2]).collect();
                Ok(smallvec![args[0].with_shape(shape)])
            }
        }
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let n = args[0].shape().last().copied().unwrap_or(1);
        let y = each_stretch(args[0], n, &types[0].shape, |x| {
            let x: Vec<Complex> = x.iter().map(|&x| (x, 0.0)).collect();
            let y = transform(&x, false);
            y.into_iter().take(n / 2 + 1).flat_map(|(a, b)| [a, b]).collect()
        })?;
        Ok(vec![y])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential((*self).into(), x, dx)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let n = args[0].ty().shape.last().copied().unwrap_or(1);
        smallvec![ct[0].map(|ct| n as f64 * apply(Irfft { n }, &[weights(ct, n, 0.5) * ct])[0])]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(*self, args)
    }
}

impl Primitive for Irfft {
    fn name(&self) -> &'static str {
        "irfft"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![("n", Attribute::Int(self.n as i64))]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 1)?;
        let (batch, count) = expect_pairs(&args[0])?;
        if self.n == 0 {
            return Err(no_elements());
        }
        if count != self.n / 2 + 1 {
            return Err(Error::shape(format!(
                "{} real numbers have a half spectrum of {} entries, not {count}",
                self.n,
                self.n / 2 + 1
            )));
        }
        let shape: Shape = batch.iter().copied().chain([self.n]).collect();
        Ok(smallvec![args[0].with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let types = self.infer(&[args[0].ty()])?;
        let n = self.n;
        let count = n / 2 + 1;
        let x = each_stretch(args[0], 2 * count, &types[0].shape, |y| {
            let y = pairs(y);
            let whole: Vec<Complex> = (0..n)
                .map(|k| match k {
                    k if k == 0 || 2 * k == n => (y[k].0, 0.0),
                    k if k < count => y[k],
                    k => (y[n - k].0, -y[n - k].1),
                })
                .collect();
            transform(&whole, true).into_iter().map(|(a, _)| a / n as f64).collect()
        })?;
        Ok(vec![x])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::All)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential((*self).into(), x, dx)
    }
    fn transpose(&self, _: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let n = self.n;
        smallvec![ct[0].map(|ct| {
            let y = apply(Rfft, &[ct])[0];
            (1.0 / n as f64) * (weights(y, n, 2.0) * y)
        })]
    }
    fn batch(&self, args: &[Var], _: &[bool], _: usize) -> Vars {
        apply(*self, args)
    }
}

impl Listed for Fft {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        match name {
            "fft" => Some(Ok(Fft { inverse: false })),
            "ifft" => Some(Ok(Fft { inverse: true })),
            _ => None,
        }
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for inverse in [false, true] {
            for shape in [&[1, 2][..], &[3, 2], &[2, 4, 2], &[0, 3, 2], &[33, 2]] {
                let args = vec![support::spread(DType::F64, shape, -2.0, 2.0)];
                all.push(Sample { prim: Fft { inverse }.into(), args });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("fft", "x", "the Fourier transform of pairs, Σⱼ xⱼ·exp(-2πi·jk/n)").transpose("n·ifft(c)"),
            About::new("ifft", "x", "the inverse of fft").transpose("fft(c)/n"),
        ]
    }
}

impl Listed for Rfft {
    fn parse(name: &str, _: &Attributes) -> Option<Result<Self>> {
        (name == "rfft").then_some(Ok(Rfft))
    }
    fn samples() -> Vec<Sample> {
        [&[1][..], &[2], &[5], &[2, 8], &[0, 3]]
            .map(|shape| Sample {
                prim: Rfft.into(),
                args: vec![support::spread(DType::F64, shape, -2.0, 2.0)],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("rfft", "x", "the first n/2 + 1 entries of the transform of n real numbers")
            .transpose("n·irfft(w·c), w = ½ for entries that have a mirror image"),
        ]
    }
}

impl Listed for Irfft {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "irfft").then(|| {
            let n = usize::try_from(a.int("n")?)
                .map_err(|_| Error::new(crate::ErrorKind::Syntax, "the length is not negative"))?;
            Ok(Irfft { n })
        })
    }
    fn samples() -> Vec<Sample> {
        [(1, &[1, 2][..]), (2, &[2, 2]), (5, &[3, 2]), (8, &[2, 5, 2]), (3, &[0, 2, 2])]
            .map(|(n, shape)| Sample {
                prim: Irfft { n }.into(),
                args: vec![support::spread(DType::F64, shape, -2.0, 2.0)],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("irfft", "x", "the n real numbers whose transform begins with x")
            .transpose("rfft(c)/(n·w), w = ½ for entries that have a mirror image"),
        ]
    }
}
