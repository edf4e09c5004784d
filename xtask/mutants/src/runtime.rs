//! What a mutated expression calls: the operation as written, or as broken when its number is chosen.
//!
//! This file becomes the module `mutant` of the copy of `riesz-core` that is tested; it is no part of
//! the project itself. The variable `RIESZ_MUTANT` chooses a number; with `RIESZ_REACHED` every
//! number that is met is appended to a file, once; `RIESZ_SAMPLES` names the primitives whose samples
//! are wanted, all of them if it is not there.

use crate::primitive::{Flip, Types};
use crate::trace::{Var, Vars, apply};
use smallvec::{Array, SmallVec};
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::ops::{Add, Div, Mul, Neg, Not, Rem, Sub};
use std::sync::{LazyLock, Mutex};

static CHOSEN: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("RIESZ_MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)
});

static REACHED: LazyLock<Option<Mutex<(File, HashSet<u32>)>>> = LazyLock::new(|| {
    let path = std::env::var_os("RIESZ_REACHED")?;
    let file = File::options().create(true).append(true).open(path).ok()?;
    Some(Mutex::new((file, HashSet::new())))
});

/// Whether this number is chosen.
pub fn on(id: u32) -> bool {
    if let Some(reached) = &*REACHED
        && let Ok(mut reached) = reached.lock()
        && reached.1.insert(id)
    {
        let _ = writeln!(reached.0, "{id}");
    }
    *CHOSEN == id
}

/// Whether the samples of the primitives that this type stands for are wanted.
pub fn wanted(name: &str) -> bool {
    std::env::var("RIESZ_SAMPLES").map_or(true, |names| names.split(',').any(|n| n == name))
}

pub fn add<A, B, O>(id: u32, a: A, b: B) -> O
where
    A: Add<B, Output = O> + Sub<B, Output = O>,
{
    if on(id) { a - b } else { a + b }
}

pub fn sub<A, B, O>(id: u32, a: A, b: B) -> O
where
    A: Add<B, Output = O> + Sub<B, Output = O>,
{
    if on(id) { a + b } else { a - b }
}

pub fn mul<A, B, O>(id: u32, a: A, b: B) -> O
where
    A: Mul<B, Output = O> + Div<B, Output = O>,
{
    if on(id) { a / b } else { a * b }
}

pub fn div<A, B, O>(id: u32, a: A, b: B) -> O
where
    A: Mul<B, Output = O> + Div<B, Output = O>,
{
    if on(id) { a * b } else { a / b }
}

pub fn rem<A, B, O>(id: u32, a: A, b: B) -> O
where
    A: Mul<B, Output = O> + Rem<B, Output = O>,
{
    if on(id) { a * b } else { a % b }
}

pub fn neg<A: Neg<Output = A>>(id: u32, a: A) -> A {
    if on(id) { a } else { -a }
}

pub fn not<A: Not<Output = A>>(id: u32, a: A) -> A {
    if on(id) { a } else { !a }
}

/// A condition: its opposite.
pub fn condition(id: u32, a: bool) -> bool {
    on(id) != a
}

pub fn eq<A: PartialEq<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    on(id) != (a == b)
}

pub fn ne<A: PartialEq<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    on(id) != (a != b)
}

/// Comparisons break in two ways: at the boundary, and altogether.
pub fn lt<A: PartialOrd<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    if on(id) { a <= b } else { on(id + 1) != (a < b) }
}

pub fn le<A: PartialOrd<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    if on(id) { a < b } else { on(id + 1) != (a <= b) }
}

pub fn gt<A: PartialOrd<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    if on(id) { a >= b } else { on(id + 1) != (a > b) }
}

pub fn ge<A: PartialOrd<B> + ?Sized, B: ?Sized>(id: u32, a: &A, b: &B) -> bool {
    if on(id) { a > b } else { on(id + 1) != (a >= b) }
}

pub fn and(id: u32, a: bool, b: impl FnOnce() -> bool) -> bool {
    if on(id) { a || b() } else { a && b() }
}

pub fn or(id: u32, a: bool, b: impl FnOnce() -> bool) -> bool {
    if on(id) { a && b() } else { a || b() }
}

pub fn some<T>(id: u32, value: T) -> Option<T> {
    if on(id) { None } else { Some(value) }
}

pub fn swap<T>(id: u32, [a, b]: [T; 2]) -> [T; 2] {
    if on(id) { [b, a] } else { [a, b] }
}

/// A function that keeps the type: left out.
pub fn skip<T>(id: u32, value: T, f: impl FnOnce(T) -> T) -> T {
    if on(id) { value } else { f(value) }
}

/// A differential or a transpose: its first part missing, or twice as large.
pub fn tangents<A: Array<Item = Option<Var>>>(id: u32, mut all: SmallVec<A>) -> SmallVec<A> {
    let (missing, twice) = (on(id), on(id + 1));
    if let Some(first) = all.iter_mut().find(|t| t.is_some()) {
        if missing {
            *first = None;
        } else if twice {
            *first = first.map(|t| t + t);
        }
    }
    all
}

/// A batched result: the instances in reverse.
pub fn batched(id: u32, mut all: Vars) -> Vars {
    if on(id) && let Some(first) = all.first_mut() {
        *first = apply(Flip { axes: vec![0] }, &[*first])[0];
    }
    all
}

/// The types of results: one of them longer by an axis.
pub fn types(id: u32, all: crate::Result<Types>) -> crate::Result<Types> {
    let longer = on(id);
    all.map(|mut all| {
        if longer && let Some(first) = all.first_mut() {
            *first = first.with_shape(first.shape.with_leading(1));
        }
        all
    })
}
