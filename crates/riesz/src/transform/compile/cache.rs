//! What a compiled function remembers: a plan for each kind of arguments it was called with.

use crate::tree::{Index, Tree, VarTree, skeleton};
use riesz_core::{Error, Result, Tensor, Type};
use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::ThreadId;

/// How many kinds of arguments are remembered beside the first, before the one that was not used for
/// longest is forgotten.
const REMEMBERED: usize = 63;

/// The plans `P` of a function of `A`.
pub(super) struct Cache<A: VarTree, P> {
    /// The first plan that was made, which is never forgotten. Most functions are always called with
    /// arguments of one kind, and this one is found without a lock and without counting who has it.
    first: OnceLock<(Kind<A>, Arc<P>)>,
    /// Those of other kinds, last used first.
    others: Mutex<Others<A, P>>,
}

type Others<A, P> = Vec<(Kind<A>, Arc<Planned<P>>)>;

/// What a plan is for.
struct Kind<A: VarTree> {
    types: Vec<Type>,
    structure: A::Skeleton,
}

/// A plan, once it is there.
struct Planned<P> {
    plan: OnceLock<Arc<P>>,
    /// Held by a thread that is planning, while others that want the same wait.
    planning: Mutex<()>,
    /// The threads that are planning: one, but for those that cannot wait.
    planners: Mutex<Vec<ThreadId>>,
}

/// A thread's turn to plan.
struct Turn<'a> {
    planners: &'a Mutex<Vec<ThreadId>>,
    _planning: Option<MutexGuard<'a, ()>>,
}

thread_local! {
    /// How many plans this thread is making, each while it traces the one before.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A plan, which stays while somebody has it, though the cache forgets it.
pub(super) enum Found<'a, P> {
    First(&'a P),
    Other(Arc<P>),
}

impl<A: VarTree, P> Cache<A, P> {
    pub fn new() -> Cache<A, P> {
        Cache { first: OnceLock::new(), others: Mutex::default() }
    }

    /// The plan for arguments like these; `plan` makes it where there is none.
    ///
    /// # Errors
    /// Those of `plan`, which are not remembered; and when `plan` wants what it is making.
    pub fn get(
        &self,
        args: &A::Tensors,
        leaves: &[&Tensor],
        plan: impl FnOnce() -> Result<P>,
    ) -> Result<Found<'_, P>> {
        match self.first(args, leaves) {
            Some(first) => Ok(Found::First(first)),
            None => self.other(args, leaves, plan).map(Found::Other),
        }
    }

    fn first(&self, args: &A::Tensors, leaves: &[&Tensor]) -> Option<&Arc<P>> {
        self.first.get().filter(|(kind, _)| kind.fits(args, leaves)).map(|(_, first)| first)
    }

    fn other(
        &self,
        args: &A::Tensors,
        leaves: &[&Tensor],
        plan: impl FnOnce() -> Result<P>,
    ) -> Result<Arc<P>> {
        let planned = {
            let mut others = self.lock();
            // It is set while the lock is held, and may have been since.
            if let Some(first) = self.first(args, leaves) {
                return Ok(Arc::clone(first));
            }
            remembered(&mut others, args, leaves)
        };
        if let Some(plan) = planned.plan.get() {
            return Ok(Arc::clone(plan));
        }
        // Other threads go on calling what is ready meanwhile, and plan other things.
        let _turn = planned.turn()?;
        if let Some(plan) = planned.plan.get() {
            return Ok(Arc::clone(plan));
        }
        let made = plan().map(Arc::new);
        let mut others = self.lock();
        // It can be forgotten already.
        let at = others.iter().position(|(_, other)| Arc::ptr_eq(other, &planned));
        match made {
            Ok(made) => {
                // Another thread that could not wait either may have been faster.
                let plan = Arc::clone(planned.plan.get_or_init(|| made));
                // Nobody else sets the first, as the lock is held.
                if let (Some(at), None) = (at, self.first.get()) {
                    let (kind, _) = others.remove(at);
                    self.first.get_or_init(|| (kind, Arc::clone(&plan)));
                }
                Ok(plan)
            }
            Err(error) => {
                if let (Some(at), true) = (at, planned.is_only_ours()) {
                    others.remove(at);
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Others<A, P>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there is for such arguments, or the place for it.
fn remembered<A: VarTree, P>(
    others: &mut Others<A, P>,
    args: &A::Tensors,
    leaves: &[&Tensor],
) -> Arc<Planned<P>> {
    match others.iter().position(|(kind, _)| kind.fits(args, leaves)) {
        Some(0) => {}
        Some(at) => others[..=at].rotate_right(1),
        None => {
            others.insert(0, (Kind::new(args, leaves), Arc::default()));
            others.truncate(REMEMBERED);
        }
    }
    Arc::clone(&others[0].1)
}

impl<A: VarTree> Kind<A> {
    fn new(args: &A::Tensors, leaves: &[&Tensor]) -> Kind<A> {
        Kind { types: leaves.iter().map(|leaf| leaf.ty()).collect(), structure: skeleton(args) }
    }

    fn fits(&self, args: &A::Tensors, leaves: &[&Tensor]) -> bool {
        self.types.len() == leaves.len()
            && leaves.iter().zip(&self.types).all(|(leaf, ty)| leaf.is_of(ty))
            && args.same::<Index>(&self.structure)
    }
}

impl<P> Default for Planned<P> {
    fn default() -> Planned<P> {
        Planned { plan: OnceLock::new(), planning: Mutex::default(), planners: Mutex::default() }
    }
}

impl<P> Planned<P> {
    /// Whether there is no plan, and nobody but the thread that asks is making one.
    fn is_only_ours(&self) -> bool {
        let planners = self.planners.lock().unwrap_or_else(PoisonError::into_inner);
        self.plan.get().is_none() && planners.len() == 1
    }

    /// Waits until no other thread is planning; a thread that is making another plan does not, and
    /// makes this one too. Were it to wait, so could the other for what this one is making.
    fn turn(&self) -> Result<Turn<'_>> {
        let own = std::thread::current().id();
        let planners = || self.planners.lock().unwrap_or_else(PoisonError::into_inner);
        if planners().contains(&own) {
            return Err(Error::usage(
                "the function calls itself, on arguments of the same types, while it is traced",
            )
            .help("a loop inside it is `while_loop` or `scan`"));
        }
        let planning = if DEPTH.get() == 0 {
            Some(self.planning.lock().unwrap_or_else(PoisonError::into_inner))
        } else {
            match self.planning.try_lock() {
                Ok(planning) => Some(planning),
                Err(TryLockError::Poisoned(planning)) => Some(planning.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        };
        planners().push(own);
        DEPTH.set(DEPTH.get() + 1);
        Ok(Turn { planners: &self.planners, _planning: planning })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let own = std::thread::current().id();
        let mut planners = self.planners.lock().unwrap_or_else(PoisonError::into_inner);
        planners.retain(|&planner| planner != own);
        DEPTH.set(DEPTH.get() - 1);
    }
}

impl<P> Deref for Found<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        match self {
            Found::First(plan) => plan,
            Found::Other(plan) => plan,
        }
    }
}
