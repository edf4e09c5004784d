//! In which order to multiply many tensors: the cheapest for few, a good one for many.
//!
//! A product of two costs as many multiplications as there are indices in both together. Up to
//! [`EXACT`] operands every order is considered by dynamic programming over the subsets (Pfeifer,
//! Haegeman & Verstraete, Phys. Rev. E 90, 033315, 2014, without their pruning: 3⁸ splits are few).
//! Beyond, the pair whose product is smallest compared with its factors comes first (the greedy
//! rule of opt_einsum, Smith & Gray, JOSS 3(26), 753, 2018).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Multiply these two; the product is numbered after all others so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step(pub usize, pub usize);

const EXACT: usize = 8;

/// The products to take. `sets` are the indices of each operand as bits, `output` those of the
/// result, `lengths` the length of each index.
pub(crate) fn contraction_order(sets: &[u128], output: u128, lengths: &[f64]) -> Vec<Step> {
    if sets.len() <= EXACT { exact(sets, output, lengths) } else { greedy(sets, output, lengths) }
}

/// The multiplications that these products take.
pub(crate) fn contraction_cost(
    sets: &[u128],
    output: u128,
    lengths: &[f64],
    steps: &[Step],
) -> f64 {
    let mut terms: Vec<Option<u128>> = sets.iter().copied().map(Some).collect();
    let mut total = 0.0;
    for &Step(i, j) in steps {
        let both = terms[i].take().unwrap_or(0) | terms[j].take().unwrap_or(0);
        total += size(both, lengths);
        let needed = terms.iter().flatten().fold(output, |all, s| all | s);
        terms.push(Some(both & needed));
    }
    total
}

/// The number of combinations of these indices.
pub(crate) fn size(set: u128, lengths: &[f64]) -> f64 {
    lengths.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1).map(|(_, n)| n).product()
}

fn exact(sets: &[u128], output: u128, lengths: &[f64]) -> Vec<Step> {
    let n = sets.len();
    if n < 2 {
        return Vec::new();
    }
    let full = (1usize << n) - 1;
    let union =
        |part: usize| (0..n).filter(|k| part >> k & 1 == 1).fold(0, |all: u128, k| all | sets[k]);
    // What a product of these operands keeps: what the others or the result need.
    let kept: Vec<u128> =
        (0..=full).map(|part| union(part) & (output | union(full & !part))).collect();
    let mut best = vec![(0.0, 0usize); full + 1];
    for part in 1..=full {
        if part.is_power_of_two() {
            continue;
        }
        best[part] = (f64::INFINITY, 0);
        // Each split once: the half with the lowest operand.
        let low = part & part.wrapping_neg();
        let mut half = (part - 1) & part;
        while half > 0 {
            if half & low != 0 {
                let other = part & !half;
                let cost = best[half].0 + best[other].0 + size(kept[half] | kept[other], lengths);
                if cost < best[part].0 || best[part].1 == 0 {
                    best[part] = (cost, half);
                }
            }
            half = (half - 1) & part;
        }
    }
    // From the whole down, then turned around so that factors come before products.
    let mut parts = vec![full];
    let mut at = 0;
    while at < parts.len() {
        let part = parts[at];
        if !part.is_power_of_two() {
            parts.push(best[part].1);
            parts.push(part & !best[part].1);
        }
        at += 1;
    }
    let mut number = vec![0; full + 1];
    for k in 0..n {
        number[1 << k] = k;
    }
    let mut steps = Vec::with_capacity(n - 1);
    for &part in parts.iter().rev().filter(|p| !p.is_power_of_two()) {
        number[part] = n + steps.len();
        steps.push(Step(number[best[part].1], number[part & !best[part].1]));
    }
    steps
}

/// A pair that may be multiplied next; the heap's largest is the one that shrinks most, and of
/// equal ones the cheapest.
struct Pair {
    growth: f64,
    cost: f64,
    step: Step,
}

impl Ord for Pair {
    fn cmp(&self, other: &Pair) -> Ordering {
        let earlier = (other.step.0, other.step.1).cmp(&(self.step.0, self.step.1));
        let smaller = other.growth.total_cmp(&self.growth);
        smaller.then(other.cost.total_cmp(&self.cost)).then(earlier)
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Pair) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Pair) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

fn greedy(sets: &[u128], output: u128, lengths: &[f64]) -> Vec<Step> {
    let mut terms: Vec<Option<u128>> = sets.iter().copied().map(Some).collect();
    // How many of the remaining terms have each index.
    let mut users: Vec<usize> =
        (0..lengths.len()).map(|k| sets.iter().filter(|s| *s >> k & 1 == 1).count()).collect();
    let product = |a: u128, b: u128, users: &[usize]| -> u128 {
        let last = |k: usize| users[k] == (a >> k & 1) as usize + (b >> k & 1) as usize;
        let gone = (0..users.len()).filter(|&k| last(k)).fold(0, |all, k| all | 1u128 << k);
        (a | b) & (output | !gone)
    };
    let pair = |a: u128, b: u128, step: Step, users: &[usize]| {
        // Sharing nothing is put off: an outer product rarely pays.
        let outer = if a & b == 0 { f64::MAX.sqrt() } else { 0.0 };
        let kept = size(product(a, b, users), lengths);
        let growth = outer + kept - size(a, lengths) - size(b, lengths);
        Pair { growth, cost: size(a | b, lengths), step }
    };
    let mut heap = BinaryHeap::new();
    for (j, &b) in sets.iter().enumerate() {
        for (i, &a) in sets[..j].iter().enumerate() {
            heap.push(pair(a, b, Step(i, j), &users));
        }
    }
    let mut steps = Vec::with_capacity(sets.len() - 1);
    while let Some(Pair { step, .. }) = heap.pop() {
        let Step(i, j) = step;
        let (Some(a), Some(b)) = (terms[i], terms[j]) else { continue };
        (terms[i], terms[j]) = (None, None);
        let c = product(a, b, &users);
        for (k, users) in users.iter_mut().enumerate() {
            let bit = |s: u128| (s >> k & 1) as usize;
            *users = *users + bit(c) - bit(a) - bit(b);
        }
        for (i, term) in terms.iter().enumerate() {
            if let Some(a) = *term {
                heap.push(pair(a, c, Step(i, terms.len()), &users));
            }
        }
        terms.push(Some(c));
        steps.push(step);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_matrices_is_multiplied_in_the_cheapest_order() {
        // The example of Cormen, Leiserson, Rivest & Stein, section 14.2: 15125 multiplications.
        let lengths = [30.0, 35.0, 15.0, 5.0, 10.0, 20.0, 25.0];
        let sets: Vec<u128> = (0..6).map(|k| 0b11 << k).collect();
        let output = 1 | 1 << 6;
        let steps = contraction_order(&sets, output, &lengths);
        assert_eq!(contraction_cost(&sets, output, &lengths, &steps), 15125.0);
    }

    #[test]
    fn many_matrices_before_a_vector_are_applied_to_it() {
        let n = 40;
        let lengths = vec![10.0; n + 1];
        let mut sets: Vec<u128> = (0..n).map(|k| 0b11 << k).collect();
        sets.push(1 << n);
        let steps = contraction_order(&sets, 1, &lengths);
        assert_eq!(contraction_cost(&sets, 1, &lengths, &steps), 100.0 * n as f64);
    }
}
