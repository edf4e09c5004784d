//! Convolution and pooling over any number of axes.
//!
//! A convolution is the primitive of that name, on an image with its padding. Pooling needs none: for each
//! place of the window, the elements of the image it meets are one strided slice, and what is done with
//! these slices is done element by element, so that it runs in one pass.

use super::check::{composed, expect};
use crate::error::{Error, Result};
use crate::primitive::support::expect_number;
use crate::primitive::{Conv, Pad, Slice};
use crate::tensor::for_each_index;
use crate::trace::{Var, apply1};
use crate::types::{DType, Shape};

/// How a kernel moves over an image. Empty lists mean the default along every axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConvOptions {
    /// How far the kernel moves along each axis; 1.
    pub stride: Vec<usize>,
    /// Zeros before and after the image along each axis; none.
    pub padding: Vec<(usize, usize)>,
    /// How far apart the kernel's elements meet the image along each axis; 1.
    pub dilation: Vec<usize>,
    /// In how many groups the channels are cut, each with kernels of its own; 1.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> ConvOptions {
        ConvOptions { stride: vec![], padding: vec![], dilation: vec![], groups: 1 }
    }
}

/// How a window moves over an image. Empty lists mean the default along every axis.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// The length of the window along each axis.
    pub size: Vec<usize>,
    /// How far it moves along each axis; its own length.
    pub stride: Vec<usize>,
    /// Elements before and after the image along each axis; none.
    pub padding: Vec<(usize, usize)>,
    /// How far apart its elements meet the image along each axis; 1.
    pub dilation: Vec<usize>,
}

impl Var {
    /// The convolution of images, of shape [images, channels, lengths…], with kernels, of shape
    /// [channels of the result, channels / groups, lengths…], as networks have it: the kernel is not
    /// flipped. One length is a convolution of signals, two of pictures.
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace, var::ConvOptions};
    /// let signal = Tensor::from([1.0, 2.0, 4.0, 8.0]).reshape([1, 1, 4])?;
    /// let kernel = Tensor::from([1.0, -1.0]).reshape([1, 1, 2])?;
    /// let f = trace(&[signal.ty(), kernel.ty()], |x| {
    ///     vec![x[0].conv(x[1], &ConvOptions::default())]
    /// })?;
    /// assert_eq!(eval(&f, &[signal, kernel])?[0].as_slice::<f64>()?, &[-1.0, -2.0, -4.0]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn conv(self, kernel: Var, options: &ConvOptions) -> Var {
        composed("conv", &[self, kernel], || {
            let (image, weights) = (self.shape(), kernel.shape());
            expect(image.rank() >= 3 && image.rank() == weights.rank(), || {
                format!(
                    "needs images [images, channels, lengths…] and kernels [channels, channels of \
                     a group, lengths…] of as many axes, not {image} and {weights}"
                )
            })?;
            expect_number(&self.ty())?;
            expect(self.dtype() == kernel.dtype(), || {
                format!("element types {} and {} differ", self.dtype(), kernel.dtype())
            })?;
            let groups = options.groups;
            let (n, c, out) = (image[0], image[1], weights[0]);
            expect(groups > 0 && c % groups == 0 && out % groups == 0, || {
                format!("{c} channels and {out} kernels are not cut in {groups} groups")
            })?;
            expect(weights[1] == c / groups, || {
                format!(
                    "the kernels have {} channels; {c} channels in {groups} groups need {}",
                    weights[1],
                    c / groups
                )
            })?;
            let rank = weights.rank() - 2;
            let window = Window {
                size: weights[2..].to_vec(),
                stride: defaulted(&options.stride, 1, rank),
                padding: options.padding.clone(),
                dilation: options.dilation.clone(),
            };
            let steps = window.steps(&image)?;
            // Groups come first, for the primitive to run through.
            let split = [&[n, groups, c / groups], &image[2..]].concat();
            let split = self.reshape(split).move_axis(1, 0).padded(&steps.padding, 0.0);
            let shape = [&[groups, out / groups, c / groups], &weights[2..]].concat();
            let kernel = kernel.reshape(shape);
            let conv = Conv { stride: steps.stride, dilation: steps.dilation };
            let product = apply1(conv, &[split, kernel]).move_axis(0, 1);
            Ok(product.reshape([&[n, out], &*steps.lengths].concat()))
        })
    }

    /// The largest element in each window over images of shape [images, channels, lengths…]. The
    /// first of several, in row-major order, has the derivative. Padding is never the largest.
    #[track_caller]
    pub fn max_pool(self, window: &Window) -> Var {
        composed("max_pool", &[self], || {
            expect_number(&self.ty())?;
            for (axis, (low, high)) in window.padding.iter().enumerate() {
                let reach = window.reach(axis);
                expect(*low < reach && *high < reach, || {
                    format!("padding of {low} and {high} leaves windows of {reach} with nothing")
                })?;
            }
            let lowest = match self.dtype() {
                DType::I32 => f64::from(i32::MIN),
                DType::I64 => i64::MIN as f64,
                DType::F32 | DType::F64 | DType::Bool => f64::NEG_INFINITY,
            };
            let parts = self.windows(window, lowest)?;
            let larger = |a: Var, b: Var| {
                // NaN is the largest, and the first of several is kept.
                let keep = if a.dtype().is_float() { a.ge(b).or(a.is_nan()) } else { a.ge(b) };
                Var::select(keep, a, b)
            };
            parts.into_iter().reduce(larger).ok_or_else(nothing)
        })
    }

    /// The mean of each window over images of shape [images, channels, lengths…]. Padding counts as
    /// elements that are zero.
    #[track_caller]
    pub fn avg_pool(self, window: &Window) -> Var {
        composed("avg_pool", &[self], || {
            crate::primitive::support::expect_float(&self.ty())?;
            let parts = self.windows(window, 0.0)?;
            let count = parts.len() as f64;
            let sum = parts.into_iter().reduce(|a, b| a + b);
            sum.map(|s| s / count).ok_or_else(nothing)
        })
    }

    /// For each place of the window, the elements it meets as it moves.
    fn windows(self, window: &Window, padding: f64) -> Result<Vec<Var>> {
        let steps = window.steps(&self.shape())?;
        let padded = self.padded(&steps.padding, padding);
        let whole = padded.shape();
        let mut parts = Vec::new();
        if steps.stride == window.size && steps.dilation.iter().all(|&d| d == 1) {
            // Windows side by side: an index of the window, then one inside it, for each axis.
            let cut: Vec<(usize, usize)> =
                steps.lengths.iter().copied().zip(steps.stride).collect();
            let reached: Vec<usize> = cut.iter().map(|(n, size)| n * size).collect();
            let slice = Slice {
                start: vec![0; whole.rank()],
                limit: [&whole[..2], &*reached].concat(),
                stride: vec![1; whole.rank()],
            };
            let tiled = cut.iter().flat_map(|&(n, size)| [n, size]);
            let tiled = whole[..2].iter().copied().chain(tiled).collect::<Vec<usize>>();
            let tiles = apply1(slice, &[padded]).reshape(tiled);
            let lengths: Vec<usize> = whole[..2].iter().chain(&steps.lengths).copied().collect();
            for_each_index(&Shape::from(&*window.size), |place| {
                let mut slice = Slice {
                    start: vec![0; tiles.rank()],
                    limit: tiles.shape().to_vec(),
                    stride: vec![1; tiles.rank()],
                };
                for (a, &p) in place.iter().enumerate() {
                    (slice.start[2 * a + 3], slice.limit[2 * a + 3]) = (p, p + 1);
                }
                parts.push(apply1(slice, &[tiles]).reshape(lengths.clone()));
            });
            return Ok(parts);
        }
        for_each_index(&Shape::from(&*window.size), |place| {
            let mut slice = Slice {
                start: vec![0; whole.rank()],
                limit: whole.to_vec(),
                stride: vec![1; whole.rank()],
            };
            for (a, &p) in place.iter().enumerate() {
                let from = p * steps.dilation[a];
                slice.start[a + 2] = from;
                slice.limit[a + 2] = from + (steps.lengths[a] - 1) * steps.stride[a] + 1;
                slice.stride[a + 2] = steps.stride[a];
            }
            let same = slice.shape() == whole;
            parts.push(if same { padded } else { apply1(slice, &[padded]) });
        });
        Ok(parts)
    }

    /// The image with so many elements around it along its last axes.
    fn padded(self, around: &[(usize, usize)], value: f64) -> Var {
        if around.iter().all(|&w| w == (0, 0)) {
            return self;
        }
        let outer = self.rank() - around.len();
        let edges = || std::iter::repeat_n((0, 0), outer).chain(around.iter().copied());
        if value != 0.0 {
            let edges = edges().map(|w| (w.0 as i64, w.1 as i64, 0));
            return self.pad(&edges.collect::<Vec<_>>(), value);
        }
        let side = |f: fn((usize, usize)) -> usize| edges().map(|w| f(w) as i64).collect();
        let interior = vec![0; self.rank()];
        apply1(Pad { low: side(|w| w.0), high: side(|w| w.1), interior }, &[self])
    }
}

/// How a window moves, with nothing left to default.
struct Steps {
    stride: Vec<usize>,
    dilation: Vec<usize>,
    padding: Vec<(usize, usize)>,
    /// How often it moves along each axis.
    lengths: Vec<usize>,
}

fn nothing() -> Error {
    Error::shape("the window has no elements")
}

impl Window {
    /// How it moves over images of this shape.
    fn steps(&self, shape: &Shape) -> Result<Steps> {
        let rank = self.size.len();
        expect(rank > 0 && shape.rank() == rank + 2, || {
            format!(
                "a window of {rank} lengths moves over [images, channels, {rank} lengths], not \
                 over {shape}"
            )
        })?;
        for (name, given) in [
            ("strides", self.stride.len()),
            ("paddings", self.padding.len()),
            ("dilations", self.dilation.len()),
        ] {
            expect(given == 0 || given == rank, || {
                format!("{given} {name} are given for {rank} axes")
            })?;
        }
        let stride = if self.stride.is_empty() { &self.size } else { &self.stride }.clone();
        let dilation = defaulted(&self.dilation, 1, rank);
        let padding =
            if self.padding.is_empty() { vec![(0, 0); rank] } else { self.padding.clone() };
        let mut lengths = Vec::with_capacity(rank);
        for axis in 0..rank {
            expect(self.size[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0, || {
                format!("the window's size, stride and dilation along axis {axis} must be positive")
            })?;
            let (low, high) = padding[axis];
            let n = shape[axis + 2].saturating_add(low).saturating_add(high);
            let reach = self.reach(axis);
            expect(reach <= n, || {
                format!(
                    "a window that reaches over {reach} does not fit axis {} of {shape}, which has \
                     {n} with its padding",
                    axis + 2
                )
            })?;
            lengths.push((n - reach) / stride[axis] + 1);
        }
        Ok(Steps { stride, dilation, padding, lengths })
    }

    /// From the first to the last element it meets along an axis.
    fn reach(&self, axis: usize) -> usize {
        let size = self.size.get(axis).copied().unwrap_or(1);
        let dilation = self.dilation.get(axis).copied().unwrap_or(1);
        size.saturating_sub(1).saturating_mul(dilation).saturating_add(1)
    }
}

fn defaulted(given: &[usize], default: usize, n: usize) -> Vec<usize> {
    if given.is_empty() { vec![default; n] } else { given.to_vec() }
}
