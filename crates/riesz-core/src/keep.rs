//! What the steps of a loop keep for their linear half, and what that makes again.
//!
//! The linear half of a step needs values of the primal one, and has them in two ways: a value is *kept*, for
//! every step of the loop, or *made again* from others that are. What only moves, adds or multiplies elements
//! is sooner made again than fetched from memory, and four stages of a Runge–Kutta step can be made again
//! from the state they begin with. The least that has to be kept is a minimum cut between what is there
//! anyway or cannot be made again and what the linear half needs, where cutting a value costs its bytes
//! (Ford & Fulkerson, *Flows in Networks*, 1962; for residuals: Feng & Huang, *Optimal gradient
//! checkpoint search for arbitrary computation graphs*, 2021).
//!
//! A loop whose residuals fit in the processor's caches keeps what it needs.

use crate::cost::of_equation;
use crate::primitive::{Binary, Prim, Unary};
use crate::program::{Equation, Program, Value};
use std::collections::{HashMap, VecDeque};

/// The bytes from which on values of all steps of a loop are far: a second-level cache.
const FAR: u64 = 1 << 20;

/// The operations that a value in memory, written and read once, is worth.
const WORTH: f64 = 8.0;

/// Bodies with more values between what is kept and what is needed are left as they are.
const MOST: usize = 4096;

/// How a loop keeps values.
pub(crate) struct Keeping {
    /// Which values of the body are there anyway: the same in every step, or parts of arguments.
    pub given: Vec<bool>,
    /// How many steps there are.
    pub steps: usize,
}

impl Keeping {
    /// Which values of the primal half the linear one, which needs `needed`, makes again.
    pub fn made_again(&self, program: &Program, linear: &[bool], needed: &[Value]) -> Vec<bool> {
        let mut again = vec![false; program.len()];
        let mut maker: Vec<Option<&Equation>> = vec![None; program.len()];
        for eq in program.equations() {
            let first = eq.first.index();
            maker[first] =
                Some(eq).filter(|eq| !linear[first] && !self.given[first] && is_cheap(eq));
        }
        let bytes = |v: Value| match self.given[v.index()] {
            true => 0,
            false => program.ty(v).bytes() as u64,
        };
        // What is needed, and what that can be made of.
        let mut values: Vec<Value> = Vec::new();
        let mut number: HashMap<Value, usize> = HashMap::new();
        let mut left = needed.to_vec();
        while let Some(v) = left.pop() {
            if number.contains_key(&v) {
                continue;
            }
            number.insert(v, values.len());
            values.push(v);
            left.extend(maker[v.index()].iter().flat_map(|eq| eq.inputs.iter().copied()));
        }
        let all: u64 = needed.iter().map(|&v| bytes(v)).sum();
        if !is_far(all, self.steps) || values.len() > MOST {
            return again;
        }

        let mut network = Network::new(2 * values.len() + 2);
        let (source, sink) = (2 * values.len(), 2 * values.len() + 1);
        for (i, &v) in values.iter().enumerate() {
            network.edge(2 * i, 2 * i + 1, bytes(v));
            match maker[v.index()] {
                Some(eq) => {
                    eq.inputs.iter().for_each(|u| network.edge(2 * number[u] + 1, 2 * i, u64::MAX));
                }
                None => network.edge(source, 2 * i, u64::MAX),
            }
        }
        needed.iter().for_each(|v| network.edge(2 * number[v] + 1, sink, u64::MAX));
        let kept = network.flow(source, sink);
        let reaches = network.reaches(sink);
        let mut operations = 0.0;
        for (i, &v) in values.iter().enumerate().filter(|(i, _)| reaches[2 * i]) {
            debug_assert!(maker[v.index()].is_some(), "value {i} cannot be made again");
            again[v.index()] = true;
            operations += maker[v.index()].map_or(0.0, |eq| of_equation(program, eq));
        }
        let saved = all - kept;
        if !is_far(saved, self.steps) || operations > WORTH * saved as f64 / 8.0 {
            again.fill(false);
        }
        again
    }
}

/// Whether so many bytes of each step are too many for the caches.
pub(crate) fn is_far(bytes: u64, steps: usize) -> bool {
    bytes.saturating_mul(steps as u64) >= FAR
}

/// Whether an equation only moves, adds, multiplies or compares elements.
fn is_cheap(eq: &Equation) -> bool {
    match &eq.prim {
        Prim::Unary(f) => matches!(f, Unary::Neg | Unary::Abs | Unary::Sign | Unary::Square),
        Prim::Binary(f) => {
            matches!(f, Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
        }
        Prim::Scale(_) | Prim::Compare(_) | Prim::Logical(_) | Prim::Select(_) | Prim::Cast(_) => {
            true
        }
        Prim::Constant(_) | Prim::Iota(_) | Prim::Reshape(_) | Prim::Broadcast(_) => true,
        Prim::Slice(_) | Prim::Pad(_) | Prim::Concat(_) | Prim::Flip(_) => true,
        _ => false,
    }
}

/// A network of edges with capacities.
struct Network {
    /// The edges that leave each node.
    leaving: Vec<Vec<usize>>,
    /// Where each edge leads, and what it can still carry; the one with the other last bit leads back.
    edges: Vec<(usize, u64)>,
}

impl Network {
    fn new(nodes: usize) -> Network {
        Network { leaving: vec![Vec::new(); nodes], edges: Vec::new() }
    }

    fn edge(&mut self, from: usize, to: usize, capacity: u64) {
        self.leaving[from].push(self.edges.len());
        self.edges.push((to, capacity));
        self.leaving[to].push(self.edges.len());
        self.edges.push((from, 0));
    }

    /// The greatest flow, along one shortest path after the other (Edmonds & Karp 1972).
    fn flow(&mut self, source: usize, sink: usize) -> u64 {
        let mut total = 0;
        loop {
            let mut by: Vec<Option<usize>> = vec![None; self.leaving.len()];
            let mut queue = VecDeque::from([source]);
            while let Some(node) = queue.pop_front().filter(|_| by[sink].is_none()) {
                for &e in &self.leaving[node] {
                    let (to, capacity) = self.edges[e];
                    if capacity > 0 && to != source && by[to].is_none() {
                        by[to] = Some(e);
                        queue.push_back(to);
                    }
                }
            }
            let mut path = Vec::new();
            let mut at = sink;
            while let Some(e) = by[at] {
                path.push(e);
                at = self.edges[e ^ 1].0;
            }
            let Some(more) = path.iter().map(|&e| self.edges[e].1).min() else { return total };
            for e in path {
                self.edges[e].1 -= more;
                self.edges[e ^ 1].1 = self.edges[e ^ 1].1.saturating_add(more);
            }
            total += more;
        }
    }

    /// The nodes from which more could flow to the sink: behind the cut that is nearest to it.
    fn reaches(&self, sink: usize) -> Vec<bool> {
        let mut reaches = vec![false; self.leaving.len()];
        reaches[sink] = true;
        let mut left = vec![sink];
        while let Some(node) = left.pop() {
            for &e in &self.leaving[node] {
                // The edge that leads here.
                let (from, capacity) = (self.edges[e].0, self.edges[e ^ 1].1);
                if capacity > 0 && !reaches[from] {
                    reaches[from] = true;
                    left.push(from);
                }
            }
        }
        reaches
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn the_cut_nearest_to_the_sink() {
        // 0 → 1 → 2 → 3 with the narrowest places first and last.
        let mut network = Network::new(4);
        network.edge(0, 1, 2);
        network.edge(1, 2, 5);
        network.edge(2, 3, 2);
        assert_eq!(network.flow(0, 3), 2);
        assert_eq!(network.reaches(3), [false, false, false, true]);
    }

    #[test]
    fn a_flow_that_must_be_led_back() {
        // Ford & Fulkerson's square with a diagonal, which the first path may take.
        let mut network = Network::new(4);
        for (from, to, capacity) in [(0, 1, 3), (0, 2, 2), (1, 2, 3), (1, 3, 2), (2, 3, 3)] {
            network.edge(from, to, capacity);
        }
        assert_eq!(network.flow(0, 3), 5);
    }
}
