//! placeholder
use crate::typed::{ExprId, Typed};
/// x
pub fn rust(_t: &Typed, _r: ExprId) -> String {
    String::new()
}
