//! Updates in place: where nothing reads the old value any more, and only there.

use crate::common::check;
use riesz_core::check::direction;
use riesz_core::control::{Steps, cond, fori, scan, while_loop};
use riesz_core::{DType, Tensor, Type, Var, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::Plan;

const N: usize = 6;

/// How many scatters write where their argument lies, and how many copy it.
fn scatters(steps: &[Step]) -> (usize, usize) {
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    steps.iter().fold((0, 0), |sum, step| {
        let found = match step {
            Step::Call(call) if call.function.name().starts_with("scatter") => {
                if call.operands[0] == call.operands[3] { (1, 0) } else { (0, 1) }
            }
            _ => step.bodies().into_iter().map(scatters).fold((0, 0), add),
        };
        add(sum, found)
    })
}

/// Plans a function of a vector, N numbers and N indices, checks what it gives, and counts its scatters.
fn plan(f: impl Fn(Var, Var, Var) -> Vec<Var>) -> (Plan, (usize, usize)) {
    let (floats, whole) = (Type::new(DType::F64, [N]), Type::new(DType::I64, [N]));
    let program = trace(&[floats.clone(), floats.clone(), whole], |x| f(x[0], x[1], x[2]));
    let program = riesz_core::simplify(&program.unwrap(), &Default::default());
    let args = [
        direction(&floats, 1).unwrap(),
        direction(&floats, 2).unwrap(),
        Tensor::from([3i64, 0, 5, 3, 1, 4]),
    ];
    let plan = check(&program, &args);
    let found = scatters(&plan.region.steps);
    (plan, found)
}

fn over(
    xs: &[Var],
    init: &[Var],
    step: impl Fn(&[Var], &[Var]) -> (Vec<Var>, Vec<Var>),
) -> Vec<Var> {
    let (last, ys) = scan(Steps::new(N), init, xs, |c, x| step(c, x));
    [last, ys].concat()
}

#[test]
fn a_carry_that_is_only_updated_has_one_buffer() {
    let (one, found) =
        plan(|a, x, i| over(&[x, i], &[a], |c, p| (vec![c[0].scatter_set(p[1], p[0], 0)], vec![])));
    assert_eq!(found, (1, 0));
    let Some(Step::Loop { exchange, .. }) =
        one.region.steps.iter().find(|s| matches!(s, Step::Loop { .. }))
    else {
        panic!("no loop")
    };
    assert!(exchange.is_empty());
    // What is written may depend on what is there: a step of dynamic programming.
    let (_, found) = plan(|a, x, i| {
        over(&[x, i], &[a], |c, p| {
            let old = c[0].take(p[1], 0);
            (vec![c[0].scatter_add(p[1], old.sin() * p[0], 0)], vec![old])
        })
    });
    assert_eq!(found, (1, 0));
    // Twice in one step, and in a loop that ends by itself.
    let (_, found) = plan(|a, x, i| {
        let state = [a, Var::constant(0i64)];
        while_loop(
            &state,
            |s| s[1].lt(N as i32),
            |s| {
                let at = i.take(s[1], 0);
                let once = s[0].scatter_set(at, x.take(at, 0), 0);
                vec![once.scatter_add(s[1], once.take(at, 0) * 0.5, 0), s[1] + 1]
            },
        )
    });
    assert_eq!(found, (2, 0));
}

#[test]
fn through_branches_and_loops_inside() {
    let (_, found) = plan(|a, x, i| {
        over(&[x, i], &[a], |c, p| {
            let set = || vec![c[0].scatter_set(p[1], p[0], 0)];
            (cond(p[0].gt(0.0), set, || vec![c[0]]), vec![])
        })
    });
    assert_eq!(found, (1, 0));
    let (_, found) = plan(|a, x, i| {
        over(&[x], &[a], |c, p| {
            let zero = Var::constant(0i64);
            let next = |k: Var, c: &[Var]| vec![c[0].scatter_add(i.take(k, 0), p[0] * 0.1, 0)];
            (fori(zero, Var::constant(4i64), &[c[0]], next), vec![])
        })
    });
    assert_eq!(found, (1, 0));
}

#[test]
fn outside_of_loops_too() {
    let (_, found) = plan(|a, x, i| vec![(a * 2.0).scatter_add(i, x, 0)]);
    assert_eq!(found, (1, 0));
    // An argument belongs to the caller.
    let (_, found) = plan(|a, x, i| vec![a.scatter_add(i, x, 0)]);
    assert_eq!(found, (0, 1));
}

#[test]
fn what_is_read_afterwards_stays() {
    // As a result, and under another shape.
    let (_, found) = plan(|a, x, i| {
        let b = a * 2.0;
        vec![b.scatter_add(i, x, 0), b]
    });
    assert_eq!(found, (0, 1));
    let (_, found) = plan(|a, x, i| {
        let b = a * 2.0;
        vec![b.scatter_add(i, x, 0), b.reshape([2, 3])]
    });
    assert_eq!(found, (0, 1));
    // By what comes later, directly or through what is computed where it is needed.
    plan(|a, x, i| {
        let b = a * 2.0;
        let c = b.scatter_add(i, x, 0);
        vec![c * b, (c.sum() * b.flip(&[0])).sin(), c]
    });
    // As the update of itself, or in its indices.
    plan(|a, _, i| {
        let b = a * 2.0;
        vec![b.scatter_set(i, b, 0), b.scatter_add(i, b.flip(&[0]), 0)]
    });
    // A shift register: the old carry becomes another.
    for swapped in [false, true] {
        plan(|a, x, i| {
            over(&[x, i], &[a, x], |c, p| {
                let new = c[0].scatter_set(p[1], p[0], 0);
                (if swapped { vec![c[1], new] } else { vec![new, c[0]] }, vec![])
            })
        });
        plan(|a, x, i| {
            while_loop(
                &[a, x, Var::constant(0i64)],
                |s| s[2].lt(N as i32),
                |s| {
                    let new = s[0].scatter_set(i.take(s[2], 0), x.take(s[2], 0), 0);
                    let [a, b] = if swapped { [s[1], new] } else { [new, s[0]] };
                    vec![a, b, s[2] + 1]
                },
            )
        });
    }
    // A result of the step that is the carry before, or looks at it.
    plan(|a, x, i| {
        over(&[x, i], &[a], |c, p| {
            let new = c[0].scatter_set(p[1], p[0], 0);
            (vec![new], vec![c[0], c[0].reshape([3, 2]), c[0] * new.sum()])
        })
    });
    // A start that something else reads, and two carries from one start.
    plan(|a, x, i| {
        let b = a * 2.0;
        let set = |c: &[Var], p: &[Var]| {
            let set = |c: Var| c.scatter_set(p[1], p[0], 0);
            (vec![set(c[0]), set(c[1] * 0.5)], vec![])
        };
        let mut y = over(&[x, i], &[b, b], set);
        y.push(b * y[0]);
        y
    });
    // Two updates of one value.
    plan(|a, x, i| {
        let two =
            |c: Var, p: &[Var]| [p[0], p[0] * 3.0].map(|y| c.scatter_set(p[1], y, 0)).to_vec();
        let mut y = over(&[x, i], &[a, x], |c, p| (two(c[0], p), vec![]));
        y.extend(over(&[x, i], &[a, x], |c, p| {
            let both = cond(p[0].gt(0.0), || two(c[0], p), || two(c[0], &[p[0] * 2.0, p[1]]));
            (vec![both[1], both[0] + c[1]], vec![])
        }));
        y
    });
    // One branch updates, the other makes something else of it.
    plan(|a, x, i| {
        over(&[x, i], &[a], |c, p| {
            let set = || vec![c[0].scatter_set(p[1], p[0], 0)];
            (cond(p[0].gt(0.0), set, || vec![c[0].flip(&[0]) * 2.0]), vec![])
        })
    });
}
