//! Graphs of expressions: what is one node, what flows back along each use, and that it adds up.

use crate::common::read;
use riesz::Tensor;
use riesz_lang::flow::{Flow, Flowed, symbol};
use riesz_lang::typed::Typed;

/// The graph of an expression, and what flows in it at a point.
fn flow(expression: &str, declarations: &str, point: &[(&str, Tensor)]) -> (Flow, Flowed) {
    let (mut typed, root) = read(expression, declarations);
    let mut values = vec![None; typed.vars.len()];
    for (name, value) in point {
        let v = typed.find_var(name).expect("a variable");
        let shape = typed.var(v).shape;
        let lengths = value.shape().to_vec();
        for (dim, n) in [shape.rows, shape.cols].into_iter().zip(lengths) {
            let n = typed.dims.fixed(n);
            assert!(typed.dims.unify(dim, n), "{name}");
        }
        values[v.index()] = Some(value.clone());
    }
    let flow = Flow::new(&typed, root);
    let flowed = flow.at(&values, None).unwrap_or_else(|e| panic!("{expression}: {e}"));
    formulas_agree(&flow, &flowed, &values);
    (flow, flowed)
}

/// Every formula is held against the numbers inside `formula`; here: there is one for every node.
fn formulas_agree(flow: &Flow, flowed: &Flowed, values: &[Option<Tensor>]) {
    for node in flow.nodes().filter(|n| flow.varies(None)[n.index()]) {
        let formula = flow.formula(node, flowed, values);
        let speaks_of_itself = flow.typed().shape(node).kind == riesz_lang::ast::Kind::Row;
        assert!(formula.is_some() || speaks_of_itself, "no formula for {}", flow.name(node));
    }
}

fn gradient(flow: &Flow, flowed: &Flowed, name: &str) -> Vec<f64> {
    let node = flow.nodes().find(|n| flow.name(*n) == name).expect("a node");
    flowed.gradients[node.index()].as_ref().expect("a gradient").to_f64()
}

/// What each use of a node sends back, in the order of the uses.
fn sent_back(flow: &Flow, flowed: &Flowed, name: &str) -> Vec<Vec<f64>> {
    let uses = flow.uses().iter().zip(&flowed.contributions);
    uses.filter(|(u, _)| flow.name(u.from) == name)
        .map(|(_, g)| g.as_ref().expect("a contribution").to_f64())
        .collect()
}

fn symbols(typed: &Typed, flow: &Flow) -> Vec<String> {
    flow.nodes().map(|n| symbol(typed, n)).collect()
}

#[test]
fn equal_parts_are_one_node() {
    let (f, _) =
        flow("sum(exp(x)) + exp(x)'*exp(x)", "x: vector[n]", &[("x", Tensor::from([0.0, 1.0]))]);
    assert_eq!(symbols(f.typed(), &f), ["x", "exp", "sum", "'", "*", "+"]);
    // eye has the size of its place: these are two.
    let (typed, root) = read("tr(A*eye(n)) + tr(B*eye(m))", "A: matrix[n,n]; B: matrix[m,m]");
    let f = Flow::new(&typed, root);
    assert_eq!(symbols(f.typed(), &f).iter().filter(|s| *s == "eye").count(), 2);
}

#[test]
fn the_gradient_is_the_sum_over_the_uses() {
    // x·(x + y) at x = 3, y = 4: by the first factor x + y = 7, through the sum x = 3.
    let (f, at) = flow(
        "a*(a + b)",
        "a: scalar; b: scalar",
        &[("a", Tensor::scalar(3.0)), ("b", Tensor::scalar(4.0))],
    );
    let mut parts = sent_back(&f, &at, "a");
    parts.sort_by(|p, q| p[0].total_cmp(&q[0]));
    assert_eq!(parts, [[3.0], [7.0]]);
    assert_eq!(gradient(&f, &at, "a"), [10.0]);
    assert_eq!(gradient(&f, &at, "b"), [3.0]);
    // h = tanh(x) at 0 used three times in h·h + 5h: h̄ = 2h + 5, x̄ = h̄ (1 - h²).
    let (f, at) =
        flow("c where h = tanh(a); c = h*h + 5*h", "a: scalar", &[("a", Tensor::scalar(0.5))]);
    let h = 0.5f64.tanh();
    assert_eq!(sent_back(&f, &at, "h").len(), 3);
    assert!((gradient(&f, &at, "h")[0] - (2.0 * h + 5.0)).abs() < 1e-14);
    let expected = (2.0 * h + 5.0) * (1.0 - h * h);
    assert!((gradient(&f, &at, "a")[0] - expected).abs() < 1e-14);
}

#[test]
fn matrices_and_their_spaces() {
    // ‖Ax − b‖² at A = [1 2; 3 4], x = (1, 1), b = (0, 1): r = (3, 6), Ā = 2rx', x̄ = 2A'r.
    let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    let (x, b) = (Tensor::from([1.0, 1.0]), Tensor::from([0.0, 1.0]));
    let declared = "A: matrix[m,n]; x: vector[n]; b: vector[m]";
    let (f, at) = flow("norm2(A*x - b)^2", declared, &[("A", a), ("x", x), ("b", b)]);
    assert_eq!(gradient(&f, &at, "A"), [6.0, 6.0, 12.0, 12.0]);
    assert_eq!(gradient(&f, &at, "x"), [42.0, 60.0]);
    assert_eq!(gradient(&f, &at, "b"), [-6.0, -12.0]);
    // u'Sv with S symmetric: the representative in the symmetric matrices is (uv' + vu')/2.
    let s = Tensor::from([[2.0, 1.0], [1.0, 3.0]]);
    let (u, v) = (Tensor::from([1.0, 2.0]), Tensor::from([5.0, 0.0]));
    let declared = "S: symmetric[n]; u: vector[n]; v: vector[n]";
    let (f, at) = flow("u'*S*v", declared, &[("S", s), ("u", u), ("v", v)]);
    assert_eq!(gradient(&f, &at, "S"), [5.0, 5.0, 5.0, 0.0]);
}

#[test]
fn only_what_leads_to_the_variable_has_a_gradient() {
    let (mut typed, root) = read("norm2(A*x)^2 + sum(b)", "A: matrix[m,n]; b: vector[k]");
    for (name, n) in [("m", 2), ("n", 2), ("k", 1)] {
        let (d, n) = (typed.dims.named(name), typed.dims.fixed(n));
        assert!(typed.dims.unify(d, n));
    }
    let f = Flow::new(&typed, root);
    let value = |name: &str| match name {
        "A" => Tensor::from([[1.0, 2.0], [3.0, 4.0]]),
        "b" => Tensor::from([1.0]),
        _ => Tensor::from([1.0, 1.0]),
    };
    let values: Vec<_> = typed.vars.iter().map(|v| Some(value(&v.name))).collect();
    let at = f.at(&values, typed.find_var("x")).expect("numbers");
    let with: Vec<&str> =
        f.nodes().filter(|n| at.gradients[n.index()].is_some()).map(|n| f.name(n)).collect();
    assert_eq!(with, ["x", "v1", "v2", "v3", "v5"]);
    // A result that is no number has values and no gradients.
    let (mut typed, root) = read("x.^2", "x: vector[n]");
    let (d, n) = (typed.dims.named("n"), typed.dims.fixed(2));
    assert!(typed.dims.unify(d, n));
    let f = Flow::new(&typed, root);
    let at = f.at(&[Some(Tensor::from([1.0, 2.0]))], None).expect("numbers");
    assert!(at.gradients.iter().all(Option::is_none));
    assert_eq!(at.values.last().map(Tensor::to_f64), Some(vec![1.0, 4.0]));
}
