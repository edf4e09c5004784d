//! Where a nest or a call that is run strip by strip goes, and whether two of them meet in another strip.

use super::storage::Storage;
use crate::nest::{Access, Band, Op, Task};
use smallvec::SmallVec;

/// The places that a nest accesses with one load or store.
#[derive(Clone, Debug)]
pub struct Area {
    /// The number of the nest in its group.
    pub member: usize,
    pub is_store: bool,
    /// None: anywhere.
    pub walk: Option<Walk>,
}

/// An offset and loops around it: how many elements each moves, and how often.
#[derive(Clone, Debug)]
pub struct Walk {
    offset: isize,
    /// The step of the long loop.
    pub along: isize,
    loops: SmallVec<[(isize, usize); 4]>,
}

/// The places that a nest touches.
pub fn areas(band: &Band, member: usize) -> Vec<(Storage, Area)> {
    let walk = |access: &Access, extents: &[usize]| {
        let mut loops: SmallVec<[(isize, usize); 4]> =
            access.strides.iter().copied().zip(extents.iter().copied()).skip(1).collect();
        let first = access.strides.first().copied().unwrap_or(0);
        loops.push((first, band.each));
        Walk { offset: access.offset, along: first * band.each as isize, loops }
    };
    let nest = match &band.task {
        Task::Nest(nest) => nest,
        Task::Call(call) => {
            let Some(loops) = band.loops() else { return Vec::new() };
            // Scratch may follow.
            let last = loops.accesses.len() - 1;
            let area = |(i, (&operand, access)): (usize, (&Storage, &Access))| {
                // A sum is not complete before the last strip.
                let whole = i == last && loops.is_sum();
                let walk = (!whole).then(|| walk(access, &loops.extents));
                (operand, Area { member, is_store: i == last, walk })
            };
            return call.operands.iter().zip(&loops.accesses).enumerate().map(area).collect();
        }
    };
    let walk = |access: &Access| walk(access, &nest.extents);
    let loads = nest.body.iter().filter_map(|inst| match &inst.op {
        Op::Load(access) => Some((access, Some(walk(access)))),
        Op::Gather { access, .. } => Some((access, None)),
        _ => None,
    });
    let loads =
        loads.map(|(access, walk)| (access.operand, Area { member, is_store: false, walk }));
    let stores = nest.stores.iter().map(|store| {
        // A fold is not complete before the last strip.
        let walk = (!store.is_folded_outermost()).then(|| walk(&store.access));
        (store.access.operand, Area { member, is_store: true, walk })
    });
    loads.chain(stores).collect()
}

impl Area {
    /// Whether another iteration of the long loop goes elsewhere.
    pub fn moves(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.along != 0)
    }

    /// Whether strips need not wait for each other because of these two.
    pub fn agrees(&self, other: &Area, length: usize) -> bool {
        if !self.is_store && !other.is_store {
            return true;
        }
        let (Some(a), Some(b)) = (&self.walk, &other.walk) else { return false };
        a.along == b.along && a.keeps_to(a.along, length) && b.keeps_to(b.along, length)
            || a.is_apart(b, length)
    }
}

impl Walk {
    /// Whether iteration i of the long loop touches only elements e with
    /// (e / `stride`) mod `length` = i.
    pub fn keeps_to(&self, stride: isize, length: usize) -> bool {
        if stride <= 0 || self.along != stride {
            return false;
        }
        let period = stride * length as isize;
        let low = self.offset.rem_euclid(period);
        let (mut least, mut most) = (low, low);
        for &(step, count) in self.loops.iter().filter(|l| l.0 % period != 0) {
            let far = step * (count as isize - 1);
            least += far.min(0);
            most += far.max(0);
        }
        least >= 0 && most < stride
    }

    /// How many elements it touches if it moves along the long loop; otherwise they stay in the cache.
    pub fn elements(&self, length: usize) -> usize {
        let inner = self.loops.iter().filter(|l| l.0 != 0).map(|l| l.1).product::<usize>();
        if self.along == 0 { 0 } else { inner * length }
    }

    /// The first and the last element.
    fn span(&self, length: usize) -> (isize, isize) {
        let mut span = (self.offset, self.offset);
        for (step, count) in self.loops.iter().copied().chain([(self.along, length)]) {
            let far = step * (count as isize - 1).max(0);
            span = (span.0 + far.min(0), span.1 + far.max(0));
        }
        span
    }

    fn is_apart(&self, other: &Walk, length: usize) -> bool {
        let (a, b) = (self.span(length), other.span(length));
        a.1 < b.0 || b.1 < a.0
    }
}
