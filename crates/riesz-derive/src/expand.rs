//! From the definition of a type to its `impl Tree`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::collections::BTreeSet;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, GenericParam, Ident, Member, Result};

/// A field: how it is reached, and whether it is a tree.
struct Field {
    member: Member,
    is_static: bool,
    /// The identifiers in its type.
    mentions: BTreeSet<Ident>,
    span: Span,
}

/// A struct, or one variant of an enum.
struct Variant {
    /// `Self` or `Self::Name`, as a path of the given type.
    name: Option<Ident>,
    fields: Vec<Field>,
}

/// The `impl Tree` of a definition, or an error at the place in it that is wrong.
pub fn derive(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let variants = variants(&input)?;
    let leaves = leaf_parameters(&input, &variants)?;
    Ok(implementation(&input, &variants, &leaves))
}

fn variants(input: &DeriveInput) -> Result<Vec<Variant>> {
    if let Some(attribute) = input.attrs.iter().find(|a| a.path().is_ident("tree")) {
        return Err(Error::new(
            attribute.span(),
            "`#[tree(…)]` belongs to a field, not to the type",
        ));
    }
    match &input.data {
        Data::Struct(data) => Ok(vec![Variant { name: None, fields: fields(&data.fields)? }]),
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|v| Ok(Variant { name: Some(v.ident.clone()), fields: fields(&v.fields)? }))
            .collect(),
        Data::Union(data) => Err(Error::new(
            data.union_token.span,
            "a union is not a tree: nobody knows which of its fields is there; use an enum",
        )),
    }
}

fn fields(fields: &Fields) -> Result<Vec<Field>> {
    let field = |(field, member): (&syn::Field, Member)| {
        Ok(Field {
            member,
            is_static: is_static(field)?,
            mentions: identifiers(field.ty.to_token_stream()),
            span: field.ty.span(),
        })
    };
    fields.iter().zip(fields.members()).map(field).collect()
}

/// Whether a field is marked `#[tree(static)]`.
fn is_static(field: &syn::Field) -> Result<bool> {
    let mut found = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("tree")) {
        let list = attribute.meta.require_list().map_err(|e| Error::new(e.span(), EXPECTED))?;
        let word = Ident::parse_any
            .parse2(list.tokens.clone())
            .map_err(|_| Error::new(attribute.span(), EXPECTED))?;
        if word != "static" {
            return Err(Error::new(word.span(), format!("there is no `{word}`: {EXPECTED}")));
        }
        if std::mem::replace(&mut found, true) {
            return Err(Error::new(attribute.span(), "the field is marked `static` twice"));
        }
    }
    Ok(found)
}

const EXPECTED: &str = "the one attribute of a field is `#[tree(static)]`, for what is not a value";

/// All identifiers in a type, those in groups included.
fn identifiers(tokens: TokenStream) -> BTreeSet<Ident> {
    let mut found = BTreeSet::new();
    let mut rest: Vec<TokenTree> = tokens.into_iter().collect();
    while let Some(token) = rest.pop() {
        match token {
            TokenTree::Ident(ident) => {
                found.insert(ident);
            }
            TokenTree::Group(group) => rest.extend(group.stream()),
            _ => {}
        }
    }
    found
}

/// The type parameters that stand for leaves: those that a field which is a tree mentions.
fn leaf_parameters(input: &DeriveInput, variants: &[Variant]) -> Result<Vec<Ident>> {
    let fields = || variants.iter().flat_map(|v| &v.fields);
    let mut leaves = Vec::new();
    for parameter in input.generics.type_params() {
        let name = &parameter.ident;
        if !fields().any(|f| !f.is_static && f.mentions.contains(name)) {
            continue;
        }
        if let Some(field) = fields().find(|f| f.is_static && f.mentions.contains(name)) {
            let message = format!("`{name}` stands for leaves, so a static field cannot hold it");
            return Err(Error::new(field.span, message));
        }
        if !parameter.bounds.is_empty() {
            let message = format!(
                "`{name}` stands for leaves and takes no bounds here: it becomes `Var`, `Tensor` and \
                 others; put bounds on the functions that need them"
            );
            return Err(Error::new(parameter.bounds.span(), message));
        }
        leaves.push(name.clone());
    }
    if let Some(clause) = &input.generics.where_clause {
        let bound = clause.predicates.iter().find(|p| {
            let mentioned = identifiers(p.to_token_stream());
            leaves.iter().any(|leaf| mentioned.contains(leaf))
        });
        if let Some(bound) = bound {
            let message = "a bound on what stands for leaves; put it on the functions that need it";
            return Err(Error::new(bound.span(), message));
        }
    }
    if leaves.is_empty() {
        let name = &input.ident;
        let message = format!(
            "a tree is generic over what is at its leaves: `{name}<T>` with fields of `T`, which is \
             `{name}<Var>` inside a traced function and `{name}<Tensor>` outside"
        );
        return Err(Error::new(name.span(), message));
    }
    // Found in every variant: a field that mentions no leaf parameter is no tree of this leaf.
    for field in fields().filter(|f| !f.is_static) {
        if !leaves.iter().any(|leaf| field.mentions.contains(leaf)) {
            return Err(Error::new(
                field.span,
                "this field holds no leaf; mark it `#[tree(static)]` if it is configuration, or make \
                 it generic over the leaves",
            ));
        }
    }
    Ok(leaves)
}

fn implementation(input: &DeriveInput, variants: &[Variant], leaves: &[Ident]) -> TokenStream {
    let name = &input.ident;
    let (first, others) = (&leaves[0], &leaves[1..]);
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        let tree = if parameter.ident == *first {
            syn::parse_quote!(::riesz::Tree)
        } else if others.contains(&parameter.ident) {
            syn::parse_quote!(::riesz::Tree<Leaf = <#first as ::riesz::Tree>::Leaf>)
        } else {
            parameter.bounds.push(syn::parse_quote!(::core::cmp::PartialEq));
            syn::parse_quote!(::core::clone::Clone)
        };
        parameter.bounds.push(tree);
    }
    let (impl_generics, own, clause) = generics.split_for_impl();
    let other = generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(p) if leaves.contains(&p.ident) => {
            let p = &p.ident;
            quote!(<#p as ::riesz::Tree>::With<__Other>)
        }
        GenericParam::Type(p) => p.ident.to_token_stream(),
        GenericParam::Lifetime(p) => p.lifetime.to_token_stream(),
        GenericParam::Const(p) => p.ident.to_token_stream(),
    });
    let map = variants.iter().map(|v| arm(name, v, Method::Map));
    let visit = variants.iter().map(|v| arm(name, v, Method::Visit));
    let visit_mut = variants.iter().map(|v| arm(name, v, Method::VisitMut));
    let same = variants.iter().map(|v| arm(name, v, Method::Same));
    let differ = (variants.len() > 1).then(|| quote!(_ => false,));
    quote! {
        #[automatically_derived]
        impl #impl_generics ::riesz::Tree for #name #own #clause {
            type Leaf = <#first as ::riesz::Tree>::Leaf;
            type With<__Other: ::riesz::Tree> = #name<#(#other),*>;

            fn map<__Other: ::riesz::Tree>(
                &self,
                f: &mut impl ::core::ops::FnMut(&Self::Leaf) -> __Other,
            ) -> Self::With<__Other> {
                match self { #(#map)* }
            }

            fn visit<'__tree>(
                &'__tree self,
                path: &::riesz::tree::Path,
                f: &mut impl ::core::ops::FnMut(&::riesz::tree::Path, &'__tree Self::Leaf),
            ) {
                match self { #(#visit)* }
            }

            fn visit_mut<'__tree>(
                &'__tree mut self,
                f: &mut impl ::core::ops::FnMut(&'__tree mut Self::Leaf),
            ) {
                match self { #(#visit_mut)* }
            }

            fn same<__Other: ::riesz::Tree>(&self, other: &Self::With<__Other>) -> bool {
                match (self, other) { #(#same)* #differ }
            }
        }
    }
}

enum Method {
    Map,
    Visit,
    VisitMut,
    Same,
}

/// What a method does with one variant.
fn arm(name: &Ident, variant: &Variant, method: Method) -> TokenStream {
    let constructor = match &variant.name {
        Some(variant) => quote!(#name::#variant),
        None => name.to_token_stream(),
    };
    let mine: Vec<Ident> = (0..variant.fields.len()).map(|i| format_ident!("mine_{i}")).collect();
    let theirs: Vec<Ident> = (0..mine.len()).map(|i| format_ident!("theirs_{i}")).collect();
    let members: Vec<&Member> = variant.fields.iter().map(|f| &f.member).collect();
    let pattern = quote!(#constructor { #(#members: #mine),* });
    let fields = variant.fields.iter().zip(mine.iter().zip(&theirs));
    match method {
        Method::Map => {
            let fields = fields.map(|(field, (mine, _))| match field.is_static {
                true => quote!(::core::clone::Clone::clone(#mine)),
                false => quote!(::riesz::Tree::map(#mine, f)),
            });
            quote!(#pattern => #constructor { #(#members: #fields),* },)
        }
        Method::Visit => {
            let fields = fields.filter(|(field, _)| !field.is_static).map(|(field, (mine, _))| {
                let step = match &field.member {
                    Member::Named(name) => name.unraw().to_string(),
                    Member::Unnamed(index) => index.index.to_string(),
                };
                quote! {
                    ::riesz::Tree::visit(#mine, &path.then(::riesz::tree::Step::Field(#step)), f);
                }
            });
            let pattern = trees(&constructor, variant, &mine);
            quote!(#pattern => { #(#fields)* })
        }
        Method::VisitMut => {
            let fields = fields.filter(|(field, _)| !field.is_static);
            let fields = fields.map(|(_, (mine, _))| quote!(::riesz::Tree::visit_mut(#mine, f);));
            let pattern = trees(&constructor, variant, &mine);
            quote!(#pattern => { #(#fields)* })
        }
        Method::Same => {
            let fields = fields.map(|(field, (mine, theirs))| match field.is_static {
                true => quote!(#mine == #theirs),
                false => quote!(::riesz::Tree::same::<__Other>(#mine, #theirs)),
            });
            let other = quote!(#constructor { #(#members: #theirs),* });
            quote!((#pattern, #other) => true #(&& #fields)*,)
        }
    }
}

/// The pattern of a variant that names the fields that are trees.
fn trees(constructor: &TokenStream, variant: &Variant, mine: &[Ident]) -> TokenStream {
    let trees = variant.fields.iter().zip(mine).filter(|(field, _)| !field.is_static);
    let (members, mine): (Vec<&Member>, Vec<&Ident>) =
        trees.map(|(field, mine)| (&field.member, mine)).unzip();
    quote!(#constructor { #(#members: #mine,)* .. })
}

#[cfg(test)]
mod tests;
