//! `scan`: a computation repeated for each part of some values, with something carried on.

use super::cond::remember;
use super::{place, poisoned};
use crate::tree::{Index, Tree, VarTree, skeleton};
pub use riesz_core::control::Checkpoints;
use riesz_core::control::{self, Steps};
use riesz_core::{Error, Result, Source, Var, current_source, fail};

/// Repeats `step` for each part of `xs` along the first axis of its leaves. A step is given what is
/// carried and the parts, and gives what is carried on and results of its own. The last carry, and the
/// results of all steps along a new first axis.
///
/// The whole is one operation however many steps there are. Backwards, what a step needs of its
/// forward run is kept for every step; [`scan_with`] can keep less.
///
/// # Errors
/// Left in the trace when leaves of `xs` have different numbers of parts, or none at all (then use
/// [`fori`](crate::fori)); or when what is carried changes its tree, element types or shapes.
///
/// ```
/// use riesz::prelude::*;
/// // Horner's rule, and its derivative: x ↦ 2x² + 3x + 4.
/// let f = |x: Var| {
///     let coefficients = Var::constant([2.0, 3.0, 4.0]);
///     scan(|y: Var, c: Var| (y * x + c, y), x.zeros_like(), coefficients).0
/// };
/// let f = compile(value_and_grad(f));
/// assert_eq!(f.call(&Tensor::from(10.0))?, (Tensor::from(234.0), Tensor::from(43.0)));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn scan<C: VarTree, X: VarTree, Y: VarTree>(
    step: impl Fn(C, X) -> (C, Y),
    init: C,
    xs: X,
) -> (C, Y) {
    scan_with(step, init, xs, &ScanOptions::default())
}

/// How a [`scan`] runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScanOptions {
    /// Whether the last parts come first. The results stay beside their parts.
    pub reverse: bool,
    /// What reverse mode keeps of the steps; everything it needs by default.
    pub checkpoints: Checkpoints,
}

/// As [`scan`], in another order, or keeping less: a million steps that would keep a hundred bytes each
/// can be reversed in some hundred kilobytes, at the price of running them a second time.
///
/// # Errors
/// Left in the trace as for [`scan`]; and when the bytes allowed are too few, with the number that is
/// enough.
///
/// ```
/// use riesz::prelude::*;
/// let options = ScanOptions { reverse: true, checkpoints: Checkpoints::Within(100_000) };
/// let f = compile(|x: Var| scan_with(|sum: Var, x: Var| (sum + x, sum + x), x.at(0) * 0.0, x, &options));
/// let (total, sums) = f.call(&Tensor::from([1.0, 2.0, 3.0]))?;
/// assert_eq!((total, sums), (Tensor::from(6.0), Tensor::from([6.0, 5.0, 3.0])));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn scan_with<C: VarTree, X: VarTree, Y: VarTree>(
    step: impl Fn(C, X) -> (C, Y),
    init: C,
    xs: X,
    options: &ScanOptions,
) -> (C, Y) {
    let source = current_source();
    let (carry, parts) = (init.leaves(), xs.leaves());
    let length = match steps(&parts) {
        Ok(length) => length,
        Err(error) => {
            if !parts.iter().any(|x| x.is_poisoned()) {
                fail(error.at("scan", source));
            }
            // The step is asked for the tree it would have given.
            return step(poisoned(&init), poisoned(&xs));
        }
    };
    let (mut carried, mut results) = (None, None);
    let ScanOptions { reverse, checkpoints } = *options;
    let steps = Steps { length, reverse, checkpoints };
    let (last, ys) = control::scan(steps, &carry, &parts, |carry, x| {
        let (carry, y) = step(place(&skeleton(&init), carry), place(&skeleton(&xs), x));
        (remember(carry, &mut carried), remember(y, &mut results))
    });
    keeps_structure::<C>("scan", &skeleton(&init), carried, source);
    match results {
        Some(results) => (place(&skeleton(&init), &last), place(&results, &ys)),
        None => step(poisoned(&init), poisoned(&xs)),
    }
}

/// Refuses a carry that comes out as another tree than it went in.
pub(super) fn keeps_structure<T: VarTree>(
    name: &str,
    before: &T::Skeleton,
    after: Option<T::Skeleton>,
    source: Source,
) {
    if after.is_some_and(|after| !after.same::<Index>(before)) {
        let message = "what is carried has another structure after a step than before";
        fail(Error::usage(message).at(name, source).help("keep the same lists and keys"));
    }
}

/// How many parts all of these have along their first axes.
fn steps(parts: &[Var]) -> Result<usize> {
    let mut count = None;
    for (i, x) in parts.iter().enumerate() {
        let Some(&n) = x.shape().first() else {
            return Err(Error::shape(format!(
                "leaf {} is {}, it has no parts to step through",
                i + 1,
                x.ty()
            )));
        };
        match count {
            Some(m) if m != n => {
                return Err(Error::shape(format!("leaf {} has {n} parts, others have {m}", i + 1)));
            }
            _ => count = Some(n),
        }
    }
    count.ok_or_else(|| Error::usage("there is nothing to step through").help("use `fori`"))
}
