//! A solver run on a model: minimised, interrupted, resumed.

use super::{Model, ModelError};
use crate::ast::Sense;
use crate::diagnostic::Diagnostic;
use riesz::Tensor;
use riesz::minimize::{
    Checkpoint, Control, MinimizeError, Options, Problem as Flat, Progress, Solution, Status,
    resume, solve,
};

/// What a solver found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Counts, status and history; values are those of the objective as written, also of one that
    /// is maximised.
    pub solution: Solution,
    /// Every variable, in its own shape.
    pub variables: Vec<(String, Tensor)>,
}

impl Model {
    /// Minimises (or maximises) from the start. `progress` sees every iterate, with the values of
    /// the objective as written.
    ///
    /// # Errors
    /// When no solver can start: options out of range, a method that cannot treat the constraints.
    pub fn minimize(
        &self,
        options: &Options,
        progress: &mut dyn FnMut(&Progress) -> Control,
    ) -> Result<Outcome, ModelError> {
        self.run(progress, |flat, progress| solve(flat, &self.start, options, progress))
    }

    /// Goes on with a run of this model that was interrupted, with the steps it would have taken.
    ///
    /// # Errors
    /// When the checkpoint is of another problem or method; options out of range.
    pub fn resume(
        &self,
        checkpoint: &Checkpoint,
        options: &Options,
        progress: &mut dyn FnMut(&Progress) -> Control,
    ) -> Result<Outcome, ModelError> {
        self.run(progress, |flat, progress| resume(flat, checkpoint, options, progress))
    }

    /// A number that is the same for the same objective, constraints and data, and almost never for
    /// others: by it a saved run knows its problem. Comments, starts and options do not count.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        hash.words(if self.problem.sense == Sense::Max { "max" } else { "min" });
        hash.words(self.text(self.problem.objective_span));
        self.problem.constraints.iter().for_each(|c| hash.words(self.text(c.span)));
        self.variables.iter().for_each(|v| hash.words(&v.declaration));
        for p in &self.parameters {
            hash.words(&p.declaration);
            p.value.to_f64().iter().for_each(|x| hash.eat(&x.to_bits().to_le_bytes()));
        }
        hash.0
    }

    fn run(
        &self,
        progress: &mut dyn FnMut(&Progress) -> Control,
        go: impl FnOnce(
            Flat<'_>,
            &mut dyn FnMut(&Progress) -> Control,
        ) -> Result<Solution, MinimizeError>,
    ) -> Result<Outcome, ModelError> {
        let sign = if self.problem.sense == Sense::Max { -1.0 } else { 1.0 };
        let mut signed = |p: &Progress| progress(&Progress { value: sign * p.value, ..*p });
        let mut objective = self.functions.objective();
        let (mut equalities, mut inequalities) =
            (self.functions.equalities(), self.functions.inequalities());
        let mut flat = Flat::new(&mut objective);
        if let Some(bounds) = &self.bounds {
            flat = flat.bounds(bounds.clone());
        }
        if let Some(c) = &mut equalities {
            flat = flat.equalities(c);
        }
        if let Some(c) = &mut inequalities {
            flat = flat.inequalities(c);
        }
        let mut solution = go(flat, &mut signed).map_err(|e| self.refused(&e))?;
        solution.objective *= sign;
        solution.history.iter_mut().for_each(|p| p.value *= sign);
        let mut at = 0;
        let mut variables = Vec::with_capacity(self.variables.len());
        for v in &self.variables {
            let part = &solution.x[at..at + v.space.dim()];
            at += part.len();
            let value = v.space.natural(part);
            if let (true, Status::Failed | Status::MaxIterations, Some(reason)) =
                (v.space.definite, solution.status, nearly_singular(&v.name, &value))
            {
                let norm = solution.gradient_norm;
                solution.reason = format!("{reason} (the gradient norm is {norm:.2e})");
            }
            variables.push((v.name.clone(), value));
        }
        Ok(Outcome { solution, variables })
    }

    /// A solver's refusal, at the method's place in the text if it stands there.
    fn refused(&self, error: &MinimizeError) -> ModelError {
        match (&self.problem.options.method, error) {
            (Some(method), MinimizeError::Unsupported { .. }) => {
                Diagnostic::new(error.to_string(), method.span).note("asked for here").into()
            }
            _ => ModelError::Argument(error.to_string()),
        }
    }
}

/// A positive definite matrix whose smallest eigenvalue is this part of its largest is at the
/// boundary of the cone.
const SINGULAR: f64 = 1e-7;

/// Why a run ends with a positive definite variable at the boundary of the cone, if it is there.
fn nearly_singular(name: &str, value: &Tensor) -> Option<String> {
    let eigenvalues = riesz::run(|x: riesz::Var| x.eigh().0, value).ok()?.to_f64();
    let least = eigenvalues.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = eigenvalues.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    (least <= SINGULAR * largest).then(|| {
        let least = least.max(0.0);
        format!(
            "`{name}` came to the boundary of the positive definite matrices, where it is singular \
             (its eigenvalues go from {least:.1e} to {largest:.1e}), and no solver goes along it: \
             this need not be the minimum. To minimise over semidefinite matrices, put L*L' for \
             {name}, with a variable `matrix L`; to stay inside, add a barrier such as \
             -1e-6*logdet({name})"
        )
    })
}

/// The hash FNV-1a with 64 bits.
struct Fnv(u64);

impl Fnv {
    fn eat(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The words of a text, whatever is between them.
    fn words(&mut self, text: &str) {
        for word in text.split_whitespace() {
            self.eat(word.as_bytes());
            self.eat(b" ");
        }
    }
}
