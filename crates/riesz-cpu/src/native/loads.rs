//! What depends on the loops directly: loads, gathers, and the indices of the loops.

use super::blocking::{fits_i32, gather_fits_i32};
use super::expand::{Expand, num};
use super::graph::{Id, Logic, NONE, Num, One, Op, Pattern, Place, Size, Test, Two};
use super::held::Event;
use super::lower::{Group, Lower};
use crate::nest::{Access, Op as NestOp, Operand};
use riesz_core::DType;
use smallvec::{SmallVec, smallvec};

impl Lower<'_> {
    /// Loads, gathers, indices.
    pub(super) fn by_loops(&mut self, i: usize, values: &[Id]) -> Option<Id> {
        let inst = &self.nest.body[i];
        let size = num(inst.ty).map_or(Size::Mask, Num::size);
        match &inst.op {
            NestOp::Load(access) => {
                let (place, block) = self.place(access, inst.ty)?;
                let uniform = place.pattern == Pattern::Same;
                if self.held.is_some() {
                    return self.held_at(access.operand, place, inst.ty);
                }
                Some(self.graph.add_in(Op::Load(place), [NONE; 3], size, block, false, uniform))
            }
            NestOp::Index { dim, start, step } => self.index(*dim, *start, *step, inst.ty),
            NestOp::Gather { access, index, stride, bound } => {
                let ty = self.nest.body[*index as usize].ty;
                let index = (values[*index as usize], num(ty)?);
                self.gather(access, index, *stride, *bound, inst.ty)
            }
            _ => None,
        }
    }

    /// What lies at a place, from a register if it is there.
    pub(super) fn held_at(&mut self, operand: Operand, place: Place, ty: DType) -> Option<Id> {
        let event = Event { operand, place, number: num(ty), stores: false };
        self.held.as_mut()?.load(&self.graph, event, self.block)
    }

    fn index(&mut self, dim: usize, start: i64, step: i64, ty: DType) -> Option<Id> {
        let short = fits_i32(self.nest, dim, start, step);
        let number = if short { Num::I32 } else { Num::I64 };
        let mut strides: SmallVec<[i64; 4]> = smallvec![0; self.nest.extents.len()];
        strides[dim] = step;
        let block = self.depends(&strides);
        let size = number.size();
        let mut i = match self.held {
            Some(_) => self.graph.constant(low_bits(start, size), size),
            None => {
                let group = self.group(Group { operand: None, start, strides });
                self.graph.add_in(Op::Counter(group), [NONE; 3], size, block, false, true)
            }
        };
        let g = &self.graph;
        if self.blocking.vector == Some(dim) {
            let steps = g.add_in(Op::Steps(step), [NONE; 3], size, 0, false, false);
            i = g.two(Two::Add, number, i, steps);
        }
        let ahead = step.wrapping_mul(self.copy[dim].index);
        if ahead != 0 {
            i = g.two(Two::Add, number, i, g.constant(low_bits(ahead, size), size));
        }
        let from = if short { DType::I32 } else { DType::I64 };
        Some(self.expand().cast(i, from, ty))
    }

    fn expand(&mut self) -> Expand<'_> {
        Expand { graph: &self.graph, nest: self.nest, helpers: self.helpers, tail: NONE }
    }

    fn gather(
        &mut self,
        access: &Access,
        (index, number): (Id, Num),
        stride: isize,
        bound: usize,
        ty: DType,
    ) -> Option<Id> {
        let (place, at) = self.place(access, ty)?;
        let size = num(ty).map_or(Size::Mask, Num::size);
        let bytes = i32::try_from(stride as i64 * ty.size() as i64).ok()?;
        let bound = bound as u64;
        let node = self.graph.node(index);
        let block = self.inner(at, node.block);
        if node.uniform {
            // Once for all that is read there.
            let reach = Op::Reach { stride: bytes, bound };
            let wide = if self.blocking.eight { Size::B8 } else { Size::B4 };
            let offset = self.graph.add(reach, [index, NONE, NONE], wide);
            let (op, uniform) = (Op::Fetch(place), place.pattern == Pattern::Same);
            return Some(self.graph.add_in(op, [offset, NONE, NONE], size, block, false, uniform));
        }
        let largest = if number == Num::I32 { 1 << 31 } else { 1 << 63 };
        let tail = if self.partial() { self.tail() } else { self.graph.truth(true) };
        let g = &self.graph;
        let limit = g.constant(bound.min(largest), number.size());
        let inside = g.compare(Test::Below, number, index, limit);
        self.effect(Op::Check, [g.logic(Logic::AndNot, tail, inside), NONE, NONE]);
        let good = g.logic(Logic::And, inside, tail);
        let (mut offset, mut number) = (index, number);
        if number == Num::I32 && !gather_fits_i32(ty, stride, bound as usize) {
            offset = g.add(Op::Convert(Num::I32, Num::I64), [offset, NONE, NONE], Size::B8);
            number = Num::I64;
        }
        let g = &self.graph;
        offset = match bytes {
            b if b > 0 && b.count_ones() == 1 => {
                g.one(One::Left(b.trailing_zeros() as u8), number, offset)
            }
            b => {
                let low =
                    if number == Num::I32 { u64::from(b as u32) } else { i64::from(b) as u64 };
                let by = g.constant(low, number.size());
                self.expand().times(number, offset, by)
            }
        };
        let g = &self.graph;
        let lane = match place.pattern {
            Pattern::Same => 0,
            Pattern::Forward => i64::from(place.bytes),
            Pattern::Backward => -i64::from(place.bytes),
            Pattern::Every(b) => i64::from(b),
        };
        if lane != 0 {
            let steps = g.add_in(Op::Steps(lane), [NONE; 3], number.size(), 0, false, false);
            offset = g.two(Two::Add, number, offset, steps);
        }
        // Lanes that are not read still have an address.
        offset = g.blend(good, offset, g.constant(0, number.size()));
        let block = self.inner(block, g.node(good).block);
        Some(g.add_in(Op::Gather(place), [offset, good, NONE], size, block, false, false))
    }
}

/// The bits of a whole number in a lane.
fn low_bits(n: i64, size: Size) -> u64 {
    if size == Size::B4 { n as u64 & 0xffff_ffff } else { n as u64 }
}
