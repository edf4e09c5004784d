//! Small nests one after the other, and loops of them, on operands that they share.

use super::random::cases;
use super::support::*;
use proptest::prelude::*;
use riesz_core::{DType, Tensor};
use riesz_cpu::nest::*;
use smallvec::{SmallVec, smallvec};

/// Elements of every operand.
const SIZE: usize = 4;

/// Operands of each of these types, before the counter and the flag of a loop.
const EACH: usize = 2;

const TYPES: [DType; 4] = [DType::F64, DType::I64, DType::F32, DType::Bool];
const COUNTER: Operand = (EACH * TYPES.len()) as Operand;
const FLAG: Operand = COUNTER + 1;

/// An operand of floats that loops may move along.
const MOVING: Operand = COUNTER + 2;

/// The most trips of a loop.
const TRIPS: usize = 5;

struct Draw<'a>(std::slice::Iter<'a, u32>);

impl Draw<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |&c| c as usize % n)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn operands() -> Vec<DType> {
    let shared = TYPES.iter().flat_map(|&ty| [ty; EACH]);
    shared.chain([DType::I64, DType::Bool, DType::F64]).collect()
}

fn buffers(draw: &mut Draw) -> Vec<Tensor> {
    let mut buffers = Vec::new();
    for ty in TYPES {
        for _ in 0..EACH {
            let values: Vec<f64> = (0..SIZE)
                .map(|_| draw.pick(&[0.0, -0.0, 1.0, -2.0, 3.0, 0.5, -1.5, f64::NAN, 7.0]))
                .collect();
            buffers.push(match ty {
                DType::F64 => Tensor::from(values),
                DType::F32 => Tensor::from(values.iter().map(|&x| x as f32).collect::<Vec<_>>()),
                DType::I64 => Tensor::from(values.iter().map(|&x| x as i64).collect::<Vec<_>>()),
                _ => Tensor::from(values.iter().map(|&x| x > 0.0).collect::<Vec<bool>>()),
            });
        }
    }
    buffers.push(Tensor::from(vec![0i64]));
    buffers.push(Tensor::from(vec![draw.below(2) == 1]));
    let long = (0..SIZE + TRIPS).map(|i| i as f64 - 2.5).collect::<Vec<f64>>();
    buffers.push(Tensor::from(long));
    buffers
}

/// A nest over one short loop, or none, that loads and stores parts of shared operands.
fn nest(draw: &mut Draw) -> Nest {
    let n = draw.pick(&[1, 1, 2, 2, 2, 3, 4, 4]);
    let mut body: Vec<Inst> = Vec::new();
    let mut accesses: Vec<Access> = Vec::new();
    let ty = draw.pick(&[0, 0, 0, 1, 2]);
    let dtype = TYPES[ty];
    let access = |draw: &mut Draw, ty: usize| {
        let shared = (EACH * ty + draw.below(EACH)) as Operand;
        let operand = if ty == 0 && draw.below(8) == 0 { MOVING } else { shared };
        let stride = if n == 1 { 0 } else { draw.pick(&[1, 1, 1, 0, -1]) };
        let reach = stride * (n as isize - 1);
        let spare = SIZE - reach.unsigned_abs();
        let offset = draw.below(spare) as isize - reach.min(0);
        at(operand, offset, &[stride])
    };
    for _ in 0..1 + draw.below(3) {
        let from = access(draw, ty);
        body.push(inst(Op::Load(from.clone()), dtype));
        accesses.push(from);
    }
    let numbers = body.len();
    let truth = if draw.below(8) == 0 { at(FLAG, 0, &[0]) } else { access(draw, 3) };
    body.push(inst(Op::Load(truth.clone()), DType::Bool));
    accesses.push(truth);
    let mut last = draw.below(numbers) as Reg;
    let mut mask = numbers as Reg;
    for _ in 0..draw.below(5) {
        let other = draw.below(numbers) as Reg;
        let op = match draw.below(7) {
            0 => Op::Binary(Binary::Add, last, other),
            1 => Op::Binary(Binary::Sub, last, other),
            2 => Op::Binary(Binary::Mul, last, other),
            3 => Op::Binary(Binary::Max, last, other),
            4 => Op::Unary(Unary::Square, last),
            5 => Op::Select(mask, last, other),
            _ => {
                body.push(inst(Op::Compare(Compare::Lt, last, other), DType::Bool));
                mask = body.len() as Reg - 1;
                continue;
            }
        };
        body.push(inst(op, dtype));
        last = body.len() as Reg - 1;
    }
    let mut stores: Vec<Store> = Vec::new();
    for _ in 0..1 + draw.below(2) {
        let (value, ty) = if draw.below(4) == 0 { (mask, 3) } else { (last, ty) };
        let mut to = access(draw, ty);
        let whole = TYPES[ty] == DType::I64;
        let fold = (draw.below(2) == 0 && n > 1).then(|| Fold {
            op: draw.pick(&[Reduction::Max, Reduction::Min, Reduction::Sum]),
            along: 1,
            accumulate: draw.below(3) == 0,
        });
        // Two numbers have one sum; more may be added in any order.
        let is_exact = |f: &Fold| f.op != Reduction::Sum || whole || n == 2 && !f.accumulate;
        let fold = fold.filter(is_exact).filter(|f| ty < 3 || f.op != Reduction::Sum);
        if fold.is_some() {
            to.strides = smallvec![0];
        } else if n > 1 && to.strides[0] == 0 {
            continue;
        }
        // What is stored is loaded at the same place only, and stored once.
        let is_same = |a: &Access| a.operand == to.operand && (fold.is_some() || *a != to);
        if accesses.iter().any(is_same) || stores.iter().any(|s| s.access.operand == to.operand) {
            continue;
        }
        stores.push(Store { value, access: to, fold });
    }
    let vector = (draw.below(4) > 0).then_some(0);
    Nest { extents: smallvec![n], vector, body, stores, flag: None }
}

fn nests(draw: &mut Draw, most: usize) -> Vec<Step> {
    (0..draw.below(most + 1)).map(|_| Step::Nest(nest(draw))).collect()
}

fn scalar(body: Vec<Inst>, to: Operand) -> Step {
    let value = body.len() as Reg - 1;
    let stores = vec![store(value, at(to, 0, &[]))];
    Step::Nest(Nest { extents: SmallVec::new(), vector: None, body, stores, flag: None })
}

/// While the counter is below a number: nests, and the counter goes on.
fn repeat(draw: &mut Draw) -> Step {
    let load = || inst(Op::Load(at(COUNTER, 0, &[])), DType::I64);
    let number = |n: usize| inst(Op::Const(n as u64), DType::I64);
    let goes_on = inst(Op::Compare(Compare::Lt, 0, 1), DType::Bool);
    let mut test = nests(draw, 2);
    test.push(scalar(vec![load(), number(draw.below(4)), goes_on], FLAG));
    let mut body = nests(draw, 5);
    let next = inst(Op::Binary(Binary::Add, 0, 1), DType::I64);
    let at = draw.below(body.len() + 1);
    body.insert(at, scalar(vec![load(), number(1), next], COUNTER));
    Step::While { test, flag: FLAG, body }
}

/// Nests several times, with operands that move or are exchanged.
fn count(draw: &mut Draw) -> Step {
    let mut exchange = Vec::new();
    for ty in 0..TYPES.len() {
        if draw.below(3) == 0 {
            let first = (EACH * ty) as Operand;
            exchange.push((first, first + 1));
        }
    }
    let advance = if draw.below(2) == 0 { vec![(MOVING, 1)] } else { vec![] };
    let body = nests(draw, 6);
    Step::Loop { count: draw.below(TRIPS + 1), windows: vec![], advance, exchange, body }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(4000), max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_mean_the_same(choices in prop::collection::vec(any::<u32>(), 1000)) {
        let mut draw = Draw(choices.iter());
        let buffers = buffers(&mut draw);
        let mut steps = nests(&mut draw, 8);
        if draw.below(3) > 0 {
            steps.push(if draw.below(2) == 0 { repeat(&mut draw) } else { count(&mut draw) });
            steps.extend(nests(&mut draw, 2));
        }
        check(&Region { operands: operands().into(), steps }, &buffers);
    }
}
