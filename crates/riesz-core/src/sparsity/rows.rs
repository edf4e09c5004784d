//! Sets of columns, one for each element of a value; equal sets are stored once.
//!
//! Going through an equation, the new sets are unions of old ones. A set that contains the others is
//! taken as it is and shared, so that `x − mean(x)` of a million elements stores one large set and not
//! a million.

use super::rules::{Dependence, NONE};
use super::{MOST_ENTRIES, not_sparse};
use crate::error::Result;
use std::collections::HashMap;
use std::sync::Arc;

/// Sets of numbers, each increasing.
#[derive(Clone, Debug)]
pub struct Sets {
    offsets: Vec<usize>,
    items: Vec<u32>,
}

impl Sets {
    pub fn new() -> Sets {
        Sets { offsets: vec![0], items: Vec::new() }
    }

    /// The numbers of `groups` elements, by the group each belongs to; [`NONE`] belongs to none.
    pub fn of_groups(group: &[u32], groups: usize) -> Sets {
        let mut offsets = vec![0; groups + 1];
        let members = || group.iter().enumerate().filter(|(_, g)| **g != NONE);
        members().for_each(|(_, g)| offsets[*g as usize + 1] += 1);
        (0..groups).for_each(|g| offsets[g + 1] += offsets[g]);
        let (mut next, mut items) = (offsets.clone(), vec![0; offsets[groups]]);
        for (element, g) in members() {
            items[next[*g as usize]] = element as u32;
            next[*g as usize] += 1;
        }
        Sets { offsets, items }
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn get(&self, set: u32) -> &[u32] {
        &self.items[self.offsets[set as usize]..self.offsets[set as usize + 1]]
    }

    /// Appends a set and returns its number.
    pub fn push(&mut self, set: impl IntoIterator<Item = u32>) -> Result<u32> {
        self.items.extend(set);
        if self.items.len() > MOST_ENTRIES || self.len() >= NONE as usize {
            return Err(not_sparse());
        }
        self.offsets.push(self.items.len());
        Ok(self.len() as u32 - 1)
    }
}

/// A set of columns for each element of a value.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Which set is that of each element; [`NONE`] is the empty one. Without it each has its own.
    which: Option<Arc<[u32]>>,
    sets: Arc<Sets>,
}

impl Rows {
    /// Element `i` depends on column `start + i` alone.
    pub fn range(start: usize, size: usize) -> Rows {
        let items = (start..start + size).map(|i| i as u32).collect();
        Rows { which: None, sets: Arc::new(Sets { offsets: (0..=size).collect(), items }) }
    }

    fn set_of(&self, element: u32) -> u32 {
        self.which.as_ref().map_or(element, |which| which[element as usize])
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.which.as_ref().map_or(self.sets.len(), |which| which.len())
    }

    /// The number of entries of all sets together.
    pub fn entries(&self) -> usize {
        let size = |e: u32| match self.set_of(e) {
            NONE => 0,
            set => self.sets.get(set).len(),
        };
        (0..self.size() as u32).map(size).sum()
    }

    /// Whether the elements of both have the same sets because they are the same in memory.
    fn is(&self, other: &Rows) -> bool {
        let same_which = match (&self.which, &other.which) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        same_which && Arc::ptr_eq(&self.sets, &other.sets)
    }

    /// The rows of a value that takes element `from[e]` for its element `e`.
    fn take(&self, from: &[u32]) -> Rows {
        let which: Vec<u32> =
            from.iter().map(|&e| if e == NONE { NONE } else { self.set_of(e) }).collect();
        Rows { which: Some(which.into()), sets: Arc::clone(&self.sets) }
    }

    /// Writes the sets one after another, as the rows of a pattern.
    pub fn append_to(&self, offsets: &mut Vec<usize>, indices: &mut Vec<u32>) -> Result<()> {
        let sets = (0..self.size() as u32).map(|e| self.set_of(e)).filter(|&set| set != NONE);
        // Counted first: no memory is asked for that cannot be used.
        let more: usize = sets.map(|set| self.sets.get(set).len()).sum();
        if indices.len() + more > MOST_ENTRIES {
            return Err(not_sparse());
        }
        indices.reserve(more);
        for e in 0..self.size() as u32 {
            let set = self.set_of(e);
            if set != NONE {
                indices.extend_from_slice(self.sets.get(set));
            }
            offsets.push(indices.len());
        }
        Ok(())
    }
}

/// Makes unions of sets of columns. Holds a mark for each column, made once for a whole program.
pub struct Union {
    mark: Vec<u32>,
    round: u32,
}

/// The rows of an argument; with places when they reach only those elements of the result.
type Part = (Rows, Option<Vec<u32>>);

/// A set of one of the arguments.
type Origin = (u32, u32);

impl Union {
    pub fn new(columns: usize) -> Union {
        Union { mark: vec![0; columns], round: 0 }
    }

    /// The rows of a value of `size` elements that depends on these arguments in these ways.
    pub fn of(&mut self, parts: Vec<(Rows, Dependence)>, size: usize) -> Result<Rows> {
        let all_same =
            parts.iter().all(|(rows, d)| matches!(d, Dependence::Same) && rows.is(&parts[0].0));
        if let (Some((rows, _)), true) = (parts.first(), all_same) {
            return Ok(rows.clone());
        }
        let mut placed = Vec::with_capacity(parts.len());
        for (rows, dependence) in parts {
            placed.push(self.through(rows, dependence, size)?);
        }
        match &placed[..] {
            [(rows, None)] => self.compact(rows.clone(), size),
            _ => self.combine(&placed, size),
        }
    }

    /// The rows after a dependence.
    fn through(&mut self, rows: Rows, dependence: Dependence, size: usize) -> Result<Part> {
        Ok(match dependence {
            Dependence::Same => (rows, None),
            Dependence::From(from) => (rows.take(&from), None),
            Dependence::To(places) => (rows, Some(places)),
            Dependence::Sets { which, sets } => {
                let mut unions = Sets::new();
                for set in 0..sets.len() as u32 {
                    let origins: Vec<u32> = sets.get(set).iter().map(|&e| rows.set_of(e)).collect();
                    let origins = origins.into_iter().filter(|&s| s != NONE);
                    self.union(&rows.sets, origins, &mut unions)?;
                }
                (Rows { which: Some(which.into()), sets: Arc::new(unions) }, None)
            }
            Dependence::All => {
                let mut union = Sets::new();
                let origins =
                    (0..rows.size() as u32).map(|e| rows.set_of(e)).filter(|&s| s != NONE);
                self.union(&rows.sets, origins, &mut union)?;
                (Rows { which: Some(vec![0; size].into()), sets: Arc::new(union) }, None)
            }
        })
    }

    /// Appends the union of sets of one value.
    fn union(&mut self, of: &Sets, sets: impl Iterator<Item = u32>, to: &mut Sets) -> Result<u32> {
        let round = self.next_round();
        let (mut items, mut last) = (Vec::new(), NONE);
        for set in sets {
            // Neighbours often share their set.
            if std::mem::replace(&mut last, set) == set {
                continue;
            }
            for &column in of.get(set) {
                if std::mem::replace(&mut self.mark[column as usize], round) != round {
                    items.push(column);
                }
            }
        }
        if !items.is_sorted() {
            items.sort_unstable();
        }
        to.push(items)
    }

    fn next_round(&mut self) -> u32 {
        if self.round == u32::MAX {
            self.mark.fill(0);
            self.round = 0;
        }
        self.round += 1;
        self.round
    }

    /// A few elements of a large value keep the sets they have and let the others go, so that the
    /// number of sets is never far above the number of elements.
    fn compact(&mut self, rows: Rows, size: usize) -> Result<Rows> {
        if rows.sets.len() <= 2 * size + 16 {
            Ok(rows)
        } else {
            self.combine(&[(rows, None)], size)
        }
    }

    /// The union, element by element, of the rows that reach each element.
    fn combine(&mut self, parts: &[Part], size: usize) -> Result<Rows> {
        let reach = Reach::new(parts, size);
        let mut sets = Sets::new();
        // What became of each set that was taken whole, and of each union.
        let mut copies: Vec<Vec<u32>> =
            reach.uses.iter().map(|uses| vec![NONE; uses.len()]).collect();
        let mut unions: HashMap<&[Origin], u32> = HashMap::new();
        let mut which = Vec::with_capacity(size);
        for element in 0..size {
            let origins = reach.of(element);
            // Sets that other elements have too may meet again; their union is then made once.
            let again = origins.len() > 1 && origins.iter().all(|o| reach.is_shared(*o));
            if let Some(&set) = again.then(|| unions.get(origins)).flatten() {
                which.push(set);
                continue;
            }
            let set = match self.largest(parts, origins) {
                Largest::Empty => NONE,
                Largest::Whole(origin) => {
                    let copy = &mut copies[origin.0 as usize][origin.1 as usize];
                    if *copy == NONE {
                        *copy = sets.push(contents(parts, origin).iter().copied())?;
                    }
                    *copy
                }
                Largest::Partial => self.merge(parts, origins, &mut sets)?,
            };
            if again {
                unions.insert(origins, set);
            }
            which.push(set);
        }
        let own = which.iter().enumerate().all(|(e, &set)| set == e as u32);
        Ok(Rows { which: (!own).then(|| which.into()), sets: Arc::new(sets) })
    }

    /// Whether one of the sets contains all others.
    fn largest(&mut self, parts: &[Part], origins: &[Origin]) -> Largest {
        let size = |origin: &Origin| contents(parts, *origin).len();
        let Some(&largest) = origins.iter().max_by_key(|origin| size(origin)) else {
            return Largest::Empty;
        };
        let whole = contents(parts, largest);
        let inside = |origin: &Origin| {
            *origin == largest
                || contents(parts, *origin).iter().all(|c| whole.binary_search(c).is_ok())
        };
        if origins.iter().all(inside) { Largest::Whole(largest) } else { Largest::Partial }
    }

    /// Appends the union of sets of several values.
    fn merge(&mut self, parts: &[Part], origins: &[Origin], to: &mut Sets) -> Result<u32> {
        let round = self.next_round();
        let mut items = Vec::new();
        for &origin in origins {
            for &column in contents(parts, origin) {
                if std::mem::replace(&mut self.mark[column as usize], round) != round {
                    items.push(column);
                }
            }
        }
        items.sort_unstable();
        to.push(items)
    }
}

/// What a union of sets is.
enum Largest {
    /// Nothing.
    Empty,
    /// One of them.
    Whole(Origin),
    /// More than each of them.
    Partial,
}

fn contents(parts: &[Part], origin: Origin) -> &[u32] {
    parts[origin.0 as usize].0.sets.get(origin.1)
}

/// The sets that reach each element of a result.
struct Reach {
    offsets: Vec<usize>,
    origins: Vec<Origin>,
    /// How many elements each set of each argument reaches.
    uses: Vec<Vec<u32>>,
}

impl Reach {
    fn new(parts: &[Part], size: usize) -> Reach {
        let each = |f: &mut dyn FnMut(usize, Origin)| {
            for (k, (rows, places)) in parts.iter().enumerate() {
                for e in 0..rows.size() as u32 {
                    let to = places.as_ref().map_or(e, |places| places[e as usize]);
                    let set = rows.set_of(e);
                    if to != NONE && set != NONE && !rows.sets.get(set).is_empty() {
                        f(to as usize, (k as u32, set));
                    }
                }
            }
        };
        let mut offsets = vec![0; size + 1];
        let mut uses: Vec<Vec<u32>> =
            parts.iter().map(|(rows, _)| vec![0; rows.sets.len()]).collect();
        each(&mut |to, (part, set)| {
            offsets[to + 1] += 1;
            uses[part as usize][set as usize] += 1;
        });
        (0..size).for_each(|e| offsets[e + 1] += offsets[e]);
        let mut next = offsets.clone();
        let mut origins = vec![(0, 0); offsets[size]];
        each(&mut |to, origin| {
            origins[next[to]] = origin;
            next[to] += 1;
        });
        Reach { offsets, origins, uses }
    }

    fn is_shared(&self, (part, set): Origin) -> bool {
        self.uses[part as usize][set as usize] > 1
    }

    fn of(&self, element: usize) -> &[Origin] {
        &self.origins[self.offsets[element]..self.offsets[element + 1]]
    }
}
