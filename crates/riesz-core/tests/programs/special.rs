//! Every scalar function against multiple-precision values over its whole domain.
//!
//! `data/special.tsv` was written by `data/special.py`. Set `RIESZ_ULP_TABLE` to a longer table of the
//! same form to search further, and run with `--nocapture` to see the worst error of each function.

use riesz_core::primitive::{Binary, Polygamma, Primitive, Sinc, Unary};
use riesz_core::{DType, Prim, Result, Tensor, Type, apply, eval, jvp, trace};
use std::collections::BTreeMap;

const TABLE: &str = include_str!("data/special.tsv");

fn value(name: &str, x: f64, y: f64) -> Result<Option<f64>> {
    let number = |t: Vec<Tensor>| t[0].item::<f64>().map(Some);
    let x_tensor = Tensor::from(x);
    if let Some(op) = Unary::ALL.iter().find(|u| u.row().name == name) {
        return number(op.eval(&[&x_tensor])?);
    }
    if let Some(op) = Binary::ALL.iter().find(|b| b.row().name == name) {
        return number(op.eval(&[&x_tensor, &Tensor::from(y)])?);
    }
    match name {
        "sinc" => number(Sinc { order: y as u32 }.eval(&[&x_tensor])?),
        "polygamma" => number(Polygamma { n: y as u32 }.eval(&[&x_tensor])?),
        _ => Ok(None),
    }
}

/// The distance from one double to the next of its magnitude.
fn ulp(x: f64) -> f64 {
    let x = x.abs().min(f64::MAX);
    let next = f64::from_bits(x.to_bits() + 1);
    if next.is_finite() { next - x } else { x - f64::from_bits(x.to_bits() - 1) }
}

/// |got − (high + low)| in units of the last place.
fn error_in_ulps(got: f64, high: f64, low: f64) -> f64 {
    if got == high && !got.is_finite() {
        return 0.0;
    }
    if high.is_infinite() && got.abs() == f64::MAX && got.signum() == high.signum() {
        return 1.0;
    }
    let error = ((got - high) / ulp(high) - low / ulp(high)).abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn functions_are_within_two_ulps_over_their_domains() -> Result<()> {
    let other = std::env::var("RIESZ_ULP_TABLE").ok().map(std::fs::read_to_string);
    let table = match &other {
        Some(Ok(text)) => text.as_str(),
        _ => TABLE,
    };
    let parse = |s: &str| u64::from_str_radix(s, 16).map(f64::from_bits).unwrap_or(f64::NAN);
    let mut worst: BTreeMap<&str, (f64, f64, f64, usize)> = BTreeMap::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, x, y, high, low] = fields[..] else { panic!("not a row: {line}") };
        let (x, y, high, low) = (parse(x), parse(y), parse(high), parse(low));
        let got = value(name, x, y)?.unwrap_or_else(|| panic!("there is no function {name}"));
        let error = error_in_ulps(got, high, low);
        let entry = worst.entry(name).or_insert((0.0, x, y, 0));
        entry.3 += 1;
        // Along the curve where eˣ + eʸ = 1 even twice the precision of the exponentials ends: there
        // the error is absolute.
        if name == "logaddexp" && (got - high - low).abs() < 2f64.powi(-102) {
            continue;
        }
        if error > entry.0 {
            (entry.0, entry.1, entry.2) = (error, x, y);
        }
    }
    assert_eq!(worst.len(), 38, "a function is missing from the table");
    let mut failed = Vec::new();
    for (name, (error, x, y, count)) in &worst {
        println!("{name:>10} {error:8.3} ulp at {x:?}, {y:?} ({count} points)");
        if *error > 2.0 {
            failed.push(format!("{name}: {error} ulp at {x:?}, {y:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

/// The derivative of `name` by one of its arguments, as the differential rule gives it.
fn slope(name: &str, which: usize, x: f64, y: f64) -> Result<f64> {
    let find = || -> Option<Prim> {
        match name {
            "sinc" => Some(Sinc { order: y as u32 }.into()),
            "polygamma" => Some(Polygamma { n: y as u32 }.into()),
            _ => {
                let unary = Unary::ALL.iter().find(|u| u.row().name == name);
                let binary = Binary::ALL.iter().find(|b| b.row().name == name);
                unary.map(|&u| u.into()).or(binary.map(|&b| b.into()))
            }
        }
    };
    let Some(prim) = find() else { panic!("there is no function {name}") };
    let mut at = vec![Tensor::from(x)];
    if matches!(prim, Prim::Binary(_)) {
        at.push(Tensor::from(y));
    }
    let types = vec![Type::scalar(DType::F64); at.len()];
    let program = trace(&types, |x| apply(prim, x).to_vec())?;
    let wrt: Vec<bool> = (0..at.len()).map(|i| i == which).collect();
    at.push(Tensor::from(1.0));
    eval(&jvp(&program, &wrt)?, &at)?[1].item()
}

/// By how many units a derivative may be off: 2, but for some.
fn allowance(name: &str, x: f64, y: f64, slope: f64) -> f64 {
    match name {
        // Of numbers that have lost digits below the smallest normal number, as their radius has.
        "atan2" | "hypot" if x.abs().max(y.abs()) < f64::MIN_POSITIVE => f64::INFINITY,
        // Of an argument that is squared and rounded before the exponential: the derivative is that
        // of a point within half a unit of x.
        "erf" | "erfc" => 2.0 + x * x,
        // The same for the value: its square is log(2·slope/√π), and it is off by up to 2 units.
        "erfinv" => 2.0 + 2.0 * (slope * std::f64::consts::FRAC_2_SQRT_PI).ln(),
        // 1 − tanh² costs no exponential; its error is absolute.
        "tanh" => 2.0 * f64::EPSILON / ulp(slope),
        // Of a value or a difference that is rounded itself.
        "cbrt" | "logaddexp" | "sigmoid" => 3.0,
        _ => 2.0,
    }
}

/// Below the smallest normal number a derivative may be 0.
#[test]
fn derivatives_are_within_two_ulps_over_their_domains() -> Result<()> {
    let parse = |s: &str| u64::from_str_radix(s, 16).map(f64::from_bits).unwrap_or(f64::NAN);
    let mut worst: BTreeMap<(&str, usize), (f64, f64, f64, usize)> = BTreeMap::new();
    for line in include_str!("data/gradients.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, which, x, y, high, low] = fields[..] else { panic!("not a row: {line}") };
        let (x, y, high, low) = (parse(x), parse(y), parse(high), parse(low));
        let which = usize::from(which == "1");
        let got = slope(name, which, x, y)?;
        let error = match high.abs() < f64::MIN_POSITIVE && got.abs() < f64::MIN_POSITIVE {
            true => 0.0,
            false => error_in_ulps(got, high, low),
        };
        let error = error / allowance(name, x, y, high);
        let entry = worst.entry((name, which)).or_insert((0.0, x, y, 0));
        entry.3 += 1;
        if error > entry.0 {
            (entry.0, entry.1, entry.2) = (error, x, y);
        }
    }
    let mut failed = Vec::new();
    for ((name, which), (error, x, y, count)) in &worst {
        println!(
            "{name:>10} by {which} {error:8.3} of what is allowed at {x:?}, {y:?} ({count} points)"
        );
        if *error > 1.0 {
            failed
                .push(format!("{name} by {which}: {error} times what is allowed at {x:?}, {y:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    Ok(())
}

#[test]
fn special_functions_at_their_edges() -> Result<()> {
    let inf = f64::INFINITY;
    for (name, x, y, expected) in [
        ("lgamma", 0.0, 0.0, inf),
        ("lgamma", -3.0, 0.0, inf),
        ("lgamma", inf, 0.0, inf),
        ("lgamma", -inf, 0.0, inf),
        ("lgamma", 1.0, 0.0, 0.0),
        ("lgamma", 2.0, 0.0, 0.0),
        ("lgamma", f64::NAN, 0.0, f64::NAN),
        ("digamma", 0.0, 0.0, -inf),
        ("digamma", -0.0, 0.0, inf),
        ("digamma", -2.0, 0.0, f64::NAN),
        ("digamma", inf, 0.0, inf),
        ("digamma", -inf, 0.0, f64::NAN),
        ("polygamma", 0.0, 1.0, inf),
        ("polygamma", -1.0, 1.0, inf),
        ("polygamma", -1.0, 2.0, f64::NAN),
        ("polygamma", inf, 1.0, 0.0),
        ("polygamma", 5e-324, 1.0, inf),
        ("polygamma", 1e300, 3.0, 0.0),
        ("erfinv", 1.0, 0.0, inf),
        ("erfinv", -1.0, 0.0, -inf),
        ("erfinv", 1.5, 0.0, f64::NAN),
        ("erfinv", 0.0, 0.0, 0.0),
        ("erfc", inf, 0.0, 0.0),
        ("erfc", -inf, 0.0, 2.0),
        ("erfc", f64::NAN, 0.0, f64::NAN),
        ("sinc", 0.0, 0.0, 1.0),
        ("sinc", 7.0, 0.0, 0.0),
        ("sinc", inf, 2.0, 0.0),
        ("sinc", f64::NAN, 0.0, f64::NAN),
        ("logaddexp", -inf, -inf, -inf),
        ("logaddexp", inf, inf, inf),
        ("logaddexp", -inf, 3.0, 3.0),
        ("logaddexp", 1e308, -1e308, 1e308),
        ("logaddexp", f64::NAN, inf, f64::NAN),
        ("xlogy", 0.0, 0.0, 0.0),
        ("xlogy", 0.0, inf, 0.0),
        ("xlogy", 0.0, f64::NAN, f64::NAN),
        ("xlogy", 1.0, 0.0, -inf),
        ("sigmoid", inf, 0.0, 1.0),
        ("sigmoid", -inf, 0.0, 0.0),
        ("softplus", inf, 0.0, inf),
        ("softplus", -inf, 0.0, 0.0),
        ("atan2", 0.0, -0.0, std::f64::consts::PI),
        ("atan2", -0.0, 1.0, -0.0),
        ("hypot", inf, f64::NAN, inf),
        ("pow", f64::NAN, 0.0, 1.0),
        ("pow", -8.0, 1.0 / 3.0, f64::NAN),
        ("pow", 0.0, -1.0, inf),
    ] {
        let got = value(name, x, y)?.unwrap_or(f64::NAN);
        let same = got == expected || (got.is_nan() && expected.is_nan());
        assert!(same, "{name}({x}, {y}) is {got}, not {expected}");
    }
    Ok(())
}
