//! `riesz primitives`: every building block with its differential.
use crate::{Exit, Failure, Io};

/// List the building blocks with their differentials.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print a JSON array of objects
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(_args: &Args, io: &mut Io<'_>) -> Result<Exit, Failure> {
    io.print("")?;
    Ok(Exit::Success)
}
