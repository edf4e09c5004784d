//! Where a Jacobian can be other than zero, found from the program, and how few products show it all.
//!
//! A value of a linear program depends on a set of elements of its linear inputs. The sets go through
//! the program in one loop over its equations (`flow.rs`), each equation by the structure that `rules.rs`
//! states for its primitive; equal sets are stored once (`rows.rs`), so a banded Jacobian of a million rows
//! takes linear time and memory, and a sum of a million elements one set. The pattern is *conservative*:
//! every entry that can be other than zero is in it, and so may be some that cannot.
//!
//! Columns without a common row can share one product with the Jacobian: that is a colouring
//! (`coloring.rs`).

mod coloring;
mod flow;
mod rows;
mod rules;

pub use coloring::{Coloring, Products, color_both, color_columns, color_rows, color_symmetric};

use crate::error::{Error, Result};
use crate::program::Program;
use flow::Facts;
use rows::{Rows, Union};

/// The most entries of a pattern: beyond it a matrix is not sparse, or no machine's business.
pub const MOST_ENTRIES: usize = 1 << 29;

/// The places of a matrix that can be other than zero, row by row: compressed sparse rows.
///
/// ```
/// use riesz_core::sparsity::Pattern;
/// let p = Pattern::from_entries(2, 3, &[(0, 2), (1, 1), (0, 0)])?;
/// assert_eq!(p.row(0), &[0, 2]);
/// assert_eq!(p.transpose().row(2), &[0]);
/// # Ok::<(), riesz_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    columns: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
}

impl Pattern {
    /// The pattern of a matrix of `rows`×`columns` with these entries, in any order; one that is named
    /// twice counts once.
    ///
    /// # Errors
    /// When an entry is outside the matrix.
    pub fn from_entries(
        rows: usize,
        columns: usize,
        entries: &[(usize, usize)],
    ) -> Result<Pattern> {
        expect_columns(columns)?;
        let mut of_rows: Vec<Vec<u32>> = vec![Vec::new(); rows];
        for &(i, j) in entries {
            if i >= rows || j >= columns {
                let message = format!("entry ({i}, {j}) is outside a matrix of {rows}×{columns}");
                return Err(Error::shape(message));
            }
            of_rows[i].push(j as u32);
        }
        let mut pattern = Pattern { columns, offsets: vec![0], indices: Vec::new() };
        for mut row in of_rows {
            row.sort_unstable();
            row.dedup();
            pattern.indices.extend(row);
            pattern.offsets.push(pattern.indices.len());
        }
        Ok(pattern)
    }

    /// The pattern without entries.
    pub fn empty(rows: usize, columns: usize) -> Pattern {
        Pattern { columns, offsets: vec![0; rows + 1], indices: Vec::new() }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Where each row begins among the entries, and after them where the last one ends.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The column of each entry, row by row, increasing in a row.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The columns of the entries of row `i`, increasing.
    pub fn row(&self, i: usize) -> &[u32] {
        &self.indices[self.offsets[i]..self.offsets[i + 1]]
    }

    /// Row and column of each entry.
    pub fn entries(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.rows()).flat_map(|i| self.row(i).iter().map(move |&j| (i, j as usize)))
    }

    /// The pattern of the transposed matrix.
    pub fn transpose(&self) -> Pattern {
        self.transpose_with_places().0
    }

    /// The transposed pattern, and for each of its entries the place of that entry in this one.
    pub fn transpose_with_places(&self) -> (Pattern, Vec<usize>) {
        let mut offsets = vec![0; self.columns + 1];
        for &j in &self.indices {
            offsets[j as usize + 1] += 1;
        }
        for j in 0..self.columns {
            offsets[j + 1] += offsets[j];
        }
        let mut next = offsets.clone();
        let (mut indices, mut places) = (vec![0; self.len()], vec![0; self.len()]);
        for i in 0..self.rows() {
            for at in self.offsets[i]..self.offsets[i + 1] {
                let to = &mut next[self.indices[at] as usize];
                (indices[*to], places[*to]) = (i as u32, at);
                *to += 1;
            }
        }
        (Pattern { columns: self.rows(), offsets, indices }, places)
    }

    /// The entries whose mirror image is an entry too. Every entry of a symmetric matrix that is not
    /// zero is among them.
    pub fn symmetric(&self) -> Pattern {
        let mirrored = self.transpose();
        let mut both = Pattern { columns: self.columns, offsets: vec![0], indices: Vec::new() };
        for i in 0..self.rows().min(mirrored.rows()) {
            let mut other = mirrored.row(i).iter().peekable();
            for j in self.row(i) {
                while other.next_if(|k| *k < j).is_some() {}
                both.indices.extend(other.next_if(|k| *k == j));
            }
            both.offsets.push(both.indices.len());
        }
        both
    }
}

/// Where the Jacobian of a program can be other than zero: a row for each element of the outputs that
/// are floats, a column for each element of the inputs marked in `wrt`, in order.
///
/// # Errors
/// When the program cannot be differentiated, or the pattern has more than [`MOST_ENTRIES`].
///
/// ```
/// use riesz_core::{DType, Type, sparsity::jacobian_pattern, trace};
/// let f = trace(&[Type::new(DType::F64, [4])], |x| {
///     vec![x[0].slice_axis(0, 1, 4) - x[0].slice_axis(0, 0, 3).square()]
/// })?;
/// let pattern = jacobian_pattern(&f, &[true])?;
/// assert_eq!(pattern.row(2), &[2, 3]);
/// assert_eq!(pattern.len(), 6);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn jacobian_pattern(program: &Program, wrt: &[bool]) -> Result<Pattern> {
    let forward = crate::jvp(program, wrt)?;
    linear_pattern(&forward, program.input_types().len(), program.outputs().len())
}

/// As [`jacobian_pattern`] for a program that has been through `jvp`: of its outputs after the first
/// `results`, which are linear in its inputs after the first `known`.
///
/// # Errors
/// As [`jacobian_pattern`].
pub fn linear_pattern(forward: &Program, known: usize, results: usize) -> Result<Pattern> {
    let columns: usize = forward.input_types()[known..].iter().map(|ty| ty.size()).sum();
    expect_columns(columns)?;
    let mut start = 0;
    let mut inputs = vec![Facts::default(); known];
    for ty in &forward.input_types()[known..] {
        inputs.push(Facts { rows: Some(Rows::range(start, ty.size())), known: None });
        start += ty.size();
    }
    let outputs = flow::through(forward, inputs, &mut Union::new(columns))?;
    let mut pattern = Pattern::empty(0, columns);
    for (v, facts) in forward.outputs.iter().zip(outputs).skip(results) {
        let Pattern { offsets, indices, .. } = &mut pattern;
        match facts.rows {
            Some(rows) => rows.append_to(offsets, indices)?,
            None => offsets.extend(std::iter::repeat_n(indices.len(), forward.ty(*v).size())),
        }
    }
    Ok(pattern)
}

fn expect_columns(columns: usize) -> Result<()> {
    if columns < u32::MAX as usize {
        return Ok(());
    }
    Err(Error::shape(format!(
        "a sparse matrix of {columns} columns: the most are {}",
        u32::MAX - 1
    )))
}

/// The error for a matrix that is not sparse.
fn not_sparse() -> Error {
    Error::shape(format!("the Jacobian is not sparse: it has more than {MOST_ENTRIES} entries"))
        .help("use `jvp`, `vjp` or `hvp`, which need no matrix")
}
