//! `#[derive(Tree)]`: structs and enums become trees of values.
//!
//! The type is generic over what is at its leaves, and every field is a tree itself; a field marked
//! `#[tree(static)]` is configuration and belongs to the structure. The trait and its meaning are in
//! the crate `riesz`; this one knows it by name only.

mod expand;

/// Makes a struct or enum a tree: `#[derive(Clone, Tree)] struct Mlp<T> { w: T, layers: Vec<Dense<T>> }`.
///
/// - Every type parameter that a field's type mentions stands for leaves (or trees of them) and takes
///   no bounds; other parameters, lifetimes and constants are kept as they are.
/// - A field with `#[tree(static)]` is not a value: two trees that differ in it differ in structure,
///   and a compiled function is traced again. Its type needs `Clone` and `PartialEq`.
#[proc_macro_derive(Tree, attributes(tree))]
pub fn derive_tree(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::derive(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
