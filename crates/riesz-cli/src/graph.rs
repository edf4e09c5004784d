//! `riesz graph`.
use crate::{Exit, Failure, Io};

/// Draw
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print a JSON array of objects
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    formula: crate::input::FormulaArgs,
}

/// Runs the command.
pub fn run(_args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    io.print("")?;
    Ok(Exit::Success)
}
