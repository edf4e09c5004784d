//! How much memory a program needs when it is run equation by equation.

use crate::primitive::Prim;
use crate::program::Program;
use crate::types::Type;

/// The most bytes that values occupy at once, when each equation writes results of its own and a value
/// is forgotten after its last use: what [`eval`](crate::eval) needs, arguments and results included.
/// An engine that fuses operations and works in place needs less.
///
/// ```
/// use riesz_core::{DType, Type, peak_bytes, trace};
/// let chain = trace(&[Type::new(DType::F64, [100])], |x| vec![x[0].sin().exp().sum()])?;
/// assert_eq!(peak_bytes(&chain), 2 * 800);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn peak_bytes(program: &Program) -> usize {
    let dies = last_uses(program);
    let bytes = |ty: &Type| ty.bytes();
    let mut live: usize = program.input_types().iter().map(bytes).sum();
    let mut peak = live;
    for (i, eq) in program.equations().iter().enumerate() {
        let results: usize = eq.outputs().map(|v| program.ty(v).bytes()).sum();
        peak = peak.max(live + results.saturating_add(inside(&eq.prim)));
        live += results;
        // Values are numbered in the order in which they are made, so each dies once.
        for v in eq.inputs.iter().copied().chain(eq.outputs()) {
            if dies[v.index()] == i as u32 {
                live -= program.ty(v).bytes();
            }
        }
    }
    peak
}

/// The most bytes that running the programs inside a primitive takes, beside arguments and results.
fn inside(prim: &Prim) -> usize {
    prim.bodies().into_iter().map(peak_bytes).max().unwrap_or(0)
}

/// For each value the equation after which nothing uses it: its own where nothing does, none for
/// results and for arguments that nothing uses.
pub(crate) fn last_uses(program: &Program) -> Vec<u32> {
    let mut dies = vec![u32::MAX; program.len()];
    for (i, eq) in program.equations().iter().enumerate() {
        for v in eq.outputs().chain(eq.inputs.iter().copied()) {
            dies[v.index()] = i as u32;
        }
    }
    program.outputs().iter().for_each(|v| dies[v.index()] = u32::MAX);
    dies
}
