//! Registers across loops: what a loop keeps in registers, and that its end fits its beginning.

use super::allocate::{ACCUMULATORS, Allocate, FREE, LEAST, Loop, NO_SLOT, NOWHERE};
use super::graph::{Id, NONE, Op, Size, Trips};
use super::linear::Item;

impl Allocate<'_> {
    pub(super) fn enter(&mut self, block: u16) {
        let (trips, step, innermost) = self.trips[block as usize];
        if trips == Trips::Once {
            return;
        }
        let wanted = self.wanted(block);
        for register in 0..40u8 {
            let id = self.owner[register as usize];
            if id == FREE || id >= ACCUMULATORS || wanted.contains(&id) {
                continue;
            }
            self.give_up(register);
        }
        let depth = self.loops.len() as u8 + 1;
        let mut kept = Vec::with_capacity(wanted.len());
        for id in wanted {
            self.busy = 0;
            let Some(register) = self.read(id) else { continue };
            if self.kept[register as usize] == 0 {
                self.kept[register as usize] = depth;
            }
            kept.push((id, register));
        }
        self.loops.push(Loop { block, kept, saved: Vec::new() });
        self.machine.loop_head(trips, step, innermost);
    }

    pub(super) fn leave(&mut self, block: u16) {
        let (trips, step, _) = self.trips[block as usize];
        if trips == Trips::Once {
            return self.machine.advance(&self.lowered.moves[block as usize]);
        }
        for i in 0..self.loops.last().map_or(0, |l| l.kept.len()) {
            let (id, register) = self.loops[self.loops.len() - 1].kept[i];
            self.restore(id, register);
        }
        let Some(inside) = self.loops.pop() else { return };
        self.machine.advance(&self.lowered.moves[block as usize]);
        self.machine.loop_end(trips, step);
        for id in inside.saved {
            self.slot[id as usize] = NO_SLOT;
        }
        // If the loop did not run at all, only what it keeps is where it is thought to be.
        for register in 0..40 {
            let id = self.owner[register];
            let keeps = &mut self.kept[register];
            if id == FREE || id >= ACCUMULATORS {
                continue;
            }
            if usize::from(*keeps) == self.loops.len() + 1 {
                *keeps = 0;
                if self.next_use(id).is_some() {
                    continue;
                }
            } else if *keeps != 0 {
                continue;
            }
            self.owner[register] = FREE;
            self.register[id as usize] = NOWHERE;
        }
    }

    /// At the end of a loop: a value it keeps is in its register again. If an inner loop took the
    /// register, the value was saved.
    fn restore(&mut self, id: Id, register: u8) {
        if self.owner[register as usize] != id {
            self.give_up(register);
            match self.register[id as usize] {
                NOWHERE => {
                    let found = self.fetch(id, register);
                    debug_assert!(found.is_some(), "value {id} is lost");
                }
                other => {
                    self.machine.copy(register, other, self.size(id));
                    self.owner[other as usize] = FREE;
                    self.kept[other as usize] = 0;
                }
            }
        }
        self.own(register, id);
        let outermost = self.loops.iter().position(|l| l.kept.contains(&(id, register)));
        self.kept[register as usize] = outermost.map_or(0, |i| i as u8 + 1);
    }

    /// Whether a value lives in a mask register.
    fn is_mask(&self, id: Id) -> bool {
        self.machine.wide && self.size(id) == Size::Mask
    }

    /// The values from outside that are to keep registers through a loop.
    fn wanted(&mut self, block: u16) -> Vec<Id> {
        let (from, to) = self.linear.spans[block as usize];
        self.stamp += 1;
        let mut outside: Vec<Id> = Vec::new();
        let (mut now, mut most) = (0i32, 0i32);
        for at in from..to {
            let Item::Node(id) = self.linear.items[at as usize] else { continue };
            let node = self.linear.nodes[id as usize];
            for &arg in node.args.iter().filter(|&&a| a != NONE) {
                let defined = self.linear.defined[arg as usize];
                if defined == u32::MAX || defined < from {
                    let seen = &mut self.seen[arg as usize];
                    if seen.0 == self.stamp {
                        seen.1 += 1;
                    } else {
                        *seen = (self.stamp, 1);
                        outside.push(arg);
                    }
                } else if self.linear.uses_of(arg).last() == Some(&at)
                    && !self.linear.late[arg as usize]
                    && !self.is_mask(arg)
                {
                    now -= 1;
                }
            }
            // An accumulator has a register from its beginning to its end, where a value takes over.
            let held = match node.op {
                Op::Begin(..) => 1,
                Op::End(_) => 0,
                op => i32::from(op.has_result()),
            };
            if !self.is_mask(id) && !self.linear.late[id as usize] {
                now += held;
                most = most.max(now);
            }
        }
        let accumulators = self.owner.iter().filter(|&&o| o != FREE && o >= ACCUMULATORS).count();
        let vectors = self.registers(Size::B8).len() as i32 - accumulators as i32;
        let mut room = (vectors - most.max(LEAST as i32) - 2).max(0) as usize;
        let mut masks = 2;
        outside.sort_by_key(|&id| {
            let uses = self.seen[id as usize].1;
            std::cmp::Reverse(if self.constant(id).is_some() { uses } else { 4 * uses })
        });
        let mut wanted = Vec::new();
        for id in outside {
            let left = if self.is_mask(id) { &mut masks } else { &mut room };
            if *left > 0 {
                *left -= 1;
                wanted.push(id);
            }
        }
        wanted
    }
}
