//! Rules for what only moves elements: identities, and two moves that are one.

use super::Class::Exact;
use super::Rule;
use super::rewriter::{Rewriter, Step};
use crate::primitive::{Broadcast, Cast, Flip, Pad, Prim, Reshape, Slice, Transpose};
use crate::program::Value;
use crate::types::{DType, Shape};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "move_nothing",
        class: Exact,
        says: "reshape, transpose, broadcast, slice, flip, pad, cast, concat or reduction that changes nothing -> x",
        apply: move_nothing,
    },
    Rule {
        name: "reshape_of_reshape",
        class: Exact,
        says: "reshape(reshape(x)) -> reshape(x)",
        apply: reshape_of_reshape,
    },
    Rule {
        name: "reshape_of_broadcast",
        class: Exact,
        says: "reshape(broadcast(number)) -> broadcast(number)",
        apply: reshape_of_broadcast,
    },
    Rule {
        name: "transpose_of_transpose",
        class: Exact,
        says: "transpose(transpose(x)) -> transpose(x)",
        apply: transpose_of_transpose,
    },
    Rule {
        name: "transpose_of_broadcast",
        class: Exact,
        says: "transpose(broadcast(x)) -> broadcast(transpose(x))",
        apply: transpose_of_broadcast,
    },
    Rule {
        name: "broadcast_of_broadcast",
        class: Exact,
        says: "broadcast(broadcast(x)) -> broadcast(x)",
        apply: broadcast_of_broadcast,
    },
    Rule {
        name: "slice_of_slice",
        class: Exact,
        says: "slice(slice(x)) -> slice(x)",
        apply: slice_of_slice,
    },
    Rule {
        name: "slice_of_broadcast",
        class: Exact,
        says: "slice(broadcast(x)) -> broadcast(slice(x))",
        apply: slice_of_broadcast,
    },
    Rule {
        name: "slice_of_pad",
        class: Exact,
        says: "slice(pad(x)) -> x, where it takes what was padded",
        apply: slice_of_pad,
    },
    Rule {
        name: "slice_of_concat",
        class: Exact,
        says: "slice(concat(…, x, …)) -> slice(x), where it lies in x",
        apply: slice_of_concat,
    },
    Rule {
        name: "gather_of_steps",
        class: Exact,
        says: "gather(x, constants that are one step apart) -> slice(x), where x has them all",
        apply: gather_of_steps,
    },
    Rule {
        name: "flip_of_flip",
        class: Exact,
        says: "flip(flip(x)) -> flip(x)",
        apply: flip_of_flip,
    },
    Rule {
        name: "flip_of_broadcast",
        class: Exact,
        says: "flip(broadcast(x)) -> broadcast(flip(x))",
        apply: flip_of_broadcast,
    },
    Rule {
        name: "cast_of_cast",
        class: Exact,
        says: "cast(cast(x)) -> cast(x), where the inner one keeps every number",
        apply: cast_of_cast,
    },
    Rule { name: "pad_of_pad", class: Exact, says: "pad(pad(x)) -> pad(x)", apply: pad_of_pad },
];

/// How many arguments of a `concat` are searched: more would cost more than linear time.
const PARTS: usize = 32;

fn move_nothing(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let (&[x, ..], one) = (s.x, s.x.len() == 1) else { return None };
    let nothing = match s.prim {
        Prim::Reshape(_) | Prim::Broadcast(_) | Prim::Slice(_) | Prim::Cast(_) => rw.ty(x) == s.ty,
        Prim::Concat(_) => one,
        Prim::Reduce(r) => r.axes.is_empty(),
        Prim::Transpose(t) => t.order.is_sorted(),
        Prim::Flip(f) => f.axes.iter().all(|&axis| s.ty.shape[axis] <= 1),
        Prim::Pad(p) => {
            rw.ty(x) == s.ty && [&p.low, &p.high].iter().all(|w| w.iter().all(|&w| w == 0))
        }
        _ => false,
    };
    nothing.then_some(x)
}

fn reshape_of_reshape(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Reshape(r) = s.prim else { return None };
    let (x, _) = rw.is_reshape(s.x[0])?;
    rw.make(r.clone(), &[x])
}

fn reshape_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Reshape(Reshape { shape }) = s.prim else { return None };
    let (x, b) = rw.is_broadcast(s.x[0])?;
    if !b.axes.is_empty() {
        return None;
    }
    rw.spread(x, shape)
}

/// Axis i of the result is axis `outer[i]` of the middle, which is axis `inner[outer[i]]` of x.
fn transpose_of_transpose(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Transpose(outer) = s.prim else { return None };
    let (x, inner) = rw.is_transpose(s.x[0])?;
    let order = outer.order.iter().map(|&axis| inner.order[axis]).collect();
    rw.make(Transpose { order }, &[x])
}

fn transpose_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Transpose(t) = s.prim else { return None };
    let (x, b) = rw.is_broadcast(s.x[0])?;
    let back = t.inverse().order;
    // Each axis of x with its place in the result, by that place.
    let mut places: Vec<(usize, usize)> =
        b.axes.iter().enumerate().map(|(k, &axis)| (back[axis], k)).collect();
    places.sort_unstable();
    let axes = places.iter().map(|p| p.0).collect();
    let x = rw.make(Transpose { order: places.iter().map(|p| p.1).collect() }, &[x])?;
    rw.make(Broadcast { shape: s.ty.shape.clone(), axes }, &[x])
}

fn broadcast_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Broadcast(outer) = s.prim else { return None };
    let (x, inner) = rw.is_broadcast(s.x[0])?;
    let axes = inner.axes.iter().map(|&axis| outer.axes[axis]).collect();
    rw.make(Broadcast { shape: outer.shape.clone(), axes }, &[x])
}

fn slice_of_slice(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Slice(outer) = s.prim else { return None };
    let (Prim::Slice(inner), &[x]) = rw.def(s.x[0])? else { return None };
    let mut slice = Slice { start: vec![], limit: vec![], stride: vec![] };
    for (axis, &n) in s.ty.shape.iter().enumerate() {
        let step = inner.stride[axis];
        let start = inner.start[axis] + outer.start[axis] * step;
        let stride = step * outer.stride[axis];
        // An empty range may begin past the end of x.
        let start = if n == 0 { start.min(inner.limit[axis]) } else { start };
        slice.start.push(start);
        slice.limit.push(if n == 0 { start } else { start + (n - 1) * stride + 1 });
        slice.stride.push(stride);
    }
    rw.make(slice, &[x])
}

fn slice_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Slice(slice) = s.prim else { return None };
    let (x, b) = rw.is_broadcast(s.x[0])?;
    let axes = b.axes.clone();
    let of = |ranges: &[usize]| axes.iter().map(|&axis| ranges[axis]).collect();
    let (start, limit, stride) = (of(&slice.start), of(&slice.limit), of(&slice.stride));
    let x = rw.make(Slice { start, limit, stride }, &[x])?;
    rw.make(Broadcast { shape: s.ty.shape.clone(), axes }, &[x])
}

fn slice_of_pad(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Slice(slice) = s.prim else { return None };
    let (Prim::Pad(pad), &[x]) = rw.def(s.x[0])? else { return None };
    let from = &rw.ty(x).shape;
    let all = (0..from.rank()).all(|axis| {
        let step = slice.stride[axis] == pad.interior[axis] + 1 || from[axis] == 1;
        step && pad.low[axis] == slice.start[axis] as i64 && from[axis] == s.ty.shape[axis]
    });
    all.then_some(x)
}

fn slice_of_concat(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Slice(slice) = s.prim else { return None };
    let (Prim::Concat(concat), parts) = rw.def(s.x[0])? else { return None };
    let axis = concat.axis;
    let n = s.ty.shape[axis];
    if n == 0 || parts.len() > PARTS {
        return None;
    }
    let first = slice.start[axis];
    let last = first + (n - 1) * slice.stride[axis];
    let mut before = 0;
    for &part in parts {
        let length = rw.ty(part).shape[axis];
        if first >= before && last < before + length {
            let mut slice = slice.clone();
            slice.start[axis] = first - before;
            slice.limit[axis] = last - before + 1;
            return rw.make(slice, &[part]);
        }
        before += length;
    }
    None
}

fn gather_of_steps(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Gather(gather) = s.prim else { return None };
    let &[x, index] = s.x else { return None };
    let Prim::Constant(constant) = rw.maker(index)? else { return None };
    // An axis that both have in common has one index for each of its places.
    if gather.batch != 0 || constant.0.shape().rank() != 1 {
        return None;
    }
    let at = constant.0.to_f64();
    let (axis, shape) = (gather.axis, rw.shape(x));
    let (&first, &last) = (at.first()?, at.last()?);
    let stride = at.get(1).map_or(1.0, |next| next - first);
    let even = at.windows(2).all(|pair| pair[1] - pair[0] == stride);
    if !even || stride < 1.0 || first < 0.0 || last >= shape[axis] as f64 {
        return None;
    }
    let (mut start, mut limit) = (vec![0; shape.rank()], shape.to_vec());
    let mut strides = vec![1; shape.rank()];
    (start[axis], limit[axis], strides[axis]) =
        (first as usize, last as usize + 1, stride as usize);
    rw.make(Slice { start, limit, stride: strides }, &[x])
}

fn flip_of_flip(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Flip(outer) = s.prim else { return None };
    let (Prim::Flip(inner), &[x]) = rw.def(s.x[0])? else { return None };
    let once = |axis: &usize| outer.axes.contains(axis) != inner.axes.contains(axis);
    let axes = (0..s.ty.shape.rank()).filter(once).collect();
    rw.make(Flip { axes }, &[x])
}

fn flip_of_broadcast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Flip(flip) = s.prim else { return None };
    let (x, b) = rw.is_broadcast(s.x[0])?;
    let b = b.clone();
    let axes = (0..b.axes.len()).filter(|&k| flip.axes.contains(&b.axes[k])).collect();
    let x = rw.make(Flip { axes }, &[x])?;
    rw.make(b, &[x])
}

fn cast_of_cast(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Cast(Cast { to }) = s.prim else { return None };
    let (Prim::Cast(_), &[x]) = rw.def(s.x[0])? else { return None };
    if !keeps_every_number(rw.ty(x).dtype, rw.ty(s.x[0]).dtype) {
        return None;
    }
    rw.make(Cast { to: *to }, &[x])
}

fn keeps_every_number(from: DType, to: DType) -> bool {
    matches!(
        (from, to),
        (DType::Bool, _) | (DType::I32, DType::I64 | DType::F64) | (DType::F32, DType::F64)
    ) || from == to
}

/// Widths add up where the outer one does not put back zeros for elements the inner one cut.
fn pad_of_pad(rw: &mut Rewriter<'_>, s: &Step<'_>) -> Option<Value> {
    let Prim::Pad(outer) = s.prim else { return None };
    let (Prim::Pad(inner), &[x]) = rw.def(s.x[0])? else { return None };
    let adds =
        |inner: &[i64], outer: &[i64]| inner.iter().zip(outer).all(|(&i, &o)| i >= 0 || o <= 0);
    let from: &Shape = &rw.ty(x).shape;
    let fits = outer.interior.iter().all(|&i| i == 0)
        && !from.contains(&0)
        && !rw.ty(s.x[0]).shape.contains(&0)
        && adds(&inner.low, &outer.low)
        && adds(&inner.high, &outer.high);
    if !fits {
        return None;
    }
    let sum = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a + b).collect();
    let pad = Pad {
        low: sum(&inner.low, &outer.low),
        high: sum(&inner.high, &outer.high),
        interior: inner.interior.clone(),
    };
    rw.make(pad, &[x])
}
