//! The transformations: functions of traced values in, functions or values out.
//!
//! Each one records its function as a program, maps the program, and writes the result into the
//! trace around it; so they nest in any order, and what the function captures is constant to them.

pub mod argmin;
pub mod checkpoint;
pub mod compile;
pub mod cond;
pub mod custom_jvp;
pub mod custom_vjp;
pub mod fixed_point;
pub mod fori;
pub mod grad;
pub mod hessian;
pub mod jacobian;
pub mod jvp;
pub mod linear_map;
pub mod linear_solve;
pub mod linearize;
pub mod metric;
pub mod root;
pub mod scan;
pub mod stop_gradient;
pub mod vjp;
pub mod vmap;
pub mod while_loop;

mod space;
pub mod sparse;

use crate::tree::{VarTree, skeleton, with_leaves};
use riesz_core::{DType, Error, Program, Result, Source, Type, Unzipped, Var};
use space::Space;

/// A function recorded at arguments, and what is needed to call the record.
struct Recorded<A: VarTree, R: VarTree> {
    /// From the leaves of the arguments, then the captured values, to the leaves of the result.
    program: Program,
    /// What to pass to `program`, in this trace.
    args: Vec<Var>,
    /// Where the argument lives. Its leaves are the first of `args`.
    argument: Space<A>,
    /// Where the result lives.
    result: Space<R>,
}

/// Records `f` at values of the types of `x`. An error is left in the trace, and gives `None`.
fn record<A: VarTree, R: VarTree>(f: impl FnOnce(A) -> R, x: &A) -> Option<Recorded<A, R>> {
    let types: Vec<Type> = x.leaves().iter().map(|v| v.ty()).collect();
    record_as(f, x, types)
}

/// As [`record`], with other types for the leaves.
fn record_as<A: VarTree, R: VarTree>(
    f: impl FnOnce(A) -> R,
    x: &A,
    types: Vec<Type>,
) -> Option<Recorded<A, R>> {
    let mut args = x.leaves();
    let mut result = None;
    let traced = riesz_core::trace_open(&types, |inner| {
        let y = f(with_leaves(x, inner.iter().copied(), &Var::poison()));
        result = Some(skeleton(&y));
        y.leaves()
    });
    match (traced, result) {
        (Ok(traced), Some(result)) => {
            args.extend(traced.captures);
            let program = riesz_core::simplify(&traced.program, &Default::default());
            let result = Space::new(result, program.output_types());
            Some(Recorded { program, args, argument: Space::new(skeleton(x), types), result })
        }
        (Err(error), _) => {
            riesz_core::fail(error);
            None
        }
        (Ok(_), None) => None,
    }
}

impl<A: VarTree, R: VarTree> Recorded<A, R> {
    /// By which inputs of the program to differentiate: the leaves of the argument that can move.
    fn moving(&self) -> Vec<bool> {
        let mut moving: Vec<bool> = self.argument.moves().collect();
        moving.resize(self.args.len(), false);
        moving
    }

    /// The primal program and the linear one, differentiated by the arguments alone.
    fn linearize(&self, source: Source) -> Option<Unzipped> {
        ok(self.differentiable(source).and_then(|()| {
            let forward = riesz_core::jvp(&self.program, &self.moving())?;
            let (known, results) = (self.args.len(), self.program.outputs().len());
            riesz_core::unzip(&forward, known, results)
        }))
    }

    /// Refuses functions of nothing that can move, or with no result that can.
    fn differentiable(&self, source: Source) -> Result<()> {
        self.argument
            .expect_moving("the argument")
            .and_then(|()| self.result.expect_moving("the result"))
            .map_err(|e| e.at("differentiate", source))
    }

    /// Refuses a result that is not one number.
    fn number(&self, name: &str, source: Source) -> Option<DType> {
        match self.result.types() {
            [ty] if ty.shape.rank() == 0 => Some(ty.dtype),
            types => {
                let message = format!("the function gives {}, not one number", tuple_of(types));
                riesz_core::fail(
                    Error::usage(message)
                        .at(name, source)
                        .help("sum it, or use `jacobian` or `vjp`"),
                );
                None
            }
        }
    }
}

/// The types of the leaves of a tree in words: `f64[2]`, or `(f64[2], i64)`.
fn tuple_of(types: &[Type]) -> String {
    match types {
        [ty] => ty.to_string(),
        _ => format!("({})", types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The tree of a structure with these leaves; poisoned where there are too few.
fn place<T: VarTree>(structure: &T::Skeleton, leaves: &[Var]) -> T {
    with_leaves(structure, leaves.iter().copied(), &Var::poison())
}

/// The value, or nothing and the error left in the trace.
fn ok<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            riesz_core::fail(error);
            None
        }
    }
}

/// The tree of `like` with every leaf poisoned: what a transformation that failed gives.
fn poisoned<T: VarTree>(like: &T) -> T {
    like.map(&mut |_| Var::poison())
}
