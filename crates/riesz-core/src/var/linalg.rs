//! Products and matrices.

use super::arithmetic::common_shape;
use crate::error::Error;
use crate::primitive::{Compare, Det, Dot, IntegerPower, Inverse, Pad, SLogDet, Slice, Solve};
use crate::trace::{Var, apply, apply1, fail};
use crate::types::Shape;

/// Products.
impl Var {
    /// The product over the last axis of `self` and the first but one, or only, axis of `other`:
    /// ⟨x,y⟩ for vectors, Ax, xᵀA and AB for matrices.
    #[track_caller]
    pub fn dot(self, other: Var) -> Var {
        let (l, r) = (self.rank(), other.rank());
        let contract = match (l, r) {
            (0, _) | (_, 0) => vec![],
            (l, 1) => vec![(l - 1, 0)],
            (l, r) => vec![(l - 1, r - 2)],
        };
        apply1(Dot { contract, batch: vec![] }, &[self, other])
    }

    /// The product of two matrices, or of stacks of them whose leading axes broadcast. A vector on
    /// the right is a column, a vector on the left a row.
    #[track_caller]
    pub fn matmul(self, other: Var) -> Var {
        let (l, r) = (self.shape(), other.shape());
        if l.rank() <= 2 && r.rank() <= 2 {
            return self.dot(other);
        }
        if l.rank() == 1 {
            let rank = r.rank();
            return self.expand_dims(0).matmul(other).squeeze(rank - 2);
        }
        if r.rank() == 1 {
            let rank = l.rank();
            return self.matmul(other.expand_dims(1)).squeeze(rank - 1);
        }
        let (lead_l, m) = l.split_at(l.rank() - 2);
        let (lead_r, n) = r.split_at(r.rank() - 2);
        let Some(lead) = common_shape(&lead_l.into(), &lead_r.into()) else {
            return fail(
                Error::shape(format!("the stacks {l} and {r} do not broadcast"))
                    .at("matmul", crate::trace::current_source()),
            );
        };
        let with = |matrix: &[usize]| -> Shape { lead.iter().chain(matrix).copied().collect() };
        let (a, b) = (self.broadcast_to(with(m)), other.broadcast_to(with(n)));
        let k = lead.rank();
        let dot = Dot { contract: vec![(k + 1, k)], batch: (0..k).map(|i| (i, i)).collect() };
        apply1(dot, &[a, b])
    }

    /// Every product of an element of `self` with one of `other`.
    #[track_caller]
    pub fn outer(self, other: Var) -> Var {
        apply1(Dot::default(), &[self, other])
    }

    /// The Kronecker product of two matrices, or of two vectors: each element of `self` times the
    /// whole of `other`.
    #[track_caller]
    pub fn kron(self, other: Var) -> Var {
        super::check::composed("kron", &[self, other], || {
            let (a, b) = (self.shape(), other.shape());
            super::check::expect(a.rank() == b.rank() && a.rank() > 0, || {
                format!("needs two vectors or two matrices, not {a} and {b}")
            })?;
            // Axes a₁ a₂ b₁ b₂ of all products become a₁ b₁ a₂ b₂, and pairs become one.
            let rank = a.rank();
            let order: Vec<usize> = (0..rank).flat_map(|i| [i, rank + i]).collect();
            let out: Shape = a.iter().zip(b.iter()).map(|(n, m)| n * m).collect();
            Ok(self.outer(other).transpose(&order).reshape(out))
        })
    }

    /// The sum over pairs of axes `contract`, along the pairs `batch` together: the axes of the
    /// result are the shared ones, then the free ones of `self`, then those of `other`.
    #[track_caller]
    pub fn dot_general(
        self,
        other: Var,
        contract: &[(usize, usize)],
        batch: &[(usize, usize)],
    ) -> Var {
        let dot = Dot { contract: contract.to_vec(), batch: batch.to_vec() };
        apply1(dot, &[self, other])
    }
}

/// Square matrices, or stacks of them.
impl Var {
    /// A⁻¹. Running it on a singular matrix is an error.
    #[track_caller]
    pub fn inverse(self) -> Var {
        apply1(Inverse, &[self])
    }

    /// x with `self`·x = b, for a vector or a matrix b, or stacks of matrices.
    #[track_caller]
    pub fn solve(self, b: Var) -> Var {
        if b.rank() + 1 == self.rank() {
            let axis = b.rank();
            let x = apply1(Solve, &[self, b.expand_dims(axis)]);
            return if x.is_poisoned() { x } else { x.squeeze(axis) };
        }
        apply1(Solve, &[self, b])
    }

    /// The determinant; derivatives are exact for singular matrices too.
    #[track_caller]
    pub fn det(self) -> Var {
        apply1(Det, &[self])
    }

    /// log|det A|, −∞ for a singular matrix.
    #[track_caller]
    pub fn logdet(self) -> Var {
        apply(SLogDet, &[self])[1]
    }

    /// The sign of the determinant and log|det A|.
    #[track_caller]
    pub fn slogdet(self) -> (Var, Var) {
        let both = apply(SLogDet, &[self]);
        (both[0], both[1])
    }

    /// The sum of the diagonal.
    #[track_caller]
    pub fn trace(self) -> Var {
        let d = self.diagonal();
        let rank = d.rank();
        if d.is_poisoned() { d } else { d.sum_axes(&[rank - 1]) }
    }

    /// The diagonal of a matrix, or of each in a stack.
    #[track_caller]
    pub fn diagonal(self) -> Var {
        let shape = self.shape();
        let Some((lead, &[m, n])) = shape.split_last_chunk::<2>() else {
            return fail(
                Error::shape(format!("needs a matrix, not {}", self.ty()))
                    .at("diagonal", crate::trace::current_source()),
            );
        };
        let count = m.min(n);
        let with = |last: usize| -> Shape { lead.iter().copied().chain([last]).collect() };
        let limit = if count == 0 { 0 } else { (count - 1) * (n + 1) + 1 };
        let mut slice = Slice {
            start: vec![0; lead.len() + 1],
            limit: with(limit).to_vec(),
            stride: vec![1; lead.len() + 1],
        };
        slice.stride[lead.len()] = n + 1;
        // The diagonal of a row-major matrix is every (n+1)-th element.
        apply1(slice, &[self.reshape(with(m * n))])
    }

    /// The diagonal matrix of a vector, or of each in a stack.
    #[track_caller]
    pub fn diag(self) -> Var {
        let shape = self.shape();
        let Some((&n, lead)) = shape.split_last() else {
            return fail(
                Error::shape("needs a vector, not a number")
                    .at("diag", crate::trace::current_source()),
            );
        };
        let rank = shape.rank();
        let mut pad = Pad { low: vec![0; rank], high: vec![0; rank], interior: vec![0; rank] };
        pad.interior[rank - 1] = n;
        let matrix: Shape = lead.iter().copied().chain([n, n]).collect();
        apply1(pad, &[self]).reshape(matrix)
    }

    /// The lower triangle, zeros above the diagonal.
    #[track_caller]
    pub fn tril(self) -> Var {
        self.triangle(Compare::Ge)
    }

    /// The upper triangle, zeros below the diagonal.
    #[track_caller]
    pub fn triu(self) -> Var {
        self.triangle(Compare::Le)
    }

    #[track_caller]
    pub(crate) fn triangle(self, compare: Compare) -> Var {
        let shape = self.shape();
        let Some((_, &[m, n])) = shape.split_last_chunk::<2>() else {
            return fail(
                Error::shape(format!("needs a matrix, not {}", self.ty()))
                    .at("triangle", crate::trace::current_source()),
            );
        };
        Var::select(Var::on_diagonal(compare, m, n), self, 0.0)
    }

    /// A to a whole power, by repeated squaring; a negative power inverts first.
    #[track_caller]
    pub fn matrix_power(self, n: i32) -> Var {
        if self.rank() < 2 {
            return apply1(IntegerPower { n }, &[self]);
        }
        let shape = self.shape();
        let size = shape[shape.rank() - 1];
        let mut base = if n < 0 { self.inverse() } else { self };
        let mut result = Var::eye(self.dtype(), size).broadcast_to(shape);
        let mut left = n.unsigned_abs();
        let mut first = true;
        while left > 0 {
            if left & 1 == 1 {
                result = if first { base } else { result.matmul(base) };
                first = false;
            }
            left >>= 1;
            if left > 0 {
                base = base.matmul(base);
            }
        }
        result
    }
}
