//! Memory to work in: the caller owns it, functions give out parts of it from the front.

use crate::simd::Real;
use faer::dyn_stack::{MemStack, StackReq};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicUsize;

/// Every part begins at a multiple of this: a line of the cache, and the widest vector.
const ALIGNMENT: usize = 64;

/// Bytes of scratch that `n` values of a type may take.
pub const fn room<T>(n: usize) -> usize {
    n * size_of::<T>() + ALIGNMENT
}

/// Bytes that one function uses; every function here that takes scratch says how many.
#[derive(Debug)]
pub struct Scratch<'a> {
    at: *mut u8,
    left: usize,
    memory: PhantomData<&'a mut [MaybeUninit<u8>]>,
}

impl<'a> Scratch<'a> {
    /// Gives out parts of some memory.
    pub fn new(memory: &'a mut [MaybeUninit<u8>]) -> Scratch<'a> {
        Scratch { at: memory.as_mut_ptr().cast(), left: memory.len(), memory: PhantomData }
    }

    /// Gives out parts of the `bytes` bytes at an address.
    ///
    /// # Safety
    /// They are writable, and nothing else uses them for as long as the scratch lives.
    pub unsafe fn at(at: *mut u8, bytes: usize) -> Scratch<'a> {
        Scratch { at, left: bytes, memory: PhantomData }
    }

    /// The same memory again, once what is given out of the result is not used any more.
    pub fn again(&mut self) -> Scratch<'_> {
        Scratch { at: self.at, left: self.left, memory: PhantomData }
    }

    /// The address of `n` values that have not been written.
    ///
    /// # Panics
    /// If there is too little left: a defect of the caller, who was told how much is needed.
    pub(super) fn raw<T>(&mut self, n: usize) -> *mut T {
        let skip = self.at.align_offset(ALIGNMENT);
        let bytes = n * size_of::<T>();
        assert!(skip + bytes <= self.left, "scratch of {} bytes is too small", self.left);
        let at = self.at.wrapping_add(skip);
        self.at = at.wrapping_add(bytes);
        self.left -= skip + bytes;
        at.cast()
    }

    /// `n` numbers, all 0.
    ///
    /// # Panics
    /// If there is too little left.
    pub fn numbers<T: Real>(&mut self, n: usize) -> &'a mut [T] {
        let at = self.raw::<T>(n);
        // SAFETY: aligned and writable, given out once; the bytes 0 are the number 0.
        unsafe {
            at.write_bytes(0, n);
            std::slice::from_raw_parts_mut(at, n)
        }
    }

    /// `n` whole numbers, all 0.
    ///
    /// # Panics
    /// If there is too little left.
    pub fn indices(&mut self, n: usize) -> &'a mut [i64] {
        let at = self.raw::<i64>(n);
        // SAFETY: aligned and writable, given out once; the bytes 0 are the number 0.
        unsafe {
            at.write_bytes(0, n);
            std::slice::from_raw_parts_mut(at, n)
        }
    }

    /// `n` counters, all 0.
    ///
    /// # Panics
    /// If there is too little left.
    pub(super) fn counters(&mut self, n: usize) -> &'a [AtomicUsize] {
        let at = self.raw::<AtomicUsize>(n);
        // SAFETY: aligned and writable, given out once; the bytes 0 are the number 0.
        unsafe {
            at.write_bytes(0, n);
            std::slice::from_raw_parts(at, n)
        }
    }

    /// All that is left, as `faer` wants it.
    pub(super) fn stack(self, need: StackReq) -> &'a mut MemStack {
        debug_assert!(need.unaligned_bytes_required() <= self.left, "scratch is too small");
        // SAFETY: writable, and not used otherwise; it need not have been written.
        MemStack::new(unsafe { std::slice::from_raw_parts_mut(self.at.cast(), self.left) })
    }
}

/// Scratch memory of one's own, reused from call to call: it allocates only while it grows.
///
/// ```
/// use riesz_cpu::linalg::{Status, Workspace, alone, solve, solve_room};
/// use riesz_cpu::simd::Isa;
/// let (a, b, mut x) = ([2.0, 1.0, 1.0, 3.0], [3.0, 5.0], [0.0; 2]);
/// let mut workspace = Workspace::default();
/// let scratch = workspace.scratch(solve_room::<f64>(2, 1));
/// let status = solve(Isa::best(), alone, 2, &a, 1, &b, &mut x, scratch);
/// assert_eq!(status, Status::Done);
/// assert!((x[0] - 0.8f64).abs() < 1e-15 && (x[1] - 1.4).abs() < 1e-15);
/// ```
#[derive(Debug, Default)]
pub struct Workspace(Vec<MaybeUninit<u8>>);

impl Workspace {
    /// At least so many bytes.
    pub fn scratch(&mut self, bytes: usize) -> Scratch<'_> {
        if self.0.len() < bytes {
            self.0 = vec![MaybeUninit::uninit(); bytes];
        }
        Scratch::new(&mut self.0)
    }
}
