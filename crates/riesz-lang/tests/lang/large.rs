//! Inputs no person writes: long, deep, many times shared. They are answered in bounded time and
//! stack, with a formula or a clear error.

use crate::common::read;
use riesz_lang::formula::{Request, derive, latex, rust};
use riesz_lang::{Checker, MAX_DEPTH, parse_formula, parse_problem};

const MANY: usize = 100_000;

#[test]
fn brackets_too_deep_are_an_error() {
    for text in ["(".repeat(MANY), "exp(".repeat(MANY), "-(".repeat(MANY)] {
        let error = parse_formula(&text).expect_err("too deep");
        assert!(error.message.contains(&format!("{MAX_DEPTH} deep")), "{}", error.message);
    }
    let fits = format!("{}x{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    assert!(parse_formula(&fits).is_ok());
}

#[test]
fn many_signs_are_one() {
    let even = format!("{}x", "-".repeat(MANY));
    let f = parse_formula(&even).expect("a formula");
    assert_eq!(f.ast.len(), 1);
    let odd = parse_formula(&format!("-{even}")).expect("a formula");
    assert_eq!(odd.ast.len(), 2);
    let transposes = parse_formula(&format!("A{}", "'".repeat(MANY))).expect("a formula");
    assert_eq!(transposes.ast.len(), 1);
}

#[test]
fn a_long_sum_has_a_gradient() {
    let terms: Vec<String> = (1..=MANY).map(|i| format!("{i}*c")).collect();
    let (typed, root) = read(&terms.join(" + "), "c: scalar");
    let g = derive(&typed, root, Request::First("c")).expect("a gradient");
    // 1 + 2 + … + n = n(n + 1)/2
    assert_eq!(g.text, (MANY * (MANY + 1) / 2).to_string());
    let mixed = "x'*x - b'*x + ".repeat(MANY / 2) + "x'*x";
    let (typed, root) = read(&mixed, "x: vector[n]; b: vector[n]");
    let g = derive(&typed, root, Request::First("x")).expect("a gradient");
    assert_eq!(g.text, "100002*x - 50000*b");
}

#[test]
fn a_long_sum_of_different_terms_prints_everywhere() {
    let terms: Vec<String> = (1..=MANY / 10).map(|i| format!("sum(sin({i}*x))")).collect();
    let (typed, root) = read(&terms.join(" + "), "x: vector[n]");
    let g = derive(&typed, root, Request::First("x")).expect("a gradient");
    assert!(g.text.starts_with("cos(x) + 2*cos(2*x) + 3*cos(3*x)"), "{}", &g.text[..60]);
    assert!(latex(&g.formula).len() > g.text.len());
    assert!(rust(&g.typed, g.root).ends_with("(10000.0 * x).cos()"));
}

#[test]
fn a_product_of_many_factors() {
    let (typed, root) = read(&vec!["c"; MANY].join("*"), "c: scalar");
    let g = derive(&typed, root, Request::First("c")).expect("a gradient");
    assert_eq!(g.text, format!("{MANY}*c^{}", MANY - 1));
}

#[test]
fn a_part_shared_by_doubling_stays_shared() {
    // d60 written out would have 2^60 leaves.
    let mut text = String::from("d60 where d1 = exp(c) + c");
    for i in 2..=60 {
        text += &format!("; d{i} = sin(d{0}) + d{0}*d{0}", i - 1);
    }
    let (typed, root) = read(&text, "c: scalar");
    let g = derive(&typed, root, Request::First("c")).expect("a gradient");
    assert!(g.text.len() < 20_000, "{} bytes", g.text.len());
}

#[test]
fn definitions_that_nest_too_deep_are_an_error() {
    let mut text = String::from("sum(d5000) where d1 = exp(x)");
    for i in 2..=5000 {
        text += &format!("; d{i} = exp(d{})", i - 1);
    }
    let (typed, root) = read(&text, "x: vector[n]");
    let error = derive(&typed, root, Request::First("x")).expect_err("too deep");
    assert!(error.message.contains("too large"), "{}", error.message);
}

#[test]
fn huge_texts_do_not_overflow_anything() {
    let f = parse_formula(&vec!["A\\(B"; 150].join("*")).expect_err("brackets stay open");
    assert!(f.message.contains("expected"));
    let solves = parse_formula(&("A\\B\\".repeat(MANY) + "b")).expect("a formula");
    let mut checker = Checker::new();
    let d = riesz_lang::parse_declarations("A: matrix[n,n]; B: matrix[n,n]; b: vector[n]")
        .expect("declarations");
    d.iter().for_each(|d| {
        checker.declare(d);
    });
    let root = checker.formula(&solves).expect("shapes");
    let typed = checker.finish().expect("sizes");
    let error = derive(&typed, root, Request::First("b")).expect_err("too deep");
    assert!(error.message.contains("too large"));
    let rows = "x >= 0\n".repeat(MANY);
    let p = parse_problem(&format!("variables\nvector x\nmin\nx'*x\nst\n{rows}")).expect("read");
    assert_eq!(p.constraints.len(), MANY);
}

/// Pieces of the language in a random order, with a few broken ones among them, never panic.
#[test]
fn random_texts_are_read_or_refused() {
    let pieces = [
        "x",
        "A",
        "b",
        "'",
        "*",
        ".*",
        "+",
        "-",
        "^",
        ".^",
        "/",
        "./",
        "\\",
        "(",
        ")",
        "exp(",
        "2",
        "sum(",
        "inv(",
        "diag(",
        "where",
        "=",
        ";",
        ",",
        "eye",
        "vector(1)",
        "norm2(",
        "1e-3",
        "softmax(",
        ".5",
        "tr(",
        "\"",
        "#",
        "\n",
        "ᵀ",
        "‖",
        "[",
        "]",
        ":",
        "det(",
        "kron(",
        "min",
        "variables",
        "st",
        "vector",
        "<=",
        "==",
        "in",
        "start",
        "solve",
    ];
    let mut random = crate::common::Random(20_261_123);
    for _ in 0..20_000 {
        let n = 1 + (random.unit() * 12.0) as usize;
        let text: Vec<&str> =
            (0..n).map(|_| pieces[(random.unit() * pieces.len() as f64) as usize]).collect();
        let text = text.join(if random.unit() < 0.5 { "" } else { " " });
        if let Err(e) = parse_problem(&text) {
            assert!(e.render("file", &text).contains(&e.message));
        }
        let _ = riesz_lang::parse_declarations(&text).map_err(|e| e.render("d", &text));
        let _ = riesz_lang::parse_assignments(&text).map_err(|e| e.render("a", &text));
        let Ok(f) = parse_formula(&text) else { continue };
        let mut checker = Checker::new();
        let Ok(root) = checker.formula(&f) else { continue };
        let Ok(typed) = checker.finish() else { continue };
        for v in &typed.vars {
            for r in [Request::First(&v.name), Request::Differential(&v.name)] {
                if let Ok(d) = derive(&typed, root, r) {
                    assert!(!d.text.is_empty() && !latex(&d.formula).is_empty());
                    assert!(!rust(&d.typed, d.root).is_empty());
                }
            }
        }
    }
}
