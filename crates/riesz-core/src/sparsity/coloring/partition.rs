//! The fullest rows by products with the transpose, the others by products with the matrix.
//!
//! Rows that are read by themselves bound the colours of the columns no more. How many to set aside is
//! tried where their lengths fall: the rest needs as many colours as its longest row is long, at least.

use super::{Coloring, NONE, Products, greedy};
use crate::sparsity::Pattern;

/// The products that set the best number of rows aside, which may be none; nothing when none of them is
/// fewer than `limit`.
pub fn best(pattern: &Pattern, transposed: &Pattern, mut limit: usize) -> Option<Products> {
    let mut fullest: Vec<usize> = (0..pattern.rows()).collect();
    fullest.sort_by_key(|&i| std::cmp::Reverse(pattern.row(i).len()));
    let mut candidates = candidates(pattern, &fullest);
    candidates.sort_unstable();
    let mut best = None;
    for (bound, aside) in candidates {
        if bound >= limit {
            break;
        }
        let products = set_aside(pattern, transposed, &fullest[..aside]);
        if products.count() < limit {
            limit = products.count();
            best = Some(products);
        }
    }
    best
}

/// How many of the fullest rows to set aside, behind the fewest products that can come of it. Each
/// candidate leaves rows of at most half the length of the one before: a few find the fall.
fn candidates(pattern: &Pattern, fullest: &[usize]) -> Vec<(usize, usize)> {
    let mut candidates = Vec::new();
    let mut most = usize::MAX;
    for aside in 0..=fullest.len() {
        let longest = fullest.get(aside).map_or(0, |&i| pattern.row(i).len());
        if longest <= most {
            // The longest row left needs as many products as it is long; those set aside at least one.
            candidates.push((longest + usize::from(aside > 0), aside));
            most = longest / 2;
        }
        if longest == 0 {
            break;
        }
    }
    candidates
}

/// The products when these rows are read by themselves.
fn set_aside(pattern: &Pattern, transposed: &Pattern, aside: &[usize]) -> Products {
    let mut is_aside = vec![false; pattern.rows()];
    aside.iter().for_each(|&i| is_aside[i] = true);
    let mut by_column = vec![true; pattern.len()];
    for (at, (i, _)) in pattern.entries().enumerate() {
        by_column[at] = !is_aside[i];
    }
    if aside.is_empty() {
        let columns = greedy::distance_two(pattern, transposed);
        return Products { columns, rows: Coloring::none(pattern.rows()), by_column };
    }
    let (apart, rest) = (only(pattern, &is_aside, true), only(pattern, &is_aside, false));
    let columns = greedy::distance_two(&rest, &rest.transpose());
    let rows = greedy::distance_two(&apart.transpose(), &apart);
    debug_assert!((0..pattern.rows()).all(|i| is_aside[i] || rows.colors[i] == NONE));
    Products { columns, rows, by_column }
}

/// The pattern with the rows that are, or are not, set aside; the others are empty.
fn only(pattern: &Pattern, is_aside: &[bool], aside: bool) -> Pattern {
    let mut part = Pattern { columns: pattern.columns, offsets: vec![0], indices: Vec::new() };
    for (i, &is_aside) in is_aside.iter().enumerate() {
        if is_aside == aside {
            part.indices.extend_from_slice(pattern.row(i));
        }
        part.offsets.push(part.indices.len());
    }
    part
}
