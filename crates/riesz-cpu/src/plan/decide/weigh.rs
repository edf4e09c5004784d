//! Whether a value is cheaper to store than to compute again, in every nest that needs it.

use super::{Decisions, Domain, keeps_index};
use crate::plan::role::Role;
use riesz_core::{Equation, Prim, Program, Shape, Value};
use smallvec::SmallVec;

/// What it costs to write or read an element, in additions, while the tensor fits in the cache.
const WRITE: f64 = 2.0;
const READ: f64 = 1.0;
/// How much more it costs when it does not.
const FAR: f64 = 3.0;
/// The bytes from which on it does not.
const CACHE: usize = 1 << 19;
/// What another nest costs.
const NEST: f64 = 30.0;

impl Decisions {
    /// Walks backward: stores what is cheaper to store than to compute again.
    pub(super) fn weigh(&mut self, program: &Program) {
        let required = self.stored.clone();
        let costs = self.costs(program);
        let mut uses: Vec<Uses> = vec![Uses::default(); program.len()];
        for i in (0..program.equations().len()).rev() {
            let eq = &program.equations()[i];
            let v = eq.first.index();
            let role = self.roles[i];
            if matches!(role, Role::Map(_) | Role::View | Role::Gather) && !self.stored[v] {
                self.stored[v] = self.should_store(program, eq, costs[v], &uses[v]);
                // The nest that would store it.
                self.stage[v] = self.earliest[v];
            }
            let own = |decisions: &mut Decisions, shape: &Shape, aligned: bool| Use {
                nest: (decisions.domain(shape), decisions.stage[v]),
                aligned,
                count: shape.size() as f64,
            };
            let ty = program.ty(eq.first);
            let through: Uses = match role {
                Role::Constant => continue,
                Role::Call => continue,
                Role::Fold => {
                    let aligned = matches!(eq.prim, Prim::Reduce(_));
                    let shape = self.domain_of_fold(program, i);
                    Uses::one(own(self, &shape, aligned))
                }
                Role::Place => {
                    for &x in &eq.inputs {
                        let shape = program.ty(x).shape.clone();
                        let one = Uses::one(own(self, &shape, true));
                        uses[x.index()].add(&one);
                    }
                    continue;
                }
                Role::Map(_) | Role::View | Role::Gather => {
                    let aligned = keeps_index(&eq.prim);
                    let mut through = match self.stored[v] {
                        true => Uses::one(own(self, &ty.shape, true)),
                        false => uses[v].clone(),
                    };
                    through.0.iter_mut().for_each(|u| u.aligned &= aligned);
                    through
                }
            };
            for &x in &eq.inputs {
                let share = share(&eq.prim, program, x, &ty.shape);
                let mut through = through.clone();
                through.0.iter_mut().for_each(|u| u.count *= share);
                uses[x.index()].add(&through);
            }
        }
        self.weigh_again(program, &required, &uses);
    }

    /// Walks forward: does not store after all what is cheap now that its arguments are stored. Uses stay as they
    /// were counted; what is computed again counts in the cost of whoever needs it.
    fn weigh_again(&mut self, program: &Program, required: &[bool], uses: &[Uses]) {
        let mut costs = vec![0.0f64; program.len()];
        for (i, eq) in program.equations().iter().enumerate() {
            let v = eq.first.index();
            costs[v] = self.cost(program, eq, self.roles[i], &costs);
            if self.stored[v] && !required[v] {
                self.stored[v] = self.should_store(program, eq, costs[v], &uses[v]);
            }
        }
    }

    /// What one element of each value costs with nothing stored but what has to be.
    fn costs(&self, program: &Program) -> Vec<f64> {
        let mut costs = vec![0.0f64; program.len()];
        for (eq, role) in program.equations().iter().zip(&self.roles) {
            costs[eq.first.index()] = self.cost(program, eq, *role, &costs);
        }
        costs
    }

    /// What one element of a result costs, where its arguments that are not stored cost as much as given; what is
    /// stored counts as near, as it is often read for something else, too.
    fn cost(&self, program: &Program, eq: &Equation, role: Role, costs: &[f64]) -> f64 {
        let own = match role {
            Role::Map(cost) => f64::from(cost),
            Role::View => 0.0,
            Role::Gather => 4.0,
            Role::Constant | Role::Fold | Role::Place | Role::Call => return 0.0,
        };
        let shape = &program.ty(eq.first).shape;
        let of = |x: &Value| {
            let one = if self.stored[x.index()] { READ } else { costs[x.index()] };
            one * share(&eq.prim, program, *x, shape)
        };
        // Arguments that are shared would be counted again and again: a bound keeps it finite.
        (own + eq.inputs.iter().map(of).sum::<f64>()).min(1e6)
    }

    fn should_store(&self, program: &Program, eq: &Equation, cost: f64, uses: &Uses) -> bool {
        let ty = program.ty(eq.first);
        let size = ty.size() as f64;
        // Everywhere the same constant, or something smaller repeated, which is weighed by itself.
        if cost == 0.0 || repeats(program, eq) {
            return false;
        }
        if uses.many() {
            return true;
        }
        if ty.size() <= 1 {
            // A number is computed once in each nest, outside the loops.
            return cost * (uses.0.len() as f64 - 1.0) > WRITE + READ + NEST;
        }
        let far = if ty.bytes() >= CACHE { FAR } else { 1.0 };
        if let [only] = uses.0.as_slice()
            && only.aligned
        {
            return false;
        }
        // In the nest that would compute it anyway, it need not be read back.
        let home = (self.domains.get(&ty.shape).copied(), self.earliest[eq.first.index()]);
        let own = |u: &&Use| u.aligned && (Some(u.nest.0), u.nest.1) == home;
        let again: f64 = uses.0.iter().map(|u| u.count * cost).sum();
        // What is read again is near by then.
        let read = |u: &Use| READ * (u.count + (far - 1.0) * u.count.min(size));
        let reads: f64 = uses.0.iter().filter(|u| !own(u)).map(read).sum();
        let more = if uses.0.iter().any(|u| own(&u)) { 0.0 } else { NEST };
        let once = size * (cost + WRITE * far) + reads + more;
        again > once
    }
}

/// Whether an equation only repeats something smaller.
fn repeats(program: &Program, eq: &Equation) -> bool {
    matches!(eq.prim, Prim::Broadcast(_))
        && program.ty(eq.inputs[0]).size() < program.ty(eq.first).size()
}

/// How many elements of the argument are computed for each element of the result.
fn share(prim: &Prim, program: &Program, x: Value, result: &Shape) -> f64 {
    let from = &program.ty(x).shape;
    match prim {
        // Zeros, and the other parts, are not pulled.
        Prim::Pad(_) | Prim::Concat(_) => {
            (from.size() as f64 / (result.size() as f64).max(1.0)).min(1.0)
        }
        // Repeated along the inner loops: computed once outside of them, though not in lanes.
        Prim::Broadcast(b) if b.axes.iter().enumerate().all(|(i, &a)| i == a) => {
            let repeats: usize = result[b.axes.len()..].iter().product();
            8.0_f64.min(repeats as f64) / (repeats as f64).max(1.0)
        }
        _ => 1.0,
    }
}

/// A nest that needs a value.
#[derive(Clone, Copy, Debug)]
struct Use {
    nest: (Domain, u32),
    /// At the index of its own loops.
    aligned: bool,
    /// How many elements it computes.
    count: f64,
}

/// The nests that need a value; a few, or too many to count.
#[derive(Clone, Debug, Default)]
struct Uses(SmallVec<[Use; 4]>);

impl Uses {
    const COUNTED: usize = 4;

    fn one(nest: Use) -> Uses {
        Uses(SmallVec::from_slice(&[nest]))
    }

    fn add(&mut self, other: &Uses) {
        for u in &other.0 {
            match self.0.iter().position(|known| known.nest == u.nest) {
                Some(at) if self.0[at].aligned && u.aligned => {}
                Some(at) => {
                    self.0[at].count += u.count;
                    self.0[at].aligned = false;
                }
                None if self.0.len() <= Self::COUNTED => self.0.push(*u),
                None => {}
            }
        }
    }

    fn many(&self) -> bool {
        self.0.len() > Self::COUNTED
    }
}
