//! The transformations: functions of traced values in, functions or values out.
//!
//! Each one records its function as a program, maps the program, and writes the result into the
//! trace around it; so they nest in any order, and what the function captures is constant to them.

pub mod compile;
pub mod grad;
pub mod hessian;
pub mod jacobian;
pub mod jvp;
pub mod linearize;
pub mod vjp;
pub mod vmap;

use crate::tree::{Tree, VarTree, unflatten};
use riesz_core::{DType, Error, Program, Result, Source, Type, Unzipped, Var};

/// A function recorded at arguments, and what is needed to call the record.
struct Recorded<R: VarTree> {
    /// From the leaves of the arguments, then the captured values, to the leaves of the result.
    program: Program,
    /// What to pass to `program`, in this trace.
    args: Vec<Var>,
    /// How many of `args` are leaves of the arguments.
    leaves: usize,
    /// The tree of the result.
    result: R::Skeleton,
}

/// Records `f` at values of the types of `x`. An error is left in the trace, and gives `None`.
fn record<A: VarTree, R: VarTree>(f: impl FnOnce(A) -> R, x: &A) -> Option<Recorded<R>> {
    let types: Vec<Type> = x.leaves().iter().map(|v| v.ty()).collect();
    record_as(f, x, &types)
}

/// As [`record`], with other types for the leaves.
fn record_as<A: VarTree, R: VarTree>(
    f: impl FnOnce(A) -> R,
    x: &A,
    types: &[Type],
) -> Option<Recorded<R>> {
    let mut args = x.leaves();
    let mut result = None;
    let traced = riesz_core::trace_open(types, |inner| {
        let y = f(unflatten(x, inner.to_vec(), &Var::poison()));
        result = Some(y.skeleton());
        y.leaves()
    });
    match (traced, result) {
        (Ok(traced), Some(result)) => {
            let leaves = args.len();
            args.extend(traced.captures);
            let program = riesz_core::simplify(&traced.program, &Default::default());
            Some(Recorded { program, args, leaves, result })
        }
        (Err(error), _) => {
            riesz_core::fail(error);
            None
        }
        (Ok(_), None) => None,
    }
}

impl<R: VarTree> Recorded<R> {
    /// The tree of the result with these leaves.
    fn tree(&self, leaves: &[Var]) -> R {
        self.result.map(&mut |i| leaves.get(i.0).copied().unwrap_or_else(Var::poison))
    }

    /// Which inputs of the program are arguments, and not captured.
    fn arguments(&self) -> Vec<bool> {
        (0..self.args.len()).map(|i| i < self.leaves).collect()
    }

    /// The primal program and the linear one, differentiated by the arguments alone.
    fn linearize(&self, source: Source) -> Option<Unzipped> {
        ok(self.differentiable("the argument", &self.args[..self.leaves], source).and_then(|()| {
            let forward = riesz_core::jvp(&self.program, &self.arguments())?;
            let (known, results) = (self.args.len(), self.program.outputs().len());
            riesz_core::unzip(&forward, known, results)
        }))
    }

    /// Refuses leaves that cannot move.
    fn differentiable(&self, what: &str, leaves: &[Var], source: Source) -> Result<()> {
        let outputs = self.program.output_types();
        let types = leaves.iter().map(|v| v.ty().dtype).chain(outputs.iter().map(|t| t.dtype));
        for (i, dtype) in types.enumerate() {
            if !dtype.is_float() {
                let which = if i < leaves.len() { what } else { "the result" };
                return Err(Error::usage(format!("{which} is {dtype}, which has no derivative"))
                    .at("differentiate", source)
                    .help("differentiate by f32 or f64 values; convert with `.cast(DType::F64)`"));
            }
        }
        Ok(())
    }

    /// Refuses a result that is not one number.
    fn number(&self, name: &str, source: Source) -> Option<DType> {
        let types = self.program.output_types();
        match types.as_slice() {
            [ty] if ty.shape.rank() == 0 => Some(ty.dtype),
            _ => {
                let given: Vec<String> = types.iter().map(Type::to_string).collect();
                let message = format!("the function gives {}, not one number", given.join(", "));
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
