//! Structs and enums as trees: `#[derive(Tree)]`, leaves that cannot move, static fields.

use crate::same;
use riesz::prelude::*;
use riesz::tree::skeleton;

#[derive(Clone, Debug, PartialEq, Tree)]
struct Dense<T> {
    w: T,
    b: T,
}

#[derive(Clone, Debug, PartialEq)]
enum Activation {
    Relu,
    Leaky(f64),
}

#[derive(Clone, Debug, PartialEq, Tree)]
struct Mlp<T> {
    layers: Vec<Dense<T>>,
    scale: Option<T>,
    /// How often the model was trained: an integer leaf.
    steps: T,
    #[tree(static)]
    activation: Activation,
}

#[derive(Clone, Debug, PartialEq, Tree)]
enum Expr<T> {
    Nothing,
    Value(T),
    Sum(Box<Expr<T>>, Box<Expr<T>>),
    Power {
        of: Box<Expr<T>>,
        #[tree(static)]
        n: i32,
    },
}

/// Two kinds of leaves' trees, a static parameter, a lifetime and a constant at once.
#[derive(Clone, Tree)]
struct Everything<'a, A, B, S, const N: usize> {
    a: [A; N],
    b: (B, A),
    #[tree(static)]
    s: S,
    #[tree(static)]
    name: &'a str,
}

fn mlp<T>(w: [T; 2], b: [T; 2], steps: T, activation: Activation) -> Mlp<T> {
    let ([w0, w1], [b0, b1]) = (w, b);
    let layers = vec![Dense { w: w0, b: b0 }, Dense { w: w1, b: b1 }];
    Mlp { layers, scale: None, steps, activation }
}

fn apply(m: &Mlp<Var>, x: Var) -> Var {
    let activate = |z: Var| match m.activation {
        Activation::Relu => z.maximum(0.0),
        Activation::Leaky(slope) => z.maximum(slope * z),
    };
    let y = m.layers.iter().fold(x, |x, d| activate(d.w.dot(x) + d.b));
    m.scale.map_or(y, |s| s * y)
}

fn example(activation: Activation) -> Mlp<Tensor> {
    let w = [Tensor::from([[1.0, -2.0], [0.5, 1.0]]), Tensor::from([[1.0, -3.0]])];
    mlp(w, [Tensor::from([0.0, 0.5]), Tensor::from([0.25])], Tensor::from(7i64), activation)
}

#[test]
fn the_gradient_of_a_model_is_a_model() -> Result<()> {
    // z = (1·1 − 2·2, ½·1 + 2 + ½) = (−3, 3); y = −3·slope − 9 + ¼ < 0; output slope·y.
    let f = |m: Mlp<Var>| apply(&m, Var::constant([1.0, 2.0])).sum();
    let compiled = compile(value_and_grad(f));
    let (value, g) = compiled.call(&example(Activation::Leaky(0.5)))?;
    assert_eq!(value, Tensor::from(0.5 * (-1.5 - 9.0 + 0.25)));
    let expected = mlp(
        [Tensor::from([[0.25, 0.5], [-1.5, -3.0]]), Tensor::from([[-0.75, 1.5]])],
        [Tensor::from([0.25, -1.5]), Tensor::from([0.5])],
        Tensor::from(0i64),
        Activation::Leaky(0.5),
    );
    assert_eq!(g, expected);
    // A static field is a part of the structure: the same call with another one is another program.
    assert_eq!(compiled.call(&example(Activation::Relu))?.0, Tensor::from(0.0));
    assert_eq!(compiled.call(&example(Activation::Leaky(0.5)))?.1, expected);
    Ok(())
}

#[test]
fn enums_carry_data_and_recursion() -> Result<()> {
    fn value(e: &Expr<Var>) -> Var {
        match e {
            Expr::Nothing => Var::constant(0.0),
            Expr::Value(x) => *x,
            Expr::Sum(a, b) => value(a) + value(b),
            Expr::Power { of, n } => value(of).powi(*n),
        }
    }
    let number = |x: f64| Box::new(Expr::Value(Tensor::from(x)));
    let power = |of, n| Box::new(Expr::Power { of, n });
    let f = compile(grad(|e: Expr<Var>| value(&e)));
    let sum = Expr::Sum(power(number(2.0), 3), number(5.0));
    assert_eq!(f.call(&sum)?, Expr::Sum(power(number(12.0), 3), number(1.0)));
    let square = Expr::Sum(power(number(2.0), 2), Box::new(Expr::Nothing));
    assert_eq!(f.call(&square)?, Expr::Sum(power(number(4.0), 2), Box::new(Expr::Nothing)));
    assert_eq!(sum.paths(), [".0.of.0", ".1.0"]);
    assert!(!skeleton(&sum).same::<Tensor>(&square));
    Ok(())
}

#[test]
fn every_kind_of_parameter() -> Result<()> {
    type Of<'a, T> = Everything<'a, T, Dense<T>, u8, 2>;
    let t = |x: f64| Tensor::from(x);
    let args = Everything {
        a: [t(1.0), t(2.0)],
        b: (Dense { w: t(3.0), b: t(4.0) }, t(5.0)),
        s: 3u8,
        name: "n",
    };
    let f = |e: Of<'static, Var>| {
        let scale = f64::from(e.s) * e.name.len() as f64;
        scale * (e.a[0] * e.a[1] + e.b.0.w * e.b.0.b * e.b.1)
    };
    let g = run(grad(f), &args)?;
    assert_eq!(g.a, [t(6.0), t(3.0)]);
    assert_eq!(g.b, (Dense { w: t(60.0), b: t(45.0) }, t(36.0)));
    assert_eq!(args.paths(), [".a[0]", ".a[1]", ".b.0.w", ".b.0.b", ".b.1"]);
    Ok(())
}

#[test]
fn a_tree_is_a_vector_and_back() -> Result<()> {
    let m = example(Activation::Relu);
    let v = flatten(&m)?;
    assert_eq!(v, Tensor::from([1.0, -2.0, 0.5, 1.0, 0.0, 0.5, 1.0, -3.0, 0.25]));
    assert_eq!(unflatten(&m, v.clone())?, m);
    // Inside a trace the same: the gradient by the vector is the vector of the gradient.
    let x = || Var::constant([1.0, -1.0]);
    let by_vector =
        run(|m: Mlp<Var>| grad(|v: Var| apply(&unflatten(&m, v), x()).sum())(flatten(&m)), &m)?;
    let by_tree = run(|m: Mlp<Var>| flatten(&grad(|m: Mlp<Var>| apply(&m, x()).sum())(m)), &m)?;
    same(&by_vector, &by_tree, 0.0);
    let message = |e: Result<Tensor>| e.err().map(|e| e.to_string()).unwrap_or_default();
    let mixed = message(flatten(&[Dense { w: Tensor::from(1.0), b: Tensor::from(1.0f32) }]));
    assert!(
        mixed.contains("[0].w, which is f64") && mixed.contains("[0].b, which is f32"),
        "{mixed}"
    );
    let short = unflatten(&m, Tensor::from([1.0])).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(short.contains("f64[1]") && short.contains("f64[9]"), "{short}");
    assert!(message(flatten(&Tensor::from(1i64))).contains("no float leaf"));
    Ok(())
}

#[test]
fn what_cannot_move_has_zero_tangents_and_no_column() -> Result<()> {
    let f = |(x, n): (Var, Var)| (x * n.cast(DType::F64), n + 1);
    let x = (Tensor::from([1.0, 2.0]), Tensor::from(3i64));
    let (y, dy) = run(
        |x: (Var, Var)| {
            let dx = (x.0.ones_like(), x.1);
            jvp(f, x, dx)
        },
        &x,
    )?;
    assert_eq!(y, (Tensor::from([3.0, 6.0]), Tensor::from(4i64)));
    assert_eq!(dy, (Tensor::from([3.0, 3.0]), Tensor::from(0i64)));
    let matrix = run(|x: (Var, Var)| linearize(f, x).1.matrix(), &x)?;
    assert_eq!(matrix, Tensor::from([[3.0, 0.0], [0.0, 3.0]]));
    let back = run(|x: (Var, Var)| vjp(f, x).1((x.0, x.1)), &x)?;
    assert_eq!(back, (Tensor::from([3.0, 6.0]), Tensor::from(0i64)));
    let ((by_x, by_n), (of_n, _)) = run(jacobian(f), &x)?;
    assert_eq!(by_x, Tensor::from([[3.0, 0.0], [0.0, 3.0]]));
    assert_eq!((by_n, of_n), (Tensor::from([0i64, 0]), Tensor::from([0i64, 0])));
    // Second derivatives of a function with an integer leaf.
    let g = |(x, n): (Var, Var)| (x.powi(3) * n.cast(DType::F64)).sum();
    let ((xx, _), _) = run(hessian(g), &x)?;
    assert_eq!(xx, Tensor::from([[18.0, 0.0], [0.0, 36.0]]));
    Ok(())
}

#[test]
fn an_argument_without_a_float_is_an_error() {
    let e = run(
        grad(|(a, b): (Var, Var)| (a * b).cast(DType::F64)),
        &(Tensor::from(1i64), Tensor::from(2i64)),
    );
    let text = e.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("(i64[], i64[]); nothing in it has a derivative"), "{text}");
}

#[test]
fn trees_zip_where_they_are_the_same() -> Result<()> {
    let m = example(Activation::Relu);
    let other = Mlp { scale: Some(Tensor::from(1.0)), ..m.clone() };
    let add = |(a, b): (Mlp<Var>, Mlp<Var>)| zip_map(&a, &b, |a, b| a + b);
    let doubled = run(add, &(m.clone(), m.clone()))?;
    assert_eq!(doubled.layers[0].w, Tensor::from([[2.0, -4.0], [1.0, 2.0]]));
    assert_eq!(doubled.steps, Tensor::from(14i64));
    let text = run(add, &(m.clone(), other)).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("only the second has a leaf .scale"), "{text}");
    let text = run(add, &(m.clone(), example(Activation::Leaky(0.1))));
    assert!(text.err().is_some_and(|e| e.to_string().contains("static field")));
    Ok(())
}
