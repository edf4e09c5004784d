//! The coordinates of a variable in the space it lives in.
//!
//! The map from coordinates to matrices preserves inner products: for a symmetric matrix the
//! coordinates are the diagonal entries and √2 times those above it, so that ⟨X,Y⟩ = tr(X·Y) is the
//! dot product of coordinates. A gradient by coordinates is then the Riesz representative in the
//! space, and steepest descent means the same for both.

use crate::ast::Facts;
use riesz::{Tensor, Var};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// The space of one variable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    kind: SpaceKind,
    /// The lengths of the axes of the variable itself.
    axes: Vec<usize>,
    /// Positive definite matrices only.
    pub definite: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpaceKind {
    /// Every entry is a coordinate.
    Full,
    /// The upper triangle, row by row.
    Symmetric,
    /// The diagonal.
    Diagonal,
    /// x = u − v with u, v ≥ 0: first all of u, then all of v.
    Split,
}

impl Space {
    pub fn new(facts: &Facts, axes: Vec<usize>) -> Space {
        let kind = match axes.as_slice() {
            [_, _] if facts.diagonal => SpaceKind::Diagonal,
            [_, _] if facts.symmetric => SpaceKind::Symmetric,
            _ => SpaceKind::Full,
        };
        Space { kind, axes, definite: facts.spd }
    }

    /// The lengths of the axes of the variable.
    pub fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// The number of coordinates.
    pub fn dim(&self) -> usize {
        match self.kind {
            SpaceKind::Full => self.axes.iter().product(),
            SpaceKind::Symmetric => self.side() * (self.side() + 1) / 2,
            SpaceKind::Diagonal => self.side(),
            SpaceKind::Split => 2 * self.axes.iter().product::<usize>(),
        }
    }

    /// The same space with coordinates u and v, x = u − v, if all entries are coordinates.
    pub fn split(&self) -> Option<Space> {
        (self.kind == SpaceKind::Full).then(|| Space { kind: SpaceKind::Split, ..self.clone() })
    }

    /// Whether the coordinates are u and v, which are not negative.
    pub fn is_split(&self) -> bool {
        self.kind == SpaceKind::Split
    }

    fn side(&self) -> usize {
        self.axes.first().copied().unwrap_or(1)
    }

    /// Row and column of each coordinate of a matrix space that is not full.
    fn places(&self) -> Vec<(usize, usize)> {
        let n = self.side();
        match self.kind {
            SpaceKind::Full | SpaceKind::Split => Vec::new(),
            SpaceKind::Symmetric => (0..n).flat_map(|i| (i..n).map(move |j| (i, j))).collect(),
            SpaceKind::Diagonal => (0..n).map(|i| (i, i)).collect(),
        }
    }

    /// The coordinates of a value.
    pub fn pack(&self, value: &Tensor) -> Vec<f64> {
        let (x, n) = (value.to_f64(), self.side());
        let entry = |(i, j): (usize, usize)| {
            if i == j { x[i * n + i] } else { (x[i * n + j] + x[j * n + i]) * FRAC_1_SQRT_2 }
        };
        match self.kind {
            SpaceKind::Full => x,
            SpaceKind::Split => {
                x.iter().map(|x| x.max(0.0)).chain(x.iter().map(|x| (-x).max(0.0))).collect()
            }
            _ => self.places().into_iter().map(entry).collect(),
        }
    }

    /// The value with these coordinates.
    pub fn natural(&self, coordinates: &[f64]) -> Tensor {
        let n = self.side();
        let x = match self.kind {
            SpaceKind::Full => coordinates.to_vec(),
            SpaceKind::Split => {
                let (u, v) = coordinates.split_at(coordinates.len() / 2);
                u.iter().zip(v).map(|(u, v)| u - v).collect()
            }
            _ => {
                let mut x = vec![0.0; n * n];
                for ((i, j), c) in self.places().into_iter().zip(coordinates) {
                    let c = if i == j { *c } else { c * FRAC_1_SQRT_2 };
                    (x[i * n + j], x[j * n + i]) = (c, c);
                }
                x
            }
        };
        Tensor::new(x, self.axes.clone()).unwrap_or_else(|_| Tensor::scalar(f64::NAN))
    }

    /// The coordinates as a tensor to pass to a program that calls [`unpack`](Self::unpack).
    pub fn leaf(&self, coordinates: &[f64]) -> Tensor {
        let axes = match self.kind {
            SpaceKind::Full => self.axes.clone(),
            _ => vec![coordinates.len()],
        };
        Tensor::new(coordinates.to_vec(), axes).unwrap_or_else(|_| Tensor::scalar(f64::NAN))
    }

    /// The value of these coordinates, in a program.
    pub fn unpack(&self, leaf: Var) -> Var {
        let n = self.side();
        match self.kind {
            SpaceKind::Full => leaf,
            SpaceKind::Split => {
                let (u, v) = self.halves(leaf);
                u - v
            }
            SpaceKind::Diagonal => leaf.diag(),
            SpaceKind::Symmetric => {
                let mut from = vec![0i64; n * n];
                let mut scale = vec![1.0; n * n];
                for (k, (i, j)) in self.places().into_iter().enumerate() {
                    for at in [i * n + j, j * n + i] {
                        from[at] = k as i64;
                        scale[at] = if i == j { 1.0 } else { FRAC_1_SQRT_2 };
                    }
                }
                let entries = leaf.take(Var::constant(from), 0) * Var::constant(scale);
                entries.reshape([n, n])
            }
        }
    }

    /// The absolute value of what is split, in a program: u + v, which it is at a minimum.
    pub fn magnitude(&self, leaf: Var) -> Var {
        let (u, v) = self.halves(leaf);
        u + v
    }

    fn halves(&self, leaf: Var) -> (Var, Var) {
        let n = self.dim() / 2;
        let half = |a, b| leaf.slice_axis(0, a, b).reshape(self.axes.clone());
        (half(0, n), half(n, 2 * n))
    }

    /// Entrywise limits of the value as limits of the coordinates, tightest first among the entries
    /// that share one. Not of a split space. `None` for a diagonal matrix whose zeros the limits exclude.
    pub fn limits(&self, entries: &[f64], lower: bool) -> Option<Vec<f64>> {
        let n = self.side();
        let tighter = |a: f64, b: f64| if lower { a.max(b) } else { a.min(b) };
        let limit = |(i, j): (usize, usize)| {
            if i == j {
                entries[i * n + i]
            } else {
                SQRT_2 * tighter(entries[i * n + j], entries[j * n + i])
            }
        };
        if matches!(self.kind, SpaceKind::Full | SpaceKind::Split) {
            return Some(entries.to_vec());
        }
        let zero = |at: usize| if lower { entries[at] <= 0.0 } else { entries[at] >= 0.0 };
        let zeros = (0..n * n).filter(|at| at / n != at % n);
        if self.kind == SpaceKind::Diagonal && !zeros.into_iter().all(zero) {
            return None;
        }
        Some(self.places().into_iter().map(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symmetric() -> Space {
        Space::new(&Facts { symmetric: true, ..Facts::default() }, vec![3, 3])
    }

    #[test]
    fn coordinates_preserve_inner_products_and_come_back() {
        let space = symmetric();
        let x = [1.0, 2.0, 3.0, 2.0, -4.0, 5.0, 3.0, 5.0, 6.0];
        let y = [0.5, -1.0, 2.0, -1.0, 3.0, 0.0, 2.0, 0.0, -2.0];
        let tensor = |x: [f64; 9]| Tensor::new(x.to_vec(), [3, 3]).unwrap();
        let (p, q) = (space.pack(&tensor(x)), space.pack(&tensor(y)));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert!((dot(&p, &q) - dot(&x, &y)).abs() < 1e-13);
        let back = space.natural(&p).to_f64();
        assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    #[test]
    fn programs_unpack_as_the_host_does() {
        for facts in [
            Facts { symmetric: true, ..Facts::default() },
            Facts { symmetric: true, diagonal: true, ..Facts::default() },
            Facts::default(),
        ] {
            let space = Space::new(&facts, vec![3, 3]);
            let c: Vec<f64> = (1..=space.dim()).map(|k| k as f64).collect();
            let inside = riesz::run(|x: Var| space.unpack(x), &space.leaf(&c)).unwrap();
            assert_eq!(inside, space.natural(&c));
        }
    }
}
