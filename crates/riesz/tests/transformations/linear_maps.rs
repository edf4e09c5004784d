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
            ((&df + dh).matrix(), both.matrix(), (3.0 * df).matrix() / 3.0)
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

#[test]
fn maps_are_a_vector_space_with_identity_and_zero() -> Result<()> {
    let args = (Tensor::from([0.4, -0.3]), Tensor::from(2.5));
    let run = |make: &dyn Fn(Var, Var) -> (Var, Var)| run(|(x, c): (Var, Var)| make(x, c), &args);
    let jacobian = |x: Var| linearize(f, x).1;
    let equal = |make: &dyn Fn(Var, Var) -> (Var, Var)| -> Result<()> {
        let (a, b) = run(make)?;
        same(&a, &b, 1e-15);
        Ok(())
    };
    equal(&|x, c| ((c * jacobian(x)).matrix(), c * jacobian(x).matrix()))?;
    equal(&|x, c| ((c * jacobian(x)).transpose().matrix(), c * jacobian(x).matrix().t()))?;
    equal(&|x, _| ((-jacobian(x)).matrix(), -jacobian(x).matrix()))?;
    equal(&|x, _| {
        let (df, dh) = (jacobian(x), linearize(|x: Var| f(x).square(), x).1);
        ((&df - &dh).matrix(), df.matrix() - dh.matrix())
    })?;
    let eye = |n| Var::eye(DType::F64, n);
    equal(&|x, _| (LinearMap::identity(&x).matrix(), eye(2)))?;
    equal(&|x, _| (LinearMap::identity(&x).then(&jacobian(x)).matrix(), jacobian(x).matrix()))?;
    equal(&|x, _| {
        let zero = LinearMap::zero(&x, &f(x));
        ((jacobian(x) + &zero).matrix() + zero.transpose().matrix().t(), jacobian(x).matrix())
    })?;
    // (ST)ᵀ = TᵀSᵀ.
    equal(&|x, _| {
        let (df, dg) = (jacobian(x), linearize(g, f(x)).1);
        (df.then(&dg).transpose().matrix(), dg.transpose().then(&df.transpose()).matrix())
    })
}

#[test]
fn a_map_depends_on_what_it_was_made_of() -> Result<()> {
    // d/dx of (Df(x)·v)₀ = d/dx of x₁v₀ + x₀v₁, and of the matrix of a sum.
    let v = [1.0, -2.0];
    let by_x = run(
        grad(|x: Var| linearize(f, x).1.apply(Var::constant(v)).at(0)),
        &Tensor::from([0.4, -0.3]),
    )?;
    same(&by_x, &Tensor::from([-2.0, 1.0]), 0.0);
    Ok(())
}

#[test]
fn maps_that_do_not_fit_are_an_error() {
    let x = Tensor::from([0.4, -0.3]);
    let df = |x: Var| linearize(f, x).1;
    let message = |result: Result<Tensor>| result.err().map(|e| e.to_string()).unwrap_or_default();
    let twice = message(run(|x: Var| df(x).then(&df(x)).matrix(), &x));
    assert!(twice.contains("then") && twice.contains("[3]") && twice.contains("[2]"), "{twice}");
    let sum = message(run(|x: Var| (df(x) + LinearMap::identity(&x)).matrix(), &x));
    assert!(sum.contains("do not fit") && sum.contains("linear_maps.rs"), "{sum}");
    let applied = message(run(|x: Var| df(x).apply(x.sum()), &x));
    assert!(applied.contains("direction is f64[], the argument is f64[2]"), "{applied}");
    let double =
        |x: Var| linearize(|(x, y): (Var, Var)| x.sum() + y.cast(DType::F64), (x, x.sum()));
    assert!(run(|x: Var| double(x).1.norm_estimate(2), &x).is_ok());
    let mixed = |x: Var| linearize(|y: Var| y.cast(DType::F32), x).1.norm_estimate(2);
    assert!(message(run(mixed, &x)).contains("one float type"));
}

#[test]
fn the_norm_of_a_map_by_products_alone() -> Result<()> {
    // Singular values 1, ½, …, 1/n between two spaces of trees, mixed by reflections.
    let n = 40;
    let estimate = |steps: usize| {
        run(
            |s: Var| {
                let mirror = |x: Var| {
                    let u = Var::iota(DType::F64, n) + 1.0;
                    x - 2.0 * u * u.dot(x) / u.dot(u)
                };
                let f = |(a, b): (Var, Var)| {
                    let y = mirror(s * mirror(Var::concat(&[a.flatten(), b], 0)));
                    (y.slice_axis(0, 0, 7), y.slice_axis(0, 7, n))
                };
                let parts = (s.slice_axis(0, 0, 10).reshape([2, 5]), s.slice_axis(0, 10, n));
                linearize(f, parts).1.norm_estimate(steps)
            },
            &Tensor::from((1..=n).map(|k| 1.0 / k as f64).collect::<Vec<_>>()),
        )?
        .item::<f64>()
    };
    let (few, more, many) = (estimate(3)?, estimate(8)?, estimate(n)?);
    assert!(few <= more && more <= 1.0 + 1e-14, "{few} {more}");
    // The squares are 1 and at most ¼, so k steps leave an error below tan²∠/T(7)², T the Chebyshev
    // polynomial of degree k − 1 (Saad 1980): 97² for three, 5·10⁷ squared for eight.
    assert!(few > 0.9 && more > 1.0 - 1e-11, "{few} {more}");
    assert!((many - 1.0).abs() < 1e-14, "{many}");
    let zero = run(|x: Var| LinearMap::zero(&x, &x).norm_estimate(5), &Tensor::from([1.0, 2.0]))?;
    assert_eq!(zero, Tensor::from(0.0));
    let one = run(|x: Var| LinearMap::identity(&x).norm_estimate(9), &Tensor::from([1.0, 2.0]))?;
    same(&one, &Tensor::from(1.0), 1e-15);
    Ok(())
}
