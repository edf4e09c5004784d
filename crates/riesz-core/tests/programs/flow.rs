//! Simplification across the borders of loops, branches and calls: what is left, and that it means the same.

use crate::differentiate::{close, gradient_program, numbers, types};
use riesz_core::control::{self, Steps};
use riesz_core::primitive::{Attribute, Sample, Scan, While};
use riesz_core::{
    DType, Prim, Primitive, Program, Result, SimplifyOptions, Tensor, Var, eval, simplify, trace,
};

/// The program of `f`, and the same simplified: both give the same, and simplifying again changes nothing.
fn both(args: &[Tensor], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<(Program, Program)> {
    let program = trace(&types(args), f)?;
    let simple = simplified(&program, args)?;
    Ok((program, simple))
}

fn simplified(program: &Program, args: &[Tensor]) -> Result<Program> {
    let options = SimplifyOptions::default();
    let simple = simplify(program, &options);
    assert_eq!(simplify(&simple, &options).to_string(), simple.to_string());
    for (a, b) in eval(program, args)?.iter().zip(eval(&simple, args)?) {
        assert_eq!(a.shape(), b.shape());
        close(&b.to_f64(), &a.to_f64(), 1e-14);
    }
    Ok(simple)
}

fn names(program: &Program) -> Vec<&'static str> {
    program.equations().iter().map(|eq| eq.prim.name()).collect()
}

fn scans(program: &Program) -> Vec<Scan> {
    let of = |eq: &riesz_core::Equation| match &eq.prim {
        Prim::Scan(scan) => Some(scan.clone()),
        _ => None,
    };
    program.equations().iter().filter_map(of).collect()
}

fn the_while(program: &Program) -> While {
    program
        .equations()
        .iter()
        .find_map(|eq| if let Prim::While(w) = &eq.prim { Some(w.clone()) } else { None })
        .unwrap_or_else(|| panic!("no while in {program}"))
}

#[test]
fn what_is_the_same_in_every_step_is_computed_before() -> Result<()> {
    let args = [numbers(&[3], 1), numbers(&[5, 3], 2)];
    let (_, simple) = both(&args, |x| {
        let a = x[0];
        let (last, _) = control::scan(Steps::new(5), &[a], &x[1..], |h, x| {
            (vec![h[0] * a.exp().sin() + x[0]], vec![])
        });
        last
    })?;
    assert_eq!(names(&simple), ["exp", "sin", "scan"]);
    assert_eq!(names(&scans(&simple)[0].body), ["mul", "add"]);
    Ok(())
}

#[test]
fn constants_are_written_inside_and_doubles_come_once() -> Result<()> {
    let args = [numbers(&[3], 1), numbers(&[4, 3], 2)];
    let (_, simple) = both(&args, |x| {
        let (one, two) = (Var::constant(1.0), x[0].full_like(2.0));
        let (last, _) = control::scan(Steps::new(4), &[x[0]], &[x[1], x[1]], |h, p| {
            (vec![(h[0] * one + p[0] * two - p[1]) * one], vec![])
        });
        last
    })?;
    assert_eq!(names(&simple), ["scan"]);
    let scan = &scans(&simple)[0];
    assert_eq!((scan.consts, scan.carry, scan.body.inputs().count()), (0, 1, 2));
    Ok(())
}

#[test]
fn parts_that_are_all_equal_are_one_constant() -> Result<()> {
    let args = [numbers(&[3], 1)];
    let (_, simple) = both(&args, |x| {
        let same = x[0].broadcast_leading(6);
        let (last, _) = control::scan(Steps::new(6), &[x[0]], &[same], |h, p| {
            (vec![(h[0] * p[0]).sin()], vec![])
        });
        last
    })?;
    assert_eq!(names(&simple), ["scan"]);
    assert_eq!(scans(&simple)[0].consts, 1);
    Ok(())
}

#[test]
fn what_does_not_change_is_not_carried() -> Result<()> {
    let args = [numbers(&[2], 1), numbers(&[3, 2], 2)];
    let (_, simple) = both(&args, |x| {
        let zero = x[0].zeros_like();
        let (last, ys) = control::scan(Steps::new(3), &[x[0], x[0], zero], &x[1..], |h, p| {
            // The first stays, the third is zero and becomes zero.
            (vec![h[0], h[1] * h[0] + p[0] + h[2], h[2].zeros_like()], vec![h[0], h[2], p[0]])
        });
        [last, ys].concat()
    })?;
    let scan = &scans(&simple)[0];
    assert_eq!((scan.carry, scan.ys()), (1, 0));
    Ok(())
}

#[test]
fn what_stays_equal_is_carried_once() -> Result<()> {
    let args = [numbers(&[2], 1), numbers(&[3, 2], 2)];
    let (_, simple) = both(&args, |x| {
        let init = [x[0], x[0], x[0]];
        let (last, _) = control::scan(Steps::new(3), &init, &x[1..], |h, p| {
            let next = |a: Var, b: Var| (a * b).sin() + p[0];
            // The first two feed each other and stay equal; the third goes its own way.
            (vec![next(h[0], h[1]), next(h[1], h[0]), h[2].cos()], vec![])
        });
        last
    })?;
    assert_eq!(scans(&simple)[0].carry, 2);
    let (_, simple) = both(&args, |x| {
        control::while_loop(
            &[x[0], x[0], Var::constant(0i64)],
            |s| s[2].lt(3),
            |s| vec![s[0] * s[1], s[1] * s[0], s[2] + 1],
        )
    })?;
    assert_eq!(the_while(&simple).body.outputs().len(), 2);
    Ok(())
}

#[test]
fn what_nobody_uses_goes() -> Result<()> {
    let args = [numbers(&[2], 1), numbers(&[3, 2], 2), numbers(&[3, 2], 3)];
    let (_, simple) = both(&args, |x| {
        let (last, ys) = control::scan(Steps::new(3), &[x[0], x[0]], &x[1..], |h, p| {
            (vec![h[0] + p[0], h[1] * p[1]], vec![h[0].exp(), h[1].sin()])
        });
        vec![last[0], ys[0]]
    })?;
    let scan = &scans(&simple)[0];
    assert_eq!((scan.carry, scan.ys(), scan.body.inputs().count()), (1, 1, 2));
    let (_, simple) = both(&args, |x| {
        let y = control::while_loop(
            &[x[0], x[0], Var::constant(0i64)],
            |s| s[2].lt(3),
            |s| vec![s[0].sin(), s[1].cos(), s[2] + 1],
        );
        vec![y[1]]
    })?;
    assert_eq!(names(&the_while(&simple).body), ["cos", "constant", "add"]);
    let (_, simple) = both(&args, |x| {
        let yes = x[0].sum().gt(0.0);
        let y = control::cond(
            yes,
            || vec![x[0].sin(), x[1].exp(), x[2]],
            || vec![x[0].cos(), x[1].log(), x[2]],
        );
        vec![y[0], y[2]]
    })?;
    assert!(simple.equations().iter().all(|eq| eq.prim.name() != "cond" || eq.inputs.len() == 2));
    Ok(())
}

#[test]
fn loops_of_one_step_and_of_none_are_none() -> Result<()> {
    for length in [0usize, 1] {
        let args = [numbers(&[2], 1), numbers(&[length, 2], 2)];
        let (_, simple) = both(&args, |x| {
            let (last, ys) = control::scan(Steps::new(length), &x[..1], &x[1..], |h, p| {
                (vec![h[0].sin() * p[0]], vec![h[0] + p[0]])
            });
            [last, ys].concat()
        })?;
        assert!(scans(&simple).is_empty());
    }
    Ok(())
}

#[test]
fn a_known_choice_is_no_choice() -> Result<()> {
    let args = [numbers(&[2], 1)];
    let (_, simple) = both(&args, |x| {
        let yes = Var::constant(2.0).gt(1.0);
        control::cond(yes, || vec![x[0].sin()], || vec![x[0].cos()])
    })?;
    assert_eq!(names(&simple), ["sin"]);
    let (_, simple) = both(&args, |x| {
        let either = x[0].sum().gt(0.0);
        control::cond(either, || vec![x[0].sin() * 1.0], || vec![x[0].sin()])
    })?;
    assert_eq!(names(&simple), ["sin"]);
    Ok(())
}

#[test]
fn a_loop_that_may_not_run_computes_nothing_that_can_fail_before_it() -> Result<()> {
    let singular = Tensor::from([[1.0, 2.0], [2.0, 4.0]]);
    let args = [singular, numbers(&[2], 1), Tensor::from(0i64)];
    let (_, simple) = both(&args, |x| {
        let (a, n) = (x[0], x[2]);
        let next = |_: Var, h: &[Var]| vec![(a * a).inverse().dot(h[0]) * a.exp().sum()];
        control::fori(Var::constant(0i64), n, &x[1..2], next)
    })?;
    let outside = names(&simple);
    assert!(outside.contains(&"exp") && outside.contains(&"square"), "{outside:?}");
    assert!(!outside.contains(&"inverse"), "{outside:?}");
    Ok(())
}

#[test]
fn products_accumulated_by_a_scan_are_one_product_after_it() -> Result<()> {
    // The gradient by the weights of hₜ = tanh(W·hₜ₋₁ + xₜ): Σ ct·hᵀ.
    let args = [numbers(&[4, 4], 1), numbers(&[4], 2), numbers(&[6, 4], 3)];
    let program = trace(&types(&args), |x| {
        let w = x[0];
        let (last, ys) = control::scan(Steps::new(6), &x[1..2], &x[2..], |h, p| {
            let h = (w.dot(h[0]) + p[0]).tanh();
            (vec![h], vec![h.square().sum()])
        });
        vec![last[0].sum() + ys[0].sum()]
    })?;
    let gradient = gradient_program(&program, &[true, true, true])?;
    let simple = simplified(&gradient, &args)?;
    let back = scans(&simple).into_iter().find(|s| s.reverse);
    let Some(back) = back else { panic!("no reverse scan in {simple}") };
    // No matrix is carried backwards: its cotangent is made afterwards.
    let carried = &back.body.output_types()[..back.carry];
    assert!(carried.iter().all(|ty| ty.shape.rank() < 2), "{carried:?}");
    assert!(names(&simple).iter().rev().take(4).any(|n| *n == "dot"));
    // An inner product stays where it is.
    let args = [numbers(&[4], 1), numbers(&[6, 4], 2)];
    let (_, simple) = both(&args, |x| {
        let zero = Var::constant(0.0);
        control::scan(Steps::new(6), &[zero], &x[1..], |s, p| {
            (vec![s[0] + (p[0] * x[0]).sin().dot(p[0])], vec![])
        })
        .0
    })?;
    assert_eq!(scans(&simple)[0].carry, 1);
    Ok(())
}

/// A sum that each step reads has to be there in each step: linear attention, prefix sums.
#[test]
fn a_sum_that_is_read_on_the_way_is_not_taken_out() -> Result<()> {
    let args = [numbers(&[4, 4], 1), numbers(&[6, 4], 2), numbers(&[6, 4], 3), numbers(&[6, 4], 4)];
    let run = |x: &[Var], use_sum: fn(Var, Var) -> Var| {
        let (last, y) = control::scan(Steps::new(6), &x[..1], &x[1..], |s, p| {
            let sum = s[0] + p[0].outer(p[1]);
            (vec![sum], vec![use_sum(sum, p[2])])
        });
        [last, y].concat()
    };
    both(&args, |x| run(x, |sum, q| sum.dot(q)))?;
    both(&args, |x| run(x, |sum, _| sum))?;
    Ok(())
}

#[test]
fn a_product_that_is_added_twice_is_taken_out_twice() -> Result<()> {
    let args = [numbers(&[4, 4], 1), numbers(&[6, 4], 2), numbers(&[6, 4], 3)];
    let (_, simple) = both(&args, |x| {
        let (last, _) = control::scan(Steps::new(6), &x[..1], &x[1..], |s, p| {
            let product = p[0].outer(p[1]);
            (vec![(s[0] + product) + product], vec![])
        });
        last
    })?;
    assert!(scans(&simple).is_empty(), "{simple}");
    Ok(())
}

/// The samples of the primitives that have bodies.
fn with_programs_inside() -> impl Iterator<Item = Sample> {
    let has_body =
        |s: &Sample| s.prim.attributes().iter().any(|(_, a)| matches!(a, Attribute::Program(_)));
    Prim::samples().into_iter().filter(has_body)
}

/// A number from all float results of a sample, and which of its arguments it is differentiated by.
fn sum_of(sample: &Sample) -> Result<(Program, Vec<bool>)> {
    let wrt = sample.args.iter().map(|a| a.dtype().is_float()).collect();
    let sum = trace(&types(&sample.args), |x| {
        let y = riesz_core::apply(sample.prim.clone(), x);
        let floats = y.iter().filter(|y| y.dtype() == DType::F64);
        vec![floats.map(|y| y.sin().sum()).reduce(|a, b| a + b).unwrap_or(x[0])]
    })?;
    Ok((sum, wrt))
}

#[test]
fn every_primitive_with_programs_inside_and_its_gradient_keep_their_values() -> Result<()> {
    for sample in with_programs_inside() {
        let program =
            trace(&types(&sample.args), |x| riesz_core::apply(sample.prim.clone(), x).to_vec())?;
        simplified(&program, &sample.args)?;
        let (sum, wrt) = sum_of(&sample)?;
        let gradient = gradient_program(&sum, &wrt)?;
        simplified(&gradient, &sample.args)?;
        // Simplified before it is differentiated.
        let simple = simplify(&sum, &SimplifyOptions::default());
        let again = eval(&gradient_program(&simple, &wrt)?, &sample.args)?;
        for (a, b) in again.iter().zip(eval(&gradient, &sample.args)?) {
            close(&a.to_f64(), &b.to_f64(), 1e-13);
        }
    }
    Ok(())
}

/// A differential is linear in the direction, so its derivative by the direction is itself.
#[test]
fn the_differential_of_a_differential_by_its_direction_is_itself() -> Result<()> {
    for sample in with_programs_inside() {
        let (sum, wrt) = sum_of(&sample)?;
        let forward = riesz_core::jvp(&sum, &wrt)?;
        let directions = |seed: u64| -> Vec<Tensor> {
            let moving = sample.args.iter().zip(&wrt).filter(|(_, w)| **w);
            moving.zip(seed..).map(|((a, _), k)| numbers(a.shape(), k)).collect()
        };
        let by_direction: Vec<bool> =
            (0..forward.input_types().len()).map(|i| i >= sample.args.len()).collect();
        let again = riesz_core::jvp(&forward, &by_direction)?;
        let at = [sample.args.clone(), directions(1), directions(20)].concat();
        let expected = eval(&forward, &[sample.args.clone(), directions(20)].concat())?;
        // The value and its differential, then those of both by the direction: 0, and the differential.
        let found = eval(&again, &at)?;
        close(&found[3].to_f64(), &expected[1].to_f64(), 1e-12);
    }
    Ok(())
}

/// Both results of forward mode from one loop, which keeps nothing for all steps.
#[test]
fn forward_mode_is_one_loop() -> Result<()> {
    let args = [numbers(&[2], 1), numbers(&[2], 2), numbers(&[7, 2], 3)];
    let program = trace(&types(&args), |x| {
        control::scan(Steps::new(7), &[x[0]], &x[2..], |h, p| {
            (vec![(h[0] * x[1]).sin() + p[0]], vec![h[0].exp()])
        })
        .0
    })?;
    let forward = riesz_core::jvp(&program, &[true, true, false])?;
    let mut at = args.to_vec();
    at.extend([numbers(&[2], 4), numbers(&[2], 5)]);
    let lowered = riesz_core::lower(&forward, &SimplifyOptions::default())?;
    assert_eq!(names(&lowered), ["scan"]);
    assert_eq!((scans(&lowered)[0].carry, scans(&lowered)[0].ys()), (2, 0));
    for (a, b) in eval(&forward, &at)?.iter().zip(eval(&lowered, &at)?) {
        close(&b.to_f64(), &a.to_f64(), 1e-14);
    }
    // Of a loop with an unknown number of rounds too, to second order.
    let program = trace(&types(&args[..2]), |x| {
        let next = |s: &[Var]| vec![(s[0] * x[1]).sin() * 0.9, s[1] + 1];
        let zero = Var::constant(0i64);
        control::while_loop(&[x[0], zero], |s| s[1].lt(5), next)[..1].to_vec()
    })?;
    let first = riesz_core::jvp(&program, &[true, true])?;
    let second = riesz_core::jvp(&first, &[true, true, false, false])?;
    let at: Vec<Tensor> = (1..7).map(|k| numbers(&[2], k)).collect();
    for (program, at) in [(first, &at[..4]), (second, &at[..])] {
        let lowered = riesz_core::lower(&program, &SimplifyOptions::default())?;
        assert_eq!(names(&lowered).iter().filter(|n| **n == "while").count(), 1, "{lowered}");
        for (a, b) in eval(&program, at)?.iter().zip(eval(&lowered, at)?) {
            close(&b.to_f64(), &a.to_f64(), 1e-14);
        }
    }
    Ok(())
}

/// The same gradients whether loops are merged and calls opened or not.
#[test]
fn lowering_keeps_the_values_of_gradients_and_hessians() -> Result<()> {
    for sample in with_programs_inside() {
        let (sum, wrt) = sum_of(&sample)?;
        let gradient = gradient_program(&sum, &wrt)?;
        let forward = riesz_core::jvp(&gradient, &wrt)?;
        let moving = sample.args.iter().zip(&wrt).filter(|(_, w)| **w);
        let directions = moving.zip(1..).map(|((a, _), k)| numbers(a.shape(), k));
        let at: Vec<Tensor> = sample.args.iter().cloned().chain(directions).collect();
        for (program, args) in [(gradient, &sample.args), (forward, &at)] {
            let lowered = riesz_core::lower(&program, &SimplifyOptions::default())?;
            let left = names(&lowered);
            assert!(!left.iter().any(|n| n.starts_with("custom") || *n == "linear_while"));
            for (a, b) in eval(&program, args)?.iter().zip(eval(&lowered, args)?) {
                close(&b.to_f64(), &a.to_f64(), 1e-12);
            }
        }
    }
    Ok(())
}
