//! `compile`: from a function of traced values to one of tensors, fast after the first call.

mod cache;
mod report;
mod settings;

pub use report::{Report, Stages};

use crate::tree::{Index, Path, Tree, VarTree, skeleton, with_leaves};
use cache::{Cache, Found};
use riesz_core::{Error, Program, Result, SimplifyOptions, Tensor, Type, Var, trace};
use riesz_cpu::report::Measurement;
use riesz_cpu::run::{Executable, Options};
use settings::Settings;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The function on tensors. The first call for each combination of shapes and element types traces
/// the function and makes a plan; later calls only run it.
///
/// ```
/// use riesz::prelude::*;
/// let f = compile(|(a, x): (Var, Var)| a.dot(x).tanh());
/// let y = f.call(&(Tensor::from([[0.0, 0.0], [0.0, 0.0]]), Tensor::from([1.0, 2.0])))?;
/// assert_eq!(y, Tensor::from([0.0, 0.0]));
/// let wrong = f.call(&(Tensor::from([[1.0, 2.0]]), Tensor::from([1.0])));
/// assert!(wrong.is_err_and(|e| e.message().contains("length")));
/// # Ok::<(), Error>(())
/// ```
pub fn compile<A: VarTree, R: VarTree, F: Fn(A) -> R>(f: F) -> Compiled<F, A, R> {
    Compiled { f, settings: Settings::default(), cache: Cache::new(), signature: PhantomData }
}

/// Runs a function once on tensors: [`compile`] and [`Compiled::call`].
///
/// # Errors
/// When the function cannot be traced or run.
///
/// ```
/// use riesz::prelude::*;
/// let y = run(|x: Var| x.exp(), &Tensor::from(0.0))?;
/// assert_eq!(y, Tensor::from(1.0));
/// # Ok::<(), Error>(())
/// ```
pub fn run<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, args: &A::Tensors) -> Result<R::Tensors> {
    // Through a reference, so that this is compiled once for all functions of these types.
    compile(&f as &dyn Fn(A) -> R).call(args)
}

/// A function that [`compile`] made callable. It can be called from many threads at once.
pub struct Compiled<F, A: VarTree, R: VarTree> {
    f: F,
    settings: Settings,
    cache: Cache<A, Ready<R>>,
    signature: PhantomData<fn(A) -> R>,
}

struct Ready<R: VarTree> {
    executable: Executable,
    result: R::Skeleton,
    stages: Stages,
    /// The times of the steps, once a call was measured.
    measurement: Mutex<Option<Measurement>>,
}

impl<F: Fn(A) -> R, A: VarTree, R: VarTree> Compiled<F, A, R> {
    /// The results for these arguments.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes (the error names the operation and the
    /// lines), or an operation has no result for these numbers.
    pub fn call(&self, args: &A::Tensors) -> Result<R::Tensors> {
        let mut leaves = Leaves::new();
        find_leaves(args, &mut leaves);
        let ready = self.ready(args, &leaves)?;
        if self.settings.watch() {
            let results = ready.executable.run(&leaves)?;
            ready.watch(&self.settings, &leaves, &results)?;
            return Ok(ready.tree(&mut results.into_iter()));
        }
        ready.executable.run_then(&leaves, |results| ready.tree(results))
    }

    /// As [`Compiled::call`], with arguments that are given away: where nobody else holds an argument,
    /// and it is not read any more when a result of its type is written, the result takes its memory.
    /// So a loop of steps of descent updates its parameters in place.
    ///
    /// # Errors
    /// As [`Compiled::call`].
    ///
    /// ```
    /// use riesz::prelude::*;
    /// let step = compile(|x: Var| x - 0.1 * grad(|x: Var| x.square().sum())(x));
    /// let mut x = Tensor::from([1.0, -2.0]);
    /// let place = x.as_slice::<f64>()?.as_ptr();
    /// for _ in 0..100 {
    ///     x = step.call_donating(x)?;
    /// }
    /// assert!(x.as_slice::<f64>()?[1].abs() < 1e-9);
    /// assert_eq!(x.as_slice::<f64>()?.as_ptr(), place);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn call_donating(&self, args: A::Tensors) -> Result<R::Tensors> {
        if self.settings.watch() {
            // The arguments are looked at afterwards.
            return self.call(&args);
        }
        let ready = self.ready(&args, &leaves(&args))?;
        let owned = args.leaves();
        drop(args);
        Ok(ready.tree(&mut ready.executable.run_owned(owned)?.into_iter()))
    }

    /// As [`Compiled::call`], in the place of earlier results: where nobody else holds one of them, the
    /// new one takes its memory. So a call that is made many times allocates nothing.
    ///
    /// # Errors
    /// As [`Compiled::call`]; what the earlier results hold then is not said.
    ///
    /// ```
    /// use riesz::prelude::*;
    /// let f = compile(value_and_grad(|x: Var| x.square().sum()));
    /// let mut out = f.call(&Tensor::from([1.0, 2.0]))?;
    /// let place = out.1.as_slice::<f64>()?.as_ptr();
    /// f.call_into(&Tensor::from([3.0, 4.0]), &mut out)?;
    /// assert_eq!(out, (Tensor::from(25.0), Tensor::from([6.0, 8.0])));
    /// assert_eq!(out.1.as_slice::<f64>()?.as_ptr(), place);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn call_into(&self, args: &A::Tensors, results: &mut R::Tensors) -> Result<()> {
        let mut leaves = Leaves::new();
        find_leaves(args, &mut leaves);
        let ready = self.ready(args, &leaves)?;
        if self.settings.watch() || !results.same::<Index>(&ready.result) {
            *results = self.call(args)?;
            return Ok(());
        }
        let mut places: SmallVec<[&mut Tensor; 8]> = SmallVec::new();
        results.visit_mut(&mut |leaf| places.push(leaf));
        ready.executable.run_into(&leaves, &mut places)
    }

    /// Traces and plans for arguments of these shapes and element types, so that the first call is
    /// as fast as the others.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes.
    pub fn prepare(&self, args: &A::Tensors) -> Result<()> {
        self.ready(args, &leaves(args)).map(drop)
    }

    /// The simplified program for arguments like these.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes.
    pub fn program(&self, args: &A::Tensors) -> Result<Program> {
        let types: Vec<Type> = leaves(args).iter().map(|leaf| leaf.ty()).collect();
        simplified(&self.trace(args, &types)?.0)
    }

    fn ready(&self, args: &A::Tensors, leaves: &[&Tensor]) -> Result<Found<'_, Ready<R>>> {
        self.cache.get(args, leaves, || self.plan(args, leaves))
    }

    /// Traces and plans.
    fn plan(&self, args: &A::Tensors, leaves: &[&Tensor]) -> Result<Ready<R>> {
        let types: Vec<Type> = leaves.iter().map(|leaf| leaf.ty()).collect();
        let start = Instant::now();
        let (recorded, result) = self.trace(args, &types)?;
        let traced = Instant::now();
        let program = simplified(&recorded)?;
        let transformed = Instant::now();
        let executable = Executable::new(&program)?;
        let stages = Stages {
            trace: (traced - start).as_secs_f64(),
            transform: (transformed - traced).as_secs_f64(),
            plan: transformed.elapsed().as_secs_f64(),
        };
        self.settings.admit(executable.plan())?;
        Ok(Ready { executable, result, stages, measurement: Mutex::default() })
    }

    fn trace(&self, args: &A::Tensors, types: &[Type]) -> Result<(Program, R::Skeleton)> {
        let mut result = None;
        let program = trace(types, |inner| {
            let y = (self.f)(with_leaves(args, inner.iter().copied(), &Var::poison()));
            result = Some(skeleton(&y));
            y.leaves()
        })?;
        let Some(result) = result else {
            return Err(Error::usage("the function did not return"));
        };
        Ok((program, result))
    }
}

impl<R: VarTree> Ready<R> {
    /// The results as the function gives them.
    fn tree(&self, results: &mut dyn Iterator<Item = Tensor>) -> R::Tensors {
        // The leaves of a structure are numbered in order.
        let mut next = |_: &Index| results.next().unwrap_or_else(|| Tensor::scalar(f64::NAN));
        self.result.map(&mut next)
    }

    /// What the settings ask for after a call.
    #[cold]
    fn watch(&self, settings: &Settings, args: &[&Tensor], results: &[Tensor]) -> Result<()> {
        let args: &Vec<Tensor> = &args.iter().map(|&t| t.clone()).collect();
        let plan = self.executable.plan();
        settings.check(plan, args, results)?;
        if settings.measure {
            let options = Options { native: self.executable.is_native(), ..Options::default() };
            let mut measurement = self.measurement.lock().unwrap_or_else(PoisonError::into_inner);
            measurement.get_or_insert_with(|| Measurement::new(plan, options)).run(plan, args)?;
        }
        Ok(())
    }
}

/// The program that is planned.
fn simplified(recorded: &Program) -> Result<Program> {
    riesz_core::lower(recorded, &SimplifyOptions::whole_program())
}

/// The leaves of a tree, where they are.
type Leaves<'a> = SmallVec<[&'a Tensor; 8]>;

fn leaves<T: Tree<Leaf = Tensor>>(tree: &T) -> Leaves<'_> {
    let mut leaves = Leaves::new();
    find_leaves(tree, &mut leaves);
    leaves
}

/// As [`leaves`], in the place of the caller: to move what was just written there is a good part of
/// the time that the call of a small program takes.
#[inline]
fn find_leaves<'a, T: Tree<Leaf = Tensor>>(tree: &'a T, leaves: &mut Leaves<'a>) {
    tree.visit(&Path::root(), &mut |_, leaf| leaves.push(leaf));
}
