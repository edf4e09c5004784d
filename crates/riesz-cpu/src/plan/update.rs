//! Updates in place: what writes a few elements of a large value need not copy the others.
//!
//! A scatter, a branch or a loop makes a value that mostly is what one of its arguments was. Where that
//! argument lies in memory of its own and nothing reads it afterwards, the result takes its place. What a
//! loop carries and updates so has one buffer instead of two that are exchanged, and a step costs what it
//! writes.

use super::decide::Decisions;
use riesz_core::{Equation, Prim, Program, Value};
use smallvec::SmallVec;

/// Whether an operation is its first argument with some elements replaced.
pub fn is_update(prim: &Prim) -> bool {
    matches!(prim, Prim::ScatterSet(_) | Prim::ScatterAdd(_) | Prim::ScatterExtreme(_))
}

/// Whether result `k` of a body is its input `i` after updates, so that it can lie in the same place.
pub fn updates(body: &Program, i: usize, k: usize) -> bool {
    let input = Value(i as u32);
    let output = body.outputs()[k];
    let asked = |v: Value| body.outputs().iter().filter(|&&o| o == v).count();
    let mut v = output;
    while v != input {
        let found = body.equations().partition_point(|eq| eq.first <= v);
        let Some(eq) = found.checked_sub(1).map(|at| &body.equations()[at]) else { return false };
        let Some(from) = eq.outputs().position(|o| o == v).and_then(|k| source(eq, k)) else {
            return false;
        };
        v = from;
        if asked(v) > usize::from(v == output) {
            return false;
        }
    }
    asked(output) == 1
}

/// The argument in whose place result `k` of an equation can lie.
fn source(eq: &Equation, k: usize) -> Option<Value> {
    let at = match &eq.prim {
        prim if is_update(prim) => 0,
        Prim::Cond(c) => {
            let both = |&j: &usize| updates(&c.on_true, j, k) && updates(&c.on_false, j, k);
            1 + (0..eq.inputs.len() - 1).find(both)?
        }
        // The state is copied back after each round.
        Prim::While(w) => w.consts + k,
        Prim::Scan(s) if k < s.carry && updates(&s.body, s.consts + k, k) => s.consts + k,
        _ => return None,
    };
    eq.inputs.get(at).copied()
}

/// Who uses each value of a program.
pub struct Users {
    /// The first user of each value in `of`, and one past the last.
    first: Vec<u32>,
    /// Numbers of equations.
    of: Vec<u32>,
}

/// Values with more readers than this are taken to be read afterwards.
const MOST: usize = 64;

impl Users {
    /// Of every value of a program.
    pub fn new(program: &Program) -> Users {
        let mut first = vec![0u32; program.len() + 1];
        for eq in program.equations() {
            eq.inputs.iter().for_each(|v| first[v.index() + 1] += 1);
        }
        for v in 0..program.len() {
            first[v + 1] += first[v];
        }
        let mut next = first.clone();
        let mut of = vec![0; first[program.len()] as usize];
        for (i, eq) in program.equations().iter().enumerate() {
            for v in &eq.inputs {
                of[next[v.index()] as usize] = i as u32;
                next[v.index()] += 1;
            }
        }
        Users { first, of }
    }

    /// The equations that use a value, as often as they do.
    pub fn of(&self, v: Value) -> &[u32] {
        &self.of[self.first[v.index()] as usize..self.first[v.index() + 1] as usize]
    }

    /// Whether equation `i` is the last that reads a value, and reads it once: everything else that does,
    /// directly, through what is computed where it is needed, or under another shape in the same memory
    /// (`shared`), is done before. A result of the program is read at the end.
    pub fn is_last(
        &self,
        (program, decisions): (&Program, &Decisions),
        v: Value,
        i: usize,
        shared: impl Fn(&Equation) -> bool,
    ) -> bool {
        let time = |e: usize| {
            let eq = &program.equations()[e];
            (decisions.stage[eq.first.index()], e)
        };
        let mut open: SmallVec<[Value; 8]> = SmallVec::from_slice(&[v]);
        let (mut seen, mut reads) = (0, 0);
        while let Some(v) = open.pop() {
            seen += 1;
            let lasts = program.outputs().contains(&v) || decisions.is_factored(v);
            if seen > MOST || self.of(v).len() > MOST || lasts {
                return false;
            }
            for &e in self.of(v) {
                let eq = &program.equations()[e as usize];
                if e as usize == i {
                    reads += 1;
                } else if !decisions.stored[eq.first.index()] || shared(eq) {
                    open.extend(eq.outputs());
                } else if time(e as usize) >= time(i) {
                    return false;
                }
            }
        }
        reads == 1
    }
}
