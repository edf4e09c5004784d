//! Long chains of operations that wait for each other, of which copies stand side by side: Horner's rule
//! and the sums of its derivative. All numbers are whole and small enough for any order.

use super::support::*;
use proptest::prelude::*;
use riesz_core::{DType, Tensor};
use riesz_cpu::nest::*;
use smallvec::{SmallVec, smallvec};

fn numbers(ty: DType, n: usize, seed: usize) -> Tensor {
    let values: Vec<f64> = (0..n).map(|i| ((i * 37 + seed * 11) % 17) as f64 - 8.0).collect();
    match ty {
        DType::F32 => Tensor::from(values.iter().map(|&x| x as f32).collect::<Vec<f32>>()),
        DType::I32 => Tensor::from(values.iter().map(|&x| x as i32).collect::<Vec<i32>>()),
        DType::I64 => Tensor::from(values.iter().map(|&x| x as i64).collect::<Vec<i64>>()),
        _ => Tensor::from(values),
    }
}

/// A nest in the making: its chain ends at the last instruction.
struct Chain {
    ty: DType,
    extents: SmallVec<[usize; 4]>,
    buffers: Vec<Tensor>,
    body: Vec<Inst>,
    stores: Vec<Store>,
}

impl Chain {
    /// A buffer whose elements are those of the loops in `kept`, the last innermost.
    fn access(&mut self, kept: u32) -> Access {
        let mut strides: SmallVec<[isize; 4]> = smallvec![0; self.extents.len()];
        let mut size = 1;
        for d in (0..self.extents.len()).rev().filter(|d| kept >> d & 1 == 1) {
            strides[d] = size as isize;
            size *= self.extents[d];
        }
        self.buffers.push(numbers(self.ty, size, self.buffers.len()));
        Access { operand: self.buffers.len() as u32 - 1, offset: 0, strides }
    }

    fn push(&mut self, op: Op) -> Reg {
        self.body.push(Inst { op, ty: self.ty });
        self.body.len() as Reg - 1
    }

    fn load(&mut self, kept: u32) -> Reg {
        let access = self.access(kept);
        self.push(Op::Load(access))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn are_what_they_mean(
        steps in prop::collection::vec((0u8..9, 0usize..4), 70..300),
        ty in prop::sample::select(vec![DType::F64, DType::F32, DType::I32, DType::I64]),
        extents in prop::sample::select(vec![
            vec![200], vec![131], vec![64], vec![40], vec![3, 150], vec![70, 33], vec![2, 3, 50],
            // One vector of the outer loop and a part of one.
            vec![12, 40], vec![6, 40], vec![3, 12, 40], vec![20, 40],
        ]),
        vector in 0usize..3,
        rounds in 0usize..5,
    ) {
        let depth = extents.len();
        let (all, inner) = ((1u32 << depth) - 1, 1u32 << (depth - 1));
        let mut chain = Chain {
            ty,
            extents: extents.into(),
            buffers: Vec::new(),
            body: Vec::new(),
            stores: Vec::new(),
        };
        let t = chain.load(inner);
        let updated = chain.access(all);
        let x = chain.push(Op::Load(updated.clone()));
        let others = [t, x, chain.load(0), chain.load(all & !inner)];
        let mut y = x;
        for (operation, other) in steps {
            let a = others[other];
            match operation {
                0..3 => y = chain.push(Op::Binary(Binary::Add, y, a)),
                3 => y = chain.push(Op::Binary(Binary::Sub, a, y)),
                4 if other > 1 => y = chain.push(Op::Binary(Binary::Max, y, a)),
                4 => y = chain.push(Op::Unary(Unary::Abs, y)),
                5 if ty.is_float() => y = chain.push(Op::Fma(t, a, y)),
                5 => y = chain.push(Op::Unary(Unary::Neg, y)),
                // Along the innermost loop, and along others with it.
                6 | 7 => {
                    let along = if operation == 6 { inner } else { all };
                    let op = [Reduction::Sum, Reduction::Sum, Reduction::Max, Reduction::Min][other];
                    let value = match other {
                        0 => chain.push(Op::Binary(Binary::Mul, y, a)),
                        _ => y,
                    };
                    let access = chain.access(all & !along);
                    let fold = Fold { op, along, accumulate: operation == 6 && other == 1 };
                    chain.stores.push(Store { value, access, fold: Some(fold) });
                }
                _ => {
                    let access = chain.access(all);
                    chain.stores.push(store(y, access));
                }
            }
            // Not too large: sums have to stay exact.
            if chain.body.len() % 40 == rounds {
                y = chain.push(Op::Binary(Binary::Min, y, t));
                y = chain.push(Op::Binary(Binary::Max, y, others[2]));
            }
        }
        chain.stores.push(store(y, updated));
        let nest = Nest {
            vector: (vector < depth).then_some(vector),
            extents: chain.extents,
            body: chain.body,
            stores: chain.stores,
            flag: None,
        };
        let operands = vec![ty; chain.buffers.len()];
        check(&region(&operands, nest), &chain.buffers);
    }
}
