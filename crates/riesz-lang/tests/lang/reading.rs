//! What is read, and as what.

use riesz::io::{Choice, Pick};
use riesz_lang::ast::{ConstraintKind, Data, Relation, Sense, Set};
use riesz_lang::formula::text;
use riesz_lang::{parse_assignments, parse_declarations, parse_formula, parse_problem};

/// Reads a formula and prints it with the fewest brackets.
fn back(source: &str) -> String {
    text(&parse_formula(source).unwrap_or_else(|e| panic!("{source}: {e}")))
}

#[test]
fn operators_bind_as_the_grammar_says() {
    for (source, same) in [
        ("2.*x", "2.*x"),
        ("2 .* x", "2.*x"),
        ("2.5.*x", "2.5.*x"),
        (".5*x", "0.5*x"),
        ("1e-3*x", "0.001*x"),
        ("-x.^2", "-x.^2"),
        ("-(x.^2)", "-x.^2"),
        ("(-x).^2", "(-x).^2"),
        ("(-A)*x", "-A*x"),
        ("-(A*x)", "-(A*x)"),
        ("(A')^2", "A'^2"),
        ("A'^2", "A'^2"),
        ("(A^2)'", "(A^2)'"),
        ("A^2'", "(A^2)'"),
        ("x.^-1", "x.^-1"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("a/b*c", "a/b*c"),
        ("a*(b/c)", "a*(b/c)"),
        ("A\\b", "A\\b"),
        ("x''", "x"),
        ("--x", "x"),
        ("2*-x", "2*(-x)"),
        ("x .+ 1", "x .+ 1"),
        ("Aᵀ·x ⊙ y ⊘ z", "(A'*x).*y./z"),
        ("a² + b¹⁰ - 3³", "a^2 + b^10 - 3^3"),
        ("A⁻¹*B²'", "A^-1*(B^2)'"),
        ("x₁'*x₁", "x₁'*x₁"),
        ("(((x)))", "x"),
        ("max(x, 0)", "max(x, 0)"),
        ("h'*h where h = tanh(W*x); k = 2", "h'*h where h = tanh(W*x); k = 2"),
    ] {
        assert_eq!(back(source), same, "{source}");
        assert_eq!(back(same), same, "{same}");
    }
}

#[test]
fn shapes_are_found() {
    for (source, declarations, shape) in [
        ("x'*A*x", "x: vector[n]; A: matrix[n,n]", "scalar"),
        ("x*y'", "x: vector[m]; y: vector[n]", "matrix[m,n]"),
        ("x'*A", "x: vector[m]; A: matrix[m,n]", "row[n]"),
        ("A\\B", "A: matrix[n,n]; B: matrix[n,k]", "matrix[n,k]"),
        ("vector(1) - tanh(A*x)", "A: matrix[m,n]; x: vector[n]", "vector[m]"),
        ("A + c*eye", "A: matrix[n,n]; c: scalar", "matrix[n,n]"),
        ("kron(A, B)", "A: matrix[m,n]; B: matrix[k,n]", "matrix[m*k,n*n]"),
        ("vec(A)", "A: matrix[3,4]", "vector[12]"),
        ("diag(x)*diag(A)", "A: matrix[n,n]; x: vector[n]", "vector[n]"),
        ("tr(eye(4))*vector(1,3)", "", "vector[3]"),
        ("matrix(c,m,n)", "c: scalar", "matrix[m,n]"),
        ("logsumexp(X) + norm2(X) + norminf(X) + norm1(X)", "", "scalar"),
        ("c.*x + x./c + c./x + x.^c + c.^x", "x: vector[5]", "vector[5]"),
        ("softmax(X*w)'*w", "X: matrix[n,n]", "scalar"),
        // Without a declaration: a–g scalar, h–z vector, A–Z matrix.
        ("a*h", "", "vector[n]"),
    ] {
        let (typed, root) = crate::common::read(source, declarations);
        assert_eq!(typed.shape(root).text(&typed.dims), shape, "{source}");
    }
}

#[test]
fn declarations_in_both_orders_and_with_facts() {
    let text =
        "matrix[8,2] U, V\nMatrix A symmetric; S: spd; c: scalar in[0.5,2]\nD: diagonal[n] # done";
    let d = parse_declarations(text).expect("declarations");
    let names: Vec<&str> = d.iter().map(|d| d.name.name.as_str()).collect();
    assert_eq!(names, ["U", "V", "A", "S", "c", "D"]);
    assert!(d[2].facts.symmetric && d[2].square && d[3].facts.spd && d[3].facts.symmetric);
    assert!(d[4].facts.positive && d[4].facts.range == Some((0.5, 2.0)));
    let (typed, _) = crate::common::read("tr(S)", "S: spd[n]; X: matrix[m,n] positive sparse");
    assert_eq!(typed.declarations_text(), "S: spd[n]; X: matrix[m,n] positive sparse");
}

#[test]
fn values_are_rows_of_numbers() {
    let v = parse_assignments("x=[1,-2.5]; A=[[1,2,3],[4,5,6]]\nc = -1e-3").expect("values");
    assert_eq!((v[0].value.rows, v[0].value.cols), (2, 1));
    assert_eq!((v[1].value.rows, v[1].value.cols), (2, 3));
    assert_eq!(v[1].value.data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(v[2].value.data, [-1e-3]);
}

#[test]
fn a_problem_with_everything() {
    let source = "\
# a comment
parameters
  matrix F = \"data/wdbc.csv\"[:, 2:]      # all but the first two columns
  vector y = \"data/wdbc.csv\"[0:100, \"diagnosis\"]
  matrix Z = \"labels.csv\"[1:, [0, \"age\", -1]]
  vector t = [1, 2,
              3]
  matrix S = F'*F/6 +
             0.1*eye
  scalar c
variables
  vector w; matrix[4,3] W
min
  norm2(F*w - y)^2 + c*norm1(w)
st
  sum(w) == 1
  0 <= w <= 2; max(w, 0) <= 3
  w in simplex
  w in box(-1, 1)
  W in spd
  w in ball(2*c)
start
  w = [1,2,3]; W = eye
solve
  method = l-bfgs-b
  max_iter = 500; tol = 1e-9
";
    let p = parse_problem(source).unwrap_or_else(|e| panic!("{}", e.render("p.rz", source)));
    assert_eq!((p.parameters.len(), p.variables.len(), p.constraints.len()), (6, 2, 7));
    assert_eq!(p.sense, Sense::Min);
    let Some(Data::File { path, rows, columns, .. }) = &p.parameters[0].data else {
        panic!("a file")
    };
    assert_eq!((path.as_str(), rows), ("data/wdbc.csv", &Choice::All));
    assert_eq!(*columns, Choice::Range(Some(2), None));
    let Some(Data::File { rows, columns, .. }) = &p.parameters[1].data else { panic!("a file") };
    assert_eq!(*rows, Choice::Range(Some(0), Some(100)));
    assert_eq!(*columns, Choice::Name("diagnosis".into()));
    let Some(Data::File { columns, .. }) = &p.parameters[2].data else { panic!("a file") };
    let list = vec![Pick::Index(0), Pick::Name("age".into()), Pick::Index(-1)];
    assert_eq!(*columns, Choice::List(list));
    assert!(matches!(&p.parameters[3].data, Some(Data::Literal(l)) if l.data == [1.0, 2.0, 3.0]));
    assert!(matches!(p.parameters[4].data, Some(Data::Formula(_))));
    assert!(p.parameters[5].data.is_none());
    assert!(matches!(p.constraints[0].kind, ConstraintKind::Compare(_, Relation::Eq, _)));
    assert!(matches!(p.constraints[1].kind, ConstraintKind::Between(..)));
    assert!(matches!(p.constraints[4].kind, ConstraintKind::In(_, Set::Box(..))));
    assert_eq!(p.start.len(), 2);
    assert_eq!(p.options.method.map(|m| m.name).as_deref(), Some("l-bfgs-b"));
    assert_eq!((p.options.max_iter, p.options.tol), (Some(500), Some(1e-9)));
}

#[test]
fn problems_as_geno_writes_them() {
    for source in [
        "parameters\n  Matrix A\n  Vector b\nvariables\n  Vector x\nmin\n  norm2(A*x - b)\nst\n  x >= 0\n",
        "parameters\n matrix A symmetric\nvariables\n vector x\nmin\n x'*A*x\nst\n x'*x == 1\n",
        "variables scalar p, q\nmin 100*(q - p^2)^2 + (1 - p)^2",
        "variables\n  vector x\n  scalar r\nmax\n  r\nst\n  r >= 0\nstart\n  r = 1\n",
        "variables\n vector x\nmin (x'*x)*2\n",
    ] {
        parse_problem(source).unwrap_or_else(|e| panic!("{}", e.render("p.rz", source)));
    }
}

#[test]
fn a_variable_may_be_called_as_a_section() {
    for text in ["x +\n  st", "max(x, 1) +\n  max(x, 2)", "x*\n  min(st, x)"] {
        let text = format!("variables\n  scalar x, st\nmin\n  {text}\n");
        assert!(parse_problem(&text).is_ok(), "{text}");
    }
}
