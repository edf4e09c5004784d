//! Routines of dense linear algebra against the reference evaluator.

use crate::calls::{Close, agree};
use crate::common::{matrix, positive, random};
use riesz_core::primitive::*;
use riesz_core::{DType, Prim, Tensor};

/// A stack of `count` matrices of order n.
fn stack(count: usize, n: usize, of: fn(usize, u64) -> Vec<f64>, dtype: DType) -> Tensor {
    let values: Vec<f64> = (0..count).flat_map(|i| of(n, 7 + i as u64)).collect();
    Tensor::from_f64(&values, [count, n, n], dtype).unwrap()
}

fn any(m: usize, n: usize, dtype: DType) -> Tensor {
    Tensor::from_f64(&random::<f64>(m * n, 3), [m, n], dtype).unwrap()
}

const FLOATS: [(DType, f64); 2] = [(DType::F64, 1e-11), (DType::F32, 3e-3)];

#[test]
fn what_follows_from_factors() {
    for (dtype, tolerance) in FLOATS {
        for n in [0, 1, 2, 3, 4, 5, 9, 16, 17, 40, 70] {
            for (count, of) in
                [(3, matrix as fn(usize, u64) -> Vec<f64>), (2, positive), (0, matrix)]
            {
                let a = stack(count, n, of, dtype);
                let close = Close(tolerance);
                agree(&Inverse.into(), &[&a], close);
                agree(&Det.into(), &[&a], close);
                agree(&SLogDet.into(), &[&a], close);
                agree(&Cofactor.into(), &[&a], close);
                agree(&CofactorTangent.into(), &[&a, &stack(count, n, matrix, dtype)], close);
                agree(&Cholesky.into(), &[&stack(count, n, positive, dtype)], close);
                for k in [0, 1, 4, 30] {
                    let values = random::<f64>(count * n * k, 5);
                    let b = Tensor::from_f64(&values, [count, n, k], dtype).unwrap();
                    agree(&Solve.into(), &[&a, &b], close);
                    for flags in 0..8 {
                        let [lower, transposed, unit] = [1, 2, 4].map(|bit| flags & bit != 0);
                        // Strong diagonals, weak rest: well conditioned without the diagonal too.
                        let t = match unit {
                            true => stack(count, n, scaled, dtype),
                            false => a.clone(),
                        };
                        let prim = TriangularSolve { lower, transposed, unit };
                        agree(&prim.into(), &[&t, &b], close);
                    }
                }
            }
        }
    }
}

fn scaled(n: usize, seed: u64) -> Vec<f64> {
    matrix::<f64>(n, seed).iter().map(|v| v / (2.0 * n as f64)).collect()
}

#[test]
fn cofactors_of_singular_matrices() {
    // Of rank n − 1 and n − 2, where there is no inverse to make them of.
    for n in [2usize, 3, 4, 6] {
        for rank in [n - 1, n.saturating_sub(2)] {
            let b = random::<f64>(n * n, 12);
            let a: Vec<f64> = (0..n * n)
                .map(|i| (0..rank).map(|l| b[i / n * n + l] * b[l * n + i % n]).sum())
                .collect();
            let a = Tensor::from_f64(&a, [n, n], DType::F64).unwrap();
            agree(&Cofactor.into(), &[&a], Close(1e-12));
            agree(&CofactorTangent.into(), &[&a, &any(n, n, DType::F64)], Close(1e-12));
        }
    }
}

#[test]
fn factorisations() {
    for (dtype, tolerance) in FLOATS {
        for (m, n) in
            [(0, 0), (0, 2), (1, 1), (3, 3), (5, 2), (2, 5), (12, 12), (30, 20), (20, 30), (50, 50)]
        {
            let a = any(m, n, dtype);
            let close = Close(tolerance);
            agree(&Lu.into(), &[&a], close);
            agree(&Qr.into(), &[&a], close);
            agree(&Svd.into(), &[&a], close);
            agree(&Pinv.into(), &[&a], Close(100.0 * tolerance));
            if m == n {
                agree(&Eigh.into(), &[&a], close);
            }
        }
    }
}

#[test]
fn awkward_matrices() {
    let of = |values: &[f64], n: usize| Tensor::from_f64(values, [n, n], DType::F64).unwrap();
    let singular = of(&[1.0, 2.0, 2.0, 4.0], 2);
    let zero = of(&[0.0; 9], 3);
    let large = of(&vec![1.0; 900], 30);
    let one = Tensor::from_f64(&[1.0, 1.0], [2, 1], DType::F64).unwrap();
    for a in [&singular, &zero, &large] {
        // The same refusals; the same determinants.
        agree(&Inverse.into(), &[a], Close(1e-12));
        agree(&Det.into(), &[a], Close(1e-12));
        agree(&SLogDet.into(), &[a], Close(1e-12));
        agree(&Cholesky.into(), &[a], Close(1e-12));
        agree(&Pinv.into(), &[a], Close(1e-12));
    }
    agree(&Solve.into(), &[&singular, &one], Close(1e-12));
    agree(&TriangularSolve::LOWER.into(), &[&of(&[0.0, 1.0, 1.0, 1.0], 2), &one], Close(1e-12));
    for bad in [f64::NAN, f64::INFINITY] {
        for n in [2, 20] {
            let mut values = matrix::<f64>(n, 3);
            values[1] = bad;
            let a = of(&values, n);
            for prim in [Prim::from(Svd), Eigh.into(), Pinv.into(), Cofactor.into()] {
                if !(n == 2 && prim == Cofactor.into()) {
                    agree(&prim, &[&a], Close(1e-12));
                }
            }
            // Where numbers are, they differ; nothing panics.
            for prim in [
                Prim::from(Inverse),
                Det.into(),
                SLogDet.into(),
                Cholesky.into(),
                Lu.into(),
                Qr.into(),
            ] {
                crate::calls::call(&prim, &[&a]);
            }
        }
    }
}
