//! Arguments and results of every kind of tree.

use crate::same;
use riesz::prelude::*;
use std::collections::BTreeMap;

#[test]
fn tuples_arrays_lists_options_and_maps() -> Result<()> {
    type Everything = ([Var; 2], Vec<Var>, Option<Var>, BTreeMap<String, (Var, Var)>);
    let f = |(a, list, option, map): Everything| {
        let listed = list.iter().fold(a[0] * a[1], |sum, &x| sum + x.square());
        let optional = option.map_or(listed, |x| listed + x.exp());
        map.values().fold(optional, |sum, &(x, y)| sum + x * y)
    };
    let t = |x: f64| Tensor::from(x);
    let pair = |x, y| (t(x), t(y));
    let map: BTreeMap<String, (Tensor, Tensor)> =
        [("k".to_string(), pair(6.0, 7.0)), ("b".to_string(), pair(8.0, 9.0))].into();
    let args = ([t(2.0), t(3.0)], vec![t(4.0), t(5.0)], Some(t(0.0)), map);
    let (a, list, option, map) = run(grad(f), &args)?;
    assert_eq!(a, [t(3.0), t(2.0)]);
    assert_eq!(list, vec![t(8.0), t(10.0)]);
    assert_eq!(option, Some(t(1.0)));
    assert_eq!(map["k"], pair(7.0, 6.0));
    assert_eq!(map["b"], pair(9.0, 8.0));
    // The same types with another structure: one function, another trace.
    let g = compile(grad(f));
    let short = ([t(2.0), t(3.0)], vec![], None, BTreeMap::new());
    assert_eq!(g.call(&short)?.1, Vec::<Tensor>::new());
    assert_eq!(g.call(&args)?.1.len(), 2);
    Ok(())
}

#[test]
fn the_gradient_by_a_matrix_has_its_shape() -> Result<()> {
    // ⟨A, X⟩ = tr(AᵀX): the gradient by X is A.
    let a = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let x = Tensor::from([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]);
    let g = run(|(a, x): (Var, Var)| grad(|x: Var| a.t().dot(x).trace())(x), &(a.clone(), x))?;
    assert_eq!(g, a);
    Ok(())
}

#[test]
fn an_argument_used_twice_and_one_not_used() -> Result<()> {
    let f = |(x, y): (Var, Var)| x * x + 0.0 * x.stop_gradient() + y.zeros_like().sum();
    let (dx, dy) = run(grad(f), &(Tensor::from(3.0), Tensor::from([1.0, 2.0])))?;
    assert_eq!((dx, dy), (Tensor::from(6.0), Tensor::from([0.0, 0.0])));
    Ok(())
}

#[test]
fn jacobians_by_each_leaf() -> Result<()> {
    let f = |(a, x): (Var, Var)| a.dot(x);
    let args = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([5.0, 6.0]));
    for mode in [Mode::Auto, Mode::Forward, Mode::Reverse] {
        let (by_a, by_x) = run(jacobian_by(f, mode), &args)?;
        same(&by_x, &args.0, 0.0);
        let by_a_expected = vec![5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 5.0, 6.0];
        same(&by_a, &Tensor::new(by_a_expected, [2, 2, 2])?, 0.0);
    }
    Ok(())
}
