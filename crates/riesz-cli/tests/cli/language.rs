//! The page on the language: what its examples print, and that it names all functions.

use crate::{riesz, scratch};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/language.md"));

/// The blocks of a kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let open = format!("\n```{kind}\n");
    let rest = PAGE.split(open.as_str()).skip(1);
    rest.map(|block| block.split("\n```").next().unwrap_or_default()).collect()
}

/// The words of a command line, those in quotes whole.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().expect("begins with one").push(c),
        }
    }
    words
}

#[test]
fn the_examples_print_what_the_page_says() {
    let mut seen = 0;
    for example in blocks("console").iter().flat_map(|block| block.split("$ riesz ").skip(1)) {
        let (line, expected) = example.split_once('\n').expect("a command and what it prints");
        let words = words(line);
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let (code, out, err) = riesz(&args);
        assert_eq!((code, out.trim_end()), (0, expected.trim_end()), "{line}: {err}");
        seen += 1;
    }
    assert!(seen > 12, "{seen} examples were found");
}

#[test]
fn the_problem_has_the_solution_that_it_has_on_paper() {
    let [problem] = blocks("rz")[..] else { panic!("one problem") };
    let file = scratch("language").join("problem.rz");
    std::fs::write(&file, problem).expect("a file");
    let file = file.to_str().expect("a name");
    let (code, solved) = crate::json(&["minimize", file, "--json"]);
    assert_eq!(code, 0, "{solved}");
    // The nearest point of the simplex: p and the same for each, so that the sum is 1.
    let found = crate::numbers(&solved["variables"]["x"]);
    let expected = [0.2, 0.5, -0.1].map(|p| p + 0.4 / 3.0);
    assert_eq!(found.len(), 3);
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?}");
}

#[test]
fn the_page_names_every_function() {
    let table = PAGE.split("\n## Functions\n").nth(1).expect("a section");
    let table = table.split("\n## ").next().expect("up to the next");
    let named: Vec<&str> =
        table.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    // What is said about a name that is none lists all that are.
    let (_, _, err) = riesz(&["eval", "nofunction(x)", "--at", "x=1"]);
    let list = err.split("the functions are ").nth(1).expect("a list");
    let names: Vec<&str> =
        list.split(", ").map(|n| n.split_whitespace().next().unwrap_or(n)).collect();
    assert!(names.len() > 30, "{err}");
    for name in names {
        assert!(named.contains(&name.trim_end_matches([';', ','])), "{name} is not on the page");
    }
}
