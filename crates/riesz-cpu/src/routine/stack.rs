//! Routines that do the same to each matrix of a stack.

use crate::linalg::{Scalar, Scratch};
use crate::nest::Routine;
use crate::simd::Isa;
use riesz_core::{DType, Type};
use smallvec::SmallVec;

/// What is done to one matrix, in f32 or f64.
pub trait OnMatrices: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> String;

    /// About how many multiplications it takes.
    fn cost(&self) -> usize;

    /// Bytes of scratch.
    fn room<T: Scalar>(&self) -> usize;

    /// As [`Routine::gives_up`].
    fn gives_up(&self) -> bool {
        false
    }

    /// Does it; false when there is no result for these numbers.
    ///
    /// # Safety
    /// `at` has an operand for each argument and result, with the elements of one instance; results
    /// overlap nothing.
    unsafe fn run<T: Scalar>(&self, isa: Isa, at: Operands, scratch: Scratch) -> bool;
}

/// The operands for one matrix of the stack.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    addresses: &'a [*mut u8],
    /// From one instance to the next, in bytes.
    steps: &'a [usize],
    instance: usize,
}

impl Operands<'_> {
    /// Operand `i` as it lies.
    pub fn at<T>(&self, i: usize) -> *mut T {
        self.addresses[i].wrapping_add(self.instance * self.steps[i]).cast()
    }

    /// The first n elements of operand `i`.
    ///
    /// # Safety
    /// There are as many, and nothing writes them meanwhile.
    pub unsafe fn read<'b, T>(&self, i: usize, n: usize) -> &'b [T] {
        if n == 0 {
            return &[];
        }
        // SAFETY: the caller's; the buffers of a plan are aligned.
        unsafe { std::slice::from_raw_parts(self.at::<T>(i), n) }
    }

    /// The first n elements of operand `i`, to be written.
    ///
    /// # Safety
    /// There are as many, and nothing else uses them meanwhile.
    pub unsafe fn write<'b, T>(&self, i: usize, n: usize) -> &'b mut [T] {
        if n == 0 {
            return &mut [];
        }
        // SAFETY: the caller's; the buffers of a plan are aligned.
        unsafe { std::slice::from_raw_parts_mut(self.at::<T>(i), n) }
    }
}

/// A function of stacks of matrices.
pub struct Stack<F> {
    function: F,
    dtype: DType,
    isa: Isa,
    /// How many matrices there are.
    count: usize,
    /// How many of them are a piece.
    piece: usize,
    steps: SmallVec<[usize; 4]>,
}

/// Multiplications that are worth a piece of their own.
const PIECE: usize = 1 << 18;

impl<F: OnMatrices> Stack<F> {
    /// A function of arguments and results whose first `batch` axes count the matrices.
    pub fn new(function: F, batch: usize, types: &[Type]) -> Stack<F> {
        let dtype = types[0].dtype;
        let count = types[0].shape[..batch].iter().product();
        let step = |ty: &Type| ty.shape[batch..].iter().product::<usize>() * ty.dtype.size();
        let steps = types.iter().map(step).collect();
        let piece = (PIECE / function.cost().max(1)).max(1);
        Stack { function, dtype, isa: Isa::best(), count, piece, steps }
    }

    /// # Safety
    /// As for `run_piece`, with operands of type `T`.
    unsafe fn each<T: Scalar>(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        let (addresses, scratch) = addresses.split_at(self.steps.len());
        let first = piece * self.piece;
        let bytes = self.function.room::<T>();
        for instance in first..(first + self.piece).min(self.count) {
            let at = Operands { addresses, steps: &self.steps, instance };
            // SAFETY: the caller's: the operands, and scratch as large as was asked for.
            let good = unsafe {
                let start = scratch.first().map_or(std::ptr::null_mut(), |&at| at);
                self.function.run::<T>(self.isa, at, Scratch::at(start, bytes))
            };
            if !good {
                return false;
            }
        }
        true
    }
}

impl<F: OnMatrices> Routine for Stack<F> {
    fn name(&self) -> String {
        match self.count {
            1 => self.function.name(),
            n => format!("{n} × {}", self.function.name()),
        }
    }

    fn scratch(&self) -> usize {
        match self.dtype {
            DType::F32 => self.function.room::<f32>(),
            _ => self.function.room::<f64>(),
        }
    }

    fn gives_up(&self) -> bool {
        self.function.gives_up()
    }

    fn pieces(&self) -> usize {
        self.count.div_ceil(self.piece)
    }

    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        // SAFETY: the caller's; the shape rules allow f32 and f64 only.
        unsafe {
            match self.dtype {
                DType::F32 => self.each::<f32>(piece, addresses),
                DType::F64 => self.each::<f64>(piece, addresses),
                DType::I32 | DType::I64 | DType::Bool => false,
            }
        }
    }
}
