//! Marks on elements, and how they move with them.

use riesz_core::{Shape, Tensor};
use std::ops::Range;

/// The most elements of a mask.
pub const MOST: usize = 1 << 17;

/// Some elements of a value: the same for each index of the axes before `lead`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    pub lead: usize,
    /// One for each element of the axes from `lead` on.
    pub marked: Vec<bool>,
}

/// How the elements of a result come from those of an argument.
pub struct Moved {
    /// The axes, of the argument and of the result, that do not matter.
    pub lead: (usize, usize),
    /// For each axis of the result after those: how far the element of the argument for each index is, if
    /// there is one; the sum over the axes is its place.
    pub steps: Vec<Vec<Option<usize>>>,
}

impl Moved {
    /// The place in the argument of each element of the result.
    fn places(&self) -> Vec<Option<usize>> {
        let mut places = vec![Some(0)];
        for steps in &self.steps {
            let next = |&p: &Option<usize>| steps.iter().map(move |s| Some(p? + (*s)?));
            places = places.iter().flat_map(next).collect();
        }
        places
    }
}

impl Mask {
    /// The zeros of a constant.
    pub fn of_constant(c: &Tensor) -> Option<Mask> {
        if c.len() > MOST || c.is_empty() {
            return None;
        }
        let marked: Vec<bool> = c.to_f64().iter().map(|&x| x != 0.0).collect();
        match marked.contains(&true) {
            true => Some(Mask { lead: 0, marked }),
            false => Some(Mask { lead: c.shape().rank(), marked: vec![false] }),
        }
    }

    /// For each axis, how many marks are one step, and how many marks a mask from `lead` on has.
    pub fn inner(shape: &Shape, lead: usize) -> Option<(Vec<usize>, usize)> {
        let size: usize = shape[lead..].iter().product();
        (size <= MOST).then(|| (shape.strides().to_vec(), size))
    }

    /// The same mask with so many leading axes; none if there are more that matter.
    pub fn reaching(&self, shape: &Shape, lead: usize) -> Option<Mask> {
        if lead >= self.lead {
            return (lead == self.lead).then(|| self.clone());
        }
        let (_, size) = Mask::inner(shape, lead)?;
        let times = size / self.marked.len().max(1);
        Some(Mask { lead, marked: self.marked.repeat(times) })
    }

    fn both(&self, other: &Mask, shape: &Shape, of: impl Fn(bool, bool) -> bool) -> Option<Mask> {
        let lead = self.lead.min(other.lead);
        let (a, b) = (self.reaching(shape, lead)?, other.reaching(shape, lead)?);
        let marked = a.marked.iter().zip(&b.marked).map(|(&a, &b)| of(a, b)).collect();
        Some(Mask { lead, marked })
    }

    /// What is marked in one of two.
    pub fn or(&self, other: &Mask, shape: &Shape) -> Option<Mask> {
        self.both(other, shape, |a, b| a || b)
    }

    /// What is marked where a condition holds, or does not.
    pub fn and(&self, cond: &Mask, holds: bool, shape: &Shape) -> Option<Mask> {
        self.both(cond, shape, |a, c| a && c == holds)
    }

    /// The mask of a result from that of the argument whose elements it has; others are not marked.
    pub fn forth(&self, from: &Shape, to: &Shape, moved: &Moved) -> Option<Mask> {
        let own = self.reaching(from, moved.lead.0)?;
        let (_, size) = Mask::inner(to, moved.lead.1)?;
        let mark = |place: &Option<usize>| place.is_some_and(|p| own.marked[p]);
        let marked: Vec<bool> = moved.places().iter().map(mark).collect();
        (marked.len() == size).then_some(Mask { lead: moved.lead.1, marked })
    }

    /// The mask of an argument from that of the result.
    pub fn back(&self, from: &Shape, to: &Shape, moved: &Moved) -> Option<Mask> {
        let own = self.reaching(to, moved.lead.1)?;
        let (_, size) = Mask::inner(from, moved.lead.0)?;
        let mut marked = vec![false; size];
        for (place, &is) in moved.places().iter().zip(&own.marked) {
            if let Some(p) = place {
                marked[*p] |= is;
            }
        }
        Some(Mask { lead: moved.lead.0, marked })
    }

    /// For each index along one axis, the least range of indices along another that holds every marked
    /// element; none if a mask says nothing about them.
    pub fn ranges(&self, shape: &Shape, axis: usize, other: usize) -> Option<Vec<Range<usize>>> {
        if axis < self.lead || other < self.lead {
            return None;
        }
        let (inner, _) = Mask::inner(shape, self.lead)?;
        let mut ranges: Vec<Option<Range<usize>>> = vec![None; shape[axis]];
        for (flat, _) in self.marked.iter().enumerate().filter(|(_, m)| **m) {
            let index = |a: usize| flat / inner[a] % shape[a];
            let (range, at) = (&mut ranges[index(axis)], index(other));
            let old = range.clone().unwrap_or(at..at + 1);
            *range = Some(old.start.min(at)..old.end.max(at + 1));
        }
        Some(ranges.into_iter().map(Option::unwrap_or_default).collect())
    }
}
