//! Reversing a loop whose number of rounds is known only when it runs, in memory of a fixed size.
//!
//! The transpose of a loop visits its states from the last to the first, and each state is made from
//! the one before. Keeping all of them takes memory in the number of rounds; a program cannot even
//! say how much. So the rounds are cut into runs of [`RUN`], and the states at the beginnings of at
//! most [`SLOTS`] runs are kept. To go back by one run, the nearest kept state before it is taken
//! up again and moved forward, and free slots are filled on the way where the binomial schedule says
//! (Griewank & Walther, *Algorithm 799: revolve*, ACM TOMS 26, 2000): with c slots and at most t
//! repetitions of any round, β(c, t) = (c + t choose t) runs can be reversed. With 16 slots that are
//! 4896 rounds with two repetitions, 31 008 with three, and 23 million with eight. Inside a run all
//! states are kept, by the scan that it is.
//!
//! All of this is written with the primitives of the list, so that it is differentiated, batched and
//! compiled like any program; and the store of checkpoints does not depend on the cotangents, so that
//! the whole is a `linear_while` again.

use super::flow::*;
use super::linear_while::Roles;
use super::*;
use crate::control::{self, Steps};
use crate::program::Program;
use crate::trace::{inline, trace};
use crate::types::DType;

/// How many rounds are reversed at once, keeping all their states.
const RUN: usize = 32;
/// How many states are kept at the beginnings of runs.
const SLOTS: usize = 16;
/// The most repetitions the schedule is made for: enough for 10¹² runs.
const REPETITIONS: usize = 32;

/// The transpose of a linear loop, applied to cotangents.
pub(super) fn transpose(
    repeat: &LinearWhile,
    args: &[Arg],
    ct: &[Option<Var>],
) -> Result<Cotangents> {
    let first = repeat.first_linear();
    let known: Vec<Var> = args[..first].iter().map(Arg::known).collect();
    let of_linear: Vec<Type> = args[first..].iter().map(Arg::ty).collect();
    let (of_consts, of_values) = of_linear.split_at(repeat.linear_consts);
    let (count, consts) = (known[0], &known[1..=repeat.consts]);
    let start = &known[1 + repeat.consts..];
    let store = Store { repeat, consts: consts.len() };
    let run_back = store.run_backwards()?;

    let runs = (count + (RUN as i32 - 1)) / (RUN as i32);
    let constants = [consts, &[count, runs]].concat();
    let state = store.begin(consts, start, runs);
    let sums: Vec<Var> = of_consts.iter().map(Var::zeros).collect();
    let values = ct.iter().zip(of_values).map(|(ct, ty)| ct.unwrap_or_else(|| Var::zeros(ty)));
    let values: Vec<Var> = sums.iter().copied().chain(values).collect();

    let split = |x: &[Var]| -> (Vec<Var>, Var, Var, Vec<Var>) {
        let (constants, state) = x.split_at(consts.len() + 2);
        let (consts, counts) = constants.split_at(consts.len());
        (consts.to_vec(), counts[0], counts[1], state.to_vec())
    };
    let body = body_of(&types_of(&[&constants[..], &state].concat()), |x| {
        let (consts, _, runs, state) = split(x);
        let round = state[0];
        let target = (runs - round - 2).maximum(0);
        let next = store.seek(&consts, &state[1 + start.len()..], target);
        [vec![round + 1], next].concat()
    })?;
    let step = body_of(&types_of(&[&constants[..], &state, &values].concat()), |x| {
        let (x, values) = x.split_at(constants.len() + state.len());
        let (sums, values) = values.split_at(sums.len());
        let (consts, count, runs, state) = split(x);
        let run = runs - 1 - state[0];
        let rounds = (count - run * RUN as i32).minimum(RUN as i32);
        let now = &state[1..=start.len()];
        let back = inline(&run_back, &[&consts, now, &[rounds], values].concat());
        let (of_consts, of_values) = back.split_at(sums.len());
        let sums = sums.iter().zip(of_consts).map(|(&sum, &ct)| sum + ct);
        sums.chain(of_values.iter().copied()).collect()
    })?;
    let back = LinearWhile { body, step, consts: constants.len(), linear_consts: 0 };
    let y = apply(back, &[&[runs], &constants[..], &state, &values].concat());
    let linear: Vec<usize> = (first..args.len()).collect();
    Ok(placed(&linear, args.len(), y))
}

/// The kept states of a loop, as values of a program: first the state at the beginning of the run
/// that is next to be reversed, then for each part of the state the slots, then which run each slot
/// belongs to, and the number of the last slot in use.
struct Store<'a> {
    repeat: &'a LinearWhile,
    consts: usize,
}

impl Store<'_> {
    /// The round, and the store at the beginning of the last of `runs` runs.
    fn begin(&self, consts: &[Var], start: &[Var], runs: Var) -> Vec<Var> {
        let zero = Var::constant(0i64);
        let mut kept: Vec<Var> =
            start.iter().map(|s| put(s.zeros_like().broadcast_leading(SLOTS), zero, *s)).collect();
        kept.push(Var::zeros(&Type::new(DType::I64, [SLOTS])));
        kept.push(zero);
        [vec![zero], self.seek(consts, &kept, (runs - 1).maximum(0))].concat()
    }

    /// Goes to the beginning of run `target`, which is not after the last kept run but one.
    fn seek(&self, consts: &[Var], kept: &[Var], target: Var) -> Vec<Var> {
        let n = kept.len() - 2;
        let (at, last) = (kept[n], kept[n + 1]);
        let passed = at.take(last, 0).gt(target);
        let last = last - passed.cast(DType::I64);
        let now: Vec<Var> = kept[..n].iter().map(|slots| slots.take(last, 0)).collect();
        let init = [&now, &kept[..=n], &[last, at.take(last, 0)]].concat();
        let mut found = control::while_loop(
            &init,
            |x| x[x.len() - 1].lt(target),
            |x| self.advance(consts, x, n, target),
        );
        found.pop();
        found
    }

    /// From one run to a later one: `target`, or one on the way that is worth keeping.
    fn advance(&self, consts: &[Var], x: &[Var], n: usize, target: Var) -> Vec<Var> {
        let (now, kept) = x.split_at(n);
        let (slots, at, last, run) = (&kept[..n], kept[n], kept[n + 1], kept[n + 2]);
        let free = SLOTS as i32 - 1 - last;
        let next = run + split_point(free + 1, target - run + 1);
        let rounds = (next - run) * RUN as i32;
        let now = control::fori(Var::constant(0i64), rounds, now, |_, now| {
            inline(&self.repeat.body, &[consts, now].concat())
        });
        let worth = next.lt(target);
        let kept = control::cond(
            worth,
            || {
                let last = last + 1;
                let slots = slots.iter().zip(&now).map(|(&slots, &now)| put(slots, last, now));
                slots.chain([put(at, last, next), last]).collect()
            },
            || [slots, &[at, last]].concat(),
        );
        [now, kept, vec![next]].concat()
    }

    /// From constants, the state at the beginning of a run, the number of its rounds and the
    /// cotangents of the linear values after it, to those of the linear constants and of the linear
    /// values before it.
    fn run_backwards(&self) -> Result<Program> {
        let repeat = self.repeat;
        let types = repeat.step.input_types();
        let Roles { consts, state, linear_consts, values } = repeat.roles(types);
        let rounds = Type::scalar(DType::I64);
        let known = self.consts + state.len() + 1;
        let inputs = [consts, state, &[rounds], linear_consts, values].concat();
        let moves = trace(&inputs, |x| {
            let (consts, rest) = x.split_at(consts.len());
            let (state, rest) = rest.split_at(state.len());
            let (rounds, rest) = (rest[0], &rest[1..]);
            let (linear_consts, values) = rest.split_at(linear_consts.len());
            self.run_forwards(consts, state, rounds, linear_consts, values)
        })?;
        let linear: Vec<bool> = (0..inputs.len()).map(|i| i >= known).collect();
        let every: Vec<usize> = (0..values.len()).collect();
        transposed(&moves, &linear, &every)
    }

    /// The linear values after a run: its states by one scan, what they do to the values by another.
    /// Rounds after the last do nothing.
    fn run_forwards(
        &self,
        consts: &[Var],
        state: &[Var],
        rounds: Var,
        linear_consts: &[Var],
        values: &[Var],
    ) -> Vec<Var> {
        let repeat = self.repeat;
        let steps = Steps::new(RUN);
        let (_, mut states) =
            control::scan(steps, state, &[Var::iota(DType::I64, RUN)], |now, round| {
                let runs = round[0].lt(rounds);
                let next = control::cond(
                    runs,
                    || inline(&repeat.body, &[consts, now].concat()),
                    || now.to_vec(),
                );
                (next, [now, &[runs]].concat())
            });
        let runs = states.pop().unwrap_or_else(Var::poison);
        let parts = repeat.step.input_types();
        let (known, linear) = parts.split_at(repeat.consts + repeat.state());
        let linear_positions: Vec<usize> = (1 + known.len()..=known.len() + linear.len()).collect();
        let idle = body_of(parts, |x| x[parts.len() - values.len()..].to_vec());
        let (idle, first_part) = match idle {
            Ok(idle) => (idle, repeat.consts + linear.len()),
            Err(error) => return vec![crate::trace::fail(error); values.len()],
        };
        // (constants, linear constants; values; states, whether the round is run).
        let roles = repeat.roles(parts);
        let mut types = [roles.consts, roles.linear_consts, roles.values, roles.state].concat();
        types.push(Type::scalar(DType::Bool));
        let body = body_of(&types, |x| {
            let (consts, rest) = x.split_at(repeat.consts);
            let (linear, rest) = rest.split_at(linear.len());
            let (state, runs) = rest.split_at(repeat.state());
            let choose =
                Cond { on_true: repeat.step.clone(), on_false: idle, linear: linear_positions };
            apply(choose, &[runs, consts, state, linear].concat()).to_vec()
        });
        let body = match body {
            Ok(body) => body,
            Err(error) => return vec![crate::trace::fail(error); values.len()],
        };
        let scan = Scan {
            body,
            consts: repeat.consts + repeat.linear_consts,
            carry: values.len(),
            length: RUN,
            reverse: false,
            linear: (repeat.consts..first_part).collect(),
        };
        let args = [consts, linear_consts, values, &states, &[runs]].concat();
        apply(scan, &args).to_vec()
    }
}

/// `slots` with `value` in slot `at`.
fn put(slots: Var, at: Var, value: Var) -> Var {
    apply(ScatterSet { axis: 0, batch: 0 }, &[slots, at, value])[0]
}

/// How many of `m` runs to leave behind before the next state is kept, with `c` slots to use, the one
/// at the first run included: β(c, t−1) of them can be reversed later with one repetition fewer, if
/// the rest can be with one slot fewer; for the fewest rounds in all the rest are at least
/// β(c−1, t−1). With one slot there is nothing to keep: all but one.
fn split_point(c: Var, m: Var) -> Var {
    let width = REPETITIONS as i32 + 1;
    let table = Var::constant(schedule());
    let t = table.take(c, 0).lt(m).cast(DType::I64).sum();
    let fewer = (t - 1).maximum(0);
    let flat = table.flatten();
    let behind = flat.take(c * width + fewer, 0);
    let rest = flat.take((c - 1) * width + fewer, 0);
    let left = behind.minimum(m - rest).maximum(1).minimum(m - 1);
    Var::select(c.eq(1), m - 1, left)
}

/// β(c, t) = (c + t choose t) for c ≤ [`SLOTS`] and t ≤ [`REPETITIONS`].
fn schedule() -> Tensor {
    let width = REPETITIONS + 1;
    let mut table = vec![1i64; (SLOTS + 1) * width];
    for c in 1..=SLOTS {
        for t in 1..width {
            let (fewer_slots, fewer_times) = (table[(c - 1) * width + t], table[c * width + t - 1]);
            table[c * width + t] = fewer_slots.saturating_add(fewer_times);
        }
    }
    Tensor::new(table, [SLOTS + 1, width]).unwrap_or_else(|_| Tensor::scalar(0i64))
}
