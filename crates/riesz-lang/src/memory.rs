//! How much memory an expression takes, before it is computed.

use crate::diagnostic::Diagnostic;
use crate::dims::Dims;
use crate::typed::{ExprId, Shape, Typed};

/// Bytes that may be asked for before an expression is refused: 8 GiB.
pub const LIMIT: usize = 8 << 30;

/// The bytes of a value of this shape in double precision; 0 where a size is not known.
pub fn bytes(shape: Shape, dims: &Dims) -> usize {
    match (dims.value(shape.rows), dims.value(shape.cols)) {
        (Some(m), Some(n)) => m.saturating_mul(n).saturating_mul(8),
        _ => 0,
    }
}

/// Refuses expressions whose values, with `more` bytes beside them, do not fit into memory together.
///
/// # Errors
/// Points at the largest part.
pub fn fits(typed: &Typed, dims: &Dims, roots: &[ExprId], more: usize) -> Result<(), Diagnostic> {
    let mut used = vec![false; typed.nodes.len()];
    for &root in roots {
        used.iter_mut().zip(typed.reachable(root)).for_each(|(used, by_root)| *used |= by_root);
    }
    let parts = typed.nodes.iter().zip(used).filter(|(_, used)| *used);
    let sized = parts.map(|(node, _)| (bytes(node.shape, dims), node));
    let (mut total, mut largest) = (more, None);
    for (size, node) in sized {
        total = total.saturating_add(size);
        if largest.is_none_or(|(most, _)| size > most) {
            largest = Some((size, node));
        }
    }
    match largest {
        Some((_, node)) if total > LIMIT => {
            let message = format!("this takes {}", in_words(total));
            Err(Diagnostic::new(message, node.span)
                .note(format!("the largest part; at most {} GiB are used", LIMIT >> 30))
                .help("are the sizes what they should be?"))
        }
        _ => Ok(()),
    }
}

/// `12 GiB of memory`.
pub fn in_words(bytes: usize) -> String {
    format!("{:.0} GiB of memory", bytes as f64 / f64::from(1 << 30))
}
