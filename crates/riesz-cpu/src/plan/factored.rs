//! Factors that are shared: a matrix that several operations factor is factored once.
//!
//! `solve`, `inverse`, `det` and `slogdet` all begin by eliminating their matrix. The gradient of a
//! solution solves with the transpose again, that of a log-determinant needs the inverse: where a
//! program has more than one of these for a matrix or its transpose, the plan has one call that factors
//! the matrix and keeps the factors in the workspace, and calls that go on from there.

use super::role::Role;
use riesz_core::primitive::Transpose;
use riesz_core::{Equation, Prim, Program, Value};
use rustc_hash::FxHashMap as HashMap;

/// The matrix, or the stack of matrices, whose factors an equation goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factored {
    /// What is factored.
    pub matrix: Value,
    /// The equation has its transpose.
    pub transposed: bool,
}

/// The equations that share factors, by number.
pub fn factored(
    program: &Program,
    roles: &[Role],
    definition: &[Option<u32>],
) -> HashMap<u32, Factored> {
    let mut uses: HashMap<Value, Vec<(u32, bool)>> = HashMap::default();
    for (i, (eq, role)) in program.equations().iter().zip(roles).enumerate() {
        if *role != Role::Call || !factors(&eq.prim) {
            continue;
        }
        let Factored { matrix, transposed } = untransposed(program, definition, eq.inputs[0]);
        // The inverse of a transpose would have to be transposed.
        if !(transposed && matches!(eq.prim, Prim::Inverse(_))) {
            uses.entry(matrix).or_default().push((i as u32, transposed));
        }
    }
    let shared = uses.into_iter().filter(|(_, uses)| uses.len() > 1);
    shared
        .flat_map(|(matrix, uses)| {
            uses.into_iter().map(move |(i, transposed)| (i, Factored { matrix, transposed }))
        })
        .collect()
}

/// Whether an operation begins with the factors of its first argument.
fn factors(prim: &Prim) -> bool {
    matches!(prim, Prim::Solve(_) | Prim::Inverse(_) | Prim::Det(_) | Prim::SLogDet(_))
}

/// What a value is, up to transposes of its matrices.
fn untransposed(program: &Program, definition: &[Option<u32>], mut matrix: Value) -> Factored {
    let mut transposed = false;
    while let Some(i) = definition[matrix.index()]
        && let Equation { prim: Prim::Transpose(Transpose { order }), inputs, .. } =
            &program.equations()[i as usize]
        && let Some((lead, &[a, b])) = order.split_last_chunk::<2>()
        && (a, b) == (lead.len() + 1, lead.len())
        && lead.is_sorted()
    {
        (matrix, transposed) = (inputs[0], !transposed);
    }
    Factored { matrix, transposed }
}
