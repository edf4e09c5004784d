//! Points without a derivative: where the slopes from the two sides of a point do not agree.
//!
//! Along a direction v, the quotients (f(x + hv) − f(x))/h and (f(x) − f(x − hv))/h of a smooth f come
//! together like h. At a kink they stay apart, at a jump one of them grows like 1/h, and at the edge of
//! the domain one side has no value. Two steps h tell these cases apart, but for functions that change much
//! within these; what looks like a kink or a jump must look so with all shorter steps, as far as rounding allows.

use super::{directions, moved};
use crate::error::Result;
use crate::eval::eval;
use crate::jvp;
use crate::program::Program;
use crate::tensor::Tensor;

/// What is in the way of a derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Two slopes.
    Kink,
    /// A slope without bound.
    Jump,
    /// No value on one side.
    Edge,
}

/// An entry of a result that has no derivative at a point, along a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kink {
    /// What it is.
    pub kind: Break,
    /// The position of the entry, row by row.
    pub entry: usize,
    /// The slope before the point.
    pub before: f64,
    /// The slope after the point.
    pub after: f64,
    /// What the differential says.
    pub differential: f64,
    /// How far rounding may have moved the slopes.
    pub noise: f64,
}

impl Kink {
    /// How far the differential is outside the interval between the slopes, beyond rounding, relative to the larger
    /// of 1 and the differential. Inside, it is what one of Clarke's generalised gradients says along
    /// this direction (Optimization and Nonsmooth Analysis, 1983).
    pub fn outside(&self) -> f64 {
        let (low, high) = (self.before.min(self.after), self.before.max(self.after));
        let far = (low - self.differential).max(self.differential - high);
        let far = (far - self.noise).max(0.0);
        far / self.differential.abs().max(1.0)
    }
}

/// The longer and the shorter step, and those that confirm what is found.
const STEPS: [f64; 5] = [1e-4, 1e-6, 1e-8, 1e-10, 1e-12];
/// Slopes that differ by less than this fraction of their size may differ by rounding or curvature.
const APART: f64 = 1e-5;
/// The same for the sizes of value and change, which the quotients divide by the step.
const ROUNDING: f64 = 1e-13;

/// For each result of a program of f64 tensors, the entry whose slopes from both sides differ most at
/// a point, along the directions that [`check_program`](super::check_program) makes from `seed`;
/// `None` where the result is smooth.
///
/// # Errors
/// When the program cannot be transformed or run.
///
/// ```
/// use riesz_core::{DType, Tensor, Type, check::{Break, kinks}, trace};
/// let f = trace(&[Type::scalar(DType::F64)], |x| vec![x[0].abs(), x[0].exp()])?;
/// let found = kinks(&f, &[Tensor::from(0.0)], &[true], 1)?;
/// assert_eq!(found[0].map(|kink| kink.kind), Some(Break::Kink));
/// assert_eq!(found[1], None);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn kinks(
    program: &Program,
    at: &[Tensor],
    wrt: &[bool],
    seed: u64,
) -> Result<Vec<Option<Kink>>> {
    let v = directions(at, wrt, seed)?;
    let args: Vec<Tensor> = at.iter().chain(&v).cloned().collect();
    let outputs = eval(&jvp(program, wrt)?, &args)?;
    let (values, tangents) = outputs.split_at(program.outputs().len());
    let marked = at.iter().zip(wrt).filter(|w| *w.1).flat_map(|(x, _)| x.to_f64());
    let largest = marked.fold(0.0f64, |a, x| a.max(x.abs()));
    let slopes = |h: f64| -> Result<Sides> {
        // Outside the domain an operation may have no result at all.
        let side = |h: f64| -> Result<Option<Vec<Tensor>>> {
            Ok(eval(program, &moved(at, wrt, &v, h)?).ok())
        };
        Ok((h, side(-h)?, side(h)?))
    };
    let steps = STEPS.map(|h| h * largest.max(1.0));
    let mut sides = vec![slopes(steps[0])?, slopes(steps[1])?];
    let found = breaks(values, tangents, &sides, largest);
    if found.iter().all(Option::is_none) {
        return Ok(found);
    }
    for h in &steps[2..] {
        sides.push(slopes(*h)?);
    }
    Ok(breaks(values, tangents, &sides, largest))
}

/// A step, and the results on both sides.
type Sides = (f64, Option<Vec<Tensor>>, Option<Vec<Tensor>>);

/// For each result the entry whose slopes differ most; `largest` is the size of the point.
fn breaks(
    values: &[Tensor],
    tangents: &[Tensor],
    sides: &[Sides],
    largest: f64,
) -> Vec<Option<Kink>> {
    let mut float_outputs = tangents.iter();
    let mut all = Vec::new();
    for (i, value) in values.iter().enumerate() {
        let tangent = value.dtype().is_float().then(|| float_outputs.next()).flatten();
        let Some(tangent) = tangent else {
            all.push(None);
            continue;
        };
        let slopes = |(h, before, after): &Sides| {
            let numbers = |side: &Option<Vec<Tensor>>| match side {
                Some(results) => results[i].to_f64(),
                None => vec![f64::NAN; value.len()],
            };
            let (before, after) = (numbers(before), numbers(after));
            let slopes = value.to_f64().into_iter().zip(before.into_iter().zip(after));
            slopes.map(|(y, (b, a))| ((y - b) / h, (a - y) / h)).collect::<Vec<_>>()
        };
        let slopes: Vec<_> = sides.iter().map(|s| (s.0, slopes(s))).collect();
        let found = value.to_f64().into_iter().zip(tangent.to_f64()).enumerate().filter_map(
            |(entry, (y, differential))| {
                let own: Vec<Slopes> = slopes.iter().map(|(h, s)| (*h, s[entry])).collect();
                let rounding = ROUNDING * (y.abs() + largest * differential.abs());
                let kind = kind(&own, y, rounding, differential)?;
                let (h, (before, after)) = own[1];
                let noise = rounding / h;
                Some(Kink { kind, entry, before, after, differential, noise })
            },
        );
        let gap = |k: &Kink| (k.after - k.before).abs();
        all.push(found.max_by(|a, b| gap(a).total_cmp(&gap(b))));
    }
    all
}

/// A step, and the slopes before and after the point.
type Slopes = (f64, (f64, f64));

/// What slopes with shorter and shorter steps show of an entry whose value is `y` and whose differences are
/// rounded by `rounding`.
fn kind(slopes: &[Slopes], y: f64, rounding: f64, differential: f64) -> Option<Break> {
    let [long, short, shorter @ ..] = slopes else { return None };
    let mut found = between(long.1, short.1, y, rounding / short.0)?;
    let mut last = short.1;
    for (h, next) in shorter {
        let (size, noise) = ((last.1 - last.0).abs(), rounding / h);
        // Beyond this rounding hides what there is.
        if found == Break::Edge || size.is_nan() || noise > 0.1 * size {
            break;
        }
        found = between(last, *next, y, noise)?;
        last = *next;
    }
    // Slopes that grow, but not beyond what the differential says, are bounded as far as can be seen.
    let size = last.0.abs().max(last.1.abs());
    let bounded = differential.is_finite() && size <= 2.0 * differential.abs();
    (found != Break::Jump || !bounded).then_some(found)
}

/// What slopes with a long and a short step show, whose rounding is `noise`.
fn between(long: (f64, f64), short: (f64, f64), y: f64, noise: f64) -> Option<Break> {
    if !y.is_finite() {
        return None;
    }
    if short.0.is_finite() != short.1.is_finite() {
        return Some(Break::Edge);
    }
    let size = |(before, after): (f64, f64)| before.abs().max(after.abs());
    let gap = |(before, after): (f64, f64)| (after - before).abs();
    let noise = APART * size(short).max(1.0) + noise;
    if size(short) > noise && size(short) > 5.0 * size(long) && size(short) > 1.0 {
        return Some(Break::Jump);
    }
    // The gap of a smooth function shrinks a hundredfold.
    (gap(short) > noise && gap(short) > 0.3 * gap(long)).then_some(Break::Kink)
}
