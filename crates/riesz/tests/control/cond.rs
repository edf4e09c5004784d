//! `cond`: the branch that is taken is the function.

use crate::{at, close, derivatives, same};
use riesz::prelude::*;
use riesz_core::Primitive;

fn piecewise(x: Var) -> Var {
    cond(x.gt(1.0), || x.powi(3), || x.sin())
}

#[test]
fn derivatives_are_those_of_the_branch() {
    derivatives(&piecewise, 2.0, [8.0, 12.0, 12.0, 6.0], 1e-14);
    let (s, c) = 0.3f64.sin_cos();
    derivatives(&piecewise, 0.3, [s, c, -s, -c], 1e-14);
}

#[test]
fn branches_capture_values_of_every_trace_around() -> Result<()> {
    // d/da d/dx of a·x² (x > 0) is 2x.
    let f = |a: Var| grad(|x: Var| cond(x.gt(0.0), || a * x.square(), || a.square() * x))(a * 2.0);
    // At a = 3: x = 6, the inner derivative is 2·a·x = 4a², whose derivative is 8a.
    close(at(f, 3.0)?, 36.0, 0.0);
    close(at(grad(f), 3.0)?, 24.0, 0.0);
    // At a = −3 it is a².
    close(at(grad(f), -3.0)?, -6.0, 0.0);
    Ok(())
}

#[test]
fn instances_choose_each_for_itself() -> Result<()> {
    let x = [2.0, 0.3, -1.0, 1.5];
    let slope = |x: f64| if x > 1.0 { 3.0 * x * x } else { x.cos() };
    let expected = Tensor::from(x.map(slope));
    let at = Tensor::from(x);
    same(&run(vmap(grad(piecewise)), &at)?, &expected, 1e-15);
    same(&run(grad(|x: Var| vmap(piecewise)(x).sum()), &at)?, &expected, 1e-15);
    let second = |x: f64| if x > 1.0 { 6.0 * x } else { -x.sin() };
    let expected = Tensor::from(x.map(second));
    same(&run(vmap(grad(grad(piecewise))), &at)?, &expected, 1e-15);
    let twice = grad(|x: Var| grad(|x: Var| vmap(piecewise)(x).sum())(x).sum());
    same(&run(twice, &at)?, &expected, 1e-15);
    Ok(())
}

#[test]
fn what_is_not_chosen_does_not_poison() -> Result<()> {
    let root = |x: Var| cond(x.gt(0.0), || x.sqrt(), || 0.0 * x);
    close(at(grad(root), 0.0)?, 0.0, 0.0);
    let of_sum = grad(|x: Var| vmap(root)(x).sum());
    assert_eq!(run(of_sum, &Tensor::from([0.0, 4.0]))?, Tensor::from([0.0, 0.25]));
    assert_eq!(run(vmap(grad(root)), &Tensor::from([0.0, 4.0]))?, Tensor::from([0.0, 0.25]));
    Ok(())
}

#[test]
fn what_is_not_chosen_does_not_fail() -> Result<()> {
    // An index past the end, and a singular matrix, where they are not asked for.
    let element = |(x, i): (Var, Var)| cond(i.lt(3), || x.take(i, 0), || x.sum());
    let each = vmap_axes(element, [None, Some(0)], [0]);
    let (x, i) = (Tensor::from([1.0, 2.0, 4.0]), Tensor::from([2i64, 7, 0]));
    assert_eq!(run(&each, &(x.clone(), i.clone()))?, Tensor::from([4.0, 7.0, 1.0]));
    let slopes = |(x, i): (Var, Var)| grad(|x| each((x, i)).sum())(x);
    assert_eq!(run(slopes, &(x.clone(), i))?, Tensor::from([2.0, 1.0, 2.0]));
    let none = Tensor::from([8i64, 9]);
    assert_eq!(run(&each, &(x, none))?, Tensor::from([7.0, 7.0]));

    let matrix = |a: Var| cond(a.at(0).at(0).gt(0.0), || a.inverse(), || 0.0 * a);
    let stack = Tensor::new(vec![2.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0], [2, 2, 2])?;
    let inverses = run(vmap(matrix), &stack)?;
    assert_eq!(inverses.to_f64(), [0.5, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.0]);
    // d tr A⁻¹ = −A⁻².
    let traces = grad(|a: Var| vmap(|a: Var| matrix(a).trace())(a).sum());
    let expected = [-0.25, 0.0, 0.0, -0.0625, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(run(traces, &stack)?.to_f64(), expected);
    Ok(())
}

#[test]
fn one_choice_for_all_instances_stays_a_choice() -> Result<()> {
    let f = |(p, x): (Var, Var)| vmap(|x: Var| cond(p.gt(0.0), || x.exp(), || x.square()))(x);
    let program = compile(f).program(&(Tensor::from(1.0), Tensor::from([1.0, 2.0])))?;
    let names: Vec<&str> = program.equations().iter().map(|eq| eq.prim.name()).collect();
    assert_eq!(names.iter().filter(|n| **n == "cond").count(), 1);
    assert!(!names.contains(&"select"));
    let y = run(f, &(Tensor::from(-1.0), Tensor::from([1.0, 3.0])))?;
    assert_eq!(y, Tensor::from([1.0, 9.0]));
    Ok(())
}

#[test]
fn a_hessian_through_nested_choices() -> Result<()> {
    let f = |x: Var| {
        let (a, b) = (x.at(0), x.at(1));
        cond(a.gt(0.0), || cond(b.gt(0.0), || a.square() * b, || a * b.powi(3)), || a + b)
    };
    let h = run(hessian(f), &Tensor::from([2.0, 3.0]))?;
    same(&h, &Tensor::from([[6.0, 4.0], [4.0, 0.0]]), 1e-15);
    let h = run(hessian(f), &Tensor::from([2.0, -3.0]))?;
    same(&h, &Tensor::from([[0.0, 27.0], [27.0, -36.0]]), 1e-15);
    let h = run(hessian(f), &Tensor::from([-2.0, 3.0]))?;
    same(&h, &Tensor::from([[0.0, 0.0], [0.0, 0.0]]), 0.0);
    Ok(())
}

#[test]
fn branches_give_trees_of_several_types() -> Result<()> {
    let f = |x: Var| {
        cond(
            x.sum().gt(0.0),
            || (vec![x * 2.0, x], Var::constant(1i64)),
            || (vec![x, x * x], Var::constant(2i64)),
        )
    };
    let (list, tag) = run(f, &Tensor::from([1.0, -2.0]))?;
    assert_eq!(list, vec![Tensor::from([1.0, -2.0]), Tensor::from([1.0, 4.0])]);
    assert_eq!(tag, Tensor::from(2i64));
    Ok(())
}
