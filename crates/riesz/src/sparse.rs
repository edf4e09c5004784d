//! Sparse matrices: what `sparse_jacobian` and `sparse_hessian` give.

use crate::Tree;
use crate::tree::Leaf;
use riesz_core::sparsity::Pattern;
use riesz_core::{DType, Error, Result, Tensor, Type, Var, current_source, fail};
use std::sync::Arc;

/// A sparse matrix in compressed sparse rows: where entries are is a part of its structure, their values
/// are the one leaf of a tree. Entries that are not stored are zero; stored ones may be.
///
/// ```
/// use riesz::prelude::*;
/// let differences = |x: Var| x.slice_axis(0, 1, 4).square() - x.slice_axis(0, 0, 3);
/// let j = run(sparse_jacobian(differences), &Tensor::from([1.0, 2.0, 3.0, 4.0]))?;
/// assert_eq!(j.offsets(), &[0, 2, 4, 6]);
/// assert_eq!(j.indices(), &[0, 1, 1, 2, 2, 3]);
/// assert_eq!(j.values, Tensor::from([-1.0, 4.0, -1.0, 6.0, -1.0, 8.0]));
/// assert_eq!(j.triplets()?[1], (0, 1, 4.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Tree)]
pub struct Csr<T> {
    /// The value of each entry, row by row: a vector.
    pub values: T,
    #[tree(static)]
    pattern: Arc<Pattern>,
}

impl<T> Csr<T> {
    /// A matrix from its pattern and a vector with a value for each entry.
    pub fn new(pattern: impl Into<Arc<Pattern>>, values: T) -> Csr<T> {
        Csr { values, pattern: pattern.into() }
    }

    /// Where the entries are.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.pattern.rows()
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.pattern.columns()
    }

    /// Where each row begins among the entries, and after them where the last one ends.
    pub fn offsets(&self) -> &[usize] {
        self.pattern.offsets()
    }

    /// The column of each entry, row by row, increasing in a row.
    pub fn indices(&self) -> &[u32] {
        self.pattern.indices()
    }
}

impl Csr<Tensor> {
    /// Row, column and value of each entry, row by row.
    ///
    /// # Errors
    /// When there are more or fewer values than entries.
    pub fn triplets(&self) -> Result<Vec<(usize, usize, f64)>> {
        self.expect_values(&self.values.ty())?;
        let entries = self.pattern.entries().zip(self.values.to_f64());
        Ok(entries.map(|((i, j), value)| (i, j, value)).collect())
    }

    /// The matrix with its zeros.
    ///
    /// # Errors
    /// When there are more or fewer values than entries.
    pub fn to_dense(&self) -> Result<Tensor> {
        let columns = self.columns();
        let mut dense = vec![0.0; self.rows() * columns];
        for (i, j, value) in self.triplets()? {
            dense[i * columns + j] = value;
        }
        Tensor::from_f64(&dense, [self.rows(), columns], self.values.dtype())
    }

    /// The transposed matrix. Its rows are the columns of this one, so its offsets, indices and values
    /// are the compressed sparse columns (CSC) of this matrix.
    ///
    /// # Errors
    /// When there are more or fewer values than entries.
    pub fn transpose(&self) -> Result<Csr<Tensor>> {
        self.expect_values(&self.values.ty())?;
        let (pattern, places) = self.pattern.transpose_with_places();
        let values = self.values.to_f64();
        let moved: Vec<f64> = places.iter().map(|&at| values[at]).collect();
        Ok(Csr::new(pattern, Tensor::from_f64(&moved, [moved.len()], self.values.dtype())?))
    }
}

impl Csr<Var> {
    /// The product with a vector, or with each column of a matrix.
    ///
    /// # Errors
    /// Left in the trace when the sizes do not fit.
    #[track_caller]
    pub fn dot(&self, x: Var) -> Var {
        let fits = x.shape().first() == Some(&self.columns()) && x.rank() <= 2;
        if let Err(error) = self.expect_values(&self.values.ty()) {
            return fail(error.at("sparse dot", current_source()));
        }
        if !fits && !x.is_poisoned() {
            let (m, n) = (self.rows(), self.columns());
            let message = format!("a sparse matrix of {m}×{n} cannot be applied to {}", x.ty());
            return fail(Error::shape(message).at("sparse dot", current_source()));
        }
        let columns = self.indices().iter().map(|&j| i64::from(j)).collect::<Vec<i64>>();
        let rows = self.pattern.entries().map(|(i, _)| i as i64).collect::<Vec<i64>>();
        let taken = x.take(Var::constant(columns), 0);
        let values = if x.rank() == 2 { self.values.expand_dims(1) } else { self.values };
        (values * taken).segment_sum(Var::constant(rows), self.rows())
    }

    /// The matrix with its zeros, as a value of the trace.
    ///
    /// # Errors
    /// Left in the trace when there are more or fewer values than entries.
    #[track_caller]
    pub fn to_dense(&self) -> Var {
        if let Err(error) = self.expect_values(&self.values.ty()) {
            return fail(error.at("to_dense", current_source()));
        }
        let (m, n) = (self.rows(), self.columns());
        let places = self.pattern.entries().map(|(i, j)| (i * n + j) as i64);
        let zeros = Var::zeros(&Type::new(self.values.dtype(), [m * n]));
        let places = Var::constant(places.collect::<Vec<i64>>());
        zeros.scatter_add(places, self.values, 0).reshape([m, n])
    }
}

impl<T: Leaf> Csr<T> {
    fn expect_values(&self, values: &Type) -> Result<()> {
        if values.shape[..] == [self.pattern.len()] && values.dtype != DType::Bool {
            return Ok(());
        }
        let entries = self.pattern.len();
        Err(Error::shape(format!("the values are {values}, the pattern has {entries} entries")))
    }
}
