//! The buffers of a plan while it is put together, and when each of them is touched.

use super::storage::{Buffer, Place, Storage};
use crate::nest::{Nest, Step};
use riesz_core::{DType, Tensor, Type};

/// Buffers, constants, and for each step in order the buffers it touches.
///
/// Steps inside a loop have places of their own in that order, so that buffers of one iteration share
/// memory; whatever lives longer than an iteration is touched where the loop begins and where it ends.
#[derive(Debug)]
pub struct Memory {
    /// Every buffer; its number is its storage.
    pub buffers: Vec<Buffer>,
    /// The constants that buffers name.
    pub constants: Vec<Tensor>,
    /// The buffers that each step touches.
    pub touched: Vec<Vec<Storage>>,
    /// The truth value that says that something has no result.
    pub flag: Storage,
}

/// How many entries of [`Memory::touched`] a step has.
pub fn entries(step: &Step) -> usize {
    match step {
        Step::Nest(_) | Step::Strips(_) | Step::Call(_) => 1,
        // What lasts longer than an iteration is touched at the begin and at the end.
        Step::Loop { .. } | Step::While { .. } | Step::If { .. } => {
            2 + step.bodies().into_iter().flatten().map(entries).sum::<usize>()
        }
    }
}

/// The buffers that a nest touches.
pub fn touched(nest: &Nest) -> Vec<Storage> {
    let mut touched: Vec<Storage> = nest.accesses().map(|a| a.operand).collect();
    touched.extend(nest.flag);
    touched.sort_unstable();
    touched.dedup();
    touched
}

/// A state to return to.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize, usize, usize);

impl Memory {
    /// Nothing but the flag.
    pub fn new() -> Memory {
        let flag = Buffer::new(&Type::scalar(DType::Bool), Place::Workspace(0));
        Memory { buffers: vec![flag], constants: Vec::new(), touched: vec![vec![0]], flag: 0 }
    }

    /// A new buffer.
    pub fn buffer(&mut self, ty: &Type, place: Place) -> Storage {
        self.buffers.push(Buffer::new(ty, place));
        self.buffers.len() as Storage - 1
    }

    /// A new place in the workspace.
    pub fn room(&mut self, ty: &Type) -> Storage {
        self.buffer(ty, Place::Workspace(0))
    }

    /// A new constant.
    pub fn constant(&mut self, tensor: &Tensor) -> Storage {
        self.constants.push(tensor.clone());
        self.buffer(&tensor.ty(), Place::Constant(self.constants.len() - 1))
    }

    /// The element type and length of a buffer.
    pub fn ty(&self, storage: Storage) -> Type {
        let buffer = &self.buffers[storage as usize];
        Type::new(buffer.dtype, [buffer.len])
    }

    /// Takes the entries of these steps, which are the last, from `touched`.
    pub fn take_entries(&mut self, steps: &[Step]) -> Vec<Vec<Storage>> {
        let count: usize = steps.iter().map(entries).sum();
        self.touched.split_off(self.touched.len() - count)
    }

    /// The present state.
    pub fn mark(&self) -> Mark {
        Mark(self.buffers.len(), self.constants.len(), self.touched.len())
    }

    /// Forgets everything since `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.buffers.truncate(mark.0);
        self.constants.truncate(mark.1);
        self.touched.truncate(mark.2);
    }

    /// Ends a loop whose body was written since `mark`: what was there before and is used in the
    /// body, and what is `carried` from one iteration to the next, lives from begin to end.
    pub fn close_loop(&mut self, begin: Mark, carried: &[Storage]) {
        let inside = self.touched[begin.2..].iter().flatten().copied();
        let mut lasting: Vec<Storage> = inside.filter(|&s| (s as usize) < begin.0).collect();
        lasting.extend_from_slice(carried);
        for s in lasting.clone() {
            if let Place::Window(of) = self.buffers[s as usize].place {
                lasting.push(of);
            }
        }
        lasting.sort_unstable();
        lasting.dedup();
        self.touched.insert(begin.2, lasting.clone());
        self.touched.push(lasting);
    }
}
