//! What an evaluate message brings: JSON read once into tensors, before the clock starts.

use riesz::prelude::*;
use serde_json::Value;

/// The input of a function, and where it came from, for errors.
#[derive(Clone)]
pub struct Input<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Input<'a> {
    /// The whole input.
    pub fn new(value: &'a Value) -> Input<'a> {
        Input { value, path: "input".to_owned() }
    }

    /// A field of an object.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn field(&self, name: &str) -> Result<Input<'a>> {
        self.optional(name).ok_or_else(|| Error::usage(format!("{} has no `{name}`", self.path)))
    }

    /// A field that may be missing.
    pub fn optional(&self, name: &str) -> Option<Input<'a>> {
        let value = self.value.get(name)?;
        Some(Input { value, path: format!("{}.{name}", self.path) })
    }

    /// A number; whole ones count.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self) -> Result<f64> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    /// A whole number ≥ 0.
    ///
    /// # Errors
    /// When it is something else.
    pub fn count(&self) -> Result<usize> {
        let whole = self.number()?;
        if whole < 0.0 || whole.fract() != 0.0 || whole > 2f64.powi(53) {
            return Err(self.wrong("a whole number from 0"));
        }
        Ok(whole as usize)
    }

    /// A truth value.
    ///
    /// # Errors
    /// When it is something else.
    pub fn truth(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// Nested arrays of numbers, of `rank` levels, each array of a level as long as the others.
    ///
    /// # Errors
    /// When it is something else.
    pub fn tensor(&self, rank: usize) -> Result<Tensor> {
        let (values, shape) = self.flat(rank)?;
        Tensor::new(values, shape)
    }

    /// Nested arrays of whole numbers.
    ///
    /// # Errors
    /// When it is something else.
    pub fn integers(&self, rank: usize) -> Result<Tensor> {
        let (values, shape) = self.flat(rank)?;
        match values.iter().find(|v| v.fract() != 0.0) {
            Some(v) => Err(self.wrong(&format!("whole numbers ({v} is none)"))),
            None => Tensor::new(values.iter().map(|&v| v as i64).collect(), shape),
        }
    }

    fn flat(&self, rank: usize) -> Result<(Vec<f64>, Vec<usize>)> {
        let mut level = vec![self.value];
        let mut shape = Vec::new();
        for _ in 0..rank {
            let rows: Option<Vec<&Vec<Value>>> = level.iter().map(|v| v.as_array()).collect();
            let rows = rows.ok_or_else(|| self.wrong(&format!("arrays {rank} deep")))?;
            let length = rows.first().map_or(0, |row| row.len());
            if let Some(other) = rows.iter().find(|row| row.len() != length) {
                let message = format!("arrays of one length ({} is not {length})", other.len());
                return Err(self.wrong(&message));
            }
            shape.push(length);
            level = rows.into_iter().flatten().collect();
        }
        let values: Option<Vec<f64>> = level.iter().map(|v| v.as_f64()).collect();
        Ok((values.ok_or_else(|| self.wrong("numbers"))?, shape))
    }

    fn wrong(&self, expected: &str) -> Error {
        let mut text = self.value.to_string();
        if let Some((end, _)) = text.char_indices().nth(40) {
            text.truncate(end);
            text.push('…');
        }
        Error::usage(format!("{} is {text}, not {expected}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::Input;
    use serde_json::json;

    #[test]
    fn nested_arrays_become_tensors() {
        let value = json!({ "a": [[1, 2.5], [3.0, 4]], "ragged": [[1], [2, 3]], "n": 3.0 });
        let input = Input::new(&value);
        let a = input.field("a").and_then(|a| a.tensor(2)).expect("a matrix");
        assert_eq!(a.as_slice::<f64>().expect("f64"), [1.0, 2.5, 3.0, 4.0]);
        assert_eq!(input.field("n").and_then(|n| n.count()).expect("3"), 3);
        let ragged = input.field("ragged").and_then(|r| r.tensor(2)).expect_err("ragged");
        assert!(ragged.message().contains("input.ragged"), "{ragged}");
        let fractions = input.field("a").and_then(|a| a.integers(2)).expect_err("2.5");
        assert!(fractions.message().contains("2.5"), "{fractions}");
        assert!(input.field("b").is_err());
    }
}
