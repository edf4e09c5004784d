//! `compile`: from a function of traced values to one of tensors, fast after the first call.

use crate::tree::{Index, Path, Tree, VarTree, skeleton, with_leaves};
use riesz_core::{Error, Program, Result, SimplifyOptions, Tensor, Type, Var, trace};
use riesz_cpu::run::Executable;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

/// How many different shapes of arguments a compiled function remembers before it forgets the one
/// that was not used for longest.
const REMEMBERED: usize = 64;

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
    Compiled { f, cache: Mutex::new(Vec::new()), signature: PhantomData }
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
    cache: Mutex<Vec<Entry<A, R>>>,
    signature: PhantomData<fn(A) -> R>,
}

/// What a plan was made for, the types of the leaves and the structure of the tree, and the plan.
type Entry<A, R> = (Vec<Type>, <A as VarTree>::Skeleton, Arc<Ready<R>>);

struct Ready<R: VarTree> {
    executable: Executable,
    result: R::Skeleton,
}

impl<F: Fn(A) -> R, A: VarTree, R: VarTree> Compiled<F, A, R> {
    /// The results for these arguments.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes (the error names the operation and the
    /// lines), or an operation has no result for these numbers.
    pub fn call(&self, args: &A::Tensors) -> Result<R::Tensors> {
        let leaves = leaves(args);
        let ready = self.ready(args, &leaves)?;
        let mut results = ready.executable.run(&leaves)?.into_iter();
        // The leaves of a structure are numbered in order.
        let mut next = |_: &Index| results.next().unwrap_or_else(|| Tensor::scalar(f64::NAN));
        Ok(ready.result.map(&mut next))
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
        let types: Vec<Type> = args.leaves().iter().map(Tensor::ty).collect();
        Ok(self.trace(args, &types)?.0)
    }

    /// The plan for arguments like these, as text: what is fused into one loop, what is called, what
    /// is kept in memory.
    ///
    /// # Errors
    /// When the function cannot be traced at these shapes.
    pub fn explain(&self, args: &A::Tensors) -> Result<String> {
        Ok(self.ready(args, &leaves(args))?.executable.plan().to_string())
    }

    fn ready(&self, args: &A::Tensors, leaves: &[&Tensor]) -> Result<Arc<Ready<R>>> {
        if let Some(ready) = self.remembered(args, leaves) {
            return Ok(ready);
        }
        let types: Vec<Type> = leaves.iter().map(|leaf| leaf.ty()).collect();
        // Planned outside the lock: other threads go on calling what is ready.
        let (program, result) = self.trace(args, &types)?;
        let executable = Executable::new(&program)?;
        let ready = Arc::new(Ready { executable, result });
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(0, (types, skeleton(args), Arc::clone(&ready)));
        cache.truncate(REMEMBERED);
        Ok(ready)
    }

    fn remembered(&self, args: &A::Tensors, leaves: &[&Tensor]) -> Option<Arc<Ready<R>>> {
        let fit = |types: &[Type]| {
            types.len() == leaves.len() && leaves.iter().zip(types).all(|(leaf, ty)| leaf.is_of(ty))
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let at = cache.iter().position(|(types, s, _)| fit(types) && args.same::<Index>(s))?;
        // Most recent first, so that the last is the one to forget.
        cache[..=at].rotate_right(1);
        Some(Arc::clone(&cache[0].2))
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
        let options = SimplifyOptions::whole_program();
        Ok((riesz_core::lower(&program, &options)?, result))
    }
}

/// The leaves, where they are.
fn leaves<T: Tree<Leaf = Tensor>>(tree: &T) -> SmallVec<[&Tensor; 8]> {
    let mut leaves = SmallVec::new();
    tree.visit(&Path::root(), &mut |_, leaf| leaves.push(leaf));
    leaves
}
