//! Scans of which reverse mode keeps less than everything: a scan of checkpointed scans.
//!
//! Of a scan of T steps reverse mode keeps R bytes for each. Cut into chunks of m steps, of which only
//! the S bytes carried into each are kept, it needs (T/m)·S bytes for the chunks and m·R for the one that
//! is being reversed, whose steps are run a second time; and m·P for that chunk's parts of the arguments
//! and their cotangents. Chunks can be cut again, and then their steps run a third time.

use crate::body::Body;
use crate::error::{Error, Result};
use crate::primitive::scan::BytesKept;
use crate::primitive::{Checkpoint, Scan};
use crate::trace::{Var, apply, trace};
use crate::types::Type;

/// What reverse mode keeps of the steps of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checkpoints {
    /// For every step what its differential needs: the fastest.
    #[default]
    None,
    /// What is carried into every chunk of about √T steps, and everything of one chunk at a time. Each
    /// step runs twice.
    Sqrt,
    /// At most so many bytes, with as few runs of each step as that allows, at most four. Counted is what
    /// is kept between the forward run and the backward run, and the parts of arguments that are on their
    /// way; not the arguments and results of the scan themselves, and not what one step needs.
    Within(usize),
}

/// The most levels: the most times a step is run forwards.
const LEVELS: usize = 4;

/// How many steps there are at each level, from the outermost to the innermost.
pub(super) fn lengths(scan: &Scan, checkpoints: Checkpoints) -> Result<Vec<usize>> {
    let steps = scan.length;
    match checkpoints {
        Checkpoints::None => Ok(vec![steps]),
        Checkpoints::Sqrt => {
            let chunks = (steps as f64).sqrt().ceil() as usize;
            Ok(vec![chunks, steps.div_ceil(chunks.max(1))])
        }
        Checkpoints::Within(budget) => {
            let bytes = scan.bytes_kept()?;
            let mut least = usize::MAX;
            for levels in 1..=LEVELS {
                let (needed, lengths) = cut(steps, levels, &bytes);
                if needed <= budget {
                    return Ok(lengths);
                }
                least = least.min(needed);
            }
            Err(Error::usage(format!(
                "{steps} steps cannot be reversed within {budget} bytes; {least} are enough"
            ))
            .help(
                "most of it is what is carried, and the parts of the arguments; raise the budget",
            ))
        }
    }
}

/// The cut into `levels` levels that needs the fewest bytes, and how many. What is left over at a level
/// is one chunk more.
fn cut(steps: usize, levels: usize, bytes: &BytesKept) -> (usize, Vec<usize>) {
    let whole = (bytes.in_loop(steps), vec![steps]);
    if levels == 1 || steps < 4 {
        return whole;
    }
    let mut best = whole;
    let mut chunks = 2.0;
    while chunks < steps as f64 {
        let n = chunks as usize;
        let inside = steps.div_ceil(n);
        let (mut needed, lengths) = cut(inside, levels - 1, bytes);
        needed = needed.saturating_add((n + 1).saturating_mul(bytes.carry));
        needed = needed.saturating_add(inside.saturating_mul(bytes.parts));
        if needed < best.0 {
            best = (needed, [vec![n], lengths].concat());
        }
        chunks *= 1.4;
    }
    best
}

/// Writes the scan into the current frame, cut into levels.
pub(super) fn scan(scan: &Scan, args: &[Var], lengths: &[usize]) -> Vec<Var> {
    let Some((_, inner)) = lengths.split_first().filter(|(_, inner)| !inner.is_empty()) else {
        return apply(scan.clone(), args).to_vec();
    };
    let chunk: usize = inner.iter().product();
    let (whole, rest) = (scan.length / chunk, scan.length % chunk);
    if whole == 0 || chunk <= 1 {
        return apply(scan.clone(), args).to_vec();
    }
    let (same, parts) = args.split_at(scan.first_xs());
    let (consts, init) = same.split_at(scan.consts);
    let cut_at = whole * chunk;
    let ys = scan.ys();
    let mut carry = init.to_vec();
    let mut results: [Vec<Var>; 2] = [vec![], vec![]];
    let halves = if scan.reverse { [1, 0] } else { [0, 1] };
    for half in halves {
        let y = match half {
            0 => {
                let parts = parts.iter().map(|x| {
                    let shape = x.shape();
                    let folded = [&[whole, chunk], &shape[1..]].concat();
                    x.slice_axis(0, 0, cut_at).reshape(folded)
                });
                let args: Vec<Var> = consts.iter().chain(&carry).copied().chain(parts).collect();
                let body = match checkpointed(scan, chunk, inner) {
                    Ok(body) => body,
                    Err(error) => return vec![crate::trace::fail(error); scan.carry + ys],
                };
                let outer = Scan { body, length: whole, ..scan.clone() };
                let mut y = apply(outer, &args).to_vec();
                for y in &mut y[scan.carry..] {
                    let shape = y.shape();
                    *y = y.reshape([&[cut_at], &shape[2..]].concat());
                }
                y
            }
            _ if rest == 0 => continue,
            _ => {
                let parts = parts.iter().map(|x| x.slice_axis(0, cut_at, scan.length));
                let args: Vec<Var> = consts.iter().chain(&carry).copied().chain(parts).collect();
                match checkpointed(scan, rest, inner) {
                    Ok(body) => crate::trace::inline(&body, &args),
                    Err(error) => return vec![crate::trace::fail(error); scan.carry + ys],
                }
            }
        };
        carry = y[..scan.carry].to_vec();
        results[half] = y[scan.carry..].to_vec();
    }
    let [first, second] = results;
    match rest {
        0 => carry.extend(first),
        _ => carry.extend(first.iter().zip(&second).map(|(&a, &b)| Var::concat(&[a, b], 0))),
    }
    carry
}

/// A program that is one call, checkpointed, of `length` of the steps of a scan.
fn checkpointed(scan: &Scan, length: usize, lengths: &[usize]) -> Result<Body> {
    let part = Scan { length, ..scan.clone() };
    let mut types: Vec<Type> = scan.body.input_types().to_vec();
    for ty in &mut types[scan.first_xs()..] {
        *ty = ty.with_shape(ty.shape.with_leading(length));
    }
    let body = Body::new(trace(&types, |x| self::scan(&part, x, lengths))?);
    let call = Checkpoint { body, linear: vec![], again: false };
    trace(&types, |x| apply(call, x).to_vec()).map(Body::new)
}
