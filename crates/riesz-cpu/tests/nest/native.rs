//! Machine code against the reference meaning.

use super::support::*;
use riesz_core::{DType, Tensor};
use riesz_cpu::nest::*;
use riesz_cpu::simd::Isa;
use smallvec::smallvec;

fn numbers(n: usize) -> Tensor {
    Tensor::from((0..n).map(|i| ((i * 37) % 17) as f64 - 8.0).collect::<Vec<f64>>())
}

#[test]
fn sums_of_two_vectors_of_every_length() {
    for n in 1..70 {
        let nest = Nest {
            extents: smallvec![n],
            vector: Some(0),
            body: vec![
                inst(Op::Load(at(0, 0, &[1])), DType::F64),
                inst(Op::Load(at(1, 0, &[1])), DType::F64),
                inst(Op::Binary(Binary::Add, 0, 1), DType::F64),
            ],
            stores: vec![store(2, at(2, 0, &[1]))],
            flag: None,
        };
        check(&region(&[DType::F64; 3], nest), &[numbers(n), numbers(n), numbers(n)]);
    }
}

#[test]
fn products_of_a_matrix_and_a_vector() {
    for (m, n) in [(1, 1), (3, 5), (4, 8), (7, 33), (16, 16), (30, 100), (129, 65)] {
        for vector in [None, Some(0), Some(1)] {
            for along in [0b01, 0b10] {
                let kept = 1 - (along >> 1) as usize;
                let mut y = [0; 2];
                y[kept] = 1;
                let mut x = [1; 2];
                x[kept] = 0;
                let nest = Nest {
                    extents: smallvec![m, n],
                    vector,
                    body: vec![
                        inst(Op::Load(at(0, 0, &[n as isize, 1])), DType::F64),
                        inst(Op::Load(at(1, 0, &x)), DType::F64),
                        inst(Op::Binary(Binary::Mul, 0, 1), DType::F64),
                    ],
                    stores: vec![fold(2, at(2, 0, &y), Reduction::Sum, along)],
                    flag: None,
                };
                let most = m.max(n);
                check(
                    &region(&[DType::F64; 3], nest),
                    &[numbers(m * n), numbers(most), numbers(most)],
                );
            }
        }
    }
}

/// The operands of the tests of `meaning`: everything that is not a single nest.
#[test]
fn loops_choices_and_calls_around_nests() {
    use std::sync::Arc;
    struct Double;
    impl Routine for Double {
        fn name(&self) -> String {
            "double".to_string()
        }
        unsafe fn run_piece(&self, _: usize, addresses: &[*mut u8]) -> bool {
            // SAFETY: one operand of two doubles, as below.
            let x = unsafe { std::slice::from_raw_parts_mut(addresses[0].cast::<f64>(), 2) };
            x.iter_mut().for_each(|x| *x *= 2.0);
            x[0] < 100.0
        }
    }
    let add = Nest {
        extents: smallvec![2],
        vector: Some(0),
        body: vec![
            inst(Op::Load(at(0, 0, &[1])), DType::F64),
            inst(Op::Load(at(1, 0, &[1])), DType::F64),
            inst(Op::Binary(Binary::Add, 0, 1), DType::F64),
        ],
        stores: vec![store(2, at(2, 0, &[1]))],
        flag: None,
    };
    let small = Nest {
        extents: smallvec![],
        vector: None,
        body: vec![
            inst(Op::Load(at(2, 0, &[])), DType::F64),
            inst(Op::Const(50f64.to_bits()), DType::F64),
            inst(Op::Compare(Compare::Lt, 0, 1), DType::Bool),
        ],
        stores: vec![store(2, at(3, 0, &[]))],
        flag: None,
    };
    let call =
        Step::Call(Call { function: Arc::new(Double), operands: smallvec![2], operations: 2.0 });
    let turn = Step::Loop {
        count: 3,
        windows: vec![(1, 4, 0)],
        advance: vec![(1, 2)],
        exchange: vec![(0, 2)],
        body: vec![Step::Nest(add)],
    };
    let operands = vec![DType::F64, DType::F64, DType::F64, DType::Bool, DType::F64];
    let steps = vec![
        turn,
        Step::While { test: vec![Step::Nest(small.clone())], flag: 3, body: vec![call.clone()] },
        Step::If { flag: 3, yes: vec![call.clone()], no: vec![] },
    ];
    let region = Region { operands: operands.into(), steps };
    let x = Tensor::from([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]);
    let unused = Tensor::from([0.0, 0.0]);
    let buffers = [[0.5, 0.5].into(), unused, [0.0, 0.0].into(), Tensor::from(false), x];
    for (_, good, data) in native(&region, &buffers) {
        // 6.5 and 60.5 after the loop, doubled three times until the first is not below 50.
        assert!(good);
        assert_eq!(data[2], *Tensor::from([52.0, 484.0]).data());
    }
    let steps = vec![call.clone(), call];
    let region = Region { operands: region.operands, steps };
    let none = Tensor::from([0.0; 2]);
    let buffers = [none.clone(), none.clone(), [30.0, 0.0].into(), Tensor::from(false), none];
    for (_, good, data) in native(&region, &buffers) {
        assert!(!good, "the second call has no result");
        assert_eq!(data[2], *Tensor::from([120.0, 0.0]).data());
    }
}

fn gather(n: usize, bound: usize, uniform: bool, ty: DType) -> Region {
    let index = if uniform { [0] } else { [1] };
    let nest = Nest {
        extents: smallvec![n],
        vector: Some(0),
        body: vec![
            inst(Op::Load(at(0, 0, &index)), ty),
            inst(Op::Gather { access: at(1, 1, &[1]), index: 0, stride: 3, bound }, DType::F64),
            inst(Op::Gather { access: at(4, 0, &[0]), index: 0, stride: 1, bound }, DType::Bool),
            inst(Op::Select(2, 1, 1), DType::F64),
        ],
        stores: vec![store(3, at(2, 0, &[1])), store(2, at(5, 0, &[1]))],
        flag: Some(3),
    };
    let (f, b) = (DType::F64, DType::Bool);
    region(&[ty, f, f, b, b, b], nest)
}

#[test]
fn gathers_and_indices_out_of_range() {
    for n in [1, 3, 8, 13, 40] {
        for uniform in [false, true] {
            for wide in [false, true] {
                let index: Vec<i32> = (0..n).map(|i| (i as i32 * 5) % 7).collect();
                let truths: Vec<bool> = (0..7).map(|i| i % 3 == 1).collect();
                let longs: Vec<i64> = index.iter().map(|&i| i.into()).collect();
                let (ty, index) = match wide {
                    true => (DType::I64, Tensor::from(longs)),
                    false => (DType::I32, Tensor::from(index)),
                };
                let buffers = [
                    index,
                    numbers(3 * 7 + n),
                    numbers(n),
                    Tensor::from(false),
                    Tensor::from(truths),
                    Tensor::from(vec![false; n]),
                ];
                check(&gather(n, 7, uniform, ty), &buffers);
                // The last index that occurs is out of range: only the flag is told.
                let short = gather(n, 5, uniform, ty);
                let (good, data) = reference(&short, &buffers);
                for (_, found, native) in native(&short, &buffers) {
                    assert_eq!((found, &native[3]), (good, &data[3]));
                }
            }
        }
    }
}

#[test]
fn division_by_zero_sets_the_flag() {
    for (f, n) in [(Binary::Div, 5), (Binary::Rem, 11)] {
        for zero in [None, Some(n - 1)] {
            let nest = Nest {
                extents: smallvec![n],
                vector: Some(0),
                body: vec![
                    inst(Op::Load(at(0, 0, &[1])), DType::I32),
                    inst(Op::Load(at(1, 0, &[1])), DType::I32),
                    inst(Op::Binary(f, 0, 1), DType::I32),
                ],
                stores: vec![store(2, at(2, 0, &[1]))],
                flag: Some(3),
            };
            let x: Vec<i32> = (0..n).map(|i| i as i32 * 7 - 20).collect();
            let y: Vec<i32> =
                (0..n).map(|i| if Some(i) == zero { 0 } else { 3 - 2 * i as i32 }).collect();
            let i = DType::I32;
            let buffers = [Tensor::from(x), y.into(), vec![0; n].into(), Tensor::from(false)];
            check(&region(&[i, i, i, DType::Bool], nest), &buffers);
        }
    }
}

#[test]
fn ranges_of_the_outermost_loop_make_up_the_whole() {
    for (vector, m, n) in [(Some(0), 5000, 1), (Some(1), 70, 130), (Some(0), 333, 20)] {
        let nest = Nest {
            extents: smallvec![m, n],
            vector,
            body: vec![
                inst(Op::Load(at(0, 0, &[n as isize, 1])), DType::F64),
                inst(Op::Index { dim: 0, start: 3, step: 2 }, DType::F64),
                inst(Op::Binary(Binary::Add, 0, 1), DType::F64),
                inst(Op::Unary(Unary::Exp, 2), DType::F64),
            ],
            stores: vec![
                store(2, at(1, 0, &[1, m as isize])),
                store(3, at(2, 0, &[n as isize, 1])),
            ],
            flag: None,
        };
        let region = region(&[DType::F64; 3], nest);
        let buffers = [numbers(m * n), numbers(m * n), numbers(m * n)];
        let whole = native(&region, &buffers);
        for (isa, _, expected) in whole {
            let code = riesz_cpu::native::compile(&region, isa).unwrap();
            assert!(code.splits());
            let mut data: Vec<_> = buffers.iter().map(|t| t.data().clone()).collect();
            let table = addresses(&mut data);
            let cuts = [0, 1, 2, m / 3, m / 2 + 1, m / 2 + 1, m - 1, m];
            std::thread::scope(|s| {
                for cut in cuts.windows(2) {
                    let (code, table) =
                        (&code, table.iter().map(|p| *p as usize).collect::<Vec<_>>());
                    s.spawn(move || {
                        let mut table: Vec<*mut u8> = table.iter().map(|&p| p as *mut u8).collect();
                        // SAFETY: the buffers are whole, and the ranges write different elements.
                        assert!(unsafe { code.run(table.as_mut_ptr(), (cut[0], cut[1])) });
                    });
                }
            });
            for (a, b) in data.iter().zip(&expected) {
                assert!(same(a, b));
            }
        }
    }
}

#[test]
fn large_bodies_spill_and_stay_right() {
    for ty in [DType::F64, DType::F32] {
        let mut body: Vec<Inst> =
            (0..20).map(|i| inst(Op::Load(at(0, i * 40, &[1])), ty)).collect();
        for i in 0..3000u32 {
            let n = body.len() as u32;
            let (a, b) = ((i * 7919) % n, n - 1 - (i * 31) % n.min(60));
            let f = [Binary::Add, Binary::Sub, Binary::Max, Binary::Min][(i % 4) as usize];
            body.push(inst(Op::Binary(f, a, b), ty));
            if i % 5 == 0 {
                // Keeps the numbers small.
                let half =
                    if ty == DType::F64 { 0.5f64.to_bits() } else { 0.5f32.to_bits().into() };
                body.push(inst(Op::Const(half), ty));
                body.push(inst(Op::Binary(Binary::Mul, n, n + 1), ty));
            }
        }
        let n = body.len() as u32;
        let stores = (0..30).map(|k| store(n - 1 - 13 * k, at(1, 40 * k as isize, &[1]))).collect();
        let nest = Nest { extents: smallvec![37], vector: Some(0), body, stores, flag: None };
        let x: Vec<f64> = (0..800).map(|i| ((i * 37) % 101) as f64 / 8.0 - 6.0).collect();
        let (x, y): (Tensor, Tensor) = match ty {
            DType::F64 => (x.into(), vec![0.0; 1200].into()),
            _ => (x.iter().map(|&x| x as f32).collect::<Vec<_>>().into(), vec![0f32; 1200].into()),
        };
        check(&region(&[ty; 2], nest), &[x, y]);
    }
}

#[test]
fn results_may_lie_where_the_arguments_were() {
    for n in [1, 7, 8, 100, 5000] {
        let nest = Nest {
            extents: smallvec![n],
            vector: Some(0),
            body: vec![
                inst(Op::Load(at(0, 0, &[1])), DType::F64),
                inst(Op::Load(at(1, 0, &[1])), DType::F64),
                inst(Op::Binary(Binary::Sub, 0, 1), DType::F64),
                inst(Op::Binary(Binary::Mul, 0, 1), DType::F64),
            ],
            stores: vec![store(2, at(0, 0, &[1])), store(3, at(1, 0, &[1]))],
            flag: None,
        };
        check(&region(&[DType::F64; 2], nest), &[numbers(n), numbers(n)]);
    }
}

/// More sums than registers, over more pointers than registers, at every place of the loop in lanes.
#[test]
fn many_sums_and_many_pointers() {
    for vector in [None, Some(0), Some(1)] {
        for (m, n) in [(1, 50), (9, 3), (5, 40)] {
            let count = 45u32;
            let mut body = Vec::new();
            for i in 0..count {
                body.push(inst(Op::Load(at(i, 0, &[n as isize, 1])), DType::F64));
                if i > 0 {
                    let last = body.len() as u32 - 1;
                    body.push(inst(Op::Binary(Binary::Max, last, last - 1), DType::F64));
                }
            }
            let values: Vec<u32> = (0..body.len() as u32).collect();
            let stores: Vec<Store> = (0..count)
                .map(|i| {
                    let along = [0b01, 0b10, 0b11][i as usize % 3];
                    let y: &[isize] = [&[0, 1][..], &[1, 0], &[0, 0]][i as usize % 3];
                    let op = if i % 2 == 0 { Reduction::Sum } else { Reduction::Max };
                    fold(values[(i as usize * 7) % values.len()], at(count + i, 0, y), op, along)
                })
                .collect();
            let nest = Nest { extents: smallvec![m, n], vector, body, stores, flag: None };
            let buffers: Vec<Tensor> = (0..2 * count).map(|_| numbers(m * n)).collect();
            check(&region(&vec![DType::F64; 2 * count as usize], nest), &buffers);
        }
    }
}

/// A vector times a number, its sine, an element of it by index and a special function.
fn kinds_of_nests(operand: u32) -> Vec<Nest> {
    let (x, f) = (at(operand, 0, &[1]), DType::F64);
    let load = inst(Op::Load(x.clone()), f);
    let nest = |n: usize, body: Vec<Inst>, flag| Nest {
        extents: smallvec![n],
        vector: Some(0),
        stores: vec![store(body.len() as u32 - 1, x.clone())],
        body,
        flag,
    };
    let index = inst(Op::Load(at(1, 0, &[1])), DType::I64);
    let picked = Op::Gather { access: at(0, 0, &[0]), index: 1, stride: 1, bound: 9 };
    let sum = inst(Op::Binary(Binary::Add, 0, 2), f);
    vec![
        nest(13, vec![load.clone(), inst(Op::Binary(Binary::Add, 0, 0), f)], None),
        nest(9, vec![load.clone(), inst(Op::Unary(Unary::Sin, 0), f)], None),
        nest(5, vec![load.clone(), index, inst(picked, f), sum], Some(2)),
        nest(3, vec![load, inst(Op::Unary(Unary::Erfc, 0), f)], None),
    ]
}

/// Many nests of a few kinds, each on one of ten buffers.
fn many_nests(count: usize) -> Region {
    let mut steps = Vec::new();
    for i in 0..count {
        let kinds = kinds_of_nests(3 + (i % 10) as u32);
        steps.push(Step::Nest(kinds[i * 7 % 4].clone()));
    }
    let mut operands = vec![DType::F64, DType::I64, DType::Bool];
    operands.extend([DType::F64; 10]);
    Region { operands: operands.into(), steps }
}

#[test]
fn nests_that_differ_in_their_buffers_share_code() {
    for good in [true, false] {
        // Where sines of large numbers and indices out of range leave the straight way.
        let mut buffers = vec![numbers(9), vec![8i64, 0, if good { 3 } else { 9 }, 1, 2].into()];
        buffers.push(Tensor::from(false));
        buffers.extend((0..10).map(|i| Tensor::from(vec![1e9 * f64::from(i); 13])));
        let region = many_nests(1500);
        let (well, data) = reference(&region, &buffers);
        for (isa, found, native) in native(&region, &buffers) {
            assert_eq!((found, well), (good, good), "{}", isa.name());
            let all = native.iter().zip(&data).take(if good { 13 } else { 3 });
            all.for_each(|(a, b)| assert!(same(a, b), "{}: {a:?} {b:?}", isa.name()));
        }
    }
    for isa in Isa::available().filter(|&isa| isa != Isa::BASELINE) {
        let lines = |count| {
            let code = riesz_cpu::native::compile(&many_nests(count), isa);
            code.expect("there is code").listing().lines().count()
        };
        // Where the operands are, and the call.
        assert_eq!(lines(4000) - lines(3000), 2 * 1000, "{}", isa.name());
    }
}

#[test]
fn regions_that_differ_in_their_buffers_share_code() {
    let long = |operands: [u32; 2], step: f64| Nest {
        extents: smallvec![5000],
        vector: Some(0),
        body: vec![
            inst(Op::Load(at(operands[0], 0, &[1])), DType::F64),
            inst(Op::Const(step.to_bits()), DType::F64),
            inst(Op::Binary(Binary::Add, 0, 1), DType::F64),
        ],
        stores: vec![store(2, at(operands[1], 0, &[1]))],
        flag: None,
    };
    let types = [DType::F64; 4];
    // The third works within one buffer, the last adds another number: these are other kinds.
    let regions = [
        region(&types, long([0, 1], 1.0)),
        region(&types, long([3, 2], 1.0)),
        region(&types, long([3, 3], 1.0)),
        region(&types, long([1, 0], 2.0)),
    ];
    for isa in Isa::available().filter(|&isa| isa != Isa::BASELINE) {
        let sources = regions.each_ref().map(|region| Source { region, ranged: false });
        let all = riesz_cpu::native::compile_all(&sources, isa);
        let bytes = |i: usize| riesz_cpu::native::compile_all(&[sources[i]], isa).bytes;
        assert!(all.bytes < bytes(0) + bytes(2) + bytes(3) + 100, "{}", all.bytes);
        let mut data: Vec<_> = (0..4).map(|i| Tensor::from(vec![f64::from(i); 5000])).collect();
        for (region, code) in regions.iter().zip(&all.codes) {
            let (good, expected) = reference(region, &data);
            let mut found: Vec<_> = data.iter().map(|t| t.data().clone()).collect();
            let mut table = addresses(&mut found);
            let code = code.as_ref().expect("there is code");
            // SAFETY: the buffers are as large as the accesses reach.
            assert_eq!(unsafe { code.run(table.as_mut_ptr(), whole(region)) }, good);
            assert!(found.iter().zip(&expected).all(|(a, b)| same(a, b)));
            data = found.into_iter().map(|d| Tensor::from_data(d, [5000].into())).collect();
        }
    }
}

/// A nest in strips may be small, and must keep to its strip all the same.
#[test]
fn small_nests_that_have_to_take_a_range() {
    for vector in [None, Some(0), Some(1)] {
        for (rows, columns) in [(9, 1), (9, 5), (40, 3), (3, 40)] {
            let strides = [columns as isize, 1];
            let nest = Nest {
                extents: smallvec![rows, columns],
                vector,
                body: vec![
                    inst(Op::Load(at(0, 0, &strides)), DType::F64),
                    inst(Op::Unary(Unary::Neg, 0), DType::F64),
                ],
                stores: vec![store(1, at(1, 0, &strides))],
                flag: None,
            };
            let region = region(&[DType::F64; 2], nest);
            for isa in Isa::available().filter(|&isa| isa != Isa::BASELINE) {
                let code = |ranged| {
                    let source = Source { region: &region, ranged };
                    let mut codes = riesz_cpu::native::compile_all(&[source], isa).codes;
                    codes.pop().flatten().expect("there is code")
                };
                assert!(!code(false).splits() && code(true).splits());
                for (from, to) in [(0, 1), (1, 3), (2, rows), (0, rows)] {
                    let x: Vec<f64> = (0..rows * columns).map(|i| i as f64).collect();
                    let mut data = [x.clone(), x.clone()].map(|v| Tensor::from(v).data().clone());
                    let mut table = addresses(&mut data);
                    // SAFETY: the buffers are as large as the accesses reach.
                    assert!(unsafe { code(true).run(table.as_mut_ptr(), (from, to)) });
                    let sign = |i: &usize| {
                        if (from * columns..to * columns).contains(i) { -1.0 } else { 1.0 }
                    };
                    let expected: Vec<f64> = (0..x.len()).map(|i| sign(&i) * x[i]).collect();
                    assert_eq!(data[1], *Tensor::from(expected).data(), "{vector:?} {from}..{to}");
                }
            }
        }
    }
}

/// Bodies so long that the last lanes run in the same loop as the others, under a mask.
#[test]
fn long_bodies_over_vectors_of_every_length() {
    for n in 1..45usize {
        let f = DType::F64;
        let mut body = vec![
            inst(Op::Load(at(0, 0, &[1])), f),
            inst(Op::Load(at(0, n as isize - 1, &[-1])), f),
            inst(Op::Load(at(0, 2, &[3])), f),
            inst(Op::Load(at(0, 1, &[0])), f),
            inst(Op::Index { dim: 0, start: 1, step: 2 }, f),
            inst(Op::Load(at(1, 0, &[1])), DType::Bool),
            inst(Op::Load(at(2, 0, &[1])), DType::I64),
            inst(Op::Gather { access: at(0, 0, &[1]), index: 6, stride: 2, bound: 20 }, f),
            inst(Op::Select(5, 0, 7), f),
        ];
        for i in 0..150u32 {
            let last = body.len() as u32 - 1;
            let op = [Binary::Add, Binary::Max, Binary::Sub, Binary::Min][i as usize % 4];
            let with = [0, 1, 2, 3, 4, 7, 8][i as usize % 7];
            body.push(inst(Op::Binary(op, last, with), f));
        }
        let last = body.len() as u32 - 1;
        // A truth value in the place of another, of which the next trip reads more.
        body.push(inst(Op::Logical(Logical::Not, 5, 5), DType::Bool));
        let once = |value, operand, op| fold(value, at(operand, 0, &[0]), op, 1);
        let stores = vec![
            store(last + 1, at(1, 0, &[1])),
            store(last, at(3, 0, &[1])),
            store(last, at(4, n as isize - 1, &[-1])),
            store(5, at(5, 0, &[1])),
            once(last, 6, Reduction::Sum),
            once(last, 7, Reduction::Max),
            once(2, 8, Reduction::Min),
            once(5, 9, Reduction::Max),
        ];
        let nest = Nest { extents: smallvec![n], vector: Some(0), body, stores, flag: Some(10) };
        let mut types = vec![f, DType::Bool, DType::I64, f, f, DType::Bool, f, f, f];
        types.extend([DType::Bool; 2]);
        let truths: Vec<bool> = (0..n).map(|i| i % 3 == 1).collect();
        let index: Vec<i64> = (0..n as i64).map(|i| i * 7 % 20).collect();
        let one = || Tensor::from([0.0]);
        let buffers = [
            numbers(3 * n + 90),
            truths.into(),
            index.into(),
            numbers(n),
            numbers(n),
            vec![false; n].into(),
            one(),
            one(),
            one(),
            Tensor::from([false]),
            Tensor::from(false),
        ];
        check(&region(&types, nest), &buffers);
    }
}
