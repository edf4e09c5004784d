//! Sums of exponentials, which would overflow if they were computed as they are written.

use super::check::of_floats;
use crate::control::custom_jvp;
use crate::trace::{Var, current_source};
use crate::types::DType;

/// Exponentials divided by their sum, and the logarithm of that sum.
impl Var {
    /// log Σ exp of all elements, without overflow.
    #[track_caller]
    pub fn logsumexp(self) -> Var {
        self.logsumexp_axes(&self.every_axis())
    }

    /// log Σ exp along some axes, which disappear.
    #[track_caller]
    pub fn logsumexp_axes(self, axes: &[usize]) -> Var {
        of_floats("logsumexp", self, || {
            let (below, largest) = self.below_largest(axes);
            below.exp().sum_axes(axes).log() + largest
        })
    }

    /// exp(x)/Σ exp(x) along one axis, without overflow.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Var {
        of_floats("softmax", self, || {
            let e = self.below_largest(&[axis]).0.exp();
            e / e.sum_axes(&[axis]).keep_axes(&[axis])
        })
    }

    /// x − log Σ exp(x) along one axis.
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Var {
        of_floats("log_softmax", self, || {
            let below = self.below_largest(&[axis]).0;
            below - below.exp().sum_axes(&[axis]).log().keep_axes(&[axis])
        })
    }

    /// How far each element lies above the largest along `axes`, so that its exponential is at most 1;
    /// and the largest. If all are −∞ they are compared with 0.
    ///
    /// The largest is a constant for derivatives, as what is made of both does not depend on it; and
    /// the slope is 1 at +∞ too, which lies 0 above itself. The last is why the rule is written by hand.
    fn below_largest(self, axes: &[usize]) -> (Var, Var) {
        let most = if self.dtype() == DType::F32 { f64::from(f32::MAX) } else { f64::MAX };
        let value = |x: &[Var]| {
            let largest = x[0].max_axes(axes);
            let any = largest.gt(f64::NEG_INFINITY);
            let shift = Var::select(any, largest.minimum(most), 0.0);
            let below = x[0].minimum(most) - shift.keep_axes(axes);
            vec![below, Var::select(any, largest, 0.0)]
        };
        let tangent = |_: &[Var], y: &[Var], dx: &[Var]| vec![dx[0], y[1].zeros_like()];
        match custom_jvp(current_source(), true, &[self], value, tangent)[..] {
            [below, largest] => (below, largest),
            ref refused => refused.first().map_or((self, self), |&v| (v, v)),
        }
    }
}
