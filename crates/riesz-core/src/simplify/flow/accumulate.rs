//! Sums of products that a scan accumulates, such as the gradients of the weights of a recurrent network,
//! become one product after it.
//!
//! ```text
//! Σₜ dot(aₜ, bₜ) = dot(A, B), summed along the steps too,
//! ```
//!
//! where A and B are the factors of all steps along a first axis: arguments of the scan that come step by
//! step, or a factor that is handed out instead of the product. It pays where the product is larger
//! than what has to be stored for it: an outer product or a product of matrices, not an inner product. A
//! product of a matrix with many columns then runs at the speed of the machine's multipliers; the scan
//! is left with what depends on the step before.

use super::Out;
use super::scans::Work;
use crate::body::Body;
use crate::primitive::{Binary, Dot, Prim, Scan};
use crate::program::{Equation, Program, Value};

/// A term of a sum: a product, perhaps with its axes in another order.
struct Term {
    value: Value,
    dot: Dot,
    factors: [Value; 2],
    order: Option<Vec<usize>>,
}

/// Where a factor of all steps is found.
enum Factor {
    /// An argument that comes step by step.
    Part(usize),
    /// A value that is to be handed out.
    HandedOut(Value),
}

/// Takes the products out of every accumulation of which that pays; whether there was any.
pub(super) fn after_the_loop(work: &mut Work) -> Option<bool> {
    let body = work.scan.body.clone();
    let uses = use_counts(&body);
    for k in 0..work.scan.carry {
        let input = Value((work.scan.consts + k) as u32);
        if uses[input.index()] != 1 {
            continue;
        }
        let Some(terms) = terms(&body, &uses, body.outputs()[k], input) else { continue };
        let products: Vec<Term> = terms.iter().filter_map(|&v| product(&body, v)).collect();
        for term in products {
            if let Some(factors) = pays(&work.scan, &body, &term) {
                take_out(work, k, &terms, &term, factors);
                return Some(true);
            }
        }
    }
    Some(false)
}

/// How often each value of a program is used.
fn use_counts(program: &Program) -> Vec<u32> {
    let mut uses = vec![0; program.len()];
    for eq in program.equations() {
        eq.inputs.iter().for_each(|v| uses[v.index()] += 1);
    }
    program.outputs().iter().for_each(|v| uses[v.index()] += 1);
    uses
}

fn define(program: &Program, v: Value) -> Option<&Equation> {
    let at = program.equations().binary_search_by_key(&v, |eq| eq.first).ok()?;
    program.equations().get(at)
}

/// The other terms, if a value is a sum of which `carry` is one. Nothing else may use the sum so far:
/// taking a term out changes it.
fn terms(body: &Program, uses: &[u32], sum: Value, carry: Value) -> Option<Vec<Value>> {
    let mut open = vec![sum];
    let mut terms = Vec::new();
    let mut found = false;
    while let Some(v) = open.pop() {
        if v == carry {
            found = true;
            continue;
        }
        match define(body, v).map(|eq| (&eq.prim, &eq.inputs)) {
            Some((Prim::Binary(Binary::Add), x))
                if uses[v.index()] == 1 && terms.len() + open.len() < 64 =>
            {
                open.extend([x[1], x[0]]);
            }
            _ => terms.push(v),
        }
    }
    found.then_some(terms)
}

/// The product that a value is, if it is one.
fn product(body: &Program, value: Value) -> Option<Term> {
    let eq = define(body, value)?;
    match &eq.prim {
        Prim::Dot(dot) => {
            let factors = [eq.inputs[0], eq.inputs[1]];
            Some(Term { value, dot: dot.clone(), factors, order: None })
        }
        Prim::Transpose(t) => {
            let Term { dot, factors, order: None, .. } = product(body, eq.inputs[0])? else {
                return None;
            };
            Some(Term { value, dot, factors, order: Some(t.order.clone()) })
        }
        _ => None,
    }
}

/// Where the factors of all steps come from, if taking the product out saves more than it costs.
fn pays(scan: &Scan, body: &Program, term: &Term) -> Option<[Factor; 2]> {
    let linear: Vec<bool> = (0..body.inputs).map(|i| scan.linear.contains(&i)).collect();
    let moves = body.dependents(&linear);
    let mut stored = 0;
    let mut factors = Vec::new();
    for v in term.factors {
        match v.index() {
            // Of a constant factor the other would be summed; the product is no larger then.
            i if i < scan.consts => return None,
            i if (scan.first_xs()..body.inputs).contains(&i) => factors.push(Factor::Part(i)),
            // What a linear scan hands out is linear; a coefficient has to come from outside.
            _ if !scan.linear.is_empty() && !moves[v.index()] => return None,
            _ => {
                if !body.outputs()[scan.carry..].contains(&v) {
                    stored += body.ty(v).size();
                }
                factors.push(Factor::HandedOut(v));
            }
        }
    }
    let size = body.ty(term.value).size();
    let [a, b] = <[Factor; 2]>::try_from(factors).ok()?;
    (size >= 4 && size >= 2 * stored).then_some([a, b])
}

fn take_out(work: &mut Work, k: usize, terms: &[Value], term: &Term, factors: [Factor; 2]) {
    let scan = &work.scan;
    let body = &scan.body;
    let input = Value((scan.consts + k) as u32);
    // The sum without the term, which may be in it once more.
    let mut rest = terms.to_vec();
    if let Some(at) = rest.iter().position(|&v| v == term.value) {
        rest.remove(at);
    }
    let mut outputs = body.outputs().to_vec();
    let mut handed = Vec::new();
    let outs: Vec<Out> = factors
        .iter()
        .map(|factor| match factor {
            Factor::Part(i) => Out::Value(work.x[*i]),
            Factor::HandedOut(v) => {
                let known = outputs[scan.carry..].iter().position(|o| o == v);
                let at = known.map_or_else(
                    || {
                        outputs.push(*v);
                        handed.push(*v);
                        outputs.len() - 1
                    },
                    |at| scan.carry + at,
                );
                Out::Result(at)
            }
        })
        .collect();
    let Ok([a, b]) = <[Out; 2]>::try_from(outs) else { return };
    let shift = |pairs: &[(usize, usize)]| pairs.iter().map(|p| (p.0 + 1, p.1 + 1)).collect();
    let mut contract: Vec<(usize, usize)> = shift(&term.dot.contract);
    contract.insert(0, (0, 0));
    let dot = Dot { contract, batch: shift(&term.dot.batch) };
    let product = Out::Product(dot, Box::new(a), Box::new(b));
    let product = match &term.order {
        Some(order) => Out::Ordered(order.clone(), Box::new(product)),
        None => product,
    };
    let sum = crate::trace::trace(body.input_types(), |x| {
        // Once more, with the shorter sum; what is not used any more goes with simplification.
        let wanted = [&[input], &rest[..], &outputs].concat();
        let all: Vec<Value> = body.inputs().collect();
        let mut y = crate::trace::inline(&body.part(&all, &wanted), x);
        let mut results = y.split_off(1 + rest.len());
        results[k] = y.iter().copied().reduce(|a, b| a + b).unwrap_or(results[k]);
        results
    });
    let Ok(reduced) = sum else { return };
    let mut product = Some(product);
    let taken = std::cell::RefCell::new(&mut product);
    super::renumber(&mut work.outs, &|i| match i == k {
        true => match taken.borrow_mut().take() {
            Some(product) => Out::Sum(Box::new(Out::Result(k)), Box::new(product)),
            None => Out::Result(k),
        },
        false => Out::Result(i),
    });
    work.scan.body = Body::new(reduced);
}
