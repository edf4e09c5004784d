//! Random nests and regions, from a list of choices that can shrink.
//!
//! Only operations with one right result: arithmetic, comparisons, casts. Sums are of whole numbers
//! small enough that their order does not matter.

use super::support::*;
use proptest::prelude::*;
use riesz_core::{DType, Tensor};
use riesz_cpu::nest::*;
use smallvec::SmallVec;

/// Choices, one after the other; 0 when they are used up.
struct Draw<'a> {
    choices: &'a [u32],
    at: usize,
}

impl Draw<'_> {
    fn below(&mut self, n: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        choice as usize % n.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }
}

/// A value of the body: its type, and the largest it can be if it is a whole number.
#[derive(Clone, Copy)]
struct Known {
    ty: DType,
    whole: Option<f64>,
}

/// A nest in the making, with its buffers.
struct Making {
    extents: SmallVec<[usize; 4]>,
    operands: Vec<DType>,
    buffers: Vec<Tensor>,
    body: Vec<Inst>,
    known: Vec<Known>,
    stores: Vec<Store>,
}

fn buffer(draw: &mut Draw, ty: DType, n: usize) -> Tensor {
    let odd = draw.chance(20);
    let values: Vec<f64> = (0..n)
        .map(|i| {
            let x = ((i * 29 + draw.at * 7) % 23) as f64 - 11.0;
            match i % 13 {
                3 if odd => f64::NAN,
                5 if odd => -0.0,
                7 if odd => f64::INFINITY,
                9 if odd => x / 3.0,
                11 if odd => x * 1e12,
                _ => x,
            }
        })
        .collect();
    match ty {
        DType::F64 => Tensor::from(values),
        DType::F32 => Tensor::from(values.iter().map(|&x| x as f32).collect::<Vec<f32>>()),
        DType::I32 => Tensor::from(values.iter().map(|&x| x as i32).collect::<Vec<i32>>()),
        DType::I64 => Tensor::from(values.iter().map(|&x| x as i64).collect::<Vec<i64>>()),
        DType::Bool => Tensor::from(values.iter().map(|&x| x > 0.0).collect::<Vec<bool>>()),
    }
}

impl Making {
    /// An access that reaches `kept` loops without falling on itself, or any if `free`.
    fn access(&mut self, draw: &mut Draw, ty: DType, kept: u32, free: bool) -> Access {
        let dims = self.extents.len();
        let mut strides: SmallVec<[isize; 4]> = SmallVec::from_elem(0, dims);
        let mut order: Vec<usize> = (0..dims).filter(|d| kept >> d & 1 == 1).collect();
        if draw.chance(50) {
            order.reverse();
        }
        if draw.chance(20) && order.len() > 1 {
            order.swap(0, 1);
        }
        let mut reach = if draw.chance(20) { 1 + draw.below(3) as isize } else { 1 };
        for d in order {
            let skip = free && draw.chance(20);
            if skip {
                continue;
            }
            strides[d] = if draw.chance(15) { -reach } else { reach };
            reach *= self.extents[d].max(1) as isize;
        }
        let spare = draw.below(3) as isize;
        let (mut low, mut high) = (0, 0);
        for (d, &s) in strides.iter().enumerate() {
            let far = s * (self.extents[d].max(1) as isize - 1);
            low += far.min(0);
            high += far.max(0);
        }
        let operand = self.operands.len() as Operand;
        self.operands.push(ty);
        let n = (high - low + 1 + spare) as usize;
        self.buffers.push(buffer(draw, ty, n));
        Access { operand, offset: -low + spare.min(1), strides }
    }

    fn push(&mut self, op: Op, ty: DType, whole: Option<f64>) -> Reg {
        self.body.push(Inst { op, ty });
        self.known.push(Known { ty, whole: whole.filter(|&w| w < 1e6) });
        self.body.len() as Reg - 1
    }

    fn of(&self, draw: &mut Draw, good: impl Fn(&Known) -> bool) -> Option<Reg> {
        let found: Vec<Reg> =
            (0..self.known.len() as Reg).filter(|&r| good(&self.known[r as usize])).collect();
        (!found.is_empty()).then(|| draw.pick(&found))
    }

    fn load(&mut self, draw: &mut Draw, ty: DType) {
        let all = (1u32 << self.extents.len()) - 1;
        let access = self.access(draw, ty, all, true);
        // Whole numbers may be large too, and become floats later.
        let is_odd =
            |x: &f64| x.fract() != 0.0 || x.abs() > 12.0 || *x == 0.0 && x.is_sign_negative();
        let odd = self.buffers[access.operand as usize].to_f64().iter().any(is_odd);
        self.push(Op::Load(access), ty, (!odd).then_some(12.0));
    }

    fn step(&mut self, draw: &mut Draw) {
        let Some(a) = self.of(draw, |_| true) else { return };
        let Known { ty, whole } = self.known[a as usize];
        let b = self.of(draw, |k| k.ty == ty).unwrap_or(a);
        let other = self.known[b as usize].whole;
        let both = whole.zip(other);
        match (draw.below(10), ty) {
            (0..=2, DType::Bool) => {
                let f = draw.pick(&[Logical::And, Logical::Or, Logical::Xor, Logical::Not]);
                self.push(Op::Logical(f, a, if f == Logical::Not { a } else { b }), ty, None);
            }
            (0..=3, _) if ty != DType::Bool => {
                let f = draw.pick(&[
                    Binary::Add,
                    Binary::Sub,
                    Binary::Mul,
                    Binary::Max,
                    Binary::Min,
                    Binary::Div,
                ]);
                if f == Binary::Div && !ty.is_float() {
                    return;
                }
                let whole = both.and_then(|(x, y)| match f {
                    Binary::Add | Binary::Sub => Some(x + y),
                    Binary::Mul => Some(x * y),
                    Binary::Max | Binary::Min => Some(x.max(y)),
                    _ => None,
                });
                self.push(Op::Binary(f, a, b), ty, whole);
            }
            (4, _) if ty.is_float() => {
                let c = self.of(draw, |k| k.ty == ty).unwrap_or(a);
                let whole = both.zip(self.known[c as usize].whole).map(|((x, y), z)| x * y + z);
                self.push(Op::Fma(a, b, c), ty, whole);
            }
            (4, DType::I32 | DType::I64) => {
                self.push(Op::Power(draw.below(4) as i32, a), ty, None);
            }
            (5, _) if ty != DType::Bool => {
                let f = draw.pick(&[
                    Unary::Neg,
                    Unary::Abs,
                    Unary::Sign,
                    Unary::Square,
                    Unary::Floor,
                    Unary::Ceil,
                    Unary::Round,
                    Unary::Trunc,
                ]);
                let whole = whole.map(|w| if f == Unary::Square { w * w } else { w });
                self.push(Op::Unary(f, a), ty, whole);
            }
            (6, _) => {
                let f = draw.pick(&Compare::ALL);
                self.push(Op::Compare(f, a, b), DType::Bool, None);
            }
            (7, _) => {
                let Some(mask) = self.of(draw, |k| k.ty == DType::Bool) else { return };
                self.push(Op::Select(mask, a, b), ty, both.map(|(x, y)| x.max(y)));
            }
            (8, _) => {
                let to = draw.pick(&DType::ALL);
                self.push(Op::Cast(a), to, whole);
            }
            (_, _) if ty.is_float() => {
                let f = draw.pick(&[Unary::Sqrt, Unary::Recip]);
                if draw.chance(50) {
                    self.push(Op::Scale(a, b), ty, both.map(|(x, y)| x * y));
                } else {
                    self.push(Op::Unary(f, a), ty, None);
                }
            }
            (_, _) => {
                let ty = draw.pick(&[DType::F64, DType::I64, DType::I32, DType::F32]);
                let dims = self.extents.len();
                if dims > 0 {
                    let (dim, start, step) =
                        (draw.below(dims), draw.below(9) as i64 - 4, draw.below(5) as i64 - 2);
                    self.push(Op::Index { dim, start, step }, ty, Some(100.0));
                }
            }
        }
    }

    fn stores(&mut self, draw: &mut Draw) {
        let all = (1u32 << self.extents.len()) - 1;
        for _ in 0..1 + draw.below(3) {
            let Some(value) = self.of(draw, |_| true) else { return };
            let Known { ty, whole } = self.known[value as usize];
            let along = (draw.below(8) as u32) & all;
            let op = draw.pick(&[Reduction::Sum, Reduction::Max, Reduction::Min]);
            let sums = ty.is_int() || ty.is_float() && whole.is_some();
            let fold = (draw.chance(60) && (op != Reduction::Sum || sums)).then(|| Fold {
                op,
                along,
                accumulate: draw.chance(25),
            });
            let kept = if fold.is_some() { all & !along } else { all };
            let access = self.access(draw, ty, kept, false);
            if op == Reduction::Sum && fold.is_some_and(|f| f.accumulate) && ty.is_float() {
                // What is there already must be whole too.
                let n = self.buffers[access.operand as usize].shape().size();
                let whole: Vec<f64> = (0..n).map(|i| (i % 5) as f64).collect();
                self.buffers[access.operand as usize] = match ty {
                    DType::F32 => {
                        Tensor::from(whole.iter().map(|&x| x as f32).collect::<Vec<f32>>())
                    }
                    _ => Tensor::from(whole),
                };
            }
            self.stores.push(Store { value, access, fold });
        }
    }
}

fn nest(draw: &mut Draw, operands: &mut Vec<DType>, buffers: &mut Vec<Tensor>) -> Nest {
    let dims = draw.below(4);
    let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 40];
    let extents: SmallVec<[usize; 4]> = (0..dims).map(|_| draw.pick(&sizes)).collect();
    let types: &[DType] = draw.pick(&[
        &[DType::F64][..],
        &[DType::F32],
        &[DType::I32, DType::F32, DType::Bool],
        &DType::ALL,
    ]);
    let mut making = Making {
        extents,
        operands: std::mem::take(operands),
        buffers: std::mem::take(buffers),
        body: Vec::new(),
        known: Vec::new(),
        stores: Vec::new(),
    };
    for _ in 0..1 + draw.below(4) {
        let ty = draw.pick(types);
        making.load(draw, ty);
    }
    let ty = draw.pick(types);
    let bits = match ty {
        DType::F64 => 3f64.to_bits(),
        DType::F32 => 3f32.to_bits().into(),
        _ => 3,
    };
    making.push(Op::Const(bits), ty, Some(3.0));
    for _ in 0..draw.below(30) {
        making.step(draw);
    }
    making.stores(draw);
    let vector = (dims > 0 && draw.chance(85)).then(|| draw.below(dims));
    *operands = making.operands;
    *buffers = making.buffers;
    Nest { extents: making.extents, vector, body: making.body, stores: making.stores, flag: None }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nests_mean_the_same(choices in prop::collection::vec(any::<u32>(), 300)) {
        let mut draw = Draw { choices: &choices, at: 0 };
        let (mut operands, mut buffers) = (Vec::new(), Vec::new());
        let nest = nest(&mut draw, &mut operands, &mut buffers);
        check(&region(&operands, nest), &buffers);
    }

    #[test]
    fn regions_mean_the_same(choices in prop::collection::vec(any::<u32>(), 600)) {
        let mut draw = Draw { choices: &choices, at: 0 };
        let (mut operands, mut buffers) = (Vec::new(), Vec::new());
        let steps = steps(&mut draw, &mut operands, &mut buffers);
        check(&Region { operands: operands.into(), steps }, &buffers);
    }
}

/// Nests in order, with loops and choices around some of them.
fn steps(draw: &mut Draw, operands: &mut Vec<DType>, buffers: &mut Vec<Tensor>) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..1 + draw.below(3) {
        let before = operands.len();
        let inner = nest(draw, operands, buffers);
        let sums = inner.stores.iter().any(|s| s.fold.is_some_and(|f| f.op == Reduction::Sum));
        let body = vec![Step::Nest(inner)];
        steps.push(match draw.below(4) {
            0 => Step::Loop {
                count: draw.below(4),
                windows: vec![],
                advance: vec![],
                // What is summed must stay whole, so sums keep their buffers.
                exchange: if sums { vec![] } else { alike(draw, before, operands, buffers) },
                body,
            },
            1 => {
                let flag = operands.len() as Operand;
                operands.push(DType::Bool);
                buffers.push(Tensor::from(draw.chance(50)));
                Step::If { flag, yes: body.clone(), no: vec![] }
            }
            _ => body.into_iter().next().unwrap(),
        });
    }
    steps
}

/// Two operands of the same type and size, if there are any.
fn alike(
    draw: &mut Draw,
    from: usize,
    operands: &[DType],
    buffers: &[Tensor],
) -> Vec<(Operand, Operand)> {
    let same = |&(a, b): &(usize, usize)| {
        operands[a] == operands[b] && buffers[a].shape() == buffers[b].shape()
    };
    let pairs = (from..operands.len()).flat_map(|a| (a + 1..operands.len()).map(move |b| (a, b)));
    let pairs: Vec<(usize, usize)> = pairs.filter(same).collect();
    if pairs.is_empty() {
        return vec![];
    }
    let (a, b) = draw.pick(&pairs);
    vec![(a as Operand, b as Operand)]
}

/// How many cases: `PROPTEST_CASES`, or this.
pub fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}
