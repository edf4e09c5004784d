//! A tree of tensors as tensors with names, the way weights are kept in files.

use crate::tree::{Path, Tree};
use riesz_core::{Error, Result, Tensor, suggestion};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The leaves of a tree by name: fields, positions and keys joined by dots, as in PyTorch's state
/// dictionaries (`layers.0.w`). A leaf that is the whole tree is called `value`.
///
/// # Errors
/// When a key is empty, or two leaves have the same name, which keys with dots in them can bring about.
///
/// ```
/// use riesz::io::named;
/// use riesz::prelude::*;
/// let tensors = named(&(Tensor::from(1.0), vec![Tensor::from(2.0)]))?;
/// assert_eq!(tensors["1.0"], Tensor::from(2.0));
/// # Ok::<(), Error>(())
/// ```
pub fn named(tree: &impl Tree<Leaf = Tensor>) -> Result<BTreeMap<String, Tensor>> {
    let mut tensors = BTreeMap::new();
    let mut error = None;
    tree.visit(&Path::root(), &mut |path, leaf| {
        if path.has_empty_key() {
            let message = format!("a key on the way to the tensor {path} is empty");
            error = Some(Error::usage(message).help("give it a name"));
        }
        match tensors.entry(name(path)) {
            Entry::Vacant(place) => drop(place.insert(leaf.clone())),
            Entry::Occupied(place) => {
                let message = format!("two tensors would be called `{}`", place.key());
                error = Some(Error::usage(message).help("choose keys without dots"));
            }
        }
    });
    match error {
        None => Ok(tensors),
        Some(error) => Err(error),
    }
}

/// A tree with the structure of `like` and the tensors of these names, for what was written from
/// such a tree.
///
/// # Errors
/// When a leaf of `like` has no tensor of its name or one of another type, or when a tensor belongs
/// to no leaf; the error names it.
///
/// ```
/// use riesz::io::{named, restored};
/// use riesz::prelude::*;
/// let (w, b) = (Tensor::from([1.0, 2.0]), Tensor::from(3.0));
/// let tensors = named(&(w.clone(), b.clone()))?;
/// let initial = (Tensor::from([0.0, 0.0]), Tensor::from(0.0));
/// assert_eq!(restored(&initial, &tensors)?, (w, b));
/// # Ok::<(), Error>(())
/// ```
pub fn restored<T>(like: &T, tensors: &BTreeMap<String, Tensor>) -> Result<T>
where
    T: Tree<Leaf = Tensor>,
{
    let wanted = named(like)?;
    if let Some(extra) = tensors.keys().find(|name| !wanted.contains_key(*name)) {
        return Err(Error::usage(format!("there is no place for the tensor `{extra}`"))
            .help(format!("the places are {}", listed(wanted.keys()))));
    }
    for (name, leaf) in &wanted {
        let Some(tensor) = tensors.get(name) else {
            let error = Error::usage(format!("there is no tensor `{name}`"));
            let near = suggestion(name, tensors.keys().map(String::as_str));
            return Err(error.help(match near {
                Some(near) => format!("is it `{near}`?"),
                None => format!("the tensors are {}", listed(tensors.keys())),
            }));
        };
        if !tensor.is_of(&leaf.ty()) {
            let message =
                format!("the tensor `{name}` is {}, but its place is {}", tensor.ty(), leaf.ty());
            return Err(Error::shape(message)
                .help("start from a tree of the types and shapes that were written"));
        }
    }
    let mut tree = like.clone();
    let mut names = Vec::new();
    like.visit(&Path::root(), &mut |path, _| names.push(name(path)));
    let mut names = names.iter();
    tree.visit_mut(&mut |leaf| {
        if let Some(tensor) = names.next().and_then(|name| tensors.get(name)) {
            *leaf = tensor.clone();
        }
    });
    Ok(tree)
}

/// What the leaf at the end of this path is called.
fn name(path: &Path) -> String {
    let name = path.dotted();
    if name.is_empty() { String::from("value") } else { name }
}

/// Some names, for a message.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        names.truncate(SHOWN);
        names.push(String::from("…"));
    }
    names.join(", ")
}
