//! Products: their loops, and what of them need not be computed.

use super::{Built, Frame, Operands};
use crate::nest::{Access, Operand};
use crate::plan::group::copy_between;
use crate::plan::pattern::Patterns;
use crate::routine::{Counted, Loop, Partial, Product, is_long};
use crate::simd::Isa;
use riesz_core::primitive::Dot;
use riesz_core::{Equation, Prim, Shape, Type, Value};
use smallvec::SmallVec;
use std::sync::Arc;

/// How many products are worth a copy of a factor that they share, for the sake of their sums.
const OFTEN: usize = 8;

impl Frame<'_> {
    /// A product of operands that are views of what is stored.
    pub(super) fn multiply(&mut self, eq: &Equation, operations: f64) -> Built<()> {
        let Prim::Dot(dot) = &eq.prim else { return Err(eq.first) };
        let (x, y) = (self.strided(eq.inputs[0])?, self.strided(eq.inputs[1])?);
        let dtype = self.program.ty(eq.first).dtype;
        let z = self.home(eq.first);
        let same = x.operand == y.operand;
        let loops = self.loops(eq, dot, &x, &y);
        let product = Product::new(Isa::best(), dtype, [x.offset, y.offset, 0], &loops, same);
        if !product.is_symmetric()
            && let Some((partial, y)) = self.partial(eq, dot, &x, &y)
        {
            let operations = operations * partial.part();
            let operands = Operands::from_slice(&[x.operand, y, z]);
            self.push_call(Arc::new(partial), operands, operations);
            return Ok(());
        }
        let operands = Operands::from_slice(&[x.operand, y.operand, z]);
        self.push_call(Arc::new(product), operands, operations);
        Ok(())
    }

    /// The loops of a product: batch, rows, columns and sums, as the axes of the factors are numbered.
    fn loops(&self, eq: &Equation, dot: &Dot, x_at: &Access, y_at: &Access) -> Vec<Loop> {
        let [x, y] = [0, 1].map(|i| &self.program.ty(eq.inputs[i]).shape);
        let (lhs, rhs) = (dot.lhs(x.rank()), dot.rhs(y.rank()));
        let z = self.decisions.strides(self.program, eq.first);
        let mut z_axes = z.iter().map(|&s| s as isize);
        let mut next = || z_axes.next().unwrap_or(0);
        let mut loops = Vec::new();
        for (&a, &b) in lhs.batch.iter().zip(&rhs.batch) {
            let (by_x, by_y) = (x_at.strides[a], y_at.strides[b]);
            loops.push(Loop { extent: x[a], x: by_x, y: by_y, z: next() });
        }
        for &a in &lhs.free {
            loops.push(Loop { extent: x[a], x: x_at.strides[a], y: 0, z: next() });
        }
        for &b in &rhs.free {
            loops.push(Loop { extent: y[b], x: 0, y: y_at.strides[b], z: next() });
        }
        for (&a, &b) in lhs.contract.iter().zip(&rhs.contract) {
            let (by_x, by_y) = (x_at.strides[a], y_at.strides[b]);
            loops.push(Loop { extent: x[a], x: by_x, y: by_y, z: 0 });
        }
        loops
    }

    /// The product without what is zero or not read, and where its second factor lies: that is copied if
    /// its columns, or the terms of long sums, do not lie beside each other.
    fn partial(
        &mut self,
        eq: &Equation,
        dot: &Dot,
        x: &Access,
        y: &Access,
    ) -> Option<(Partial, Operand)> {
        let patterns = self.patterns.get_or_init(|| Patterns::new(self.program, self.decisions));
        let part = patterns.part(self.program, eq, dot)?;
        let [from, other] = [0, 1].map(|i| &self.program.ty(eq.inputs[i]).shape);
        let (lhs, rhs) = (dot.lhs(from.rank()), dot.rhs(other.rank()));
        let mut loops = self.loops(eq, dot, x, y);
        // Rows and columns come after the batch.
        let rows = lhs.batch.len();
        let columns = rows + lhs.free.len();
        let row = rows + lhs.free.iter().position(|&a| a == part.axes.0)?;
        let near = |&j: &usize| loops[columns + j].z == 1;
        let axis = match part.axes.1 {
            Some(axis) => axis,
            None => rhs.free[(0..rhs.free.len()).find(near)?],
        };
        let column = columns + rhs.free.iter().position(|&b| b == axis)?;
        let width = loops[column].extent;
        let all = || vec![0..width; part.terms.len()];
        let counted = Counted {
            loops: [row, column],
            columns: part.columns.unwrap_or_else(all),
            terms: part.terms,
        };
        let summed = loops.len() - 1;
        let shape = [row, column, summed].map(|l| loops[l].extent);
        // Which elements of the second factor are to be neighbours.
        let times = loops.iter().map(|l| l.extent).product::<usize>()
            / shape.iter().product::<usize>().max(1);
        let copies = lhs.batch.is_empty() && times >= OFTEN || loops[summed].y == 1;
        let along_sums = copies && loops[summed].x == 1 && is_long(shape, &counted);
        let (axis, by) = if along_sums { (rhs.contract[0], summed) } else { (axis, column) };
        let near = (loops[by].y != 1).then(|| Copied::new(self, eq.inputs[1], y, axis));
        if let Some(copied) = &near {
            loops = self.loops(eq, dot, x, &copied.access(other.rank()));
        }
        let offsets = [x.offset, if near.is_some() { 0 } else { y.offset }, 0];
        let ty = self.program.ty(eq.inputs[1]);
        let partial = Partial::new(Isa::best(), ty.dtype, offsets, &loops, &counted)?;
        let operand = near.map_or(y.operand, |copied| self.copied(copied, y, ty));
        Some((partial, operand))
    }

    /// The buffer of a copy, which is made if there is none yet.
    fn copied(&mut self, copied: Copied, y: &Access, ty: &Type) -> Operand {
        if let Some(known) = self.copies.iter().find(|known| known.0 == copied) {
            return known.1;
        }
        let operand = self.memory.room(ty);
        let extents: Shape = copied.axes.iter().map(|axis| axis.1).collect();
        let strides = copied.axes.iter().map(|axis| axis.2).collect();
        let from = Access { strides, ..y.clone() };
        let strides = extents.strides().iter().map(|&s| s as isize).collect();
        let to = Access { operand, offset: 0, strides };
        self.nest(copy_between(ty.dtype, &extents, from, to));
        self.copies.push((copied, operand));
        operand
    }
}

/// A copy of a factor whose elements lie in another order.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    /// What it is a view of, where that was found, and the first element that is copied: views may have buffers
    /// of their own, and in one buffer values may follow each other.
    of: (Value, Operand, isize),
    /// As they lie in the copy, outermost first: the axis of the factor, its extent, and how far apart its
    /// elements lie in what is copied.
    axes: SmallVec<[(usize, usize, isize); 4]>,
}

impl Copied {
    /// Of a value that lies like this, with the elements along one axis beside each other.
    fn new(frame: &Frame, value: Value, at: &Access, last: usize) -> Copied {
        let shape = &frame.program.ty(value).shape;
        let order = (0..shape.rank()).filter(|&axis| axis != last).chain([last]);
        let axes = order.map(|axis| (axis, shape[axis], at.strides[axis])).collect();
        Copied { of: (frame.decisions.base(frame.program, value), at.operand, at.offset), axes }
    }

    /// Where the elements of the factor lie in the copy.
    fn access(&self, rank: usize) -> Access {
        let extents: Shape = self.axes.iter().map(|axis| axis.1).collect();
        let mut strides = SmallVec::from_elem(0, rank);
        self.axes.iter().zip(extents.strides()).for_each(|(axis, s)| strides[axis.0] = s as isize);
        Access { operand: 0, offset: 0, strides }
    }
}

/// The same elements in the same order, whichever axes of a view they belong to.
impl PartialEq for Copied {
    fn eq(&self, other: &Copied) -> bool {
        let elements = |copied: &Copied| -> Vec<(usize, isize)> {
            copied.axes.iter().map(|&(_, extent, stride)| (extent, stride)).collect()
        };
        self.of == other.of && elements(self) == elements(other)
    }
}
