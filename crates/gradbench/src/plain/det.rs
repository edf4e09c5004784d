//! The determinant by expansion by minors, with linked lists of the rows and columns that are left.

use crate::input::Input;
use crate::work::{Work, number, work};
use riesz::prelude::*;

/// Reads the input.
pub fn prepare(input: &Input) -> Result<Box<dyn Work>> {
    let a = input.field("A")?.tensor(1)?.into_vec::<f64>()?;
    let n = input.field("ell")?.count()?;
    work(
        move || {
            // Column j is followed by `next[j + 1]`; place 0 stands before the first.
            let mut next: Vec<usize> = (0..=n).map(|j| j + 1).collect();
            Ok(expand(&a, n, 0, &mut next))
        },
        |y| number(*y),
    )
}

fn expand(a: &[f64], n: usize, row: usize, next: &mut [usize]) -> f64 {
    if row == n {
        return 1.0;
    }
    let (mut before, mut total, mut sign) = (0, 0.0, 1.0);
    while next[before] <= n {
        let column = next[before];
        next[before] = next[column];
        total += sign * a[row * n + column - 1] * expand(a, n, row + 1, next);
        next[before] = column;
        (before, sign) = (column, -sign);
    }
    total
}
