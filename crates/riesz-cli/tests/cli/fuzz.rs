//! Arguments and files nobody would write: the exit code is 0, 1 or 2, and nothing panics.

use crate::{riesz, scratch};
use proptest::prelude::*;

const EXPRESSIONS: &[&str] = &[
    "x'*A*x + sum(exp(x))",
    "norm2(A*x - y)^2/c",
    "logdet(A'*A + eye) + tr(inv(A))",
    "max(x, y)'*relu(A*y) - logsumexp(c*x)",
    "A\\x + (A^-2)*y",
    "h'*h where h = softmax(A*x)",
    "kron(A, A)*vec(A)",
];
const VALUES: &str = "x=[1,2]; y=[0.5,-3]; A=[[2,1],[1,3]]; c=2";
const PROBLEM: &str = "parameters\n  matrix[m,n] A = \"table.csv\"[:, 1:]\n  vector[m] b = \"table.csv\"[:, 0]\n  \
                       scalar c = 0.5\nvariables\n  vector[n] x\n  symmetric[2] S\nmin\n  norm2(A*x - b)^2 \
                       + c*norm1(x) + tr(S*S) - tr(S)\nst\n  -1 <= x <= 2\n  sum(x) + tr(S) == 1\nstart\n  \
                       x = vector(0.1)\nsolve\n  max_iter = 50\n";
const PARTS: &[&str] = &[
    "x",
    "A",
    "c",
    "S",
    "'",
    "*",
    "+",
    "-",
    ".*",
    "./",
    "^",
    "^2",
    ".^3",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    "=",
    "\n",
    "0",
    "1",
    "-1",
    "1e9",
    "1e-300",
    "inv(",
    "log(",
    "sqrt(",
    "det(",
    "sum(",
    "diag(",
    "max(x,",
    "eye",
    "eye(2)",
    "vector(1)",
    "matrix(0)",
    "where h = x",
    "spd[2] P",
    "positive",
    "in simplex",
    "in ball(1)",
    "in spd",
    ">= 0",
    "== 1",
    "orthogonal",
    "vector[3]",
    "\"table.csv\"",
    "[:, 0]",
    "newton-cg",
    "é",
    "#",
];

/// A text with parts removed, repeated and put in.
fn spoiled(text: &str, edits: &[(prop::sample::Index, usize, usize, &str)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, length, what, part) in edits {
        let from = at.index(letters.len() + 1);
        let to = (from + length).min(letters.len());
        let same: Vec<char> = letters[from..to].to_vec();
        match what {
            0 => drop(letters.drain(from..to)),
            1 => drop(letters.splice(from..from, same)),
            2 => drop(letters.splice(from..to, part.chars())),
            _ => drop(letters.splice(from..from, part.chars())),
        }
    }
    letters.into_iter().collect()
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, usize, &'static str)>> {
    let edit = (any::<prop::sample::Index>(), 0usize..8, 0usize..4, prop::sample::select(PARTS));
    prop::collection::vec(edit, 0..4)
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) }
}

/// Runs a command, which must say something and nothing but JSON where that is asked for.
fn answered(args: &[&str]) {
    let (code, out, err) = riesz(args);
    assert!(code <= 2, "{args:?}: {code}");
    assert!(!(out.is_empty() && err.is_empty()), "{args:?}");
    if args.contains(&"--json") {
        assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{args:?}: {out}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_formula_is_answered(
        expression in prop::sample::select(EXPRESSIONS),
        in_expression in edits(),
        in_values in edits(),
        json in any::<bool>(),
    ) {
        let expression = spoiled(expression, &in_expression);
        let values = if in_values.len() == 1 { spoiled(VALUES, &in_values) } else { VALUES.into() };
        let at = format!("--at={values}");
        let json: &[&str] = if json { &["--json"] } else { &[] };
        answered(&[&["eval", &expression, &at, "--wrt", "x"], json].concat());
        answered(&[&["eval", &expression, &at, "--wrt", "A", "--order", "2"], json].concat());
        answered(&[&["check", &expression, "--wrt", "x"], json].concat());
        answered(&["derive", &expression, "--wrt", "A"]);
        answered(&["derive", &expression, "--wrt", "x", "--format", "latex"]);
        let picture = scratch("fuzz_formula").join("x.svg");
        answered(&["graph", &expression, &at, "--svg", &picture.display().to_string()]);
    }

    #[test]
    fn any_problem_is_answered(in_problem in edits(), json in any::<bool>()) {
        let directory = scratch("fuzz_problem");
        std::fs::write(directory.join("table.csv"), "1,2,3\n4,5,7\n7,8,8\n").expect("a file");
        let file = directory.join("problem.rz").display().to_string();
        std::fs::write(&file, spoiled(PROBLEM, &in_problem)).expect("a file");
        let json: &[&str] = if json { &["--json"] } else { &[] };
        answered(&[&["minimize", &file, "--max-iter", "60"], json].concat());
    }

    #[test]
    fn any_table_is_answered(in_table in edits(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let directory = scratch("fuzz_table");
        let table = spoiled("age,size,label\n1,2,3\n4,5,7\n7,\"8\",8\n", &in_table);
        std::fs::write(directory.join("table.csv"), table).expect("a file");
        // A header that begins well, and anything after it.
        let array = [b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (".as_slice(), &bytes];
        std::fs::write(directory.join("array.npy"), array.concat()).expect("a file");
        let file = directory.join("problem.rz").display().to_string();
        for name in ["table.csv", "array.npy"] {
            let text = format!(
                "parameters\n matrix A = \"{name}\"\nvariables\n vector x\nmin\n norm2(A*x)^2 + sum(x)\n"
            );
            std::fs::write(&file, text).expect("a file");
            answered(&["minimize", &file, "--max-iter", "20", "--json"]);
        }
    }
}
