//! One nest on tiles.

use super::instruction::{Prepared, Value, copy_strided, fold_into, fold_tile, identity_fill};
use super::{Line, Scratch};
use crate::nest::{Access, Fold, Nest, Op};
use crate::simd::Isa;
use riesz_core::DType;
use smallvec::{SmallVec, smallvec};

/// Elements of a tile, while the body is short.
const TILE: usize = 512;

/// Bytes that the values of a tile may take.
const CACHE: usize = 1 << 15;

/// A nest prepared to be run on tiles.
#[derive(Debug)]
pub struct Tiled {
    nest: Nest,
    isa: Isa,
    body: Vec<Prepared>,
    /// Which slot each value is kept in, and whether it has an element for each lane.
    slot: Vec<usize>,
    varies: Vec<bool>,
    slots: usize,
    tile: usize,
    sizes: Vec<usize>,
    /// With one store, a contiguous load need not be copied: nothing is written before it is used.
    direct: bool,
}

impl Tiled {
    /// Prepares a nest whose operands have elements of these sizes.
    pub fn new(nest: &Nest, sizes: &[usize], isa: Isa) -> Tiled {
        let varies = varying(nest);
        let (slot, slots) = assign_slots(nest);
        let tile = (CACHE / (8 * slots.max(1))).clamp(16, TILE) / 16 * 16;
        Tiled {
            nest: nest.clone(),
            isa,
            body: nest.body.iter().map(|inst| Prepared::new(inst, &nest.body)).collect(),
            slot,
            varies,
            slots,
            tile,
            sizes: sizes.to_vec(),
            direct: nest.stores.len() == 1,
        }
    }

    /// # Safety
    /// As for [`Tiles::run`](super::Tiles::run).
    pub unsafe fn run(
        &self,
        addresses: &mut [*mut u8],
        range: Option<(usize, usize)>,
        scratch: &mut Scratch,
    ) {
        let mut extents = self.nest.extents.clone();
        let mut first = 0;
        if let (Some((from, to)), false) = (range, extents.is_empty()) {
            (first, extents[0]) = (from, to - from);
        }
        // SAFETY: the caller's, here and below.
        unsafe { self.identities(addresses, first, &extents) };
        if extents.contains(&0) {
            return;
        }
        let lines = self.slots * self.tile * 8 / 64;
        if scratch.slots.len() < lines {
            scratch.slots.resize(lines, Line([0; 64]));
        }
        scratch.values.resize(self.nest.body.len(), Value::default());
        let lane = self.nest.vector.unwrap_or(extents.len());
        let outer = lane.min(extents.len());
        scratch.index.clear();
        scratch.index.resize(extents.len(), 0);
        loop {
            // SAFETY: the caller's.
            unsafe { self.lanes(addresses, (lane, first), &extents, scratch) };
            if !step(&mut scratch.index[..outer], &extents[..outer]) {
                return;
            }
        }
    }

    /// Everything inside the loops around the one in lanes.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn lanes(
        &self,
        addresses: &[*mut u8],
        (lane, first): (usize, usize),
        extents: &[usize],
        scratch: &mut Scratch,
    ) {
        let length = extents.get(lane).copied().unwrap_or(1);
        let inner = (lane + 1).min(extents.len());
        let mut start = 0;
        while start < length {
            let n = self.tile.min(length - start);
            if let Some(i) = scratch.index.get_mut(lane) {
                *i = start;
            }
            scratch.index[inner..].fill(0);
            loop {
                // SAFETY: the caller's.
                unsafe { self.body(addresses, lane, first, n, scratch) };
                if !step(&mut scratch.index[inner..], &extents[inner..]) {
                    break;
                }
            }
            start += n;
        }
    }

    /// The body for `n` lanes from the current index on.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn body(
        &self,
        addresses: &[*mut u8],
        lane: usize,
        first: usize,
        n: usize,
        scratch: &mut Scratch,
    ) {
        let base = scratch.slots.as_mut_ptr().cast::<u8>();
        let element = |access: &Access| {
            let mut at = access.offset;
            for (l, (&i, &s)) in scratch.index.iter().zip(&access.strides).enumerate() {
                at += (i + if l == 0 { first } else { 0 }) as isize * s;
            }
            let bytes = at * self.sizes[access.operand as usize] as isize;
            addresses[access.operand as usize].wrapping_offset(bytes)
        };
        let stride = |access: &Access| access.strides.get(lane).copied().unwrap_or(0);
        for (r, prepared) in self.body.iter().enumerate() {
            let n = if self.varies[r] { n } else { 1 };
            let slot = base.wrapping_add(self.slot[r] * self.tile * 8);
            let inst = &self.nest.body[r];
            let at = match &inst.op {
                Op::Load(access) => {
                    let (from, stride) = (element(access), stride(access));
                    if self.direct && (n == 1 || stride == 1) {
                        from
                    } else {
                        // SAFETY: the caller's; a slot has `tile` elements of eight bytes.
                        unsafe { copy_strided(from, stride, slot, 1, n, inst.ty.size()) };
                        slot
                    }
                }
                Op::Gather { access, index, stride: by, bound } => {
                    let from = (element(access).cast_const(), stride(access), *by, *bound);
                    let index = &scratch.values[*index as usize];
                    // SAFETY: as above.
                    let good =
                        unsafe { super::instruction::gather(from, index, slot, n, inst.ty.size()) };
                    self.raise(addresses, good);
                    slot
                }
                Op::Index { dim, start, step } => {
                    let i = scratch.index[*dim] + if *dim == 0 { first } else { 0 };
                    let start = start.wrapping_add(step.wrapping_mul(i as i64));
                    let step = if *dim == lane { *step } else { 0 };
                    // SAFETY: as above.
                    unsafe { super::instruction::count(start, step, slot, n, inst.ty) };
                    slot
                }
                _ => {
                    // SAFETY: as above; the values of earlier instructions are in their slots.
                    let good = unsafe { prepared.run(self.isa, &scratch.values, slot, n) };
                    self.raise(addresses, good);
                    slot
                }
            };
            let stride = if self.varies[r] { 1 } else { 0 };
            scratch.values[r] = Value { at, stride, ty: inst.ty };
        }
        for store in &self.nest.stores {
            let value = &scratch.values[store.value as usize];
            let (to, by) = (element(&store.access), stride(&store.access));
            // SAFETY: the caller's.
            unsafe {
                match store.fold {
                    None => copy_strided(value.at, value.stride, to, by, n, value.ty.size()),
                    Some(Fold { op, along, .. }) if lane < 32 && along >> lane & 1 == 1 => {
                        fold_tile(self.isa, op, value, to, n);
                    }
                    Some(Fold { op, .. }) => fold_into(op, value, to, by, n),
                }
            }
        }
    }

    fn raise(&self, addresses: &[*mut u8], good: bool) {
        if let (false, Some(flag)) = (good, self.nest.flag) {
            // SAFETY: a region's flag is one writable truth value.
            unsafe { *addresses[flag as usize].cast::<bool>() = true };
        }
    }

    /// Writes the identity to what is folded into without counting what is there.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn identities(&self, addresses: &[*mut u8], first: usize, extents: &[usize]) {
        for store in &self.nest.stores {
            let Some(Fold { op, along, accumulate: false }) = store.fold else { continue };
            let ty: DType = self.nest.body[store.value as usize].ty;
            let is_kept = |l: &usize| along >> l & 1 == 0;
            let length = |l: usize| if is_kept(&l) { extents[l] } else { 1 };
            let lengths: SmallVec<[usize; 4]> = (0..extents.len()).map(length).collect();
            if lengths.contains(&0) {
                continue;
            }
            let mut index: SmallVec<[usize; 4]> = smallvec![0; extents.len()];
            loop {
                let mut at = store.access.offset;
                for l in (0..extents.len()).filter(is_kept) {
                    let i = index[l] + if l == 0 { first } else { 0 };
                    at += i as isize * store.access.strides[l];
                }
                let to = addresses[store.access.operand as usize]
                    .wrapping_offset(at * ty.size() as isize);
                // SAFETY: the caller's.
                unsafe { identity_fill(op, ty, to) };
                if !step(&mut index, &lengths) {
                    break;
                }
            }
        }
    }
}

/// The next index in row-major order; false after the last.
fn step(index: &mut [usize], extents: &[usize]) -> bool {
    for (i, &n) in index.iter_mut().zip(extents).rev() {
        *i += 1;
        if *i < n {
            return true;
        }
        *i = 0;
    }
    false
}

/// Which values depend on the loop in lanes.
fn varying(nest: &Nest) -> Vec<bool> {
    let mut varies: Vec<bool> = Vec::with_capacity(nest.body.len());
    for inst in &nest.body {
        let own = match (&inst.op, nest.vector) {
            (_, None) => false,
            (Op::Load(a), Some(v)) => a.strides[v] != 0,
            (Op::Gather { access, index, .. }, Some(v)) => {
                access.strides[v] != 0 || varies[*index as usize]
            }
            (Op::Index { dim, .. }, Some(v)) => *dim == v,
            (op, Some(_)) => op.arguments().iter().any(|&a| varies[a as usize]),
        };
        varies.push(own);
    }
    varies
}

/// A slot for each value; values that are not needed together share one.
fn assign_slots(nest: &Nest) -> (Vec<usize>, usize) {
    let n = nest.body.len();
    let mut last: Vec<usize> = (0..n).collect();
    for (r, inst) in nest.body.iter().enumerate() {
        inst.op.arguments().iter().for_each(|&a| last[a as usize] = r);
    }
    nest.stores.iter().for_each(|s| last[s.value as usize] = n);
    let mut ends: Vec<Vec<usize>> = vec![Vec::new(); n + 1];
    let mut free: Vec<usize> = Vec::new();
    let (mut slot, mut slots) = (vec![0; n], 0);
    for r in 0..n {
        slot[r] = free.pop().unwrap_or_else(|| {
            slots += 1;
            slots - 1
        });
        ends[last[r]].push(slot[r]);
        free.append(&mut ends[r]);
    }
    (slot, slots)
}
