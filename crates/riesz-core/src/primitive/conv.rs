//! `conv`: the products of kernels with windows that move over images, along any number of axes.
//!
//! z\[g, n, o, i\] = Σ over channels c and places p of x\[g, n, c, s·i + d·p\]·k\[g, o, c, p\] with strides s
//! and dilations d. It is bilinear, and closed: both its transposes are convolutions of padded images with
//! turned kernels. Padding is `pad`; the groups g have kernels of their own.

use super::*;
use crate::tensor::{Data, for_each_index};
use crate::types::{DType, Shape};

/// `conv(x, k)` with x of shape `[groups, images, channels, lengths…]` and k of shape `[groups, channels of
/// the result, channels, lengths…]`: the result has shape `[groups, images, channels of the result,
/// lengths…]`. The kernel is not flipped, and lies inside the image wherever it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Conv {
    /// How far the kernel moves along each axis, at least 1.
    pub stride: Vec<usize>,
    /// How far apart its elements meet the image along each axis, at least 1.
    pub dilation: Vec<usize>,
}

impl Conv {
    /// From the first to the last element that a kernel of length `n` meets along an axis.
    fn reach(&self, axis: usize, n: usize) -> usize {
        n.saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1)
    }

    /// How often kernels of these lengths move over images of these: the lengths of the result.
    pub fn lengths(&self, image: &[usize], kernel: &[usize]) -> Shape {
        let length = |(a, (&n, &k)): (usize, (&usize, &usize))| {
            n.checked_sub(self.reach(a, k)).map_or(0, |rest| rest / self.stride[a] + 1)
        };
        image.iter().zip(kernel).enumerate().map(length).collect()
    }

    /// Calls `f` with the position of each element of the result, and those of the image and the kernel in
    /// each of its terms. Terms of an element follow each other.
    pub(crate) fn terms(&self, x: &Shape, k: &Shape, mut f: impl FnMut(usize, usize, usize)) {
        let lengths = self.lengths(&x[3..], &k[3..]);
        let (strides, places) = (x.strides(), Shape::from(&k[3..]));
        let offsets = |over: &Shape, step: &[usize]| {
            let mut all = Vec::with_capacity(over.size());
            for_each_index(over, |i| {
                all.push((0..i.len()).map(|a| i[a] * step[a] * strides[3 + a]).sum::<usize>());
            });
            all
        };
        let windows = offsets(&lengths, &self.stride);
        let places = offsets(&places, &self.dilation);
        let (area, channels) = (x[3..].iter().product::<usize>(), x[2]);
        let outer = Shape::from([x[0], x[1], k[1]]);
        let mut z = 0;
        for_each_index(&outer, |i| {
            let image = (i[0] * x[1] + i[1]) * channels;
            let kernel = (i[0] * k[1] + i[2]) * channels;
            for window in &windows {
                for c in 0..channels {
                    for (p, place) in places.iter().enumerate() {
                        let at = (image + c) * area + window + place;
                        f(z, at, (kernel + c) * places.len() + p);
                    }
                }
                z += 1;
            }
        });
    }

    fn expect_window(&self, image: &Type, kernel: &Type) -> Result<()> {
        let rank = self.stride.len();
        if self.dilation.len() != rank || image.shape.rank() != rank + 3 {
            return Err(Error::shape(format!(
                "moves along {rank} axes over [groups, images, channels, {rank} lengths], not over {image}"
            )));
        }
        if kernel.shape.rank() != rank + 3 {
            return Err(Error::shape(format!(
                "needs kernels [groups, channels of the result, channels, {rank} lengths], not {kernel}"
            )));
        }
        for axis in 0..rank {
            let (n, k) = (image.shape[3 + axis], kernel.shape[3 + axis]);
            if k == 0 || self.stride[axis] == 0 || self.dilation[axis] == 0 {
                return Err(Error::shape(format!(
                    "the kernel's length, stride and dilation along axis {axis} must be positive"
                )));
            }
            let reach = self.reach(axis, k);
            if reach > n {
                return Err(Error::shape(format!(
                    "a kernel that reaches over {reach} does not fit axis {} of {image}",
                    3 + axis
                ))
                .help("pad the image first"));
            }
        }
        Ok(())
    }
}

impl Primitive for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("stride", Attribute::ints(&self.stride)),
            ("dilation", Attribute::ints(&self.dilation)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        let (x, k) = (&args[0], &args[1]);
        support::expect_number(x)?;
        if x.dtype != k.dtype {
            return Err(Error::shape(format!("element types {} and {} differ", x.dtype, k.dtype))
                .help("convert one of them with `.cast(…)`"));
        }
        self.expect_window(x, k)?;
        if x.shape[0] != k.shape[0] || x.shape[2] != k.shape[2] {
            return Err(Error::shape(format!("groups and channels of {x} and {k} should agree")));
        }
        let lengths = self.lengths(&x.shape[3..], &k.shape[3..]);
        Ok(smallvec![x.with_shape([&x.shape[..2], &[k.shape[1]], &*lengths].concat())])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (x, k) = (args[0].shape(), args[1].shape());
        let shape = &self.infer(&[args[0].ty(), args[1].ty()])?[0].shape;
        macro_rules! sums {
            ($x:expr, $k:expr, $zero:expr, $step:expr) => {{
                let mut sums = vec![$zero; shape.size()];
                self.terms(x, k, |z, a, b| sums[z] = $step(sums[z], $x[a], $k[b]));
                sums
            }};
        }
        let wide = |s: f64, x: f32, k: f32| s + f64::from(x) * f64::from(k);
        Ok(vec![match (args[0].data(), args[1].data()) {
            (Data::F32(x), Data::F32(k)) => {
                Tensor::from_f64(&sums!(x, k, 0.0f64, wide), shape.clone(), DType::F32)?
            }
            (Data::F64(x), Data::F64(k)) => {
                Tensor::new(sums!(x, k, 0.0, |s: f64, x: f64, k: f64| s + x * k), shape.clone())?
            }
            (Data::I32(x), Data::I32(k)) => {
                let step = |s: i32, x: i32, k: i32| s.wrapping_add(x.wrapping_mul(k));
                Tensor::new(sums!(x, k, 0, step), shape.clone())?
            }
            (Data::I64(x), Data::I64(k)) => {
                let step = |s: i64, x: i64, k: i64| s.wrapping_add(x.wrapping_mul(k));
                Tensor::new(sums!(x, k, 0, step), shape.clone())?
            }
            _ => return Err(Error::shape("element types differ")),
        }])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Each(Args::Only(0b11))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    /// ⟨z, ct⟩ is a sum over all of x\[g, n, c, s·i + d·p\]·k\[g, o, c, p\]·ct\[g, n, o, i\].
    ///
    /// For x: with j = s·i + d·p and q = K − 1 − p the place in the flipped kernel, Σ over o and q of
    /// ct\[…, i\]·k\[g, o, c, K − 1 − q\] where s·i = j + d·q − d·(K − 1): a convolution of ct, spread by the
    /// stride between d·(K − 1) zeros.
    ///
    /// For k: Σ over n and i of x\[g, n, c, d·p + s·i\]·ct\[g, n, o, i\]: a convolution of x, the images of
    /// which are its channels, with ct, with stride and dilation exchanged.
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 2] };
        let (x, k) = (args[0].ty().shape, args[1].ty().shape);
        let rank = self.stride.len();
        let axes = |first: [usize; 3]| first.into_iter().chain(3..rank + 3).collect();
        // What no window reaches at the end of each axis.
        let rest: Vec<usize> =
            (0..rank).map(|a| (x[3 + a] - self.reach(a, k[3 + a])) % self.stride[a]).collect();
        if args[0].is_linear() {
            let around = |more: &dyn Fn(usize) -> usize| -> Vec<i64> {
                let edges = (0..rank).map(|a| (self.reach(a, k[3 + a]) - 1 + more(a)) as i64);
                [0; 3].into_iter().chain(edges).collect()
            };
            let between = self.stride.iter().map(|s| s - 1);
            let pad = Pad {
                low: around(&|_| 0),
                high: around(&|a| rest[a]),
                interior: [0; 3].into_iter().chain(between).collect(),
            };
            let kernel = Transpose { order: axes([0, 2, 1]) };
            let kernel = apply(kernel, &[args[1].known()])[0];
            let kernel = apply(Flip { axes: (3..rank + 3).collect() }, &[kernel])[0];
            let back = Conv { stride: vec![1; rank], dilation: self.dilation.clone() };
            smallvec![Some(apply(back, &[apply(pad, &[ct])[0], kernel])[0]), None]
        } else {
            let limit = (0..rank).map(|a| x[3 + a] - rest[a]);
            let reached = Slice {
                start: vec![0; rank + 3],
                limit: x[..3].iter().copied().chain(limit).collect(),
                stride: vec![1; rank + 3],
            };
            let image = args[0].known();
            let image = if rest.iter().all(|&r| r == 0) { image } else { apply(reached, &[image])[0] };
            let image = apply(Transpose { order: axes([0, 2, 1]) }, &[image])[0];
            let ct = apply(Transpose { order: axes([0, 2, 1]) }, &[ct])[0];
            let back = Conv { stride: self.dilation.clone(), dilation: self.stride.clone() };
            let kernel = apply(back, &[image, ct])[0];
            smallvec![None, Some(apply(Transpose { order: axes([0, 2, 1]) }, &[kernel])[0])]
        }
    }
    /// Instances of both are groups; of the images alone, more images; of the kernels alone, more channels.
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        let own = |i: usize| args[i].shape()[usize::from(batched[i])..].to_vec();
        let own = [own(0), own(1)];
        let joined = |x: Var, shape: &[usize], axis: usize| -> Var {
            let mut shape = shape.to_vec();
            shape[axis] *= n;
            x.move_axis(0, axis).reshape(shape)
        };
        let axis = match (batched[0], batched[1]) {
            (true, true) => 0,
            (true, false) => 1,
            _ => 2,
        };
        // Where the instances are put in each argument; the channels of the result are axis 1 of the kernel.
        let within = [axis, axis.min(1)];
        let args: SmallVec<[Var; 3]> = (0..2)
            .map(|i| if batched[i] { joined(args[i], &own[i], within[i]) } else { args[i] })
            .collect();
        let z = apply(self.clone(), &args)[0];
        let mut shape = [&[own[0][0], own[0][1], own[1][1]], &z.shape()[3..]].concat();
        shape.insert(axis, n);
        smallvec![z.reshape(shape).move_axis(axis, 0)]
    }
}

impl Listed for Conv {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "conv")
            .then(|| Ok(Conv { stride: a.sizes("stride")?, dilation: a.sizes("dilation")? }))
    }
    fn samples() -> Vec<Sample> {
        let case = |x: &[usize], k: &[usize], stride: &[usize], dilation: &[usize]| Sample {
            prim: Conv { stride: stride.into(), dilation: dilation.into() }.into(),
            args: vec![
                support::spread(DType::F64, x, -2.0, 2.0),
                support::spread(DType::F64, k, 1.5, -1.0),
            ],
        };
        vec![
            case(&[1, 1, 1, 1], &[1, 1, 1, 1], &[1], &[1]),
            case(&[1, 1, 1, 5], &[1, 1, 1, 2], &[1], &[1]),
            case(&[2, 2, 3, 4], &[2, 3, 3, 3], &[1], &[1]),
            case(&[1, 2, 2, 8], &[1, 2, 2, 3], &[3], &[1]),
            case(&[1, 2, 2, 9], &[1, 2, 2, 2], &[3], &[1]),
            case(&[1, 2, 1, 9], &[1, 2, 1, 3], &[2], &[3]),
            case(&[1, 2, 2, 4, 5], &[1, 3, 2, 2, 3], &[1, 1], &[1, 1]),
            case(&[2, 1, 2, 7, 5], &[2, 2, 2, 2, 2], &[3, 2], &[2, 1]),
            case(&[1, 2, 0, 4], &[1, 3, 0, 2], &[1], &[1]),
            case(&[1, 0, 2, 4], &[1, 3, 2, 2], &[1], &[1]),
            case(&[1, 2, 3], &[1, 2, 3], &[], &[]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("conv", "x, k", "the products of kernels k with windows that move over images x, summed over channels and places")
            .transpose("for x: conv(pad(c), flipped k); for k: conv(x, c) with images and channels, stride and dilation exchanged"),
        ]
    }
}
