//! What of memory is in registers, where nests without loops follow one another.
//!
//! A nest reads what the one before has stored. On its way through memory a number is late by several
//! cycles, and later still where it was stored in parts and is loaded whole; so what is stored is kept as
//! a value too, and a load finds it here. (Store-to-load forwarding by the compiler; with values that a
//! loop carries, scalar replacement: Callahan, Carr and Kennedy, 1990.)
//!
//! What holds: operands with different numbers have nothing in common while both are in use, so a store
//! changes nothing that is known of another operand.

use super::graph::{Graph, Id, NONE, Node, Num, One, Op, Pattern, Place, Size, Two};
use crate::nest::Operand;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use smallvec::SmallVec;

/// A load or store of these nests, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) operand: Operand,
    /// Where in the operand: the pointer is left out.
    pub(super) place: Place,
    /// None: truth values.
    pub(super) number: Option<Num>,
    pub(super) stores: bool,
}

/// Values in registers by where they lie, or would lie, in memory.
pub(super) struct Held {
    known: HashMap<Operand, Vec<(Place, Id)>>,
    /// What is stored somewhere in this code: loads of it stay where they are.
    changed: HashSet<Operand>,
    /// What is stored behind the loop, or never: its memory is not right meanwhile.
    kept: HashSet<Operand>,
    /// All accesses so far.
    pub(super) events: Vec<Event>,
    /// Lanes of a vector, and those that count where an access is masked.
    lanes: usize,
    tail: usize,
}

impl Held {
    pub(super) fn new(lanes: usize, tail: Option<usize>) -> Held {
        Held {
            known: HashMap::default(),
            changed: HashSet::default(),
            kept: HashSet::default(),
            events: Vec::new(),
            lanes,
            tail: tail.unwrap_or(lanes),
        }
    }

    /// This operand is stored in the loop; `kept`: only behind it.
    pub(super) fn will_change(&mut self, operand: Operand, kept: bool) {
        self.changed.insert(operand);
        if kept {
            self.kept.insert(operand);
        }
    }

    /// The value of a load; none if it is only in memory, and that is not right.
    pub(super) fn load(&mut self, g: &Graph, access: Event, block: u16) -> Option<Id> {
        let Event { operand, place, number, .. } = access;
        self.events.push(Event { place: bare(place), ..access });
        if let Some(id) = self.find(g, operand, place, number) {
            return Some(id);
        }
        if self.kept.contains(&operand) {
            return None;
        }
        let size = number.map_or(Size::Mask, Num::size);
        let uniform = place.pattern == Pattern::Same;
        if !self.changed.contains(&operand) {
            return Some(g.add_in(Op::Load(place), [NONE; 3], size, 0, false, uniform));
        }
        let op = Op::Load(place);
        let id = g.push(Node { op, args: [NONE; 3], size, block, after: false, uniform });
        self.put(operand, place, id);
        Some(id)
    }

    /// A value is stored; whether memory is to have it now.
    pub(super) fn store(&mut self, access: Event, id: Id) -> bool {
        let Event { operand, place, .. } = access;
        self.events.push(Event { place: bare(place), ..access });
        self.changed.insert(operand);
        let (lanes, tail) = (self.lanes, self.tail);
        let known = self.known.entry(operand).or_default();
        match extent(place, lanes, tail) {
            Some((from, to)) => {
                known.retain(|&(other, _)| {
                    extent(other, lanes, tail).is_some_and(|(a, b)| b <= from || to <= a)
                });
                known.push((bare(place), id));
            }
            None => known.clear(),
        }
        !self.kept.contains(&operand)
    }

    /// The value is there without a store.
    pub(super) fn put(&mut self, operand: Operand, place: Place, id: Id) {
        self.known.entry(operand).or_default().push((bare(place), id));
    }

    /// The value at just this place.
    pub(super) fn at(&self, operand: Operand, place: Place) -> Option<Id> {
        self.known.get(&operand)?.iter().find(|k| k.0 == bare(place)).map(|k| k.1)
    }

    fn find(&self, g: &Graph, operand: Operand, place: Place, number: Option<Num>) -> Option<Id> {
        if let Some(id) = self.at(operand, place) {
            return Some(id);
        }
        let number = number?;
        let known = self.known.get(&operand)?;
        let places: SmallVec<[Place; 4]> = known.iter().map(|k| k.0).collect();
        match derived(place, &places, self.lanes, self.tail)? {
            Derived::Lane(from, lane) => {
                let op = Op::One(One::Lane(lane), number);
                let args = [self.at(operand, from)?, NONE, NONE];
                let block = g.node(args[0]).block;
                Some(g.add_in(op, args, number.size(), block, false, true))
            }
            Derived::Pair(first, second) => {
                let (a, b) = (self.at(operand, first)?, self.at(operand, second)?);
                let of = |id| g.node(id).block;
                let block = of(a).max(of(b));
                let op = Op::Two(Two::LowPairs, number);
                Some(g.add_in(op, [a, b, NONE], number.size(), block, false, false))
            }
        }
    }

    /// Whether the elements at a place are at others, or made of those.
    pub(super) fn is_among(&self, place: Place, others: &[Place]) -> bool {
        others.contains(&place) || derived(place, others, self.lanes, self.tail).is_some()
    }

    /// Whether places have no element in common, as far as that can be said.
    pub(super) fn are_apart(&self, places: impl Iterator<Item = Place>) -> bool {
        let extents: Option<Vec<(i32, i32)>> =
            places.map(|p| extent(p, self.lanes, self.tail)).collect();
        extents.is_some_and(|mut e| {
            e.sort_unstable();
            e.windows(2).all(|w| w[0].1 <= w[1].0)
        })
    }
}

/// How a value is made of others.
enum Derived {
    /// A lane of what lies at a place.
    Lane(Place, u8),
    /// Two numbers side by side.
    Pair(Place, Place),
}

/// How the elements at a place are made of those at others.
fn derived(place: Place, known: &[Place], lanes: usize, tail: usize) -> Option<Derived> {
    let bytes = i32::from(place.bytes);
    if place.bytes == 1 {
        return None;
    }
    match place.pattern {
        Pattern::Same => known.iter().find_map(|&from| {
            let (start, end) = extent(from, lanes, tail)?;
            let is_inside =
                from.pattern == Pattern::Forward && start <= place.disp && place.disp < end;
            is_inside.then(|| Derived::Lane(from, ((place.disp - start) / bytes) as u8))
        }),
        Pattern::Forward if lanes == 2 && bytes == 8 && !place.masked => {
            let (mut first, mut second) = (None, None);
            for &from in known.iter().filter(|p| p.pattern == Pattern::Same) {
                if from.disp == place.disp {
                    first = Some(from);
                } else if from.disp == place.disp + bytes {
                    second = Some(from);
                }
            }
            Some(Derived::Pair(first?, second?))
        }
        _ => None,
    }
}

/// A place in its operand, whichever that is.
fn bare(place: Place) -> Place {
    Place { group: 0, ..place }
}

/// The bytes of an operand that a store of neighbours, or of one number, changes.
fn extent(place: Place, lanes: usize, tail: usize) -> Option<(i32, i32)> {
    let count = match place.pattern {
        Pattern::Same => 1,
        Pattern::Forward if place.masked => tail,
        Pattern::Forward => lanes,
        Pattern::Backward | Pattern::Every(_) => return None,
    };
    Some((place.disp, place.disp + i32::from(place.bytes) * count as i32))
}
