//! Arithmetic, comparisons, selection and reductions: values, NaN, and the same bits everywhere.

use riesz_cpu::simd::*;

fn data(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7919 + 13) % 10007) as f64 / 3.0 - 1500.0).collect()
}

#[test]
fn sums_are_accurate_and_the_same_on_every_instruction_set() {
    for n in [0, 1, 5, 15, 16, 17, 100, 4095, 4096, 4097, 8192, 100_000] {
        let x = data(n);
        // The numerators are integers: their sum is exact.
        let exact =
            x.iter().map(|v| ((v + 1500.0) * 3.0).round()).sum::<f64>() / 3.0 - 1500.0 * n as f64;
        let sums: Vec<f64> = Isa::available().map(|isa| reduce(isa, Reduce::Sum, &x)).collect();
        assert!(sums.iter().all(|s| s.to_bits() == sums[0].to_bits()), "n = {n}: {sums:?}");
        assert!((sums[0] - exact).abs() <= 1e-10 * n as f64, "n = {n}: {} {exact}", sums[0]);
        let ones = vec![1.0; n];
        let dots: Vec<f64> = Isa::available().map(|isa| dot(isa, &x, &ones)).collect();
        assert!(dots.iter().all(|s| s.to_bits() == sums[0].to_bits()), "n = {n}: {dots:?}");
    }
    // Pairwise: adding 2^24 ones one by one in f32 would stop at 2^24; so would a long single lane.
    let many = vec![1.0f32; (1 << 24) + 4096];
    assert_eq!(reduce(Isa::best(), Reduce::Sum, &many), (1 << 24) as f32 + 4096.0);
    let tenth = vec![0.1f32; 1 << 22];
    let exact = f64::from(0.1f32) * f64::from(1u32 << 22);
    assert!((f64::from(reduce(Isa::best(), Reduce::Sum, &tenth)) - exact).abs() < 1e-5 * exact);
}

#[test]
fn extremes_propagate_nan() {
    for isa in Isa::available() {
        for n in [1, 3, 16, 17, 31, 100] {
            for at in [0, n / 2, n - 1] {
                let mut x = vec![-2.0; n];
                x[at] = 5.0;
                assert_eq!(reduce(isa, Reduce::Max, &x), 5.0);
                x[at] = -7.0;
                assert_eq!(reduce(isa, Reduce::Min, &x), -7.0);
                x[at] = f64::NAN;
                assert!(
                    reduce(isa, Reduce::Max, &x).is_nan() && reduce(isa, Reduce::Min, &x).is_nan()
                );
                assert!(reduce(isa, Reduce::Sum, &x).is_nan());
            }
        }
        assert_eq!(reduce::<f64>(isa, Reduce::Max, &[]), f64::NEG_INFINITY);
        assert_eq!(reduce::<f32>(isa, Reduce::Min, &[]), f32::INFINITY);
        assert_eq!(reduce::<f64>(isa, Reduce::Sum, &[]), 0.0);
        assert_eq!(reduce(isa, Reduce::Max, &[-0.0f64, 0.0]).to_bits(), 0);
        assert_eq!(reduce(isa, Reduce::Min, &[0.0f64, -0.0]).to_bits(), (-0.0f64).to_bits());
    }
}

#[test]
fn comparisons_and_selection() {
    let x: Vec<f64> =
        (0..40).map(|i| if i % 7 == 0 { f64::NAN } else { f64::from(i % 5) }).collect();
    type Plain = fn(f64, f64) -> bool;
    let plain: [(Compare, Plain); 6] = [
        (Compare::Eq, |a, b| a == b),
        (Compare::Ne, |a, b| a != b),
        (Compare::Lt, |a, b| a < b),
        (Compare::Le, |a, b| a <= b),
        (Compare::Gt, |a, b| a > b),
        (Compare::Ge, |a, b| a >= b),
    ];
    for isa in Isa::available() {
        for (op, f) in plain {
            for n in [0, 1, 15, 16, 33, 40] {
                let mut mask = vec![true; n];
                compare(isa, op, Operand::Slice(&x[..n]), Operand::Splat(2.0), &mut mask);
                let want: Vec<bool> = x[..n].iter().map(|v| f(*v, 2.0)).collect();
                assert_eq!(mask, want, "{op:?} on {isa:?}");
                let mut out = vec![0.0; n];
                select(isa, &mask, Operand::Splat(9.0), Operand::Slice(&x[..n]), &mut out);
                for i in 0..n {
                    let want = if mask[i] { 9.0 } else { x[i] };
                    assert!(out[i] == want || (out[i].is_nan() && want.is_nan()));
                }
            }
        }
    }
}

/// An output may be either input or both, for every operation.
#[test]
fn outputs_may_be_inputs() {
    let x: Vec<f64> = (0..37).map(|i| f64::from(i) * 0.11 + 0.1).collect();
    let y: Vec<f64> = (0..37).map(|i| 3.0 - f64::from(i) * 0.07).collect();
    for isa in Isa::available() {
        for &op in Binary::ALL {
            let mut want = vec![0.0; 37];
            binary(isa, op, Operand::Slice(&x), Operand::Slice(&y), &mut want);
            let (mut a, mut b, mut both) = (x.clone(), y.clone(), x.clone());
            let mut squares = vec![0.0; 37];
            binary(isa, op, Operand::Slice(&x), Operand::Slice(&x), &mut squares);
            let (pa, pb, pc) = (a.as_mut_ptr(), b.as_mut_ptr(), both.as_mut_ptr());
            // SAFETY: 37 elements each; inputs are the output or another vector.
            unsafe {
                binary_raw(isa, op, Source::Buffer(pa), Source::Buffer(y.as_ptr()), pa, 37);
                binary_raw(isa, op, Source::Buffer(x.as_ptr()), Source::Buffer(pb), pb, 37);
                binary_raw(isa, op, Source::Buffer(pc), Source::Buffer(pc), pc, 37);
            }
            assert_eq!(a, want, "{op:?} on {isa:?}");
            assert_eq!(b, want, "{op:?} on {isa:?}");
            assert_eq!(both, squares, "{op:?} on {isa:?}");
        }
    }
}
