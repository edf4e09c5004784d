//! The order of the loops of a nest, and which of them runs in lanes.
//!
//! Loops that run once are removed and loops that are one to memory become one. Then the loop for the
//! lanes is the one with the least estimated time: contiguous loads and stores and full vectors count,
//! elements that have to be collected one by one cost. The others are ordered so that memory is walked
//! with small steps, and what an index names is read as a whole; and folded loops lie inside the loops that stay.

use super::cost;
use crate::nest::{Inst, Nest, Op, Reduction};
use riesz_core::DType;
use smallvec::SmallVec;

/// Orders the loops of a nest and chooses the one in lanes.
pub fn order(mut nest: Nest) -> Nest {
    remove_single(&mut nest);
    let by_steps = sorted_by_steps(&nest);
    permute(&mut nest, &by_steps);
    merge(&mut nest);
    let Some(vector) = best_vector(&nest) else { return nest };
    let order = arranged(&nest, vector);
    permute(&mut nest, &order);
    nest.vector = order.iter().position(|&l| l == vector);
    nest
}

/// The loops that some store folds along, one bit each.
pub fn folded(nest: &Nest) -> u32 {
    nest.stores.iter().filter_map(|s| s.fold).fold(0, |mask, fold| mask | fold.along)
}

fn remove_single(nest: &mut Nest) {
    for inst in &mut nest.body {
        if let Op::Index { dim, start, .. } = inst.op
            && nest.extents[dim] == 1
        {
            inst.op = Op::Const(number(start, inst.ty));
        }
    }
    let kept: Vec<usize> = (0..nest.extents.len()).filter(|&l| nest.extents[l] != 1).collect();
    permute(nest, &kept);
}

/// The bits of a whole number.
fn number(value: i64, ty: DType) -> u64 {
    match ty {
        DType::F32 => u64::from((value as f32).to_bits()),
        DType::F64 => (value as f64).to_bits(),
        DType::I32 => value as i32 as u32 as u64,
        DType::I64 => value as u64,
        DType::Bool => u64::from(value != 0),
    }
}

/// The nest with loop `order[i]` as its loop `i`; loops that are not named ran once.
pub fn permuted(nest: &Nest, order: &[usize]) -> Nest {
    let mut result = nest.clone();
    permute(&mut result, order);
    result
}

fn permute(nest: &mut Nest, order: &[usize]) {
    if order.len() == nest.extents.len() && order.is_sorted() {
        return;
    }
    nest.extents = order.iter().map(|&l| nest.extents[l]).collect();
    for access in nest.accesses_mut() {
        access.strides = order.iter().map(|&l| access.strides[l]).collect();
    }
    let place = |l: usize| order.iter().position(|&o| o == l);
    for inst in &mut nest.body {
        if let Op::Index { dim, .. } = &mut inst.op {
            *dim = place(*dim).unwrap_or(0);
        }
    }
    for store in &mut nest.stores {
        if let Some(fold) = &mut store.fold {
            let along = fold.along;
            fold.along =
                (0..order.len()).filter(|&i| along >> order[i] & 1 == 1).fold(0, |m, i| m | 1 << i);
        }
    }
}

/// Loops with large steps in memory first.
fn sorted_by_steps(nest: &Nest) -> Vec<usize> {
    let weight = |far: usize| (1.0 + far as f64).ln();
    let by_strides =
        |l: usize| nest.accesses().map(|a| weight(a.strides[l].unsigned_abs())).sum::<f64>();
    let mut weights: Vec<f64> = (0..nest.extents.len()).map(by_strides).collect();
    let mut loops = None;
    for inst in &nest.body {
        let Op::Gather { index, stride, bound, .. } = &inst.op else { continue };
        let loops = loops.get_or_insert_with(|| cost::loops(&nest.body));
        // What the next index names may be anywhere: a third of the way on average.
        let far = weight(stride.unsigned_abs().saturating_mul(*bound) / 3);
        for (l, sum) in weights.iter_mut().enumerate() {
            *sum += if loops[*index as usize] >> l & 1 == 1 { far } else { 0.0 };
        }
    }
    let mut order: Vec<usize> = (0..nest.extents.len()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    order
}

/// Makes one loop of two neighbours wherever every access walks them as one.
fn merge(nest: &mut Nest) {
    let mut outer = 0;
    while outer + 1 < nest.extents.len() {
        if !mergeable(nest, outer) {
            outer += 1;
            continue;
        }
        nest.extents[outer + 1] *= nest.extents[outer];
        let kept: Vec<usize> = (0..nest.extents.len()).filter(|&l| l != outer).collect();
        for inst in &mut nest.body {
            if let Op::Index { dim, .. } = &mut inst.op
                && *dim == outer
            {
                *dim = outer + 1;
            }
        }
        permute(nest, &kept);
        outer = outer.saturating_sub(1);
    }
}

fn mergeable(nest: &Nest, outer: usize) -> bool {
    let n = nest.extents[outer + 1] as isize;
    let walks = nest.accesses().all(|a| a.strides[outer] == a.strides[outer + 1] * n);
    let counts = nest.body.iter().all(|inst| match inst.op {
        Op::Index { dim, .. } => dim != outer && dim != outer + 1,
        _ => true,
    });
    let folds = nest.stores.iter().filter_map(|s| s.fold);
    walks && counts && folds.clone().all(|f| (f.along >> outer & 1) == (f.along >> (outer + 1) & 1))
}

/// How many elements a vector of the widest registers holds.
pub fn lanes(nest: &Nest) -> usize {
    let wide = |inst: &Inst| inst.ty.size() == 8;
    if nest.body.iter().any(wide) { 8 } else { 16 }
}

fn best_vector(nest: &Nest) -> Option<usize> {
    let time = |&l: &usize| vector_time(nest, l);
    (0..nest.extents.len()).rev().min_by(|a, b| time(a).total_cmp(&time(b)))
}

/// The estimated time of the nest, in additions of vectors, with loop `v` in lanes.
fn vector_time(nest: &Nest, v: usize) -> f64 {
    let n = nest.extents[v];
    let lanes = lanes(nest);
    let points: f64 = nest.extents.iter().map(|&n| n as f64).product();
    let vectors = points / n as f64 * n.div_ceil(lanes) as f64;
    let collected = lanes.min(n) as f64;
    let mut each = cost::body(&nest.body, v, collected);
    let mut once = 0.0;
    for store in &nest.stores {
        match store.fold {
            // The lanes are combined at the end of the loop.
            Some(f) if f.along >> v & 1 == 1 => {
                each += 1.0;
                once += points / n as f64 * if f.op == Reduction::Sum { 6.0 } else { 8.0 };
            }
            Some(_) => each += cost::write(store.access.strides[v], collected) * 0.5,
            None => each += cost::write(store.access.strides[v], collected),
        }
    }
    vectors * each + once
}

/// Bytes that a strip of lanes may walk through with large steps.
const STRIPED: usize = 1 << 18;

/// The order of the loops once the one in lanes is known.
fn arranged(nest: &Nest, vector: usize) -> SmallVec<[usize; 6]> {
    let folded = folded(nest);
    let is_folded = |l: usize| folded >> l & 1 == 1;
    let others = (0..nest.extents.len()).filter(|&l| l != vector);
    let (inner, outer): (Vec<usize>, Vec<usize>) = others.partition(|&l| is_folded(l));
    let points: usize = inner.iter().chain([&vector]).map(|&l| nest.extents[l]).product();
    let all_fold = nest.stores.iter().all(|s| s.fold.is_some());
    // With the lanes outside the folded loops the accumulators stay in registers; with them inside,
    // memory is walked in order.
    let strips = !is_folded(vector) && all_fold && points * 8 <= STRIPED;
    let mut order: SmallVec<[usize; 6]> = outer.into();
    if strips {
        order.push(vector);
        order.extend(inner);
    } else {
        order.extend(inner);
        order.push(vector);
    }
    order
}
