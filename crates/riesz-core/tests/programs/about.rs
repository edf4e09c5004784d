//! What is said about the building blocks is true: names, numbers of arguments, differentials of
//! scalar functions as formulas, and the values chosen at kinks.

use crate::differentiate::gradients;
use riesz_core::primitive::{
    About, Attribute, Binary, IntegerPower, Linearity, Polygamma, Unary, about,
};
use riesz_core::{Prim, Primitive, Result, Tensor, apply, eval, jvp, trace};
use std::collections::{BTreeSet, HashMap};

/// An instance that is linear although its kind is not, or the other way round: x¹, casts to what
/// cannot move, and what has programs inside, which decide.
fn is_special(prim: &Prim) -> bool {
    match prim {
        Prim::IntegerPower(power) => power.n == 1,
        Prim::Cast(cast) => !cast.to.is_float(),
        _ => prim.attributes().iter().any(|(_, a)| matches!(a, Attribute::Program(_))),
    }
}

#[test]
fn everything_in_the_list_is_described_once() {
    let all = about::all();
    let described: BTreeSet<&str> = all.iter().map(|a| a.name).collect();
    let samples = Prim::samples();
    let there: BTreeSet<&str> = samples.iter().map(|s| s.prim.name()).collect();
    assert_eq!(described, there);
    assert_eq!(described.len(), all.len(), "a name is described twice");
    let by_name: HashMap<&str, &About> = all.iter().map(|a| (a.name, a)).collect();
    for sample in samples.into_iter().filter(|s| !is_special(&s.prim)) {
        let about = by_name[sample.prim.name()];
        let linearity = sample.prim.linearity();
        assert!(about.arity().is_none_or(|n| n == sample.args.len()), "{about:?}");
        assert_eq!(about.linearity, linearity, "{about:?}");
        assert_eq!(about.transpose.is_empty(), linearity == Linearity::Nonlinear, "{about:?}");
        assert!(!about.differential.is_empty(), "{about:?}");
        assert!(!about.meaning.is_empty() && !about.domain.is_empty(), "{about:?}");
    }
}

#[test]
fn what_is_linear_is_a_linear_map_of_all_that_can_move() -> Result<()> {
    let all = about::all();
    for sample in Prim::samples() {
        let about = all.iter().find(|a| a.name == sample.prim.name());
        let floats: Vec<bool> = sample.args.iter().map(|a| a.dtype().is_float()).collect();
        let linear = match sample.prim.linearity() {
            Linearity::Together(set) => {
                floats.iter().enumerate().all(|(i, f)| !f || set.contains(i))
            }
            _ => false,
        };
        // A cast of whole numbers, say, has no argument that could tell.
        if floats.contains(&true) && !is_special(&sample.prim) {
            assert_eq!(about.is_some_and(About::is_linear), linear, "{:?}", sample.prim);
        }
    }
    Ok(())
}

/// The value of a formula in `x`, `y`, `dx`, `dy` and `n`.
struct Formula<'a> {
    rest: &'a str,
    values: &'a [(&'a str, f64)],
}

impl Formula<'_> {
    fn of(text: &str, values: &[(&str, f64)]) -> f64 {
        let mut formula = Formula { rest: text, values };
        let value = formula.sum();
        assert!(formula.rest.trim().is_empty(), "{text}: what is `{}`?", formula.rest);
        value
    }

    fn skip(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(sign) {
            Some(rest) => self.rest = rest,
            None => return false,
        }
        true
    }

    fn sum(&mut self) -> f64 {
        let mut sum = self.product();
        loop {
            if self.skip('+') {
                sum += self.product();
            } else if self.skip('-') {
                sum -= self.product();
            } else {
                return sum;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut product = self.signed();
        loop {
            if self.skip('*') {
                product *= self.signed();
            } else if self.skip('/') {
                product /= self.signed();
            } else {
                return product;
            }
        }
    }

    fn signed(&mut self) -> f64 {
        if self.skip('-') {
            return -self.signed();
        }
        let base = self.atom();
        if self.skip('^') { base.powf(self.atom()) } else { base }
    }

    fn atom(&mut self) -> f64 {
        if self.skip('(') {
            let value = self.sum();
            assert!(self.skip(')'), "{}", self.rest);
            return value;
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if self.skip('(') {
            let mut args = vec![self.sum()];
            while self.skip(',') {
                args.push(self.sum());
            }
            assert!(self.skip(')'), "{}", self.rest);
            return call(word, &args);
        }
        let known = self.values.iter().find(|v| v.0 == word).map(|v| v.1);
        let number = || if word == "pi" { Ok(std::f64::consts::PI) } else { word.parse() };
        known.map_or_else(number, Ok).unwrap_or_else(|_| panic!("what is `{word}`?"))
    }
}

fn call(name: &str, args: &[f64]) -> f64 {
    let tensors: Vec<Tensor> = args.iter().map(|&a| Tensor::from(a)).collect();
    let prim = match (name, args) {
        ("polygamma", [n, _]) => Prim::from(Polygamma { n: *n as u32 }),
        (_, [_]) => match Unary::ALL.iter().find(|u| u.row().name == name) {
            Some(&op) => op.into(),
            None => panic!("there is no function {name}"),
        },
        _ => match Binary::ALL.iter().find(|b| b.row().name == name) {
            Some(&op) => op.into(),
            None => panic!("there is no function {name}"),
        },
    };
    let of: Vec<&Tensor> = tensors.iter().skip(args.len() - prim_arity(&prim)).collect();
    prim.eval(&of).and_then(|y| y[0].item()).unwrap_or(f64::NAN)
}

fn prim_arity(prim: &Prim) -> usize {
    if matches!(prim, Prim::Binary(_)) { 2 } else { 1 }
}

/// The tangent of `prim` at `x` along `dx`.
fn tangent(prim: Prim, x: &[f64], dx: &[f64]) -> Result<f64> {
    let args: Vec<Tensor> = x.iter().chain(dx).map(|&v| Tensor::from(v)).collect();
    let types: Vec<_> = args[..x.len()].iter().map(Tensor::ty).collect();
    let program = trace(&types, |x| apply(prim, x).to_vec())?;
    eval(&jvp(&program, &vec![true; x.len()])?, &args)?[1].item()
}

#[test]
fn the_differentials_of_scalar_functions_are_the_formulas_that_are_shown() -> Result<()> {
    let all = about::all();
    let text = |name: &str| {
        let about = all.iter().find(|a| a.name == name);
        about.map(|a| a.differential.clone()).unwrap_or_default()
    };
    let check = |prim: Prim, x: &[f64], dx: &[f64], formula: &str, n: f64| -> Result<()> {
        let names = ["x", "y", "dx", "dy"];
        let values = [x[0], *x.last().unwrap_or(&0.0), dx[0], *dx.last().unwrap_or(&0.0)];
        let mut values: Vec<(&str, f64)> = names.into_iter().zip(values).collect();
        values.push(("n", n));
        let (ours, shown) = (tangent(prim.clone(), x, dx)?, Formula::of(formula, &values));
        let close = (ours - shown).abs() <= 1e-13 * ours.abs().max(1.0);
        assert!(close, "{prim:?} at {x:?}: {ours}, but `{formula}` is {shown}");
        Ok(())
    };
    for &op in Unary::ALL {
        let (lo, hi) = op.row().sample;
        for k in 1..6 {
            let x = lo + (hi - lo) * f64::from(k) / 6.1;
            check(op.into(), &[x], &[0.7], &text(op.name()), 0.0)?;
        }
    }
    for &op in Binary::ALL {
        let [(a, b), (c, d)] = op.row().sample;
        // Of two arguments, one wins: the sample of each has x > y.
        let formula = match op {
            Binary::Max => "dx",
            Binary::Min => "dy",
            _ => &text(op.name()),
        };
        for k in 1..6 {
            let t = f64::from(k) / 6.1;
            let x = [a + (b - a) * t, d + (c - d) * t];
            check(op.into(), &x, &[0.7, -1.3], formula, 0.0)?;
        }
    }
    for n in [-3, -1, 2, 5] {
        check(IntegerPower { n }.into(), &[1.3], &[0.7], &text("integer_power"), n.into())?;
    }
    for n in [1, 2, 4] {
        check(Polygamma { n }.into(), &[1.3], &[0.7], &text("polygamma"), n.into())?;
    }
    Ok(())
}

/// A function of one argument, a point without a derivative, and the value chosen there.
const KINKS: &[(&str, f64, f64)] = &[
    ("abs", 0.0, 0.0),
    ("sign", 0.0, 0.0),
    ("floor", -2.0, 0.0),
    ("ceil", 3.0, 0.0),
    ("round", 0.5, 0.0),
    ("trunc", 1.0, 0.0),
    ("recip", 0.0, f64::NEG_INFINITY),
    ("sqrt", 0.0, f64::INFINITY),
    ("rsqrt", 0.0, f64::NEG_INFINITY),
    ("cbrt", 0.0, f64::INFINITY),
    ("log", 0.0, f64::INFINITY),
    ("log2", 0.0, f64::INFINITY),
    ("log10", 0.0, f64::INFINITY),
    ("log1p", -1.0, f64::INFINITY),
    ("asin", 1.0, f64::INFINITY),
    ("asin", -1.0, f64::INFINITY),
    ("acos", 1.0, f64::NEG_INFINITY),
    ("acos", -1.0, f64::NEG_INFINITY),
    ("acosh", 1.0, f64::INFINITY),
    ("atanh", 1.0, f64::INFINITY),
    ("atanh", -1.0, f64::INFINITY),
    ("erfinv", 1.0, f64::INFINITY),
    ("erfinv", -1.0, f64::INFINITY),
    ("lgamma", 0.0, f64::NEG_INFINITY),
    ("lgamma", -2.0, f64::NAN),
    ("digamma", 0.0, f64::INFINITY),
    ("digamma", -3.0, f64::INFINITY),
];

#[test]
fn at_kinks_the_value_is_the_one_that_is_shown() -> Result<()> {
    for &(name, at, slope) in KINKS {
        let Some(&op) = Unary::ALL.iter().find(|u| u.row().name == name) else {
            panic!("there is no {name}");
        };
        let got: f64 = gradients(&[Tensor::from(at)], |x| apply(op, x)[0])?[0].item()?;
        assert!(got == slope || (got.is_nan() && slope.is_nan()), "{name} at {at}: {got}");
        let kinks = op.row().kinks;
        let word = if slope.is_nan() {
            "NaN"
        } else if slope == 0.0 {
            "0 at"
        } else {
            "infinite"
        };
        assert!(kinks.contains(word), "{name} at {at} is {got}, but it says `{kinks}`");
    }
    for op in Unary::ALL.iter().filter(|op| !op.row().kinks.is_empty()) {
        let name = op.row().name;
        assert!(KINKS.iter().any(|k| k.0 == name), "no test of the kinks of {name}");
    }
    Ok(())
}
