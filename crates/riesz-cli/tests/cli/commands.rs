//! The commands on formulas: results against numbers computed by hand, errors with their place.

use crate::{close, json, numbers, riesz, scratch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::f64::consts::E;

const QUADRATIC: &str = "x'*A*x + sum(exp(x))";
const AT: &str = "x=[1,2]; A=[[1,2],[3,4]]";

#[test]
fn eval_gives_value_gradient_and_hessian() {
    // x'Ax = 1 + 5·2 + 16 = 27; (A + A')x = (12, 21).
    let (code, first) = json(&["eval", QUADRATIC, "--at", AT, "--wrt", "x", "--json"]);
    assert_eq!(code, 0);
    close(&first["value"], &[27.0 + E + E * E]);
    close(&first["derivative"], &[12.0 + E, 21.0 + E * E]);
    assert_eq!(first["shape"], serde_json::json!([]));
    assert_eq!(first["derivative_shape"], serde_json::json!([2]));
    let second = ["eval", QUADRATIC, "--at", AT, "--wrt", "x", "--order", "2", "--json"];
    let (_, second) = json(&second);
    close(&second["derivative"], &[2.0 + E, 5.0, 5.0, 8.0 + E * E]);
    assert_eq!(second["derivative_shape"], serde_json::json!([2, 2]));
    let (_, jacobian) = json(&["eval", "A*x", "--at", AT, "--wrt", "x", "--json"]);
    close(&jacobian["derivative"], &[1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn explain_shows_the_plan_and_how_far_it_is_from_the_roofline() {
    let (code, text, err) = riesz(&["eval", QUADRATIC, "--at", AT, "--wrt", "x", "--explain"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for part in
        ["A: matrix[2,2]", "= dot(", "compiled in", "operations: ", " nests and ", " the roofline"]
    {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    // What runs: of 1·x'' is left x.
    let (_, text, _) = riesz(&["eval", "1*x''", "--at", "x=[1,2]", "--explain"]);
    assert!(text.contains("\nprogram, 0 equations (3 before it was simplified)\n"), "{text}");
    let (code, text, _) = riesz(&["eval", QUADRATIC, "--at", AT, "--json", "--explain"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("'--explain'") && text.contains("'--json'"), "{text}");
}

#[test]
fn derive_prints_what_a_person_would_write() {
    let derive = |args: &[&str]| {
        let (code, out, err) = riesz(&[&["derive"], args].concat());
        assert_eq!(code, 0, "{err}");
        out.trim().to_string()
    };
    assert_eq!(derive(&[QUADRATIC, "--wrt", "x"]), "(A + A')*x + exp(x)");
    let declared = ["--declare", "A: matrix[m,n]; b: vector[m]"];
    let squares = [["norm2(A*x - b)^2", "--wrt", "x"].as_slice(), &declared].concat();
    assert_eq!(derive(&squares), "2*A'*(A*x - b)");
    let hessian = [squares.as_slice(), &["--order", "2"]].concat();
    assert_eq!(derive(&hessian), "2*A'*A");
    assert_eq!(derive(&["logdet(X)", "--wrt", "X"]), "inv(X)'");
    let greek = ["λ*a_ω*norm2(x)^2", "--wrt", "x", "--format", "latex"];
    assert_eq!(derive(&greek), "2 \\, \\lambda \\, a_{\\omega} \\, x");
}

/// Of X*X' and X'*X one is singular whatever the sizes are, unless X is square.
#[test]
fn a_formula_is_tried_with_wide_and_with_tall_matrices() {
    for (formula, wrt, expected) in [
        ("logdet(X*X')", "X", "2*inv(X*X')*X"),
        ("logdet(X'*X)", "X", "2*X*inv(X'*X)"),
        ("logdet(X*diag(w)*X')", "w", "diag(X'*inv(X*diag(w)*X')*X)"),
        ("y'*inv(X*diag(w)*X')*y", "w", "-(X'*inv(X*diag(w)*X')*y).^2"),
    ] {
        let (code, out, err) = riesz(&["derive", formula, "--wrt", wrt]);
        assert_eq!((code, out.trim()), (0, expected), "{formula}: {err}");
        let (code, out, err) = riesz(&["check", formula, "--wrt", wrt]);
        assert_eq!((code, err.as_str()), (0, ""), "{formula}: {out}");
    }
    // The derivative hangs on the tenth digit of its argument, and is right all the same.
    let (code, out, err) = riesz(&["derive", "sin(1e8*a)", "--wrt", "a"]);
    assert_eq!((code, out.trim()), (0, "100000000*cos(100000000*a)"), "{err}");
    let (code, _, err) = riesz(&["derive", "sqrt(-x'*x)", "--wrt", "x"]);
    assert!(
        code == 1 && err.contains("at none of the points") && err.contains("--declare"),
        "{err}"
    );
}

#[test]
fn derivatives_by_two_names_and_in_other_forms() {
    let derive = |args: &[&str]| {
        let (code, out, err) = riesz(&[&["derive"], args].concat());
        (code, out.trim().to_string(), err)
    };
    let prints = |args: &[&str], formula: &str| {
        assert_eq!(derive(args), (0, formula.to_string(), String::new()), "{args:?}");
    };
    prints(&["x'*A*y", "--wrt", "x,y"], "A");
    prints(&["c*norm2(x)^2", "--wrt", "x, c"], "2*x");
    prints(&["logdet(X)", "--wrt", "X", "--differential"], "tr(dX*inv(X))");
    prints(&["logdet(X)", "--wrt", "X", "--differential", "--order", "2"], "-(inv(X)*dX*inv(X))'");
    prints(&["vec(A*X*B)", "--wrt", "X", "--kron"], "kron(B', A)");
    // vec(2X.*dX) = diag(vec(2X))·vec(dX), and d tr(A*X) = vec(A')'·vec(dX).
    prints(&["X.*X", "--wrt", "X", "--kron"], "2*diag(vec(X))");
    prints(&["tr(A*X)", "--wrt", "X", "--kron"], "vec(A')'");
    prints(&["a^2*X", "--wrt", "a", "--kron"], "2*a*vec(X)");
    let (code, out, err) = derive(&["X'", "--wrt", "X", "--kron"]);
    assert_eq!((code, out.as_str()), (0, "dX'"));
    assert!(err.contains("no form with kron") && err.contains("permutation"), "{err}");
    prints(&["abs(1 - a)", "--wrt", "a"], "sign(a - 1)");
    let (code, _, err) = derive(&["x'*A*y", "--wrt", "x,y", "--order", "2"]);
    assert!(code == 2 && err.contains("of order 2 already"), "{err}");
    assert_eq!(derive(&["A*x", "--wrt", "x,A"]).0, 2);
    // ∂/∂A of the gradient A'x by y: entry (i, k, l) is x_k where i = l.
    let at = "x=[1,2]; A=[[1,2,3],[4,5,6]]; y=[1,2,3]";
    let (code, mixed) = json(&["eval", "x'*A*y", "--at", at, "--wrt", "y,A", "--json"]);
    assert_eq!((code, &mixed["derivative_shape"]), (0, &serde_json::json!([3, 2, 3])));
    let entry = |i, k, l| if i == l { f64::from(k) + 1.0 } else { 0.0 };
    let expected: Vec<f64> = (0..18).map(|n| entry(n / 6, n / 3 % 2, n % 3)).collect();
    close(&mixed["derivative"], &expected);
}

#[test]
fn what_does_not_fit_into_memory_is_refused() {
    let large = "x'*A*x";
    let (code, _, err) =
        riesz(&["derive", large, "--declare", "A: matrix[900000,900000]", "--wrt", "x"]);
    assert!(code == 2 && err.contains("GiB of memory") && err.contains("symbols"), "{err}");
    let (code, _, err) =
        riesz(&["eval", "sum(matrix(c,900000,900000))", "--at", "c=1", "--wrt", "c"]);
    assert!(code == 2 && err.contains("GiB of memory"), "{err}");
}

#[test]
fn check_measures_both_laws() {
    let (code, laws) = json(&["check", "tr(inv(X)) + logdet(X)", "--wrt", "X", "--json"]);
    assert_eq!((code, &laws["ok"]), (0, &Value::Bool(true)));
    let error = |name: &str| laws[name].as_f64().unwrap_or(1.0);
    assert!(error("differential_error") < 1e-9 && error("transpose_error") < 1e-13, "{laws}");
}

#[test]
fn what_is_not_finite_is_printed_and_pointed_at() {
    let (code, out, err) = riesz(&["eval", "2 + log(a)", "--at", "a=-1"]);
    assert_eq!((code, out.as_str()), (1, "NaN\n"));
    assert!(err.starts_with("Warning: the value is not finite: log makes NaN of -1\n"), "{err}");
    assert!(err.contains("[ expression:1:5 ]") && err.contains("another point"), "{err}");
    let (code, object) = json(&["eval", "sum(x./y)", "--at", "x=[1,2]; y=[1,0]", "--json"]);
    assert_eq!((code, &object["value"]), (1, &Value::from("Infinity")));
    // √a has the value 0 at 0, and no derivative.
    let (code, out, err) = riesz(&["eval", "1 - sqrt(a)", "--at", "a=0", "--wrt", "a"]);
    assert_eq!((code, out.as_str()), (1, "value, a number\n1\n\ngradient by a, a number\n-∞\n"));
    assert!(err.contains("the derivative is not finite") && err.contains(":1:5 ]"), "{err}");
    assert_eq!(riesz(&["eval", "-0*a", "--at", "a=1"]).1, "0\n");
}

#[test]
fn check_says_where_there_is_no_derivative() {
    // At x = (0, 1): f, whether the laws hold, what is in the way, and the column it comes from.
    let rows = [
        ("sum(relu(x))", true, "kink", 5),
        ("sum(abs(x))", true, "kink", 5),
        ("sum(max(x, 0))", true, "kink", 5),
        ("sum(min(x, 1))", true, "kink", 5),
        ("2*norm1(x)", true, "kink", 3),
        ("sum(sign(x))", false, "jump", 5),
        ("sum(step(x))", false, "jump", 5),
        ("sum(x.^1.5)", false, "edge", 5),
    ];
    for (formula, ok, kind, column) in rows {
        let args = ["check", formula, "--wrt", "x", "--at", "x=[0,1]", "--json"];
        let (code, out, err) = riesz(&args);
        let found: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!((code, &found["ok"]), (u8::from(!ok), &Value::from(ok)), "{formula}: {found}");
        assert_eq!(found["kink"]["kind"], kind, "{formula}");
        assert!(err.contains(&format!("[ expression:1:{column} ]")), "{formula}: {err}");
    }
    // The slopes of |a| are -1 and 1 along a direction of length |v|: opposite numbers.
    let (_, found) = json(&["check", "abs(a)", "--wrt", "a", "--at", "a=0", "--json"]);
    let slopes = numbers(&found["kink"]["slopes"]);
    assert!((slopes[0] + slopes[1]).abs() < 1e-9 && slopes[0] != slopes[1], "{found}");
    // What is smooth: |x|² although |x| is not, and points beside a kink.
    for (formula, at) in [
        ("sum(abs(x).^2)", "x=[0,1]"),
        ("sum(relu(x))", "x=[1e-4,1]"),
        ("sum(x.*abs(x))", "x=[0,1]"),
        ("sum(log(x))", "x=[1e-5,1]"),
    ] {
        let (code, found) = json(&["check", formula, "--wrt", "x", "--at", at, "--json"]);
        assert_eq!((code, &found["kink"]), (0, &Value::Null), "{formula}");
    }
    // x = relu(x) - relu(-x) has the derivative 1, and the program says 0.
    let (code, _, err) = riesz(&["check", "relu(a) - relu(-a)", "--wrt", "a", "--at", "a=0"]);
    assert!(code == 1 && err.contains("a part of the formula has no derivative"), "{err}");
    let (code, _, err) = riesz(&["check", "log(a)", "--wrt", "a", "--at", "a=-1"]);
    assert!(code == 1 && err.contains("log makes NaN of -1"), "{err}");
    let (code, _, err) = riesz(&["check", "log(a)", "--wrt", "a", "--at", "a=1e-12"]);
    assert!(code == 1 && err.contains("edge of the domain, or too near it"), "{err}");
}

/// Finite differences have limits; the derivatives, all of them right, have not.
#[test]
fn what_differences_cannot_measure_is_not_condemned() {
    for (formula, wrt, at) in [
        ("sin(1e5*a)", "a", ""),
        ("sin(a)", "a", "a=1e8"),
        ("1e7+a", "a", "a=0.5"),
        ("1e10+a", "a", "a=0.5"),
        ("1e16+a^2", "a", "a=1"),
        ("a^3", "a", "a=1e8"),
        ("x'*x", "x", "x=[1e8,1]"),
        ("1/a", "a", "a=1e-10"),
        ("sigmoid(1e6*a)", "a", "a=1e-6"),
        ("tr(inv(X))", "X", "X=[[1,2],[2,4.00000001]]"),
        ("inv(X)", "X", "X=[[1,2],[2,4.00000001]]"),
    ] {
        let (code, out, err) = riesz(&["check", formula, "--wrt", wrt, "--at", at]);
        assert!(code == 0 && !out.contains("FAILED"), "{formula} at {at}: {out}{err}");
        assert!(!err.contains("Warning"), "{formula} at {at}: {err}");
    }
    // A differential that is wrong is not taken for right because short steps change nothing.
    let hidden = ["check", "1e7*(relu(a) - relu(-a)) + 1e8", "--wrt", "a", "--at", "a=0"];
    assert_eq!(riesz(&hidden).0, 1);
    let args = ["check", "1e16+a^2", "--wrt", "a", "--at", "a=1", "--json"];
    let (code, found) = json(&args);
    assert_eq!((code, &found["ok"]), (0, &Value::Null));
    assert!(found["notes"][0].as_str().is_some_and(|n| n.contains("too coarse here to tell")));
    // x = relu(x) - relu(-x) has the derivative 1 and the program says 0, at large values too.
    for formula in ["1e4*a + relu(a) - relu(-a)", "100 + relu(a) - relu(-a)"] {
        let (code, out, _) = riesz(&["check", formula, "--wrt", "a", "--at", "a=0"]);
        assert!(code == 1 && out.contains("FAILED"), "{formula}: {out}");
    }
    // Kinks far from 0, and of large numbers, are still found.
    for (formula, at) in [("abs(a - 1e8)", "a=1e8"), ("1e3 + abs(a)", "a=0"), ("1e5*abs(a)", "a=0")]
    {
        let (_, found) = json(&["check", formula, "--wrt", "a", "--at", at, "--json"]);
        assert_eq!(found["kink"]["kind"], "kink", "{formula}: {found}");
    }
}

#[test]
fn values_come_from_files_too() {
    let directory = scratch("values");
    let table = directory.join("table.csv");
    std::fs::write(&table, "a,b,c\n1,2,5\n3,4,6\n").expect("a file");
    let columns = |name: &str, choice: &str| format!("{name}={}{choice}", table.display());
    let (a, x) = (columns("A", "[:, :2]"), columns("x", "[:, \"c\"]"));
    // A·x = (1·5 + 2·6, 3·5 + 4·6).
    let (code, object) = json(&["eval", "A*x", "--data", &a, "--data", &x, "--json"]);
    assert_eq!(code, 0);
    close(&object["value"], &[17.0, 39.0]);
    for (choice, first_row) in
        [("[:, [2,0]]", "5  1"), ("[:, [\"c\", 0]]", "5  1"), ("[[1], [\"a\"]]", "3")]
    {
        let data = columns("A", choice);
        let (code, out, err) = riesz(&["eval", "A", "--data", &data]);
        let row = out.lines().next().map(|l| l.trim_matches(['[', ' ', ']']).to_owned());
        assert_eq!((code, row.as_deref()), (0, Some(first_row)), "{choice}: {out}{err}");
    }
    let (code, _, err) = riesz(&["eval", "A", "--data", &columns("A", "[:, [0,]]")]);
    assert!(code == 2 && err.contains("the selection `[:, [0,]]`: expected"), "{err}");
    let (code, _, err) = riesz(&["eval", "A*x", "--data", &a, "--at", "A=[[1]]; x=[1]"]);
    assert!(code == 2 && err.contains("`A` is given twice"), "{err}");
    let (code, _, err) = riesz(&["eval", "A*x", "--data", &a, "--at", "x=[1]"]);
    assert!(code == 2 && err.contains("the shapes do not fit"), "{err}");
    let (code, _, err) = riesz(&["eval", "x", "--at", "x=\"table.csv\""]);
    assert!(code == 2 && err.contains("--data NAME=FILE"), "{err}");
}

#[test]
fn one_array_of_a_file_with_several_is_a_value() {
    let file = scratch("archive").join("weights.npz");
    let arrays =
        vec![riesz::Tensor::from([[1.0, 2.0], [3.0, 4.0]]), riesz::Tensor::from([5.0, 6.0])];
    riesz::io::write_npz(&file, &arrays).expect("an archive");
    let file = file.display().to_string();
    let (matrix, vector) = (format!("A={file}:0"), format!("x={file}:1"));
    let (code, out, err) = riesz(&["eval", "A*x", "--data", &matrix, "--data", &vector]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "[ 17  39 ]\n", ""));
    let column = format!("x={file}:0[:, 1]");
    assert_eq!(riesz(&["eval", "sum(x)", "--data", &column]).1, "6\n");
    let (code, _, err) = riesz(&["eval", "sum(x)", "--data", &format!("x={file}")]);
    assert!(code == 2 && err.contains("there are 2 arrays: 0, 1"), "{err}");
    // In quotes, so that it can be pasted with blanks in it.
    assert!(err.contains("as in \"") && err.contains("weights.npz:0\""), "{err}");
    // A name that ends like a selection.
    let file = scratch("archive").join("layers.safetensors");
    let layers = BTreeMap::from([("layers[0]", [[1.0, 2.0]]), ("layers[1]", [[3.0, 4.0]])]);
    let layers: BTreeMap<String, riesz::Tensor> =
        layers.into_iter().map(|(name, x)| (name.to_owned(), riesz::Tensor::from(x))).collect();
    riesz::io::write_safetensors(&file, &layers).expect("a file");
    for (choice, sum) in
        [("layers[1]", "7\n"), ("layers[1][:, 1]", "4\n"), ("layers[1][0, [1,0]]", "7\n")]
    {
        let data = format!("x={}:{choice}", file.display());
        let (code, out, err) = riesz(&["eval", "sum(x)", "--data", &data]);
        assert_eq!((code, out.as_str()), (0, sum), "{err}");
    }
    for (choice, words) in
        [("layers[2]", "the selection `[2]`"), ("layer[:, 0]", "is no array `layer`")]
    {
        let (code, _, err) =
            riesz(&["eval", "x", "--data", &format!("x={}:{choice}", file.display())]);
        assert!(code == 2 && err.contains(words), "{err}");
    }
}

#[test]
fn what_is_printed_fits_a_screen() {
    let table: Vec<String> = (0..3000).map(|i| i.to_string()).collect();
    let file = scratch("large").join("x.csv");
    std::fs::write(&file, table.join("\n")).expect("a file");
    let data = format!("x={}", file.display());
    let (code, out, err) = riesz(&["eval", "2*x", "--data", &data]);
    assert_eq!((code, out.as_str()), (0, "[ 0  2  4  …  5994  5996  5998 ]\n"));
    assert!(err.contains("--json has all"), "{err}");
    let (_, object) = json(&["eval", "2*x", "--data", &data, "--json"]);
    assert_eq!(numbers(&object["value"]).len(), 3000);
}

#[test]
fn greek_letters_that_are_taken_for_vectors_are_mentioned() {
    let (code, out, err) = riesz(&["derive", "c*norm2(mu)^2 + sigma_1'*sigma_1", "--wrt", "c"]);
    assert_eq!((code, out.as_str()), (0, "mu'*mu\n"));
    let note = "note: `mu`, `sigma_1` are not declared, so they are vectors; if they are numbers: --declare \
         'mu: scalar; sigma_1: scalar'\n";
    assert!(err.starts_with(note), "{err}");
    // The wrong shape comes with the reason.
    let (code, _, err) = riesz(&["derive", "lambda + c", "--wrt", "c"]);
    assert!(
        code == 2 && err.contains("`lambda` is not declared, so it is a vector; if it is a number"),
        "{err}"
    );
    let declared = ["derive", "lambda*c", "--declare", "lambda: scalar", "--wrt", "c"];
    assert_eq!(riesz(&declared), (0, "lambda\n".to_owned(), String::new()));
    assert_eq!(riesz(&["derive", "alpha*λ*c", "--wrt", "c"]).2, "");
    let given = riesz(&["eval", "lambda'*lambda", "--at", "lambda=[3,4]"]);
    assert_eq!(given, (0, "25\n".to_owned(), String::new()));
}

#[test]
fn undeclared_scalars_that_may_be_vectors_are_mentioned() {
    let note = |args: &[&str]| {
        let (code, _, err) = riesz(args);
        assert_eq!(code, 0, "{err}");
        err
    };
    let two = "note: `a`, `b` are not declared, so they are scalars; if they are vectors: --declare \
               'a: vector[n]; b: vector[m]'\n";
    assert_eq!(note(&["derive", "a'*X*b", "--wrt", "X"]), two);
    // What is to the right of a row becomes doubtful with it.
    assert_eq!(note(&["derive", "a'*b", "--wrt", "a"]), two.replace("[m]", "[n]"));
    let at = ["eval", "sum(X*b)", "--at", "X=[[1,2,3],[4,5,6]]; b=2", "--wrt", "X"];
    assert_eq!(note(&at), "");
    for (formula, name) in [("X*b", "b"), ("norm2(d)^2", "d"), ("x.*c", "c"), ("X*(2*c)", "c")] {
        let err = note(&["derive", formula, "--wrt", name]);
        let words = format!("note: `{name}` is not declared, so it is a scalar; if it is a vector");
        assert!(err.starts_with(&words), "{formula}: {err}");
    }
    let kron = note(&["derive", "kron(X, A)*b", "--wrt", "X"]);
    assert!(kron.ends_with("--declare 'b: vector'\n"), "{kron}");
    // Scalars are meant, or as vectors they would not fit.
    for formula in ["c*sum(sin(x))", "c*X", "X*c + Y", "a^2 + sin(b)*c", "c*norm2(x - y)^2/2"] {
        assert_eq!(note(&["derive", formula, "--wrt", "c"]), "", "{formula}");
    }
    let declared = ["derive", "a'*X*a", "--wrt", "X", "--declare", "a: scalar"];
    assert_eq!(note(&declared), "");
}

#[test]
fn shapes_that_do_not_fit_come_with_the_declaration_with_which_they_do() {
    for (formula, help) in [
        (
            "norm2(X*b - y)^2",
            "`b` is not declared, so it is a scalar; if it is a vector: --declare 'b: vector[n]'",
        ),
        ("A*x + b", "or use .+ or .-; `b` is not declared, so it is a scalar"),
        (
            "x^2 + sin(x)",
            "`x` is not declared, so it is a vector; if it is a number: --declare 'x: scalar'",
        ),
        ("x'*x + y", "--declare 'y: scalar'"),
        ("A*b - A*c + x", "--declare 'b: vector[n]; c: vector[n]'"),
    ] {
        let (code, _, err) = riesz(&["check", formula, "--wrt", "x"]);
        assert!(code == 2 && err.contains(help), "{formula}: {err}");
    }
    // No declaration of one kind helps.
    let (code, _, err) = riesz(&["derive", "X + x", "--wrt", "x"]);
    assert!(code == 2 && !err.contains("--declare"), "{err}");
}

#[test]
fn a_value_that_is_missing_is_no_wrong_shape() {
    for (formula, at, message, help) in [
        ("X*b - y", "X=[[1,2,3],[4,5,6]]; y=[1,2]", "`b` has no value", "--at 'b=[1,2,3]'"),
        ("x'*x + y", "x=[1,2]", "`y` has no value", "--at 'y=2', or from a file: --data y=FILE"),
        ("x'*A*y + c", "x=[1,2]", "`A`, `y`, `c` have no value", "'A=[[1,2],[3,4]]; y=[1,2]; c=2'"),
    ] {
        let (code, _, err) = riesz(&["eval", formula, "--at", at]);
        assert!(code == 2 && err.contains(message) && err.contains(help), "{formula}: {err}");
    }
    let many: Vec<String> = (0..500).map(|i| format!("sum(a{i})")).collect();
    let (_, _, err) = riesz(&["eval", &many.join(" + ")]);
    assert!(err.contains("`a11`, … have no value") && err.len() < 5000, "{err}");
    // What is missing has no part in this.
    let (_, _, err) = riesz(&["eval", "A*x + y", "--at", "A=[[1,2]]; x=[1]"]);
    assert!(err.contains("matrix[1,2] * vector[1]"), "{err}");
}

#[test]
fn remarks_are_in_the_object_too() {
    let notes = |args: &[&str]| json(args).1["notes"].clone();
    let none = serde_json::json!([]);
    assert_eq!(notes(&["eval", "x'*x", "--at", "x=[3,4]", "--json"]), none);
    assert_eq!(notes(&["check", "x'*x", "--wrt", "x", "--json"]), none);
    let unused = "`h` is defined and not used";
    let found = notes(&["derive", "c^2 where h = c", "--wrt", "c", "--format", "json"]);
    assert_eq!(found, serde_json::json!([unused]));
    let found = notes(&["eval", "log(a) where h = a", "--at", "a=-1", "--json"]);
    assert_eq!(found[0], unused);
    let warning = found[1].as_str().unwrap_or_default();
    assert!(warning.starts_with("the value is not finite: log makes NaN of -1 ("), "{found}");
    let found = notes(&["check", "abs(a)", "--wrt", "a", "--at", "a=0", "--json"]);
    let warning = found[0].as_str().unwrap_or_default();
    assert!(warning.starts_with("the formula has a kink at this point"), "{found}");
}

#[test]
fn definitions_that_are_not_used_are_mentioned() {
    let eval = |formula: &str| riesz(&["eval", formula, "--at", "x=[3,4]"]);
    let (code, out, err) = eval("x'*x where h = 2*x; k = h; r = x");
    assert_eq!((code, out.as_str()), (0, "25\n"));
    assert_eq!(err, "note: `h`, `k`, `r` are defined and not used\n");
    assert_eq!(eval("h'*k where h = x; k = h").2, "");
    assert_eq!(eval("h'*h where h = x; k = h").2, "note: `k` is defined and not used\n");
}

#[test]
fn wrong_input_is_pointed_at_and_has_code_2() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["eval", "A*+", "--at", "A=[[1,2],[3,4]]"], &["expected a number, a name or `(`"]),
        (&["eval", "A*x", "--at", "A=[[1,2],[3,4]]; x=[1,2,3]"], &["matrix[2,2]", "vector[3]"]),
        (&["eval", "frob(x)", "--at", "x=[1,2]"], &["frob"]),
        (&["eval", "x'*x", "--at", "x=[1,2"], &["--at"]),
        (&["eval", "x'*y", "--at", "x=[1,2]"], &["`y` has no value", "--at 'y=[1,2]'"]),
        (&["eval", "cos(pi)"], &["`pi` has no value", "pi=3.14159"]),
        (&["derive", "x'*x", "--wrt", "z"], &["no variable `z`"]),
        (
            &["derive", "tr(S)", "--wrt", "S", "--declare", "spd matrix[2,2] S"],
            &["a declaration names one type: spd[2] S"],
        ),
        (&["minimize", "nowhere.rz"], &["nowhere.rz", "cannot be read"]),
    ];
    for (args, parts) in cases {
        let (code, out, err) = riesz(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        for part in *parts {
            assert!(err.contains(part), "{args:?}: {err}");
        }
        let (code, object) = json(&[*args, ["--json"].as_slice()].concat());
        if args[0] != "derive" {
            assert_eq!(code, 2);
            assert!(object["error"]["message"].is_string(), "{args:?}: {object}");
        }
    }
}

#[test]
fn a_singular_matrix_is_the_mathematics_failure() {
    let (code, _, err) = riesz(&["eval", "inv(A)", "--at", "A=[[1,2],[2,4]]"]);
    assert_eq!(code, 1);
    assert!(err.contains("singular") && err.contains("inv(A)"), "{err}");
}

#[test]
fn mutilated_input_never_panics() {
    let whole = "norm2(A'*x - b)^2/2 + sum(exp(-x.*y)) where b = vector(1.5e0)";
    let characters: Vec<char> = whole.chars().collect();
    for i in 0..characters.len() {
        for replacement in ["", "(", "'", "*", "1e999", "é", "where"] {
            let before: String = characters[..i].iter().collect();
            let after: String = characters[i + 1..].iter().collect();
            let text = format!("{before}{replacement}{after}");
            let (code, ..) = riesz(&["eval", &text, "--at", "x=[1,2]; y=[3,4]; A=[[1,2],[3,4]]"]);
            assert!(code <= 2, "{text}");
        }
    }
}
