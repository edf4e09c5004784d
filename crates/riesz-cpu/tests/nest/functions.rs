//! Elementary functions in machine code: accuracy and special values, in every lane and width.

#[path = "../reference/table.rs"]
mod table;

use super::support::*;
use riesz_core::{DType, Data, Tensor};
use riesz_cpu::nest::*;
use smallvec::smallvec;
use table::{reference as exact, ulps, ulps_f32};

/// The promise of `simd::math`, in units in the last place.
const LIMIT: f64 = 2.0;

fn unary(f: Unary, ty: DType, n: usize, vector: Option<usize>) -> Region {
    let nest = Nest {
        extents: smallvec![n],
        vector,
        body: vec![inst(Op::Load(at(0, 0, &[1])), ty), inst(Op::Unary(f, 0), ty)],
        stores: vec![store(1, at(1, 0, &[1]))],
        flag: None,
    };
    region(&[ty; 2], nest)
}

fn binary(f: Binary, ty: DType, n: usize) -> Region {
    let nest = Nest {
        extents: smallvec![n],
        vector: Some(0),
        body: vec![
            inst(Op::Load(at(0, 0, &[1])), ty),
            inst(Op::Load(at(1, 0, &[1])), ty),
            inst(Op::Binary(f, 0, 1), ty),
        ],
        stores: vec![store(2, at(2, 0, &[1]))],
        flag: None,
    };
    region(&[ty; 3], nest)
}

fn doubles(data: &Data) -> &[f64] {
    let Data::F64(v) = data else { panic!("not f64") };
    v
}

fn floats(data: &Data) -> &[f32] {
    let Data::F32(v) = data else { panic!("not f32") };
    v
}

#[test]
fn within_two_ulps_of_exact_values() {
    let table = exact();
    let mut failures = String::new();
    for (name, points) in &table {
        let n = points.len();
        let column = |i: usize| -> Tensor {
            points.iter().map(|p| p.arguments[i]).collect::<Vec<f64>>().into()
        };
        let out = Tensor::from(vec![0.0; n]);
        let f = Unary::ALL.iter().find(|f| f.row().name == name);
        let g = Binary::ALL.iter().find(|f| f.row().name == name);
        let results = match (f, g) {
            (Some(&f), _) => native(&unary(f, DType::F64, n, Some(0)), &[column(0), out]),
            (_, Some(&g)) => native(&binary(g, DType::F64, n), &[column(0), column(1), out]),
            _ => continue,
        };
        for (isa, _, data) in results {
            for (p, &y) in points.iter().zip(doubles(data.last().unwrap())) {
                let error = ulps(y, p);
                if error.is_nan() || error > LIMIT {
                    let isa = isa.name();
                    failures += &format!("{name}{:?} on {isa}: {y}, {error} ulp\n", p.arguments);
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Every 40009th f32 against the reference in f64.
#[test]
fn single_precision_within_two_ulps() {
    let x: Vec<f32> = (0..=u32::MAX / 40009).map(|i| f32::from_bits(i * 40009)).collect();
    let n = x.len();
    let mut failures = String::new();
    for &f in Unary::ALL {
        let buffers = [Tensor::from(x.clone()), vec![0f32; n].into()];
        for (isa, _, data) in native(&unary(f, DType::F32, n, Some(0)), &buffers) {
            for (&x, &y) in x.iter().zip(floats(&data[1])) {
                let error = ulps_f32(y, (f.row().value)(x.into()));
                if error.is_nan() || error > LIMIT {
                    let (name, isa) = (f.row().name, isa.name());
                    failures += &format!("{name}({x:e}) on {isa}: {y}, {error} ulp\n");
                    break;
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Zeros with their signs, infinities, NaN, the smallest and the largest numbers, huge arguments.
#[test]
fn special_values_are_those_of_the_reference() {
    let (inf, tiny, huge) = (f64::INFINITY, f64::from_bits(1), f64::MAX);
    let mut x = vec![0.0, inf, f64::NAN, tiny, huge, 1.0, 0.5, 2.0, 1e5, 1e9, 1e22, 710.0, 1e-300];
    x.extend(x.clone().iter().map(|x| -x));
    let n = x.len();
    let kind =
        |y: f64| (y.is_nan(), y.is_infinite(), y == 0.0, y.is_sign_negative() && !y.is_nan());
    for &f in Unary::ALL {
        for (vector, n) in [(Some(0), n), (None, n), (Some(0), 3), (Some(0), 5)] {
            let region = unary(f, DType::F64, n, vector);
            let buffers = [Tensor::from(x.clone()), vec![0.0; x.len()].into()];
            for (isa, _, data) in native(&region, &buffers) {
                for (&x, &y) in x[..n].iter().zip(doubles(&data[1])) {
                    let expected = (f.row().value)(x);
                    // The logarithm of a factorial near its zeros is as good as its reference only.
                    let near = (y - expected).abs() <= 1e-14 * expected.abs().max(1e-290);
                    let name = f.row().name;
                    let what = format!("{name}({x:e}) = {y:e}, not {expected:e}, {}", isa.name());
                    assert_eq!(kind(y), kind(expected), "{what}");
                    assert!(near || !expected.is_finite(), "{what}");
                }
            }
        }
    }
}

#[test]
fn special_values_of_two_arguments() {
    let inf = f64::INFINITY;
    let values = [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, inf, -inf, f64::NAN, 1e300, -1e-300];
    let x: Vec<f64> = values.iter().flat_map(|&x| values.map(|_| x)).collect();
    let y: Vec<f64> = values.iter().flat_map(|_| values).collect();
    for &f in Binary::ALL {
        let buffers: [Tensor; 3] = [x.clone().into(), y.clone().into(), vec![0.0; x.len()].into()];
        for (isa, _, data) in native(&binary(f, DType::F64, x.len()), &buffers) {
            for ((&x, &y), &z) in x.iter().zip(&y).zip(doubles(&data[2])) {
                let expected = (f.row().value)(x, y);
                let near = (z - expected).abs() <= 1e-14 * expected.abs();
                let good = near || z == expected || z.is_nan() && expected.is_nan();
                let name = f.row().name;
                assert!(good, "{name}({x:e}, {y:e}) = {z:e}, not {expected:e}, {}", isa.name());
            }
        }
    }
}
