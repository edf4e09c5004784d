//! Dense linear algebra over row-major slices: products, factorisations, solves.
//!
//! Free functions; the caller owns memory and threads: scratch memory comes from a [`Scratch`], of as many
//! bytes as the function's twin `…_room` says, and what is worth several threads is given to a [`Team`], in
//! pieces that depend on sizes alone.
//!
//! `tile` multiplies matrices that fit the second cache, `substitute` solves with triangles, both in
//! registers. Of factorisations, `blocked` is the order of the work, `panel` and `column` factor some columns,
//! `update` tells the rest, and `eliminate` and `cholesky` are made of these; `lu` and `invert` are what follows
//! from them, `small` is for orders up to 16. Products with a short side or a small factor are
//! `thin`'s, large ones `packed`'s, symmetric ones `gram`'s, those of triangles `bands`', those of whole numbers
//! `integers`', and `convolve` reads the windows of images as they lie. QR, singular values and eigenvalues are `faer`'s.
//!
//! What holds: no panic for any numbers, NaN and infinities included; a matrix that is singular, not
//! positive definite, or whose iteration did not converge is reported as a [`Status`]; empty matrices work.
//!
//! What it does not do: sparse or complex matrices. Wrong slice lengths panic: they are a
//! defect of the caller, never of a user's data.

mod bands;
mod blocked;
mod cholesky;
mod column;
mod convolve;
mod eliminate;
mod factor;
mod gram;
mod inner;
mod integers;
mod invert;
mod kernels;
mod lu;
mod packed;
mod panel;
mod product;
mod scratch;
mod small;
mod spectral;
mod substitute;
mod team;
mod thin;
mod tile;
mod turn;
mod update;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use bands::{Band, all_finite, multiply_bands};
pub use convolve::{Convolution, Offsets};
pub use factor::{Triangle, cholesky, cholesky_room, lu, lu_room, qr, qr_room, solve_triangular};
pub use gram::{gram_panels, gram_room, multiply_gram_panel};
pub use inner::{Patch, multiply_inner, patches};
pub use integers::{Integer, multiply_integers, multiply_integers_raw};
pub use invert::inverse_room;
#[doc(hidden)]
pub use kernels::Kernels;
pub use lu::{
    Factors, det, det_room, factor, factor_room, inverse, invert_room, slogdet, solve, solve_room,
    solve_transposed_room,
};
pub use packed::lies_in_rows;
pub use product::{
    Mat, MatMut, MatPtr, Strides, multiply, multiply_raw, multiply_raw_room, multiply_room,
};
pub use scratch::{Scratch, Workspace, room};
pub use spectral::{eigh, eigh_room, svd, svd_room};
pub(crate) use team::Shared;
pub use team::{Team, alone};
pub use tile::Edge;

/// f64 or f32, with everything the functions here need.
pub trait Scalar: vector::Registers + small::Kernels + Kernels + faer::traits::RealField {
    /// The distance from 1 to the next number.
    const EPSILON: f64;
}

impl Scalar for f64 {
    const EPSILON: f64 = f64::EPSILON;
}
impl Scalar for f32 {
    const EPSILON: f64 = f32::EPSILON as f64;
}

/// How a factorisation ended. Anything but `Done` leaves the outputs NaN unless a function says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a singular matrix is reported here and nowhere else"]
pub enum Status {
    /// The result is right to rounding.
    Done,
    /// The matrix is singular: elimination found the pivot in this row (from 0) exactly 0.
    Singular(usize),
    /// The matrix is not positive definite: the pivot in this row (from 0) is not positive.
    NotPositiveDefinite(usize),
    /// The matrix has a NaN or infinite entry.
    NotFinite,
    /// The iteration for singular values or eigenvalues did not converge.
    NotConverged,
}

/// Whether every entry is finite.
fn finite<T: Scalar>(x: &[T]) -> bool {
    x.iter().all(|v| v.magnitude() < <T as crate::simd::Value>::INFINITY)
}

/// Every entry NaN: what an output holds when there is no result.
fn fill_nan<T: Scalar>(x: &mut [T]) {
    x.fill(<T as crate::simd::Value>::NAN);
}
