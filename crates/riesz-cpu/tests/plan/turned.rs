//! Buffers that lie as the vectors of all nests read them.

use crate::strips::plan;
use riesz_core::{DType, Var};
use riesz_cpu::nest::{Nest, Step};
use riesz_cpu::plan::Plan;

/// Whether no vector is collected or scattered element by element.
fn is_contiguous(plan: &Plan) -> bool {
    fn of(steps: &[Step]) -> bool {
        let nest = |nest: &Nest| {
            let step = |l: usize| nest.accesses().all(|a| matches!(a.strides[l], 0 | 1));
            nest.vector.is_none_or(step)
        };
        steps.iter().all(|step| match step {
            Step::Nest(n) => nest(n),
            Step::Strips(strips) => strips.body.iter().filter_map(|b| b.task.nest()).all(nest),
            Step::Call(_) => true,
            Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
                step.bodies().into_iter().all(of)
            }
        })
    }
    of(&plan.region.steps)
}

/// Two values, one after the other, of each of many vectors; nothing that reads them fuses with it.
fn pairs(x: Var) -> Var {
    let part = |i| x.slice_axis(1, i, i + 1);
    let both = Var::concat(&[part(0) * part(1), part(1) + part(2)], 1);
    let size = both.square().sum_axes(&[1]).sqrt().expand_dims(1);
    Var::concat(&[both / size, size.cos()], 1)
}

#[test]
fn a_batch_of_small_vectors_lies_as_the_lanes_do() {
    for (n, dtype) in [(3_000, DType::F64), (50_000, DType::F32)] {
        let plan = plan(&[&[3, n]], dtype, |x| {
            let rows = x[0].t();
            vec![pairs(pairs(pairs(rows))).t()]
        });
        assert!(is_contiguous(&plan), "{plan}");
    }
}

#[test]
fn what_is_read_both_ways_stays() {
    let plan = plan(&[&[3, 3_000]], DType::F64, |x| {
        let a = pairs(x[0].t());
        vec![a.t(), a.sum_axes(&[0]), a.reshape([9_000]).cumsum(0), a.flip(&[0, 1])]
    });
    assert!(plan.to_string().contains("nest"), "{plan}");
}
