//! Running plans: memory, addresses, results.
//!
//! An [`Executable`] is a plan with its code. It can be called from many threads at once: each call
//! has a workspace for itself, which later calls have again, so that after the first call nothing is
//! allocated but the results. Large steps run on several threads, in pieces that depend on sizes
//! alone: the results have the same bits for any number of threads.

mod pages;
mod pending;
pub(crate) mod pool;
mod rooms;
mod spare;
mod stage;
mod workspace;

pub(crate) use pool::alone;
pub use pool::{set_threads, threads};

use crate::plan::{Plan, donors};
use crate::simd::Isa;
use pending::Given;
use riesz_core::{Error, ErrorKind, Program, Result, Tensor, check_arguments, eval};
use smallvec::SmallVec;
use spare::Workspaces;
pub(crate) use stage::Stages;
use std::borrow::Borrow;
pub(crate) use workspace::Workspace;

/// A program ready to run.
pub struct Executable {
    plan: Plan,
    stages: Stages,
    /// The argument whose memory each buffer of a result can take.
    donors: Vec<Option<usize>>,
    workspaces: Workspaces,
}

/// What a program gives; a few results lie in place, as a call of little work is over sooner than an
/// allocation.
pub type Results = SmallVec<[Tensor; 2]>;

/// How an executable is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The instruction set it may use.
    pub isa: Isa,
    /// Whether it may be machine code; otherwise vector kernels run it on tiles.
    pub native: bool,
}

impl Default for Options {
    /// Everything this processor has; machine code unless the environment variable `RIESZ_NATIVE` is
    /// `0`.
    fn default() -> Options {
        let native = std::env::var_os("RIESZ_NATIVE").is_none_or(|v| v != "0");
        Options { isa: Isa::best(), native }
    }
}

impl Executable {
    /// Plans a program, which should be simplified.
    ///
    /// # Errors
    /// When no plan is found, which is a mistake in planning.
    ///
    /// ```
    /// use riesz_core::{DType, Tensor, Type, trace};
    /// use riesz_cpu::run::Executable;
    /// let program = trace(&[Type::new(DType::F64, [3])], |x| vec![x[0].exp().sum()])?;
    /// let executable = Executable::new(&program)?;
    /// let y = executable.run(&[Tensor::from([0.0, 0.0, 0.0])])?;
    /// assert_eq!(y[..], [Tensor::from(3.0)]);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    pub fn new(program: &Program) -> Result<Executable> {
        Executable::with(program, Options::default())
    }

    /// As [`Executable::new`], with options.
    ///
    /// # Errors
    /// As [`Executable::new`].
    pub fn with(program: &Program, options: Options) -> Result<Executable> {
        let plan = Plan::new(program)?;
        let stages = Stages::new(&plan.region, options.isa, options.native);
        let donors = donors(&plan);
        Ok(Executable { plan, stages, donors, workspaces: Workspaces::default() })
    }

    /// Whether it is machine code.
    pub fn is_native(&self) -> bool {
        self.stages.is_native()
    }

    /// Bytes of machine code, with its constants: nests that are alike but for the buffers they work on
    /// share theirs.
    pub fn code_bytes(&self) -> usize {
        self.stages.code_bytes()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the program on tensors of exactly its input types.
    ///
    /// # Errors
    /// When the arguments have other types, or an operation has no result for its numbers: the error
    /// names it as the reference evaluator does.
    pub fn run(&self, args: &[impl Borrow<Tensor>]) -> Result<Results> {
        self.run_then(args, |results| results.collect())
    }

    /// As [`Executable::run`], for a function that takes the results, one by one as the program has them.
    ///
    /// # Errors
    /// As [`Executable::run`].
    pub fn run_then<T>(
        &self,
        args: &[impl Borrow<Tensor>],
        take: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> T,
    ) -> Result<T> {
        check_arguments(&self.plan.program, args)?;
        self.in_workspace(|workspace| self.run_in(workspace, args, Given::new(), take))?
    }

    /// As [`Executable::run`], with arguments that are given away: a result takes the memory of an
    /// argument of its type that is not read any more when it is written, if nobody else holds it.
    ///
    /// # Errors
    /// As [`Executable::run`].
    ///
    /// ```
    /// use riesz_core::{DType, Tensor, Type, trace};
    /// use riesz_cpu::run::Executable;
    /// let vector = Type::new(DType::F64, [3]);
    /// let step = trace(&[vector.clone(), vector], |x| vec![x[0] - 0.1 * x[1]])?;
    /// let (x, slope) = (Tensor::from([1.0, 2.0, 3.0]), Tensor::from([10.0, 0.0, 0.0]));
    /// let place = x.as_slice::<f64>()?.as_ptr();
    /// let y = Executable::new(&step)?.run_owned(vec![x, slope])?;
    /// assert_eq!(y[0], Tensor::from([0.0, 2.0, 3.0]));
    /// assert_eq!(y[0].as_slice::<f64>()?.as_ptr(), place);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    pub fn run_owned(&self, mut args: Vec<Tensor>) -> Result<Results> {
        check_arguments(&self.plan.program, &args)?;
        self.in_workspace(|workspace| {
            let given = workspace.take(&mut args);
            self.run_in(workspace, &args, given, |results| results.collect())
        })?
    }

    /// As [`Executable::run`], in the place of earlier results, one for each output: a result takes the
    /// memory of an earlier one of its type, if nobody else holds it, so that nothing is allocated.
    ///
    /// # Errors
    /// As [`Executable::run`], or when there is not one tensor for each output; what the earlier results
    /// hold then is not said.
    ///
    /// ```
    /// use riesz_core::{DType, Tensor, Type, trace};
    /// use riesz_cpu::run::Executable;
    /// let program = trace(&[Type::new(DType::F64, [2])], |x| vec![x[0].square()])?;
    /// let executable = Executable::new(&program)?;
    /// let mut y = Tensor::from([0.0, 0.0]);
    /// let place = y.as_slice::<f64>()?.as_ptr();
    /// executable.run_into(&[Tensor::from([1.0, 3.0])], &mut [&mut y])?;
    /// assert_eq!(y, Tensor::from([1.0, 9.0]));
    /// assert_eq!(y.as_slice::<f64>()?.as_ptr(), place);
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    pub fn run_into(
        &self,
        args: &[impl Borrow<Tensor>],
        results: &mut [&mut Tensor],
    ) -> Result<()> {
        check_arguments(&self.plan.program, args)?;
        let (given, expected) = (results.len(), self.plan.results.len());
        if given != expected {
            return Err(Error::usage(format!("{given} places for {expected} results")));
        }
        let done = self.in_workspace(|workspace| {
            let done = self.run_plan(workspace, args, &mut Given::new(), results);
            if done {
                // SAFETY: the run has written every element of every result.
                unsafe { workspace.replace(&self.plan, args, results) };
            }
            done
        })?;
        if !done {
            for (place, result) in results.iter_mut().zip(self.run_by_reference(args)?) {
                **place = result;
            }
        }
        Ok(())
    }

    /// Only the reference evaluator knows which operation has no result, and on which numbers.
    #[cold]
    fn run_by_reference(&self, args: &[impl Borrow<Tensor>]) -> Result<Results> {
        let args: Vec<Tensor> = args.iter().map(|t| t.borrow().clone()).collect();
        Ok(eval(&self.plan.program, &args)?.into())
    }

    /// Runs the plan in a workspace.
    fn run_in<T>(
        &self,
        workspace: &mut Workspace,
        args: &[impl Borrow<Tensor>],
        mut given: Given,
        take: impl FnOnce(&mut dyn Iterator<Item = Tensor>) -> T,
    ) -> Result<T> {
        if !self.run_plan(workspace, args, &mut given, &mut []) {
            // What can fail takes no memory away, so that the arguments are still there.
            return Ok(take(&mut self.run_by_reference(args)?.into_iter()));
        }
        // SAFETY: the run has written every element of every result.
        Ok(take(&mut unsafe { workspace.results(&self.plan, args) }))
    }

    /// Whether every operation had a result.
    fn run_plan(
        &self,
        workspace: &mut Workspace,
        args: &[impl Borrow<Tensor>],
        given: &mut Given,
        earlier: &mut [&mut Tensor],
    ) -> bool {
        workspace.prepare(&self.plan, args, given, earlier);
        // SAFETY: the plan gave every operand a buffer of its size; only results and workspace are
        // written, and those overlap only where the plan says that they are never live together.
        let good = unsafe { self.stages.run(workspace.addresses()) };
        let done = good && !workspace.is_raised(&self.plan);
        if !done {
            workspace.clear();
        }
        done
    }

    fn in_workspace<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> Result<T> {
        self.workspaces.with(|| Workspace::new(&self.plan, &self.donors), work)
    }
}

/// The workspace could not be allocated.
fn out_of_memory(bytes: usize) -> Error {
    Error::new(ErrorKind::Value, format!("the workspace of {bytes} bytes could not be allocated"))
        .help("use smaller arguments, or split the computation")
}
