//! What the derive refuses, with the reason and the place.

use super::derive;
use proc_macro2::TokenStream;

/// The message and the text of the place of the error for a definition that is wrong.
fn refused(definition: &str) -> (String, String) {
    let tokens: TokenStream = definition.parse().expect("the definition is Rust");
    let error = derive(tokens).expect_err(definition);
    let span = error.span();
    let (start, end) = (span.start(), span.end());
    assert_eq!(start.line, end.line, "the place is on one line of {definition}");
    let line = definition.lines().nth(start.line - 1).unwrap_or_default();
    (error.to_string(), line.chars().take(end.column).skip(start.column).collect())
}

fn refuses(definition: &str, place: &str, parts: &[&str]) {
    let (message, at) = refused(definition);
    assert_eq!(at, place, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn a_union() {
    refuses("union U<T> { a: T }", "union", &["union", "use an enum"]);
}

#[test]
fn nothing_at_the_leaves() {
    refuses("struct P { a: f64 }", "P", &["generic over", "P<T>", "P<Var>", "P<Tensor>"]);
    refuses("struct Unit;", "Unit", &["generic over"]);
    refuses("enum E<T> { A(#[tree(static)] std::marker::PhantomData<T>) }", "E", &["generic over"]);
}

#[test]
fn a_field_that_is_no_tree_of_the_leaf() {
    refuses("struct P<T> {\n    a: T,\n    rate: f64,\n}", "f64", &["#[tree(static)]"]);
    refuses("enum E<T> { A(T), B { n: Vec<usize> } }", "Vec<usize>", &["#[tree(static)]"]);
}

#[test]
fn a_static_field_that_holds_leaves() {
    let definition = "struct P<T> { a: T, #[tree(static)] b: Option<T> }";
    refuses(definition, "Option<T>", &["`T`", "static field cannot hold"]);
}

#[test]
fn bounds_on_the_leaves() {
    refuses("struct P<T: Copy> { a: T }", "Copy", &["`T`", "no bounds"]);
    refuses("struct P<T> where Vec<T>: Clone { a: T }", "Vec<T>: Clone", &["bound"]);
}

#[test]
fn attributes_that_do_not_exist() {
    refuses("struct P<T> { a: T, #[tree(skip)] b: u8 }", "skip", &["no `skip`", "#[tree(static)]"]);
    refuses("struct P<T> { #[tree] a: T }", "tree", &["#[tree(static)]"]);
    let twice = "struct P<T> { a: T, #[tree(static)] #[tree(static)] b: u8 }";
    refuses(twice, "#[tree(static)]", &["twice"]);
    let two = "struct P<T> { a: T, #[tree(static, static)] b: u8 }";
    refuses(two, "#[tree(static, static)]", &["#[tree(static)]"]);
    refuses("#[tree(static)] struct P<T> { a: T }", "#[tree(static)]", &["belongs to a field"]);
}

#[test]
fn what_is_right_is_not_refused() {
    for definition in [
        "struct P<T>(T, Vec<T>, #[tree(static)] f64);",
        "struct P<'a, A, B, S: Act, const N: usize> where S: 'a {
            a: [A; N], b: Option<B>, #[tree(static)] s: &'a S,
        }",
        "enum E<T> { Nothing, Leaf(T), Node { left: Box<E<T>>, right: Box<E<T>> } }",
        "struct Raw<T> { r#type: T }",
    ] {
        let tokens: TokenStream = definition.parse().expect("the definition is Rust");
        let expanded = derive(tokens).expect(definition).to_string();
        assert!(expanded.contains(":: riesz :: Tree for"), "{expanded}");
    }
}
