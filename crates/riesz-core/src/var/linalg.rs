//! Products and matrices.

use super::arithmetic::common_shape;
use super::check::{composed, expect};
use crate::error::{Error, Result};
use crate::primitive::support::expect_number;
use crate::primitive::{Compare, Det, Dot, Inverse, Pad, SLogDet, Slice, Solve};
use crate::trace::{Var, apply, apply1};
use crate::types::{DType, Shape, Type};

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
        composed("matmul", &[self, other], || {
            let (l, r) = (self.rank(), other.rank());
            expect(l > 0 && r > 0, || "needs vectors or matrices, not a number".to_string())?;
            if l <= 2 && r <= 2 {
                return Ok(self.dot(other));
            }
            // A vector is a matrix with one row, or one column, that is taken away again.
            let rows = if l == 1 { self.expand_dims(0) } else { self };
            let columns = if r == 1 { other.expand_dims(1) } else { other };
            let product = rows.stacked_product(columns)?;
            let rank = product.rank();
            Ok(match (l, r) {
                _ if product.is_poisoned() => product,
                (1, _) => product.squeeze(rank - 2),
                (_, 1) => product.squeeze(rank - 1),
                _ => product,
            })
        })
    }

    /// The product of two stacks of matrices, whose leading axes broadcast.
    fn stacked_product(self, other: Var) -> Result<Var> {
        let (l, r) = (self.shape(), other.shape());
        let (lead_l, m) = l.split_at(l.rank() - 2);
        let (lead_r, n) = r.split_at(r.rank() - 2);
        let lead = common_shape(&lead_l.into(), &lead_r.into())
            .ok_or_else(|| Error::shape(format!("the stacks {l} and {r} do not broadcast")))?;
        let with = |matrix: &[usize]| -> Shape { lead.iter().chain(matrix).copied().collect() };
        let (a, b) = (self.broadcast_to(with(m)), other.broadcast_to(with(n)));
        let k = lead.rank();
        let dot = Dot { contract: vec![(k + 1, k)], batch: (0..k).map(|i| (i, i)).collect() };
        Ok(apply1(dot, &[a, b]))
    }

    /// Every product of an element of `self` with one of `other`.
    #[track_caller]
    pub fn outer(self, other: Var) -> Var {
        composed("outer", &[self, other], || Ok(apply1(Dot::default(), &[self, other])))
    }

    /// The Kronecker product of two matrices, or of two vectors: each element of `self` times the
    /// whole of `other`.
    #[track_caller]
    pub fn kron(self, other: Var) -> Var {
        composed("kron", &[self, other], || {
            let (a, b) = (self.shape(), other.shape());
            expect(a.rank() == b.rank() && a.rank() > 0, || {
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
        composed("solve", &[self, b], || Ok(b.as_columns(self, |b| apply1(Solve, &[self, b]))))
    }

    /// `f` of this value as the columns beside the matrix `a`: of a vector as one column, which is a
    /// vector again afterwards.
    pub(super) fn as_columns(self, a: Var, f: impl FnOnce(Var) -> Var) -> Var {
        let axis = self.rank();
        if axis + 1 != a.rank() {
            return f(self);
        }
        let x = f(self.expand_dims(axis));
        if x.is_poisoned() { x } else { x.squeeze(axis) }
    }

    /// The determinant; derivatives are exact for singular matrices too.
    #[track_caller]
    pub fn det(self) -> Var {
        apply1(Det, &[self])
    }

    /// log|det A|, −∞ for a singular matrix.
    #[track_caller]
    pub fn logdet(self) -> Var {
        composed("logdet", &[self], || Ok(apply(SLogDet, &[self])[1]))
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
        composed("trace", &[self], || {
            expect_number(&self.ty())?;
            let d = self.diagonal();
            let rank = d.rank();
            Ok(if d.is_poisoned() { d } else { d.sum_axes(&[rank - 1]) })
        })
    }

    /// The diagonal of a matrix, or of each in a stack.
    #[track_caller]
    pub fn diagonal(self) -> Var {
        composed("diagonal", &[self], || {
            let shape = self.shape();
            let (lead, [m, n]) = matrices(&self.ty(), &shape)?;
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
            Ok(apply1(slice, &[self.reshape(with(m * n))]))
        })
    }

    /// The diagonal matrix of a vector, or of each in a stack.
    #[track_caller]
    pub fn diag(self) -> Var {
        composed("diag", &[self], || {
            let shape = self.shape();
            let Some((&n, lead)) = shape.split_last() else {
                return Err(Error::shape("needs a vector, not a number"));
            };
            let matrix: Shape = lead.iter().copied().chain([n, n]).collect();
            if self.dtype() == DType::Bool {
                let rows = self.expand_dims(lead.len()).broadcast_to(matrix);
                return Ok(rows.and(Var::on_diagonal(Compare::Eq, n, n)));
            }
            let rank = shape.rank();
            let mut pad = Pad { low: vec![0; rank], high: vec![0; rank], interior: vec![0; rank] };
            pad.interior[rank - 1] = n;
            Ok(apply1(pad, &[self]).reshape(matrix))
        })
    }

    /// The lower triangle, zeros above the diagonal.
    #[track_caller]
    pub fn tril(self) -> Var {
        self.triangle("tril", Compare::Ge)
    }

    /// The upper triangle, zeros below the diagonal.
    #[track_caller]
    pub fn triu(self) -> Var {
        self.triangle("triu", Compare::Le)
    }

    /// The symmetric matrix that has this lower triangle: what is above the diagonal mirrors what is below it,
    /// and what was there before is not read.
    ///
    /// ```
    /// use riesz_core::{DType, Tensor, Type, eval, trace};
    /// let p = trace(&[Type::new(DType::F64, [2, 2])], |x| vec![x[0].mirrored()])?;
    /// let y = eval(&p, &[Tensor::from([[1.0, f64::NAN], [2.0, 3.0]])])?;
    /// assert_eq!(y[0], Tensor::from([[1.0, 2.0], [2.0, 3.0]]));
    /// # Ok::<(), riesz_core::Error>(())
    /// ```
    #[track_caller]
    pub fn mirrored(self) -> Var {
        composed("mirrored", &[self], || {
            let shape = self.shape();
            let (lead, [m, n]) = matrices(&self.ty(), &shape)?;
            expect(m == n, || format!("needs a square matrix, not one of {m}×{n}"))?;
            let order: Vec<usize> = (0..lead.len()).chain([lead.len() + 1, lead.len()]).collect();
            let below = Var::on_diagonal(Compare::Ge, n, n);
            Ok(Var::select(below, self, self.transpose(&order)))
        })
    }

    #[track_caller]
    pub(crate) fn triangle(self, name: &str, compare: Compare) -> Var {
        composed(name, &[self], || {
            let shape = self.shape();
            let (_, [m, n]) = matrices(&self.ty(), &shape)?;
            Ok(Var::select(Var::on_diagonal(compare, m, n), self, 0.0))
        })
    }

    /// A to a whole power, by repeated squaring; a negative power inverts first.
    #[track_caller]
    pub fn matrix_power(self, n: i32) -> Var {
        composed("matrix_power", &[self], || {
            expect_number(&self.ty())?;
            let shape = self.shape();
            let (_, [rows, size]) = matrices(&self.ty(), &shape)?;
            expect(rows == size, || format!("needs a square matrix, not one of {rows}×{size}"))?;
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
            Ok(result)
        })
    }
}

/// The leading axes, and rows and columns, of a stack of matrices.
fn matrices<'a>(ty: &Type, shape: &'a Shape) -> Result<(&'a [usize], [usize; 2])> {
    match shape.split_last_chunk::<2>() {
        Some((lead, &tail)) => Ok((lead, tail)),
        None => Err(Error::shape(format!("needs a matrix, not {ty}"))),
    }
}
