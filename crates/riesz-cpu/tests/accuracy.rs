//! The elementary functions against 60-digit values, on every instruction set of this machine.

// `!(error <= limit)` also fails for NaN.
#![allow(clippy::neg_cmp_op_on_partial_ord)]

#[path = "reference/table.rs"]
mod table;

use riesz_cpu::simd::{Binary, Isa, Operand, Real, Unary, binary, unary};
use table::{Point, reference, ulps, ulps_f32};

/// The promise of the module, in units in the last place.
const LIMIT: f64 = 2.0;

#[test]
fn within_two_ulps_of_exact_values() {
    let table = reference();
    let mut failures = String::new();
    let mut check = |name: &str, isa: Isa, points: &[Point], y: &[f64]| {
        let (mut worst, mut at) = (0.0, 0);
        for (i, (p, y)) in points.iter().zip(y).enumerate() {
            let e = ulps(*y, p);
            if !(e <= worst) {
                (worst, at) = (e, i);
            }
        }
        println!("{name:10} {:9} {worst:6.3} ulp at {:?}", isa.name(), points[at].arguments);
        if !(worst <= LIMIT) {
            failures += &format!(
                "{name} on {}: {worst} ulp at {:?}: {} for {}\n",
                isa.name(),
                points[at].arguments,
                y[at],
                points[at].value
            );
        }
    };
    for isa in Isa::available() {
        for &op in Unary::ALL {
            let Some(points) = table.get(op.name()) else { continue };
            let x: Vec<f64> = points.iter().map(|p| p.arguments[0]).collect();
            let mut y = vec![0.0; x.len()];
            unary(isa, op, &x, &mut y);
            check(op.name(), isa, points, &y);
        }
        for &op in Binary::ALL {
            let Some(points) = table.get(op.name()) else { continue };
            let x: Vec<f64> = points.iter().map(|p| p.arguments[0]).collect();
            let y: Vec<f64> = points.iter().map(|p| p.arguments[1]).collect();
            let mut out = vec![0.0; x.len()];
            binary(isa, op, Operand::Slice(&x), Operand::Slice(&y), &mut out);
            check(op.name(), isa, points, &out);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// Every 4099th f32 against the f64 kernel, which the test above holds against exact values.
#[test]
fn f32_within_two_ulps_of_f64() {
    let x: Vec<f32> = (0..=u32::MAX / 4099).map(|i| f32::from_bits(i * 4099)).collect();
    let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
    let mut failures = String::new();
    for isa in Isa::available() {
        for &op in Unary::ALL {
            let (mut y, mut exact) = (vec![0.0f32; x.len()], vec![0.0f64; x.len()]);
            unary(isa, op, &x, &mut y);
            unary(isa, op, &wide, &mut exact);
            let (mut worst, mut at) = (0.0, 0);
            for (i, (y, e)) in y.iter().zip(&exact).enumerate() {
                let error = ulps_f32(*y, *e);
                if !(error <= worst) {
                    (worst, at) = (error, i);
                }
            }
            println!("{:10} f32 {:9} {worst:6.3} ulp at {:e}", op.name(), isa.name(), x[at]);
            if !(worst <= LIMIT) {
                failures += &format!(
                    "{} on {}: {worst} ulp at {:e}: {} for {}\n",
                    op.name(),
                    isa.name(),
                    x[at],
                    y[at],
                    exact[at]
                );
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn f32_pow_within_two_ulps_of_f64() {
    let n = 200_000u32;
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    for op in [Binary::Pow, Binary::Atan2, Binary::Hypot] {
        let x: Vec<f32> = (0..n).map(|_| (next() * 60.0 - 30.0).exp2() as f32).collect();
        let y: Vec<f32> = (0..n).map(|_| (next() * 10.0 - 5.0) as f32).collect();
        let wx: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let wy: Vec<f64> = y.iter().map(|v| f64::from(*v)).collect();
        for isa in Isa::available() {
            let (mut out, mut exact) = (vec![0.0f32; x.len()], vec![0.0f64; x.len()]);
            binary(isa, op, Operand::Slice(&x), Operand::Slice(&y), &mut out);
            binary(isa, op, Operand::Slice(&wx), Operand::Slice(&wy), &mut exact);
            let worst = out
                .iter()
                .zip(&exact)
                .map(|(o, e)| ulps_f32(*o, *e))
                .fold(0.0, |m, e| if e <= m { m } else { e });
            println!("{:10} f32 {:9} {worst:6.3} ulp", op.name(), isa.name());
            assert!(worst <= LIMIT, "{} on {}: {worst} ulp", op.name(), isa.name());
        }
    }
}

/// The special values of IEEE 754 and C's Annex F.
#[test]
fn special_values() {
    use Unary::*;
    let (inf, nan, tiny) = (f64::INFINITY, f64::NAN, f64::from_bits(1));
    let pi_2 = std::f64::consts::FRAC_PI_2;
    let expected: &[(Unary, f64, f64)] = &[
        (Exp, inf, inf),
        (Exp, -inf, 0.0),
        (Exp, -0.0, 1.0),
        (Exp, 710.0, inf),
        (Exp, -746.0, 0.0),
        (Exp, 1e300, inf),
        (Exp, -1e300, 0.0),
        (Exp, tiny, 1.0),
        (Exp2, 1024.0, inf),
        (Exp2, -1074.0, tiny),
        (Exp2, -1076.0, 0.0),
        (Exp2, 10.0, 1024.0),
        (Exp2, inf, inf),
        (Exp2, -inf, 0.0),
        (Exp2, -1022.0, f64::MIN_POSITIVE),
        (Exp2, 1023.0, 2f64.powi(1023)),
        (Expm1, inf, inf),
        (Expm1, -inf, -1.0),
        (Expm1, 0.0, 0.0),
        (Expm1, -0.0, -0.0),
        (Expm1, tiny, tiny),
        (Expm1, -tiny, -tiny),
        (Expm1, 710.0, inf),
        (Expm1, -1e300, -1.0),
        (Log, 0.0, -inf),
        (Log, -0.0, -inf),
        (Log, 1.0, 0.0),
        (Log, inf, inf),
        (Log, -1.0, nan),
        (Log, -inf, nan),
        (Log2, 8.0, 3.0),
        (Log2, tiny, -1074.0),
        (Log2, 0.0, -inf),
        (Log2, -1.0, nan),
        (Log2, inf, inf),
        (Log10, 1000.0, 3.0),
        (Log10, 1e15, 15.0),
        (Log10, 0.0, -inf),
        (Log10, inf, inf),
        (Log10, -1.0, nan),
        (Log1p, -1.0, -inf),
        (Log1p, -2.0, nan),
        (Log1p, 0.0, 0.0),
        (Log1p, -0.0, -0.0),
        (Log1p, inf, inf),
        (Log1p, tiny, tiny),
        (Log1p, -inf, nan),
        (Sin, inf, nan),
        (Sin, -inf, nan),
        (Sin, -0.0, -0.0),
        (Sin, tiny, tiny),
        (Cos, inf, nan),
        (Cos, 0.0, 1.0),
        (Cos, tiny, 1.0),
        (Tan, inf, nan),
        (Tan, -0.0, -0.0),
        (Tan, tiny, tiny),
        (Asin, 1.0, pi_2),
        (Asin, -1.0, -pi_2),
        (Asin, 1.5, nan),
        (Asin, -0.0, -0.0),
        (Asin, inf, nan),
        (Acos, 1.0, 0.0),
        (Acos, -1.0, 2.0 * pi_2),
        (Acos, 0.0, pi_2),
        (Acos, -1.5, nan),
        (Atan, inf, pi_2),
        (Atan, -inf, -pi_2),
        (Atan, -0.0, -0.0),
        (Atan, tiny, tiny),
        (Atan, 1.0, pi_2 / 2.0),
        (Sinh, inf, inf),
        (Sinh, -inf, -inf),
        (Sinh, -0.0, -0.0),
        (Sinh, 711.0, inf),
        (Sinh, tiny, tiny),
        (Cosh, inf, inf),
        (Cosh, -inf, inf),
        (Cosh, 0.0, 1.0),
        (Cosh, -711.0, inf),
        (Tanh, inf, 1.0),
        (Tanh, -inf, -1.0),
        (Tanh, -0.0, -0.0),
        (Tanh, 1e300, 1.0),
        (Tanh, tiny, tiny),
        (Sigmoid, inf, 1.0),
        (Sigmoid, -inf, 0.0),
        (Sigmoid, 0.0, 0.5),
        (Sigmoid, -0.0, 0.5),
        (Sigmoid, -800.0, 0.0),
        (Softplus, inf, inf),
        (Softplus, -inf, 0.0),
        (Softplus, 800.0, 800.0),
        (Softplus, -800.0, 0.0),
        (Erf, inf, 1.0),
        (Erf, -inf, -1.0),
        (Erf, -0.0, -0.0),
        (Erf, 7.0, 1.0),
        (Sqrt, -1.0, nan),
        (Sqrt, -0.0, -0.0),
        (Sqrt, inf, inf),
        (Sqrt, 4.0, 2.0),
        (Recip, 0.0, inf),
        (Recip, -0.0, -inf),
        (Recip, inf, 0.0),
        (Abs, -0.0, 0.0),
        (Abs, -inf, inf),
        (Sign, -3.0, -1.0),
        (Sign, -0.0, -0.0),
        (Sign, inf, 1.0),
        (Sign, tiny, 1.0),
        (Neg, 0.0, -0.0),
        (Floor, -0.5, -1.0),
        (Floor, 2.7, 2.0),
        (Floor, -0.0, -0.0),
        (Floor, 1e300, 1e300),
        (Floor, inf, inf),
        (Ceil, -0.5, -0.0),
        (Ceil, 2.1, 3.0),
        (Ceil, 0.2, 1.0),
        (Round, 2.5, 2.0),
        (Round, 3.5, 4.0),
        (Round, -0.4, -0.0),
        (Trunc, -2.7, -2.0),
        (Trunc, 2.7, 2.0),
        (Trunc, -0.3, -0.0),
        (Square, -3.0, 9.0),
        (Floor, 4503599627370495.5, 4503599627370495.0),
        (Floor, 0.49999999999999994, 0.0),
    ];
    for isa in Isa::available() {
        for &(op, x, want) in expected {
            same(isa, op, x, want);
            if (x as f32) as f64 == x && (want as f32) as f64 == want {
                let mut y = [0.0f32];
                unary(isa, op, &[x as f32], &mut y);
                assert!(equal(y[0] as f64, want), "{op:?}({x:e}) in f32 on {isa:?}: {}", y[0]);
            }
        }
        for &op in Unary::ALL {
            same(isa, op, nan, nan);
        }
    }

    fn same(isa: Isa, op: Unary, x: f64, want: f64) {
        let mut y = [0.0];
        unary(isa, op, &[x], &mut y);
        assert!(equal(y[0], want), "{op:?}({x:e}) on {isa:?}: {:e}, not {want:e}", y[0]);
    }
}

fn equal(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn special_values_of_two_arguments() {
    use Binary::*;
    let (inf, nan, tiny) = (f64::INFINITY, f64::NAN, f64::from_bits(1));
    let pi = std::f64::consts::PI;
    let mut cases: Vec<(Binary, f64, f64, f64)> = vec![
        (Max, nan, 1.0, nan),
        (Max, 1.0, nan, nan),
        (Max, -0.0, 0.0, 0.0),
        (Max, 0.0, -0.0, 0.0),
        (Max, 1.0, 2.0, 2.0),
        (Min, nan, 1.0, nan),
        (Min, 1.0, nan, nan),
        (Min, -0.0, 0.0, -0.0),
        (Min, 0.0, -0.0, -0.0),
        (Min, inf, 2.0, 2.0),
        (Scale, inf, 0.0, 0.0),
        (Scale, nan, 0.0, 0.0),
        (Scale, nan, 1.0, nan),
        (Scale, inf, 2.0, inf),
        (Scale, 2.0, nan, nan),
        (Scale, 2.0, 3.0, 6.0),
        (Rem, 7.5, 2.0, 1.5),
        (Rem, -7.5, 2.0, -1.5),
        (Rem, 1.0, 0.0, nan),
        (Hypot, inf, nan, inf),
        (Hypot, nan, -inf, inf),
        (Hypot, 3.0, 4.0, 5.0),
        (Hypot, 0.0, 0.0, 0.0),
        (Hypot, tiny, 0.0, tiny),
        (Atan2, 0.0, 1.0, 0.0),
        (Atan2, -0.0, 1.0, -0.0),
        (Atan2, 0.0, -1.0, pi),
        (Atan2, -0.0, -1.0, -pi),
        (Atan2, 0.0, 0.0, 0.0),
        (Atan2, -0.0, 0.0, -0.0),
        (Atan2, 0.0, -0.0, pi),
        (Atan2, -0.0, -0.0, -pi),
        (Atan2, 1.0, 0.0, pi / 2.0),
        (Atan2, -1.0, -0.0, -pi / 2.0),
        (Atan2, inf, inf, pi / 4.0),
        (Atan2, inf, -inf, 3.0 * pi / 4.0),
        (Atan2, 1.0, inf, 0.0),
        (Atan2, 1.0, -inf, pi),
        (Atan2, inf, 1.0, pi / 2.0),
        (Atan2, nan, 1.0, nan),
        (Atan2, 1.0, nan, nan),
        (Add, 1.0, 2.0, 3.0),
        (Div, 1.0, -0.0, -inf),
    ];
    // x^y: glibc's pow has C's conventions, so std is the reference on a grid of special values.
    let grid =
        [0.0, tiny, 1e-300, 0.5, 1.0, 1.5, 2.0, 3.0, 1e18, 9007199254740991.0, 1e300, inf, nan];
    for a in grid {
        for b in grid {
            for (x, y) in [(a, b), (-a, b), (a, -b), (-a, -b)] {
                let want: f64 = x.powf(y);
                if want == 0.0 || !want.is_finite() || want == 1.0 || y == 1.0 {
                    cases.push((Pow, x, y, want));
                }
            }
        }
    }
    for isa in Isa::available() {
        for &(op, x, y, want) in &cases {
            for splat in [false, true] {
                let mut out = [0.0; 3];
                let (xs, ys) = ([x; 3], [y; 3]);
                let (a, b) = if splat {
                    (Operand::Splat(x), Operand::Slice(&ys[..]))
                } else {
                    (Operand::Slice(&xs[..]), Operand::Splat(y))
                };
                binary(isa, op, a, b, &mut out);
                assert!(
                    equal(out[2], want),
                    "{op:?}({x:e}, {y:e}) on {isa:?}: {:e}, not {want:e}",
                    out[2]
                );
            }
        }
    }
}

/// An element's value does not depend on where it stands or on its neighbours.
#[test]
fn position_does_not_matter() {
    fn check<T: Real>() {
        let x: Vec<T> = (0..200).map(|i| T::of(f64::from(i) * 0.37 - 30.0)).collect();
        for isa in Isa::available() {
            for &op in Unary::ALL {
                let mut all = x.clone();
                unary(isa, op, &x, &mut all);
                for start in [0, 1, 7, 31, 100] {
                    for len in [0, 1, 2, 15, 16, 17, 33, 64, 99] {
                        let mut part = vec![T::of(0.0); len];
                        unary(isa, op, &x[start..start + len], &mut part);
                        let same = part
                            .iter()
                            .zip(&all[start..])
                            .all(|(a, b)| format!("{a:?}") == format!("{b:?}"));
                        assert!(same, "{op:?} on {isa:?}, {start}+{len}");
                    }
                }
                let mut in_place = x.clone();
                riesz_cpu::simd::unary_in_place(isa, op, &mut in_place);
                assert_eq!(
                    format!("{in_place:?}"),
                    format!("{all:?}"),
                    "{op:?} on {isa:?} in place"
                );
            }
        }
    }
    check::<f64>();
    check::<f32>();
}
