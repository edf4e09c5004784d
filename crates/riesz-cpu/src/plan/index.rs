//! Index algebra: which element of one tensor stands for the index of a loop.
//!
//! While a nest is built, the index of a value along each of its axes is an affine function of the
//! loops, an [`Affine`]. Shape operations map the index of their result to that of their argument:
//! most stay affine at once; a reshape that splits an axis, a pad or a join of tensors may need
//! loops to be split or cut first, which is said by an [`Obstacle`], and the nest is built again.

use smallvec::{SmallVec, smallvec};

/// constant + Σ coefficient·loop.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Affine {
    /// The value where every loop is at 0.
    pub constant: isize,
    /// One for each loop.
    pub by: SmallVec<[isize; 6]>,
}

/// Why an index is not affine, and what to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Make two loops of this one, the inner of this length.
    Split {
        /// Which loop.
        loop_: usize,
        /// The length of the inner loop; it divides the length of the loop.
        inner: usize,
    },
    /// Run this loop in two pieces.
    Cut {
        /// Which loop.
        loop_: usize,
        /// The first index, counted from the start of the whole loop, of the second piece.
        at: usize,
    },
    /// There is no way: the argument has to be stored.
    Store,
}

impl Affine {
    /// A number.
    pub fn constant(constant: isize, loops: usize) -> Affine {
        Affine { constant, by: smallvec![0; loops] }
    }

    /// start + a loop.
    pub fn of_loop(which: usize, start: usize, loops: usize) -> Affine {
        let mut index = Affine::constant(start as isize, loops);
        index.by[which] = 1;
        index
    }

    /// This times `factor`.
    pub fn times(&self, factor: isize) -> Affine {
        Affine {
            constant: self.constant * factor,
            by: self.by.iter().map(|b| b * factor).collect(),
        }
    }

    /// This plus a number.
    pub fn plus(&self, constant: isize) -> Affine {
        Affine { constant: self.constant + constant, by: self.by.clone() }
    }

    /// The sum of two.
    pub fn add(&self, other: &Affine) -> Affine {
        Affine {
            constant: self.constant + other.constant,
            by: self.by.iter().zip(&other.by).map(|(a, b)| a + b).collect(),
        }
    }

    /// The least and the greatest value over loops of these lengths, none of which is 0.
    pub fn range(&self, extents: &[usize]) -> (isize, isize) {
        let mut range = (self.constant, self.constant);
        for (&b, &n) in self.by.iter().zip(extents) {
            let far = b * (n as isize - 1);
            range.0 += far.min(0);
            range.1 += far.max(0);
        }
        range
    }

    /// The one loop it depends on, with its coefficient.
    fn single(&self, extents: &[usize]) -> Option<(usize, isize)> {
        let mut terms = self.by.iter().enumerate().filter(|&(l, &b)| b != 0 && extents[l] > 1);
        let (l, &b) = terms.next()?;
        terms.next().is_none().then_some((l, b))
    }
}

/// Σ stride·index: the element in row-major order.
pub fn linear(index: &[Affine], strides: &[usize], loops: usize) -> Affine {
    let mut sum = Affine::constant(0, loops);
    for (i, &stride) in index.iter().zip(strides) {
        let stride = stride as isize;
        sum.constant += stride * i.constant;
        sum.by.iter_mut().zip(&i.by).for_each(|(sum, by)| *sum += stride * by);
    }
    sum
}

/// Where an index lies with respect to an interval.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// In it, for every iteration.
    Inside,
    /// Outside, for every iteration.
    Outside,
}

/// Whether an index lies in `low..high` for all iterations of loops of these lengths that begin at
/// `starts`; if it does for some only, where to cut.
pub fn side(
    index: &Affine,
    (low, high): (isize, isize),
    starts: &[usize],
    extents: &[usize],
) -> Result<Side, Obstacle> {
    let (least, greatest) = index.range(extents);
    if least >= low && greatest < high {
        return Ok(Side::Inside);
    }
    if greatest < low || least >= high {
        return Ok(Side::Outside);
    }
    let Some((l, b)) = index.single(extents) else { return Err(Obstacle::Store) };
    // The first iteration whose index is at or beyond the bound, in the direction of the loop.
    let crossing = |bound: isize| {
        let steps = if b > 0 { bound - index.constant } else { index.constant - bound + 1 };
        let at = steps.div_euclid(b.abs()) + isize::from(steps.rem_euclid(b.abs()) != 0);
        (at > 0 && (at as usize) < extents[l]).then_some(at as usize)
    };
    match crossing(low).or_else(|| crossing(high)) {
        Some(at) => Err(Obstacle::Cut { loop_: l, at: starts[l] + at }),
        None => Err(Obstacle::Store),
    }
}

/// The index into a tensor of shape `to` of the element that has index `index` in one of shape
/// `from` with the same elements in the same order.
pub fn reshape(
    index: &[Affine],
    from: &[usize],
    to: &[usize],
    extents: &[usize],
) -> Result<Vec<Affine>, Obstacle> {
    let loops = extents.len();
    let mut result = Vec::with_capacity(to.len());
    let (mut f, mut t) = (0, 0);
    while t < to.len() || f < from.len() {
        // The shortest runs of axes on both sides that hold the same number of elements.
        let (f0, t0) = (f, t);
        let (mut m, mut n) = (1, 1);
        loop {
            if m == n && (f > f0 || f == from.len()) && (t > t0 || t == to.len()) {
                break;
            }
            if m <= n && f < from.len() {
                m *= from[f];
                f += 1;
            } else if t < to.len() {
                n *= to[t];
                t += 1;
            } else {
                m *= from[f];
                f += 1;
            }
        }
        let strides = riesz_core::Shape::from(&from[f0..f]).strides();
        let whole = linear(&index[f0..f], &strides, loops);
        digits(whole, &to[t0..t], extents, &mut result)?;
    }
    Ok(result)
}

/// Writes `whole` in the mixed radix of a shape: its index along each axis.
fn digits(
    whole: Affine,
    shape: &[usize],
    extents: &[usize],
    out: &mut Vec<Affine>,
) -> Result<(), Obstacle> {
    let mut rest = whole;
    let strides = riesz_core::Shape::from(shape).strides();
    for (axis, &n) in shape.iter().enumerate() {
        if axis + 1 == shape.len() {
            out.push(rest);
            break;
        }
        if n == 1 {
            out.push(Affine::constant(0, extents.len()));
            continue;
        }
        let weight = strides[axis] as isize;
        let mut digit = Affine::constant(rest.constant.div_euclid(weight), extents.len());
        let mut low = Affine::constant(rest.constant.rem_euclid(weight), extents.len());
        for (l, &b) in rest.by.iter().enumerate() {
            if extents[l] <= 1 || b == 0 {
                continue;
            }
            if b % weight == 0 {
                digit.by[l] = b / weight;
            } else {
                low.by[l] = b;
            }
        }
        let (least, greatest) = low.range(extents);
        if least < 0 || greatest >= weight {
            return Err(carry(&low, weight as usize, extents));
        }
        out.push(digit);
        rest = low;
    }
    Ok(())
}

/// The lower digits overflow: a loop that runs through more than one of the higher digit may be split.
fn carry(low: &Affine, weight: usize, extents: &[usize]) -> Obstacle {
    for (l, &b) in low.by.iter().enumerate() {
        if b <= 0 || extents[l] <= 1 || !weight.is_multiple_of(b as usize) {
            continue;
        }
        let inner = weight / b as usize;
        if inner > 1 && inner < extents[l] && extents[l].is_multiple_of(inner) {
            return Obstacle::Split { loop_: l, inner };
        }
    }
    Obstacle::Store
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(constant: isize, by: &[isize]) -> Affine {
        Affine { constant, by: by.into() }
    }

    #[test]
    fn axes_are_merged_and_split() {
        // Loops (i, j) over a 4×6 tensor, seen as 24, as 2×2×6 and as 8×3.
        let own = [index(0, &[1, 0]), index(0, &[0, 1])];
        let merged = reshape(&own, &[4, 6], &[24], &[4, 6]);
        assert_eq!(merged, Ok(vec![index(0, &[6, 1])]));
        let split = reshape(&own, &[4, 6], &[2, 2, 6], &[4, 6]);
        assert_eq!(split, Err(Obstacle::Split { loop_: 0, inner: 2 }));
        let finer = [index(0, &[2, 1, 0]), index(0, &[0, 0, 1])];
        let split = reshape(&finer, &[4, 6], &[2, 2, 6], &[2, 2, 6]);
        let expected = vec![index(0, &[1, 0, 0]), index(0, &[0, 1, 0]), index(0, &[0, 0, 1])];
        assert_eq!(split, Ok(expected));
        let crossed = reshape(&own, &[4, 6], &[8, 3], &[4, 6]);
        assert_eq!(crossed, Err(Obstacle::Split { loop_: 1, inner: 3 }));
    }

    #[test]
    fn ones_come_and_go() {
        let own = [index(0, &[1])];
        assert_eq!(
            reshape(&own, &[5], &[1, 5, 1], &[5]),
            Ok(vec![index(0, &[0]), index(0, &[1]), index(0, &[0])])
        );
        let ones = [index(0, &[0]), index(0, &[1])];
        assert_eq!(reshape(&ones, &[1, 5], &[5], &[5]), Ok(vec![index(0, &[1])]));
        assert_eq!(reshape(&[], &[], &[1, 1], &[5]).map(|v| v.len()), Ok(2));
    }

    #[test]
    fn an_interval_says_where_to_cut() {
        let i = index(-1, &[1]);
        assert_eq!(side(&i, (0, 9), &[0], &[10]), Err(Obstacle::Cut { loop_: 0, at: 1 }));
        let later = index(0, &[1]);
        assert_eq!(side(&later, (0, 9), &[1], &[9]), Ok(Side::Inside));
        assert_eq!(side(&index(-1, &[1]), (0, 9), &[0], &[1]), Ok(Side::Outside));
        let back = index(9, &[-1]);
        assert_eq!(side(&back, (0, 7), &[0], &[10]), Err(Obstacle::Cut { loop_: 0, at: 3 }));
        assert_eq!(
            side(&index(0, &[3]), (4, 100), &[0], &[10]),
            Err(Obstacle::Cut { loop_: 0, at: 2 })
        );
    }
}
