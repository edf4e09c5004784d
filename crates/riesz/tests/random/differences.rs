//! Derivatives by differences, and how far they can be trusted.

use riesz::prelude::*;

/// What a comparison says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Agrees,
    /// The differences were too rough to tell.
    Unclear,
    Wrong(String),
}

impl Verdict {
    /// Both: the worse of the two.
    pub fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Wrong(what), _) | (_, Verdict::Wrong(what)) => Verdict::Wrong(what),
            (Verdict::Agrees, Verdict::Agrees) => Verdict::Agrees,
            _ => Verdict::Unclear,
        }
    }

    pub fn expect(holds: bool, what: impl FnOnce() -> String) -> Verdict {
        if holds { Verdict::Agrees } else { Verdict::Wrong(what()) }
    }

    /// Two vectors agree up to rounding, relative to the largest element.
    pub fn close(a: &[f64], b: &[f64], tolerance: f64, what: &str) -> Verdict {
        let scale = b.iter().fold(1.0, |m: f64, b| m.max(b.abs()));
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance * scale;
        let fits = a.len() == b.len() && a.iter().zip(b).all(near);
        Verdict::expect(fits, || format!("{what}: {a:?} is not {b:?}"))
    }
}

/// A derivative by differences, and an estimate of its error.
pub struct Differential {
    values: Vec<f64>,
    error: f64,
}

impl Differential {
    /// ⟨w, ·⟩ of the derivative.
    pub fn weighted(self, w: &[f64]) -> Differential {
        let values = vec![self.values.iter().zip(w).map(|(v, w)| v * w).sum()];
        Differential { values, error: self.error * w.len().max(1) as f64 }
    }

    /// Whether `values` are this derivative.
    pub fn compare(&self, values: &[f64], what: &str) -> Verdict {
        let scale = self.values.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
        if self.error.is_nan() || self.error > 1e-5 * scale {
            return Verdict::Unclear;
        }
        Verdict::close(values, &self.values, 1e-7 + 10.0 * self.error / scale, what)
    }
}

/// Df(x)[v] by central differences with extrapolation (Ridders 1982), the best of its table.
pub fn differential(
    f: &dyn Fn(&[f64]) -> Result<Vec<f64>>,
    x: &[f64],
    v: &[f64],
) -> Result<Differential> {
    let central = |h: f64| -> Result<Vec<f64>> {
        let moved = |h: f64| x.iter().zip(v).map(|(x, v)| x + h * v).collect::<Vec<f64>>();
        let (plus, minus) = (f(&moved(h))?, f(&moved(-h))?);
        Ok(plus.iter().zip(minus).map(|(p, m)| (p - m) / (2.0 * h)).collect())
    };
    let mut column =
        (0..6).map(|k| central(0.04 / f64::from(1 << k))).collect::<Result<Vec<_>>>()?;
    let apart = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).fold(0.0, |worst: f64, (a, b)| {
            // A NaN is the largest error.
            if worst.is_nan() || (a - b).is_nan() { f64::NAN } else { worst.max((a - b).abs()) }
        })
    };
    let mut best = Differential { values: column[0].clone(), error: f64::INFINITY };
    for order in 1..6 {
        let factor = f64::from(1 << (2 * order));
        let mut next: Vec<Vec<f64>> = Vec::new();
        for pair in column.windows(2) {
            let finer = pair[1].iter().zip(&pair[0]);
            let values: Vec<f64> = finer.map(|(f, c)| f + (f - c) / (factor - 1.0)).collect();
            let error = apart(&values, &pair[0]).max(apart(&values, &pair[1]));
            if error < best.error {
                best = Differential { values: values.clone(), error };
            }
            next.push(values);
        }
        column = next;
    }
    Ok(best)
}
