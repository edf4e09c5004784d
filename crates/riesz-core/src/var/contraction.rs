//! In which order to multiply many tensors: the cheapest for few, a good one for many.
//!
//! A product of two costs as many multiplications as there are indices in both together. Up to
//! [`EXACT`] operands every order is considered by dynamic programming over the subsets (Pfeifer,
//! Haegeman & Verstraete, Phys. Rev. E 90, 033315, 2014, without their pruning: 3⁸ splits are few).
//! Beyond, the pair whose product is smallest compared with its factors comes first (the greedy
//! rule of opt_einsum, Smith & Gray, JOSS 3(26), 753, 2018).

use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// In which order to multiply several tensors.
#[derive(Clone, PartialEq, Debug)]
pub struct ProductOrder {
    /// Which two to multiply, one pair after another. Tensors are numbered as they were given, and each product
    /// after all others so far.
    pub steps: Vec<(usize, usize)>,
    /// How many multiplications that takes.
    pub multiplications: f64,
}

/// The order in which a product of several tensors costs least, up to 8 of them; a good one beyond.
///
/// `tensors` has the labels of the axes of each tensor, `output` those of the product: what is not there is summed
/// over. `lengths[label]` is the length of the axes with this label.
///
/// # Errors
/// A label without a length, or more than 128 labels.
///
/// ```
/// use riesz_core::product_order;
/// // A·B·x with A and B 50×50.
/// let order = product_order(&[vec![0, 1], vec![1, 2], vec![2]], &[0], &[50.0; 3])?;
/// assert_eq!(order.steps, [(1, 2), (0, 3)]);
/// assert_eq!(order.multiplications, 2.0 * 50.0 * 50.0);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn product_order(
    tensors: &[Vec<usize>],
    output: &[usize],
    lengths: &[f64],
) -> Result<ProductOrder> {
    let labels = lengths.len().min(u128::BITS as usize);
    let bits = |of: &[usize]| of.iter().fold(0, |all, label| all | 1u128 << label);
    let mut all = tensors.iter().flatten().chain(output);
    if let Some(label) = all.find(|label| **label >= labels) {
        return Err(Error::usage(format!("there are {labels} labels, but one is {label}"))
            .help("each needs a length, and there are at most 128"));
    }
    let sets: Vec<u128> = tensors.iter().map(|of| bits(of)).collect();
    let contraction = Contraction { sets: &sets, output: bits(output), lengths, symmetric: &[] };
    let steps = contraction.order();
    let multiplications = contraction.cost(&steps);
    Ok(ProductOrder { steps: steps.iter().map(|step| (step.0, step.1)).collect(), multiplications })
}

/// Multiply these two; the product is numbered after all others so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step(pub usize, pub usize);

const EXACT: usize = 8;

/// What is multiplied.
#[derive(Clone, Copy)]
pub(crate) struct Contraction<'a> {
    /// The indices of each operand as bits.
    pub sets: &'a [u128],
    /// Those of the result.
    pub output: u128,
    /// The length of each index.
    pub lengths: &'a [f64],
    /// Pairs of operands whose product is symmetric, so that half of it is computed; the lower first.
    pub symmetric: &'a [(usize, usize)],
}

impl Contraction<'_> {
    /// The products to take.
    pub(crate) fn order(&self) -> Vec<Step> {
        if self.sets.len() <= EXACT { exact(self) } else { greedy(self) }
    }

    /// The multiplications that these products take.
    pub(crate) fn cost(&self, steps: &[Step]) -> f64 {
        let mut terms: Vec<Option<u128>> = self.sets.iter().copied().map(Some).collect();
        let mut total = 0.0;
        for &Step(i, j) in steps {
            let both = terms[i].take().unwrap_or(0) | terms[j].take().unwrap_or(0);
            total += size(both, self.lengths) * self.share(i, j);
            let needed = terms.iter().flatten().fold(self.output, |all, s| all | s);
            terms.push(Some(both & needed));
        }
        total
    }

    /// How much of a product of two operands, or of later products, is computed.
    fn share(&self, i: usize, j: usize) -> f64 {
        if self.symmetric.contains(&(i.min(j), i.max(j))) { 0.5 } else { 1.0 }
    }
}

/// The number of combinations of these indices.
pub(crate) fn size(set: u128, lengths: &[f64]) -> f64 {
    lengths.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1).map(|(_, n)| n).product()
}

fn exact(contraction: &Contraction) -> Vec<Step> {
    let &Contraction { sets, output, lengths, .. } = contraction;
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
                let mut cost = size(kept[half] | kept[other], lengths);
                if half.is_power_of_two() && other.is_power_of_two() {
                    cost *= contraction
                        .share(half.trailing_zeros() as usize, other.trailing_zeros() as usize);
                }
                cost += best[half].0 + best[other].0;
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

fn greedy(contraction: &Contraction) -> Vec<Step> {
    let &Contraction { sets, output, lengths, .. } = contraction;
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
        let cost = size(a | b, lengths) * contraction.share(step.0, step.1);
        Pair { growth, cost, step }
    };
    let mut heap = BinaryHeap::new();
    for (j, &b) in sets.iter().enumerate() {
        for (i, &a) in sets[..j].iter().enumerate() {
            heap.push(pair(a, b, Step(i, j), &users));
        }
    }
    let mut steps = Vec::with_capacity(sets.len().saturating_sub(1));
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
        let chain = Contraction { sets: &sets, output, lengths: &lengths, symmetric: &[] };
        assert_eq!(chain.cost(&chain.order()), 15125.0);
    }

    #[test]
    fn many_matrices_before_a_vector_are_applied_to_it() {
        let n = 40;
        let lengths = vec![10.0; n + 1];
        let mut sets: Vec<u128> = (0..n).map(|k| 0b11 << k).collect();
        sets.push(1 << n);
        let chain = Contraction { sets: &sets, output: 1, lengths: &lengths, symmetric: &[] };
        assert_eq!(chain.cost(&chain.order()), 100.0 * n as f64);
    }

    #[test]
    fn labels_without_a_length_are_refused() {
        assert!(product_order(&[vec![0, 1]], &[0], &[2.0]).is_err());
        assert!(product_order(&[vec![0]], &[1], &[2.0]).is_err());
        assert!(product_order(&[vec![128]], &[], &[2.0; 200]).is_err());
        let nothing = ProductOrder { steps: vec![], multiplications: 0.0 };
        assert_eq!(product_order(&[], &[], &[]), Ok(nothing.clone()));
        assert_eq!(product_order(&[vec![0]], &[0], &[2.0]), Ok(nothing));
    }

    /// AᵀAB with A 10×10 and B 10×6: 500 + 600 where AᵀA is symmetric, and 600 + 600.
    #[test]
    fn half_of_a_symmetric_product_is_counted() {
        let (sets, lengths) = ([0b0011, 0b0110, 0b1100], [10.0, 10.0, 10.0, 6.0]);
        let mut chain =
            Contraction { sets: &sets, output: 0b1001, lengths: &lengths, symmetric: &[] };
        assert_eq!(chain.order(), [Step(1, 2), Step(0, 3)]);
        chain.symmetric = &[(0, 1)];
        assert_eq!(chain.order()[0], Step(0, 1));
        assert_eq!(chain.cost(&chain.order()), 1100.0);
    }
}
