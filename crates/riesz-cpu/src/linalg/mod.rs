//! Dense linear algebra over row-major slices: products, factorisations, solves.
//!
//! Free functions; the caller owns memory and parallelism: everything here runs on the calling thread
//! and takes its scratch memory from a [`Workspace`], which allocates only while it grows. Large
//! products are the library `gemm`'s and large factorisations `faer`'s; matrix–vector products, products
//! below 16×16×16 and factorisations of small matrices, where the libraries are slow, are written here.
//!
//! What holds: no panic for any numbers, NaN and infinities included; a matrix that is singular, not
//! positive definite, or whose iteration did not converge is reported as a [`Status`]; empty matrices work.
//!
//! What it does not do: sparse or complex matrices, threads. Wrong slice lengths panic: they are a
//! defect of the caller, never of a user's data.

mod factor;
mod kernels;
mod lu;
mod product;
mod spectral;

pub use factor::{Triangle, cholesky, qr, solve_triangular};
#[doc(hidden)]
pub use kernels::Kernels;
pub use lu::{LuFactors, det, inverse, lu_factor, slogdet, solve};
pub use product::{
    Integer, Mat, MatMut, MatPtr, multiply, multiply_batched, multiply_integers,
    multiply_integers_raw, multiply_raw,
};
pub use spectral::{eigh, singular_values, svd};

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};

/// f64 or f32, with everything the functions here need.
pub trait Scalar: crate::simd::Real + faer::traits::RealField + Kernels {}

impl Scalar for f64 {}
impl Scalar for f32 {}

/// How a factorisation ended. Anything but `Done` leaves the outputs NaN unless a function says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a singular matrix is reported here and nowhere else"]
pub enum Status {
    /// The result is right to rounding.
    Done,
    /// The matrix is singular: elimination found the pivot in this row (from 0) exactly 0.
    Singular(usize),
    /// The matrix is not positive definite: the leading minor of this order (from 0) is not positive.
    NotPositiveDefinite(usize),
    /// The matrix has a NaN or infinite entry.
    NotFinite,
    /// The iteration for singular values or eigenvalues did not converge.
    NotConverged,
}

/// Scratch memory for the functions of this module, reused from call to call.
///
/// ```
/// use riesz_cpu::linalg::{Status, Workspace, solve};
/// use riesz_cpu::simd::Isa;
/// let mut workspace = Workspace::new();
/// let mut x = [0.0; 2];
/// let status = solve(Isa::best(), 2, &[2.0, 1.0, 1.0, 3.0], 1, &[3.0, 5.0], &mut x, &mut workspace);
/// assert_eq!(status, Status::Done);
/// assert!((x[0] - 0.8f64).abs() < 1e-15 && (x[1] - 1.4).abs() < 1e-15);
/// ```
#[derive(Default)]
pub struct Workspace {
    memory: Option<MemBuffer>,
    bytes: usize,
    pivots: Vec<usize>,
}

impl Workspace {
    /// An empty workspace; it grows when first used.
    pub fn new() -> Workspace {
        Workspace::default()
    }

    /// A stack of at least `need`.
    fn stack(&mut self, need: StackReq) -> &mut MemStack {
        stack_in(&mut self.memory, &mut self.bytes, need)
    }

    /// The stack and `n` pivots, both to be written before they are read.
    fn stack_and_pivots(&mut self, need: StackReq, n: usize) -> (&mut MemStack, &mut [usize]) {
        if self.pivots.len() < n {
            self.pivots.resize(n, 0);
        }
        (stack_in(&mut self.memory, &mut self.bytes, need), &mut self.pivots[..n])
    }
}

fn stack_in<'a>(
    memory: &'a mut Option<MemBuffer>,
    bytes: &mut usize,
    need: StackReq,
) -> &'a mut MemStack {
    let size = need.unaligned_bytes_required();
    if size > *bytes {
        *memory = None;
        *bytes = size;
    }
    let have = StackReq::new_aligned::<u8>(*bytes, 128);
    MemStack::new(memory.get_or_insert_with(|| MemBuffer::new(have)))
}

/// Whether every entry is finite.
fn finite<T: Scalar>(x: &[T]) -> bool {
    x.iter().all(|v| v.magnitude() < <T as crate::simd::Value>::INFINITY)
}

/// Every entry NaN: what an output holds when there is no result.
fn fill_nan<T: Scalar>(x: &mut [T]) {
    x.fill(<T as crate::simd::Value>::NAN);
}
