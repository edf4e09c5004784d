//! What is said about wrong texts: the message, the place (line and column from 1), the advice.

use riesz_lang::{
    Checker, Diagnostic, parse_assignments, parse_declarations, parse_formula, parse_problem,
};

const DECLARED: &str = "A: matrix[m,n]; B: matrix[k,n]; x: vector[n]; y: vector[n]; \
                        b: vector[m]; c: scalar";

fn formula(text: &str) -> Result<(), Diagnostic> {
    let f = parse_formula(text)?;
    let mut checker = Checker::new();
    for d in parse_declarations(DECLARED)? {
        checker.declare(&d);
    }
    checker.formula(&f)?;
    checker.finish().map(|_| ())
}

/// Every row: a text, the place, words that must be in the message, and words that must be in the
/// advice or a label.
fn check(
    read: impl Fn(&str) -> Result<(), Diagnostic>,
    rows: &[(&str, (usize, usize), &str, &str)],
) {
    for (text, place, message, more) in rows {
        let Err(e) = read(text) else { panic!("{text} was accepted") };
        let all = e.render("text", text);
        assert!(e.message.contains(message), "{text}\n{all}");
        assert!(all.contains(more), "{text}\n{all}");
        assert_eq!(e.line_column(text), *place, "{text}\n{all}");
        assert!(all.contains(&format!("text:{}:{}", place.0, place.1)), "{text}\n{all}");
    }
}

#[test]
fn formulas() {
    check(
        formula,
        &[
            ("x + ", (1, 4), "expected a number, a name or `(`, found the end", "│    ┬"),
            ("", (1, 1), "found the end", ""),
            ("x'*x + y", (1, 1), "scalar + vector[n]", "write vector(c), matrix(c) or c*eye"),
            ("A*b", (1, 1), "matrix[m,n] * vector[m]", "n columns, the right has m rows"),
            ("x*y", (1, 1), "vector[n] * vector[n]", "x'*y for the inner product"),
            ("x*A'", (1, 1), "vector[n] * matrix[n,m]", "diag(x)*A to scale the rows"),
            ("(x", (1, 3), "expected an operator or `)`", "opened here"),
            ("x)", (1, 2), "closes nothing", "no `(` is open here"),
            ("2x", (1, 2), "found `x`", "products are written with *"),
            ("c x", (1, 3), "found `x`", "products are written with *"),
            ("trace(A)", (1, 1), "no function `trace`", "write tr"),
            ("exp()", (1, 5), "expected an argument of exp", ""),
            ("exp", (1, 1), "without arguments", "write exp(…)"),
            ("sum(x, y)", (1, 1), "sum takes 1 argument, not 2", ""),
            ("matrix(1, m)", (1, 1), "1 argument or 3, not 2", ""),
            ("max(x)", (1, 1), "max takes 2 arguments, not 1", "entry by entry"),
            ("x^2", (1, 1), "power of a scalar or of a square matrix", "write .^"),
            ("A^2", (1, 1), "only a square matrix has a power", "matrix[m,n]"),
            ("(A'*A)^c", (1, 1), "the exponent of a matrix is a whole number", ""),
            ("x.^A", (1, 1), "vector[n] .^ matrix[m,n]", ""),
            ("a^b^c", (1, 4), "needs parentheses", "(a^b)^c or a^(b^c)"),
            ("x**2", (1, 3), "found `*`", "a power is written ^"),
            ("A/x", (1, 1), "only a scalar can stand below `/`", "./ for the entrywise quotient"),
            ("A\\b", (1, 1), "needs a square matrix", "matrix[m,n]"),
            ("x = 2", (1, 3), "found `=`", "a formula has no comparisons"),
            ("tr(x)", (1, 1), "tr takes a square matrix, not vector[n]", "diag(x)"),
            ("softmax(A)", (1, 1), "softmax takes a vector", "matrix[m,n]"),
            ("vector(x)", (1, 1), "vector takes a scalar", "vector[n]"),
            ("tr(eye)", (1, 4), "nothing determines the size", "eye(n)"),
            ("sum(vector(c))", (1, 5), "nothing determines the size", "vector(c,n)"),
            ("eye(2.5) + A", (1, 5), "a size is a name or a whole number", ""),
            ("A + B", (1, 1), "matrix[m,n] + matrix[k,n]", "this is matrix[k,n]"),
            ("x + y'", (1, 1), "vector[n] + row[n]", "transpose one of them"),
            ("x $ y", (1, 3), "`$` is not part of the language", ""),
            ("‖x‖", (1, 1), "`‖` is not part", "norm2(x)"),
            ("1e999*x", (1, 1), "too large for a 64-bit float", ""),
            ("z where z = x; z = y", (1, 16), "`z` is defined twice", "first defined here"),
            ("x where x = y", (1, 9), "`x` is a variable already", "another name"),
            ("z where eye = x", (1, 9), "has a meaning of its own", ""),
            ("z where z", (1, 10), "expected `=`", ""),
            ("x'*y +\n  A*b", (2, 3), "matrix[m,n] * vector[m]", ""),
            ("x²", (1, 1), "power of a scalar or of a square matrix", "write .^"),
            ("xⁿ", (1, 2), "`ⁿ` is not part of the language", "^n or .^n"),
            ("x^T*A", (1, 1), "the exponent of `^` is a scalar", "the transpose is written x'"),
            ("mean(x)", (1, 1), "no function `mean`", "sum(x)/c"),
            ("sum(x)/len(x)", (1, 8), "no function `len`", "sizes are no values"),
            ("x > 0", (1, 3), "expected an operator", "step(x) is 1 where x > 0"),
            ("lgo(x)", (1, 1), "no function `lgo`", "is it `log`?"),
            ("sotfmax(x)", (1, 1), "no function `sotfmax`", "is it `softmax`?"),
            ("minn(x, 0)", (1, 1), "no function `minn`", "is it `min`?"),
            ("expm(A)", (1, 1), "no function `expm`", "there is no matrix exponential"),
            ("chol(A)", (1, 1), "no function `chol`", "no factorisations"),
            ("normF(A)", (1, 1), "no function `normF`", "norm2(A), which is the Frobenius norm"),
            ("sort(x)", (1, 1), "no function `sort`", "nothing that orders entries"),
            ("frobnicate(x)", (1, 1), "no function", "the functions are abs, adj, arccos"),
            ("c + x(2)", (1, 5), "no function `x`", "a product is written with *"),
            ("A@x", (1, 2), "`@` is not part of the language", "written A*x"),
            ("x.T*y", (1, 2), "`.` is not part of the language", "the transpose is written x'"),
            ("x.sum()", (1, 2), "`.` is not part of the language", "written sum(x)"),
            ("x[0]", (1, 2), "found `[`", "a formula has no indices"),
            ("P*q + p*Q", (1, 7), "vector[q] * matrix[r,s]", "x'*A for a row"),
            ("αβ*x + A", (1, 1), "vector[n] + matrix[m,n]", ""),
        ],
    );
}

#[test]
fn declarations_and_values() {
    check(
        |text| parse_declarations(text).map(|_| ()),
        &[
            ("x: vec[3]", (1, 4), "`vec` is not a type", "write vector[n]"),
            ("x: Vector(3)", (1, 10), "found `(`", "as in vector[3]"),
            ("x: vectr[n]", (1, 4), "`vectr` is not a type", "expected scalar, vector, matrix"),
            ("x: vector[m,n]", (1, 10), "a vector has 1 size", "2 given"),
            ("A: matrix[n]", (1, 10), "a matrix has 2 sizes", "1 given"),
            ("x: vector[0]", (1, 11), "a whole number from 1 up", ""),
            ("x: vector symmetric", (1, 11), "only a square matrix can be symmetric", ""),
            ("A: matrix[m,n] spd", (1, 16), "only a square matrix can be spd", ""),
            ("x: vector pretty", (1, 11), "`pretty` is not a fact", "expected positive"),
            ("x: vector in[2,1]", (1, 13), "the interval [2,1] is empty", ""),
            ("x: vector; x: scalar", (1, 12), "`x` is declared twice", "first declared here"),
            ("eye: vector", (1, 1), "has a meaning of its own", ""),
            ("x vector", (1, 1), "`x` is not a type", "write `x: vector[n]`"),
        ],
    );
    check(
        |text| parse_assignments(text).map(|_| ()),
        &[
            ("x=[1,2", (1, 7), "expected `,` or `]`", ""),
            ("x=[1 2]", (1, 6), "expected `,` or `]`", "separated by commas"),
            ("x=1,2", (1, 4), "expected `;`", "x=[1,2] or x=[[1,2],[3,4]]"),
            ("x=(1,2)", (1, 3), "expected a number or `[`", "x=[1,2]"),
            ("x:[1,2]", (1, 2), "expected `=`", "x=[1,2]"),
            ("x=\"x.csv\"", (1, 3), "expected a number", "--data NAME=FILE"),
            ("x=[]", (1, 3), "an empty list has no shape", ""),
            ("x=[1;2]", (1, 5), "expected `,` or `]`", "[[1,2],[3,4]]"),
            ("A=[[1,2],[3]]", (1, 10), "row 2 has 1 numbers, row 1 has 2", ""),
            ("x=1; x=2", (1, 6), "`x` is given twice", "first given here"),
            ("x 1", (1, 3), "expected `=`", ""),
            ("x = y", (1, 5), "expected a number", ""),
        ],
    );
}

#[test]
fn problems() {
    check(
        |text| parse_problem(text).map(|_| ()),
        &[
            ("min x'*x", (1, 1), "expected `variables`", "a problem is: parameters"),
            ("variables\nmin x'*x", (2, 1), "expected the declaration of a variable", ""),
            ("variables vector x\nst x >= 0", (2, 1), "expected `min` or `max`", ""),
            (
                "variables vector x\nmin x'*x\nst\n  x <\n",
                (4, 6),
                "expected a number",
                "found the end",
            ),
            (
                "variables vector x\nmin\n x'*x +\nst\n x >= 1",
                (3, 7),
                "nothing follows `+`",
                "`st` begins here",
            ),
            (
                "variables vector x\nmin\n sum(x) - # all\n\nsolve tol = 1",
                (3, 9),
                "nothing follows `-`",
                "`solve`",
            ),
            (
                "variables vector x\nmin x'*x\nst\n x >=\nstart x = 1",
                (4, 4),
                "nothing follows `>=`",
                "`start`",
            ),
            (
                "variables vector x,\nmin x'*x",
                (1, 19),
                "nothing follows `,`",
                "the name of a variable",
            ),
            (
                "parameters scalar c = 2*\nvariables vector x\nmin x'*x",
                (1, 24),
                "nothing follows `*`",
                "",
            ),
            ("variables vector x\nminimze\n x'*x", (2, 1), "`minimze` is not a type", "write min"),
            ("variables vector x\nmni\n x'*x", (2, 1), "`mni` is not a type", "is it `min`?"),
            ("variables vector x\nmin x'*x\nst\n  x + 1\n", (4, 8), "expected `<=`", ""),
            ("variables vector x\nmin x'*x\nst\n  x = 1\n", (4, 5), "found `=`", "written =="),
            (
                "variables vector x\nmin x'*x\nst\n  [[1,1],[1,3]]*x <= [4,6]\n",
                (4, 16),
                "expected `<=`",
                "numbers are given to a name",
            ),
            ("variables vector x\nmin x'*x\nst x >= 0 >= 1", (3, 11), "two comparisons", ""),
            ("variables vector x\nmin x'*x\ns.t. x >= 0", (3, 1), "`s.t.` is written st", ""),
            ("variables vector x\nmin x'*x\nst x in cube", (3, 9), "not a set", "simplex"),
            ("variables vector x\nmin x'*x\nsolve\n steps = 3", (4, 2), "no option `steps`", "tol"),
            ("variables vector x\nmin x'*x\nsolve tol = 0", (3, 13), "tol is a number above 0", ""),
            ("variables vector x\nmin x'*x\nstart\n y = 0", (4, 2), "`y` is not a variable", ""),
            ("variables vector x = [1]\nmin x'*x", (1, 20), "a variable has no data", "start"),
            ("variables vector x\nmin x'*x\nmax x", (3, 1), "`max` is not expected here", "order"),
            (
                "parameters\n matrix X = \"a.csv\"[2:]\nvariables vector x\nmin 1",
                (2, 23),
                "expected `,` and a choice of columns",
                "",
            ),
            (
                "parameters\n matrix X = \"a.csv\"[\"u\", :]\nvariables vector x\nmin 1",
                (2, 21),
                "rows have no names",
                "",
            ),
            ("parameters\n matrix X = \"a.csv\nvariables vector x", (2, 13), "never closed", ""),
            (
                "parameters\n vector y, z = [1,2]\nvariables vector x\nmin 1",
                (2, 12),
                "data for two parameters at once",
                "",
            ),
            ("variables\n vector x\n scalar x\nmin 1", (3, 9), "declared twice", "first declared"),
        ],
    );
}

#[test]
fn undeclared_names_where_all_must_be_declared() {
    let mut checker = Checker::strict();
    for d in parse_declarations("weight: vector[n]").expect("declarations") {
        checker.declare(&d);
    }
    let f = parse_formula("weight'*weigth").expect("a formula");
    let e = checker.formula(&f).expect_err("not declared");
    assert_eq!(e.message, "`weigth` is not declared");
    let f = parse_formula("weight'*weighs").expect("a formula");
    let e = checker.formula(&f).expect_err("not declared");
    assert_eq!(e.help.as_deref(), Some("is it `weight`?"));
}

#[test]
fn the_whole_picture() {
    let text = "norm2(A*x - b)^2 + A*b";
    let error = formula(text).expect_err("wrong shapes");
    assert_eq!(
        error.render("expression", text),
        "\
Error: matrix[m,n] * vector[m]: the shapes do not fit
   ╭─[ expression:1:20 ]
   │
 1 │ norm2(A*x - b)^2 + A*b
   │                    ┬ ┬
   │                    ╰──── this is matrix[m,n]
   │                      │
   │                      ╰── this is vector[m]
   │
   │ Help: the left has n columns, the right has m rows
───╯
"
    );
}
