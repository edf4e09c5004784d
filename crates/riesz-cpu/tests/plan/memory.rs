//! What a run allocates, counted, against what the plan says.

use riesz_core::control::{self, Steps};
use riesz_core::{DType, Program, SimplifyOptions, Tensor, Type, Var, simplify, trace};
use riesz_cpu::plan::Plan;
use riesz_cpu::run::{Executable, Options, set_threads};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what the calling thread allocates.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes that are allocated now, the most there were, and how many allocations.
    static COUNT: Cell<(isize, isize, usize)> = const { Cell::new((0, 0, 0)) };
}

fn count(bytes: isize) {
    // A thread that ends may free after its count is gone.
    let _ = COUNT.try_with(|c| {
        let (now, most, allocations) = c.get();
        c.set((now + bytes, most.max(now + bytes), allocations + usize::from(bytes > 0)));
    });
}

// SAFETY: the system's allocator does everything; `alloc_zeroed` and `realloc` are made of these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The most bytes allocated at a time while `f` runs, beyond those before, and how many allocations.
fn counted<T>(f: impl FnOnce() -> T) -> (usize, usize, T) {
    let (now, ..) = COUNT.get();
    COUNT.set((now, now, 0));
    let result = f();
    let (_, most, allocations) = COUNT.get();
    ((most - now) as usize, allocations, result)
}

fn simplified(program: &Program) -> Program {
    simplify(program, &SimplifyOptions::whole_program())
}

fn f64s(shape: &[usize]) -> Type {
    Type::new(DType::F64, shape.to_vec())
}

fn cases() -> Vec<(&'static str, Program)> {
    let one = |name, types: &[Type], f: fn(&[Var]) -> Vec<Var>| {
        (name, simplified(&trace(types, f).unwrap()))
    };
    vec![
        one(
            "gradient of a logistic regression",
            &[f64s(&[40]), f64s(&[2000, 40]), f64s(&[2000])],
            |x| {
                let z = x[1].dot(x[0]);
                vec![x[1].t().dot(z.sigmoid() - x[2]) / 2000.0]
            },
        ),
        one("elementwise", &[f64s(&[50_000])], |x| vec![x[0].exp() * x[0].sin()]),
        one("products", &[f64s(&[200, 200])], |x| vec![x[0].dot(x[0].dot(x[0]).tanh())]),
        one("large products", &[f64s(&[300, 520]), f64s(&[300, 400])], |x| {
            let product = x[0].t().dot(x[1]);
            vec![x[0].dot(product.sin()), x[1].dot(product.t())]
        }),
        one("two results", &[f64s(&[300, 100])], |x| {
            let y = x[0].dot(x[0].t());
            vec![y.sum_axes(&[0]), y.tanh()]
        }),
        one("a solution", &[f64s(&[120, 120]), f64s(&[120])], |x| vec![x[0].solve(x[1])]),
        one("a batch of products", &[f64s(&[16, 150, 120])], |x| {
            let scores = Var::einsum("bik,bjk->bij", &[x[0], x[0].cos()]).tanh();
            vec![scores.tril().matmul(x[0])]
        }),
        one("eigenvalues", &[f64s(&[80, 80])], |x| vec![x[0].eigh().0]),
        one("a sort", &[f64s(&[20_000])], |x| vec![x[0].sort(0)]),
        one("a loop", &[f64s(&[1000]), f64s(&[1000, 1000])], |x| {
            let steps = Steps::new(50);
            control::scan(steps, &x[..1], &[], |y, _| (vec![x[1].dot(y[0]).tanh()], vec![])).0
        }),
    ]
}

fn arguments(program: &Program) -> Vec<Tensor> {
    let fill = |ty: &Type| {
        let n = ty.size();
        let value = |i: usize| ((i * 7919) % 1009) as f64 / 1009.0;
        // Rows that are larger on the diagonal: a matrix that can be solved with.
        let columns = ty.shape.last().copied().unwrap_or(1);
        let element = |i: usize| value(i) + if i / columns == i % columns { 500.0 } else { 0.0 };
        Tensor::new((0..n).map(element).collect::<Vec<f64>>(), ty.shape.clone()).unwrap()
    };
    program.input_types().iter().map(fill).collect()
}

/// Every case as machine code and on tiles, where there is machine code.
fn executables() -> impl Iterator<Item = (&'static str, Program, [Options; 2])> {
    let options = [true, false].map(|native| Options { native, ..Options::default() });
    cases().into_iter().map(move |(name, program)| (name, program, options))
}

#[test]
fn the_peak_is_as_predicted() {
    // Only this thread counts.
    set_threads(1);
    for (name, program, options) in executables() {
        let args = arguments(&program);
        for options in options {
            // What a thread keeps for all its runs is there from its first on.
            Executable::with(&program, options).unwrap().run(&args).unwrap();
            let fresh = Executable::with(&program, options).unwrap();
            let (most, _, results) = counted(|| fresh.run(&args));
            results.unwrap();
            let predicted = fresh.plan().footprint().peak();
            let off = (most as f64 / predicted as f64 - 1.0).abs();
            let plan = fresh.plan();
            assert!(off < 0.05, "{name}: {most} bytes, predicted {predicted}, {options:?}\n{plan}");
        }
    }
}

#[test]
fn a_later_run_allocates_its_results_only() {
    set_threads(1);
    for (name, program, options) in executables() {
        let args = arguments(&program);
        for options in options {
            let executable = Executable::with(&program, options).unwrap();
            executable.run(&args).unwrap();
            let (most, allocations, results) = counted(|| executable.run(&args));
            let results = results.unwrap();
            let memory = executable.plan().footprint();
            // Beside the elements a result has a shape and a counter, and there is a list of results.
            let small = 256 * (1 + results.len());
            let bytes = memory.results + memory.calls + small;
            assert!(most <= bytes, "{name}: {most} bytes, {options:?}\n{}", executable.plan());
            if memory.calls == 0 {
                assert!(allocations <= 6 + 3 * results.len(), "{name}: {allocations} allocations");
                // Where the results of an earlier run are, nothing is.
                let mut earlier: Vec<Tensor> = results.into_iter().collect();
                let mut places: Vec<&mut Tensor> = earlier.iter_mut().collect();
                let (_, allocations, done) = counted(|| executable.run_into(&args, &mut places));
                done.unwrap();
                assert_eq!(allocations, 0, "{name}, {options:?}");
            }
        }
    }
}

#[test]
fn the_work_of_a_plan_is_counted() {
    let n = 100;
    let program =
        trace(&[f64s(&[n, n]), f64s(&[n, n])], |x| vec![x[0].dot(x[1]) * 2.0 + x[0]]).unwrap();
    let plan = Plan::new(&simplified(&program)).unwrap();
    let work = plan.work();
    let matrix = (n * n) as f64;
    // 2n³ for the product; then a multiplication and an addition for each element.
    assert_eq!(work.flops, 2.0 * matrix * n as f64 + 2.0 * matrix);
    // The product reads two and writes one, the loop reads two and writes one.
    assert_eq!(work.bytes, 6.0 * 8.0 * matrix);
    let sums = trace(&[f64s(&[30, 50])], |x| vec![(x[0] + 1.0).sum_axes(&[1])]).unwrap();
    let work = Plan::new(&simplified(&sums)).unwrap().work();
    assert_eq!((work.flops, work.bytes), (2.0 * 1500.0, 8.0 * (1500.0 + 30.0)));
}

#[test]
fn an_explanation_has_the_times_of_every_step() {
    use riesz_cpu::report::{Explanation, Measurement, Peaks};
    let (_, program) = cases().swap_remove(2);
    let args = arguments(&program);
    for native in [true, false] {
        let plan = Plan::new(&program).unwrap();
        let mut measurement = Measurement::new(&plan, Options { native, ..Options::default() });
        assert!(measurement.seconds().iter().all(|s| s.is_infinite()));
        measurement.run(&plan, &args).unwrap();
        assert!(measurement.seconds().iter().all(|s| s.is_finite() && *s >= 0.0));
        let peaks = Peaks::measured();
        assert!(peaks.flops > 1e8 && peaks.bandwidth(0.0) > 1e8);
        let seconds = Some(measurement.seconds());
        let text = Explanation { plan: &plan, peaks: Some(peaks), seconds }.to_string();
        let steps = plan.region.steps.len();
        assert_eq!(text.matches(" the roofline").count(), steps + 1, "{text}");
        assert!(measurement.run(&plan, &[]).is_err());
    }
}
