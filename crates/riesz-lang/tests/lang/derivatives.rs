//! Every row of `derivatives.tsv`: the derived formula reads back with the right shape, agrees
//! with differences at three random points, and is the stated text where one is stated.

use crate::common::{check, read, request, wanted_form};
use riesz_lang::ast::Kind;
use riesz_lang::formula::{Form, Request, derive};

#[test]
fn formulas_agree_with_differences() {
    let mut failures = Vec::new();
    let table = include_str!("../derivatives.tsv");
    for (i, line) in table.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [kind, expression, wrt, declarations, text] = cells[..] else {
            panic!("line {}: five cells, not {}", i + 1, cells.len());
        };
        let (made, error) = check(kind, expression, wrt, declarations);
        let name = format!("line {}: {kind} of {expression} by {wrt} = {}", i + 1, made.text);
        // NaN fails too.
        if error.is_nan() || error > 1e-8 {
            failures.push(format!("{name}: off by {error:e}"));
        }
        if !text.is_empty() && made.text != text {
            failures.push(format!("{name}: expected {text}"));
        }
        if !text.is_empty()
            && wanted_form(kind, &read(expression, declarations).0, wrt)
                .is_some_and(|f| f != made.form)
        {
            failures.push(format!("{name}: is a {}", made.form.name()));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// The gradient by a symmetric matrix is symmetric, by a diagonal one diagonal.
#[test]
fn gradients_lie_in_the_space_of_their_variable() {
    let (typed, root) = read("u'*X*v", "X: symmetric[n]; u: vector[n]; v: vector[n]");
    let g = derive(&typed, root, Request::First("X")).expect("a gradient");
    assert_eq!(g.text, "0.5*(T + T') where T = u*v'");
    let (typed, root) = read("u'*D*v", "D: diagonal[n]; u: vector[n]; v: vector[n]");
    let g = derive(&typed, root, Request::First("D")).expect("a gradient");
    assert_eq!(g.text, "diag(u.*v)");
}

/// A formula is typed in the shape its derivative has, and prints as its text.
#[test]
fn texts_read_back_with_their_shape() {
    for (kind, e, wrt, d) in [
        ("grad", "sum(x)", "x", "x: vector[n]"),
        ("jac", "X*b", "b", "X: matrix[m,n]; b: vector[n]"),
        ("diff", "inv(X)", "X", "X: matrix[n,n]"),
        ("hess", "x'*x", "x", "x: vector[n]"),
    ] {
        let (typed, root) = read(e, d);
        let made = derive(&typed, root, request(kind, wrt)).expect("a derivative");
        let shape = made.typed.shape(made.root);
        assert!(!shape.text(&made.typed.dims).contains('_'), "{e}: a size is open");
        assert_eq!(riesz_lang::formula::text(&made.formula), made.text);
    }
}

/// Where the language has no gradient or Jacobian, the differential is shown, not an error.
#[test]
fn a_differential_where_there_is_no_other_form() {
    let (typed, root) = read("X*A*X", "X: matrix[n,n]; A: matrix[n,n]");
    let made = derive(&typed, root, Request::First("X")).expect("a differential");
    assert_eq!(made.form, Form::Differential);
    assert_eq!(made.direction.as_deref(), Some("dX"));
    let (typed, root) = read("norm2(kron(A, x))^2", "A: matrix[m,k]; x: vector[n]");
    let made = derive(&typed, root, Request::First("x")).expect("a differential");
    assert_eq!(made.form, Form::Differential);
}

/// The direction's name avoids the expression's own names.
#[test]
fn directions_have_names_of_their_own() {
    let (typed, root) = read("x*dx'", "x: vector[n]; dx: vector[n]");
    let made = derive(&typed, root, Request::First("x")).expect("a differential");
    assert_eq!(made.text, "ddx*dx'");
}

#[test]
fn a_name_that_is_not_there_is_an_error() {
    let (typed, root) = read("x'*x", "x: vector[n]");
    let error = derive(&typed, root, Request::First("z")).expect_err("no z");
    assert!(error.message.contains("`z`") && error.help.is_some_and(|h| h.contains("`x`")));
    let (typed, root) = read("A*x", "A: matrix[m,n]; x: vector[n]");
    let error = derive(&typed, root, Request::Second("x")).expect_err("no Hessian");
    assert!(error.message.contains("scalar"));
    assert_eq!(typed.shape(root).kind, Kind::Vector);
}

/// A declared variable that the expression does not use has derivative zero, in its shape.
#[test]
fn an_unused_variable_has_derivative_zero() {
    let (typed, root) = read("x'*x", "x: vector[n]; Y: matrix[m,n]");
    let g = derive(&typed, root, Request::First("Y")).expect("a gradient");
    assert_eq!(g.text, "matrix(0)");
    assert_eq!(g.typed.shape(g.root).text(&g.typed.dims), "matrix[m,n]");
}
