//! ADBench's data sets, read into the inputs of the evals of the same names; `adbench/README.md` has
//! the source. The mathematics is the same, but for the sign of the prior in gmm.

use crate::evals::gmm;
use crate::input::Input;
use crate::work::Work;
use riesz::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One data set with what it should give.
pub struct Set {
    /// Its path without the ending, as `gmm/1k/gmm_d2_K5`.
    pub name: String,
    eval: &'static str,
    data: PathBuf,
    reference: PathBuf,
}

/// A prepared data set.
pub struct Ready {
    /// The objective.
    pub objective: Box<dyn Work>,
    /// The Jacobian or gradient.
    pub jacobian: Box<dyn Work>,
    eval: &'static str,
}

/// What ADBench's own code gives, in its order.
pub struct Reference {
    /// The objective's numbers.
    pub objective: Vec<f64>,
    /// The Jacobian's numbers; for ba those of the blocks, row by row.
    pub jacobian: Vec<f64>,
}

/// Every data set below a folder that has `data` and `reference`, in order of name.
///
/// # Errors
/// When the folder cannot be read.
pub fn sets(folder: &Path) -> Result<Vec<Set>> {
    let mut sets = Vec::new();
    for (eval, start) in [("gmm", ""), ("ba", "ba"), ("hand", "hand"), ("lstm", "lstm")] {
        for (path, below) in files(&folder.join("data").join(eval), "")? {
            let stem = stem(&path);
            let home = folder.join("reference").join(eval);
            let reference = match (eval, stem.as_str()) {
                ("hand", "test_complicated") => home.join("test/hand_complicated"),
                (_, "test") => home.join("test/test"),
                ("ba", _) => home.join("ba1_block"),
                _ => home.join(&below).join(&stem),
            };
            let is_data = stem.starts_with("test") || stem.starts_with(start) && stem != "model";
            let has_reference = ["J.txt", "J.txt.xz", "txt"]
                .iter()
                .any(|ending| reference.with_extension(ending).exists());
            if is_data && !below.ends_with("model") && has_reference {
                let name = [eval, &below, &stem].into_iter().filter(|s| !s.is_empty());
                let name = name.collect::<Vec<_>>().join("/");
                sets.push(Set { name, eval, data: path, reference });
            }
        }
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sets)
}

impl Set {
    /// Reads the data and compiles.
    ///
    /// # Errors
    /// When a file is missing or not of the format.
    pub fn prepare(&self) -> Result<Ready> {
        let text = read(&self.data)?;
        let mut words = Words::new(&text);
        let value = match self.eval {
            "gmm" => gmm_input(&mut words)?,
            "ba" => ba_input(&mut words)?,
            "lstm" => lstm_input(&mut words)?,
            _ => {
                let folder = self.data.parent().unwrap_or(Path::new("."));
                hand_input(&mut words, self.is_complicated(), &folder.join("model"))?
            }
        };
        let input = Input::new(&value);
        let (objective, jacobian) = match self.eval {
            "gmm" => (gmm::objective(&input, -1.0)?, gmm::jacobian(&input, -1.0)?),
            name => {
                let name = if name == "hand" { "ht" } else { name };
                let eval = crate::evals::find(name)
                    .ok_or_else(|| Error::usage(format!("there is no eval {name}")))?;
                (eval.functions[0].1(&input)?, eval.functions[1].1(&input)?)
            }
        };
        Ok(Ready { objective, jacobian, eval: self.eval })
    }

    fn is_complicated(&self) -> bool {
        self.name.contains("complicated")
    }

    /// What ADBench's own code gives.
    ///
    /// # Errors
    /// When a file is missing.
    pub fn reference(&self) -> Result<Reference> {
        let path = self.reference.to_string_lossy().into_owned();
        if self.eval == "ba" && path.ends_with("block") {
            let numbers = Words::new(&read(&self.reference.with_extension("txt"))?).numbers();
            // The block, the weight's derivative, the residual, the weight's error.
            return Ok(Reference {
                objective: numbers[31..34].to_vec(),
                jacobian: [&numbers[..31]].concat(),
            });
        }
        let objective = Words::new(&read(Path::new(&format!("{path}.F.txt")))?).numbers();
        let mut jacobian = Words::new(&read(Path::new(&format!("{path}.J.txt")))?).numbers();
        if self.eval == "ba" {
            // The first block, and the last entry.
            let values = jacobian.split_off(jacobian.len() - jacobian_entries(&objective));
            let last = values[values.len() - 1];
            jacobian = [&values[..30], &[last]].concat();
            let p = objective.len() / 3;
            let objective = vec![objective[0], objective[1], objective[2 * p]];
            return Ok(Reference { objective, jacobian });
        }
        Ok(Reference { objective, jacobian })
    }
}

/// 31 entries for each observation, which has two errors and a weight.
fn jacobian_entries(objective: &[f64]) -> usize {
    objective.len() / 3 * 31
}

impl Ready {
    /// The numbers of the last runs, in ADBench's order.
    ///
    /// # Errors
    /// When there was no run, or a number is not finite.
    pub fn results(&self) -> Result<Reference> {
        let (objective, jacobian) = (self.objective.output()?, self.jacobian.output()?);
        Ok(match self.eval {
            "ba" => Reference {
                objective: [&objective["reproj_error"]["elements"], &objective["w_err"]["element"]]
                    .into_iter()
                    .flat_map(flat)
                    .collect(),
                jacobian: flat(&jacobian["vals"]),
            },
            "gmm" => {
                // Each component's diagonal, then what is below it.
                let rows = |name: &str| -> Vec<Vec<f64>> {
                    jacobian[name].as_array().into_iter().flatten().map(flat).collect()
                };
                let factors =
                    rows("q").into_iter().zip(rows("l")).flat_map(|(q, l)| [q, l].concat());
                let jacobian = [flat(&jacobian["alpha"]), flat(&jacobian["mu"]), factors.collect()];
                Reference { objective: flat(&objective), jacobian: jacobian.concat() }
            }
            _ => Reference { objective: flat(&objective), jacobian: flat(&jacobian) },
        })
    }
}

/// The largest of ADBench's measure |x − y| / max(1, |x| + |y|), and the relative error in the
/// Euclidean norm; infinite when the lengths differ.
pub fn errors(found: &[f64], expected: &[f64]) -> (f64, f64) {
    if found.len() != expected.len() {
        return (f64::INFINITY, f64::INFINITY);
    }
    let pairs = || found.iter().zip(expected);
    let rho =
        pairs().map(|(x, y)| (x - y).abs() / (x.abs() + y.abs()).max(1.0)).fold(0.0, f64::max);
    let norm = |terms: f64| terms.sqrt();
    let difference = norm(pairs().map(|(x, y)| (x - y).powi(2)).sum());
    (rho, difference / norm(expected.iter().map(|y| y * y).sum()))
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().flat_map(flat).collect(),
        other => other.as_f64().into_iter().collect(),
    }
}

fn gmm_input(words: &mut Words) -> Result<Value> {
    let [d, k, n] = words.counts()?;
    let alpha = words.take(k)?;
    let mu = words.matrix(k, d)?;
    let factors = words.matrix(k, d * (d + 1) / 2)?;
    let x = words.matrix(n, d)?;
    let [gamma, m] = [words.take(1)?[0], words.take(1)?[0]];
    let (q, l): (Vec<_>, Vec<_>) = factors.iter().map(|row| row.split_at(d)).unzip();
    Ok(json!({
        "d": d, "k": k, "n": n, "m": m, "gamma": gamma, "x": x, "alpha": alpha, "mu": mu, "q": q, "l": l,
    }))
}

fn ba_input(words: &mut Words) -> Result<Value> {
    let [n, m, p] = words.counts()?;
    let (cam, x, w, feat) = (words.take(11)?, words.take(3)?, words.take(1)?[0], words.take(2)?);
    Ok(json!({ "n": n, "m": m, "p": p, "cam": cam, "x": x, "w": w, "feat": feat }))
}

fn lstm_input(words: &mut Words) -> Result<Value> {
    let [l, c, b] = words.counts()?;
    let (main, extra) = (words.matrix(2 * l, 4 * b)?, words.matrix(3, b)?);
    let (state, sequence) = (words.matrix(2 * l, b)?, words.matrix(c, b)?);
    Ok(json!({ "main_params": main, "extra_params": extra, "state": state, "sequence": sequence }))
}

fn hand_input(words: &mut Words, complicated: bool, folder: &Path) -> Result<Value> {
    let [points, angles] = words.counts()?;
    let rows = words.matrix(points, 4)?;
    let us = if complicated { words.matrix(points, 2)? } else { Vec::new() };
    let theta = words.take(angles)?;
    let measured: Vec<&[f64]> = rows.iter().map(|row| &row[1..]).collect();
    let which: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let (mut parents, mut relative, mut inverse) = (Vec::new(), Vec::new(), Vec::new());
    for line in read(&folder.join("bones.txt"))?.lines() {
        let numbers = Words::new(line.split_once(':').map_or("", |(_, rest)| rest)).take(33)?;
        parents.push(numbers[0]);
        let matrix = |from: usize| numbers[from..from + 16].chunks(4).map(<[f64]>::to_vec);
        relative.push(matrix(1).collect::<Vec<_>>());
        inverse.push(matrix(17).collect::<Vec<_>>());
    }
    let (mut positions, mut weights) = (Vec::new(), Vec::new());
    for line in read(&folder.join("vertices.txt"))?.lines() {
        let numbers = Words::new(line).numbers();
        let [x, y, z, _, _, _, _, _, _, pairs @ ..] = &*numbers else {
            return Err(Error::usage("a line of vertices.txt has less than nine numbers"));
        };
        positions.push([*x, *y, *z, 1.0]);
        let mut row = vec![0.0; parents.len()];
        for pair in pairs.chunks_exact(2) {
            let bone = row.get_mut(pair[0] as usize);
            *bone.ok_or_else(|| Error::usage("vertices.txt names a bone that is not there"))? =
                pair[1];
        }
        weights.push(row);
    }
    let triangles = Words::new(&read(&folder.join("triangles.txt"))?).numbers();
    Ok(json!({
        "theta": theta, "us": us,
        "data": {
            "correspondences": which, "points": measured,
            "model": {
                "parents": parents, "base_relatives": relative, "inverse_base_absolutes": inverse,
                "base_positions": positions, "weights": weights, "is_mirrored": false,
                "triangles": triangles.chunks(3).collect::<Vec<_>>(),
            },
        },
    }))
}

/// The numbers of a text, between spaces or colons; lines of words are passed over.
struct Words<'t> {
    rest: Box<dyn Iterator<Item = f64> + 't>,
}

impl<'t> Words<'t> {
    fn new(text: &'t str) -> Words<'t> {
        let lines = text.lines().filter(|line| !line.contains(" error") && !line.starts_with('#'));
        let words = lines.flat_map(|line| line.split([' ', ':', '\t']));
        Words { rest: Box::new(words.filter_map(|word| word.parse().ok())) }
    }

    fn numbers(self) -> Vec<f64> {
        self.rest.collect()
    }

    fn take(&mut self, n: usize) -> Result<Vec<f64>> {
        let taken: Vec<f64> = self.rest.by_ref().take(n).collect();
        if taken.len() < n {
            return Err(Error::usage(format!(
                "the file ends after {} of {n} numbers",
                taken.len()
            )));
        }
        Ok(taken)
    }

    fn matrix(&mut self, m: usize, n: usize) -> Result<Vec<Vec<f64>>> {
        (0..m).map(|_| self.take(n)).collect()
    }

    fn counts<const N: usize>(&mut self) -> Result<[usize; N]> {
        let numbers = self.take(N)?;
        Ok(std::array::from_fn(|i| numbers[i] as usize))
    }
}

/// The files below a folder, with the folders between.
fn files(folder: &Path, below: &str) -> Result<Vec<(PathBuf, String)>> {
    let unreadable = |e| Error::usage(format!("{}: {e}", folder.display()));
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let deeper = if below.is_empty() { name } else { format!("{below}/{name}") };
            all.extend(files(&path, &deeper)?);
        } else {
            all.push((path, below.to_owned()));
        }
    }
    Ok(all)
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The text of a file, or of the same file compressed.
fn read(path: &Path) -> Result<String> {
    let failed = |e: &dyn std::fmt::Display| Error::usage(format!("{}: {e}", path.display()));
    let mut compressed = path.as_os_str().to_owned();
    compressed.push(".xz");
    if path.extension().is_some_and(|e| e == "xz")
        || !path.exists() && Path::new(&compressed).exists()
    {
        let source = if path.exists() { path.as_os_str() } else { &compressed };
        let output = Command::new("xz").arg("-dc").arg(source).output().map_err(|e| failed(&e))?;
        return String::from_utf8(output.stdout).map_err(|e| failed(&e));
    }
    fs::read_to_string(path).map_err(|e| failed(&e))
}
