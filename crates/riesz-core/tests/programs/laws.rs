//! The laws of every primitive, by iterating the one list.

use riesz_core::check::{check_program, check_transpose, check_vmap, direction, stack};
use riesz_core::control::{self, Steps};
use riesz_core::primitive::{Args, Attribute, Linearity, Sample};
use riesz_core::{
    DType, Prim, Primitive, Program, Result, Tensor, Type, Var, apply, eval, trace, vmap,
};

fn program_of(sample: &Sample) -> Result<Program> {
    let types: Vec<Type> = sample.args.iter().map(Tensor::ty).collect();
    trace(&types, |args| apply(sample.prim.clone(), args).to_vec())
}

fn floats(sample: &Sample) -> Vec<bool> {
    sample.args.iter().map(|a| a.dtype().is_float()).collect()
}

/// Every subset of one float argument, and all of them together.
fn choices(sample: &Sample) -> Vec<Vec<bool>> {
    let all = floats(sample);
    let mut choices: Vec<Vec<bool>> = (0..all.len())
        .filter(|&i| all[i])
        .map(|i| (0..all.len()).map(|k| k == i).collect())
        .collect();
    choices.push(all);
    choices
}

fn is_continuous(sample: &Sample) -> bool {
    !matches!(sample.prim, Prim::Cast(_) if !sample.args[0].dtype().is_float())
        && sample.args.iter().all(|a| {
            a.dtype().is_float() == floats(sample).contains(&true) || !a.dtype().is_float()
        })
}

fn in_f64(sample: &Sample) -> bool {
    use riesz_core::DType::F32;
    sample.args.iter().all(|a| a.dtype() != F32)
        && program_of(sample).is_ok_and(|p| p.output_types().iter().all(|t| t.dtype != F32))
}

fn samples() -> Vec<Sample> {
    Prim::samples().into_iter().filter(in_f64).filter(is_continuous).collect()
}

#[test]
fn shape_rule_agrees_with_evaluation() -> Result<()> {
    for sample in Prim::samples() {
        let program = program_of(&sample)?;
        let results = eval(&program, &sample.args)?;
        let types: Vec<Type> = results.iter().map(Tensor::ty).collect();
        assert_eq!(types, program.output_types(), "{:?}", sample.prim);
    }
    Ok(())
}

#[test]
fn differential_agrees_with_differences_and_transpose_with_the_inner_product() -> Result<()> {
    for sample in samples() {
        let program = program_of(&sample)?;
        for wrt in choices(&sample) {
            let errors = check_program(&program, &sample.args, &wrt, 7)?;
            assert!(errors.differential < 1e-7, "{:?} {wrt:?}: {errors:?}", sample.prim);
            assert!(errors.transpose < 1e-13, "{:?} {wrt:?}: {errors:?}", sample.prim);
        }
    }
    Ok(())
}

/// The same arguments with floats of another precision.
fn in_precision(args: &[Tensor], dtype: DType) -> Result<Vec<Tensor>> {
    let convert = |a: &Tensor| match a.dtype().is_float() {
        true => Tensor::from_f64(&a.to_f64(), a.shape().clone(), dtype),
        false => Ok(a.clone()),
    };
    args.iter().map(convert).collect()
}

#[test]
fn single_precision_agrees_with_double() -> Result<()> {
    // Programs inside and casts have their types written; the others take those of arguments.
    let fixed = |p: &Prim| {
        matches!(p, Prim::Cast(_) | Prim::Constant(_) | Prim::Iota(_))
            || p.attributes().iter().any(|(_, a)| matches!(a, Attribute::Program(_)))
    };
    for sample in samples().into_iter().filter(|s| !fixed(&s.prim)) {
        let wrt = floats(&sample);
        let mut single = in_precision(&sample.args, DType::F32)?;
        for (k, (arg, _)) in (3..).zip(sample.args.iter().zip(&wrt).filter(|w| *w.1)) {
            single.push(direction(&arg.ty().with_dtype(DType::F32), k)?);
        }
        let double = in_precision(&single, DType::F64)?;
        let of = |args: &[Tensor]| -> Result<Vec<Tensor>> {
            let n = sample.args.len();
            let args_only = Sample { prim: sample.prim.clone(), args: args[..n].to_vec() };
            eval(&riesz_core::jvp(&program_of(&args_only)?, &wrt)?, args)
        };
        for (s, d) in of(&single)?.iter().zip(of(&double)?) {
            assert_eq!(s.dtype().is_float(), d.dtype().is_float());
            assert!(!s.dtype().is_float() || s.dtype() == DType::F32, "{:?}", sample.prim);
            let size = d.to_f64().iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            for (a, b) in s.to_f64().iter().zip(d.to_f64()) {
                let same = (a - b).abs() <= 2e-5 * size || (a.is_nan() && b.is_nan());
                assert!(same, "{:?}: {a} in single, {b} in double precision", sample.prim);
            }
        }
    }
    Ok(())
}

#[test]
fn second_derivatives_obey_the_same_laws() -> Result<()> {
    for sample in samples() {
        let first = riesz_core::jvp(&program_of(&sample)?, &floats(&sample))?;
        let mut at = sample.args.clone();
        for (arg, _) in sample.args.iter().zip(floats(&sample)).filter(|f| f.1) {
            at.push(direction(&arg.ty(), 3)?);
        }
        let wrt: Vec<bool> = at.iter().map(|a| a.dtype().is_float()).collect();
        let errors = check_program(&first, &at, &wrt, 11)?;
        assert!(errors.differential < 1e-6, "{:?}: {errors:?}", sample.prim);
        assert!(errors.transpose < 1e-12, "{:?}: {errors:?}", sample.prim);
    }
    Ok(())
}

#[test]
fn vmap_is_a_loop_exactly() -> Result<()> {
    for sample in Prim::samples() {
        let program = program_of(&sample)?;
        let n = sample.args.len();
        let mut choices: Vec<Vec<bool>> =
            (0..n).map(|i| (0..n).map(|k| k == i).collect()).collect();
        choices.push(vec![true; n]);
        let shifted: Vec<Tensor> = sample.args.iter().map(reversed).collect::<Result<_>>()?;
        for mapped in choices {
            if n == 0 {
                continue;
            }
            let instances = [sample.args.clone(), shifted.clone(), sample.args.clone()];
            let error = check_vmap(&program, &instances, &mapped)?;
            assert_eq!(error, 0.0, "{:?} {mapped:?}", sample.prim);
        }
    }
    Ok(())
}

#[test]
fn vmap_over_any_axis_is_a_loop_exactly() -> Result<()> {
    for sample in Prim::samples() {
        let program = program_of(&sample)?;
        for (i, arg) in sample.args.iter().enumerate() {
            let two = stack(&[arg, &reversed(arg)?])?;
            let expected = {
                let mut axes = vec![None; sample.args.len()];
                axes[i] = Some(0);
                let mut args = sample.args.clone();
                args[i] = two.clone();
                eval(&vmap(&program, &axes, 2)?, &args)?
            };
            for axis in 1..=arg.shape().rank() {
                let to_axis = trace(&[two.ty()], |x| vec![x[0].move_axis(0, axis)])?;
                let mut axes = vec![None; sample.args.len()];
                axes[i] = Some(axis);
                let mut args = sample.args.clone();
                args[i] = eval(&to_axis, std::slice::from_ref(&two))?.swap_remove(0);
                let results = eval(&vmap(&program, &axes, 2)?, &args)?;
                assert!(same_bits(&results, &expected), "{:?} axis {axis}", sample.prim);
            }
        }
    }
    Ok(())
}

#[test]
fn vmap_of_vmap_is_a_loop_of_loops_exactly() -> Result<()> {
    for sample in Prim::samples() {
        let program = program_of(&sample)?;
        let n = sample.args.len();
        let shifted: Vec<Tensor> = sample.args.iter().map(reversed).collect::<Result<_>>()?;
        // The inner map is over argument i, the outer one over all: i has both axes, the others one.
        for i in 0..n {
            let axes: Vec<Option<usize>> = (0..n).map(|k| (k == i).then_some(0)).collect();
            let inner = vmap(&program, &axes, 2)?;
            let instance = |args: &[Tensor]| -> Result<Vec<Tensor>> {
                let mut args = args.to_vec();
                args[i] = stack(&[&sample.args[i], &shifted[i]])?;
                Ok(args)
            };
            let instances = [instance(&sample.args)?, instance(&shifted)?];
            let error = check_vmap(&inner, &instances, &vec![true; n])?;
            assert_eq!(error, 0.0, "{:?} argument {i}", sample.prim);
        }
    }
    Ok(())
}

fn same_bits(a: &[Tensor], b: &[Tensor]) -> bool {
    let bits = |t: &[Tensor]| -> Vec<(Type, Vec<u64>)> {
        // All NaN are one: which of two operands' payloads survives is the processor's choice.
        let of = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        t.iter().map(|t| (t.ty(), t.to_f64().into_iter().map(of).collect())).collect()
    };
    bits(a) == bits(b)
}

/// The elements in reverse: other numbers that are as good as those of the sample. (A square matrix
/// with a dominant diagonal stays one.)
fn reversed(t: &Tensor) -> Result<Tensor> {
    let values: Vec<f64> = t.to_f64().into_iter().rev().collect();
    Tensor::from_f64(&values, t.shape().clone(), t.dtype())
}

#[test]
fn what_is_said_to_be_linear_is() -> Result<()> {
    for sample in samples() {
        let mask_of = |set: &Vec<usize>| (0..sample.args.len()).map(|i| set.contains(&i)).collect();
        let masks: Vec<Vec<bool>> = linear_sets(&sample).iter().map(mask_of).collect();
        let program = program_of(&sample)?;
        for mask in masks {
            let doubled: Vec<Tensor> = sample
                .args
                .iter()
                .zip(&mask)
                .map(|(a, &m)| {
                    let values =
                        a.to_f64().iter().map(|v| if m { 2.0 * v } else { *v }).collect::<Vec<_>>();
                    Tensor::from_f64(&values, a.shape().clone(), a.dtype())
                })
                .collect::<Result<_>>()?;
            if doubled.iter().zip(&mask).any(|(a, &m)| m && !a.dtype().is_float()) {
                continue;
            }
            let once = eval(&program, &sample.args)?;
            let twice = eval(&program, &doubled)?;
            for (once, twice) in once.iter().zip(&twice) {
                for (a, b) in once.to_f64().iter().zip(twice.to_f64()) {
                    assert!((2.0 * a - b).abs() <= 1e-13 * a.abs().max(1.0), "{:?}", sample.prim);
                }
            }
        }
    }
    Ok(())
}

/// The arguments in which a primitive is linear: together, or each for itself.
fn linear_sets(sample: &Sample) -> Vec<Vec<usize>> {
    let within = |set: &Args| (0..sample.args.len()).filter(|&i| set.contains(i)).collect();
    match sample.prim.linearity() {
        Linearity::Nonlinear => vec![],
        Linearity::Together(set) => vec![within(&set)],
        Linearity::Each(set) => {
            let all: Vec<usize> = within(&set);
            all.into_iter().map(|i| vec![i]).collect()
        }
    }
}

/// Differentials are written with other primitives, so their transposes do not show this.
#[test]
fn what_is_linear_is_transposed_as_it_stands() -> Result<()> {
    for sample in samples() {
        for set in linear_sets(&sample) {
            let order: Vec<usize> =
                (0..sample.args.len()).filter(|i| !set.contains(i)).chain(set.clone()).collect();
            let args: Vec<Tensor> = order.iter().map(|&i| sample.args[i].clone()).collect();
            let (known, moving) = args.split_at(args.len() - set.len());
            if moving.is_empty() || !moving.iter().all(|a| a.dtype().is_float()) {
                continue;
            }
            let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
            let program = trace(&types, |x| {
                let mut placed = x.to_vec();
                order.iter().zip(x).for_each(|(&i, &x)| placed[i] = x);
                apply(sample.prim.clone(), &placed).to_vec()
            })?;
            let error = check_transpose(&program, known, moving, 5)?;
            assert!(error < 1e-13, "{:?} in {set:?}: {error}", sample.prim);
        }
    }
    Ok(())
}

/// Cotangents of a part of a loop: a constant that is added in every step, and the steps without the
/// last state.
#[test]
fn loops_of_which_a_part_is_used() -> Result<()> {
    let number = Type::scalar(DType::F64);
    let types = [number.clone(), number, Type::new(DType::F64, [4])];
    let args = types.iter().zip(1..).map(|(ty, seed)| direction(ty, seed));
    let args: Vec<Tensor> = args.collect::<Result<_>>()?;
    let steps = |x: &[Var], nonlinear: bool| {
        let a = x[0];
        control::scan(Steps::new(4), &x[1..2], &x[2..], |h, part| {
            let next = h[0] * 0.5 + a + part[0];
            (vec![if nonlinear { next.sin() } else { next }], vec![h[0] * part[0]])
        })
    };
    for nonlinear in [false, true] {
        for last in [false, true] {
            let program = trace(&types, |x| {
                let (state, parts) = steps(x, nonlinear);
                if last { state } else { parts }
            })?;
            let errors = check_program(&program, &args, &[true; 3], 5)?;
            assert!(errors.differential < 1e-7 && errors.transpose < 1e-13, "{errors:?}");
        }
    }
    Ok(())
}

/// Primitives whose arguments have the shapes of the programs inside, or are keys or pairs of numbers,
/// or that have none.
const OF_THEIR_OWN_SHAPES: &[&str] = &[
    "checkpoint",
    "cond",
    "constant",
    "custom_backward",
    "custom_jvp",
    "custom_vjp",
    "fft",
    "ifft",
    "iota",
    "irfft",
    "linear_solve",
    "linear_while",
    "permutation",
    "random_bits",
    "while",
];

/// The laws above see arguments without elements, with one, and of higher rank.
#[test]
fn edge_shapes_are_among_the_samples() {
    let mut seen: std::collections::BTreeMap<&str, [bool; 3]> = Default::default();
    for sample in Prim::samples() {
        let entry = seen.entry(sample.prim.name()).or_default();
        for arg in &sample.args {
            entry[0] |= arg.is_empty();
            entry[1] |= arg.len() == 1;
            entry[2] |= arg.shape().rank() > 1;
        }
    }
    seen.retain(|name, edges| !OF_THEIR_OWN_SHAPES.contains(name) && edges.contains(&false));
    assert!(seen.is_empty(), "without [none, one, higher rank]: {seen:?}");
}
