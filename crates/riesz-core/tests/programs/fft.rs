//! Fourier transforms against the definition, and what they are used for.

use riesz_core::check::direction;
use riesz_core::{DType, Result, Tensor, Type, Var, eval, trace};
use std::f64::consts::TAU;

fn run(args: &[Tensor], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<Vec<Tensor>> {
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    eval(&trace(&types, f)?, args)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// Lengths of every kind: 1, primes, powers of two, products, and those that convolve.
const LENGTHS: [usize; 14] = [1, 2, 3, 4, 5, 7, 8, 12, 31, 32, 33, 60, 97, 100];

#[test]
fn transforms_agree_with_the_definition() -> Result<()> {
    for n in LENGTHS {
        let x = direction(&Type::new(DType::F64, [n, 2]), 3)?;
        let v = x.to_f64();
        let mut expected = vec![0.0; 2 * n];
        for k in 0..n {
            for j in 0..n {
                let (s, c) = (-TAU * ((j * k) % n) as f64 / n as f64).sin_cos();
                expected[2 * k] += v[2 * j] * c - v[2 * j + 1] * s;
                expected[2 * k + 1] += v[2 * j] * s + v[2 * j + 1] * c;
            }
        }
        let y = run(&[x], |x| vec![x[0].fft(0), x[0].fft(0).ifft(0)])?;
        assert!(distance(&y[0].to_f64(), &expected) < 1e-14 * n as f64, "{n}");
        assert!(distance(&y[1].to_f64(), &v) < 1e-14, "{n}");
    }
    Ok(())
}

#[test]
fn real_transforms_are_half_of_the_complex_one() -> Result<()> {
    for n in LENGTHS {
        let x = direction(&Type::new(DType::F64, [2, n]), 4)?;
        let y = run(std::slice::from_ref(&x), |x| {
            let zero = x[0].zeros_like();
            let whole = Var::stack(&[x[0], zero], 2).fft(1);
            let half = x[0].rfft(1);
            vec![half, whole.slice_axis(1, 0, n / 2 + 1), half.irfft(1, n)]
        })?;
        assert!(distance(&y[0].to_f64(), &y[1].to_f64()) < 1e-14, "{n}");
        assert!(distance(&y[2].to_f64(), &x.to_f64()) < 1e-14, "{n}");
    }
    Ok(())
}

#[test]
fn any_axis_can_be_transformed() -> Result<()> {
    let x = direction(&Type::new(DType::F64, [3, 4, 2]), 5)?;
    let y = run(&[x], |x| {
        let rows = x[0].fft(0);
        let by_hand = x[0].transpose(&[1, 0, 2]).fft(1).transpose(&[1, 0, 2]);
        vec![rows - by_hand, x[0].fft(0).fft(1) - x[0].fft(1).fft(0)]
    })?;
    assert!(y.iter().all(|d| d.to_f64().iter().all(|v| v.abs() < 1e-14)));
    Ok(())
}

#[test]
fn a_product_of_spectra_is_a_circular_convolution() -> Result<()> {
    let (a, b) = (Tensor::from([1.0, 2.0, 3.0]), Tensor::from([0.5, -1.0, 4.0]));
    let y = run(&[a, b], |x| {
        let (f, g) = (x[0].rfft(0), x[1].rfft(0));
        let part = |z: Var, k: usize| z.slice_axis(1, k, k + 1).squeeze(1);
        let (fr, fi, gr, gi) = (part(f, 0), part(f, 1), part(g, 0), part(g, 1));
        vec![Var::stack(&[fr * gr - fi * gi, fr * gi + fi * gr], 1).irfft(0, 3)]
    })?;
    // Σⱼ aⱼ·b₍ₖ₋ⱼ₎, by hand.
    assert!(distance(&y[0].to_f64(), &[5.5, 12.0, 3.5]) < 1e-14, "{}", y[0]);
    Ok(())
}

#[test]
fn errors_say_what_is_needed() {
    let ty = Type::new(DType::F64, [4, 3]);
    let error = trace(&[ty], |x| vec![x[0].fft(0)]).unwrap_err();
    assert!(error.to_string().contains("needs complex numbers as pairs"), "{error}");
    let ty = Type::new(DType::F64, [4, 2]);
    let error = trace(std::slice::from_ref(&ty), |x| vec![x[0].irfft(0, 9)]).unwrap_err();
    assert!(error.to_string().contains("9 real numbers have a half spectrum of 5"), "{error}");
    let error = trace(&[ty], |x| vec![x[0].fft(1)]).unwrap_err();
    assert!(error.to_string().contains("there is no axis 1 in f64[4,2]"), "{error}");
    let error = trace(&[Type::new(DType::F64, [0])], |x| vec![x[0].rfft(0)]).unwrap_err();
    assert!(error.to_string().contains("no elements"), "{error}");
}
