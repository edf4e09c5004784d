//! Loops of nests without loops.
//!
//! What a loop carries stays in registers from trip to trip and is stored behind it; what no trip changes is
//! computed before it. Where two operands are exchanged after each trip, their values are.

use super::call::Helpers;
use super::graph::{Accumulator, Combine, Id, NONE, Node, Num, Op, Pattern, Place, Size, Trips};
use super::held::{Event, Held};
use super::line::Line;
use super::lower::{Group, Lower, Lowered};
use crate::nest::Operand;
use smallvec::SmallVec;

/// How often the nests run.
pub(super) enum Rounds<'b> {
    /// The first `test` leave in `flag` whether the others are done, and all again.
    While { test: usize, flag: Operand },
    /// So many times.
    Count {
        count: usize,
        /// These operands are parts of others.
        windows: &'b [(Operand, Operand, isize)],
        /// After each trip these operands move by so many bytes.
        advance: &'b [(Operand, i64)],
        /// And these are exchanged.
        exchange: &'b [(Operand, Operand)],
    },
}

/// What a loop does with what its nests access.
#[derive(Default)]
struct Roles {
    /// In registers from trip to trip, each at these places; memory has it behind the loop.
    carried: Vec<(Operand, Places)>,
    /// In memory, and different from trip to trip.
    changed: Vec<Operand>,
}

/// Places in an operand, and what lies there.
type Places = SmallVec<[(Place, Num); 2]>;

impl Rounds<'_> {
    /// How many nests are the test.
    fn test(&self) -> usize {
        match self {
            Rounds::While { test, .. } => *test,
            Rounds::Count { .. } => 0,
        }
    }

    fn trips(&self) -> Trips {
        match self {
            Rounds::While { .. } => Trips::Open,
            Rounds::Count { count, .. } => Trips::Count(*count as u64),
        }
    }

    /// What an operand is called in the next trip.
    fn next(&self, operand: Operand) -> Operand {
        let Rounds::Count { exchange, .. } = self else { return operand };
        let pair = exchange.iter().find(|&&(a, b)| a == operand || b == operand);
        pair.map_or(operand, |&(a, b)| if a == operand { b } else { a })
    }

    /// What it is called behind the loop.
    fn last(&self, operand: Operand) -> Operand {
        match self {
            Rounds::Count { count, .. } if count % 2 == 1 => self.next(operand),
            _ => operand,
        }
    }

    /// What becomes of these accesses, `first` of which are those of the test; none if pointers had to be
    /// exchanged.
    fn roles(&self, seen: &Held, first: usize) -> Option<Roles> {
        let mut roles = Roles::default();
        if let Rounds::Count { windows, advance, exchange, .. } = self {
            if shares_memory(windows, seen) || !is_pairs(exchange) {
                return None;
            }
            roles.changed.extend(advance.iter().map(|a| a.0));
        }
        for event in &seen.events {
            let (one, other) = (event.operand, self.next(event.operand));
            let is_known = roles.carried.iter().any(|c| c.0 == one);
            if is_known || roles.changed.contains(&one) && one == other {
                continue;
            }
            match carried(seen, first, [one, other]) {
                Some(_) if roles.changed.contains(&one) || roles.changed.contains(&other) => {
                    return None;
                }
                Some(places) => {
                    roles.carried.push((one, places.clone()));
                    if other != one {
                        roles.carried.push((other, places));
                    }
                }
                None if other != one => return None,
                None if event.stores => roles.changed.push(one),
                None => {}
            }
        }
        Some(roles)
    }
}

/// Whether something is stored in an operand that another one is a part of.
fn shares_memory(windows: &[(Operand, Operand, isize)], seen: &Held) -> bool {
    let of = |operand| windows.iter().find(|w| w.0 == operand).map_or(operand, |w| w.1);
    windows.iter().any(|&(_, whole, _)| {
        let mut inside = seen.events.iter().filter(|e| of(e.operand) == whole);
        let Some(first) = inside.clone().next() else { return false };
        inside.clone().any(|e| e.operand != first.operand) && inside.any(|e| e.stores)
    })
}

/// Whether no operand is exchanged twice.
fn is_pairs(exchange: &[(Operand, Operand)]) -> bool {
    let mut all: SmallVec<[Operand; 8]> = exchange.iter().flat_map(|&(a, b)| [a, b]).collect();
    all.sort_unstable();
    all.windows(2).all(|w| w[0] != w[1])
}

/// The places at which the loop carries an operand, or two that are exchanged; none if it does not, or cannot
/// in registers.
fn carried(seen: &Held, first: usize, operands: [Operand; 2]) -> Option<Places> {
    let of = |e: &&Event| operands.contains(&e.operand);
    // The loop ends behind the test.
    if seen.events[..first].iter().filter(of).any(|e| e.stores) {
        return None;
    }
    let mut places = Places::new();
    for event in seen.events.iter().filter(of).filter(|e| e.stores) {
        if !places.iter().any(|p| p.0 == event.place) {
            places.push((event.place, event.number?));
        }
    }
    // Loads before the first store in a trip read what the trip before has left.
    let (mut so_far, mut reads_old): (Vec<Place>, bool) = (Vec::new(), false);
    for event in seen.events.iter().filter(of) {
        match event.stores {
            true => so_far.push(event.place),
            false => reads_old |= !seen.is_among(event.place, &so_far),
        }
    }
    let all: SmallVec<[Place; 2]> = places.iter().map(|p| p.0).collect();
    let mut loads = seen.events.iter().filter(of).filter(|e| !e.stores);
    let finds_all = loads.all(|e| seen.is_among(e.place, &all));
    let is_exchanged = operands[0] != operands[1];
    let is_apart = seen.are_apart(all.iter().copied());
    ((reads_old || is_exchanged) && is_apart && finds_all && !all.is_empty()).then_some(places)
}

/// An operand that a loop carries: where, its lanes, and its accumulator.
type Carried = (Operand, Place, Num, u16);

impl<'a> Line<'a> {
    /// A loop of the nests; none if that cannot be.
    pub(super) fn lower_loop(
        mut self,
        rounds: &Rounds,
        wide: bool,
        helpers: &mut Helpers,
    ) -> Option<Lowered> {
        let tail = self.settle();
        // Once to see what is loaded and stored.
        let mut lower = self.begin(wide, helpers)?;
        let (test, rest) = self.nests.split_at(rounds.test());
        for (nest, blocking) in test {
            lower.append(nest, blocking.clone())?;
        }
        let first = lower.held.as_ref()?.events.len();
        for (nest, blocking) in rest {
            lower.append(nest, blocking.clone())?;
        }
        let seen = lower.held.take()?;
        let roles = rounds.roles(&seen, first)?;
        let decides = match *rounds {
            Rounds::While { flag, .. } => Some(Decides::of(flag, &seen, first)?),
            Rounds::Count { .. } => None,
        };

        let mut lower = self.begin(wide, helpers)?;
        let carried = lower.carry(&roles)?;
        lower.enter(None, rounds.trips(), 0, false);
        let held = lower.held.as_mut()?;
        for &(operand, place, number, accumulator) in &carried {
            let now = now(&lower.graph, lower.block, accumulator, place, number.size());
            held.put(operand, place, now);
        }
        if let Some(Decides { flag, is_silent: true, .. }) = decides {
            held.will_change(flag, true);
        }
        for (nest, blocking) in test {
            lower.append(nest, blocking.clone())?;
        }
        if let Some(decides) = &decides {
            lower.leave(decides)?;
        }
        for (nest, blocking) in rest {
            lower.append(nest, blocking.clone())?;
        }
        lower.end_trip(rounds, &carried)?;
        if let Some(Decides { flag, place, is_silent: true }) = decides {
            let place = lower.place_in(flag, place);
            let no = lower.graph.truth(false);
            lower.behind(Op::Store(place), [no, NONE, NONE], Size::Mask);
        }
        let mut lowered = lower.finish(tail, self.flag)?;
        if let Rounds::Count { advance, .. } = rounds {
            for &(operand, by) in *advance {
                let of = |g: &Group| g.operand == Some(operand);
                let group = lowered.groups.iter().position(of);
                lowered.moves[INSIDE].extend(group.map(|g| (g as u16, by)));
            }
        }
        Some(lowered)
    }
}

/// The block of the loop: there is one.
const INSIDE: usize = 1;

/// What is carried, at the beginning of a trip.
fn now(graph: &super::graph::Graph, block: u16, number: u16, place: Place, size: Size) -> Id {
    let uniform = place.pattern == Pattern::Same;
    graph.push(Node { op: Op::Now(number), args: [NONE; 3], size, block, after: false, uniform })
}

/// What says whether a loop goes on.
struct Decides {
    flag: Operand,
    place: Place,
    /// Whether nobody reads the flag before it is known to be false.
    is_silent: bool,
}

impl Decides {
    fn of(flag: Operand, seen: &Held, first: usize) -> Option<Decides> {
        let of_flag = |e: &&Event| e.operand == flag;
        let mut stored = seen.events[..first].iter().filter(of_flag).filter(|e| e.stores);
        let place = stored.next_back()?.place;
        let is_silent = seen.events.iter().filter(of_flag).count() == 1;
        (place.pattern == Pattern::Same).then_some(Decides { flag, place, is_silent })
    }
}

impl Lower<'_> {
    /// A place in an operand.
    fn place_in(&mut self, operand: Operand, place: Place) -> Place {
        let group = Group { operand: Some(operand), start: 0, strides: SmallVec::new() };
        Place { group: self.group(group), ..place }
    }

    /// Accumulators for what a loop carries, before it.
    fn carry(&mut self, roles: &Roles) -> Option<Vec<Carried>> {
        let held = self.held.as_mut()?;
        roles.changed.iter().for_each(|&operand| held.will_change(operand, false));
        roles.carried.iter().for_each(|c| held.will_change(c.0, true));
        let mut carried = Vec::new();
        for (operand, places) in &roles.carried {
            for &(place, num) in places {
                let number = self.graph.accumulators.len() as u16;
                let accumulator = Accumulator { combine: Combine::Sum, num, identity: 0 };
                self.graph.accumulators.push(accumulator);
                let place = self.place_in(*operand, place);
                self.effect(Op::Begin(number, Some(place)), [NONE; 3]);
                carried.push((*operand, place, num, number));
            }
        }
        Some(carried)
    }

    /// The end of the loop, unless what was stored in the flag holds.
    fn leave(&mut self, decides: &Decides) -> Option<()> {
        let holds = self.held.as_ref()?.at(decides.flag, decides.place)?;
        self.effect(Op::Leave, [holds, NONE, NONE]);
        Some(())
    }

    /// What is carried to the next trip, and what is stored behind the last.
    fn end_trip(&mut self, rounds: &Rounds, carried: &[Carried]) -> Option<()> {
        for &(operand, place, _, number) in carried {
            let value = self.held.as_ref()?.at(rounds.next(operand), place)?;
            if self.graph.node(value).op != Op::Now(number) {
                self.effect(Op::Set(number), [value, NONE, NONE]);
            }
        }
        for &(operand, place, num, number) in carried {
            let place = self.place_in(rounds.last(operand), place);
            let last = self.behind(Op::End(number), [NONE; 3], num.size());
            self.behind(Op::Store(place), [last, NONE, NONE], num.size());
        }
        Some(())
    }

    /// An operation behind the loop.
    fn behind(&self, op: Op, args: [Id; 3], size: Size) -> Id {
        self.graph.push(Node { op, args, size, block: 0, after: true, uniform: false })
    }
}
