//! In which order the elements of stored values lie.
//!
//! Row-major, as a rule. But a product of matrices writes its result in any order at the same cost, and
//! what is gathered is best read in whole rows. So results of products, and what gathers read, lie in the
//! order in which they come to lie where they are read for: a batch of tangents that comes first in a
//! program, and last in the Jacobian it becomes, is last in memory from the beginning. And what is computed
//! from such a result, element by element, to be a factor of another product, lies as that does: a product
//! reads its factors in any order, too.

use super::decide::Decisions;
use super::role::Role;
use riesz_core::{Equation, Prim, Program, Shape, Value};
use rustc_hash::FxHashMap as HashMap;
use smallvec::{SmallVec, smallvec};

/// For each axis, elements from one to the next.
pub type Strides = SmallVec<[usize; 4]>;

/// The strides of the values that do not lie in row-major order; `fixed` ones do.
pub fn layouts(
    program: &Program,
    decisions: &Decisions,
    fixed: &dyn Fn(Value) -> bool,
) -> HashMap<Value, Strides> {
    let mut found = HashMap::default();
    if !is_worth_a_look(program, decisions) {
        return found;
    }
    let mut wanted: Vec<Option<Strides>> = vec![None; program.len()];
    // What somebody needs in row-major order.
    let mut pinned = vec![false; program.len()];
    program.outputs().iter().for_each(|v| pinned[v.index()] = true);
    decisions.factored.values().for_each(|shared| pinned[shared.matrix.index()] = true);
    let mut gathered = vec![false; program.len()];
    // What a product reads.
    let mut multiplied = vec![false; program.len()];
    for (eq, role) in program.equations().iter().zip(&decisions.roles).rev() {
        let y = eq.first;
        let shape = &program.ty(y).shape;
        let stored = decisions.stored[y.index()];
        let is_product = *role == Role::Call && matches!(eq.prim, Prim::Dot(_));
        let is_free = match role {
            Role::Call => is_product,
            Role::Map(_) | Role::Fold | Role::Gather => gathered[y.index()],
            Role::Constant | Role::View | Role::Place => false,
        };
        let mut own = wanted[y.index()].take();
        if stored {
            let order = own.filter(|_| is_free && !pinned[y.index()] && !fixed(y));
            let strides = order.and_then(|wanted| in_order(shape, &wanted));
            let strides = strides.filter(|s| !is_product || keeps_sides(eq, program, s));
            own = Some(strides.clone().unwrap_or_else(|| shape.strides()));
            found.extend(strides.map(|s| (y, s)));
        }
        if *role == Role::Call {
            // A product takes its operands with any strides, other calls do not.
            match is_product {
                true => eq.inputs.iter().for_each(|x| multiplied[x.index()] = true),
                false => eq.inputs.iter().for_each(|x| pinned[x.index()] = true),
            }
            continue;
        }
        if stored && matches!(eq.prim, Prim::Reshape(_) | Prim::StopGradient(_)) {
            // It lies where its argument does.
            pinned[eq.inputs[0].index()] = true;
        }
        if let Some(x) = eq.inputs.first() {
            let through = *role == Role::View && !stored && gathered[y.index()];
            gathered[x.index()] |= *role == Role::Gather || through;
            multiplied[x.index()] |= *role == Role::View && !stored && multiplied[y.index()];
        }
        let Some(own) = own else { continue };
        for (i, &x) in eq.inputs.iter().enumerate() {
            let wanted = &mut wanted[x.index()];
            if wanted.is_none() {
                *wanted = argument(&eq.prim, i, &program.ty(x).shape, shape, &own);
            }
        }
    }
    for eq in program.equations() {
        let y = eq.first;
        let is_map = matches!(decisions.role_of(y), Some(Role::Map(_)));
        let is_free = is_map && decisions.stored[y.index()] && multiplied[y.index()];
        if is_free
            && !pinned[y.index()]
            && !fixed(y)
            && !found.contains_key(&y)
            && let Some(wanted) = as_read(program, decisions, &found, y)
            && let Some(strides) = in_order(&program.ty(y).shape, &wanted)
        {
            found.insert(y, strides);
        }
    }
    found
}

/// How many values are looked at for what a value is computed from.
const LOOKED_AT: usize = 32;

/// For each axis of a value that is computed element by element, how far apart the elements lie of what it is
/// computed from; none if those of the same size lie in different orders, or in that of their axes.
fn as_read(
    program: &Program,
    decisions: &Decisions,
    known: &HashMap<Value, Strides>,
    value: Value,
) -> Option<Strides> {
    let shape = &program.ty(value).shape;
    let mut order: Option<Strides> = None;
    let mut open: SmallVec<[Value; 8]> = SmallVec::from_slice(&[value]);
    let mut seen = 0;
    while let Some(v) = open.pop() {
        seen += 1;
        let eq = &program.equations()[decisions.definition[v.index()]? as usize];
        if seen > LOOKED_AT {
            return None;
        }
        for &x in &eq.inputs {
            let from = &program.ty(x).shape;
            let read = match (&eq.prim, decisions.stored[x.index()]) {
                _ if from.size() < shape.size() => continue,
                (Prim::Transpose(t), true) => {
                    let of = known.get(&x).cloned().unwrap_or_else(|| from.strides());
                    t.order.iter().map(|&axis| of[axis]).collect()
                }
                (_, true) if from == shape => known.get(&x)?.clone(),
                (_, false) if from == shape => {
                    open.push(x);
                    continue;
                }
                _ => return None,
            };
            let same = |known: &Strides| in_order(shape, known) == in_order(shape, &read);
            if !order.as_ref().is_none_or(same) {
                return None;
            }
            order = Some(read);
        }
    }
    order
}

/// Whether there are products and transposes, or something is gathered along an inner axis.
fn is_worth_a_look(program: &Program, decisions: &Decisions) -> bool {
    let (mut products, mut transposes) = (false, false);
    program.equations().iter().zip(&decisions.roles).any(|(eq, role)| {
        products |= *role == Role::Call && matches!(eq.prim, Prim::Dot(_));
        transposes |= matches!(eq.prim, Prim::Transpose(_));
        let gathers = matches!(&eq.prim, Prim::Gather(gather) if gather.axis > 0);
        products && transposes || gathers && *role == Role::Gather
    })
}

/// Strides of a tensor without gaps whose axes lie in the order of the wanted strides; none if that is
/// row-major.
fn in_order(shape: &Shape, wanted: &Strides) -> Option<Strides> {
    let mut axes: SmallVec<[usize; 4]> = (0..shape.rank()).filter(|&a| shape[a] != 1).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(wanted[axis]));
    if axes.is_sorted() {
        return None;
    }
    let mut strides: Strides = smallvec![1; shape.rank()];
    let mut step = 1;
    for &axis in axes.iter().rev() {
        strides[axis] = step;
        step *= shape[axis];
    }
    Some(strides)
}

/// Whether the rows of a product with these strides, and its columns, still lie beside each other, and
/// matrix after matrix of a batch.
fn keeps_sides(eq: &Equation, program: &Program, strides: &Strides) -> bool {
    let Prim::Dot(dot) = &eq.prim else { return false };
    let shape = &program.ty(eq.first).shape;
    let batch = dot.batch.len();
    let rows = dot.lhs(program.ty(eq.inputs[0]).shape.rank()).free.len();
    let side = |axis: usize| usize::from(axis >= batch) + usize::from(axis >= batch + rows);
    let mut axes: SmallVec<[usize; 4]> = (0..shape.rank()).filter(|&a| shape[a] != 1).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(strides[axis]));
    let mut sides: SmallVec<[usize; 4]> = axes.into_iter().map(side).collect();
    sides.dedup();
    sides.iter().position(|&s| s == 0).is_none_or(|at| at == 0)
        && (0..3).all(|side| sides.iter().filter(|&&s| s == side).count() <= 1)
}

/// For each axis of an argument, how far apart its elements come to lie where the result does; none if
/// that is nobody's concern.
fn argument(prim: &Prim, i: usize, from: &Shape, to: &Shape, of: &Strides) -> Option<Strides> {
    Some(match prim {
        Prim::Broadcast(b) => b.axes.iter().map(|&axis| of[axis]).collect(),
        Prim::Transpose(t) => {
            let mut strides = of.clone();
            t.order.iter().zip(of).for_each(|(&axis, &s)| strides[axis] = s);
            strides
        }
        Prim::Slice(s) => of.iter().zip(&s.stride).map(|(s, by)| s.saturating_mul(*by)).collect(),
        Prim::Pad(p) => {
            let apart = |(s, between): (&usize, &usize)| s.saturating_mul(between + 1);
            of.iter().zip(&p.interior).map(apart).collect()
        }
        Prim::Reshape(_) => {
            // A step along an axis is a number of elements in row-major order, and those are steps along
            // an axis of the result.
            let inner = to.strides();
            let step = |n: usize| {
                let holds = |&axis: &usize| inner[axis] <= n && n < inner[axis] * to[axis];
                (0..to.rank())
                    .rev()
                    .find(holds)
                    .map_or(0, |axis| of[axis].saturating_mul(n / inner[axis]))
            };
            from.strides().into_iter().map(step).collect()
        }
        Prim::Gather(g) if i == 0 => {
            let after = g.axis + to.rank() + 1 - from.rank();
            let (before, after) = (of[..g.axis].iter(), of[after..].iter());
            // What is next along the gathered axis may be anywhere.
            before.copied().chain([usize::MAX]).chain(after.copied()).collect()
        }
        Prim::Gather(_) | Prim::Dot(_) => return None,
        Prim::Reduce(r) => {
            let mut strides: Strides = smallvec![0; from.rank()];
            r.kept(from.rank()).into_iter().zip(of).for_each(|(axis, &s)| strides[axis] = s);
            strides
        }
        _ if from.rank() == to.rank() => of.clone(),
        _ => return None,
    })
}
