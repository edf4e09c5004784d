//! Derivatives as formulas held against differences of the expression itself.

use riesz_lang::ast::{Facts, Kind};
use riesz_lang::formula::{Derivative, Form, Request, derive};
use riesz_lang::interp::{Dense, evaluate};
use riesz_lang::typed::{ExprId, Typed, VarId, Variable};
use riesz_lang::{Checker, parse_declarations, parse_formula};

/// Numbers in (0, 1) from a 64-bit linear congruential generator (Knuth's constants).
pub struct Random(pub u64);

impl Random {
    pub fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// An expression under its declarations.
pub fn read(expression: &str, declarations: &str) -> (Typed, ExprId) {
    let mut checker = Checker::new();
    for d in parse_declarations(declarations).unwrap_or_else(|e| panic!("{declarations}: {e}")) {
        checker.declare(&d);
    }
    let formula = parse_formula(expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let root = checker.formula(&formula).unwrap_or_else(|e| panic!("{expression}: {e}"));
    (checker.finish().unwrap_or_else(|e| panic!("{expression}: {e}")), root)
}

pub fn request<'a>(kind: &str, wrt: &'a str) -> Request<'a> {
    match kind {
        "grad" | "jac" => Request::First(wrt),
        "hess" => Request::Second(wrt),
        "mixed" => {
            let (x, y) = wrt.split_once(',').expect("two names");
            Request::Mixed(x, y)
        }
        "hvp" => Request::HessianProduct(wrt),
        "diff" => Request::Differential(wrt),
        "jacvec" => Request::VecJacobian(wrt),
        other => panic!("kind {other}"),
    }
}

fn size(typed: &Typed, d: riesz_lang::dims::Dim) -> usize {
    let factor = |text: &str| match text {
        "m" => 4,
        "n" => 3,
        "k" => 2,
        "p" => 5,
        other => other.parse().unwrap_or(3),
    };
    typed.dims.text(d).split('*').map(factor).product()
}

/// A random value of a variable's shape with its facts.
fn sample(typed: &Typed, v: &Variable, random: &mut Random) -> Dense {
    let (m, n) = (size(typed, v.shape.rows), size(typed, v.shape.cols));
    let (lo, hi) = v.facts.range.unwrap_or(if v.facts.positive { (0.5, 1.5) } else { (-1.0, 1.0) });
    let raw = Dense::from_fn(m, n, |_, _| lo + (hi - lo) * random.unit());
    let eye = |i: usize, j: usize| f64::from(i == j);
    let dot = |i: usize, j: usize| (0..n).map(|k| raw.at(i, k) * raw.at(j, k)).sum::<f64>();
    match v.facts {
        Facts { diagonal: true, .. } => Dense::from_fn(m, n, |i, j| eye(i, j) * raw.at(i, j)),
        Facts { psd: true, .. } => Dense::from_fn(m, n, |i, j| dot(i, j) + eye(i, j)),
        Facts { symmetric: true, .. } => {
            Dense::from_fn(m, n, |i, j| 0.5 * (raw.at(i, j) + raw.at(j, i)))
        }
        Facts { orthogonal: true, .. } => orthonormal(raw),
        Facts { posdet: true, .. } => Dense::from_fn(m, n, |i, j| raw.at(i, j) + 3.0 * eye(i, j)),
        _ => raw,
    }
}

/// The rows made orthonormal (Gram and Schmidt).
fn orthonormal(mut a: Dense) -> Dense {
    let n = a.cols;
    for i in 0..n {
        for j in 0..i {
            let dot: f64 = (0..n).map(|k| a.at(i, k) * a.at(j, k)).sum();
            (0..n).for_each(|k| a.data[i * n + k] -= dot * a.data[j * n + k]);
        }
        let norm = (0..n).map(|k| a.at(i, k).powi(2)).sum::<f64>().sqrt();
        (0..n).for_each(|k| a.data[i * n + k] /= norm);
    }
    a
}

/// All coordinate directions of the space a variable lives in.
fn directions(v: &Variable, at: &Dense) -> Vec<Dense> {
    let mut all = Vec::new();
    for i in 0..at.rows {
        for j in 0..at.cols {
            let skip = (v.facts.diagonal && i != j) || (v.facts.symmetric && j < i);
            if !skip {
                all.push(Dense::from_fn(at.rows, at.cols, |a, b| {
                    let other = v.facts.symmetric && (a, b) == (j, i);
                    f64::from((a, b) == (i, j) || other)
                }));
            }
        }
    }
    all
}

type Point = Vec<Option<Dense>>;

fn value(typed: &Typed, root: ExprId, point: &Point) -> Dense {
    evaluate(typed, root, point).unwrap_or_else(|e| panic!("{e}"))
}

fn combine(a: &Dense, s: f64, b: &Dense) -> Dense {
    Dense::from_fn(a.rows, a.cols, |i, j| a.at(i, j) + s * b.at(i, j))
}

/// The derivative along a direction: central differences, twice extrapolated (error ~ h^6).
fn difference(typed: &Typed, root: ExprId, point: &Point, v: VarId, d: &Dense) -> Dense {
    let at = |h: f64| {
        let mut p = point.clone();
        p[v.index()] = p[v.index()].as_ref().map(|x| combine(x, h, d));
        value(typed, root, &p)
    };
    let central = |h: f64| {
        let (up, down) = (at(h), at(-h));
        Dense::from_fn(up.rows, up.cols, |i, j| (up.at(i, j) - down.at(i, j)) / (2.0 * h))
    };
    let h = 4e-3;
    let (a, b, c) = (central(h), central(h / 2.0), central(h / 4.0));
    let ab = combine(&combine(&b, 1.0 / 3.0, &b), -1.0 / 3.0, &a);
    let bc = combine(&combine(&c, 1.0 / 3.0, &c), -1.0 / 3.0, &b);
    combine(&combine(&bc, 1.0 / 15.0, &bc), -1.0 / 15.0, &ab)
}

fn worst(got: &Dense, want: &Dense) -> f64 {
    assert_eq!((got.rows, got.cols), (want.rows, want.cols), "shape");
    let scale = want.data.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    got.data
        .iter()
        .zip(&want.data)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |m, x| if x.is_nan() { f64::INFINITY } else { m.max(x) })
}

/// Derives, and holds the formula against differences at three points: the largest relative
/// error.
pub fn check(kind: &str, expression: &str, wrt: &str, declarations: &str) -> (Derivative, f64) {
    let (typed, root) = read(expression, declarations);
    let made = derive(&typed, root, request(kind, wrt))
        .unwrap_or_else(|e| panic!("{kind} of {expression} by {wrt}: {e}"));
    // What is differenced: the expression, or its gradient formula.
    let first = wrt.split(',').next().unwrap_or(wrt);
    let (base, base_root) = match kind {
        "hess" | "mixed" | "hvp" => {
            let g = derive(&typed, root, Request::First(first)).unwrap_or_else(|e| panic!("{e}"));
            (g.typed, g.root)
        }
        _ => (typed, root),
    };
    let last = wrt.rsplit(',').next().unwrap_or(wrt);
    let v = base.find_var(last).expect("the variable");
    let mut random = Random(expression.len() as u64 * 7919 + 17);
    let mut error: f64 = 0.0;
    for _ in 0..3 {
        let point: Point = base.vars.iter().map(|v| Some(sample(&base, v, &mut random))).collect();
        let at = point[v.index()].clone().expect("a value");
        for d in directions(base.var(v), &at) {
            let want = difference(&base, base_root, &point, v, &d);
            let mut p = point.clone();
            if made.form == Form::Differential {
                p.push(Some(d.clone()));
            }
            let got = value(&made.typed, made.root, &p);
            let (got, want) = applied(made.form, kind, &got, &d, &want);
            error = error.max(worst(&got, &want));
        }
    }
    (made, error)
}

/// The derivative applied to a direction, beside what it should give.
fn applied(form: Form, kind: &str, got: &Dense, d: &Dense, want: &Dense) -> (Dense, Dense) {
    let want_column = Dense::vector(want.data.clone());
    match form {
        Form::Differential => (got.clone(), want.clone()),
        Form::Gradient => {
            assert_eq!((got.rows, got.cols), (d.rows, d.cols), "the gradient's shape");
            let inner = got.data.iter().zip(&d.data).map(|(a, b)| a * b).sum();
            (Dense::scalar(inner), want.clone())
        }
        _ if d.data.len() == 1 => (
            Dense { data: got.data.iter().map(|x| x * d.data[0]).collect(), ..got.clone() },
            want.clone(),
        ),
        _ => {
            let columns =
                |x: &Dense| Dense::from_fn(x.rows * x.cols, 1, |i, _| x.at(i % x.rows, i / x.rows));
            let (d, want) = if kind == "jacvec" {
                (columns(d), columns(want))
            } else {
                (d.clone(), want_column)
            };
            let applied = Dense::from_fn(got.rows, 1, |i, _| {
                (0..got.cols).map(|k| got.at(i, k) * d.data[k]).sum()
            });
            (applied, want)
        }
    }
}

/// How a kind of derivative must come out, unless the language has no form for it.
pub fn wanted_form(kind: &str, typed: &Typed, wrt: &str) -> Option<Form> {
    let scalar = typed.find_var(wrt).is_some_and(|v| typed.var(v).shape.kind == Kind::Scalar);
    Some(match kind {
        "grad" => Form::Gradient,
        "hess" => Form::Hessian,
        "jac" | "jacvec" if !scalar => Form::Jacobian,
        "hvp" | "diff" => Form::Differential,
        _ => return None,
    })
}
