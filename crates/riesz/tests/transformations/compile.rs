//! What `compile` does beside computing: its cache, reports, limits and watches.

use riesz::prelude::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn vector(n: usize) -> Tensor {
    Tensor::from(vec![1.0; n])
}

#[test]
fn a_function_is_traced_once_for_each_structure_shape_and_type() {
    let traced = AtomicUsize::new(0);
    let f = compile(|x: Vec<Var>| {
        traced.fetch_add(1, Ordering::Relaxed);
        x.into_iter().fold(Var::zeros(&riesz::Type::scalar(DType::F64)), |sum, x| {
            sum + x.cast(DType::F64).sum()
        })
    });
    let single = Tensor::from(vec![1f32, 2.0]);
    let calls = [
        vec![vector(3)],
        vec![vector(4)],
        vec![vector(3), vector(3)],
        vec![single],
        vec![],
        vec![Tensor::from([[1.0, 1.0, 1.0]])],
    ];
    for _ in 0..3 {
        for args in &calls {
            f.call(args).unwrap();
        }
    }
    assert_eq!(traced.load(Ordering::Relaxed), calls.len());
}

#[test]
fn the_cache_forgets_what_was_not_used_for_longest() {
    let traced = AtomicUsize::new(0);
    let f = compile(|x: Var| {
        traced.fetch_add(1, Ordering::Relaxed);
        x.sum()
    });
    // One more than is remembered, with the first used again before the last comes.
    (1..=64).for_each(|n| drop(f.call(&vector(n)).unwrap()));
    f.call(&vector(1)).unwrap();
    f.call(&vector(65)).unwrap();
    assert_eq!(traced.load(Ordering::Relaxed), 65);
    f.call(&vector(1)).unwrap();
    assert_eq!(traced.load(Ordering::Relaxed), 65);
    f.call(&vector(2)).unwrap();
    assert_eq!(traced.load(Ordering::Relaxed), 66);
}

#[test]
fn threads_that_want_the_same_wait_for_one_plan() {
    let (traced, fails) = (AtomicUsize::new(0), AtomicBool::new(true));
    let f = compile(|x: Var| {
        traced.fetch_add(1, Ordering::Relaxed);
        // Long enough that the others come meanwhile.
        let y = (0..300).fold(x, |y, _| y.sin());
        if fails.load(Ordering::Relaxed) { y.reshape([7]) } else { y }
    });
    let together = |n: usize| {
        let barrier = Barrier::new(4);
        std::thread::scope(|s| {
            let call = || {
                barrier.wait();
                f.call(&vector(n)).is_ok()
            };
            let calls: Vec<_> = (0..4).map(|_| s.spawn(call)).collect();
            calls.into_iter().map(|c| c.join().unwrap()).collect::<Vec<_>>()
        })
    };
    // What cannot be traced is not remembered: everybody gets the error.
    assert_eq!(together(3), [false; 4]);
    assert_eq!(traced.swap(0, Ordering::Relaxed), 4);
    fails.store(false, Ordering::Relaxed);
    assert_eq!(together(3), [true; 4]);
    assert_eq!(traced.swap(0, Ordering::Relaxed), 1);
}

#[derive(Clone, Tree)]
struct Scaled<T> {
    x: T,
    #[tree(static)]
    power: i32,
}

#[test]
fn static_fields_are_a_part_of_the_key() {
    let traced = AtomicUsize::new(0);
    let f = compile(|s: Scaled<Var>| {
        traced.fetch_add(1, Ordering::Relaxed);
        s.x.powi(s.power)
    });
    let at = |power| Scaled { x: Tensor::from(3.0), power };
    for _ in 0..2 {
        assert_eq!(f.call(&at(2)).unwrap(), Tensor::from(9.0));
        assert_eq!(f.call(&at(3)).unwrap(), Tensor::from(27.0));
    }
    assert_eq!(traced.load(Ordering::Relaxed), 2);
}

#[test]
fn a_report_counts_what_the_plan_does() {
    let f = compile(|(w, x): (Var, Var)| x.dot(w).tanh());
    let report = f.report(&(vector(30), Tensor::from(vec![1.0; 600]).reshape([20, 30]).unwrap()));
    let report = report.unwrap();
    assert_eq!(report.operations.get("dot"), Some(&1));
    assert_eq!(report.operations.get("tanh"), Some(&1));
    assert!(report.work.flops >= 2.0 * 600.0 + 20.0);
    // Both arguments are read and the result is written, at least once.
    assert!(report.work.bytes >= 8.0 * (600.0 + 30.0 + 20.0));
    assert_eq!(report.memory.results, 20 * 8);
    assert_eq!(report.memory.arguments, 630 * 8);
    assert!(report.stages.trace > 0.0 && report.stages.transform > 0.0 && report.stages.plan > 0.0);
    assert_eq!(report.native, report.code > 0);
    let text = report.to_string();
    assert!(text.contains("1 dot, 1 tanh"), "{text}");
    assert!(text.contains(report.instructions), "{text}");
}

#[test]
fn a_limit_on_memory_is_kept() {
    let outer = |x: Var| x.reshape([100, 1]) * x.reshape([1, 100]);
    let needed = compile(outer).report(&vector(100)).unwrap().peak_bytes();
    assert!(needed >= 80_000);
    assert!(compile(outer).memory_limit(needed).call(&vector(100)).is_ok());
    let error = compile(outer).memory_limit(needed - 1).call(&vector(100)).unwrap_err();
    let text = error.to_string();
    let expected = format!("a call needs {needed} bytes, more than the limit of {}", needed - 1);
    assert!(text.contains(&expected), "{text}");
    assert!(text.contains("help"), "{text}");
}

#[test]
fn what_could_never_be_allocated_is_refused_by_a_limit() {
    // 8·10¹⁵ bytes.
    let f = compile(|x: Var| (x.reshape([1, 1]) + Var::zeros(&huge())).sin()).memory_limit(1 << 30);
    assert!(f.call(&vector(1)).unwrap_err().message().contains("GiB"));
}

fn huge() -> riesz::Type {
    riesz::Type::new(DType::F64, [1 << 25, 1 << 25])
}

#[test]
fn measured_calls_explain_where_the_time_went() {
    let f = compile(|(a, b): (Var, Var)| (a.dot(b).exp() + 1.0).sum()).measure(true);
    let matrix = Tensor::from(vec![0.01; 2500]).reshape([50, 50]).unwrap();
    let args = (matrix.clone(), matrix);
    let before = f.explain(&args).unwrap();
    assert!(!before.contains("took"), "{before}");
    assert!(before.contains("kflop"), "{before}");
    f.call(&args).unwrap();
    let after = f.explain(&args).unwrap();
    assert!(after.contains("took") && after.contains(" the roofline"), "{after}");
}

/// The error for a non-finite result.
fn refused<A: VarTree, R: VarTree>(f: impl Fn(A) -> R, args: &A::Tensors) -> String {
    let f = compile(f).debug_non_finite(true);
    match f.call(args) {
        Ok(_) => panic!("the result should be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn numbers_that_are_not_finite_are_traced_to_their_operation() {
    let text = refused(|x: Var| (x.sqrt() * 2.0).exp().sum(), &Tensor::from([1.0, -1.0]));
    assert!(text.starts_with("sqrt") && text.contains("NaN"), "{text}");
    assert!(text.contains(file!()), "{text}");
    // The logarithm of 0 is masked, and not to blame for the overflow of the exponential.
    let masked = |x: Var| {
        let y = Var::select(x.gt(0.0), x.log(), 0.0);
        y + (x + 1000.0).exp()
    };
    let text = refused(masked, &Tensor::from([0.0, 1.0]));
    assert!(text.starts_with("exp") && text.contains("inf"), "{text}");
    let text = refused(|x: Var| x + 1.0, &Tensor::from(f64::NAN));
    assert!(text.contains("argument 1 has NaN"), "{text}");
    assert!(compile(|x: Var| x.log()).call(&Tensor::from(0.0)).is_ok());
}

#[test]
fn the_bodies_of_loops_are_searched_too() {
    let text = refused(
        |x: Var| scan(|x: Var, c: Var| ((x - c).sqrt(), c), x, Var::constant([1.0, 1.0, 1.0])).0,
        &Tensor::from(3.0),
    );
    assert!(text.starts_with("sqrt"), "{text}");
    let grown = |x: Var| fori(0..2000, |_, x: Var| x * x, x);
    let text = refused(grown, &Tensor::from(3.0));
    assert!(text.contains("inf"), "{text}");
}

#[test]
fn results_take_the_place_of_earlier_ones_that_nobody_shares() {
    // A result that is an argument, one that comes twice, a constant, and one of its own.
    let f = compile(|x: Var| {
        let y = x.exp();
        (x, vec![y, y], Var::eye(DType::F64, 2), y.sum())
    });
    let args = [1.0, 2.0, 3.0].map(|c| Tensor::from([c, -c]));
    let mut out = f.call(&args[0]).unwrap();
    let (kept, place) = (out.clone(), out.3.as_slice::<f64>().unwrap().as_ptr());
    // Shared with `kept`, which stays as it is.
    f.call_into(&args[1], &mut out).unwrap();
    assert_eq!(out, f.call(&args[1]).unwrap());
    assert_eq!(kept, f.call(&args[0]).unwrap());
    assert_ne!(out.3.as_slice::<f64>().unwrap().as_ptr(), place);
    let place = out.3.as_slice::<f64>().unwrap().as_ptr();
    f.call_into(&args[2], &mut out).unwrap();
    assert_eq!(out, f.call(&args[2]).unwrap());
    assert_eq!(out.3.as_slice::<f64>().unwrap().as_ptr(), place);
    // An earlier result may be the argument, whose memory is read and so not taken.
    let squared = compile(|x: Var| x.square().sum() * x);
    let mut x = Tensor::from([1.0, 2.0]);
    let same = x.clone();
    squared.call_into(&same, &mut x).unwrap();
    assert_eq!((x, same), (Tensor::from([5.0, 10.0]), Tensor::from([1.0, 2.0])));
}

#[test]
fn earlier_results_may_be_of_another_kind() {
    let f = compile(|x: Vec<Var>| x.into_iter().map(|x| 2.0 * x).collect::<Vec<Var>>());
    let mut out = f.call(&vec![vector(3)]).unwrap();
    for args in
        [vec![vector(4)], vec![Tensor::from(vec![1f32; 4])], vec![vector(2), vector(5)], vec![]]
    {
        f.call_into(&args, &mut out).unwrap();
        assert_eq!(out, f.call(&args).unwrap());
    }
    let divided = compile(|x: Var| x.literal(7.0) / x);
    let mut out = divided.call(&Tensor::from(2i64)).unwrap();
    assert!(divided.call_into(&Tensor::from(0i64), &mut out).is_err());
    divided.call_into(&Tensor::from(3i64), &mut out).unwrap();
    assert_eq!(out, Tensor::from(2i64));
}

#[test]
fn a_function_that_calls_itself_while_it_is_traced_is_told_so() {
    type Recursive = Compiled<fn(Var) -> Var, Var, Var>;
    static SELF: std::sync::OnceLock<Recursive> = std::sync::OnceLock::new();
    fn f(x: Var) -> Var {
        let inner = SELF.get().map(|f| f.call(&Tensor::from(1.0)));
        let text = inner.and_then(Result::err).map_or_else(String::new, |e| e.to_string());
        assert!(text.contains("calls itself"), "{text}");
        x + 1.0
    }
    let compiled = SELF.get_or_init(|| compile(f as fn(Var) -> Var));
    assert_eq!(compiled.call(&Tensor::from(2.0)).unwrap(), Tensor::from(3.0));
}

#[test]
fn threads_that_trace_functions_that_call_each_other_do_not_wait_for_ever() {
    use std::sync::{Barrier, OnceLock};
    type Plain = Compiled<fn(Var) -> Var, Var, Var>;
    static PAIR: [OnceLock<Plain>; 2] = [const { OnceLock::new() }; 2];
    static BOTH: Barrier = Barrier::new(2);
    static MET: [OnceLock<()>; 2] = [const { OnceLock::new() }; 2];
    /// Traces the other function, when each of the two threads has begun with one.
    fn traced<const OWN: usize>(x: Var) -> Var {
        MET[OWN].get_or_init(|| {
            BOTH.wait();
        });
        let other = PAIR[1 - OWN].get().map(|f| f.call(&Tensor::from(1.0)));
        // Either the other is ready by now, or it calls this one again.
        if let Some(Err(error)) = other {
            assert!(error.to_string().contains("calls itself"), "{error}");
        }
        x + 1.0
    }
    PAIR[0].get_or_init(|| compile(traced::<0> as fn(Var) -> Var));
    PAIR[1].get_or_init(|| compile(traced::<1> as fn(Var) -> Var));
    std::thread::scope(|threads| {
        for f in &PAIR {
            threads.spawn(|| {
                let result = f.get().map(|f| f.call(&Tensor::from(2.0)));
                assert_eq!(result, Some(Ok(Tensor::from(3.0))));
            });
        }
    });
}
