//! The `riesz` command.
fn main() {}
