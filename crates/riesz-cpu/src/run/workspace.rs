//! The memory of one run, and the table of addresses.

use crate::plan::{ALIGNMENT, Place, Plan};
use riesz_core::{DType, Data, Element, Result, Tensor};
use smallvec::SmallVec;
use std::alloc::{Layout, alloc, dealloc};
use std::borrow::Borrow;
use std::sync::Arc;

/// Workspace for one run at a time, and the addresses of all operands.
#[derive(Debug)]
pub struct Workspace {
    block: Block,
    addresses: Vec<*mut u8>,
    /// The operands whose addresses are of arguments and results, which each run has anew.
    anew: Vec<usize>,
}

// SAFETY: the addresses are written anew by `prepare` in the run that uses them, or point into the
// block, which the workspace owns.
unsafe impl Send for Workspace {}

impl Workspace {
    /// Allocates what a plan needs.
    pub fn new(plan: &Plan) -> Result<Workspace> {
        let block = Block::new(plan.workspace)?;
        let is_anew = |place| matches!(place, Place::Argument(_) | Place::Result(_));
        let anew = (0..plan.buffers.len()).filter(|&s| is_anew(plan.buffers[s].place)).collect();
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
        Ok(Workspace { block, addresses, anew })
    }

    /// Puts in the addresses of the arguments and of new buffers for the results, and clears the flag.
    pub fn prepare(&mut self, plan: &Plan, args: &[impl Borrow<Tensor>]) -> Results {
        let mut results = Results(SmallVec::new());
        results.0.resize_with(plan.results.len(), || None);
        for &s in &self.anew {
            let buffer = &plan.buffers[s];
            match buffer.place {
                Place::Argument(i) => self.addresses[s] = address(args[i].borrow()),
                Place::Result(i) => {
                    let mut open = Open::new(buffer.dtype, buffer.len);
                    self.addresses[s] = open.address();
                    results.0[i] = Some(Filling::Open(open));
                }
                Place::Workspace(_) | Place::Constant(_) | Place::Window(_) => {}
            }
        }
        if self.block.bytes > 0 {
            // SAFETY: the flag is one byte of the block.
            unsafe { *self.addresses[plan.flag as usize] = 0 };
        }
        results
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
    riesz_core::with_elements!(tensor.data(), v => v.as_ptr().cast::<u8>().cast_mut())
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

/// The buffers of the results, while they are filled and after.
pub struct Results(SmallVec<[Option<Filling>; 2]>);

enum Filling {
    Open(Open),
    Done(Data),
}

impl Results {
    /// The elements of result `i`; asked again, the same elements.
    ///
    /// # Safety
    /// Every element has been written.
    pub unsafe fn finish(&mut self, i: usize) -> Data {
        let data = match self.0[i].take() {
            // SAFETY: the caller's.
            Some(Filling::Open(open)) => unsafe { open.close() },
            Some(Filling::Done(data)) => data,
            None => Data::Bool(Arc::default()),
        };
        self.0[i] = Some(Filling::Done(data.clone()));
        data
    }
}

/// A vector with room for its elements, which are written through its address.
enum Open {
    F32(Vec<f32>, usize),
    F64(Vec<f64>, usize),
    I32(Vec<i32>, usize),
    I64(Vec<i64>, usize),
    Bool(Vec<bool>, usize),
}

impl Open {
    fn new(dtype: DType, len: usize) -> Open {
        match dtype {
            DType::F32 => Open::F32(Vec::with_capacity(len), len),
            DType::F64 => Open::F64(Vec::with_capacity(len), len),
            DType::I32 => Open::I32(Vec::with_capacity(len), len),
            DType::I64 => Open::I64(Vec::with_capacity(len), len),
            DType::Bool => Open::Bool(Vec::with_capacity(len), len),
        }
    }

    fn address(&mut self) -> *mut u8 {
        match self {
            Open::F32(v, _) => v.as_mut_ptr().cast(),
            Open::F64(v, _) => v.as_mut_ptr().cast(),
            Open::I32(v, _) => v.as_mut_ptr().cast(),
            Open::I64(v, _) => v.as_mut_ptr().cast(),
            Open::Bool(v, _) => v.as_mut_ptr().cast(),
        }
    }

    /// # Safety
    /// Every element has been written.
    unsafe fn close(self) -> Data {
        /// # Safety
        /// As for `close`.
        unsafe fn filled<T: Element>(mut v: Vec<T>, len: usize) -> Data {
            // SAFETY: the vector has this capacity, and the caller says that it is written.
            unsafe { v.set_len(len) };
            T::wrap(Arc::new(v))
        }
        // SAFETY: the caller's.
        unsafe {
            match self {
                Open::F32(v, len) => filled(v, len),
                Open::F64(v, len) => filled(v, len),
                Open::I32(v, len) => filled(v, len),
                Open::I64(v, len) => filled(v, len),
                Open::Bool(v, len) => filled(v, len),
            }
        }
    }
}
