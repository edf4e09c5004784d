//! Plans of compiled functions, as a person reads them.

use riesz::prelude::*;

/// The plan of a function, with the least time of each of its steps in some calls.
///
/// # Errors
/// When it cannot be compiled or run.
pub fn measured<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, args: &A::Tensors) -> Result<String> {
    const CALLS: usize = 20;
    let f = compile(f).measure(true);
    for _ in 0..CALLS {
        f.call(args)?;
    }
    f.explain(args)
}
