//! The discrete Fourier transform, with complex numbers as pairs along a last axis of length 2.

use crate::error::Error;
use crate::primitive::{Fft, Irfft, Rfft};
use crate::trace::{Var, apply1, fail};

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
        self.along_axis(axis, 1, |x| apply1(Fft { inverse: false }, &[x]))
    }

    /// The inverse of [`Var::fft`]: Σⱼ xⱼ·exp(2πi·jk/n)/n.
    #[track_caller]
    pub fn ifft(self, axis: usize) -> Var {
        self.along_axis(axis, 1, |x| apply1(Fft { inverse: true }, &[x]))
    }

    /// The transform of n real numbers along an axis: its first n/2 + 1 entries, as pairs along a new
    /// last axis. The others are their conjugates.
    #[track_caller]
    pub fn rfft(self, axis: usize) -> Var {
        let rank = self.rank();
        if axis >= rank {
            return self.no_axis(axis);
        }
        let y = apply1(Rfft, &[self.move_axis(axis, rank - 1)]);
        if y.is_poisoned() { y } else { y.move_axis(rank - 1, axis) }
    }

    /// The inverse of [`Var::rfft`] for `n` real numbers, from `n/2 + 1` pairs along an axis.
    #[track_caller]
    pub fn irfft(self, axis: usize, n: usize) -> Var {
        let rank = self.rank();
        if axis + 2 > rank {
            return self.no_axis(axis);
        }
        let x = apply1(Irfft { n }, &[self.move_axis(axis, rank - 2)]);
        if x.is_poisoned() { x } else { x.move_axis(rank - 2, axis) }
    }

    /// Applies `f`, which works before the last `after` axes, along another axis.
    #[track_caller]
    fn along_axis(self, axis: usize, after: usize, f: impl FnOnce(Var) -> Var) -> Var {
        let rank = self.rank();
        if axis + after >= rank {
            return self.no_axis(axis);
        }
        let last = rank - 1 - after;
        let y = f(self.move_axis(axis, last));
        if y.is_poisoned() { y } else { y.move_axis(last, axis) }
    }

    #[track_caller]
    fn no_axis(self, axis: usize) -> Var {
        if self.is_poisoned() {
            return self;
        }
        fail(
            Error::shape(format!("there is no axis {axis} to transform in {}", self.ty()))
                .help("complex numbers are pairs along the last axis, which is not counted")
                .at("fft", crate::trace::current_source()),
        )
    }
}
