//! Colourings: which columns or rows of a sparse matrix can share one product.
//!
//! A product with the sum of some columns' unit directions shows all entries of those columns that
//! share no row with each other: columns of one *colour*. Fewest colours are hard to find; going
//! through the columns in a good order and taking the first colour that fits is nearly as good.
//!
//! - Columns, or rows: Curtis, Powell & Reid (J. Inst. Math. Appl. 13, 1974); as a colouring of the
//!   graph whose edges are pairs of columns with a common row, Coleman & Moré (SIAM J. Numer. Anal. 20,
//!   1983).
//! - A symmetric matrix shows each entry twice, so columns of one colour may share a row where the
//!   mirror image can be read: a *star* colouring, in which every path of four vertices has three
//!   colours (Coleman & Moré, Math. Program. 28, 1984; Gebremedhin, Manne & Pothen, SIAM Review 47,
//!   2005). The algorithm is that of Gebremedhin, Tarafdar, Manne & Pothen (SIAM J. Sci. Comput. 29,
//!   2007), which keeps the two-coloured stars it has made.
//! - Rows and columns together, for a matrix with some full rows and some full columns: a few rows are
//!   read by products with the transpose, the others by products with the matrix, in which the columns
//!   may meet in those few (Hossain & Steihaug, Optim. Methods Softw. 10, 1998; Coleman & Verma, SIAM
//!   J. Sci. Comput. 19, 1998).

mod greedy;
mod partition;
mod star;

use super::Pattern;
use std::collections::HashMap;

/// No colour.
const NONE: u32 = u32::MAX;

/// A colour for each row or column that is part of a product.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coloring {
    colors: Vec<u32>,
    count: usize,
}

impl Coloring {
    /// How many colours there are: how many products it takes.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The colour of a row or column; none for one that no entry is read from.
    pub fn get(&self, i: usize) -> Option<usize> {
        self.colors.get(i).filter(|c| **c != NONE).map(|&c| c as usize)
    }

    /// The colours, renumbered from 0 without gaps.
    fn new(mut colors: Vec<u32>) -> Coloring {
        let mut number: HashMap<u32, u32> = HashMap::new();
        for color in colors.iter_mut().filter(|c| **c != NONE) {
            let next = number.len() as u32;
            *color = *number.entry(*color).or_insert(next);
        }
        Coloring { colors, count: number.len() }
    }

    fn none(n: usize) -> Coloring {
        Coloring { colors: vec![NONE; n], count: 0 }
    }
}

/// Which products show all entries of a matrix, and in which of them each entry is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Products {
    /// The colours of the columns: products with the matrix.
    pub columns: Coloring,
    /// The colours of the rows: products with its transpose.
    pub rows: Coloring,
    /// For each entry, in the order of the pattern, whether it is read by its column: in the product
    /// with its column's colour, at its row. Otherwise it is read by its row, in the product of the
    /// transpose with its row's colour, at its column; in a symmetric matrix that is a product with
    /// the matrix.
    pub by_column: Vec<bool>,
}

impl Products {
    /// The number of products of both kinds.
    pub fn count(&self) -> usize {
        self.columns.count() + self.rows.count()
    }
}

/// Products with the matrix alone: columns of one colour have no row in common.
///
/// ```
/// use riesz_core::sparsity::{Pattern, color_columns};
/// let tridiagonal: Vec<(usize, usize)> =
///     (0..9usize).flat_map(|i| (i.saturating_sub(1)..(i + 2).min(9)).map(move |j| (i, j))).collect();
/// let pattern = Pattern::from_entries(9, 9, &tridiagonal)?;
/// assert_eq!(color_columns(&pattern).count(), 3);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn color_columns(pattern: &Pattern) -> Products {
    Products {
        columns: greedy::distance_two(pattern, &pattern.transpose()),
        rows: Coloring::none(pattern.rows()),
        by_column: vec![true; pattern.len()],
    }
}

/// Products with the transpose alone: rows of one colour have no column in common.
pub fn color_rows(pattern: &Pattern) -> Products {
    Products {
        columns: Coloring::none(pattern.columns()),
        rows: greedy::distance_two(&pattern.transpose(), pattern),
        by_column: vec![false; pattern.len()],
    }
}

/// Products of both kinds, the fewest that were found: the fullest rows are read by products with the
/// transpose, or the fullest columns by products with the matrix.
///
/// ```
/// use riesz_core::sparsity::{Pattern, color_both, color_columns, color_rows};
/// // One product for the full row, one for the full column, one for the diagonal.
/// let arrow: Vec<(usize, usize)> = (0..9).flat_map(|i| [(i, i), (0, i), (i, 0)]).collect();
/// let pattern = Pattern::from_entries(9, 9, &arrow)?;
/// assert_eq!(color_both(&pattern).count(), 3);
/// assert_eq!((color_columns(&pattern).count(), color_rows(&pattern).count()), (9, 9));
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn color_both(pattern: &Pattern) -> Products {
    let (transposed, places) = pattern.transpose_with_places();
    let by_rows = partition::best(pattern, &transposed, usize::MAX);
    let limit = by_rows.as_ref().map_or(usize::MAX, Products::count);
    let Some(by_columns) = partition::best(&transposed, pattern, limit) else {
        return by_rows.unwrap_or_else(|| color_columns(pattern));
    };
    let mut by_column = vec![true; pattern.len()];
    places.iter().zip(by_columns.by_column).for_each(|(&at, by_row)| by_column[at] = !by_row);
    Products { columns: by_columns.rows, rows: by_columns.columns, by_column }
}

/// Products with a symmetric matrix: an entry is read in its own place or in that of its mirror image.
///
/// ```
/// use riesz_core::sparsity::{Pattern, color_symmetric};
/// // An arrow: two products, one for the full column and one for the rest of the diagonal.
/// let arrow: Vec<(usize, usize)> = (0..9).flat_map(|i| [(i, i), (0, i), (i, 0)]).collect();
/// let pattern = Pattern::from_entries(9, 9, &arrow)?;
/// assert_eq!(color_symmetric(&pattern).count(), 2);
/// # Ok::<(), riesz_core::Error>(())
/// ```
pub fn color_symmetric(pattern: &Pattern) -> Products {
    let n = pattern.rows();
    if pattern.len() > n.saturating_mul(n) / 2 {
        return color_columns(pattern); // too dense for stars
    }
    let (colors, by_column) = star::best(&Graph::new(pattern), pattern);
    let star = Products { columns: Coloring::new(colors), rows: Coloring::none(n), by_column };
    // In a dense part the search for stars can end with more colours than are needed without them.
    let longest = (0..n).map(|i| pattern.row(i).len()).max();
    if longest.is_some_and(|longest| longest < star.count()) {
        let columns = color_columns(pattern);
        if columns.count() < star.count() {
            return columns;
        }
    }
    star
}

/// The graph of a symmetric pattern: vertices and their neighbours, increasing.
struct Graph {
    offsets: Vec<usize>,
    neighbours: Vec<u32>,
}

impl Graph {
    fn new(pattern: &Pattern) -> Graph {
        let mut graph = Graph { offsets: vec![0], neighbours: Vec::with_capacity(pattern.len()) };
        for i in 0..pattern.rows() {
            graph.neighbours.extend(pattern.row(i).iter().filter(|&&j| j as usize != i));
            graph.offsets.push(graph.neighbours.len());
        }
        graph
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn of(&self, v: usize) -> &[u32] {
        &self.neighbours[self.offsets[v]..self.offsets[v + 1]]
    }

    fn degree(&self, v: usize) -> usize {
        self.offsets[v + 1] - self.offsets[v]
    }
}
