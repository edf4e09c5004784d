//! Products: their loops, and what of them need not be computed.

use super::{Built, Frame, Operands};
use crate::nest::{Access, Operand};
use crate::plan::group::copy_between;
use crate::plan::pattern::Patterns;
use crate::routine::{Counted, Loop, Partial, Product};
use crate::simd::Isa;
use riesz_core::primitive::Dot;
use riesz_core::{Equation, Prim, Shape};
use std::sync::Arc;

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
    /// its columns do not lie beside each other.
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
        let ty = self.program.ty(eq.inputs[1]);
        let (mut offset, mut operand) = (y.offset, y.operand);
        let copied = loops[column].y != 1;
        let order: Vec<usize> = (0..ty.shape.rank()).filter(|&b| b != axis).chain([axis]).collect();
        if copied {
            // As it will lie: what is summed before the columns, each beside the next.
            let shape: Shape = order.iter().map(|&b| ty.shape[b]).collect();
            let apart = shape.strides();
            let mut strides = apart.clone();
            order.iter().zip(&apart).for_each(|(&b, &step)| strides[b] = step);
            let strides = strides.iter().map(|&s| s as isize).collect();
            loops = self.loops(eq, dot, x, &Access { operand, offset: 0, strides });
            offset = 0;
        }
        let offsets = [x.offset, offset, 0];
        let partial = Partial::new(Isa::best(), ty.dtype, offsets, &loops, &counted)?;
        if copied {
            operand = self.memory.room(ty);
            let axes = |of: &dyn Fn(usize) -> isize| order.iter().map(|&b| of(b)).collect();
            let from = Access { strides: axes(&|b| y.strides[b]), ..y.clone() };
            let extents: Shape = order.iter().map(|&b| ty.shape[b]).collect();
            let strides = extents.strides().iter().map(|&s| s as isize).collect();
            let to = Access { operand, offset: 0, strides };
            self.nest(copy_between(ty.dtype, &extents, from, to));
        }
        Some((partial, operand))
    }
}
