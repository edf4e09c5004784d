//! Programs inside primitives: what a loop repeats, what a branch does.
//!
//! A [`Body`] is a shared [`Program`] that can be compared and hashed as a primitive must be. Two
//! bodies are equal when they compute the same by the same equations; the places where those were
//! written do not count. The hash is made once, so an equation with a large body costs value
//! numbering no more than any other.

use crate::error::Result;
use crate::primitive::{Checkpoint, Cond, LinearWhile, Prim, Scan, While};
use crate::program::{Program, Value};
use crate::simplify::{SimplifyOptions, simplify};
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A program that is part of a primitive.
#[derive(Clone)]
pub struct Body(Arc<Hashed>);

struct Hashed {
    program: Program,
    hash: u64,
    /// What it is simplified, once somebody asked; of a simplified one nothing, as it is that itself.
    simple: OnceLock<Option<Body>>,
}

impl Body {
    /// A program as a part of a primitive.
    pub fn new(program: Program) -> Body {
        let mut hasher = DefaultHasher::new();
        program.input_types().hash(&mut hasher);
        for eq in &program.equations {
            eq.prim.hash(&mut hasher);
            eq.inputs.hash(&mut hasher);
        }
        program.outputs.hash(&mut hasher);
        Body(Arc::new(Hashed { program, hash: hasher.finish(), simple: OnceLock::new() }))
    }

    /// The body simplified, knowing nothing of its arguments. It is made once with the usual rules.
    pub(crate) fn simplified(&self, options: &SimplifyOptions) -> Body {
        let make = || {
            let program = simplify(&self.0.program, options);
            let same = program == self.0.program;
            let body = if same { self.clone() } else { Body::new(program) };
            (body, same)
        };
        if *options != SimplifyOptions::default() {
            return make().0;
        }
        let simple = self.0.simple.get_or_init(|| {
            let (body, same) = make();
            if same {
                return None;
            }
            // Simplifying again changes nothing.
            let _ = body.0.simple.set(None);
            Some(body)
        });
        simple.clone().unwrap_or_else(|| self.clone())
    }

    /// The input values from position `start`, `count` of them.
    pub(crate) fn inputs_from(&self, start: usize, count: usize) -> Vec<Value> {
        (start as u32..(start + count) as u32).map(Value).collect()
    }
}

impl Deref for Body {
    type Target = Program;
    fn deref(&self) -> &Program {
        &self.0.program
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        let same = || {
            let (a, b) = (&self.0.program, &other.0.program);
            let equations = a.equations.iter().zip(&b.equations);
            a.input_types() == b.input_types()
                && a.outputs == b.outputs
                && a.equations.len() == b.equations.len()
                && equations
                    .into_iter()
                    .all(|(a, b)| a.inputs == b.inputs && a.count == b.count && a.prim == b.prim)
        };
        Arc::ptr_eq(&self.0, &other.0) || (self.0.hash == other.0.hash && same())
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash.hash(state);
    }
}

impl fmt::Debug for Body {
    /// The types and the size: the equations would hide what the body is part of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, outputs) = (self.input_types(), self.output_types());
        write!(f, "{inputs:?} -> {outputs:?} in {} equations", self.equations.len())
    }
}

impl Prim {
    /// The programs inside it: the body of a loop, the branches of a choice.
    pub fn bodies(&self) -> Vec<&Program> {
        match self {
            Prim::Cond(cond) => vec![&cond.on_true, &cond.on_false],
            Prim::Scan(scan) => vec![&scan.body],
            Prim::While(repeat) => vec![&repeat.cond, &repeat.body],
            Prim::LinearWhile(repeat) => vec![&repeat.body, &repeat.step],
            Prim::Checkpoint(call) => vec![&call.body],
            Prim::CustomJvp(call) => vec![&call.value],
            Prim::CustomVjp(call) => vec![&call.value],
            Prim::CustomBackward(rule) => vec![&rule.body],
            Prim::LinearSolve(system) => vec![&system.solve],
            _ => Vec::new(),
        }
    }
}

/// The program with a pass taken over the bodies of loops, branches and checkpoints; borrowed if that changes
/// none of them.
pub(crate) fn in_bodies<'a>(
    program: &'a Program,
    pass: &mut impl FnMut(&Program) -> Result<Cow<'_, Program>>,
) -> Result<Cow<'a, Program>> {
    let mut changed: Option<Program> = None;
    for (i, eq) in program.equations.iter().enumerate() {
        if let Some(prim) = with_bodies(&eq.prim, pass)? {
            changed.get_or_insert_with(|| program.clone()).equations[i].prim = prim;
        }
    }
    Ok(changed.map_or(Cow::Borrowed(program), Cow::Owned))
}

fn with_bodies(
    prim: &Prim,
    pass: &mut impl FnMut(&Program) -> Result<Cow<'_, Program>>,
) -> Result<Option<Prim>> {
    let mut any = false;
    let mut of = |body: &Body| -> Result<Body> {
        Ok(match pass(body)? {
            Cow::Borrowed(_) => body.clone(),
            Cow::Owned(changed) => {
                any = true;
                Body::new(changed)
            }
        })
    };
    let prim: Prim = match prim {
        Prim::Scan(s) => Scan { body: of(&s.body)?, ..s.clone() }.into(),
        Prim::While(w) => While { cond: of(&w.cond)?, body: of(&w.body)?, consts: w.consts }.into(),
        Prim::LinearWhile(w) => {
            LinearWhile { body: of(&w.body)?, step: of(&w.step)?, ..w.clone() }.into()
        }
        Prim::Cond(c) => {
            Cond { on_true: of(&c.on_true)?, on_false: of(&c.on_false)?, linear: c.linear.clone() }
                .into()
        }
        Prim::Checkpoint(c) => Checkpoint { body: of(&c.body)?, ..c.clone() }.into(),
        _ => return Ok(None),
    };
    Ok(any.then_some(prim))
}
