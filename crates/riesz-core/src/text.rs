//! Programs as text, printed and parsed back exactly.
//!
//! `Display` prints a [`Program`], `{:#}` with the place of each equation beside it, and `str::parse`
//! reads it again: the same equations of the same values, every number to the last bit. The text is
//! for people: test corpora, reports of mistakes, a look at what a transformation did.
//!
//! ```text
//! (%0: f64[3], %1: f64[3]) {
//!   %2: f64[3] = mul(%0, %1)
//!   %3: f64[] = reduce_sum(%2, axes=[0])
//!   return %3
//! }
//! ```
//!
//! Inputs come first; each equation names its results, a primitive, the values it is applied to and
//! its attributes; `return` names the results. A value is `%` and letters, digits or `_`; printed,
//! its number. The types of results may be left out: the shape rule knows them. An attribute is a
//! whole number, a list of them, a word, a tensor (`f64[2] {1.5, -inf}`, in row-major order; a NaN
//! other than the usual one is written by its bits, `nan(0x7ff8000000000001)`), or a program, in
//! parentheses and braces as above, which sees only its own inputs. `#` begins a comment.
//!
//! ```
//! use riesz_core::{Program, Tensor, eval};
//! let text = "(%x: f64[2]) { %s = reduce_sum(%x, axes=[0]) %y = exp(%s) return %y }";
//! let program: Program = text.parse()?;
//! assert_eq!(eval(&program, &[Tensor::from([1.0, -1.0])])?, [Tensor::from(1.0)]);
//! assert_eq!(program, program.to_string().parse()?);
//!
//! let error = "(%x: f64[2]) {\n  return %z\n}".parse::<Program>().unwrap_err();
//! assert_eq!(error.to_string(), "there is no value %z here\n  at line 2, column 10 of the program");
//! # Ok::<(), riesz_core::Error>(())
//! ```

mod parse;
mod token;

use crate::error::{Error, Source};
use crate::primitive::{Attribute, Primitive};
use crate::program::{Equation, Program, Value};
use crate::tensor::{Data, Tensor};
use std::fmt::{self, Display, Formatter, Write};
use std::str::FromStr;

impl FromStr for Program {
    type Err = Error;

    /// Reads a program from its text.
    ///
    /// # Errors
    /// Says what is wrong and at which line and column: a mistake in the writing, an unknown
    /// primitive, a value that is not defined, types that do not fit.
    fn from_str(text: &str) -> Result<Program, Error> {
        parse::program(text)
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        print(self, f, 0)
    }
}

/// Writes a program whose closing brace is indented by `depth` steps. Programs nest as deep as a
/// person nested loops and functions, so this recursion is shallow.
fn print(program: &Program, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    f.write_char('(')?;
    list(f, program.inputs(), |f, v| write!(f, "{v:?}: {}", program.ty(v)))?;
    f.write_str(") {\n")?;
    for eq in program.equations() {
        indent(f, depth + 1)?;
        equation(program, eq, f, depth + 1)?;
        if f.alternate() && eq.source != Source::Unknown {
            write!(f, "  # {}", eq.source)?;
        }
        f.write_char('\n')?;
    }
    indent(f, depth + 1)?;
    f.write_str("return")?;
    if !program.outputs().is_empty() {
        f.write_char(' ')?;
        list(f, program.outputs(), |f, v| write!(f, "{v:?}"))?;
    }
    f.write_char('\n')?;
    indent(f, depth)?;
    f.write_char('}')
}

fn equation(program: &Program, eq: &Equation, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    list(f, eq.outputs(), |f, v| write!(f, "{v:?}: {}", program.ty(v)))?;
    if eq.count > 0 {
        f.write_str(" = ")?;
    }
    write!(f, "{}(", eq.prim.name())?;
    list(f, &eq.inputs, |f, v: &Value| write!(f, "{v:?}"))?;
    for (i, (name, attribute)) in eq.prim.attributes().iter().enumerate() {
        if i > 0 || !eq.inputs.is_empty() {
            f.write_str(", ")?;
        }
        write!(f, "{name}=")?;
        match attribute {
            Attribute::Int(n) => write!(f, "{n}")?,
            Attribute::Ints(all) => {
                f.write_char('[')?;
                list(f, all, |f, n| write!(f, "{n}"))?;
                f.write_char(']')?;
            }
            Attribute::Word(word) => f.write_str(word)?,
            Attribute::Tensor(t) => tensor(t, f)?,
            Attribute::Program(p) => print(p, f, depth)?,
        }
    }
    f.write_char(')')
}

/// The type and the elements in row-major order, each so that it reads back as the same bits.
fn tensor(t: &Tensor, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "{} {{", t.ty())?;
    match t.data() {
        Data::F32(all) => list(f, all.iter(), |f, x| match x.is_nan() {
            true => nan(f, x.to_bits().into(), f32::NAN.to_bits().into()),
            false => write!(f, "{x:?}"),
        }),
        Data::F64(all) => list(f, all.iter(), |f, x| match x.is_nan() {
            true => nan(f, x.to_bits(), f64::NAN.to_bits()),
            false => write!(f, "{x:?}"),
        }),
        Data::I32(all) => list(f, all.iter(), |f, x| write!(f, "{x}")),
        Data::I64(all) => list(f, all.iter(), |f, x| write!(f, "{x}")),
        Data::Bool(all) => list(f, all.iter(), |f, x| write!(f, "{x}")),
    }?;
    f.write_char('}')
}

fn nan(f: &mut Formatter<'_>, bits: u64, usual: u64) -> fmt::Result {
    if bits == usual { f.write_str("nan") } else { write!(f, "nan({bits:#x})") }
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    mut one: impl FnMut(&mut Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    Ok(())
}

fn indent(f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
    (0..depth).try_for_each(|_| f.write_str("  "))
}
