//! How pointers move: what is added to them at the end of every trip of a block.
//!
//! A pointer stands at the element of the first iteration of the trip that is being done. A trip of a
//! loop moves it by the loop's stride, and takes back what the loops inside have moved it.
//!
//! Where there are more pointers than registers, those that move alike stand still in the frame, and
//! a distance that all of them have in common moves in a register.

use super::graph::{Graph, Op, Trips};
use super::lower::Group;
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;

/// Registers for pointers.
pub(super) const POINTERS: usize = 11;

/// For each pointer, the distance it has in common with others, a number at the end of `groups`; none
/// for those that move by themselves.
pub(super) fn share(groups: &mut Vec<Group>) -> Vec<Option<u16>> {
    let mut shared = vec![None; groups.len()];
    if groups.len() <= POINTERS {
        return shared;
    }
    let mut alike: HashMap<SmallVec<[i64; 4]>, Vec<usize>> = HashMap::default();
    for (g, group) in groups.iter().enumerate().filter(|(_, group)| group.operand.is_some()) {
        alike.entry(group.strides.clone()).or_default().push(g);
    }
    let mut alike: Vec<(SmallVec<[i64; 4]>, Vec<usize>)> = alike.into_iter().collect();
    alike.retain(|(_, all)| all.len() >= 3);
    alike.sort_by_key(|(_, all)| all[0]);
    for (strides, all) in alike {
        for g in all {
            shared[g] = Some(groups.len() as u16);
        }
        groups.push(Group { operand: None, start: 0, strides });
    }
    shared.resize(groups.len(), None);
    shared
}

/// For each block, what is added to which pointers after a trip.
pub(super) fn moves(
    graph: &Graph,
    groups: &[Group],
    shared: &[Option<u16>],
) -> Vec<Vec<(u16, i64)>> {
    let blocks = graph.blocks.borrow();
    let mut used = vec![vec![false; groups.len()]; blocks.len()];
    for node in graph.nodes().iter() {
        if let Some(group) = group_of(node.op) {
            let moving = shared[group as usize].unwrap_or(group);
            used[node.block as usize][moving as usize] = true;
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
        | Op::Fetch(p)
        | Op::Begin(_, Some(p)) => Some(p.group),
        Op::Counter(group) => Some(group),
        _ => None,
    }
}
