//! Sparse Jacobians and Hessians against the dense ones, closed forms, and at sizes where there is no
//! dense one.

use crate::same;
use riesz::prelude::*;

fn text<T>(result: Result<T>) -> String {
    result.err().map(|e| e.to_string()).unwrap_or_default()
}

/// Neighbours along a line: xᵢ·xᵢ₊₁ − sin xᵢ₋₁, and zero beyond the ends.
fn line(x: Var) -> Var {
    let n = x.shape()[0];
    let next = x.slice_axis(0, 1, n).pad_axis(0, 0, 1);
    x * next - x.slice_axis(0, 0, n - 1).sin().pad_axis(0, 1, 0)
}

/// A first number that all others meet, and that meets all others.
fn arrow(x: Var) -> Var {
    let n = x.shape()[0];
    let first = (x.square().sum() * x.at(0)).reshape([1]);
    Var::concat(&[first, (x * x.at(0)).exp().slice_axis(0, 1, n)], 0)
}

fn numbers(n: usize) -> Tensor {
    Tensor::from((0..n).map(|i| (0.7 * i as f64 + 0.3).sin()).collect::<Vec<_>>())
}

const ALL: [Compression; 4] =
    [Compression::Auto, Compression::Forward, Compression::Reverse, Compression::Both];

#[test]
fn every_way_to_a_sparse_jacobian_gives_the_dense_one() -> Result<()> {
    let x = numbers(9);
    for f in [line as fn(Var) -> Var, arrow, |x| line(x) + arrow(x), |x| x.tanh(), |x| x.floor()] {
        let dense = run(jacobian(f), &x)?;
        for by in ALL {
            let sparse = run(sparse_jacobian_by(f, by), &x)?;
            same(&sparse.to_dense()?, &dense, 1e-14);
            let (inside, back) = run(
                |x: Var| {
                    let j = sparse_jacobian_by(f, by)(x);
                    (j.to_dense(), j.dot(x) - jvp(f, x, x).1)
                },
                &x,
            )?;
            same(&inside, &dense, 1e-14);
            same(&back, &Tensor::from([0.0; 9]), 1e-13);
            same(&sparse.transpose()?.transpose()?.to_dense()?, &dense, 1e-14);
        }
    }
    Ok(())
}

#[test]
fn as_many_products_as_colours() -> Result<()> {
    let x = numbers(40);
    let count = |f: fn(Var) -> Var, by| -> Result<(usize, usize)> {
        let plan = SparsePlan::for_jacobian(f, &x, by)?;
        Ok((plan.products(), plan.forward_products()))
    };
    assert_eq!(count(line, Compression::Auto)?, (3, 3));
    assert_eq!(count(line, Compression::Reverse)?, (3, 0));
    assert_eq!(count(arrow, Compression::Forward)?, (40, 40));
    assert_eq!(count(arrow, Compression::Auto)?.0, 3);
    // A full row alone is one reverse product and full columns are forward ones.
    assert_eq!(count(|x| x.square().sum(), Compression::Auto)?, (1, 0));
    assert_eq!(count(|x| x.at(0) * Var::constant([1.0, 2.0, 3.0]), Compression::Auto)?, (1, 1));
    let hessian = |f: fn(Var) -> Var| SparsePlan::for_hessian(f, &x).map(|p| p.products());
    assert_eq!(hessian(|x| line(x).square().sum())?, 5);
    assert_eq!(hessian(|x| x.at(0) * x.square().sum())?, 2);
    assert_eq!(hessian(|x| x.sum())?, 0);
    Ok(())
}

#[test]
fn sparse_hessians_are_the_dense_ones() -> Result<()> {
    let x = numbers(12);
    let energy = |x: Var| {
        let g = x.reshape([3, 4]);
        let (down, right) = (g.slice_axis(0, 1, 3), g.slice_axis(1, 1, 4));
        let bonds = (down - g.slice_axis(0, 0, 2)).powi(4).sum();
        bonds + (right * g.slice_axis(1, 0, 3)).cos().sum()
    };
    for f in [energy as fn(Var) -> Var, |x| line(x).square().sum(), |x| x.at(0) * x.square().sum()]
    {
        let dense = run(hessian(f), &x)?;
        same(&run(sparse_hessian(f), &x)?.to_dense()?, &dense, 1e-13);
        // The same by the plan, and as the Jacobian of the gradient without its symmetry.
        let plan = SparsePlan::for_hessian(f, &x)?;
        let planned = run(|x: Var| plan.evaluate(grad(f), x), &x)?;
        same(&planned.to_dense()?, &dense, 1e-13);
        same(&run(sparse_jacobian(grad(f)), &x)?.to_dense()?, &dense, 1e-13);
    }
    Ok(())
}

#[test]
fn trees_of_arguments_and_results() -> Result<()> {
    let f =
        |(a, (x, n)): (Var, (Var, Var))| (a.sum_axes(&[0]) * x, vec![x.exp(), n, a.at(0).at(1)]);
    let a = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let x = (a, (Tensor::from([0.1, 0.2, 0.3]), Tensor::from(4i64)));
    let sparse = run(sparse_jacobian(f), &x)?;
    let dense = run(|x: (Var, (Var, Var))| linearize(f, x).1.matrix(), &x)?;
    same(&sparse.to_dense()?, &dense, 1e-15);
    assert_eq!((sparse.rows(), sparse.columns(), sparse.pattern().len()), (7, 9, 13));
    let single = run(sparse_jacobian(|x: Var| x.square()), &Tensor::from([1.0f32, 2.0]))?;
    assert_eq!(single.to_dense()?, Tensor::from([[2.0f32, 0.0], [0.0, 4.0]]));
    Ok(())
}

#[test]
fn a_sparse_jacobian_is_mapped_and_differentiated_like_any_function() -> Result<()> {
    let x = numbers(6);
    // d/dx Σ w·J(x), by the sparse and the dense matrix.
    let weight = |j: Var| (j * Var::iota(DType::F64, 36).reshape([6, 6]).sin()).sum();
    let by_sparse = run(grad(|x: Var| weight(sparse_jacobian(line)(x).to_dense())), &x)?;
    let by_dense = run(grad(|x: Var| weight(jacobian(line)(x))), &x)?;
    same(&by_sparse, &by_dense, 1e-14);
    let many =
        Tensor::new([numbers(6).to_f64(), numbers(12).to_f64()[6..].to_vec()].concat(), [2, 6])?;
    let mapped = run(vmap(|x: Var| sparse_jacobian(line)(x).values), &many)?;
    let first = run(sparse_jacobian(line), &x)?.values;
    same(&Tensor::from(&mapped.to_f64()[..first.len()]), &first, 0.0);
    Ok(())
}

#[test]
fn a_band_of_a_million_unknowns() -> Result<()> {
    let n = 1_000_000;
    let x = numbers(n);
    let j = run(sparse_jacobian(line), &x)?;
    let x = x.to_f64();
    assert_eq!(j.pattern().len(), 3 * n - 2);
    for (i, k, value) in j.triplets()?.into_iter().step_by(997) {
        let expected = match k.wrapping_sub(i) {
            0 => x.get(i + 1).copied().unwrap_or(0.0),
            1 => x[i],
            _ => -x[k].cos(),
        };
        assert!((value - expected).abs() < 1e-15, "({i}, {k}): {value}");
    }
    // Σ (xᵢ₊₁ − xᵢ)⁴: the Hessian's diagonals are ∓12·d².
    let energy = |x: Var| (x.slice_axis(0, 1, n) - x.slice_axis(0, 0, n - 1)).powi(4).sum();
    let h = run(sparse_hessian(energy), &numbers(n))?;
    assert_eq!(h.pattern().len(), 3 * n - 2);
    for (i, k, value) in h.triplets()?.into_iter().step_by(997).filter(|(i, k, _)| i != k) {
        let expected = -12.0 * (x[i] - x[k]).powi(2);
        assert!((value - expected).abs() < 1e-13, "({i}, {k}): {value}");
    }
    Ok(())
}

#[test]
fn through_branches_and_loops() -> Result<()> {
    let x = numbers(8);
    let check = |f: fn(Var) -> Var, entries: usize| -> Result<()> {
        let dense = run(jacobian(f), &x)?;
        for by in ALL {
            same(&run(sparse_jacobian_by(f, by), &x)?.to_dense()?, &dense, 1e-14);
        }
        let plan = SparsePlan::for_jacobian(f, &x, Compression::Auto)?;
        assert_eq!(plan.pattern().len(), entries);
        Ok(())
    };
    // Each branch has a diagonal of its own; which is taken is not known.
    check(|x| cond(x.at(0).gt(0.0), || x.exp(), || x.flip(&[0])), 16)?;
    // A map by a scan without anything carried that moves: the diagonal.
    check(|x| scan(|c: Var, x: Var| (c, (c * x).sin()), Var::constant(0.5), x).1, 8)?;
    // Running products: a triangle.
    check(|x| scan(|c: Var, x: Var| (c * x, c * x), Var::constant(1.0), x).1, 36)?;
    check(
        |x| {
            scan_with(
                |c: Var, x: Var| (c * x, c),
                x.at(0),
                x,
                &ScanOptions { reverse: true, ..ScanOptions::default() },
            )
            .1
        },
        36,
    )?;
    // A number of rounds that depends on the numbers: any power of a step with the next neighbour.
    check(
        |x| {
            let step = |(k, x): (Var, Var)| {
                (k + 1, 0.5 * x + 0.25 * x.slice_axis(0, 1, 8).pad_axis(0, 0, 1))
            };
            while_loop(
                |(k, x): (Var, Var)| k.lt(3).and(x.sum().lt(100.0)),
                step,
                (Var::constant(0i64), x),
            )
            .1
        },
        36,
    )?;
    // Known rounds over known indices: two diagonals.
    check(
        |x| {
            let step = |i: Var, y: Var| {
                let next = (i + 1) % 8;
                y.scatter_add(i.reshape([1]), (x.take(i, 0) * x.take(next, 0)).reshape([1]), 0)
            };
            fori(0..8, step, x.zeros_like())
        },
        16,
    )
}

#[test]
fn what_is_not_sparse_or_does_not_fit_is_an_error() -> Result<()> {
    let large = Tensor::full(1.0, [100_000]);
    let dense = text(run(sparse_jacobian(|x: Var| x * x.sum()), &large));
    assert!(dense.contains("not sparse") && dense.contains("`jvp`"), "{dense}");
    let x = Tensor::from([1.0, 2.0, 3.0]);
    let mixed = text(run(sparse_jacobian(|x: Var| x.cast(DType::F32)), &x));
    assert!(mixed.contains("one float type"), "{mixed}");
    let vector = text(run(sparse_hessian(|x: Var| x), &x));
    assert!(vector.contains("not one number"), "{vector}");
    let plan = SparsePlan::for_jacobian(line, &x, Compression::Auto)?;
    let other = text(run(|x: Var| plan.evaluate(line, x), &Tensor::from([1.0, 2.0])));
    assert!(other.contains("f64[3]") && other.contains("f64[2]"), "{other}");
    let applied = text(run(|x: Var| sparse_jacobian(line)(x).dot(x.at(0)), &x));
    assert!(applied.contains("3×3") && applied.contains("f64[]"), "{applied}");
    let short = Csr::new(plan.pattern().clone(), Tensor::from([1.0]));
    assert!(text(short.to_dense()).contains("7 entries"));
    Ok(())
}
