//! `sparse_jacobian` and `sparse_hessian`: matrices that are mostly zero, by few products.
//!
//! Where entries can be is found from the program, columns or rows that do not meet share a product
//! (see [`riesz_core::sparsity`]), and the products are one mapped program.

use super::grad::gradient;
use super::{Recorded, ok, record};
use crate::sparse::Csr;
use crate::tree::{Tree, VarTree, with_leaves};
use riesz_core::sparsity::{
    Coloring, Pattern, Products, color_both, color_columns, color_rows, color_symmetric,
    linear_pattern,
};
use riesz_core::{
    DType, Error, Program, Result, Source, Tensor, Type, Var, cost, current_source, inline, trace,
    transpose, unzip, vmap,
};
use std::sync::Arc;

/// By which products a sparse Jacobian is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compression {
    /// Whichever costs least.
    #[default]
    Auto,
    /// Forward products, with groups of columns.
    Forward,
    /// Reverse products, with groups of rows.
    Reverse,
    /// Reverse products for the fullest rows and forward products for the others, or the other way.
    Both,
}

/// The Jacobian as a sparse matrix: a row for each element of the result's float leaves, a column for
/// each of the argument's, both in the order of [`flatten`](crate::flatten).
///
/// The pattern and the grouping are found when the function is traced: a compiled function has them once
/// for each shape. Indices and masks that are constants of the function are looked into.
///
/// # Errors
/// Left in the trace when no leaf of the argument or the result is a float, when they are not all f32
/// or all f64, or when the matrix is not sparse (see [`MOST_ENTRIES`](riesz_core::sparsity::MOST_ENTRIES)).
///
/// ```
/// use riesz::prelude::*;
/// // Three diagonals, three products, whatever the size.
/// let f = |x: Var| x.pad_axis(0, 1, 1).slice_axis(0, 0, 6) - 2.0 * x.square();
/// let j = run(sparse_jacobian(f), &Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))?;
/// assert_eq!(j.triplets()?[..3], [(0, 0, -4.0), (1, 0, 1.0), (1, 1, -8.0)]);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn sparse_jacobian<A: VarTree, R: VarTree>(f: impl Fn(A) -> R) -> impl Fn(A) -> Csr<Var> {
    sparse_jacobian_by(f, Compression::Auto)
}

/// As [`sparse_jacobian`], by products of the caller's choice; the results differ only in rounding.
#[track_caller]
pub fn sparse_jacobian_by<A: VarTree, R: VarTree>(
    f: impl Fn(A) -> R,
    by: Compression,
) -> impl Fn(A) -> Csr<Var> {
    let source = current_source();
    move |x| {
        let attempt = || {
            let recorded = record(&f, &x)?;
            let linear = ok(Linear::new(&recorded, source))?;
            let plan = ok(SparsePlan::jacobian(&linear, by))?;
            ok(plan.write(&recorded, linear, source))
        };
        attempt().unwrap_or_else(failed)
    }
}

/// The Hessian of a function that gives one number, as a sparse symmetric matrix with both triangles:
/// rows and columns are the elements of the argument's float leaves. An entry and its mirror image are
/// read from one product.
///
/// # Errors
/// Left in the trace as for [`sparse_jacobian`], and when the result is not one number.
///
/// ```
/// use riesz::prelude::*;
/// let chain = |x: Var| (x.slice_axis(0, 1, 4) - x.slice_axis(0, 0, 3)).powi(4).sum();
/// let h = run(sparse_hessian(chain), &Tensor::from([0.0, 1.0, 0.0, 2.0]))?;
/// assert_eq!(h.triplets()?[..3], [(0, 0, 12.0), (0, 1, -12.0), (1, 0, -12.0)]);
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn sparse_hessian<A: VarTree>(f: impl Fn(A) -> Var) -> impl Fn(A) -> Csr<Var> {
    let source = current_source();
    let gradient = gradient("sparse_hessian", source, f);
    move |x| {
        let attempt = || {
            let recorded = record(&gradient, &x)?;
            let linear = ok(Linear::new(&recorded, source))?;
            let plan = ok(SparsePlan::hessian(&linear))?;
            ok(plan.write(&recorded, linear, source))
        };
        attempt().unwrap_or_else(failed)
    }
}

/// What stands for a matrix after an error.
fn failed() -> Csr<Var> {
    Csr::new(Pattern::empty(0, 0), Var::poison())
}

/// The pattern and the grouping of a sparse Jacobian or Hessian, found once: they can be looked at, and
/// used for many functions with the same structure and for nested transformations.
///
/// ```
/// use riesz::prelude::*;
/// let f = |x: Var| x.slice_axis(0, 1, 1000) * x.slice_axis(0, 0, 999);
/// let x = Tensor::full(2.0, [1000]);
/// let plan = SparsePlan::for_jacobian(f, &x, Compression::Auto)?;
/// assert_eq!((plan.pattern().len(), plan.products()), (2 * 999, 2));
/// let j = compile(move |x: Var| plan.evaluate(f, x));
/// assert_eq!(j.call(&x)?.triplets()?[1], (0, 1, 2.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct SparsePlan {
    pattern: Arc<Pattern>,
    products: Products,
    symmetric: bool,
    argument: Vec<Type>,
    result: Vec<Type>,
}

impl SparsePlan {
    /// The plan for the Jacobian of `f` at arguments like `x`.
    ///
    /// # Errors
    /// As [`sparse_jacobian`].
    #[track_caller]
    pub fn for_jacobian<A: VarTree, R: VarTree>(
        f: impl Fn(A) -> R,
        x: &A::Tensors,
        by: Compression,
    ) -> Result<SparsePlan> {
        let source = current_source();
        planned(x, |x: A| {
            let recorded = record(&f, &x)?;
            ok(Linear::new(&recorded, source).and_then(|linear| SparsePlan::jacobian(&linear, by)))
        })
    }

    /// The plan for the Hessian of `f` at arguments like `x`; to be evaluated with `grad(f)`.
    ///
    /// # Errors
    /// As [`sparse_hessian`].
    #[track_caller]
    pub fn for_hessian<A: VarTree>(f: impl Fn(A) -> Var, x: &A::Tensors) -> Result<SparsePlan> {
        let source = current_source();
        planned(x, |x: A| {
            let recorded = record(gradient("for_hessian", source, &f), &x)?;
            ok(Linear::new(&recorded, source).and_then(|linear| SparsePlan::hessian(&linear)))
        })
    }

    /// Where entries can be.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// How many products an evaluation takes, of both kinds together.
    pub fn products(&self) -> usize {
        self.products.count()
    }

    /// How many of the products are forward ones.
    pub fn forward_products(&self) -> usize {
        self.products.columns.count()
    }

    /// The Jacobian of `f` at `x`. For the plan of a Hessian, `f` is the gradient: `grad` of the
    /// function.
    ///
    /// # Errors
    /// Left in the trace when the argument or the result differs in its types from what the plan was
    /// made for. That the pattern is the same is the caller's word.
    #[track_caller]
    pub fn evaluate<A: VarTree, R: VarTree>(&self, f: impl Fn(A) -> R, x: A) -> Csr<Var> {
        let source = current_source();
        let attempt = || {
            let recorded = record(&f, &x)?;
            ok(Linear::new(&recorded, source).and_then(|l| self.write(&recorded, l, source)))
        };
        attempt().unwrap_or_else(failed)
    }

    fn jacobian(linear: &Linear, by: Compression) -> Result<SparsePlan> {
        let pattern = linear.pattern()?;
        let products = match by {
            Compression::Forward => color_columns(&pattern),
            Compression::Reverse => color_rows(&pattern),
            Compression::Both => color_both(&pattern),
            Compression::Auto => linear.cheapest(&pattern)?,
        };
        Ok(linear.plan(pattern, products, false))
    }

    fn hessian(linear: &Linear) -> Result<SparsePlan> {
        // What is an entry in one place alone is zero in the other, and so in both.
        let pattern = linear.pattern()?.symmetric();
        let products = color_symmetric(&pattern);
        Ok(linear.plan(pattern, products, true))
    }

    /// Writes the products of this plan and the reading of the entries into the trace.
    fn write<A: VarTree, R: VarTree>(
        &self,
        recorded: &Recorded<A, R>,
        linear: Linear,
        source: Source,
    ) -> Result<Csr<Var>> {
        if (&linear.argument, &linear.result) != (&self.argument, &self.result) {
            let types = |types: &[Type]| super::tuple_of(types);
            return Err(Error::shape(format!(
                "the plan is for a function from {} to {}, not from {} to {}",
                types(&self.argument),
                types(&self.result),
                types(&linear.argument),
                types(&linear.result)
            ))
            .at("sparse plan", source));
        }
        let halves = unzip(&linear.forward, linear.known, linear.results)?;
        let known = inline(&halves.primal, &recorded.args).split_off(linear.results);
        let dtype = linear.dtype;
        let mut shown = Vec::new();
        if self.products.columns.count() > 0 {
            shown.push(products(
                &halves.linear,
                &known,
                &self.argument,
                &self.products.columns,
                dtype,
            )?);
        }
        if self.products.rows.count() > 0 {
            let back = transpose(&halves.linear, halves.residuals)?;
            shown.push(products(&back, &known, &self.result, &self.products.rows, dtype)?);
        }
        let values = match shown[..] {
            [] => Var::zeros(&Type::new(dtype, [0])),
            [one] => one.take(self.places(), 0),
            _ => Var::concat(&shown, 0).take(self.places(), 0),
        };
        Ok(Csr::new(Arc::clone(&self.pattern), values))
    }

    /// Where each entry is found in the products, one after another.
    fn places(&self) -> Var {
        let (m, n) = (self.pattern.rows(), self.pattern.columns());
        let Products { columns, rows, by_column } = &self.products;
        let backward = columns.count() * m;
        let place = |((i, j), by_column): ((usize, usize), &bool)| match (by_column, self.symmetric)
        {
            (true, _) => columns.get(j).unwrap_or(0) * m + i,
            (false, true) => columns.get(i).unwrap_or(0) * m + j,
            (false, false) => backward + rows.get(i).unwrap_or(0) * n + j,
        };
        let places = self.pattern.entries().zip(by_column).map(|entry| place(entry) as i64);
        Var::constant(places.collect::<Vec<i64>>())
    }
}

/// Makes a plan in a trace of its own.
fn planned<A: VarTree>(
    x: &A::Tensors,
    make: impl FnOnce(A) -> Option<SparsePlan>,
) -> Result<SparsePlan> {
    let types: Vec<Type> = x.leaves().iter().map(Tensor::ty).collect();
    let mut plan = None;
    trace(&types, |leaves| {
        plan = make(with_leaves(x, leaves.iter().copied(), &Var::poison()));
        vec![]
    })?;
    plan.ok_or_else(|| Error::usage("the function did not return"))
}

/// A differentiated function: (x, dx) → (y, dy).
struct Linear {
    forward: Program,
    known: usize,
    results: usize,
    /// The types of the leaves that can move.
    argument: Vec<Type>,
    result: Vec<Type>,
    /// The element type of all of them.
    dtype: DType,
}

impl Linear {
    fn new<A: VarTree, R: VarTree>(recorded: &Recorded<A, R>, source: Source) -> Result<Linear> {
        recorded.differentiable(source)?;
        let dtype = recorded.argument.dtype().filter(|d| recorded.result.dtype() == Some(*d));
        let Some(dtype) = dtype else {
            let message = "the leaves of argument and result are not all of one float type";
            return Err(Error::shape(message).at("sparse matrix", source));
        };
        let forward = riesz_core::jvp(&recorded.program, &recorded.moving())?;
        Ok(Linear {
            forward: riesz_core::simplify(&forward, &Default::default()),
            known: recorded.args.len(),
            results: recorded.program.outputs().len(),
            argument: recorded.argument.directions(),
            result: recorded.result.directions(),
            dtype,
        })
    }

    fn pattern(&self) -> Result<Pattern> {
        linear_pattern(&self.forward, self.known, self.results)
    }

    fn plan(&self, pattern: Pattern, products: Products, symmetric: bool) -> SparsePlan {
        let (argument, result) = (self.argument.clone(), self.result.clone());
        SparsePlan { pattern: Arc::new(pattern), products, symmetric, argument, result }
    }

    /// The products that cost least, as far as the programs tell.
    fn cheapest(&self, pattern: &Pattern) -> Result<Products> {
        let halves = unzip(&self.forward, self.known, self.results)?;
        let forward = cost::operations(&halves.linear).max(1.0);
        let back = cost::operations(&transpose(&halves.linear, halves.residuals)?).max(1.0);
        let cost = |products: &Products| {
            forward * products.columns.count() as f64 + back * products.rows.count() as f64
        };
        let both = color_both(pattern);
        // Those of one kind need as many as their fullest row or column has entries, at least.
        let longest = |p: &Pattern| (0..p.rows()).map(|i| p.row(i).len()).max().unwrap_or(0) as f64;
        let mut best = both;
        if forward * longest(pattern) < cost(&best) {
            let columns = color_columns(pattern);
            best = if cost(&columns) <= cost(&best) { columns } else { best };
        }
        if back * longest(&pattern.transpose()) < cost(&best) {
            let rows = color_rows(pattern);
            best = if cost(&rows) < cost(&best) { rows } else { best };
        }
        Ok(best)
    }
}

/// The images of the sums of unit directions of each colour under a linear program, one after another.
fn products(
    linear: &Program,
    known: &[Var],
    directions: &[Type],
    coloring: &Coloring,
    dtype: DType,
) -> Result<Var> {
    let count = coloring.count();
    let size: usize = directions.iter().map(Type::size).sum();
    let colors: Vec<i32> = (0..size).map(|j| coloring.get(j).map_or(-1, |c| c as i32)).collect();
    let number = Var::iota(DType::I32, count).expand_dims(1);
    let seeds = Var::constant(colors).expand_dims(0).eq(number).cast(dtype);
    let mut start = 0;
    let mut args = known.to_vec();
    for ty in directions {
        let part = seeds.slice_axis(1, start, start + ty.size());
        args.push(part.reshape(ty.shape.with_leading(count)));
        start += ty.size();
    }
    let axes: Vec<Option<usize>> =
        (0..args.len()).map(|i| (i >= known.len()).then_some(0)).collect();
    let images = inline(&vmap(linear, &axes, count)?, &args);
    let rows: Vec<Var> =
        images.iter().map(|y| y.reshape([count, y.shape().size() / count])).collect();
    let joined = if let [one] = rows[..] { one } else { Var::concat(&rows, 1) };
    Ok(joined.flatten())
}
