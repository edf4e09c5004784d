//! `cond`: one of two programs, chosen by a truth value when it runs.
//!
//! The differential: the value also hands out what the branch that was taken keeps for its linear
//! part, and a second `cond` on the same truth value, linear in the directions, takes that up. A
//! place for a kept value serves both branches where the types agree. So the branch that was not
//! taken is never run, forwards or backwards.
//!
//! Over instances that take different branches both are run and the results chosen. What an
//! instance did not ask for can neither fail nor poison its derivative: see `Cond::masked`.

use super::flow::*;
use super::*;
use crate::trace::{inline, trace};
use crate::types::DType;
use crate::unzip::Unzipped;
use crate::vmap::batch_inline;

/// `cond(p, x…)` is `on_true(x…)` where `p` holds, otherwise `on_false(x…)`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cond {
    /// What is run when the first argument holds.
    pub on_true: Body,
    /// What is run when it does not.
    pub on_false: Body,
    /// The arguments in which both branches are linear together.
    pub linear: Vec<usize>,
}

/// Where the linear part finds a value the primal part kept.
enum Kept {
    /// Among the arguments.
    Operand(usize),
    /// Among the extra results.
    Slot(usize),
}

impl Cond {
    fn branches(&self) -> [&Body; 2] {
        [&self.on_true, &self.on_false]
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> Result<(Vars, Tangents)> {
        let moves: Vec<bool> = dx[1..].iter().map(Option::is_some).collect();
        let mut forced = vec![false; self.output_count()];
        let joints = loop {
            let [a, b] = self.branches().map(|b| Joint::new(b, &moves, 0..0, &forced));
            let (a, b) = (a?, b?);
            if a.tangents == b.tangents {
                break [a, b];
            }
            forced = a.tangents.iter().zip(&b.tangents).map(|(a, b)| a | b).collect();
        };
        let tangents = joints[0].tangents.clone();
        let [a, b] = joints.map(|joint| joint.unzip());
        let halves = [a?, b?];

        let (slots, kept) = self.slots(&halves);
        let [on_true, on_false] = [0, 1].map(|b| primal(&halves[b], &kept[b], &slots));
        let value = Cond { on_true: on_true?, on_false: on_false?, linear: vec![] };
        let mut y = apply(value, x);
        let slot_values: Vec<Var> = y.drain(self.output_count()..).collect();

        let mut operands: Vec<usize> = Vec::new();
        for kept in kept.iter().flatten() {
            if let Kept::Operand(i) = kept
                && !operands.contains(i)
            {
                operands.push(*i);
            }
        }
        let types = self.on_true.input_types();
        let mut inputs: Vec<Type> = slots;
        inputs.extend(operands.iter().map(|&i| types[i].clone()));
        let known = inputs.len();
        inputs.extend(marked(types, &moves).cloned());
        let [on_true, on_false] = [0, 1].map(|b| {
            trace(&inputs, |args| {
                let (from, directions) = args.split_at(known);
                let mut args: Vec<Var> = kept[b]
                    .iter()
                    .map(|kept| match kept {
                        Kept::Slot(i) => from[*i],
                        Kept::Operand(i) => {
                            let at = operands.iter().position(|o| o == i).unwrap_or_default();
                            from[slot_values.len() + at]
                        }
                    })
                    .collect();
                args.extend(directions);
                inline(&halves[b].linear, &args)
            })
        });
        let linear = Cond {
            on_true: Body::new(on_true?),
            on_false: Body::new(on_false?),
            linear: (1 + known..=inputs.len()).collect(),
        };
        let mut args = vec![x[0]];
        args.extend(slot_values);
        args.extend(operands.iter().map(|&i| x[1 + i]));
        args.extend(dx.iter().flatten());
        let mut dy = apply(linear, &args).into_iter();
        Ok((y, tangents.iter().map(|&t| if t { dy.next() } else { None }).collect()))
    }

    /// The types of the extra results, and where each residual of each branch is kept.
    fn slots(&self, halves: &[Unzipped; 2]) -> (Vec<Type>, [Vec<Kept>; 2]) {
        let mut slots: Vec<Type> = Vec::new();
        let kept = [0, 1].map(|b| {
            let primal = &halves[b].primal;
            let mut taken = vec![false; slots.len()];
            let mut place = |v: &crate::program::Value| {
                if v.index() < primal.inputs {
                    return Kept::Operand(v.index());
                }
                let ty = primal.ty(*v);
                let free = (0..slots.len()).find(|&i| !taken[i] && slots[i] == *ty);
                let at = free.unwrap_or_else(|| {
                    slots.push(ty.clone());
                    taken.push(false);
                    slots.len() - 1
                });
                taken[at] = true;
                Kept::Slot(at)
            };
            primal.outputs[self.output_count()..].iter().map(&mut place).collect::<Vec<Kept>>()
        });
        (slots, kept)
    }

    fn transpose_branches(&self, args: &[Arg], ct: &[Option<Var>]) -> Result<Cotangents> {
        let used: Vec<usize> = positions(&ct.iter().map(Option::is_some).collect::<Vec<_>>());
        let linear = mask_of(&self.linear, args.len());
        let [on_true, on_false] = self.branches().map(|b| transposed(b, &linear[1..], &used));
        let mut inputs = known(args, &linear);
        let first = inputs.len();
        inputs.extend(ct.iter().flatten());
        let back = Cond {
            on_true: Body::new(on_true?),
            on_false: Body::new(on_false?),
            linear: (first..inputs.len()).collect(),
        };
        Ok(placed(&self.linear, args.len(), apply(back, &inputs)))
    }

    fn batch_branches(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        if batched[0] {
            return self.masked(args, batched, n);
        }
        let [on_true, on_false] = self.branches().map(|b| batched_body(b, &batched[1..], n));
        let linear = self.linear.clone();
        let (on_true, on_false) = (Body::new(on_true?), Body::new(on_false?));
        Ok(apply(Cond { on_true, on_false, linear }, args))
    }

    /// Both branches on all instances, and for each the results it asked for. The cotangent of what
    /// is not chosen is an exact zero, which `scale` keeps zero. A branch that can fail is run only
    /// if an instance asks for it, and the others are given the arguments of one that does.
    fn masked(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        let (mask, operands, batched) = (args[0], &args[1..], &batched[1..]);
        let run = |branch: &Body, mask: Var| -> Result<Vec<Var>> {
            if !can_fail(branch) || n == 0 {
                let y = batch_inline(branch, operands, batched, n);
                return Ok(y.into_iter().map(|y| spread(y, n)).collect());
            }
            let mut types: Vec<Type> = operands.iter().map(|x| x.ty()).collect();
            types.push(mask.ty());
            let asked = trace(&types, |x| {
                let (x, mask) = x.split_at(operands.len());
                let x = sheltered(mask[0], x, batched);
                let y = batch_inline(branch, &x, batched, n);
                y.into_iter().map(|y| spread(y, n)).collect()
            })?;
            let results = asked.output_types();
            let nobody = trace(&types, |_| results.iter().map(Var::zeros).collect())?;
            let guard = Cond {
                on_true: Body::new(asked),
                on_false: Body::new(nobody),
                linear: self.linear.clone(),
            };
            let args: Vec<Var> =
                std::iter::once(mask.any()).chain(operands.iter().copied()).chain([mask]).collect();
            Ok(apply(guard, &args).to_vec())
        };
        let on = run(&self.on_true, mask)?;
        let off = run(&self.on_false, mask.not())?;
        Ok(on.into_iter().zip(off).map(|(on, off)| choose(mask, on, off)).collect())
    }
}

/// The primal part of a branch, which hands out what it kept and zeros for the other's slots.
fn primal(halves: &Unzipped, kept: &[Kept], slots: &[Type]) -> Result<Body> {
    body_of(halves.primal.input_types(), |args| {
        let mut y = inline(&halves.primal, args);
        let residuals = y.split_off(y.len() - halves.residuals);
        let mut values: Vec<Option<Var>> = vec![None; slots.len()];
        for (kept, r) in kept.iter().zip(residuals) {
            if let Kept::Slot(i) = kept {
                values[*i] = Some(r);
            }
        }
        y.extend(values.iter().zip(slots).map(|(v, ty)| v.unwrap_or_else(|| Var::zeros(ty))));
        y
    })
}

impl Primitive for Cond {
    fn name(&self) -> &'static str {
        "cond"
    }
    fn output_count(&self) -> usize {
        self.on_true.outputs().len()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("on_true", Attribute::Program(self.on_true.clone())),
            ("on_false", Attribute::Program(self.on_false.clone())),
            ("linear", Attribute::ints(&self.linear)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        let Some((chooses, operands)) = args.split_first() else {
            return Err(Error::shape("needs a truth value to choose by"));
        };
        if *chooses != Type::scalar(DType::Bool) {
            return Err(Error::shape(format!("chooses by one truth value, not {chooses}"))
                .help("compare to get one; for a choice element by element use `Var::select`"));
        }
        expect_inputs("the first branch", &self.on_true, operands)?;
        expect_inputs("the second branch", &self.on_false, operands)?;
        expect_linear(&self.linear, args)?;
        let (on, off) = (self.on_true.output_types(), self.on_false.output_types());
        if on != off {
            return Err(Error::shape(format!("the branches give {on:?} and {off:?}"))
                .help("both branches must give the same element types and shapes"));
        }
        Ok(on.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let operands: Vec<Tensor> = args[1..].iter().map(|&t| t.clone()).collect();
        let branch = if args[0].item::<bool>()? { &self.on_true } else { &self.on_false };
        crate::eval::eval(branch, &operands)
    }
    fn linearity(&self) -> Linearity {
        linear_together(&self.linear)
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        (!moves_linearly(&self.linear, dx))
            .then(|| or_fail(self.differentiate(x, dx), self.output_count()))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        self.branches().iter().any(|b| can_fail(b))
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        cotangents_or_fail(self.transpose_branches(args, ct), args.len())
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_branches(args, batched, n), self.output_count())
    }
}

impl Listed for Cond {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "cond").then(|| {
            Ok(Cond {
                on_true: a.program("on_true")?.clone(),
                on_false: a.program("on_false")?.clone(),
                linear: a.sizes("linear")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let types = [Type::new(DType::F64, [3]), Type::scalar(DType::F64)];
        let on_true = trace(&types, |x| vec![x[0].sin() * x[1], x[1].exp()]);
        let on_false = trace(&types, |x| vec![x[0] * x[0], x[0].sum() * x[1]]);
        let (Ok(on_true), Ok(on_false)) = (on_true, on_false) else { return vec![] };
        let cond = Cond {
            on_true: Body::new(on_true),
            on_false: Body::new(on_false),
            linear: vec![],
        };
        [true, false]
            .map(|p| Sample {
                prim: cond.clone().into(),
                args: vec![
                    Tensor::scalar(p),
                    support::spread(DType::F64, [3], -2.0, 2.0),
                    Tensor::scalar(0.7),
                ],
            })
            .into()
    }
    fn about() -> Vec<About> {
        vec![
            About::new("cond", "mask, x, …", "on_true(x, …) where the mask holds, otherwise on_false(x, …)")
            .differential("that of the branch that is taken, with a cond on the same mask")
            .transpose("of one that is linear: cond(mask, transposes of the branches)"),
        ]
    }
}
