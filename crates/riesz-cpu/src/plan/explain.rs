//! A plan as a person reads it: the steps in order, what each does, and what it costs.

use super::{Place, Plan};
use crate::nest::{Nest, Op, Reduction, Step, Store};
use std::fmt::{self, Display, Formatter};

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let equations = self.program.equations().len();
        let (nests, calls) = count(&self.region.steps);
        writeln!(
            f,
            "{equations} equations in {nests} nests and {calls} calls; workspace {}",
            Bytes(self.workspace)
        )?;
        self.write_steps(f, &self.region.steps, 1)
    }
}

impl Plan {
    fn write_steps(&self, f: &mut Formatter<'_>, steps: &[Step], depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        for step in steps {
            match step {
                Step::Nest(nest) => self.write_nest(f, nest, &indent)?,
                Step::Call(call) => {
                    let operands: Vec<String> =
                        call.operands.iter().map(|&o| self.name(o)).collect();
                    writeln!(
                        f,
                        "{indent}call  {} of {}",
                        call.function.name(),
                        operands.join(", ")
                    )?;
                }
                Step::Loop { count, body, .. } => {
                    writeln!(f, "{indent}loop  {count} times")?;
                    self.write_steps(f, body, depth + 1)?;
                }
                Step::While { test, flag, body } => {
                    writeln!(f, "{indent}while {}", self.name(*flag))?;
                    self.write_steps(f, test, depth + 1)?;
                    writeln!(f, "{indent}do")?;
                    self.write_steps(f, body, depth + 1)?;
                }
                Step::If { flag, yes, no } => {
                    writeln!(f, "{indent}if    {}", self.name(*flag))?;
                    self.write_steps(f, yes, depth + 1)?;
                    writeln!(f, "{indent}else")?;
                    self.write_steps(f, no, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn write_nest(&self, f: &mut Formatter<'_>, nest: &Nest, indent: &str) -> fmt::Result {
        let lanes = |l: usize| if nest.vector == Some(l) { "*" } else { "" };
        let extents: Vec<String> =
            nest.extents.iter().enumerate().map(|(l, n)| format!("{n}{}", lanes(l))).collect();
        let extents = if extents.is_empty() { "once".to_string() } else { extents.join("×") };
        let mut reads: Vec<String> = nest
            .body
            .iter()
            .filter_map(|inst| match &inst.op {
                Op::Load(a) | Op::Gather { access: a, .. } => Some(self.name(a.operand)),
                _ => None,
            })
            .collect();
        reads.dedup();
        let stores: Vec<String> = nest.stores.iter().map(|s| self.store(s)).collect();
        let operations = nest.body.iter().filter(|i| !matches!(i.op, Op::Load(_) | Op::Const(_)));
        writeln!(
            f,
            "{indent}nest  {extents}: {} operations on {}; {}",
            operations.count(),
            reads.join(", "),
            stores.join(", ")
        )
    }

    fn store(&self, store: &Store) -> String {
        let name = self.name(store.access.operand);
        let how = match store.fold {
            None => "writes",
            Some(fold) => match fold.op {
                Reduction::Sum => "sums into",
                Reduction::Max => "greatest into",
                Reduction::Min => "least into",
            },
        };
        format!("{how} {name}")
    }

    /// An operand: argument, result or place in the workspace, with its type.
    fn name(&self, operand: u32) -> String {
        let buffer = &self.buffers[operand as usize];
        let ty = format!("{}[{}]", buffer.dtype, buffer.len);
        match buffer.place {
            Place::Argument(i) => format!("argument {i} {ty}"),
            Place::Constant(i) => format!("constant {i} {ty}"),
            Place::Result(i) => format!("result {i} {ty}"),
            Place::Workspace(_) => format!("t{operand} {ty}"),
            Place::Window(of) => format!("a part of {}", self.name(of)),
        }
    }
}

fn count(steps: &[Step]) -> (usize, usize) {
    let mut total = (0, 0);
    for step in steps {
        let (nests, calls) = match step {
            Step::Nest(_) => (1, 0),
            Step::Call(_) => (0, 1),
            Step::Loop { body, .. } => count(body),
            Step::While { test: a, body: b, .. } | Step::If { yes: a, no: b, .. } => {
                let (a, b) = (count(a), count(b));
                (a.0 + b.0, a.1 + b.1)
            }
        };
        total = (total.0 + nests, total.1 + calls);
    }
    total
}

/// A number of bytes in a unit that suits it.
struct Bytes(usize);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024.0 || unit == "GiB" {
                let digits = if unit == "B" { 0 } else { 1 };
                return write!(f, "{value:.digits$} {unit}");
            }
            value /= 1024.0;
        }
        Ok(())
    }
}
