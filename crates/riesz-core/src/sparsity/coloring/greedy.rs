//! One colour for columns that have no row in common, greedily, in the best of several orders.

use super::{Coloring, NONE};
use crate::sparsity::Pattern;

/// Above this many steps only the natural order is tried.
const MOST_STEPS: usize = 1 << 28;

/// Colours the columns of a matrix given with its transpose.
pub fn distance_two(pattern: &Pattern, transposed: &Pattern) -> Coloring {
    let n = pattern.columns();
    let (mut longest, mut squares) = (0, 0usize);
    for i in 0..pattern.rows() {
        let length = pattern.row(i).len();
        longest = longest.max(length);
        squares = squares.saturating_add(length.saturating_mul(length));
    }
    if longest == n {
        // All columns meet.
        return Coloring { colors: (0..n as u32).collect(), count: n };
    }
    let mut best = color_in(pattern, transposed, 0..n);
    // Columns that meet in a row need as many colours as there are: no order does better than that.
    if best.count == longest || squares > MOST_STEPS {
        return best;
    }
    let conflicts = Conflicts { pattern, transposed };
    let degrees = conflicts.degrees();
    let mut largest_first: Vec<usize> = (0..n).collect();
    largest_first.sort_by_key(|&j| std::cmp::Reverse(degrees[j]));
    let smallest_last = smallest_last(degrees, |j, f| conflicts.each(j, f));
    for order in [largest_first, smallest_last] {
        let other = color_in(pattern, transposed, order.into_iter());
        if other.count < best.count {
            best = other;
        }
    }
    best
}

/// Each column in turn takes the first colour that no column it meets has.
fn color_in(
    pattern: &Pattern,
    transposed: &Pattern,
    order: impl Iterator<Item = usize>,
) -> Coloring {
    let mut colors = vec![NONE; pattern.columns()];
    let mut forbidden: Vec<u32> = Vec::new();
    for (step, j) in order.enumerate() {
        // A column without entries takes no part.
        for &i in transposed.row(j) {
            for &k in pattern.row(i as usize) {
                if let Some(mark) = forbidden.get_mut(colors[k as usize] as usize) {
                    *mark = step as u32;
                }
            }
        }
        if !transposed.row(j).is_empty() {
            let free = forbidden.iter().position(|&mark| mark != step as u32);
            colors[j] = free.unwrap_or(forbidden.len()) as u32;
            if free.is_none() {
                forbidden.push(NONE);
            }
        }
    }
    Coloring { colors, count: forbidden.len() }
}

/// The graph of columns that meet.
struct Conflicts<'a> {
    pattern: &'a Pattern,
    transposed: &'a Pattern,
}

impl Conflicts<'_> {
    /// Calls `f` with each column that meets column `j`, once for each row in which they meet.
    fn each(&self, j: usize, f: &mut dyn FnMut(usize)) {
        for &i in self.transposed.row(j) {
            self.pattern.row(i as usize).iter().for_each(|&k| f(k as usize));
        }
    }

    /// How often each column meets others, itself included.
    fn degrees(&self) -> Vec<usize> {
        let of = |j: usize| -> usize {
            self.transposed.row(j).iter().map(|&i| self.pattern.row(i as usize).len()).sum()
        };
        (0..self.pattern.columns()).map(of).collect()
    }
}

/// The vertices so that each has the fewest neighbours among itself and those before it (Matula & Beck,
/// J. ACM 30, 1983). `each` calls its function with each neighbour as often as it counts in `degrees`.
pub fn smallest_last(
    mut degrees: Vec<usize>,
    each: impl Fn(usize, &mut dyn FnMut(usize)),
) -> Vec<usize> {
    let n = degrees.len();
    let most = degrees.iter().max().map_or(0, |d| d + 1);
    // Vertices by their degree; one that has moved on is skipped where it was.
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); most];
    degrees.iter().enumerate().for_each(|(v, &d)| buckets[d].push(v as u32));
    let mut removed = vec![false; n];
    let mut order = Vec::with_capacity(n);
    let mut at = 0;
    while order.len() < n {
        let Some(v) = buckets[at].pop().map(|v| v as usize) else {
            at += 1;
            continue;
        };
        if removed[v] || degrees[v] != at {
            continue;
        }
        removed[v] = true;
        order.push(v);
        each(v, &mut |w| {
            if !removed[w] {
                degrees[w] -= 1;
                buckets[degrees[w]].push(w as u32);
                at = at.min(degrees[w]);
            }
        });
    }
    order.reverse();
    order
}
