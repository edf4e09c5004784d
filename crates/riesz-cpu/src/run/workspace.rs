//! The memory of one run, and the table of addresses.

use super::pages::huge_pages;
use super::pending::{Buffer, Given, is_own, own, place};
use crate::plan::{ALIGNMENT, Place, Plan};
use riesz_core::{Data, Error, ErrorKind, Result, Shape, Tensor, with_elements};
use std::alloc::{Layout, alloc, dealloc};
use std::borrow::Borrow;

/// Workspace for one run at a time, and the addresses of all operands.
#[derive(Debug)]
pub struct Workspace {
    block: Block,
    addresses: Vec<*mut u8>,
    /// The operands that are arguments, and which.
    arguments: Vec<(usize, usize)>,
    /// The operands that are buffers for results.
    targets: Vec<Target>,
    /// Where each result is found after a run.
    outcomes: Vec<(Outcome, Shape)>,
}

/// A buffer for a result.
#[derive(Debug)]
struct Target {
    operand: usize,
    /// The argument whose memory it can take.
    donor: Option<usize>,
    /// The result, where it is one only.
    result: Option<usize>,
    /// The memory of a run, from `prepare` until the results are taken. It is made here and stays here:
    /// small values that are written in parts and moved as a whole at once keep a processor waiting
    /// for longer than a small program takes.
    memory: Buffer,
}

#[derive(Debug)]
enum Outcome {
    Argument(usize),
    Constant(usize),
    /// The buffer of this number among those of one run, its elements, and whether a later result is
    /// the same.
    Written(usize, usize, bool),
}

impl Outcome {
    /// The result.
    ///
    /// # Safety
    /// As for [`Workspace::results`].
    unsafe fn tensor(
        &self,
        shape: &Shape,
        plan: &Plan,
        args: &[impl Borrow<Tensor>],
        targets: &mut [Target],
    ) -> Tensor {
        let data = match *self {
            Outcome::Argument(i) => args[i].borrow().data().clone(),
            Outcome::Constant(i) => plan.constants[i].data().clone(),
            // SAFETY: the caller's.
            Outcome::Written(i, len, stays) => unsafe { targets[i].memory.written(len, stays) },
        };
        Tensor::from_data(data, shape.clone())
    }
}

// SAFETY: the addresses are written anew by `prepare` in the run that uses them, or point into the
// block, which the workspace owns.
unsafe impl Send for Workspace {}

impl Workspace {
    /// Allocates what a plan needs, in which the buffers of results have these donors; none where the
    /// list has ended.
    pub fn new(plan: &Plan, donors: &[Option<usize>]) -> Result<Workspace> {
        let block = Block::new(plan.workspace)?;
        // Where each buffer of a result stands among those.
        let mut number = vec![0; plan.buffers.len()];
        let (mut arguments, mut targets) = (Vec::new(), Vec::new());
        let mut donors = donors.iter().copied().chain(std::iter::repeat(None));
        for (s, buffer) in plan.buffers.iter().enumerate() {
            match buffer.place {
                Place::Argument(i) => arguments.push((s, i)),
                Place::Result(_) => {
                    number[s] = targets.len();
                    let donor = donors.next().flatten();
                    targets.push(Target { operand: s, donor, result: None, memory: Buffer::Gone });
                }
                Place::Workspace(_) | Place::Constant(_) | Place::Window(_) => {}
            }
        }
        // How many results each buffer is, and the last of them.
        let mut shared = vec![(0, 0); plan.buffers.len()];
        for (k, &home) in plan.results.iter().enumerate() {
            let (count, last) = &mut shared[home as usize];
            (*count, *last) = (*count + 1, k);
        }
        let mut outcomes = Vec::with_capacity(plan.results.len());
        for (k, (&home, &v)) in plan.results.iter().zip(plan.program.outputs()).enumerate() {
            let (place, len) = (plan.buffers[home as usize].place, plan.buffers[home as usize].len);
            let outcome = match place {
                Place::Argument(i) => Outcome::Argument(i),
                Place::Constant(i) => Outcome::Constant(i),
                Place::Result(_) => {
                    let n = number[home as usize];
                    let (count, last) = shared[home as usize];
                    targets[n].result = (count == 1).then_some(k);
                    Outcome::Written(n, len, k < last)
                }
                Place::Workspace(_) | Place::Window(_) => {
                    return Err(Error::new(ErrorKind::Internal, "a result lies in the workspace"));
                }
            };
            outcomes.push((outcome, plan.program.ty(v).shape.clone()));
        }
        let addresses = plan
            .buffers
            .iter()
            .map(|buffer| match buffer.place {
                Place::Workspace(at) => block.at.wrapping_add(at),
                Place::Constant(i) => address(&plan.constants[i]),
                // Set for each run, or by a loop.
                Place::Argument(_) | Place::Result(_) | Place::Window(_) => block.at,
            })
            .collect();
        Ok(Workspace { block, addresses, arguments, targets, outcomes })
    }

    /// Puts in the addresses of the arguments and of the memory for the results, and clears the flag.
    ///
    /// `given` has the memory of the arguments that were given away, or is empty; `earlier` has earlier
    /// results, or is empty: a result takes that memory where it can.
    pub fn prepare(
        &mut self,
        plan: &Plan,
        args: &[impl Borrow<Tensor>],
        given: &mut [Option<Data>],
        earlier: &mut [&mut Tensor],
    ) {
        for &(s, i) in &self.arguments {
            self.addresses[s] = match given.get_mut(i) {
                Some(Some(data)) => place(data),
                _ => address(args[i].borrow()),
            };
        }
        for target in &mut self.targets {
            let planned = &plan.buffers[target.operand];
            let taken = target.donor.and_then(|i| given.get_mut(i)?.take());
            let mut kept = || {
                let result = target.result?;
                own(earlier.get_mut(result)?, planned.dtype, &self.outcomes[result].1)
            };
            target.memory = if let Some(data) = taken {
                Buffer::Ready(data)
            } else if let Some(at) = kept() {
                Buffer::Kept(at)
            } else {
                Buffer::new(planned.dtype, planned.len)
            };
            self.addresses[target.operand] = target.memory.address();
        }
        if self.block.bytes > 0 {
            // SAFETY: the flag is one byte of the block.
            unsafe { *self.addresses[plan.flag as usize] = 0 };
        }
    }

    /// Frees the memory of results that nobody took.
    pub fn clear(&mut self) {
        self.targets.iter_mut().for_each(|target| target.memory = Buffer::Gone);
    }

    /// The results of a run, one by one.
    ///
    /// # Safety
    /// The run has written every element of the memory that `prepare` gave.
    pub unsafe fn results<'a>(
        &'a mut self,
        plan: &'a Plan,
        args: &'a [impl Borrow<Tensor>],
    ) -> impl Iterator<Item = Tensor> + 'a {
        let targets = &mut self.targets;
        self.outcomes.iter().map(move |(outcome, shape)| {
            // SAFETY: the caller's.
            unsafe { outcome.tensor(shape, plan, args, targets) }
        })
    }

    /// Puts the results of a run in the place of earlier ones; they are there already where they took
    /// their memory.
    ///
    /// # Safety
    /// As for `results`; the earlier ones are those of this run's `prepare`.
    pub unsafe fn replace(
        &mut self,
        plan: &Plan,
        args: &[impl Borrow<Tensor>],
        earlier: &mut [&mut Tensor],
    ) {
        for ((outcome, shape), earlier) in self.outcomes.iter().zip(earlier) {
            if let Outcome::Written(i, ..) = outcome
                && matches!(self.targets[*i].memory, Buffer::Kept(_))
            {
                continue;
            }
            // SAFETY: the caller's.
            **earlier = unsafe { outcome.tensor(shape, plan, args, &mut self.targets) };
        }
    }

    /// Takes the memory of the arguments that a result can have, where nobody else holds it.
    pub fn take(&self, args: &mut [Tensor]) -> Given {
        let mut given: Given = args.iter().map(|_| None).collect();
        for i in self.targets.iter().filter_map(|target| target.donor) {
            let empty = Tensor::from_data(Data::Bool(Default::default()), [0].into());
            let arg = std::mem::replace(&mut args[i], empty);
            let mut data = arg.data().clone();
            let shape = arg.shape().clone();
            drop(arg);
            if is_own(&mut data) {
                given[i] = Some(data);
            } else {
                args[i] = Tensor::from_data(data, shape);
            }
        }
        given
    }

    /// The table of addresses.
    pub fn addresses(&mut self) -> &mut [*mut u8] {
        &mut self.addresses
    }

    /// Whether an operation had no result.
    pub fn is_raised(&self, plan: &Plan) -> bool {
        // SAFETY: the flag is one byte of the block, cleared by `prepare`.
        self.block.bytes > 0 && unsafe { *self.addresses[plan.flag as usize] != 0 }
    }
}

/// Where the elements of a tensor are. They are only read through it.
fn address(tensor: &Tensor) -> *mut u8 {
    with_elements!(tensor.data(), v => v.as_ptr().cast::<u8>().cast_mut())
}

/// Aligned memory.
#[derive(Debug)]
struct Block {
    at: *mut u8,
    bytes: usize,
}

impl Block {
    fn new(bytes: usize) -> Result<Block> {
        if bytes == 0 {
            return Ok(Block { at: std::ptr::without_provenance_mut(ALIGNMENT), bytes });
        }
        let layout =
            Layout::from_size_align(bytes, ALIGNMENT).map_err(|_| super::out_of_memory(bytes))?;
        // SAFETY: the size is not zero.
        let at = unsafe { alloc(layout) };
        if at.is_null() {
            return Err(super::out_of_memory(bytes));
        }
        huge_pages(at, bytes);
        Ok(Block { at, bytes })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let (true, Ok(layout)) = (self.bytes > 0, Layout::from_size_align(self.bytes, ALIGNMENT))
        {
            // SAFETY: allocated with this layout by `new`.
            unsafe { dealloc(self.at, layout) };
        }
    }
}
