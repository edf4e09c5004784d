//! Products of tensors, by products of matrices: any contraction of strided operands.
//!
//! Each loop of the product moves some of the three operands: it is a batch loop (all), a row (x and
//! the result), a column (y and the result) or is summed over (x and y). Neighbouring loops of a kind
//! that are one to memory become one; one of each kind is left to the product of matrices, and the others are
//! loops around it: the longest, or one that makes the elements of an operand neighbours. Where several loops over
//! columns are one to the result but not to y, and y is small, it is copied, so that they are one: few
//! columns fill no vector. So with rows and x.

use super::loops::{Loop, ONCE, copy_loops, is_divided, kinds, moved, size, take};
use crate::linalg::{
    Integer, MatPtr, Scalar, Scratch, gram_panels, gram_room, lies_in_rows, multiply_gram_panel,
    multiply_integers_raw, multiply_raw, multiply_raw_room,
};
use crate::nest::{Loops, Routine, TOGETHER};
use crate::plan::ALIGNMENT;
use crate::simd::Isa;
use riesz_core::DType;
use smallvec::SmallVec;
use std::ops::Range;

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
    /// The loops around these that move the result, outermost first.
    around: Vec<Loop>,
    /// Those inside them that do not.
    sums: Vec<Loop>,
    /// Which operand is x, and which is y.
    operands: [usize; 2],
    /// The loops over y that are copied: sum, then columns as they lie in the result.
    copied: Vec<Loop>,
    cut: Cut,
}

/// How a product is cut in pieces.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// So many iterations of the loops around are a piece.
    Around(usize),
    /// So many rows and columns of one product are.
    Block(usize, usize),
    /// It is a matrix times its transpose; so many panels for each iteration of the loops around.
    Panels(usize),
}

/// A loop of a product of which some iterations can be run by themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outermost {
    /// The first of the loops around.
    Batch,
    /// The rows of one product, or its columns: those that lie farther apart in the result.
    Rows,
    Columns,
    /// Its terms.
    Sum,
}

/// A part of a product.
#[derive(Clone, Debug)]
struct Part {
    /// Iterations of the loops around.
    around: Range<usize>,
    rows: Range<usize>,
    columns: Range<usize>,
    terms: Range<usize>,
    /// Whether it is added to what is there.
    adds: bool,
}

/// The fewest rows (or columns) that are worth a copy of the other factor.
const MANY: usize = 64;

/// Multiplications that are worth a piece of their own.
pub(super) const PIECE: usize = 1 << 20;
/// Multiplications that are where nothing is copied.
const UNPACKED: usize = 1 << 18;
/// Multiplications in a piece that are worth packing a factor once more.
const LONG: usize = 12 << 20;
/// Elements of the result that a piece has, if there are few pieces: the last should not keep threads waiting.
const AREA: usize = 1 << 16;
/// Rows, or terms, of a product that are worth a strip: those of whole tiles.
const FEW: usize = 8;
const TERMS: usize = 32;
/// Bytes of a factor that is in the second cache when it is read again.
const NEARBY: usize = 1 << 19;
/// Bytes of the result that a piece of a large product has, or fewer; about, as pieces are even.
const LARGE: usize = 1 << 20;

impl Product {
    /// The product over `loops`, for operands that begin at `offset`; `same` if they lie in the same memory.
    pub fn new(isa: Isa, dtype: DType, offset: [isize; 3], loops: &[Loop], same: bool) -> Product {
        let [mut rows, mut columns, mut sums, mut batch] = kinds(loops);
        let (mut offset, mut operands) = (offset, [0, 1]);
        if is_divided(&rows, &sums) && size(&columns) >= MANY && !is_divided(&columns, &sums) {
            // The transpose of the product.
            let turned: Vec<Loop> = loops.iter().map(|l| Loop { x: l.y, y: l.x, ..*l }).collect();
            [rows, columns, sums, batch] = kinds(&turned);
            offset.swap(0, 1);
            operands.swap(0, 1);
        }
        let mut copied = Vec::new();
        if is_divided(&columns, &sums) && size(&rows) >= MANY {
            let n = size(&columns);
            copied = [sums.clone(), columns.clone()].concat();
            if let (Some(sum), Some(last)) = (sums.last_mut(), columns.pop()) {
                sum.y = n as isize;
                columns = vec![Loop { extent: n, y: 1, ..last }];
            }
        }
        let mut sum = take(&mut sums, |_| false);
        let row = take(&mut rows, |l| sum.x != 1 && l.x == 1);
        let column = take(&mut columns, |l| sum.y != 1 && l.y == 1);
        if sums.iter().any(|l| l.extent == 0) {
            // Zeros are written all the same.
            (sum, sums) = (Loop { extent: 0, ..ONCE }, Vec::new());
        }
        let around = [batch, rows, columns].concat();
        let cut = Cut::Around(1);
        let mut product =
            Product { dtype, isa, offset, row, column, sum, around, sums, operands, copied, cut };
        product.cut = product.choose_cut(same);
        product
    }

    fn choose_cut(&self, same: bool) -> Cut {
        let (m, n, k) = (self.row.extent, self.column.extent, self.sum.extent);
        if same && self.copied.is_empty() && self.dtype.is_float() && self.is_gram() {
            let panels = gram_panels(m);
            if panels > 0 {
                return Cut::Panels(panels);
            }
        }
        let k = (k * size(&self.sums)).max(1);
        let each = m * n * k;
        let along = if self.column.z == 1 { self.column.y } else { self.row.x };
        let alone = self.around.is_empty() && self.sums.is_empty();
        let unpacked = self.packed(&self.whole()) == 0;
        if alone && (2 * UNPACKED..2 * PIECE).contains(&each) && along == 1 && unpacked {
            // No factor is copied, which would be done again for each piece.
            let rows = m.div_ceil(each / UNPACKED).next_multiple_of(4);
            return Cut::Block(rows.min(m).max(1), n.max(1));
        }
        if each < PIECE {
            return Cut::Around((PIECE / each.max(1)).max(1));
        }
        // A product that takes long has several pieces, though its result is small.
        let shared = if 2 * each < 3 * PIECE { 1 } else { 2 };
        let pieces = (1 << (each / LONG).max(1).ilog2()).clamp(shared, TOGETHER);
        let pieces = pieces.max((m * n).div_ceil(AREA).min(TOGETHER));
        let pieces = pieces.max((m * n * self.dtype.size()).div_ceil(LARGE));
        let pieces = pieces.min(2 * each / PIECE);
        let cuts = (1..=pieces.min(m)).map(|down| (down, pieces.div_ceil(down).min(n)));
        let (down, across) = cuts.min_by_key(|&cut| self.copies(cut)).unwrap_or((1, 1));
        // Even pieces, of whole lines of the cache.
        let even = |n: usize, parts: usize| n.div_ceil(parts).next_multiple_of(16);
        Cut::Block(even(m, down), even(n, across))
    }

    /// The elements that are copied for each term if one product is cut in so many parts, down and across: rows
    /// again for each part of the columns, and columns for each part of the rows.
    fn copies(&self, (down, across): (usize, usize)) -> usize {
        across * self.row.extent + down * self.column.extent
    }

    /// The loops of which some iterations can be run by themselves.
    fn outermost(&self) -> &'static [Outermost] {
        if !self.copied.is_empty() || self.operands != [0, 1] {
            return &[];
        }
        match (self.around.first(), self.cut) {
            (Some(l), _) if l.x != 0 && l.y != 0 => &[Outermost::Batch],
            (None, Cut::Block(..)) if self.sums.is_empty() => {
                if self.row.z.abs() >= self.column.z.abs() {
                    &[Outermost::Rows, Outermost::Sum]
                } else {
                    &[Outermost::Columns, Outermost::Sum]
                }
            }
            _ => &[],
        }
    }

    /// All of it.
    fn whole(&self) -> Part {
        Part {
            around: 0..size(&self.around),
            rows: 0..self.row.extent,
            columns: 0..self.column.extent,
            terms: 0..self.sum.extent,
            adds: false,
        }
    }

    /// Some iterations of one of its loops.
    fn part(&self, way: usize, (from, to): (usize, usize)) -> Part {
        let whole = self.whole();
        match self.outermost().get(way) {
            Some(Outermost::Rows) => Part { rows: from..to, ..whole },
            Some(Outermost::Columns) => Part { columns: from..to, ..whole },
            Some(Outermost::Sum) => Part { terms: from..to, adds: true, ..whole },
            Some(Outermost::Batch) | None => {
                let inner = size(self.around.get(1..).unwrap_or_default());
                Part { around: from * inner..to * inner, ..whole }
            }
        }
    }

    /// Bytes of the copy, in whole lines of the cache.
    fn copy(&self) -> usize {
        match self.copied.as_slice() {
            [] => 0,
            copied => (size(copied) * self.dtype.size()).next_multiple_of(ALIGNMENT),
        }
    }

    /// Bytes to work in for a part.
    fn packed(&self, part: &Part) -> usize {
        let (a, b) = ((self.row.x, self.sum.x), (self.sum.y, self.column.y));
        let c = (self.row.z, self.column.z);
        let (size, shape) = (self.dtype.size(), part.shape());
        match self.dtype {
            DType::F32 | DType::F64 => multiply_raw_room(size, shape, a, b, c),
            DType::I32 | DType::I64 | DType::Bool => 0,
        }
    }

    /// Whether it is a matrix times its transpose, if both operands lie in the same memory.
    fn is_gram(&self) -> bool {
        let mirrored = |a: &Loop, b: &Loop| (a.extent, a.x) == (b.extent, b.y);
        let [x, y, _] = self.offset;
        let whole = self.around.iter().chain(&self.sums).chain([&self.sum]).all(|l| l.x == l.y);
        let packed = self.row.z.min(self.column.z) == 1;
        x == y && mirrored(&self.row, &self.column) && whole && packed
    }

    /// Whether it is a matrix times its transpose, of which half is computed.
    pub fn is_symmetric(&self) -> bool {
        matches!(self.cut, Cut::Panels(_))
    }

    /// How many multiplications it takes.
    pub fn multiplications(&self) -> usize {
        let around = size(&self.around) * size(&self.sums);
        around * self.row.extent * self.column.extent * self.sum.extent
    }

    /// Runs `product` for the iterations of the loops around, with the offsets of x, y and z and whether it
    /// is the first to write there.
    fn each(&self, around: Range<usize>, mut product: impl FnMut([isize; 3], bool)) {
        for outer in around {
            let at = moved(self.offset, &self.around, outer);
            for inner in 0..size(&self.sums) {
                product(moved(at, &self.sums, inner), inner == 0);
            }
        }
    }

    /// The part that a piece is.
    fn piece(&self, piece: usize) -> Part {
        let some = |i: usize, each: usize, of: usize| i * each..((i + 1) * each).min(of);
        let (m, n, whole) = (self.row.extent, self.column.extent, self.whole());
        match self.cut {
            Cut::Around(each) => Part { around: some(piece, each, size(&self.around)), ..whole },
            Cut::Block(rows, columns) => {
                let (down, across) = (m.div_ceil(rows), n.div_ceil(columns));
                let (block, around) = (piece % (down * across), piece / (down * across));
                Part {
                    around: around..around + 1,
                    rows: some(block / across, rows, m),
                    columns: some(block % across, columns, n),
                    ..whole
                }
            }
            Cut::Panels(panels) => Part { around: piece / panels..piece / panels + 1, ..whole },
        }
    }

    /// Runs `product` on the matrices of each product of a part: its shape, them, and whether it is the
    /// first to write there.
    ///
    /// # Safety
    /// As for [`Routine::run_piece`], with operands of type `T`.
    unsafe fn products<T>(
        &self,
        part: &Part,
        addresses: &[*mut u8],
        product: impl Fn(Matrices<T>),
    ) {
        let [x, y, z] = [self.operands[0], self.operands[1], 2].map(|i| addresses[i].cast::<T>());
        let copy = addresses.get(3).map_or(std::ptr::null_mut(), |at| at.cast::<T>());
        let [i, j, l] = [&part.rows, &part.columns, &part.terms].map(|r| r.start as isize);
        let (row, column, sum) = (self.row, self.column, self.sum);
        self.each(part.around.clone(), |at, first| {
            // A factor without terms has no elements, so these addresses may lie outside.
            // SAFETY: the caller's: the loops stay inside the operands, and the copy has its room.
            let (x, y, z) = unsafe {
                let mut from = y.wrapping_offset(at[1]).cast_const();
                if !self.copied.is_empty() {
                    let mut to = copy;
                    copy_loops(&self.copied, from, &mut to);
                    from = copy;
                }
                (
                    x.wrapping_offset(at[0] + i * row.x + l * sum.x).cast_const(),
                    from.wrapping_offset(j * column.y + l * sum.y),
                    z.wrapping_offset(at[2] + i * row.z + j * column.z),
                )
            };
            let a = MatPtr { at: x, row: row.x, col: sum.x };
            let b = MatPtr { at: y, row: sum.y, col: column.y };
            let c = MatPtr { at: z, row: row.z, col: column.z };
            product(Matrices { shape: part.shape(), a, b, c, first: first && !part.adds });
        });
    }

    /// # Safety
    /// As for [`Routine::run_piece`], with operands of type `T`.
    unsafe fn floats<T: Scalar>(&self, piece: usize, part: &Part, addresses: &[*mut u8]) {
        let bytes = match self.cut {
            Cut::Panels(_) => self.scratch(),
            _ => self.packed(part),
        };
        let room = addresses.get(3).map_or(std::ptr::null_mut(), |at| at.wrapping_add(self.copy()));
        let multiply = |Matrices { shape, a, b, c, first }: Matrices<T>| {
            let beta = T::of(if first { 0.0 } else { 1.0 });
            // SAFETY: the caller's: the matrices lie in the operands, z overlaps nothing, and what is not for
            // the copy is there to work in.
            unsafe {
                let scratch = Scratch::at(room, bytes);
                match self.cut {
                    Cut::Panels(panels) => {
                        let (m, _, k) = shape;
                        multiply_gram_panel(self.isa, piece % panels, (m, k), a, beta, c, scratch);
                    }
                    _ => multiply_raw(self.isa, shape, T::of(1.0), a, b, beta, c, scratch),
                }
            }
        };
        // SAFETY: the caller's.
        unsafe { self.products(part, addresses, multiply) }
    }

    /// # Safety
    /// As for [`Routine::run_piece`], with operands of type `T`.
    unsafe fn integers<T: Integer>(&self, part: &Part, addresses: &[*mut u8]) {
        let multiply = |Matrices { shape, a, b, c, first }: Matrices<T>| {
            // SAFETY: the caller's: the matrices lie in the operands, and z overlaps nothing.
            unsafe { multiply_integers_raw(shape, a, b, !first, c) }
        };
        // SAFETY: the caller's.
        unsafe { self.products(part, addresses, multiply) }
    }
}

/// The matrices of a product.
struct Matrices<T> {
    shape: (usize, usize, usize),
    a: MatPtr<*const T>,
    b: MatPtr<*const T>,
    c: MatPtr<*mut T>,
    /// Whether nothing was written to c before.
    first: bool,
}

impl Product {
    /// A part; of a symmetric product, the panel of a piece.
    ///
    /// # Safety
    /// As for [`Routine::run_piece`].
    unsafe fn run_part(&self, piece: usize, part: &Part, addresses: &[*mut u8]) -> bool {
        // SAFETY: the caller's.
        unsafe {
            match self.dtype {
                DType::F32 => self.floats::<f32>(piece, part, addresses),
                DType::F64 => self.floats::<f64>(piece, part, addresses),
                DType::I32 => self.integers::<i32>(part, addresses),
                DType::I64 => self.integers::<i64>(part, addresses),
                // A product of truth values is refused by its shape rule.
                DType::Bool => return false,
            }
        }
        true
    }
}

impl Part {
    /// Rows, columns and terms.
    fn shape(&self) -> (usize, usize, usize) {
        (self.rows.len(), self.columns.len(), self.terms.len())
    }
}

impl Routine for Product {
    fn name(&self) -> String {
        let (m, n, k) = (self.row.extent, self.column.extent, self.sum.extent);
        let symmetric = if self.is_symmetric() { "symmetric " } else { "" };
        match size(&self.around) * size(&self.sums) {
            1 => format!("{symmetric}product {m}x{n}x{k}"),
            around => format!("{around} {symmetric}products {m}x{n}x{k}"),
        }
    }

    fn scratch(&self) -> usize {
        let (rows, columns) = (self.row.extent, self.column.extent);
        let packed = match self.cut {
            Cut::Around(_) => self.packed(&self.whole()),
            Cut::Block(m, n) => {
                let (rows, columns) = (0..m.min(rows), 0..n.min(columns));
                self.packed(&Part { rows, columns, ..self.whole() })
            }
            Cut::Panels(_) => {
                let (a, c) = ((self.row.x, self.sum.x), (self.row.z, self.column.z));
                gram_room(self.dtype.size(), (rows, self.sum.extent), a, c)
            }
        };
        self.copy() + packed
    }

    fn pieces(&self) -> usize {
        let around = size(&self.around);
        match self.cut {
            Cut::Around(each) => around.div_ceil(each),
            Cut::Block(rows, columns) => {
                around * self.row.extent.div_ceil(rows) * self.column.extent.div_ceil(columns)
            }
            Cut::Panels(panels) => around * panels,
        }
    }

    unsafe fn run_piece(&self, piece: usize, addresses: &[*mut u8]) -> bool {
        // SAFETY: the caller's.
        unsafe { self.run_part(piece, &self.piece(piece), addresses) }
    }

    fn ways(&self) -> SmallVec<[Loops; 2]> {
        let around: Vec<Loop> = self.around.iter().chain(&self.sums).copied().collect();
        let way = |outermost: &Outermost| {
            let (row, column, sum) = (self.row, self.column, self.sum);
            let (inner, grain) = match outermost {
                Outermost::Batch => ([row, column, sum], 1),
                Outermost::Rows => ([row, column, sum], FEW),
                Outermost::Columns => ([column, row, sum], FEW),
                Outermost::Sum => ([sum, row, column], TERMS),
            };
            Loop::all(&[around.as_slice(), &inner].concat(), self.offset, grain)
        };
        self.outermost().iter().map(way).collect()
    }

    fn scratch_for(&self, way: usize, iterations: usize) -> usize {
        match self.outermost().get(way) {
            Some(Outermost::Batch) | None => self.scratch(),
            Some(_) => self.packed(&self.part(way, (0, iterations))),
        }
    }

    fn moved_again(&self, way: usize, parts: usize) -> usize {
        let Cut::Block(rows, columns) = self.cut else { return 0 };
        let pieces = (self.row.extent.div_ceil(rows), self.column.extent.div_ceil(columns));
        let (row, column, sum, size) = (self.row, self.column, self.sum, self.dtype.size());
        let (parts, other, strides) = match self.outermost().get(way) {
            Some(Outermost::Rows) => ((parts, 1), column.extent, (sum.y, column.y)),
            Some(Outermost::Columns) => ((1, parts), row.extent, (sum.x, row.x)),
            Some(Outermost::Sum) => {
                let results = row.extent * column.extent * size;
                let times = if results <= NEARBY / 2 { 0 } else { parts };
                return 2 * results * (times + TOGETHER);
            }
            Some(Outermost::Batch) | None => return 0,
        };
        let copies = |parts: (usize, usize)| self.copies(parts) * sum.extent * size;
        let more = copies(parts).saturating_sub(copies(pieces));
        // A copy reads and writes; what stays in the cache as it lies costs nothing.
        match lies_in_rows(size, strides) {
            true if other * sum.extent * size <= NEARBY => 0,
            true => more,
            false => 2 * more,
        }
    }

    unsafe fn run_iterations(
        &self,
        way: usize,
        range: (usize, usize),
        addresses: &[*mut u8],
    ) -> bool {
        let part = self.part(way, range);
        if !self.around.is_empty() && !matches!(self.cut, Cut::Around(_)) {
            let each = self.pieces() / size(&self.around);
            // SAFETY: the caller's: the pieces of these products.
            return (part.around.start * each..part.around.end * each)
                .all(|piece| unsafe { self.run_piece(piece, addresses) });
        }
        // SAFETY: the caller's: the part of the operands that these iterations touch.
        unsafe { self.run_part(0, &part, addresses) }
    }
}
