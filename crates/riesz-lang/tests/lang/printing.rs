//! Formulas as LaTeX and as Rust.

use crate::common::read;
use riesz_lang::formula::{Request, derive, latex, rust};

fn printed(expression: &str, wrt: &str, declarations: &str) -> (String, String) {
    let (typed, root) = read(expression, declarations);
    let d = derive(&typed, root, Request::First(wrt)).expect("a derivative");
    (latex(&d.formula), rust(&d.typed, d.root))
}

#[test]
fn latex_and_rust() {
    let least = "A: matrix[m,n]; b: vector[m]; x: vector[n]";
    for (expression, wrt, declarations, tex, code) in [
        (
            "norm2(A*x - b)^2",
            "x",
            least,
            r"2 \, A^\top \, \left(A \, x - b\right)",
            "2.0 * A.t().dot(A.dot(x) - b)",
        ),
        // No product of two matrices where only products with vectors are needed.
        ("norm2(A*x)^2", "x", least, r"2 \, A^\top \, A \, x", "2.0 * A.t().dot(A.dot(x))"),
        ("logdet(X)", "X", "X: matrix[n,n]", r"X^{-\top}", "X.inverse().t()"),
        (
            "sum(x.^3)/c",
            "x",
            "x: vector[n]; c: scalar",
            r"\frac{3 \, x^{\odot 2}}{c}",
            "3.0 * x.powi(2) / c",
        ),
        (
            "sum(sqrt(x))",
            "x",
            "x: vector[n]",
            r"0.5 \, \mathbf{1} \oslash \sqrt{x}",
            "0.5 / x.sqrt()",
        ),
        ("u'*X*v", "X", "u: vector[m]; X: matrix[m,n]; v: vector[n]", r"u \, v^\top", "u.outer(v)"),
        (
            "log(sum(exp(alpha*x_1)))",
            "x_1",
            "alpha: scalar; x_1: vector[n]",
            r"\alpha \, \operatorname{softmax}\left(\alpha \, x_{1}\right)",
            "alpha * (alpha * x_1).softmax(0)",
        ),
    ] {
        let (got_tex, got_code) = printed(expression, wrt, declarations);
        assert_eq!(got_tex, tex, "{expression}");
        assert_eq!(got_code, code, "{expression}");
    }
}

#[test]
fn a_definition_becomes_a_let() {
    let (tex, code) = printed("v'*softmax(A*x)", "x", "A: matrix[n,n]; v: vector[n]; x: vector[n]");
    assert!(
        tex.contains(r"\text{where}\quad p = \operatorname{softmax}\left(A \, x\right)"),
        "{tex}"
    );
    assert_eq!(code, "{\n    let p = A.dot(x).softmax(0);\n    A.t().dot(p * (v - v.dot(p)))\n}");
}
