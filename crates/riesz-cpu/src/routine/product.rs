//! Products of tensors by the matrix library: any contraction of strided operands, without copies.
//!
//! Each loop of the product moves some of the three operands: it is a batch loop (all), a row (x and
//! the result), a column (y and the result) or is summed over (x and y). Neighbouring loops of a kind
//! that are one to memory become one; of each kind the longest is left to the library, and the others
//! are loops around it.

use crate::linalg::{MatPtr, Scalar, multiply_integers_raw, multiply_raw};
use crate::nest::Routine;
use crate::simd::Isa;
use riesz_core::DType;

/// A loop of a product: how often it runs, and the elements by which it moves x, y and the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// How often it runs.
    pub extent: usize,
    /// By how many elements it moves the first operand.
    pub x: isize,
    /// By how many elements it moves the second operand.
    pub y: isize,
    /// By how many elements it moves the result.
    pub z: isize,
}

/// A product of tensors, Σ x·y, with operands x, y and the result.
#[derive(Debug)]
pub struct Product {
    dtype: DType,
    isa: Isa,
    /// Where each operand begins, in elements.
    offset: [isize; 3],
    row: Loop,
    column: Loop,
    sum: Loop,
    /// The loops around the library's, outermost first; those that do not move the result are last.
    around: Vec<Loop>,
}

const ONCE: Loop = Loop { extent: 1, x: 0, y: 0, z: 0 };

impl Product {
    /// The product over `loops`, for operands that begin at `offset`.
    pub fn new(isa: Isa, dtype: DType, offset: [isize; 3], loops: &[Loop]) -> Product {
        let mut rows = kind(loops, |l| l.z != 0 && l.y == 0);
        let mut columns = kind(loops, |l| l.z != 0 && l.x == 0 && l.y != 0);
        let mut sums = kind(loops, |l| l.z == 0);
        let batch = kind(loops, |l| l.z != 0 && l.x != 0 && l.y != 0);
        let (row, column, sum) =
            (take_longest(&mut rows), take_longest(&mut columns), take_longest(&mut sums));
        let around = [batch, rows, columns, sums].concat();
        Product { dtype, isa, offset, row, column, sum, around }
    }

    /// How many multiplications it takes.
    pub fn multiplications(&self) -> usize {
        let around: usize = self.around.iter().map(|l| l.extent).product();
        around * self.row.extent * self.column.extent * self.sum.extent
    }

    /// Runs `product` for each iteration of the loops around, with the offsets of x, y and z and
    /// whether it is the first to write there.
    fn each(&self, mut product: impl FnMut([isize; 3], bool)) {
        let count: usize = self.around.iter().map(|l| l.extent).product();
        for flat in 0..count {
            let (mut rest, mut at, mut first) = (flat, self.offset, true);
            for l in self.around.iter().rev() {
                let i = (rest % l.extent) as isize;
                rest /= l.extent;
                at = [at[0] + i * l.x, at[1] + i * l.y, at[2] + i * l.z];
                first &= l.z != 0 || i == 0;
            }
            product(at, first);
        }
    }

    /// # Safety
    /// As for [`Routine::run_piece`], with operands of type `T`.
    unsafe fn floats<T: Scalar>(&self, addresses: &[*mut u8]) {
        let (x, y, z) =
            (addresses[0].cast::<T>(), addresses[1].cast::<T>(), addresses[2].cast::<T>());
        let shape = (self.row.extent, self.column.extent, self.sum.extent);
        let (one, zero) = (T::of(1.0), T::of(0.0));
        self.each(|at, first| {
            // SAFETY: the caller's: the loops stay inside the operands, and z overlaps nothing.
            unsafe {
                let a =
                    MatPtr { at: x.offset(at[0]).cast_const(), row: self.row.x, col: self.sum.x };
                let b = MatPtr {
                    at: y.offset(at[1]).cast_const(),
                    row: self.sum.y,
                    col: self.column.y,
                };
                let c = MatPtr { at: z.offset(at[2]), row: self.row.z, col: self.column.z };
                multiply_raw(self.isa, shape, one, a, b, if first { zero } else { one }, c);
            }
        });
    }

    /// # Safety
    /// As for [`Routine::run_piece`], with operands of type `T`.
    unsafe fn integers<T: crate::linalg::Integer>(&self, addresses: &[*mut u8]) {
        let (x, y, z) =
            (addresses[0].cast::<T>(), addresses[1].cast::<T>(), addresses[2].cast::<T>());
        let shape = (self.row.extent, self.column.extent, self.sum.extent);
        self.each(|at, first| {
            // SAFETY: the caller's: the loops stay inside the operands, and z overlaps nothing.
            unsafe {
                let a =
                    MatPtr { at: x.offset(at[0]).cast_const(), row: self.row.x, col: self.sum.x };
                let b = MatPtr {
                    at: y.offset(at[1]).cast_const(),
                    row: self.sum.y,
                    col: self.column.y,
                };
                let c = MatPtr { at: z.offset(at[2]), row: self.row.z, col: self.column.z };
                multiply_integers_raw(shape, a, b, !first, c);
            }
        });
    }
}

/// The loops of a kind, with neighbours that are one to memory made one.
fn kind(loops: &[Loop], is: impl Fn(&Loop) -> bool) -> Vec<Loop> {
    let mut merged: Vec<Loop> = Vec::new();
    for l in loops.iter().filter(|l| l.extent != 1 && is(l)) {
        let n = l.extent as isize;
        match merged.last_mut() {
            Some(outer) if (outer.x, outer.y, outer.z) == (l.x * n, l.y * n, l.z * n) => {
                *outer = Loop { extent: outer.extent * l.extent, ..*l };
            }
            _ => merged.push(*l),
        }
    }
    merged
}

fn take_longest(loops: &mut Vec<Loop>) -> Loop {
    match (0..loops.len()).max_by_key(|&i| loops[i].extent) {
        Some(at) => loops.remove(at),
        None => ONCE,
    }
}

impl Routine for Product {
    fn name(&self) -> String {
        let around: usize = self.around.iter().map(|l| l.extent).product();
        let (m, n, k) = (self.row.extent, self.column.extent, self.sum.extent);
        match around {
            1 => format!("product {m}x{n}x{k}"),
            _ => format!("{around} products {m}x{n}x{k}"),
        }
    }

    unsafe fn run_piece(&self, _: usize, addresses: &[*mut u8]) -> bool {
        // SAFETY: the caller's.
        unsafe {
            match self.dtype {
                DType::F32 => self.floats::<f32>(addresses),
                DType::F64 => self.floats::<f64>(addresses),
                DType::I32 => self.integers::<i32>(addresses),
                DType::I64 => self.integers::<i64>(addresses),
                // A product of truth values is refused by its shape rule.
                DType::Bool => return false,
            }
        }
        true
    }
}
