//! The cotangent of one value while it is collected from the value's uses.
//!
//! Each use adds to it. A use that is a slice along one axis adds to a part only, and slices of one
//! value often have no element in common: the entries of a vector, the parts of a split. So parts are
//! kept until all uses are known, and then put beside each other, with zeros between: one concat of k
//! parts instead of k paddings and a sum of them, which is quadratic in k.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::primitive::{Pad, Slice, add};
use crate::trace::{Var, apply1};
use crate::types::Type;

/// What the uses seen so far have added.
#[derive(Clone, Default)]
pub struct Cotangent {
    whole: Option<Var>,
    parts: Vec<Part>,
}

/// The cotangent of a range along an axis; it is zero outside.
#[derive(Clone, Copy)]
struct Part {
    axis: usize,
    start: usize,
    limit: usize,
    ct: Var,
}

impl Cotangent {
    /// Adds what a use hands back.
    pub fn add(&mut self, ct: Option<Var>) {
        self.whole = add(self.whole, ct);
    }

    /// Adds the cotangent of a slice of the value, if the slice takes consecutive elements along one
    /// axis and everything along the others.
    pub fn add_slice(&mut self, slice: &Slice, ty: &Type, ct: Var) -> bool {
        let whole = |axis: &usize| slice.start[*axis] == 0 && slice.limit[*axis] == ty.shape[*axis];
        let mut cut = (0..ty.shape.rank()).filter(|axis| !whole(axis));
        let (Some(axis), None) = (cut.next(), cut.next()) else { return false };
        let (start, limit) = (slice.start[axis], slice.limit[axis]);
        if start == limit || slice.stride.iter().any(|&step| step != 1) {
            return false;
        }
        self.parts.push(Part { axis, start, limit, ct });
        true
    }

    /// The sum of everything that was added, to a value of type `ty`; nothing if nothing was.
    pub fn sum(self, ty: &Type) -> Option<Var> {
        let layers = layers(equal_added(self.parts));
        layers.iter().fold(self.whole, |sum, layer| add(sum, Some(beside_each_other(layer, ty))))
    }
}

/// The parts sorted by place, those of one place added up.
fn equal_added(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| (part.axis, part.start, part.limit));
    let mut sums: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match sums.last_mut() {
            Some(last)
                if (last.axis, last.start, last.limit) == (part.axis, part.start, part.limit) =>
            {
                last.ct += part.ct;
            }
            _ => sums.push(part),
        }
    }
    sums
}

/// Sorted parts, distributed to as few layers as there can be in which none overlap: each goes where
/// the last part ends first, and starts a layer if it overlaps even that one.
fn layers(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut layers: Vec<Vec<Part>> = Vec::new();
    let mut axis = 0;
    let mut ends: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    for part in parts {
        if part.axis != axis {
            axis = part.axis;
            ends.clear();
        }
        let layer = match ends.peek() {
            Some(&Reverse((limit, layer))) if limit <= part.start => {
                ends.pop();
                layer
            }
            _ => {
                layers.push(Vec::new());
                layers.len() - 1
            }
        };
        layers[layer].push(part);
        ends.push(Reverse((part.limit, layer)));
    }
    layers
}

/// Parts along one axis, in order and without common elements. Each brings the zeros before it, the
/// last also those behind it, so that what stands beside each other is linear in the parts.
fn beside_each_other(layer: &[Part], ty: &Type) -> Var {
    let axis = layer[0].axis;
    let mut reached = 0;
    let mut blocks = Vec::with_capacity(layer.len());
    for (i, part) in layer.iter().enumerate() {
        let behind = if i + 1 == layer.len() { ty.shape[axis] - part.limit } else { 0 };
        blocks.push(padded(part, part.start - reached, behind));
        reached = part.limit;
    }
    match blocks[..] {
        [only] => only,
        _ => Var::concat(&blocks, axis),
    }
}

fn padded(part: &Part, before: usize, behind: usize) -> Var {
    if (before, behind) == (0, 0) {
        return part.ct;
    }
    let none = vec![0; part.ct.rank()];
    let mut pad = Pad { low: none.clone(), high: none, interior: vec![0; part.ct.rank()] };
    (pad.low[part.axis], pad.high[part.axis]) = (before as i64, behind as i64);
    apply1(pad, &[part.ct])
}

#[cfg(test)]
mod tests {
    use crate::{Program, Tensor, Var, eval, trace, transpose};

    /// The transpose of a linear function of a vector, and its value at some cotangents.
    fn transposed(f: impl Fn(Var) -> Vec<Var>, n: usize, cts: &[Tensor]) -> (Program, Vec<f64>) {
        let x = Tensor::from(vec![0.0; n]);
        let linear = trace(&[x.ty()], |x| f(x[0])).expect("the function traces");
        let back = transpose(&linear, 0).expect("it is linear");
        let result = eval(&back, cts).expect("it runs");
        (back, result[0].to_f64())
    }

    fn count(program: &Program, name: &str) -> usize {
        program.to_string().matches(&format!(" {name}")).count()
    }

    #[test]
    fn entries_are_one_concat() {
        let entries = |x: Var| (0..6).rev().map(|i| (i as f64 + 1.0) * x.at(i)).collect();
        let cts: Vec<Tensor> = (0..6).map(|i| Tensor::from(f64::from(i))).collect();
        let (program, ct) = transposed(entries, 6, &cts);
        assert_eq!(ct, [5.0, 8.0, 9.0, 8.0, 5.0, 0.0]);
        assert_eq!((count(&program, "concat"), count(&program, "pad")), (1, 0), "{program}");
    }

    #[test]
    fn gaps_overlaps_and_whole_uses_add_up() {
        let f = |x: Var| {
            let slice = |a, b| x.slice_axis(0, a, b);
            vec![slice(1, 3), slice(5, 6), slice(2, 4), 10.0 * slice(1, 3), 100.0 * x]
        };
        let cts = [
            Tensor::from([1.0, 2.0]),
            Tensor::from([3.0]),
            Tensor::from([4.0, 5.0]),
            Tensor::from([6.0, 7.0]),
            Tensor::from([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        ];
        let (_, ct) = transposed(f, 7, &cts);
        assert_eq!(ct, [0.0, 161.0, 76.0, 5.0, 0.0, 3.0, 100.0]);
    }

    #[test]
    fn sliding_windows_take_as_many_layers_as_overlap() {
        let windows = |x: Var| (0..98).map(|i| x.slice_axis(0, i, i + 3)).collect();
        let cts: Vec<Tensor> = (0..98).map(|_| Tensor::from([1.0, 10.0, 100.0])).collect();
        let (program, ct) = transposed(windows, 100, &cts);
        assert_eq!((ct[0], ct[1], ct[50], ct[98], ct[99]), (1.0, 11.0, 111.0, 110.0, 100.0));
        assert_eq!(count(&program, "concat"), 3, "{program}");
    }

    #[test]
    fn slices_of_other_kinds_are_padded() {
        let f = |x: Var| {
            let matrix = x.reshape([2, 3]);
            vec![
                matrix.slice_axis(0, 1, 2),
                matrix.slice_axis(1, 0, 1),
                matrix.slice_step(1, 0, 3, 2),
                matrix.slice_axis(0, 0, 0),
            ]
        };
        let cts = [
            Tensor::from([[1.0, 2.0, 3.0]]),
            Tensor::from([[10.0], [20.0]]),
            Tensor::from([[100.0, 200.0], [300.0, 400.0]]),
            Tensor::new(Vec::<f64>::new(), [0, 3]).expect("no elements"),
        ];
        let (_, ct) = transposed(f, 6, &cts);
        assert_eq!(ct, [110.0, 0.0, 200.0, 321.0, 2.0, 403.0]);
    }
}
