//! What a person is told about each building block: `riesz primitives`, and the page made from it.
//!
//! Each primitive writes beside its rules what it means, its differential and transpose as formulas,
//! where it is defined and what is chosen where there is no derivative. How many arguments it has
//! and in which it is linear is not written again: an instance is asked.

use super::{Linearity, Prim, Primitive};
use std::collections::HashMap;

/// The facts about one building block.
#[derive(Clone, PartialEq, Debug)]
pub struct About {
    /// The name in the text form.
    pub name: &'static str,
    /// The names of the arguments; the last is `…` if there can be any number.
    pub arguments: Vec<&'static str>,
    /// What it computes.
    pub meaning: &'static str,
    /// The differential, where `dx` is the tangent of the argument `x` and `y` is the first result.
    pub differential: String,
    /// The cotangents of the linear arguments, where `c` is that of the result; empty if none is.
    pub transpose: String,
    /// Where it is defined.
    pub domain: &'static str,
    /// Points without a derivative, and the value chosen there; empty if there are none.
    pub kinks: &'static str,
    /// In which arguments it is linear.
    pub linearity: Linearity,
}

impl About {
    /// The facts that every primitive has to state; the others have a usual value.
    pub(super) fn new(name: &'static str, arguments: &'static str, meaning: &'static str) -> About {
        About {
            name,
            arguments: arguments.split(", ").filter(|a| !a.is_empty()).collect(),
            meaning: meaning.trim(),
            differential: String::new(),
            transpose: String::new(),
            domain: "all",
            kinks: "",
            linearity: Linearity::Nonlinear,
        }
    }

    /// States the differential; it need not be said where all arguments with a tangent are linear.
    pub(super) fn differential(mut self, differential: &str) -> About {
        self.differential = differential.to_string();
        self
    }

    /// States the transpose.
    pub(super) fn transpose(mut self, transpose: &str) -> About {
        self.transpose = transpose.to_string();
        self
    }

    /// States where it is defined.
    pub(super) fn domain(mut self, domain: &'static str) -> About {
        self.domain = domain;
        self
    }

    /// States the points without a derivative, and the value chosen there.
    pub(super) fn kinks(mut self, kinks: &'static str) -> About {
        self.kinks = kinks;
        self
    }

    /// How many arguments it has, if that is always the same.
    pub fn arity(&self) -> Option<usize> {
        (self.arguments.last() != Some(&"…")).then_some(self.arguments.len())
    }

    /// The arguments in which it is linear for fixed others, each alone or together.
    pub fn linear_arguments(&self) -> Vec<&'static str> {
        let set = match &self.linearity {
            Linearity::Nonlinear => return Vec::new(),
            Linearity::Together(set) | Linearity::Each(set) => set,
        };
        let indexed = self.arguments.iter().enumerate();
        indexed.filter(|(i, _)| set.contains(*i)).map(|(_, &name)| name).collect()
    }

    /// Whether it is a linear map of all its arguments that can carry a tangent.
    pub fn is_linear(&self) -> bool {
        // An argument without a tangent is an index, a key or a truth value.
        let whole = |name: &&str| matches!(*name, "index" | "mask" | "key" | "data");
        match self.linearity {
            Linearity::Together(_) => self
                .arguments
                .iter()
                .all(|name| whole(name) || self.linear_arguments().contains(name)),
            Linearity::Nonlinear | Linearity::Each(_) => false,
        }
    }

    /// `name(x, y)`, with these arguments moved.
    fn moved(&self, moves: impl Fn(usize) -> bool) -> String {
        let argument = |(i, &name): (usize, &&str)| match name {
            "…" => name.to_string(),
            _ if moves(i) => format!("d{name}"),
            _ => name.to_string(),
        };
        let all: Vec<String> = self.arguments.iter().enumerate().map(argument).collect();
        format!("{}({})", self.name, all.join(", "))
    }

    /// What linearity says the differential is: the map itself, or the product rule.
    fn of_linearity(&self) -> String {
        match &self.linearity {
            Linearity::Nonlinear => String::new(),
            Linearity::Together(set) => self.moved(|i| set.contains(i)),
            Linearity::Each(set) => {
                let count = self.arguments.len();
                let terms = (0..count).filter(|&i| set.contains(i));
                terms.map(|k| self.moved(|i| i == k)).collect::<Vec<_>>().join(" + ")
            }
        }
    }
}

/// The facts about the whole list, in its order.
pub fn all() -> Vec<About> {
    let mut instances = HashMap::new();
    for sample in Prim::samples() {
        instances.entry(sample.prim.name()).or_insert(sample.prim);
    }
    let mut all = Prim::about();
    for about in &mut all {
        if let Some(prim) = instances.get(about.name) {
            about.linearity = prim.linearity();
        }
        if about.differential.is_empty() {
            about.differential = about.of_linearity();
        }
    }
    all
}
