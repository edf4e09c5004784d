//! The lines along one axis of a tensor, and blocks of them.

use riesz_core::Shape;

/// Lines of `n` elements: `outer` blocks of `inner` lines side by side. Element k of line j of block b is
/// element (b·n + k)·inner + j.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lines {
    /// How many blocks.
    pub outer: usize,
    /// The length of each line.
    pub n: usize,
    /// How many lines a block has; the distance of the elements of a line.
    pub inner: usize,
}

/// Elements that are worth a piece of their own.
const PIECE: usize = 1 << 15;

impl Lines {
    /// The lines along `axis`.
    pub fn along(shape: &Shape, axis: usize) -> Lines {
        let (before, rest) = shape.split_at(axis);
        Lines { outer: before.iter().product(), n: rest[0], inner: rest[1..].iter().product() }
    }

    /// How many lines there are.
    pub fn count(&self) -> usize {
        self.outer * self.inner
    }

    /// How many lines of a block are done together: enough for whole vectors, few enough for a small
    /// state.
    fn width(&self) -> usize {
        self.inner.clamp(1, Group::WIDEST)
    }

    fn groups_of_a_block(&self) -> usize {
        self.inner.div_ceil(self.width())
    }

    /// How many groups there are.
    fn groups(&self) -> usize {
        self.outer * self.groups_of_a_block()
    }

    /// How many groups are a piece.
    fn groups_of_a_piece(&self) -> usize {
        (PIECE / (self.n * self.width()).max(1)).max(1)
    }

    /// How many pieces the lines are cut in.
    pub fn pieces(&self) -> usize {
        self.groups().div_ceil(self.groups_of_a_piece())
    }

    /// The groups of a piece.
    pub fn piece(self, piece: usize) -> impl Iterator<Item = Group> {
        let each = self.groups_of_a_piece();
        let groups = piece * each..((piece + 1) * each).min(self.groups());
        groups.map(move |g| {
            let (block, group) = (g / self.groups_of_a_block(), g % self.groups_of_a_block());
            let first = group * self.width();
            let width = self.width().min(self.inner - first);
            Group { first: block * self.n * self.inner + first, width }
        })
    }
}

/// Lines side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The first element of the first line.
    pub first: usize,
    /// How many lines.
    pub width: usize,
}

impl Group {
    /// The most lines in a group.
    pub const WIDEST: usize = 256;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_line_once() {
        for shape in [[3, 4, 5], [1, 7, 600], [40, 3000, 1], [2, 0, 3], [0, 2, 2], [5, 100, 700]] {
            for axis in 0..3 {
                let lines = Lines::along(&Shape::from(shape), axis);
                let mut seen = vec![0; shape.iter().product()];
                for group in (0..lines.pieces()).flat_map(|p| lines.piece(p)) {
                    for k in 0..lines.n {
                        for j in 0..group.width {
                            seen[group.first + k * lines.inner + j] += 1;
                        }
                    }
                }
                assert!(seen.iter().all(|&n| n == 1), "{shape:?} {axis}");
            }
        }
    }
}
