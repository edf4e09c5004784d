//! `conv` in f32 and f64, of images with any strides and kernels as they are stored.

use crate::linalg::{self, Offsets, Scalar, Scratch};
use crate::nest::Routine;
use crate::simd::Isa;
use riesz_core::primitive::Conv;
use riesz_core::{DType, Shape, Type};

/// A convolution, for each group.
pub struct Convolution {
    dtype: DType,
    isa: Isa,
    groups: usize,
    /// From one group to the next: of the images, the kernels and the results, in elements.
    steps: [isize; 3],
    /// Where the images begin.
    offset: isize,
    each: linalg::Convolution,
}

impl Convolution {
    /// Of images that begin at `offset` and have these strides, and of kernels of this type.
    pub fn new(
        conv: &Conv,
        (image, offset, strides): (&Shape, isize, &[isize]),
        kernels: &Type,
    ) -> Convolution {
        let (groups, count) = (kernels.shape[0], kernels.shape[1]);
        let lengths = conv.lengths(&image[3..], &kernels.shape[3..]);
        let inner = |lengths: &[usize], steps: &[usize]| {
            let axes = lengths.iter().zip(steps).zip(&strides[3..]);
            axes.fold(vec![0i64], |offsets, ((&n, &step), &stride)| {
                let along = |i: usize| (i * step) as i64 * stride as i64;
                offsets.iter().flat_map(|&o| (0..n).map(move |i| o + along(i))).collect()
            })
        };
        let (n, c) = (image[1], image[2]);
        let windows = inner(&lengths, &conv.stride);
        let terms = inner(&kernels.shape[3..], &conv.dilation);
        let of_group = |n: usize, inner: &[i64]| (n * count * inner.len()) as isize;
        let kernel = (count * c * terms.len()) as isize;
        let steps = [strides[0], kernel, of_group(n, &windows)];
        let windows = Offsets { outer: n, step: strides[1] as i64, inner: windows };
        let terms = Offsets { outer: c, step: strides[2] as i64, inner: terms };
        let each = linalg::Convolution { windows, terms, kernels: count };
        Convolution { dtype: kernels.dtype, isa: Isa::best(), groups, steps, offset, each }
    }

    /// # Safety
    /// As for `run_piece`, with operands of type `T`.
    unsafe fn floats<T: Scalar>(&self, piece: usize, at: &[*mut u8]) {
        let pieces = self.each.pieces();
        let (group, piece) = ((piece / pieces) as isize, piece % pieces);
        let [x, k, z] = [0, 1, 2].map(|i| at[i].cast::<T>());
        // SAFETY: the caller's: the operands of a group, and scratch as large as was asked for.
        unsafe {
            let x = x.offset(self.offset + group * self.steps[0]);
            let (k, z) = (k.offset(group * self.steps[1]), z.offset(group * self.steps[2]));
            let scratch = Scratch::at(at[3], self.each.room::<T>());
            self.each.run_piece(self.isa, piece, (x, k, z), scratch);
        }
    }
}

impl Routine for Convolution {
    fn name(&self) -> String {
        let (windows, terms) = (self.each.windows.count(), self.each.terms.count());
        let one = format!("convolution {windows}x{}x{terms}", self.each.kernels);
        if self.groups == 1 { one } else { format!("{} × {one}", self.groups) }
    }

    fn scratch(&self) -> usize {
        match self.dtype {
            DType::F32 => self.each.room::<f32>(),
            _ => self.each.room::<f64>(),
        }
    }

    fn pieces(&self) -> usize {
        self.groups * self.each.pieces()
    }

    unsafe fn run_piece(&self, piece: usize, at: &[*mut u8]) -> bool {
        // SAFETY: the caller's.
        unsafe {
            match self.dtype {
                DType::F32 => self.floats::<f32>(piece, at),
                DType::F64 => self.floats::<f64>(piece, at),
                // Whole numbers are left to the reference meaning.
                DType::I32 | DType::I64 | DType::Bool => return false,
            }
        }
        true
    }
}
