//! The discrete Fourier transform, with complex numbers as pairs along a last axis of length 2.

use super::check::{composed, expect};
use crate::primitive::{Fft, Irfft, Rfft};
use crate::trace::{Var, apply1};

/// The discrete Fourier transform along one axis, counted without the axis of the pairs.
impl Var {
    /// Σⱼ xⱼ·exp(−2πi·jk/n), for complex numbers as pairs: the shape `[…, 2]` stays.
    ///
    /// ```
    /// use riesz_core::{Tensor, eval, trace};
    /// let x = Tensor::from([[1.0, 0.0], [0.0, 0.0]]);
    /// let f = trace(&[x.ty()], |x| vec![x[0].fft(0)])?;
    /// assert_eq!(eval(&f, &[x])?, vec![Tensor::from([[1.0, 0.0], [1.0, 0.0]])]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn fft(self, axis: usize) -> Var {
        self.along_axis("fft", axis, [1, 1], |x| apply1(Fft { inverse: false }, &[x]))
    }

    /// The inverse of [`Var::fft`]: Σⱼ xⱼ·exp(2πi·jk/n)/n.
    #[track_caller]
    pub fn ifft(self, axis: usize) -> Var {
        self.along_axis("ifft", axis, [1, 1], |x| apply1(Fft { inverse: true }, &[x]))
    }

    /// The transform of n real numbers along an axis: its first n/2 + 1 entries, as pairs along a new
    /// last axis. The others are their conjugates.
    #[track_caller]
    pub fn rfft(self, axis: usize) -> Var {
        self.along_axis("rfft", axis, [0, 1], |x| apply1(Rfft, &[x]))
    }

    /// The inverse of [`Var::rfft`] for `n` real numbers, from `n/2 + 1` pairs along an axis.
    #[track_caller]
    pub fn irfft(self, axis: usize, n: usize) -> Var {
        self.along_axis("irfft", axis, [1, 0], |x| apply1(Irfft { n }, &[x]))
    }

    /// Applies `f` along an axis. What it takes and what it gives has so many `pairs` axes, none or
    /// one, after the axis along which it works.
    #[track_caller]
    fn along_axis(
        self,
        name: &str,
        axis: usize,
        pairs: [usize; 2],
        f: impl FnOnce(Var) -> Var,
    ) -> Var {
        composed(name, &[self], || {
            let rank = self.rank();
            expect(axis + pairs[0] < rank, || format!("there is no axis {axis} in {}", self.ty()))
                .map_err(|e| if pairs[0] == 1 { e.help(PAIRS) } else { e })?;
            let y = f(self.move_axis(axis, rank - 1 - pairs[0]));
            Ok(if y.is_poisoned() { y } else { y.move_axis(y.rank() - 1 - pairs[1], axis) })
        })
    }
}

const PAIRS: &str = "complex numbers are pairs along the last axis, which is not counted";
