//! How pointers move: what is added to them at the end of every trip of a block.
//!
//! A pointer stands at the element of the first iteration of the trip that is being done. A trip of a
//! loop moves it by the loop's stride, and takes back what the loops inside have moved it.

use super::graph::{Graph, Op, Trips};
use super::lower::Group;

/// For each block, what is added to which pointers after a trip.
pub(super) fn moves(graph: &Graph, groups: &[Group]) -> Vec<Vec<(u16, i64)>> {
    let blocks = graph.blocks.borrow();
    let mut used = vec![vec![false; groups.len()]; blocks.len()];
    for node in graph.nodes().iter() {
        if let Some(group) = group_of(node.op) {
            used[node.block as usize][group as usize] = true;
        }
    }
    // Inside comes after outside in the list.
    for b in (1..blocks.len()).rev() {
        let inside = used[b].clone();
        for (outer, inner) in used[blocks[b].parent as usize].iter_mut().zip(inside) {
            *outer |= inner;
        }
    }
    // What is used in one part of a loop moves in all of them.
    let part_of = |b: usize, g: usize| {
        let siblings = &blocks[blocks[b].parent as usize].kids;
        siblings.iter().any(|&k| blocks[k as usize].dim == blocks[b].dim && used[k as usize][g])
    };
    let mut moves = vec![Vec::new(); blocks.len()];
    // The distance a block's loops leave behind.
    let mut left = vec![vec![0i64; groups.len()]; blocks.len()];
    for b in (1..blocks.len()).rev() {
        let block = &blocks[b];
        for (g, group) in groups.iter().enumerate() {
            if !part_of(b, g) {
                continue;
            }
            let stride = block.dim.map_or(0, |d| group.strides[d as usize]);
            let along = match block.trips {
                Trips::Once => 0,
                _ => stride.wrapping_mul(block.step as i64),
            };
            let by = along - left[b][g];
            if by != 0 {
                moves[b].push((g as u16, by));
            }
            if let Trips::Count(n) = block.trips {
                left[block.parent as usize][g] += along * n as i64;
            }
        }
    }
    moves
}

/// The pointer or counter an operation uses.
pub(super) fn group_of(op: Op) -> Option<u16> {
    match op {
        Op::Load(p)
        | Op::Store(p)
        | Op::StoreFirst(p, _)
        | Op::Peek(p)
        | Op::PeekFirst(p, _)
        | Op::Gather(p)
        | Op::Begin(_, Some(p)) => Some(p.group),
        Op::Fetch { place, .. } => Some(place.group),
        Op::Counter(group) => Some(group),
        _ => None,
    }
}
