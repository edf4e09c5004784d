//! The corpus: programs as text with what every stage makes of them, in `tests/corpus`.
//!
//! A file has sections, each begun by `== name`. `program` is given, and `at`, a tensor on each line.
//! The others are computed and compared; set `UPDATE=1` to rewrite those that a file has. Numbers
//! are compared up to rounding, programs exactly; values were checked against the closed forms that
//! a file's head states.

use crate::differentiate::gradient_program;
use riesz_core::{
    Error, Program, Result, SimplifyOptions, Tensor, eval, jvp, simplify, trace, transpose, unzip,
    vmap,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How what follows a name is made.
type Make = fn(&Case) -> Result<String>;

/// What can follow `==`.
const SECTIONS: &[(&str, Make)] = &[
    ("simplified", |c| Ok(simple(&c.program).to_string())),
    ("value", |c| c.values(&c.program)),
    ("simplified value", |c| c.values(&simple(&c.program))),
    ("differential", |c| Ok(jvp(&c.program, &c.floats())?.to_string())),
    ("primal", |c| Ok(c.halves()?.primal.to_string())),
    ("linear", |c| Ok(c.halves()?.linear.to_string())),
    ("transposed", |c| {
        let halves = c.halves()?;
        Ok(transpose(&halves.linear, halves.residuals)?.to_string())
    }),
    ("gradient", |c| Ok(simple(&c.gradient()?).to_string())),
    ("gradient value", |c| c.values(&c.gradient()?)),
    ("batched", |c| {
        let axes = vec![Some(0); c.program.inputs().count()];
        Ok(vmap(&c.program, &axes, 2)?.to_string())
    }),
];

struct Case {
    program: Program,
    at: Vec<Tensor>,
}

impl Case {
    fn floats(&self) -> Vec<bool> {
        self.program.input_types().iter().map(|t| t.dtype.is_float()).collect()
    }

    fn halves(&self) -> Result<riesz_core::Unzipped> {
        let inputs = self.program.inputs().count();
        unzip(&jvp(&self.program, &self.floats())?, inputs, self.program.outputs().len())
    }

    /// The gradients of the sum of all results, of the simplified program, as the library does it.
    fn gradient(&self) -> Result<Program> {
        gradient_program(&simple(&self.program), &self.floats())
    }

    fn values(&self, program: &Program) -> Result<String> {
        let lines = eval(program, &self.at)?.iter().map(as_text).collect::<Result<Vec<_>>>()?;
        Ok(lines.join("\n"))
    }
}

fn simple(program: &Program) -> Program {
    simplify(program, &SimplifyOptions::default())
}

/// A tensor as it stands in the text of a program.
fn as_text(tensor: &Tensor) -> Result<String> {
    let program = trace(&[], |_| vec![riesz_core::Var::constant(tensor.clone())])?.to_string();
    let text = program.split_once("value=").and_then(|(_, rest)| rest.split_once(")\n"));
    Ok(text.map(|(tensor, _)| tensor.to_string()).unwrap_or_default())
}

fn tensors(text: &str) -> Result<Vec<Tensor>> {
    let one = |line: &str| -> Result<Tensor> {
        let program: Program = format!("() {{ %0 = constant(value={line}) return %0 }}").parse()?;
        Ok(eval(&program, &[])?.remove(0))
    };
    text.lines().filter(|l| !l.trim().is_empty()).map(one).collect()
}

fn same_tensors(a: &[Tensor], b: &[Tensor]) -> bool {
    let close = |(x, y): (f64, f64)| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-14 * y.abs().max(1.0)
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.ty() == b.ty() && a.to_f64().into_iter().zip(b.to_f64()).all(close))
}

/// The sections of a file, in order; the first, without a name, is the head.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), String::new())];
    for line in text.lines() {
        match (line.strip_prefix("== "), all.last_mut()) {
            (Some(name), _) => all.push((name.trim().to_string(), String::new())),
            (None, Some((_, body))) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    all
}

fn files() -> std::io::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "riesz"));
    files.sort();
    Ok(files)
}

/// What a section should say, and whether it does.
fn check(case: &Case, name: &str, body: &str) -> Result<(String, bool)> {
    let Some((_, make)) = SECTIONS.iter().find(|(n, _)| *n == name) else {
        return Err(Error::usage(format!("there is no section `{name}`")));
    };
    let ours = make(case)?;
    let same = match name.ends_with("value") {
        true => same_tensors(&tensors(&ours)?, &tensors(body)?),
        false => {
            // What is printed has to be a program again.
            assert_eq!(ours.parse::<Program>()?.to_string(), ours);
            ours.trim() == body.trim()
        }
    };
    Ok((ours.trim().to_string(), same))
}

#[test]
fn every_stage_is_as_written() -> Result<(), Box<dyn std::error::Error>> {
    let update = std::env::var_os("UPDATE").is_some();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for file in files()? {
        let text = std::fs::read_to_string(&file)?.replace("\r\n", "\n");
        let mut sections = sections(&text);
        let find = |name: &str| sections.iter().find(|s| s.0 == name).map(|s| s.1.as_str());
        let named = |e: Error| format!("{}: {e}", file.display());
        let case = Case {
            program: find("program").unwrap_or_default().parse().map_err(named)?,
            at: tensors(find("at").unwrap_or_default()).map_err(named)?,
        };
        for (name, body) in sections.iter_mut() {
            *seen.entry(name.clone()).or_default() += 1;
            if matches!(name.as_str(), "" | "program" | "at") {
                continue;
            }
            let (ours, same) = check(&case, name, body).map_err(named)?;
            if update && !same {
                *body = format!("{ours}\n\n");
            } else {
                assert!(same, "{}, {name}: now\n{ours}\nin the file\n{body}", file.display());
            }
        }
        if update {
            let mut text = String::new();
            for (i, (name, body)) in sections.iter().enumerate() {
                let head = if i == 0 { String::new() } else { format!("== {name}\n") };
                let _ = write!(text, "{head}{}\n\n", body.trim());
            }
            std::fs::write(&file, format!("{}\n", text.trim()))?;
        }
    }
    for (name, _) in SECTIONS {
        assert!(seen.contains_key(*name), "no file has the section {name}");
    }
    Ok(())
}
