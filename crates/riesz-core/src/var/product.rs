//! Tensors whose axes have labels, multiplied pair by pair: each pair is one `dot`, or one elementwise
//! product when nothing is summed.

use super::contraction::Step;
use crate::primitive::{Broadcast, Dot};
use crate::trace::{Var, apply1};
use crate::types::Shape;

/// A tensor and a label for each of its axes.
pub(crate) struct Term<L> {
    pub value: Var,
    pub labels: Vec<L>,
}

/// The product of all terms, its axes those of `output`, by these steps; a label that is not there is summed
/// over as soon as no other term has it. None if there are no terms.
pub(crate) fn multiplied<L: Copy + PartialEq>(
    terms: Vec<Term<L>>,
    steps: &[Step],
    output: &[L],
    size_of: &impl Fn(&L) -> usize,
) -> Option<Var> {
    let mut left: Vec<Option<Term<L>>> = terms.into_iter().map(Some).collect();
    for &Step(i, j) in steps {
        let (Some(a), Some(b)) = (left[i].take(), left[j].take()) else { continue };
        let needed =
            |l: &L| output.contains(l) || left.iter().flatten().any(|t| t.labels.contains(l));
        let product = a.times(b, &needed, size_of);
        left.push(Some(product));
    }
    Some(left.into_iter().flatten().next_back()?.in_order(output))
}

impl<L: Copy + PartialEq> Term<L> {
    fn axis(&self, label: &L) -> usize {
        self.labels.iter().position(|l| l == label).unwrap_or(0)
    }

    /// The product with another term, summed over what both have and nothing else needs.
    fn times(
        self,
        other: Term<L>,
        needed: &impl Fn(&L) -> bool,
        size_of: &impl Fn(&L) -> usize,
    ) -> Term<L> {
        let shared: Vec<L> =
            self.labels.iter().copied().filter(|l| other.labels.contains(l)).collect();
        let (batch, contract): (Vec<L>, Vec<L>) = shared.iter().partition(|l| needed(l));
        let free = |t: &Term<L>| -> Vec<L> {
            t.labels.iter().copied().filter(|l| !shared.contains(l)).collect()
        };
        let labels = [batch.clone(), free(&self), free(&other)].concat();
        if contract.is_empty() {
            let shape: Shape = labels.iter().map(size_of).collect();
            let value = self.beside(&labels, &shape) * other.beside(&labels, &shape);
            return Term { value, labels };
        }
        let pairs = |labels: &[L]| -> Vec<(usize, usize)> {
            labels.iter().map(|l| (self.axis(l), other.axis(l))).collect()
        };
        let dot = Dot { contract: pairs(&contract), batch: pairs(&batch) };
        Term { value: apply1(dot, &[self.value, other.value]), labels }
    }

    /// The axes in the order they have in `labels`, which may have others between.
    fn in_order(&self, labels: &[L]) -> Var {
        let order: Vec<usize> =
            labels.iter().filter(|l| self.labels.contains(l)).map(|l| self.axis(l)).collect();
        self.value.transpose_unless_identity(&order)
    }

    /// Repeated to `shape`, whose axes are `labels`.
    fn beside(&self, labels: &[L], shape: &Shape) -> Var {
        let axes: Vec<usize> =
            (0..labels.len()).filter(|&a| self.labels.contains(&labels[a])).collect();
        let value = self.in_order(labels);
        if axes.len() == labels.len() {
            return value;
        }
        apply1(Broadcast { shape: shape.clone(), axes }, &[value])
    }
}
