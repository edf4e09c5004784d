//! Sizes as they are printed.

use riesz::prelude::*;

/// The numbers of a size such as `1000x100`.
///
/// # Errors
/// When it is not `N` numbers with `x` between.
pub fn factors<const N: usize>(size: &str) -> Result<[usize; N]> {
    let numbers: Option<Vec<usize>> = size.split('x').map(|part| part.parse().ok()).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| Error::usage(format!("{size} is not a size of {N} numbers")))
}
