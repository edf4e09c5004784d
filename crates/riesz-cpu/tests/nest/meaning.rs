//! The meaning of nests, by examples small enough to check by hand.

use riesz_core::{DType, Data, Tensor};
use riesz_cpu::nest::*;
use smallvec::smallvec;

fn at(operand: u32, offset: isize, strides: &[isize]) -> Access {
    Access { operand, offset, strides: strides.into() }
}

fn f64s(op: Op) -> Inst {
    Inst { op, ty: DType::F64 }
}

fn run(region: &Region, buffers: &[Tensor]) -> (bool, Vec<Data>) {
    region.verify().unwrap_or_else(|e| panic!("{e}"));
    let places: Vec<(usize, isize)> = (0..buffers.len()).map(|b| (b, 0)).collect();
    let mut data: Vec<Data> = buffers.iter().map(|t| t.data().clone()).collect();
    let good = eval(region, &places, &mut data);
    (good, data)
}

#[test]
fn a_nest_multiplies_a_matrix_and_a_vector() {
    let nest = Nest {
        extents: smallvec![2, 3],
        vector: Some(1),
        body: vec![
            f64s(Op::Load(at(0, 0, &[3, 1]))),
            f64s(Op::Load(at(1, 0, &[0, 1]))),
            f64s(Op::Binary(Binary::Mul, 0, 1)),
        ],
        stores: vec![Store {
            value: 2,
            access: at(2, 0, &[1, 0]),
            fold: Some(Fold { op: Reduction::Sum, along: 0b10, accumulate: false }),
        }],
        flag: None,
    };
    let region = Region { operands: vec![DType::F64; 3].into(), steps: vec![Step::Nest(nest)] };
    let a = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let (good, data) = run(&region, &[a, [1.0, 0.0, -1.0].into(), [9.0, 9.0].into()]);
    assert!(good);
    assert_eq!(data[2], *Tensor::from([-2.0, -2.0]).data());
}

#[test]
fn a_loop_moves_and_exchanges_operands() {
    // s ← s + xₜ for three rows xₜ of two, from one buffer of s to the other; the last is copied out.
    let step = Nest {
        extents: smallvec![2],
        vector: Some(0),
        body: vec![
            f64s(Op::Load(at(0, 0, &[1]))),
            f64s(Op::Load(at(1, 0, &[1]))),
            f64s(Op::Binary(Binary::Add, 0, 1)),
        ],
        stores: vec![Store { value: 2, access: at(2, 0, &[1]), fold: None }],
        flag: None,
    };
    let body = vec![Step::Nest(step)];
    let turn = Step::Loop {
        count: 3,
        windows: vec![(1, 3, 0)],
        advance: vec![(1, 2)],
        exchange: vec![(0, 2)],
        body,
    };
    let region = Region { operands: vec![DType::F64; 4].into(), steps: vec![turn] };
    // Nobody stores past the windows into what they are of.
    let mut wrong = region.clone();
    if let Step::Loop { body, .. } = &mut wrong.steps[0]
        && let Step::Nest(nest) = &mut body[0]
    {
        nest.stores[0].access.operand = 3;
    }
    assert_eq!(
        wrong.verify(),
        Err("operand 3 is stored while a loop has windows of it".to_owned())
    );
    let x = Tensor::from([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]);
    let unused = Tensor::from([0.0]);
    let (_, data) = run(&region, &[[0.5, 0.5].into(), unused, [0.0, 0.0].into(), x]);
    // After an odd number of exchanges the sum lies in what operand 2 named at first.
    assert_eq!(data[2], *Tensor::from([6.5, 60.5]).data());
}

#[test]
fn an_index_out_of_range_sets_the_flag() {
    let gather = |bound| Nest {
        extents: smallvec![3],
        vector: Some(0),
        body: vec![
            Inst { op: Op::Load(at(0, 0, &[1])), ty: DType::I64 },
            f64s(Op::Gather { access: at(1, 0, &[0]), index: 0, stride: 1, bound }),
        ],
        stores: vec![Store { value: 1, access: at(2, 0, &[1]), fold: None }],
        flag: Some(3),
    };
    let operands = vec![DType::I64, DType::F64, DType::F64, DType::Bool];
    let buffers: [Tensor; 4] =
        [[2i64, 0, 1].into(), [7.0, 8.0, 9.0].into(), [0.0; 3].into(), [false].into()];
    let region = |bound| Region {
        operands: operands.clone().into(),
        steps: vec![Step::Nest(gather(bound))],
    };
    let (good, data) = run(&region(3), &buffers);
    assert!(good);
    assert_eq!(data[2], *Tensor::from([9.0, 7.0, 8.0]).data());
    let (good, data) = run(&region(2), &buffers);
    assert!(!good);
    assert_eq!(data[3], *Tensor::from([true]).data());
}

#[test]
fn loops_that_do_not_run_leave_the_identity() {
    let fold = |op| Some(Fold { op, along: 0b10, accumulate: false });
    let nest = Nest {
        extents: smallvec![2, 0],
        vector: Some(1),
        body: vec![f64s(Op::Load(at(0, 0, &[0, 1])))],
        stores: vec![
            Store { value: 0, access: at(1, 0, &[1, 0]), fold: fold(Reduction::Sum) },
            Store { value: 0, access: at(2, 0, &[1, 0]), fold: fold(Reduction::Max) },
        ],
        flag: None,
    };
    let region = Region { operands: vec![DType::F64; 3].into(), steps: vec![Step::Nest(nest)] };
    let empty = Tensor::from(Vec::<f64>::new());
    let (_, data) = run(&region, &[empty, [5.0, 5.0].into(), [5.0, 5.0].into()]);
    assert_eq!(data[1], *Tensor::from([0.0, 0.0]).data());
    assert_eq!(data[2], *Tensor::from([f64::NEG_INFINITY; 2]).data());
}

#[test]
fn a_region_counts_down_while_a_flag_holds() {
    let number = |op| f64s(op);
    let load = |operand| number(Op::Load(at(operand, 0, &[])));
    let nest = |body, store: Store| {
        Step::Nest(Nest {
            extents: smallvec![],
            vector: None,
            body,
            stores: vec![store],
            flag: None,
        })
    };
    let test = nest(
        vec![
            load(0),
            number(Op::Const(10f64.to_bits())),
            Inst { op: Op::Compare(Compare::Lt, 0, 1), ty: DType::Bool },
        ],
        Store { value: 2, access: at(1, 0, &[]), fold: None },
    );
    let double = nest(
        vec![load(0), number(Op::Binary(Binary::Add, 0, 0))],
        Store { value: 1, access: at(0, 0, &[]), fold: None },
    );
    let turn = Step::While { test: vec![test], flag: 1, body: vec![double] };
    let region = Region { operands: vec![DType::F64, DType::Bool].into(), steps: vec![turn] };
    let (_, data) = run(&region, &[Tensor::from(1.5), Tensor::from(false)]);
    assert_eq!(data[0], *Tensor::from(12.0).data());
}
