//! What is said about wrong texts.
use riesz_lang::{Checker, Diagnostic, parse_declarations, parse_formula, parse_problem};
#[test]
fn show() {
    let d = "A: matrix[m,n]; B: matrix[k,n]; x: vector[n]; y: vector[n]; b: vector[m]; c: scalar";
    for t in [
        "x + ",
        "x'*x + y",
        "A*b",
        "x*y",
        "(x",
        "x)",
        "2x",
        "foo(x)",
        "exp()",
        "sum(x, y)",
        "x^2",
        "A^x",
        "tr(x)",
        "A/x",
        "a^b^c",
        "x $ y",
        "‖x‖",
        "tr(eye)",
        "A + B",
        "x + y'",
        "exp",
        "norm2(A*x - y)",
        "x = 2",
        "x ** 2",
        "softmax(A)",
        "max(x)",
        "trace(A)",
    ] {
        match check(t, d) {
            Ok(()) => println!("{t}: OK?"),
            Err(e) => println!("{}", e.render("expression", t)),
        }
    }
    for t in [
        "variables\n vectr x\nmin x",
        "variables\n vector x\nmin\n x'*x\nst\n x <\n",
        "parameters\n matrix X = \"a.csv\"[2:]\nvariables vector x\nmin x'*x",
        "variables vector x\nmin x'*x\nsolve\n steps = 3",
        "parameters\n vector y = [[1,2],[3]]\n",
        "variables vector x\nvector x\nmin 1",
        "min x'*x",
    ] {
        match parse_problem(t) {
            Ok(_) => println!("{t}: OK?"),
            Err(e) => println!("{}{:?}", e.render("p.rz", t), e.line_column(t)),
        }
    }
}
fn check(t: &str, d: &str) -> Result<(), Diagnostic> {
    let f = parse_formula(t)?;
    let mut c = Checker::new();
    for d in parse_declarations(d)? {
        c.declare(&d);
    }
    c.formula(&f)?;
    c.finish()?;
    Ok(())
}
