//! The sets of columns go through a program, and through the bodies of its branches and loops.
//!
//! What is known before the program runs goes along: a mask, an index, the number of a step. A scan of
//! few steps is followed step by step; in a long one, and in a loop whose rounds nobody has counted,
//! every round is said to depend on what any round depends on.

use super::rows::{Rows, Union};
use super::rules::{self, Argument, Dependence};
use crate::body::Body;
use crate::error::Result;
use crate::primitive::{Cond, LinearWhile, Prim, Primitive, Scan};
use crate::program::{Equation, Program, Value};
use crate::tensor::Tensor;

/// The longest scan with a carry that is followed step by step.
const MOST_STEPS: usize = 1024;

/// What is told about a value: the columns its elements depend on, if any, and its elements, if they
/// are known.
#[derive(Clone, Default)]
pub struct Facts {
    pub rows: Option<Rows>,
    pub known: Option<Tensor>,
}

/// The facts about the outputs of a program from those about its inputs.
pub fn through(program: &Program, inputs: Vec<Facts>, union: &mut Union) -> Result<Vec<Facts>> {
    let moves: Vec<bool> = inputs.iter().map(|f| f.rows.is_some()).collect();
    let linear = program.dependents(&moves);
    let wanted = wanted(program, &inputs, &linear);
    let last = last_uses(program);
    let mut facts = inputs;
    facts.resize(program.len(), Facts::default());
    for (at, eq) in program.equations.iter().enumerate() {
        if linear[eq.first.index()] {
            let rows = propagate(program, eq, &facts, union)
                .map_err(|e| e.at(eq.prim.name(), eq.source))?;
            eq.outputs().zip(rows).for_each(|(v, rows)| facts[v.index()].rows = rows);
        } else if eq.outputs().any(|v| wanted[v.index()]) {
            let wanted: Vec<bool> = eq.outputs().map(|v| wanted[v.index()]).collect();
            for (v, value) in eq.outputs().zip(evaluate(eq, &wanted, &facts)) {
                facts[v.index()].known = value;
            }
        }
        // What is not needed any more is given back, so memory follows the live values.
        for v in eq.inputs.iter().copied().chain(eq.outputs()) {
            if last[v.index()] <= at {
                facts[v.index()] = Facts::default();
            }
        }
    }
    Ok(program.outputs.iter().map(|v| facts[v.index()].clone()).collect())
}

/// Which values to know: of those that depend on nothing unknown, the outputs and what stands beside a
/// linear argument.
fn wanted(program: &Program, inputs: &[Facts], linear: &[bool]) -> Vec<bool> {
    let mut unknown: Vec<bool> = inputs.iter().map(|f| f.known.is_none()).collect();
    for eq in &program.equations {
        let args: Vec<bool> = eq.inputs.iter().map(|v| unknown[v.index()]).collect();
        match &eq.prim {
            // What a loop makes of known numbers alone is known, whatever else it carries.
            Prim::Scan(scan) if args.contains(&true) => {
                unknown.extend((0..eq.count as usize).map(|k| {
                    let only: Vec<bool> = (0..eq.count as usize).map(|i| i == k).collect();
                    scan.pruned(&only).1.iter().any(|&i| args[i])
                }));
            }
            _ => unknown.extend(eq.outputs().map(|_| args.contains(&true))),
        }
    }
    let mut wanted = vec![false; program.len()];
    program.outputs.iter().for_each(|v| wanted[v.index()] = !unknown[v.index()]);
    for eq in program.equations.iter().rev() {
        let beside = linear[eq.first.index()] && rules::asks_for_constants(&eq.prim);
        if beside || eq.outputs().any(|v| wanted[v.index()]) {
            eq.inputs.iter().for_each(|v| wanted[v.index()] |= !unknown[v.index()]);
        }
    }
    wanted
}

/// The results in `wanted`, as far as the arguments are known.
fn evaluate(eq: &Equation, wanted: &[bool], facts: &[Facts]) -> Vec<Option<Tensor>> {
    let eval = |prim: &Prim, values: &mut dyn Iterator<Item = Value>| {
        let args = values.map(|v| facts[v.index()].known.as_ref()).collect::<Option<Vec<_>>>()?;
        // One without a value, such as an index out of range, is an error of the run, not ours.
        prim.eval(&args).ok()
    };
    let (values, places) = match &eq.prim {
        Prim::Scan(scan) => {
            let (scan, inputs, outputs) = scan.pruned(wanted);
            (eval(&scan.into(), &mut inputs.iter().map(|&i| eq.inputs[i])), outputs)
        }
        prim => (eval(prim, &mut eq.inputs.iter().copied()), (0..eq.count as usize).collect()),
    };
    let mut all = vec![None; eq.count as usize];
    for (k, value) in places.into_iter().zip(values.into_iter().flatten()) {
        all[k] = Some(value);
    }
    all
}

/// The equation after which each value is not used again; outputs are used to the end.
fn last_uses(program: &Program) -> Vec<usize> {
    let mut last = vec![0; program.len()];
    for (at, eq) in program.equations.iter().enumerate() {
        eq.inputs.iter().for_each(|v| last[v.index()] = at);
    }
    program.outputs.iter().for_each(|v| last[v.index()] = usize::MAX);
    last
}

/// The rows of the results of one equation.
fn propagate(
    program: &Program,
    eq: &Equation,
    facts: &[Facts],
    union: &mut Union,
) -> Result<Vec<Option<Rows>>> {
    let args: Vec<Facts> = eq.inputs.iter().map(|v| facts[v.index()].clone()).collect();
    match &eq.prim {
        Prim::Cond(cond) => return branches(cond, &args, union),
        Prim::Scan(scan) if scan.length > MOST_STEPS && carries(scan, &args) => {
            return any_step(scan, &args, union);
        }
        Prim::Scan(scan) => return step_by_step(scan, &args, union),
        Prim::LinearWhile(repeat) => return any_round(repeat, &args, union),
        Prim::Checkpoint(call) => return inside(&call.body, args, union),
        Prim::CustomBackward(rule) => return inside(&*rule.program()?, args, union),
        _ => {}
    }
    let described: Vec<Argument> = eq
        .inputs
        .iter()
        .zip(&args)
        .map(|(&v, facts)| Argument { ty: program.ty(v), constant: facts.known.as_ref() })
        .collect();
    let result = |out: Value| {
        let mut parts = Vec::new();
        for (i, facts) in args.iter().enumerate() {
            if let Some(rows) = &facts.rows {
                parts.push((rows.clone(), rules::dependence(&eq.prim, &described, i)?));
            }
        }
        union.of(parts, program.ty(out).size()).map(Some)
    };
    eq.outputs().map(result).collect()
}

/// The rows of two ways to one value together.
fn either(a: Option<Rows>, b: Option<Rows>, union: &mut Union) -> Result<Option<Rows>> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let size = a.size();
            union.of(vec![(a, Dependence::Same), (b, Dependence::Same)], size).map(Some)
        }
        (a, b) => Ok(a.or(b)),
    }
}

/// The rows of what a program makes of its arguments.
fn inside(body: &Program, args: Vec<Facts>, union: &mut Union) -> Result<Vec<Option<Rows>>> {
    Ok(through(body, args, union)?.into_iter().map(|facts| facts.rows).collect())
}

/// The branch that is taken, or both where that is not known.
fn branches(cond: &Cond, args: &[Facts], union: &mut Union) -> Result<Vec<Option<Rows>>> {
    let taken = args[0].known.as_ref().and_then(|p| p.item::<bool>().ok());
    let mut of = |branch: &Body| inside(branch, args[1..].to_vec(), union);
    match taken {
        Some(true) => of(&cond.on_true),
        Some(false) => of(&cond.on_false),
        None => {
            let (on, off) = (of(&cond.on_true)?, of(&cond.on_false)?);
            on.into_iter().zip(off).map(|(a, b)| either(a, b, union)).collect()
        }
    }
}

/// Whether a carry depends on any column.
fn carries(scan: &Scan, args: &[Facts]) -> bool {
    let carry = scan.consts..scan.first_xs();
    let moves: Vec<bool> = args.iter().map(|f| f.rows.is_some()).collect();
    let linear = scan.body.dependents(&moves);
    args[carry].iter().any(|f| f.rows.is_some())
        || scan.body.outputs()[..scan.carry].iter().any(|v| linear[v.index()])
}

fn step_by_step(scan: &Scan, args: &[Facts], union: &mut Union) -> Result<Vec<Option<Rows>>> {
    let types = scan.body.input_types();
    let results = scan.body.output_types();
    let (same, xs) = args.split_at(scan.first_xs());
    let (constants, start) = same.split_at(scan.consts);
    let mut carry = start.to_vec();
    let mut ys: Vec<Vec<(Rows, Dependence)>> = (0..scan.ys()).map(|_| Vec::new()).collect();
    let places = |step: usize, size: usize| -> Vec<u32> {
        (step * size..(step + 1) * size).map(|e| e as u32).collect()
    };
    for step in scan.steps() {
        let mut inputs = constants.to_vec();
        inputs.append(&mut carry);
        for (x, ty) in xs.iter().zip(&types[scan.first_xs()..]) {
            let rows = match &x.rows {
                Some(rows) => {
                    let from = Dependence::From(places(step, ty.size()));
                    Some(union.of(vec![(rows.clone(), from)], ty.size())?)
                }
                None => None,
            };
            inputs.push(Facts { rows, known: x.known.as_ref().map(|x| x.part(step)) });
        }
        carry = through(&scan.body, inputs, union)?;
        for (k, facts) in carry.drain(scan.carry..).enumerate() {
            let to = || Dependence::To(places(step, results[scan.carry + k].size()));
            ys[k].extend(facts.rows.map(|rows| (rows, to())));
        }
    }
    let mut all: Vec<Option<Rows>> = carry.into_iter().map(|f| f.rows).collect();
    for (parts, ty) in ys.into_iter().zip(&results[scan.carry..]) {
        let some = !parts.is_empty();
        let rows = union.of(parts, ty.size() * scan.length)?;
        all.push(some.then_some(rows));
    }
    Ok(all)
}

/// As if every step could be any step.
fn any_step(scan: &Scan, args: &[Facts], union: &mut Union) -> Result<Vec<Option<Rows>>> {
    let types = scan.body.input_types();
    let repeated = |size: usize| -> Vec<u32> {
        (0..scan.length * size).map(|e| (e % size.max(1)) as u32).collect()
    };
    let mut inputs = args.to_vec();
    for (facts, ty) in inputs.iter_mut().zip(types).skip(scan.first_xs()) {
        facts.known = None;
        if let Some(rows) = facts.rows.take() {
            let folded = rules::grouped(&repeated(ty.size()), ty.size());
            facts.rows = Some(union.of(vec![(rows, folded)], ty.size())?);
        }
    }
    let mut results = settle(&scan.body, inputs, scan.consts..scan.first_xs(), union)?;
    for (rows, ty) in results.iter_mut().zip(scan.body.output_types()).skip(scan.carry) {
        if let Some(part) = rows.take() {
            let from = Dependence::From(repeated(ty.size()));
            *rows = Some(union.of(vec![(part, from)], ty.size() * scan.length)?);
        }
    }
    Ok(results)
}

/// As if there could be any number of rounds.
fn any_round(repeat: &LinearWhile, args: &[Facts], union: &mut Union) -> Result<Vec<Option<Rows>>> {
    let mut inputs = args[1..].to_vec();
    let state = repeat.consts..repeat.first_linear() - 1;
    inputs[state].iter_mut().for_each(|facts| facts.known = None);
    let values = inputs.len() - repeat.output_count()..inputs.len();
    settle(&repeat.step, inputs, values, union)
}

/// The rows of the results of a body whose first results are fed back to its inputs `fed`, when they
/// have been fed back until nothing is new; those that are fed back together with what they were.
fn settle(
    body: &Body,
    mut inputs: Vec<Facts>,
    fed: std::ops::Range<usize>,
    union: &mut Union,
) -> Result<Vec<Option<Rows>>> {
    inputs[fed.clone()].iter_mut().for_each(|facts| facts.known = None);
    loop {
        let mut results: Vec<Option<Rows>> =
            through(body, inputs.clone(), union)?.into_iter().map(|f| f.rows).collect();
        let mut grown = false;
        for (facts, rows) in inputs[fed.clone()].iter_mut().zip(&mut results) {
            let before = facts.rows.as_ref().map(Rows::entries);
            *rows = either(facts.rows.take(), rows.take(), union)?;
            grown |= before != rows.as_ref().map(Rows::entries);
            facts.rows = rows.clone();
        }
        if !grown {
            return Ok(results);
        }
    }
}
