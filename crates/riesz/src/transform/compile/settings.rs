//! What a compiled function does beside computing: a limit on memory, clocks, a watch on numbers.

use super::Compiled;
use crate::tree::VarTree;
use riesz_core::{Error, ErrorKind, Result, Tensor};
use riesz_cpu::plan::Plan;
use riesz_cpu::report::Bytes;

/// All off, and no limit, until somebody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub memory_limit: Option<usize>,
    pub measure: bool,
    pub debug_non_finite: bool,
}

impl<F, A: VarTree, R: VarTree> Compiled<F, A, R> {
    /// Refuses calls that need more than this many bytes for workspace and results together, before
    /// anything is allocated. What a call needs is in its [`report`](Compiled::report).
    ///
    /// ```
    /// use riesz::prelude::*;
    /// let f = compile(|x: Var| x.reshape([1000, 1]).dot(x.reshape([1, 1000]))).memory_limit(1 << 20);
    /// let error = f.call(&Tensor::from(vec![1.0; 1000])).unwrap_err();
    /// assert!(error.message().contains("more than the limit of 1048576"));
    /// ```
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.settings.memory_limit = Some(bytes);
        self
    }

    /// Whether each call also runs the plan step by step, with a clock between the steps, for
    /// [`explain`](Compiled::explain). Calls take at least twice as long.
    #[must_use]
    pub fn measure(mut self, on: bool) -> Self {
        self.settings.measure = on;
        self
    }

    /// Whether a result with a NaN or an infinity is an error, which names the operation that made it
    /// from finite numbers, and its line. Only a call that has such a result takes longer.
    ///
    /// ```
    /// use riesz::prelude::*;
    /// let f = compile(|x: Var| (x - 1.0).log().sum()).debug_non_finite(true);
    /// assert_eq!(f.call(&Tensor::from([2.0, 2.0]))?, Tensor::from(0.0));
    /// let error = f.call(&Tensor::from([2.0, 1.0])).unwrap_err();
    /// assert!(error.to_string().starts_with("log"), "{error}");
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn debug_non_finite(mut self, on: bool) -> Self {
        self.settings.debug_non_finite = on;
        self
    }
}

impl Settings {
    /// Whether every call is followed by something.
    pub fn watch(&self) -> bool {
        self.measure || self.debug_non_finite
    }

    /// Refuses a plan that needs too much memory.
    pub fn admit(&self, plan: &Plan) -> Result<()> {
        let (memory, Some(limit)) = (plan.footprint(), self.memory_limit) else { return Ok(()) };
        if memory.peak() <= limit {
            return Ok(());
        }
        let bytes = |n: usize| Bytes(n as f64);
        let message = format!(
            "a call needs {} bytes, more than the limit of {limit}: {} of workspace, {} for results",
            memory.peak(),
            bytes(memory.workspace + memory.calls),
            bytes(memory.results)
        );
        Err(Error::new(ErrorKind::Usage, message).help(
            "raise the limit, use smaller arguments, or `checkpoint` what can be computed again",
        ))
    }

    /// Refuses results that are not finite.
    pub fn check(&self, plan: &Plan, args: &[Tensor], results: &[Tensor]) -> Result<()> {
        if self.debug_non_finite && !results.iter().all(Tensor::is_finite) {
            riesz_core::check_finite(&plan.program, args)?;
        }
        Ok(())
    }
}
