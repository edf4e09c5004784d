//! How the loops of a nest run: lanes of a vector, loops unrolled or cut in blocks.
//!
//! Nothing here changes what is computed but for the order of a fold, which is fixed by the nest and
//! the instruction set. Three reasons to do several iterations at once: short loops disappear; a sum
//! needs independent chains, or each addition waits for the one before; and iterations of an outer
//! loop that share loads should share them in registers (two matrix rows times one vector).

use super::beside;
use super::graph::Trips;
use super::machine::vectors;
use crate::nest::{Inst, Nest, Op, Unary};
use crate::plan::cost::loops;
use riesz_core::DType;
use smallvec::{SmallVec, smallvec};

/// The most copies of a body.
const COPIES: usize = 16;

/// What one trip of a block may cost, in operations, before copies stop paying.
pub(super) const WORK: usize = 128;

/// How the loops of a nest run.
#[derive(Clone, Debug)]
pub(super) struct Blocking {
    /// Lanes of a vector.
    pub(super) lanes: usize,
    /// The loop in the lanes.
    pub(super) vector: Option<usize>,
    /// For each loop, iterations (of vectors, for the loop in the lanes) done in one trip.
    pub(super) unroll: SmallVec<[usize; 4]>,
    /// Accumulators for one place.
    pub(super) chains: usize,
    /// Whether the range of the outermost loop is given at run time.
    pub(super) ranged: bool,
    /// Whether the vectors of the outermost loop and its tail run in one loop under a mask.
    pub(super) masked: bool,
    /// Whether there are lanes of eight bytes.
    pub(super) eight: bool,
    /// Whether the copies of the body are written operation by operation, not one after the other.
    pub(super) side_by_side: bool,
    /// How many accumulators may have registers.
    pub(super) accumulators: usize,
}

/// A piece of a loop: `trips` times `copies` iterations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) trips: Trips,
    /// Index steps of a trip.
    pub(super) step: u64,
    pub(super) copies: usize,
    /// Index of the first iteration relative to where the pointers are.
    pub(super) start: i64,
    /// Whether the last copy has only the lanes of the tail.
    pub(super) partial: bool,
}

impl Blocking {
    /// Chooses. `wide`: 512 bits and 32 registers; `ranged`: the outermost loop gets its range when
    /// the code runs.
    pub(super) fn of(nest: &Nest, wide: bool, ranged: bool) -> Blocking {
        let depth = nest.extents.len();
        let vector = nest.vector.filter(|&v| nest.extents[v] > 1);
        let eight = nest.body.iter().any(|inst| needs_eight(nest, inst));
        let most = if wide { 8 } else { 4 } * if eight { 1 } else { 2 };
        let least = if eight { 2 } else { 4 };
        let lanes = match vector {
            None => least,
            Some(0) if ranged => most,
            Some(v) => nest.extents[v].next_power_of_two().clamp(least, most),
        };
        let registers = usize::from(vectors(wide));
        let mut blocking = Blocking {
            lanes,
            vector,
            unroll: smallvec![1; depth],
            chains: 1,
            ranged,
            masked: false,
            eight,
            side_by_side: false,
            accumulators: registers * 3 / 4,
        };
        match beside::copies(&blocking, nest, registers) {
            Some((copies, live)) => {
                blocking.unroll[depth - 1] = copies;
                blocking.side_by_side = true;
                blocking.accumulators = registers - beside::SPARE - copies * live;
            }
            None => blocking.unroll(nest, wide),
        }
        // A long body is not written again for the last lanes, where masks cost nothing.
        let cost: usize = costs(nest).iter().sum();
        blocking.masked = wide
            && !ranged
            && vector == Some(0)
            && cost > WORK
            && blocking.unroll[0] == 1
            && nest.extents[0] > lanes
            && !nest.extents[0].is_multiple_of(lanes);
        blocking
    }

    /// Whether the lanes of the tail are those that remain of the outermost loop, whose number is known
    /// only when the code runs.
    pub(super) fn counts_down(&self) -> bool {
        self.vector == Some(0) && (self.ranged || self.masked)
    }

    /// Iterations of a loop, in vectors for the loop in the lanes.
    fn units(&self, nest: &Nest, dim: usize) -> usize {
        if self.vector == Some(dim) {
            nest.extents[dim].div_ceil(self.lanes)
        } else {
            nest.extents[dim]
        }
    }

    fn unroll(&mut self, nest: &Nest, wide: bool) {
        let depth = nest.extents.len();
        let cost: usize = costs(nest).iter().sum::<usize>().max(1) + nest.stores.len();
        let folds = nest.stores.iter().filter(|s| s.fold.is_some()).count();
        let folded =
            |d: usize| nest.stores.iter().any(|s| s.fold.is_some_and(|f| f.along >> d & 1 == 1));
        // Short loops, from the inside.
        let mut copies = 1;
        let mut left = depth;
        while left > 0 {
            let d = left - 1;
            let units = self.units(nest, d);
            let fits = copies * units <= COPIES && copies * units * cost <= 4 * WORK;
            if units > 1 && (!fits || self.ranged && d == 0) {
                break;
            }
            self.unroll[d] = units.max(1);
            copies *= units.max(1);
            left -= 1;
        }
        let chained = |b: &Blocking| -> usize {
            (0..depth).filter(|&d| folded(d)).map(|d| b.unroll[d]).product()
        };
        if left > 0 {
            let inner = left - 1;
            let accumulators = if wide { 24 } else { 8 } / folds.max(1);
            let room = |copies: usize| copies * cost <= WORK && copies <= COPIES;
            let shares = |j: usize| {
                nest.body.iter().any(|inst| match &inst.op {
                    Op::Load(a) => a.strides[j] == 0 && a.strides[inner] != 0,
                    _ => false,
                })
            };
            if folded(inner) {
                for j in (0..inner).rev().filter(|&j| !folded(j) && shares(j)) {
                    let want = if self.vector == Some(j) { 2 } else { 4 };
                    let most = accumulators / copies.max(1);
                    let by = best_block(self.units(nest, j), want.min(most));
                    if by > 1 && room(copies * by) {
                        self.unroll[j] = by;
                        copies *= by;
                    }
                }
                let by = (8 / copies.max(1)).min(self.units(nest, inner)).max(1);
                if by > 1 && room(copies * by) {
                    self.unroll[inner] = by;
                    copies *= by;
                }
            } else {
                // What is added to memory is better added to a register several times first.
                if let Some(j) = (0..inner).rev().find(|&j| folded(j)) {
                    let by = best_block(self.units(nest, j), 4);
                    if room(copies * by) {
                        self.unroll[j] = by;
                        copies *= by;
                    }
                }
                let by = [4, 2].into_iter().find(|&by| room(copies * by)).unwrap_or(1);
                let by = by.min(self.units(nest, inner)).max(1);
                self.unroll[inner] = by;
                copies *= by;
            }
        }
        let along = chained(self);
        let kept = (copies / along.max(1)).max(1);
        self.chains = along.min((8 / kept).max(1));
    }

    /// The pieces a loop runs in.
    pub(super) fn parts(&self, nest: &Nest, dim: usize) -> SmallVec<[Part; 2]> {
        let unit = if self.vector == Some(dim) { self.lanes } else { 1 };
        let by = self.unroll[dim];
        let step = (unit * by) as u64;
        if (self.ranged || self.masked) && dim == 0 {
            let main = Part { trips: Trips::While, step, copies: by, start: 0, partial: false };
            let rest = Part {
                trips: Trips::Rest,
                step: unit as u64,
                copies: 1,
                start: 0,
                partial: unit > 1,
            };
            return if self.masked { smallvec![rest] } else { smallvec![main, rest] };
        }
        let (units, lanes_left) = (nest.extents[dim] / unit, nest.extents[dim] % unit);
        let mut parts: SmallVec<[Part; 2]> = SmallVec::new();
        let trips = units / by;
        let mut start = 0;
        if trips > 0 {
            let once = trips == 1;
            let trips = if once { Trips::Once } else { Trips::Count(trips as u64) };
            parts.push(Part { trips, step, copies: by, start: 0, partial: false });
            start = if once { step as i64 } else { 0 };
        }
        if self.side_by_side && units % by > 0 {
            // A second loop, as every copy is long.
            let trips = Trips::Count((units % by) as u64);
            parts.push(Part { trips, step: unit as u64, copies: 1, start: 0, partial: false });
        }
        let left = if self.side_by_side { 0 } else { units % by };
        let copies = left + usize::from(lanes_left > 0);
        if copies > 0 {
            let partial = lanes_left > 0;
            parts.push(Part { trips: Trips::Once, step, copies, start, partial });
        }
        // Two pieces that run once and fit in one. Copies side by side are those of the innermost loop only.
        if !self.side_by_side
            && let [a, b] = parts.as_slice()
            && a.trips == Trips::Once
            && a.copies + b.copies <= COPIES / 2
        {
            let all = Part { copies: a.copies + b.copies, partial: b.partial, ..*a };
            parts = smallvec![all];
        }
        parts
    }

    /// Lanes of the last vector of the loop in the lanes, if it is not full.
    pub(super) fn tail(&self, nest: &Nest) -> Option<usize> {
        let left = nest.extents[self.vector?] % self.lanes;
        (left > 0).then_some(left)
    }
}

/// A block size near `want` that divides `n`, or `want`.
fn best_block(n: usize, want: usize) -> usize {
    let near = [want, want + 1, want.saturating_sub(1), want + 2];
    near.into_iter().find(|&b| b > 1 && n.is_multiple_of(b)).unwrap_or(want).min(n)
}

/// Whether the nest needs lanes of eight bytes because of this instruction.
fn needs_eight(nest: &Nest, inst: &Inst) -> bool {
    if matches!(inst.ty, DType::F64 | DType::I64) {
        return true;
    }
    match &inst.op {
        Op::Index { dim, start, step } => !fits_i32(nest, *dim, *start, *step),
        Op::Gather { stride, bound, .. } => !gather_fits_i32(inst.ty, *stride, *bound),
        _ => false,
    }
}

/// Whether start + step·i is an `i32` for all i.
pub(super) fn fits_i32(nest: &Nest, dim: usize, start: i64, step: i64) -> bool {
    let last = i128::from(start) + i128::from(step) * nest.extents[dim] as i128;
    i32::try_from(start).is_ok() && i32::try_from(last).is_ok() && i32::try_from(step).is_ok()
}

/// Whether the byte offsets of a gather are `i32`, with room for those of the lanes.
pub(super) fn gather_fits_i32(ty: DType, stride: isize, bound: usize) -> bool {
    stride.unsigned_abs() as u128 * bound as u128 * ty.size() as u128 <= 1 << 30
}

/// About how many processor instructions each instruction of a body becomes.
pub(super) fn costs(nest: &Nest) -> Vec<usize> {
    let mut costs: Vec<usize> = nest.body.iter().map(cost).collect();
    let Some(vector) = nest.vector else { return costs };
    let is_gather = |inst: &Inst| matches!(inst.op, Op::Gather { .. });
    if nest.body.iter().any(is_gather) {
        let loops = loops(&nest.body);
        for (inst, cost) in nest.body.iter().zip(&mut costs) {
            if let Op::Gather { index, .. } = inst.op
                && loops[index as usize] >> vector & 1 == 0
            {
                // One index for all lanes, and from there as a load.
                *cost = 1;
            }
        }
    }
    costs
}

/// About how many processor instructions an instruction becomes.
pub(super) fn cost(inst: &Inst) -> usize {
    match &inst.op {
        Op::Const(_) => 0,
        Op::Load(_) | Op::Index { .. } => 1,
        Op::Unary(f, _) => match f {
            Unary::Neg | Unary::Abs | Unary::Square | Unary::Round | Unary::Floor => 1,
            Unary::Ceil | Unary::Trunc | Unary::Sign => 2,
            Unary::Recip | Unary::Sqrt | Unary::Rsqrt => 5,
            Unary::Exp | Unary::Exp2 => 22,
            _ => 45,
        },
        Op::Binary(f, ..) => match f {
            crate::nest::Binary::Div => 5,
            crate::nest::Binary::Max | crate::nest::Binary::Min => 3,
            crate::nest::Binary::Add | crate::nest::Binary::Sub | crate::nest::Binary::Mul => 1,
            _ => 80,
        },
        Op::Power(n, _) => 2 * (32 - n.unsigned_abs().leading_zeros() as usize),
        Op::Gather { .. } => 12,
        Op::Special(..) => 80,
        Op::Scale(..) => 3,
        _ => 1,
    }
}
