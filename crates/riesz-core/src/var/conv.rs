//! Convolution and pooling over any number of axes, as products of strided slices.
//!
//! For each place of the kernel, the elements of the image it meets are one strided slice; side by
//! side these slices are a matrix, and the convolution is its product with the kernel. So there is no
//! rule here: the transpose is the product's and the slices', and a convolution runs at the speed of
//! a matrix product, at the price of an image as many times as the kernel has places.

use super::check::{composed, expect};
use crate::error::{Error, Result};
use crate::primitive::support::expect_number;
use crate::primitive::{Dot, Pad, Slice};
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
            let window = Window {
                size: weights[2..].to_vec(),
                stride: defaulted(&options.stride, 1, weights.rank() - 2),
                padding: options.padding.clone(),
                dilation: options.dilation.clone(),
            };
            let (parts, lengths) = self.windows(&window, 0.0)?;
            let (places, area): (usize, usize) = (parts.len(), lengths.iter().product());
            let terms = c / groups * places;
            let columns = Var::stack(&parts, 2).reshape([n, groups, terms, area]);
            let rows = kernel.reshape([groups, out / groups, terms]);
            let product = match groups {
                1 => {
                    let dot = Dot { contract: vec![(1, 1)], batch: vec![] };
                    let columns = columns.reshape([n, terms, area]);
                    apply1(dot, &[rows.reshape([out, terms]), columns]).transpose(&[1, 0, 2])
                }
                _ => {
                    let dot = Dot { contract: vec![(2, 2)], batch: vec![(0, 1)] };
                    apply1(dot, &[rows, columns]).transpose(&[2, 0, 1, 3])
                }
            };
            Ok(product.reshape([&[n, out], &*lengths].concat()))
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
            let (parts, _) = self.windows(window, lowest)?;
            let all = Var::stack(&parts, 2);
            let first = all.argmax(2).expand_dims(2);
            Ok(all.take_along_axis(first, 2).squeeze(2))
        })
    }

    /// The mean of each window over images of shape [images, channels, lengths…]. Padding counts as
    /// elements that are zero.
    #[track_caller]
    pub fn avg_pool(self, window: &Window) -> Var {
        composed("avg_pool", &[self], || {
            crate::primitive::support::expect_float(&self.ty())?;
            let (parts, _) = self.windows(window, 0.0)?;
            let count = parts.len() as f64;
            let sum = parts.into_iter().reduce(|a, b| a + b);
            sum.map(|s| s / count).ok_or_else(|| Error::shape("the window has no elements"))
        })
    }

    /// For each place of the window, the elements it meets as it moves; and how often it moves along
    /// each axis.
    fn windows(self, window: &Window, padding: f64) -> Result<(Vec<Var>, Vec<usize>)> {
        let shape = self.shape();
        let rank = window.size.len();
        expect(rank > 0 && shape.rank() == rank + 2, || {
            format!(
                "a window of {rank} lengths moves over [images, channels, {rank} lengths], not \
                 over {shape}"
            )
        })?;
        for (name, given) in [
            ("strides", window.stride.len()),
            ("paddings", window.padding.len()),
            ("dilations", window.dilation.len()),
        ] {
            expect(given == 0 || given == rank, || {
                format!("{given} {name} are given for {rank} axes")
            })?;
        }
        let stride =
            if window.stride.is_empty() { window.size.clone() } else { window.stride.clone() };
        let dilation = defaulted(&window.dilation, 1, rank);
        let around =
            if window.padding.is_empty() { vec![(0, 0); rank] } else { window.padding.clone() };
        let mut lengths = Vec::with_capacity(rank);
        for axis in 0..rank {
            expect(window.size[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0, || {
                format!("the window's size, stride and dilation along axis {axis} must be positive")
            })?;
            let n = shape[axis + 2].saturating_add(around[axis].0).saturating_add(around[axis].1);
            let reach = window.reach(axis);
            expect(reach <= n, || {
                format!(
                    "a window that reaches over {reach} does not fit axis {} of {shape}, which has \
                     {n} with its padding",
                    axis + 2
                )
            })?;
            lengths.push((n - reach) / stride[axis] + 1);
        }
        let padded = match around.iter().all(|&w| w == (0, 0)) {
            true => self,
            false if padding == 0.0 => {
                let side = |f: fn(&(usize, usize)) -> usize| -> Vec<i64> {
                    [0, 0].into_iter().chain(around.iter().map(|w| f(w) as i64)).collect()
                };
                let interior = vec![0; rank + 2];
                apply1(Pad { low: side(|w| w.0), high: side(|w| w.1), interior }, &[self])
            }
            false => {
                let edges = around.iter().map(|w| (w.0 as i64, w.1 as i64, 0));
                self.pad(
                    &[(0, 0, 0), (0, 0, 0)].into_iter().chain(edges).collect::<Vec<_>>(),
                    padding,
                )
            }
        };
        let mut parts = Vec::new();
        crate::tensor::for_each_index(&Shape::from(&*window.size), |place| {
            let from = |a: usize| place[a] * dilation[a];
            let whole = padded.shape();
            let mut slice = Slice {
                start: vec![0; rank + 2],
                limit: whole.to_vec(),
                stride: vec![1; rank + 2],
            };
            for a in 0..rank {
                slice.start[a + 2] = from(a);
                slice.limit[a + 2] = from(a) + (lengths[a] - 1) * stride[a] + 1;
                slice.stride[a + 2] = stride[a];
            }
            let same = slice.shape() == whole;
            parts.push(if same { padded } else { apply1(slice, &[padded]) });
        });
        Ok((parts, lengths))
    }
}

impl Window {
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
