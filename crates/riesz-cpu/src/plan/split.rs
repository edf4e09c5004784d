//! Long folds in parts, so that the parts can run on several threads.
//!
//! A nest whose outermost loop is folded has nothing to cut: every iteration goes to the same place.
//! If it is long, the loop is split in a fixed number of parts with a place for each, which are folded
//! at the end. The parts depend on the sizes alone, so the bits of the result do not depend on the
//! number of threads; and shorter sums are more accurate.
//!
//! A nest that runs strip by strip has a place for each number of strips that run at the same time.

use super::cost;
use super::group::{constant, identity};
use super::memory::{Memory, touched};
use super::order::order;
use super::storage::Storage;
use crate::nest::{
    Access, Binary, Call, Fold, Inst, Local, Nest, Op, Reduction, Reg, Step, Store, TOGETHER,
};
use riesz_core::{DType, Type};
use smallvec::{SmallVec, smallvec};

/// The work, in additions of vectors, from which on a nest is worth waking a second thread.
const WORTH_WAKING: f64 = 160_000.0;
/// The same where threads are awake for something else: then sharing takes a microsecond.
const WORTH_JOINING: f64 = 40_000.0;

/// Parts of a long fold: more than threads, so that none waits long for the slowest.
const PARTS: usize = TOGETHER;

/// The lengths of parts of a loop in lanes are multiples of this.
const GRAIN: usize = 64;

/// A place for a part is a multiple of this many elements long, so that threads write no line of the cache
/// together.
const LINE: usize = 16;

/// The work from which on a nest among these steps is worth a second thread: what else they do decides whether
/// a fold of middling length is in parts.
pub fn worth_sharing(steps: &[Step]) -> f64 {
    let wakes = steps.iter().any(|step| is_shared(step, WORTH_WAKING));
    if wakes { WORTH_JOINING } else { WORTH_WAKING }
}

/// Whether a step has something that more than one thread works on, if nests of so much work are worth it.
/// Loops and branches see to themselves.
pub fn is_shared(step: &Step, worth: f64) -> bool {
    match step {
        Step::Nest(nest) => is_cut(nest, worth),
        Step::Strips(_) => true,
        Step::Call(call) => call.function.pieces() > 1,
        Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
            step.bodies().into_iter().flatten().any(|step| is_shared(step, WORTH_WAKING))
        }
    }
}

/// Whether a nest is worth more than one thread, and its outermost loop can be cut for them.
fn is_cut(nest: &Nest, worth: f64) -> bool {
    let length = nest.extents.first().copied().unwrap_or(0);
    let folds = nest.stores.iter().any(Store::is_folded_outermost);
    let long =
        if folds { part(nest) > 0 && has_few_places(nest) } else { length >= 2 * grain(nest) };
    long && cost::nest(nest) >= worth
}

/// Pieces of the outermost loop of a nest are multiples of this.
pub fn grain(nest: &Nest) -> usize {
    if nest.vector == Some(0) { GRAIN } else { 1 }
}

/// How many iterations of the outermost loop of a nest a part has, if there are [`PARTS`].
fn part(nest: &Nest) -> usize {
    let grain = grain(nest);
    nest.extents.first().map_or(0, |length| length / PARTS / grain * grain)
}

/// The steps with long folds in parts. `memory.touched` ends with the entries of these steps, and does so
/// afterwards.
pub fn split_folds(steps: Vec<Step>, memory: &mut Memory) -> Vec<Step> {
    let mut entries = memory.take_entries(&steps).into_iter();
    split_steps(steps, &mut entries, memory)
}

fn split_steps(
    steps: Vec<Step>,
    entries: &mut impl Iterator<Item = Vec<Storage>>,
    memory: &mut Memory,
) -> Vec<Step> {
    let worth = worth_sharing(&steps);
    let mut result = Vec::with_capacity(steps.len());
    for mut step in steps {
        let entry = entries.next().unwrap_or_default();
        if let Step::Nest(nest) = step {
            for nest in split(nest, worth, memory) {
                memory.touched.push(touched(&nest));
                result.push(Step::Nest(nest));
            }
            continue;
        }
        memory.touched.push(entry);
        let bodies = step.bodies_mut();
        let is_open = !bodies.is_empty();
        for body in bodies {
            *body = split_steps(std::mem::take(body), entries, memory);
        }
        if is_open {
            // Where it ends.
            memory.touched.extend(entries.next());
        }
        result.push(step);
    }
    result
}

/// The nest, or the nests that do the same in parts if that is worth it.
fn split(nest: Nest, worth: f64, memory: &mut Memory) -> Vec<Nest> {
    let Some(&length) = nest.extents.first() else { return vec![nest] };
    if !nest.stores.iter().any(Store::is_folded_outermost) || !is_cut(&nest, worth) {
        return vec![nest];
    }
    let part = part(&nest);
    let mut combined = Vec::new();
    let mut parts = with_outer_loop(&nest, part);
    let mut rest = (part * PARTS < length).then(|| nest.part(part * PARTS, length));
    for (i, store) in nest.stores.iter().enumerate().filter(|(_, s)| s.is_folded_outermost()) {
        let Some(fold) = store.fold else { continue };
        let ty = nest.body[store.value as usize].ty;
        let size = kept_size(&nest, store);
        let partial = memory.room(&Type::new(ty, [PARTS, size]));
        let value = parts.stores[i].value;
        parts.stores[i] = Store { value, ..to_partial(&nest, store, fold, partial, size) };
        combined.push(order(combine(&nest, store, fold, (partial, size), ty)));
        if let Some(rest) = &mut rest
            && let Some(fold) = &mut rest.stores[i].fold
        {
            fold.accumulate = true;
        }
    }
    let mut all = vec![parts];
    all.extend(combined);
    all.extend(rest);
    all
}

/// Places for the folds of nests along a loop that is cut in strips.
#[derive(Debug, Default)]
pub struct Partials {
    /// What writes there at first.
    pub before: Vec<Nest>,
    /// The places of one strip.
    pub locals: Vec<Local>,
    /// What folds all of them into the place of the result.
    pub after: Vec<Nest>,
}

impl Partials {
    /// A new buffer of places for folds of so many values, and the elements of one place.
    fn place(
        &mut self,
        op: Reduction,
        ty: DType,
        size: usize,
        memory: &mut Memory,
    ) -> (Storage, usize) {
        let room = size.next_multiple_of(LINE);
        let all = Type::new(ty, [PARTS * room]);
        let partial = memory.room(&all);
        self.before.push(order(constant(identity(op, ty), ty, &all.shape, partial)));
        self.locals.push(Local { operand: partial, stride: 0, room, kept: true });
        (partial, room)
    }
}

/// Whether a nest can be given places for its folds along its outermost loop.
pub fn has_partials(nest: &Nest) -> bool {
    let anew = |s: &Store| !s.is_folded_outermost() || s.fold.is_some_and(|f| !f.accumulate);
    nest.stores.iter().all(anew) && has_few_places(nest)
}

/// Lets a nest that runs strip by strip fold into places of its own.
pub fn fold_apart(nest: &mut Nest, places: &mut Partials, memory: &mut Memory) {
    for i in 0..nest.stores.len() {
        let store = nest.stores[i].clone();
        let Some(fold) = store.fold.filter(|_| store.is_folded_outermost()) else { continue };
        let ty = nest.body[store.value as usize].ty;
        let (partial, room) = places.place(fold.op, ty, kept_size(nest, &store), memory);
        places.after.push(order(combine(nest, &store, fold, (partial, room), ty)));
        nest.stores[i].access = row(nest, &store, partial);
        nest.stores[i].fold = Some(Fold { accumulate: true, ..fold });
    }
}

/// Lets a product that is summed along the loop that is cut add to places of its own.
pub fn sum_apart(call: &mut Call, places: &mut Partials, memory: &mut Memory) {
    let Some(at) = call.data().len().checked_sub(1) else { return };
    let whole = call.operands[at];
    let Type { dtype, shape } = memory.ty(whole);
    let (partial, room) = places.place(Reduction::Sum, dtype, shape.size(), memory);
    let from = Access { operand: partial, offset: 0, strides: smallvec![room as isize, 1] };
    let to = Access { operand: whole, offset: 0, strides: smallvec![0, 1] };
    let fold = Fold { op: Reduction::Sum, along: 1, accumulate: false };
    places.after.push(order(Nest {
        extents: smallvec![PARTS, shape.size()],
        vector: None,
        body: vec![Inst { op: Op::Load(from), ty: dtype }],
        stores: vec![Store { value: 0, access: to, fold: Some(fold) }],
        flag: None,
    }));
    call.operands[at] = partial;
}

/// Whether there are fewer places than values, with one for each part.
fn has_few_places(nest: &Nest) -> bool {
    let folds = nest.stores.iter().filter(|s| s.is_folded_outermost());
    let places: usize = folds.map(|s| kept_size(nest, s)).sum();
    places * PARTS * 4 <= nest.extents.iter().product()
}

/// The loops along which a store keeps its values apart.
fn kept(nest: &Nest, store: &Store) -> Vec<usize> {
    let along = store.fold.map_or(0, |f| f.along);
    (0..nest.extents.len()).filter(|&l| along >> l & 1 == 0).collect()
}

fn kept_size(nest: &Nest, store: &Store) -> usize {
    kept(nest, store).iter().map(|&l| nest.extents[l]).product()
}

/// The nest over the first `PARTS`·`part` iterations, with a loop over the parts around it.
fn with_outer_loop(nest: &Nest, part: usize) -> Nest {
    let mut parts = nest.clone();
    parts.extents[0] = part;
    parts.extents.insert(0, PARTS);
    parts.vector = nest.vector.map(|v| v + 1);
    for access in parts.accesses_mut() {
        let step = access.strides[0];
        access.strides.insert(0, step * part as isize);
    }
    for store in &mut parts.stores {
        if let Some(fold) = &mut store.fold {
            // Along both loops that were one.
            fold.along = fold.along << 1 | fold.along & 1;
        }
    }
    count_in_parts(&mut parts, part);
    parts
}

/// Counting along the loop that was split: the number of the part counts too.
fn count_in_parts(nest: &mut Nest, part: usize) {
    let mut body: Vec<Inst> = Vec::with_capacity(nest.body.len());
    let mut place: Vec<Reg> = Vec::with_capacity(nest.body.len());
    for inst in &nest.body {
        let mut inst = inst.clone();
        inst.op.rename(|r| place[r as usize]);
        match inst.op {
            Op::Index { dim: 0, start, step } => {
                let far = Op::Index { dim: 0, start, step: step * part as i64 };
                let near = Op::Index { dim: 1, start: 0, step };
                let at = body.len() as Reg;
                body.push(Inst { op: far, ty: DType::I64 });
                body.push(Inst { op: near, ty: DType::I64 });
                body.push(Inst { op: Op::Binary(Binary::Add, at, at + 1), ty: DType::I64 });
                if inst.ty != DType::I64 {
                    body.push(Inst { op: Op::Cast(at + 2), ty: inst.ty });
                }
            }
            Op::Index { dim, start, step } => {
                body.push(Inst { op: Op::Index { dim: dim + 1, start, step }, ty: inst.ty });
            }
            _ => body.push(inst),
        }
        place.push(body.len() as Reg - 1);
    }
    nest.body = body;
    nest.stores.iter_mut().for_each(|s| s.value = place[s.value as usize]);
}

/// The access of one row of partial results.
fn row(nest: &Nest, store: &Store, partial: Storage) -> Access {
    let mut strides: SmallVec<[isize; 4]> = smallvec![0; nest.extents.len()];
    let mut step = 1;
    for &l in kept(nest, store).iter().rev() {
        strides[l] = step;
        step *= nest.extents[l] as isize;
    }
    Access { operand: partial, offset: 0, strides }
}

/// The store of a part: into its row of the partial results.
fn to_partial(nest: &Nest, store: &Store, fold: Fold, partial: Storage, size: usize) -> Store {
    let mut access = row(nest, store, partial);
    access.strides.insert(0, size as isize);
    // The loop over the parts is not folded any more.
    let along = fold.along << 1;
    Store { value: store.value, access, fold: Some(Fold { along, accumulate: false, ..fold }) }
}

/// The nest that folds the partial results into their place.
fn combine(
    nest: &Nest,
    store: &Store,
    fold: Fold,
    (partial, size): (Storage, usize),
    ty: DType,
) -> Nest {
    let kept = kept(nest, store);
    let mut extents: SmallVec<[usize; 4]> = smallvec![PARTS];
    extents.extend(kept.iter().map(|&l| nest.extents[l]));
    let mut from: SmallVec<[isize; 4]> = smallvec![0; extents.len()];
    from[0] = size as isize;
    let mut step = 1;
    for i in (1..extents.len()).rev() {
        from[i] = step;
        step *= extents[i] as isize;
    }
    let mut to: SmallVec<[isize; 4]> = smallvec![0];
    to.extend(kept.iter().map(|&l| store.access.strides[l]));
    let load = Access { operand: partial, offset: 0, strides: from };
    let access = Access { strides: to, ..store.access.clone() };
    Nest {
        extents,
        vector: None,
        body: vec![Inst { op: Op::Load(load), ty }],
        stores: vec![Store { value: 0, access, fold: Some(Fold { along: 1, ..fold }) }],
        flag: None,
    }
}
