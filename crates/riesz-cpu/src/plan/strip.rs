//! Which nests run strip by strip.
//!
//! Nests that share a long loop and exchange whole buffers are bound by memory. They become [`Strips`]
//! if every iteration of that loop touches only its own part of what one of them writes and another
//! accesses. What only they use then holds one strip.
//!
//! So do products of a batch of matrices, with the nests that make their factors and those that read their
//! results: the long loop is the batch then, and a strip a few matrices, or one. And so does a large product of
//! two: the long loop is over the rows of its result, a strip a block of them, and a bias, an activation or the
//! update of a parameter follows while the block is in the cache. As each strip reads the other factor again, that
//! has to be worth it.
//!
//! A fold along the long loop has a place for each of the strips that run at the same time (`split`), and so does a
//! product that is summed along it: the gradient of a layer by its weights, for many rows.
//!
//! A group begins with a nest or a call of products and takes the following ones that can join; what
//! cannot stays behind if it has nothing to do with those that pass it. A group is made if it saves enough
//! traffic.

use super::area::{Area, areas};
use super::memory::{Memory, entries, touched};
use super::order::permuted;
use super::split::{Partials, fold_apart, has_partials, sum_apart};
use super::storage::{ALIGNMENT, Place, Storage};
use crate::nest::{Band, Call, Local, Loops, Nest, Step, Strips, TOGETHER, Task};
use riesz_core::{DType, Type};
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// The least length of a loop that is cut.
const LONG: usize = 1 << 12;

/// The bytes that a strip should touch: a part of the second-level cache.
const STRIP: usize = 1 << 18;

/// The bytes that it may touch if it has to be this wide for full vectors.
const WIDEST: usize = 3 << 18;

/// Strips are multiples of this many iterations, so that no vector is cut.
const GRAIN: usize = 64;

/// The least length of a loop of products that is cut: as many strips as run at the same time.
const LEAST: usize = TOGETHER;

/// The bytes of traffic from which on strips are worth their walking.
const WORTH: isize = 1 << 19;

/// How far a group looks for more nests, and how many it may pass.
const AHEAD: usize = 64;

/// The steps with strips, where those are worth it. `memory.touched` ends with the entries of these
/// steps, and does so afterwards.
pub fn strip(steps: Vec<Step>, memory: &mut Memory) -> Vec<Step> {
    let mut all = memory.take_entries(&steps).into_iter();
    let touched = steps.iter().map(|step| all.by_ref().take(entries(step)).collect()).collect();
    let mut planner = Planner { steps, touched, memory, uses: HashMap::default() };
    for entry in planner.touched.iter().flatten().chain(&planner.memory.touched) {
        entry.iter().for_each(|&s| *planner.uses.entry(s).or_default() += 1);
    }
    planner.run()
}

struct Planner<'a> {
    steps: Vec<Step>,
    /// The entries of `memory.touched` of each step.
    touched: Vec<Vec<Vec<Storage>>>,
    memory: &'a mut Memory,
    /// How many entries each storage is in.
    uses: HashMap<Storage, usize>,
}

/// Nests and products that can run strip by strip.
#[derive(Clone)]
struct Group {
    length: usize,
    members: Vec<(usize, Band)>,
    /// Where each storage is accessed.
    areas: BTreeMap<Storage, Vec<Area>>,
}

impl Planner<'_> {
    fn run(mut self) -> Vec<Step> {
        let mut done = vec![false; self.steps.len()];
        let mut groups = Vec::new();
        for at in 0..self.steps.len() {
            if !done[at]
                && let Some((group, size)) = self.best_group(at, &done)
            {
                group.members.iter().for_each(|m| done[m.0] = true);
                groups.push((at, group, size));
            }
        }
        let mut groups = groups.into_iter().peekable();
        let mut result = Vec::with_capacity(self.steps.len());
        for (at, step) in std::mem::take(&mut self.steps).into_iter().enumerate() {
            if let Some((_, group, size)) = groups.next_if(|g| g.0 == at) {
                self.cut(group, size, &mut result);
            } else if !done[at] {
                result.push(step);
                self.memory.touched.append(&mut self.touched[at]);
            }
        }
        result
    }

    /// The group that begins with a step and saves most, and how long its strips are.
    fn best_group(&self, at: usize, done: &[bool]) -> Option<(Group, usize)> {
        let extents = match &self.steps[at] {
            Step::Nest(nest) if nest.extents.iter().product::<usize>() >= LONG => {
                nest.extents.clone()
            }
            Step::Call(call) => lengths(call).collect(),
            _ => return None,
        };
        let mut all: Vec<usize> = Vec::new();
        for step in &self.steps[at..self.steps.len().min(at + 8)] {
            let new = match step {
                Step::Nest(other) => other.extents.iter().copied().filter(|&n| n >= LONG).collect(),
                Step::Call(call) => lengths(call).collect(),
                _ => Vec::new(),
            };
            for n in new {
                if extents.iter().any(|e| e.is_multiple_of(n)) && !all.contains(&n) {
                    all.push(n);
                }
            }
        }
        let groups = all.into_iter().filter_map(|length| {
            let group = self.grow(at, length, done)?;
            let (worth, size) = (self.worth(&group)?, self.size(&group)?);
            (worth >= WORTH).then_some((worth, group, size))
        });
        let best = groups.max_by_key(|(worth, group, _)| (*worth, group.length));
        best.map(|(_, group, size)| (group, size))
    }

    /// The nests and products from `at` on that share a loop of this length.
    fn grow(&self, at: usize, length: usize, done: &[bool]) -> Option<Group> {
        let mut group = Group { length, members: Vec::new(), areas: BTreeMap::new() };
        let mut passed: Vec<usize> = Vec::new();
        for j in (at..self.steps.len().min(at + AHEAD)).filter(|&j| !done[j]) {
            let joins = passed.iter().all(|&p| self.is_free(p, j))
                && self.bands(j, length).into_iter().any(|band| self.admit(&mut group, j, band));
            match joins {
                true => {}
                false if j == at => return None,
                false => passed.push(j),
            }
        }
        // A product at the end may have waited for what would read its result.
        while group.members.last().is_some_and(|m| m.1.task.call().is_some()) {
            let mut shorter = group.clone();
            shorter.leave();
            if self.worth(&shorter) < self.worth(&group) {
                break;
            }
            group = shorter;
        }
        // A short loop is worth it for products only.
        (group.members.len() > 1 && (length >= LONG || group.has_products())).then_some(group)
    }

    /// Lets a nest or a call join, if no strip would need another and what products move again is not more than
    /// what is saved by it, or can be by whoever reads the result of a product next.
    fn admit(&self, group: &mut Group, step: usize, band: Band) -> bool {
        let call = band.task.call();
        let has_products = call.is_some() || group.has_products();
        let before = if has_products { self.worth(group) } else { None };
        let result = call.filter(|_| !band.is_sum()).and_then(|call| call.data().last().copied());
        let hoped = result.map_or(0, |s| self.memory.buffers[s as usize].bytes() as isize);
        if !group.join(step, band) {
            return false;
        }
        let is_worth_it = || match (before, self.worth(group)) {
            (Some(before), Some(after)) => after + hoped > before,
            // Strips would be too large; or were, without those of a product.
            (_, after) => after.is_some(),
        };
        let joins = group.members.len() == 1 || !has_products || is_worth_it();
        if !joins {
            group.leave();
        }
        joins
    }

    /// The bytes that a group saves, less those that it reads again; none if its strips are too large.
    fn worth(&self, group: &Group) -> Option<isize> {
        let size = self.size(group)?;
        Some(self.saved(group) as isize - group.moved_again(size) as isize)
    }

    /// The ways to see a nest or a call as one over a long loop of this length.
    fn bands(&self, step: usize, length: usize) -> Vec<Band> {
        let call = match &self.steps[step] {
            Step::Nest(nest) => return bands(nest, length),
            Step::Call(call) => call,
            _ => return Vec::new(),
        };
        let room = call.data().last().map(|&o| self.memory.buffers[o as usize].len);
        let band = |(way, loops): (usize, Loops)| {
            let n = loops.extents.first().copied().filter(|&n| n >= LEAST)?;
            // The places of a sum are as its buffer is.
            let fits =
                n.is_multiple_of(length) && (!loops.is_sum() || Some(loops.results()) == room);
            fits.then(|| Band { task: Task::Call(call.clone()), way, each: n / length })
        };
        call.function.ways().into_iter().enumerate().filter_map(band).collect()
    }

    /// Whether a nest or a call may run before a step that comes before it.
    fn is_free(&self, step: usize, at: usize) -> bool {
        let is_written = |s: &Storage| {
            let fixed = matches!(
                self.memory.buffers[*s as usize].place,
                Place::Argument(_) | Place::Constant(_)
            );
            let written = |step: &Step| match step {
                Step::Nest(nest) => nest.stores.iter().any(|store| store.access.operand == *s),
                Step::Call(call) => call.function.ways().first().is_none_or(|loops| {
                    // The last that has an access, and scratch.
                    call.operands.iter().skip(loops.accesses.len() - 1).any(|o| o == s)
                }),
                _ => true,
            };
            let fixed = fixed || *s == self.memory.flag;
            !fixed && (written(&self.steps[step]) || written(&self.steps[at]))
        };
        let both = |s: &&Storage| self.touched[at].iter().flatten().any(|t| t == *s);
        !self.touched[step].iter().flatten().filter(both).any(is_written)
    }

    /// The iterations of a strip; none if it touches too much.
    fn size(&self, group: &Group) -> Option<usize> {
        if group.has_products() {
            return self.size_with_products(group);
        }
        let touched = group.areas.iter().filter(|(_, areas)| areas.iter().any(Area::moves));
        let bytes: usize = touched.map(|(&s, _)| self.memory.buffers[s as usize].bytes()).sum();
        let each = bytes.div_ceil(group.length).max(1);
        // An odd multiple: what lies one strip apart should not fall into the same lines of a cache.
        let grains = (STRIP / each).min(group.length / TOGETHER) / GRAIN;
        let size = (grains.saturating_sub(1) | 1) * GRAIN;
        (each * size <= WIDEST).then_some(size)
    }

    /// The same, if products are among them: what one member writes should still be there when the next reads it.
    fn size_with_products(&self, group: &Group) -> Option<usize> {
        let length = group.length;
        let each = self.alive(group).div_ceil(length).max(1);
        let most = (STRIP / each).clamp(1, length.div_ceil(TOGETHER));
        let size = match group.grain() {
            1 => most,
            grain => {
                // Whole rounds of strips that run at the same time, if they are few.
                let count = length.div_ceil(most.max(grain));
                let few = count < TOGETHER * TOGETHER;
                let count = if few { count.next_multiple_of(TOGETHER) } else { count };
                length.div_ceil(count).next_multiple_of(grain)
            }
        };
        (each * size <= WIDEST).then_some(size)
    }

    /// The bytes that members hand to each other, at most at any time, for all iterations.
    fn alive(&self, group: &Group) -> usize {
        let mut alive = vec![0; group.members.len()];
        for (&s, areas) in &group.areas {
            let members = areas.iter().map(|area| area.member);
            let (first, last) = (members.clone().min(), members.max());
            if let (Some(first), Some(last), true) = (first, last, areas.iter().any(Area::moves))
                && first < last
            {
                let bytes = self.memory.buffers[s as usize].bytes();
                alive[first..=last].iter_mut().for_each(|sum| *sum += bytes);
            }
        }
        alive.into_iter().max().unwrap_or(0)
    }

    /// The bytes that need not go to memory and back.
    fn saved(&self, group: &Group) -> usize {
        let each = |(&s, areas): (&Storage, &Vec<Area>)| {
            let buffer = &self.memory.buffers[s as usize];
            let mut members: Vec<usize> = vec![0; group.members.len()];
            for area in areas {
                let touched = area.walk.as_ref().map_or(0, |w| w.elements(group.length));
                members[area.member] = (members[area.member] + touched).min(buffer.len);
            }
            let all: usize = members.iter().sum();
            let once = members.iter().copied().max().unwrap_or(0);
            let kept = if self.local(group, s, 1).is_some() { 0 } else { once };
            (all - kept) * buffer.dtype.size()
        };
        group.areas.iter().map(each).sum()
    }

    /// The buffer as one that holds strips of this size, if only the group uses it.
    fn local(&self, group: &Group, s: Storage, size: usize) -> Option<Local> {
        let buffer = &self.memory.buffers[s as usize];
        let inside = |m: &&(usize, Band)| self.touched[m.0].iter().any(|entry| entry.contains(&s));
        if !matches!(buffer.place, Place::Workspace(_))
            || s == self.memory.flag
            || self.uses.get(&s).copied() != Some(group.members.iter().filter(inside).count())
        {
            return None;
        }
        let areas = group.areas.get(&s)?;
        let stride = areas.first()?.walk.as_ref()?.along;
        let all = |a: &Area| a.walk.as_ref().is_some_and(|w| w.keeps_to(stride, group.length));
        let period = usize::try_from(stride).ok()? * group.length;
        if !areas.iter().all(all) || period == 0 || !buffer.len.is_multiple_of(period) {
            return None;
        }
        // Where a routine finds its operands is fixed: there is but one turn of the long loop.
        let calls = areas.iter().any(|a| group.members[a.member].1.task.call().is_some());
        if calls && buffer.len != period {
            return None;
        }
        let room = (buffer.len / group.length * size).next_multiple_of(GRAIN);
        Some(Local { operand: s, stride, room, kept: false })
    }

    /// Writes the steps of a group.
    fn cut(&mut self, group: Group, size: usize, to: &mut Vec<Step>) {
        let mut all: Vec<Storage> =
            group.members.iter().flat_map(|m| self.touched[m.0].concat()).collect();
        let mut strips = self.strips(group, size);
        let mut places = Partials::default();
        for band in &mut strips.body {
            let sum = band.is_sum();
            match &mut band.task {
                Task::Nest(nest) => fold_apart(nest, &mut places, self.memory),
                Task::Call(call) if sum => sum_apart(call, &mut places, self.memory),
                Task::Call(_) => {}
            }
        }
        strips.locals.append(&mut places.locals);
        all.extend(strips.locals.iter().map(|local| local.operand));
        all.sort_unstable();
        all.dedup();
        let nests = |nests: Vec<Nest>, memory: &mut Memory, to: &mut Vec<Step>| {
            memory.touched.extend(nests.iter().map(touched));
            to.extend(nests.into_iter().map(Step::Nest));
        };
        nests(places.before, self.memory, to);
        self.memory.touched.push(all);
        to.push(Step::Strips(strips));
        nests(places.after, self.memory, to);
    }

    fn strips(&mut self, group: Group, size: usize) -> Strips {
        let mut locals: Vec<Local> =
            group.areas.keys().filter_map(|&s| self.local(&group, s, size)).collect();
        let length = group.length;
        let mut body: Vec<Band> = group.members.into_iter().map(|m| m.1).collect();
        for local in &locals {
            let (old, new) = (local.stride * length as isize, local.stride * size as isize);
            let nests = body.iter_mut().filter_map(|band| band.task.nest_mut());
            for access in nests.flat_map(|nest| nest.accesses_mut()) {
                if access.operand != local.operand {
                    continue;
                }
                // What lies beyond one turn of the long loop comes nearer.
                access.offset = access.offset.div_euclid(old) * new + access.offset.rem_euclid(old);
                for stride in access.strides.iter_mut().skip(1).filter(|s| **s % old == 0) {
                    *stride = *stride / old * new;
                }
            }
            let together = length.div_ceil(size).min(TOGETHER);
            self.memory.buffers[local.operand as usize].len = local.room * together;
        }
        // Calls that run at the same time have scratch of their own.
        for band in &mut body {
            let Task::Call(call) = &mut band.task else { continue };
            let bytes = call.function.scratch_for(band.way, size * band.each);
            let bytes = bytes.next_multiple_of(ALIGNMENT);
            if bytes == 0 {
                continue;
            }
            if call.data().len() == call.operands.len() {
                call.operands.push(self.memory.room(&Type::new(DType::I64, [0])));
            }
            let Some(&operand) = call.operands.last() else { continue };
            let buffer = &mut self.memory.buffers[operand as usize];
            let room = bytes / buffer.dtype.size();
            buffer.len = room * length.div_ceil(size).min(TOGETHER);
            locals.push(Local { operand, stride: 0, room, kept: false });
        }
        Strips { length, size, locals, body }
    }
}

impl Group {
    /// Strips are multiples of so many iterations.
    fn grain(&self) -> usize {
        let of = |band: &Band| Some(band.loops()?.grain.div_ceil(band.each));
        let products = self.members.iter().filter_map(|m| of(&m.1)).max().unwrap_or(1);
        // No vector is cut.
        if self.length >= LONG { products.next_multiple_of(GRAIN) } else { products }
    }

    fn has_products(&self) -> bool {
        self.members.iter().any(|m| m.1.task.call().is_some())
    }

    /// The last to join leaves.
    fn leave(&mut self) {
        self.members.pop();
        let left = self.members.len();
        self.areas.retain(|_, areas| {
            areas.retain(|area| area.member < left);
            !areas.is_empty()
        });
    }

    /// The bytes that products move once more in strips of this size.
    fn moved_again(&self, size: usize) -> usize {
        let parts = self.length.div_ceil(size);
        let again = |band: &Band| Some(band.task.call()?.function.moved_again(band.way, parts));
        self.members.iter().filter_map(|m| again(&m.1)).sum()
    }

    /// Takes a nest that touches what the group does, if no strip would need another.
    fn join(&mut self, step: usize, band: Band) -> bool {
        let member = self.members.len();
        let new = areas(&band, member);
        let length = self.length;
        let agrees = |(s, area): &(Storage, Area)| {
            let known = self.areas.get(s).map(Vec::as_slice).unwrap_or_default();
            known.iter().all(|other| area.agrees(other, length))
        };
        let shares = member == 0 || new.iter().any(|(s, _)| self.areas.contains_key(s));
        if !shares || !new.iter().all(agrees) {
            return false;
        }
        for (s, area) in new {
            self.areas.entry(s).or_default().push(area);
        }
        self.members.push((step, band));
        true
    }
}

/// The loops of a call that can be cut.
fn lengths(call: &Call) -> impl Iterator<Item = usize> {
    let ways = call.function.ways().into_iter();
    ways.filter_map(|loops| loops.extents.first().copied()).filter(|&n| n >= LEAST)
}

/// The ways to see a nest as one over a long loop of this length.
fn bands(nest: &Nest, length: usize) -> Vec<Band> {
    // Along the outermost loop folds can have places for each strip.
    let apart = usize::from(has_partials(nest));
    let folded = super::order::folded(nest) >> apart << apart;
    // A few iterations do not fill the lanes of vectors.
    let fills = |l: usize| length >= LONG || nest.extents[l] / length >= GRAIN;
    let fits = |&l: &usize| {
        nest.extents[l].is_multiple_of(length)
            && folded >> l & 1 == 0
            && (nest.vector != Some(l) || fills(l))
    };
    let band = |l| {
        let task = Task::Nest(outermost(nest, l));
        Band { task, way: 0, each: nest.extents[l] / length }
    };
    (0..nest.extents.len()).filter(fits).map(band).collect()
}

/// The nest with one of its loops outside of the others.
fn outermost(nest: &Nest, l: usize) -> Nest {
    let order: SmallVec<[usize; 4]> =
        [l].into_iter().chain((0..nest.extents.len()).filter(|&o| o != l)).collect();
    let mut result = permuted(nest, &order);
    result.vector = nest.vector.and_then(|v| order.iter().position(|&o| o == v));
    result
}
