//! Texts nobody would write: whatever is read is answered, with a result or an error that renders.

use proptest::prelude::*;
use riesz_lang::flow::{Flow, symbol};
use riesz_lang::formula::{Request, derive, latex, rust};
use riesz_lang::{
    Checker, Diagnostic, parse_assignments, parse_declarations, parse_formula, parse_problem,
};

/// Words and signs of the language, and some that are not.
const WORDS: &[&str] = &[
    "x",
    "A",
    "c",
    "y'",
    "B'",
    "where",
    "h",
    "in",
    "min",
    "max",
    "st",
    "start",
    "solve",
    "variables",
    "parameters",
    "vector",
    "matrix",
    "scalar",
    "symmetric",
    "spd",
    "positive",
    "sparse",
    "eye",
    "exp(",
    "inv(",
    "sum(",
    "norm2(",
    "logdet(",
    "kron(",
    "vec(",
    "diag(",
    "vector(",
    "matrix(",
    "max(",
    "softmax(",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "=",
    "==",
    "<=",
    ">=",
    "<",
    ":",
    "+",
    "-",
    "*",
    "/",
    "\\",
    "^",
    "'",
    ".*",
    "./",
    ".^",
    ".+",
    ".-",
    "⊙",
    "ᵀ",
    "·",
    "‖",
    "²",
    "é",
    "\u{feff}",
    "\"",
    "\"f.csv\"",
    "#",
    "\n",
    "\r\n",
    " ",
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1e-3",
    "1e999",
    ".",
    "_",
    "$",
    "{",
    "method",
    "max_iter",
    "tol",
    "simplex",
    "box(",
    "ball(",
    "'",
    "''",
    "\0",
];

/// Texts to spoil.
const TEXTS: &[&str] = &[
    "norm2(A*x - b)^2 + c*norm1(x) where b = vector(1, m); c = 0.5",
    "-0.5*logdet(S) - 0.5*(x - u)'*inv(S)*(x - u)",
    "tr(inv(X'*B*X)*X'*A*X) + sum(softmax(W*x).*y)",
    "kron(A, B)*vec(X) + diag(x)*(A.^2)*y .+ 1",
    "parameters\n  matrix[m,n] A = [[1,2],[3,4]]\n  vector[m] b = A*vector(1)\nvariables\n  vector[n] \
     x positive\n  spd[2] P\nmin\n  norm2(A*x - b)^2 + tr(P) - logdet(P)\n  + 1 where q = 2\nst\n  \
     0 <= x <= 5\n  sum(x) == 1\n  x in simplex\nstart\n  x = [0.5,0.5]\nsolve\n  method = l-bfgs; tol = 1e-3",
    "x: vector[n]; A: matrix[m,n] symmetric; Q: orthogonal[3]; D: diagonal[n] in[0,1]",
    "x=[1,-2.5e3]; A=[[1,2],[3,4]]; c = .5",
];

/// Any text: letters, words of the language in any order, or a text with parts that are removed,
/// repeated or put in.
fn texts() -> impl Strategy<Value = String> {
    let soup = prop::collection::vec(prop::sample::select(WORDS), 0..40);
    let edit = (any::<prop::sample::Index>(), 0usize..12, 0usize..4, prop::sample::select(WORDS));
    let spoiled = (prop::sample::select(TEXTS), prop::collection::vec(edit, 1..6));
    prop_oneof![
        1 => "\\PC{0,60}",
        3 => soup.clone().prop_map(|words| words.join(" ")),
        3 => soup.prop_map(|words| words.concat()),
        6 => spoiled.prop_map(|(text, edits)| {
            let mut letters: Vec<char> = text.chars().collect();
            for (at, length, what, word) in edits {
                let from = at.index(letters.len() + 1);
                let to = (from + length).min(letters.len());
                let part: Vec<char> = letters[from..to].to_vec();
                match what {
                    0 => drop(letters.drain(from..to)),
                    1 => drop(letters.splice(from..from, part)),
                    2 => drop(letters.splice(from..to, word.chars())),
                    _ => drop(letters.splice(from..from, word.chars())),
                }
            }
            letters.into_iter().collect()
        }),
    ]
}

/// An error has a place in the text and can be drawn.
fn told(error: &Diagnostic, text: &str) {
    let drawn = error.render("text", text);
    assert!(drawn.contains(&error.message), "{text:?}: {drawn}");
    let (line, column) = error.line_column(text);
    assert!(line <= text.matches('\n').count() + 1 && column >= 1, "{text:?}");
}

/// Reads a formula and does with it everything that can be done without numbers.
fn formula(text: &str) -> Result<(), Diagnostic> {
    let formula = parse_formula(text)?;
    let mut checker = Checker::new();
    let root = checker.formula(&formula)?;
    let typed = checker.finish()?;
    let flow = Flow::new(&typed, root);
    let named = flow.nodes().map(|n| symbol(flow.typed(), n) + flow.name(n)).collect::<String>();
    assert_eq!(named.is_empty(), flow.typed().nodes.is_empty());
    for v in typed.vars.iter().take(2) {
        for request in
            [Request::First(&v.name), Request::Second(&v.name), Request::VecJacobian(&v.name)]
        {
            match derive(&typed, root, request) {
                Ok(d) => assert!(!(latex(&d.formula) + &rust(&d.typed, d.root)).is_empty()),
                Err(error) => told(&error, text),
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_text_is_answered(text in texts()) {
        let read: [Result<(), Diagnostic>; 4] = [
            formula(&text),
            parse_declarations(&text).map(drop),
            parse_assignments(&text).map(drop),
            parse_problem(&text).map(drop),
        ];
        for error in read.iter().filter_map(|r| r.as_ref().err()) {
            told(error, &text);
        }
    }
}
