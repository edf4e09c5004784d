//! What a loop carries, written where it lies.
//!
//! A body computes what is carried to the next iteration into a second buffer, as it may still read the
//! first. Where nothing reads the first once the second is written, or only the nest that writes it does,
//! element by element, one buffer serves for both: nothing is copied or exchanged, and half the memory
//! is touched. (Register coalescing does the same for the variables of a loop; Chaitin, *Register
//! allocation and spilling via graph coloring*, 1982.)

use super::memory::{Memory, entries};
use super::storage::{Place, Storage};
use crate::nest::{Nest, Step};
use rustc_hash::FxHashMap as HashMap;
use std::ops::Range;

/// Makes each of `next` that can be the buffer in `now` of the same number. `memory.touched` ends with
/// the entries of the body's steps.
pub fn settle(body: &mut [Step], now: &[Storage], next: &mut [Storage], memory: &mut Memory) {
    let mut body = Body::new(body, memory);
    for (&now, next) in now.iter().zip(next) {
        let place = body.memory.buffers[*next as usize].place;
        // A part of a longer buffer stays.
        let is_whole = !matches!(place, Place::Window(_));
        if now != *next && is_whole && body.may_settle(now, *next) {
            body.replace(*next, now);
            *next = now;
        }
    }
}

struct Body<'a> {
    steps: &'a mut [Step],
    /// The entries of each step in `memory.touched`.
    touched: Vec<Range<usize>>,
    memory: &'a mut Memory,
    /// The steps that touch each buffer, in order.
    users: HashMap<Storage, Vec<usize>>,
}

impl<'a> Body<'a> {
    fn new(steps: &'a mut [Step], memory: &'a mut Memory) -> Body<'a> {
        let counts: Vec<usize> = steps.iter().map(entries).collect();
        let mut at = memory.touched.len() - counts.iter().sum::<usize>();
        let mut touched = Vec::with_capacity(counts.len());
        let mut users: HashMap<Storage, Vec<usize>> = HashMap::default();
        for (i, count) in counts.into_iter().enumerate() {
            for &s in memory.touched[at..at + count].iter().flatten() {
                let of = users.entry(s).or_default();
                if of.last() != Some(&i) {
                    of.push(i);
                }
            }
            touched.push(at..at + count);
            at += count;
        }
        Body { steps, touched, memory, users }
    }

    /// Whether `now` is not needed any more when `next` is written.
    fn may_settle(&self, now: Storage, next: Storage) -> bool {
        let of = |s| self.users.get(&s).map_or(&[][..], Vec::as_slice);
        let Some(&first) = of(next).first() else { return false };
        // What moves addresses about is left alone.
        let is_plain = |&i: &usize| matches!(self.steps[i], Step::Nest(_) | Step::Call(_));
        if !of(next).iter().all(is_plain) {
            return false;
        }
        match of(now).last() {
            Some(&last) if last > first => false,
            Some(&last) if last == first => match &self.steps[first] {
                Step::Nest(nest) => self.is_in_place(nest, now, next),
                _ => false,
            },
            _ => true,
        }
    }

    /// Whether a nest writes all of `next`, where it reads `now` if at all.
    fn is_in_place(&self, nest: &Nest, now: Storage, next: Storage) -> bool {
        let elements: usize = nest.extents.iter().product();
        elements == self.memory.buffers[next as usize].len
            && nest.writes_where_it_reads(now, next)
            && nest.stores.iter().all(|s| s.access.operand != now)
    }

    fn replace(&mut self, old: Storage, new: Storage) {
        let rename = |s: &mut Storage| {
            if *s == old {
                *s = new;
            }
        };
        let users = self.users.remove(&old).unwrap_or_default();
        for &i in &users {
            match &mut self.steps[i] {
                Step::Nest(nest) => nest.accesses_mut().for_each(|a| rename(&mut a.operand)),
                Step::Call(call) => call.operands.iter_mut().for_each(rename),
                _ => {}
            }
            self.memory.touched[self.touched[i].clone()].iter_mut().flatten().for_each(rename);
        }
        let of = self.users.entry(new).or_default();
        of.extend(users);
        of.sort_unstable();
        of.dedup();
    }
}
