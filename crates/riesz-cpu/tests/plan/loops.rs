//! Loops and branches, in each other, and differentiated.

use crate::common::check;
use riesz_core::check::direction;
use riesz_core::control::{Steps, cond, scan, while_loop};
use riesz_core::{DType, SimplifyOptions, Tensor, Type, Var, simplify, trace};
use riesz_cpu::nest::Step;
use riesz_cpu::plan::Plan;

fn run(shapes: &[&[usize]], f: impl Fn(&[Var]) -> Vec<Var>) {
    let types: Vec<Type> = shapes.iter().map(|s| Type::new(DType::F64, *s)).collect();
    let program = trace(&types, |x| f(x)).unwrap_or_else(|e| panic!("{e}"));
    let program = simplify(&program, &Default::default());
    let mut args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed).unwrap()).collect();
    check(&program, &args);
    let forward = riesz_core::jvp(&program, &vec![true; types.len()]).unwrap();
    args.extend(types.iter().zip(50..).map(|(ty, seed)| direction(ty, seed).unwrap()));
    check(&simplify(&forward, &Default::default()), &args);
    let halves = riesz_core::unzip(&forward, types.len(), program.outputs().len()).unwrap();
    let back = riesz_core::transpose(&halves.linear, halves.residuals).unwrap();
    check(&halves.primal, &args[..types.len()]);
    let residuals = riesz_core::eval(&halves.primal, &args[..types.len()]).unwrap();
    let mut args = residuals[program.outputs().len()..].to_vec();
    let cts = program.output_types();
    args.extend(cts.iter().zip(80..).map(|(ty, seed)| direction(ty, seed).unwrap()));
    check(&simplify(&back, &Default::default()), &args);
}

const FORTH: fn(usize) -> Steps = Steps::new;

#[test]
fn a_recurrence() {
    for (length, reverse) in [(0, false), (0, true), (1, true), (1, false), (4, false), (5, false)]
    {
        run(&[&[3, 3], &[3], &[length, 3]], |x| {
            let w = x[0];
            let steps = Steps { reverse, ..Steps::new(length) };
            let (h, ys) = scan(steps, &[x[1]], &[x[2]], |h, x| {
                let next = (w.dot(h[0]) + x[0]).tanh();
                (vec![next], vec![next.square(), h[0]])
            });
            [h, ys].concat()
        });
    }
}

#[test]
fn loops_inside_loops() {
    run(&[&[2], &[3, 4, 2]], |x| {
        let (carry, ys) = scan(FORTH(3), &[x[0]], &[x[1]], |outer, rows| {
            let steps = Steps { reverse: true, ..Steps::new(4) };
            let (inner, sums) = scan(steps, &[outer[0] * 0.5], &[rows[0]], |h, row| {
                let next = h[0] * row[0] + outer[0];
                (vec![next], vec![next.sum()])
            });
            (inner, vec![sums[0]])
        });
        [carry, ys].concat()
    });
}

#[test]
fn a_loop_that_ends_by_itself() {
    run(&[&[2], &[]], |x| {
        let scale = x[1].square() + 1.5;
        while_loop(
            &[x[0], x[0].sum()],
            |s| s[0].square().sum().lt(100.0),
            |s| vec![s[0] * scale + 0.1, s[1] + s[0].sin().sum()],
        )
    });
}

#[test]
fn state_that_is_exchanged() {
    // (a, b) ← (b, a + b): every next value reads another that is overwritten.
    run(&[&[], &[]], |x| {
        while_loop(
            &[x[0] * x[0], x[1] * x[1] + 0.1],
            |s| (s[0] + s[1]).lt(30.0),
            |s| vec![s[1], s[0] + s[1]],
        )
    });
    run(&[&[2], &[2]], |x| {
        let (carry, _) =
            scan(FORTH(5), &[x[0], x[1]], &[], |c, _| (vec![c[1], c[0] * c[1]], vec![]));
        carry
    });
}

#[test]
fn branches() {
    run(&[&[3], &[]], |x| {
        let each = |sign: f64| {
            cond((x[1] * sign).gt(0.0), || vec![x[0].exp(), x[0]], || vec![x[0] * x[1], x[0] + 1.0])
        };
        [each(1.0), each(-1.0)].concat()
    });
    run(&[&[6], &[2]], |x| {
        let (carry, _) = scan(FORTH(6), &[x[1]], &[x[0]], |c, part| {
            let next = cond(part[0].gt(0.0), || vec![c[0] * part[0]], || vec![c[0].sin()]);
            (next, vec![])
        });
        carry
    });
}

#[test]
fn what_is_carried_and_read_in_another_order() {
    for length in [1, 4, 5] {
        // The first is read after it is written, the second is read elsewhere than it is written, the
        // third is a copy of the first.
        run(&[&[3], &[3], &[3]], |x| {
            let (carry, _) = scan(FORTH(length), x, &[], |s, _| {
                let turned = Var::concat(&[s[1].slice_axis(0, 1, 3), s[1].slice_axis(0, 0, 1)], 0);
                (vec![(s[0] + s[1]).sin(), turned * s[0], s[0]], vec![])
            });
            carry
        });
        // A product reads all of a vector for each element; a sum is carried beside it.
        run(&[&[3, 3], &[3], &[]], |x| {
            let w = x[0];
            let (carry, ys) = scan(FORTH(length), &x[1..], &[], |s, _| {
                let next = w.dot(s[0]);
                (vec![next, s[1] + next.square().sum()], vec![s[0] * 2.0])
            });
            [carry, ys].concat()
        });
    }
}

#[test]
fn truth_values_that_are_carried() {
    run(&[&[41], &[41]], |x| {
        let start = [x[0], x[1].gt(0.0)];
        let (carry, _) = scan(FORTH(2), &start, &[], |s, _| {
            let y = (1..9).fold(s[0], |y, k| y + (s[0] * (f64::from(k) * 0.01)).sin());
            (vec![y * 0.5, y.gt(0.0).and(s[1])], vec![])
        });
        vec![carry[0], Var::select(carry[1], carry[0], x[1])]
    });
}

/// The loops of a plan, from the outside in.
fn loops(steps: &[Step]) -> Vec<&Step> {
    let mut found = Vec::new();
    for step in steps {
        if let Step::Loop { body, .. } | Step::While { body, .. } = step {
            found.push(step);
            found.extend(loops(body));
        }
    }
    found
}

#[test]
fn what_is_updated_element_by_element_lies_in_one_buffer() {
    let vector = Type::new(DType::F64, [100]);
    let number = Type::scalar(DType::F64);
    let plan_of = |f: fn(&[Var]) -> Vec<Var>| {
        let types = [vector.clone(), number.clone()];
        let program = trace(&types, f).unwrap();
        Plan::new(&simplify(&program, &SimplifyOptions::whole_program())).unwrap()
    };
    let exchanged = |plan: &Plan| match loops(&plan.region.steps)[..] {
        [Step::Loop { exchange, .. }] => exchange.len(),
        ref other => panic!("{other:?}"),
    };
    let in_place = plan_of(|x| {
        scan(FORTH(7), x, &[], |s, _| {
            let next = s[0] * s[1] + s[0].sin();
            (vec![next, s[1] + next.sum()], vec![])
        })
        .0
    });
    assert_eq!(exchanged(&in_place), 0, "{in_place}");
    let backwards =
        plan_of(|x| scan(FORTH(7), x, &[], |s, _| (vec![s[0].flip(&[0]), s[1]], vec![])).0);
    assert_eq!(exchanged(&backwards), 1, "{backwards}");
    let plan = plan_of(|x| {
        while_loop(x, |s| s[1].lt(9.0), |s| vec![s[0] * s[1] + s[0].sin(), s[1] + 1.0])
    });
    let [Step::While { body, .. }] = loops(&plan.region.steps)[..] else { panic!("{plan}") };
    let operations = |step: &Step| match step {
        Step::Nest(nest) => nest.body.len() - nest.accesses().count() + nest.stores.len(),
        _ => panic!("{plan}"),
    };
    // No step only copies.
    assert!(body.iter().all(|step| operations(step) > 0), "{plan}");
}

#[test]
fn what_is_carried_lies_in_the_parts_that_are_handed_out() {
    let types =
        [Type::new(DType::F64, [200]), Type::new(DType::F64, [200]), Type::scalar(DType::F64)];
    let args: Vec<Tensor> =
        types.iter().zip(1..).map(|(ty, i)| direction(ty, i).unwrap()).collect();
    for (length, reverse) in [(2, false), (5, false), (6, false), (2, true), (5, true)] {
        let plan_of = |results: fn(Vec<Var>, Vec<Var>) -> Vec<Var>| {
            let program = trace(&types, |x| {
                let steps = Steps { reverse, ..Steps::new(length) };
                let (last, parts) = scan(steps, x, &[], |s, _| {
                    let next = s[0].flip(&[0]) * 0.5 + s[1] * s[2];
                    (vec![next, s[1] * 0.4 + s[0], s[1].mean()], vec![s[1], s[0]])
                });
                results(last, parts)
            });
            check(&simplify(&program.unwrap(), &Default::default()), &args)
        };
        let count = |plan: &Plan| match loops(&plan.region.steps)[..] {
            [Step::Loop { count, .. }] => *count,
            ref other => panic!("{other:?}"),
        };
        // The last step makes what nobody wants.
        let as_results = plan_of(|_, parts| parts);
        assert_eq!(count(&as_results), length - 1, "{as_results}");
        let read = plan_of(|_, parts| vec![parts[1].sum_axes(&[0]) * parts[0], parts[1].sin()]);
        assert_eq!(count(&read), length - 1, "{read}");
        for plan in [&as_results, &read] {
            let [Step::Loop { body, .. }] = loops(&plan.region.steps)[..] else { panic!("{plan}") };
            let copies = |step: &Step| matches!(step, Step::Nest(nest) if nest.body.len() < 2);
            assert!(!body.iter().any(copies), "{plan}");
        }
        let all = plan_of(|last, parts| [last, parts].concat());
        assert_eq!(count(&all), length, "{all}");
    }
}
