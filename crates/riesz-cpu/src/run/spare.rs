//! The workspaces of an executable: one for each call at a time.

use super::Workspace;
use riesz_core::Result;
use std::sync::{Mutex, PoisonError, TryLockError};

/// Workspaces, made when they are needed and kept for later calls.
#[derive(Debug, Default)]
pub struct Workspaces {
    /// Locked by the call that works in it. Mostly there is one call at a time, which takes one lock
    /// here and nothing else.
    first: Mutex<Option<Workspace>>,
    /// Those of calls at the same time as another, while no call has them.
    others: Mutex<Vec<Workspace>>,
}

impl Workspaces {
    /// Works in a workspace that no other call has; `new` makes one where there is none.
    ///
    /// # Errors
    /// Those of `new`.
    #[inline]
    pub fn with<T>(
        &self,
        new: impl FnOnce() -> Result<Workspace>,
        work: impl FnOnce(&mut Workspace) -> T,
    ) -> Result<T> {
        let mut first = match self.first.try_lock() {
            Ok(first) => first,
            // Every run sets anew what an earlier one may not have ended with.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.with_other(new, work),
        };
        let workspace = match first.as_mut() {
            Some(workspace) => workspace,
            None => first.insert(new()?),
        };
        Ok(work(workspace))
    }

    fn with_other<T>(
        &self,
        new: impl FnOnce() -> Result<Workspace>,
        work: impl FnOnce(&mut Workspace) -> T,
    ) -> Result<T> {
        let others = || self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = others().pop();
        let mut workspace = spare.map_or_else(new, Ok)?;
        let result = work(&mut workspace);
        others().push(workspace);
        Ok(result)
    }
}
