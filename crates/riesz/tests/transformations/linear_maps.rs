//! The chain rule and the sum over parallel branches, on linear maps as objects.

use crate::same;
use riesz::prelude::*;

fn f(x: Var) -> Var {
    Var::stack(&[x.at(0) * x.at(1), x.at(1).exp(), x.sum()], 0)
}

fn g(y: Var) -> Var {
    Var::stack(&[y.norm(), y.at(2).sin() * y.at(0)], 0)
}

#[test]
fn the_chain_rule() -> Result<()> {
    let x = Tensor::from([0.4, -0.3]);
    let both = run(
        |x: Var| {
            let (y, df) = linearize(f, x);
            let (_, dg) = linearize(g, y);
            let (_, whole) = linearize(|x: Var| g(f(x)), x);
            (df.then(&dg).matrix(), dg.matrix().dot(df.matrix()), whole.matrix())
        },
        &x,
    )?;
    same(&both.0, &both.2, 1e-14);
    same(&both.1, &both.2, 1e-14);
    Ok(())
}

#[test]
fn parallel_branches_add() -> Result<()> {
    let x = Tensor::from([0.4, -0.3]);
    let h = |x: Var| f(x).square();
    let (sum, whole, thrice) = run(
        |x: Var| {
            let ((_, df), (_, dh)) = (linearize(f, x), linearize(h, x));
            let (_, both) = linearize(|x: Var| f(x) + h(x), x);
            (df.plus(&dh).matrix(), both.matrix(), df.scaled(3.0).matrix() / 3.0)
        },
        &x,
    )?;
    same(&sum, &whole, 1e-14);
    let alone = run(jacobian(f), &x)?;
    same(&thrice, &alone, 1e-15);
    Ok(())
}

#[test]
fn the_transpose_has_the_transposed_matrix_and_is_what_vjp_applies() -> Result<()> {
    let args = (Tensor::from([0.4, -0.3]), Tensor::from([1.0, -2.0, 0.5]));
    let (matrix, transposed, by_map, by_vjp, twice) = run(
        |(x, ct): (Var, Var)| {
            let (_, df) = linearize(f, x);
            let (_, back) = vjp(f, x);
            let dft = df.transpose();
            let twice = dft.transpose().matrix();
            (df.matrix(), dft.matrix(), dft.apply(ct), back(ct), twice)
        },
        &args,
    )?;
    let t = |m: &Tensor| run(|m: Var| m.t(), m);
    same(&t(&matrix)?, &transposed, 0.0);
    same(&by_map, &by_vjp, 0.0);
    same(&matrix, &twice, 0.0);
    let product = run(|(m, u): (Var, Var)| m.dot(u), &(transposed, args.1))?;
    same(&by_map, &product, 1e-15);
    Ok(())
}

#[test]
fn a_map_between_trees_has_one_matrix() -> Result<()> {
    // (A, x) → (Ax, Σx): columns are the elements of A row by row, then those of x.
    let args = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([5.0, 6.0]));
    let matrix = run(
        |(a, x): (Var, Var)| {
            let product = |(a, x): (Var, Var)| (a.dot(x), x.sum());
            linearize(product, (a, x)).1.matrix()
        },
        &args,
    )?;
    let expected = Tensor::from([
        [5.0, 6.0, 0.0, 0.0, 1.0, 2.0],
        [0.0, 0.0, 5.0, 6.0, 3.0, 4.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 1.0],
    ]);
    same(&matrix, &expected, 0.0);
    Ok(())
}
