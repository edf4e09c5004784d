//! `linearize`: the value and the differential as an object, a linear map.

use super::{ok, record};
use crate::tree::{Tree, VarTree};
use riesz_core::{
    Error, Program, Source, Type, Var, current_source, fail, inline, trace, transpose, vmap,
};
use std::rc::Rc;

/// The value of `f` at `x` and its differential Df(x), to be applied, composed, added, transposed
/// or written as a matrix.
///
/// # Errors
/// Left in the trace when a leaf is not a float.
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(|x: Var| {
///     let (y, df) = linearize(|x: Var| x.square(), x);
///     (y, df.matrix())
/// });
/// let (_, matrix) = f.call(&Tensor::from([1.0, 2.0]))?;
/// assert_eq!(matrix, Tensor::from([[2.0, 0.0], [0.0, 4.0]]));
/// # Ok::<(), Error>(())
/// ```
#[track_caller]
pub fn linearize<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, x: A) -> (R, LinearMap<A, R>) {
    let source = current_source();
    let input = x.skeleton();
    let Some(recorded) = record(&f, &x) else {
        // The function itself failed, so only it can say what it would have given.
        let y = f(x);
        let output = y.skeleton();
        return (y, LinearMap { program: None, known: vec![], input, output, source });
    };
    let output = recorded.result.clone();
    match recorded.linearize(source) {
        Some(halves) => {
            let mut y = inline(&halves.primal, &recorded.args);
            let known = y.split_off(recorded.program.outputs().len());
            let program = Some(Rc::new(halves.linear));
            (recorded.tree(&y), LinearMap { program, known, input, output, source })
        }
        None => {
            let map = LinearMap { program: None, known: vec![], input, output, source };
            (recorded.tree(&[]), map)
        }
    }
}

/// A linear map between spaces of trees, in the trace that made it.
#[derive(Clone)]
pub struct LinearMap<A: VarTree, R: VarTree> {
    /// Linear in its inputs after the known ones; none when making the map failed.
    program: Option<Rc<Program>>,
    known: Vec<Var>,
    input: A::Skeleton,
    output: R::Skeleton,
    source: Source,
}

impl<A: VarTree, R: VarTree> LinearMap<A, R> {
    /// The image of `dx`.
    pub fn apply(&self, dx: A) -> R {
        let leaves = self.apply_leaves(&dx.leaves());
        place(&self.output, &leaves)
    }

    fn apply_leaves(&self, dx: &[Var]) -> Vec<Var> {
        let Some(program) = &self.program else { return vec![] };
        let expected = self.input_types();
        let given: Vec<Type> = dx.iter().map(|v| v.ty()).collect();
        if expected != given {
            fail(
                Error::shape(format!("the linear map takes {expected:?}, not {given:?}"))
                    .at("linear map", self.source),
            );
            return vec![];
        }
        let args: Vec<Var> = self.known.iter().chain(dx).copied().collect();
        inline(program, &args)
    }

    /// The map Lᵀ with ⟨L·dx, ct⟩ = ⟨dx, Lᵀ·ct⟩.
    pub fn transpose(&self) -> LinearMap<R, A> {
        let back = self.program.as_ref().and_then(|p| ok(transpose(p, self.known.len())));
        LinearMap {
            program: back.map(Rc::new),
            known: self.known.clone(),
            input: self.output.clone(),
            output: self.input.clone(),
            source: self.source,
        }
    }

    /// First this map, then `next`: the chain rule.
    #[track_caller]
    pub fn then<S: VarTree>(&self, next: &LinearMap<R, S>) -> LinearMap<A, S> {
        let program = self.combine(next, |first, second, known, dx| {
            let y = inline(first, &[known.0, dx].concat());
            inline(second, &[known.1, &y].concat())
        });
        LinearMap {
            program,
            known: [self.known.as_slice(), &next.known].concat(),
            input: self.input.clone(),
            output: next.output.clone(),
            source: current_source(),
        }
    }

    /// The sum of two maps: parallel branches.
    #[track_caller]
    pub fn plus(&self, other: &LinearMap<A, R>) -> LinearMap<A, R> {
        let program = self.combine(other, |first, second, known, dx| {
            let y = inline(first, &[known.0, dx].concat());
            let z = inline(second, &[known.1, dx].concat());
            y.into_iter().zip(z).map(|(y, z)| y + z).collect()
        });
        LinearMap {
            program,
            known: [self.known.as_slice(), &other.known].concat(),
            input: self.input.clone(),
            output: self.output.clone(),
            source: current_source(),
        }
    }

    /// A program made of two linear ones that share the known values and the direction.
    fn combine<B: VarTree, S: VarTree>(
        &self,
        other: &LinearMap<B, S>,
        f: impl FnOnce(&Program, &Program, (&[Var], &[Var]), &[Var]) -> Vec<Var>,
    ) -> Option<Rc<Program>> {
        let (first, second) = (self.program.as_ref()?, other.program.as_ref()?);
        let (m, n) = (self.known.len(), other.known.len());
        let mut types: Vec<Type> = first.input_types()[..m].to_vec();
        types.extend_from_slice(&second.input_types()[..n]);
        types.extend_from_slice(&first.input_types()[m..]);
        let program = trace(&types, |args| {
            let (known, dx) = args.split_at(m + n);
            f(first, second, known.split_at(m), dx)
        });
        ok(program).map(Rc::new)
    }

    /// The matrix of the map: one column for each element of the argument, one row for each element
    /// of the result, leaves in order.
    #[track_caller]
    pub fn matrix(&self) -> Var {
        let Some(program) = &self.program else { return Var::poison() };
        let columns: usize = self.input_types().iter().map(Type::size).sum();
        let Some(images) = ok(vmap(program, &self.axes(), columns)) else {
            return Var::poison();
        };
        let args: Vec<Var> = self.known.iter().copied().chain(self.basis()).collect();
        let mut blocks = Vec::new();
        for image in inline(&images, &args) {
            let size = image.shape().size() / columns.max(1);
            blocks.push(image.reshape([columns, size]));
        }
        match blocks.len() {
            1 => blocks[0].t(),
            _ => Var::concat(&blocks, 1).t(),
        }
    }

    /// For each leaf of the argument, the unit directions of the whole argument restricted to it.
    fn basis(&self) -> Vec<Var> {
        let types = self.input_types();
        let columns: usize = types.iter().map(Type::size).sum();
        let mut start = 0;
        let mut basis = Vec::new();
        for ty in &types {
            let eye = Var::eye(ty.dtype, columns);
            let part = eye.slice_axis(1, start, start + ty.size());
            start += ty.size();
            basis.push(part.reshape(ty.shape.with_leading(columns)));
        }
        basis
    }

    fn axes(&self) -> Vec<Option<usize>> {
        let leaves = self.input_types().len();
        let known = self.known.iter().map(|_| None);
        known.chain((0..leaves).map(|_| Some(0))).collect()
    }

    fn input_types(&self) -> Vec<Type> {
        let types = self.program.as_ref().map(|p| p.input_types()[self.known.len()..].to_vec());
        types.unwrap_or_default()
    }

    /// A multiple of the map.
    #[track_caller]
    pub fn scaled(&self, factor: f64) -> LinearMap<A, R> {
        let scaled = self.program.as_ref().and_then(|program| {
            let types = program.input_types().to_vec();
            let scaled = trace(&types, |args| {
                inline(program, args).into_iter().map(|y| factor * y).collect()
            });
            ok(scaled).map(Rc::new)
        });
        LinearMap { program: scaled, ..self.clone() }
    }
}

/// The tree of a structure with these leaves.
fn place<T: VarTree>(structure: &T::Skeleton, leaves: &[Var]) -> T {
    structure.map(&mut |i| leaves.get(i.0).copied().unwrap_or_else(Var::poison))
}
