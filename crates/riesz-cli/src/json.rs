//! Tensors as JSON: nested arrays, a number for a scalar.
//!
//! Every finite number is written with as many digits as it takes to read back the same bits. JSON
//! has no word for the others: they are the strings "NaN", "Infinity" and "-Infinity".

use crate::{Failure, Io};
use riesz::Tensor;
use serde_json::Value;

/// A number.
pub fn number(x: f64) -> Value {
    match serde_json::Number::from_f64(x) {
        Some(n) => Value::Number(n),
        None if x.is_nan() => "NaN".into(),
        None if x > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// The number that [`number`] wrote.
pub fn read_number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

/// A tensor: nested arrays, outermost axis first.
pub fn tensor(t: &Tensor) -> Value {
    nested(&t.to_f64(), t.shape())
}

/// Numbers in row-major order as nested arrays of this shape. A shape has few axes: the recursion
/// is as deep as there are.
pub fn nested(numbers: &[f64], shape: &[usize]) -> Value {
    match shape {
        [] => numbers.first().map_or(Value::Null, |x| number(*x)),
        [_, rest @ ..] => {
            let size = rest.iter().product::<usize>().max(1);
            Value::Array(numbers.chunks(size).map(|part| nested(part, rest)).collect())
        }
    }
}

/// The lengths of the axes.
pub fn shape(shape: &[usize]) -> Value {
    shape.iter().map(|&n| Value::from(n)).collect()
}

/// The remarks so far, and a warning that comes with the result.
pub fn notes(io: &Io<'_>, warning: Option<&Failure>) -> Value {
    io.notes.iter().cloned().chain(warning.map(Failure::remark)).collect()
}
