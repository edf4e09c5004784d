//! The table of `make.py`, and distances from its values.

use std::collections::BTreeMap;

/// A function at a point: the nearest double, and what is missing to the exact value, in ulps.
pub struct Point {
    pub arguments: Vec<f64>,
    pub value: f64,
    rest: f64,
}

/// The table of `tests/reference/make.py`, or the file named by `RIESZ_REFERENCE`.
pub fn reference() -> BTreeMap<String, Vec<Point>> {
    let text = match std::env::var("RIESZ_REFERENCE") {
        Ok(path) => std::fs::read_to_string(path).expect("the file RIESZ_REFERENCE names"),
        Err(_) => include_str!("functions.txt").to_string(),
    };
    let mut table: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let n = words.len();
        let float = |w: &str| f64::from_bits(u64::from_str_radix(w, 16).expect("hexadecimal bits"));
        table.entry(words[0].to_string()).or_default().push(Point {
            arguments: words[1..n - 2].iter().map(|w| float(w)).collect(),
            value: float(words[n - 2]),
            rest: words[n - 1].parse().expect("a number"),
        });
    }
    table
}

/// |y − exact| in ulps of the exact value.
pub fn ulps(y: f64, p: &Point) -> f64 {
    if y == p.value && p.value.is_infinite() {
        return 0.0;
    }
    let key = |v: f64| {
        let b = v.to_bits() as i64;
        if b < 0 { i64::MIN - b } else { b }
    };
    let steps = (key(y) as i128 - key(p.value) as i128) as f64;
    // In both directions of zero a positive rest means "further up".
    (steps - p.rest).abs()
}

/// |y − exact| in ulps of a float.
pub fn ulps_f32(y: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if y == nearest || (y.is_nan() && nearest.is_nan()) {
        return 0.0;
    }
    let e = (exact.abs().log2().floor() as i32).clamp(-126, 127);
    (f64::from(y) - exact).abs() / f64::powi(2.0, e - 23)
}
