//! `einsum`: sums of products written with one letter for each axis.
//!
//! Each operand first loses what concerns it alone: repeated letters become diagonals, letters that
//! occur nowhere else are summed. What is left is multiplied pair by pair ([`super::product`]), in the order
//! [`super::contraction`] finds.

use super::check::{composed, expect};
use super::contraction::Contraction;
use super::product::{Term, multiplied};
use crate::error::{Error, Result};
use crate::primitive::support::expect_number;
use crate::trace::Var;
use crate::types::Shape;

/// The name of an axis: a letter, or a place counted from the end of what `...` stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label {
    Letter(char),
    Dots(usize),
}

impl Var {
    /// The sum of products that a text names: letters for the axes of each operand, separated by
    /// commas, then `->` and the axes of the result. Letters that are not in the result are summed
    /// over. Without `->` the result has the letters that occur once, in alphabetical order. A
    /// letter twice in one operand takes the diagonal; `...` stands for any further axes, which
    /// broadcast. The order of the products is the cheapest for up to 8 operands, and a good one
    /// beyond.
    ///
    /// ```
    /// use riesz_core::{DType, Tensor, Type, Var, eval, trace};
    /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let f = trace(&[a.ty()], |x| {
    ///     vec![Var::einsum("ij,jk->ik", &[x[0], x[0]]), Var::einsum("ii", &[x[0]])]
    /// })?;
    /// let y = eval(&f, &[a])?;
    /// assert_eq!(y[0], Tensor::from([[7.0, 10.0], [15.0, 22.0]]));
    /// assert_eq!(y[1], Tensor::from(5.0));
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn einsum(text: &str, operands: &[Var]) -> Var {
        composed("einsum", operands, || {
            evaluate(text, operands).map_err(|e| {
                let help = e.help_text().to_string();
                Error::new(e.kind(), format!("in \"{text}\": {}", e.message())).help(help)
            })
        })
    }
}

fn evaluate(text: &str, operands: &[Var]) -> Result<Var> {
    let ranks: Vec<usize> = operands.iter().map(|v| v.rank()).collect();
    let (inputs, output) = parse(text, &ranks)?;
    for operand in operands {
        expect_number(&operand.ty())?;
        expect(operand.dtype() == operands[0].dtype(), || {
            format!("element types {} and {} differ", operands[0].dtype(), operand.dtype())
        })?;
    }
    let sizes = lengths(&inputs, operands)?;
    let size_of = |l: &Label| sizes.iter().find(|s| s.0 == *l).map_or(1, |s| s.1);
    let mut terms: Vec<Term<Label>> = operands
        .iter()
        .zip(inputs)
        .map(|(&value, labels)| Term { value, labels }.squeezed(&size_of).diagonals())
        .collect();
    for i in 0..terms.len() {
        let alone = |l: &Label| {
            !output.contains(l)
                && terms.iter().enumerate().all(|(j, t)| i == j || !t.labels.contains(l))
        };
        let axes: Vec<usize> =
            (0..terms[i].labels.len()).filter(|&a| alone(&terms[i].labels[a])).collect();
        terms[i].value = terms[i].value.sum_axes(&axes);
        let mut axis = 0;
        terms[i].labels.retain(|_| {
            axis += 1;
            !axes.contains(&(axis - 1))
        });
    }
    // Letters as bits, for the search.
    let bits = |labels: &[Label]| -> u128 {
        let bit = |l: &Label| sizes.iter().position(|s| s.0 == *l).map_or(0, |k| 1u128 << k);
        labels.iter().map(bit).fold(0, |all, b| all | b)
    };
    let sets: Vec<u128> = terms.iter().map(|t| bits(&t.labels)).collect();
    let lengths: Vec<f64> = sizes.iter().map(|s| s.1 as f64).collect();
    let output_set = bits(&output);
    let order =
        Contraction { sets: &sets, output: output_set, lengths: &lengths, symmetric: &[] }.order();
    let empty = || Error::usage("there are no operands");
    multiplied(terms, &order, &output, &size_of).ok_or_else(empty)
}

impl Term<Label> {
    /// Without the axes of length 1 that broadcast against longer ones.
    fn squeezed(self, size_of: &impl Fn(&Label) -> usize) -> Term<Label> {
        let shape = self.value.shape();
        let stays = |axis: usize| shape[axis] == size_of(&self.labels[axis]);
        let kept: Vec<usize> = (0..shape.rank()).filter(|&a| stays(a)).collect();
        let value = self.value.reshape(kept.iter().map(|&a| shape[a]).collect::<Shape>());
        Term { value, labels: kept.into_iter().map(|a| self.labels[a]).collect() }
    }

    /// With each letter once: of axes that share one, the diagonal.
    fn diagonals(mut self) -> Term<Label> {
        let repeated = |labels: &[Label]| {
            (0..labels.len())
                .find_map(|j| labels[..j].iter().position(|l| *l == labels[j]).map(|i| (i, j)))
        };
        while let Some((i, j)) = repeated(&self.labels) {
            let last = self.labels.len() - 1;
            let both = self.value.move_axis(j, last).move_axis(i, last);
            self.value = both.diagonal();
            let label = self.labels.remove(j);
            self.labels.remove(i);
            self.labels.push(label);
        }
        self
    }
}

/// The length of each axis by its name, in the order of their first use.
fn lengths(inputs: &[Vec<Label>], operands: &[Var]) -> Result<Vec<(Label, usize)>> {
    let mut sizes: Vec<(Label, usize)> = Vec::new();
    for (k, (labels, operand)) in inputs.iter().zip(operands).enumerate() {
        for (&label, &n) in labels.iter().zip(operand.shape().iter()) {
            match sizes.iter_mut().find(|s| s.0 == label) {
                None => sizes.push((label, n)),
                Some(known) if known.1 == n => {}
                Some(known) if matches!(label, Label::Dots(_)) && known.1 == 1 => known.1 = n,
                Some(_) if matches!(label, Label::Dots(_)) && n == 1 => {}
                Some(known) => {
                    let name = match label {
                        Label::Letter(c) => format!("`{c}`"),
                        Label::Dots(_) => "an axis of `...`".to_string(),
                    };
                    return Err(Error::shape(format!(
                        "{name} has length {} before and {n} in operand {}",
                        known.1,
                        k + 1
                    )));
                }
            }
        }
    }
    expect(sizes.len() <= 128, || format!("{} letters are more than 128", sizes.len()))?;
    Ok(sizes)
}

/// The names of the axes of each operand and of the result.
fn parse(text: &str, ranks: &[usize]) -> Result<(Vec<Vec<Label>>, Vec<Label>)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (text.as_str(), None),
    };
    let parts: Vec<&str> = inputs.split(',').collect();
    expect(parts.len() == ranks.len(), || {
        format!("the text names {} operands, there are {}", parts.len(), ranks.len())
    })?;
    let mut all = Vec::with_capacity(parts.len());
    let mut dots = 0;
    for (k, (part, &rank)) in parts.iter().zip(ranks).enumerate() {
        let letters = part.replacen("...", "", 1).chars().count();
        let open = part.contains("...");
        let fits = if open { letters <= rank } else { letters == rank };
        expect(fits, || {
            let least = if open { "at least " } else { "" };
            format!("operand {} has {rank} axes, `{part}` names {least}{letters}", k + 1)
        })?;
        if open {
            dots = dots.max(rank - letters);
        }
        all.push(labels(part, rank.saturating_sub(letters))?);
    }
    let output = match output {
        Some(output) => {
            let labels = labels(output, dots)?;
            expect(dots == 0 || output.contains("..."), || {
                "`...` stands for axes of the operands, but is not in the result".to_string()
            })?;
            labels
        }
        None => {
            let mut once: Vec<char> = all
                .iter()
                .flatten()
                .filter(|&l| all.iter().flatten().filter(|&m| m == l).count() == 1)
                .filter_map(|l| if let Label::Letter(c) = l { Some(*c) } else { None })
                .collect();
            once.sort_unstable();
            let dots = (0..dots).rev().map(Label::Dots);
            dots.chain(once.into_iter().map(Label::Letter)).collect()
        }
    };
    for (i, label) in output.iter().enumerate() {
        if let Label::Letter(c) = label {
            expect(all.iter().flatten().any(|l| l == label), || {
                format!("`{c}` of the result is in no operand")
            })?;
            expect(!output[..i].contains(label), || format!("`{c}` is twice in the result"))?;
        }
    }
    Ok((all, output))
}

/// The names in one part of the text, where `...` stands for `dots` axes.
fn labels(part: &str, dots: usize) -> Result<Vec<Label>> {
    let (before, after) = match part.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (part, None),
    };
    let letters = |text: &str| -> Result<Vec<Label>> {
        text.chars()
            .map(|c| match c.is_alphabetic() {
                true => Ok(Label::Letter(c)),
                false => Err(Error::usage(format!("`{c}` is not a letter"))
                    .help("axes are letters, as in \"ij,jk->ik\"; `...` stands for any others")),
            })
            .collect()
    };
    let mut all = letters(before)?;
    if let Some(after) = after {
        all.extend((0..dots).rev().map(Label::Dots));
        all.extend(letters(after)?);
    }
    Ok(all)
}
