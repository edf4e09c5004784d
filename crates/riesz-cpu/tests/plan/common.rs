//! Running a plan by the meaning of its nests, which needs no backend.

use riesz_core::{Data, Element, Program, Tensor, Type, eval};
use riesz_cpu::nest;
use riesz_cpu::plan::{Place, Plan};
use riesz_cpu::run::{Executable, Options};

/// The results of a plan, or none where an operation has no result.
pub fn interpret(plan: &Plan, args: &[Tensor]) -> Option<Vec<Tensor>> {
    let mut buffers: Vec<Data> = Vec::new();
    for buffer in &plan.buffers {
        let data = match buffer.place {
            Place::Argument(i) => args[i].data().clone(),
            Place::Constant(i) => plan.constants[i].data().clone(),
            Place::Result(_) | Place::Workspace(_) | Place::Window(_) => {
                Tensor::zeros(&Type::new(buffer.dtype, [buffer.len])).data().clone()
            }
        };
        buffers.push(data);
    }
    let places: Vec<(usize, isize)> = (0..buffers.len()).map(|b| (b, 0)).collect();
    if !nest::eval(&plan.region, &places, &mut buffers) {
        return None;
    }
    let results = plan.results.iter().zip(plan.program.output_types());
    Some(results.map(|(&s, ty)| Tensor::from_data(buffers[s as usize].clone(), ty.shape)).collect())
}

/// Whether two tensors agree to a relative tolerance, NaN with NaN.
pub fn close(a: &Tensor, b: &Tensor, tolerance: f64) -> bool {
    let same = |(x, y): (&f64, &f64)| {
        x == y
            || x.is_nan() && y.is_nan()
            || (x - y).abs() <= tolerance * (1.0 + x.abs().max(y.abs()))
    };
    a.ty() == b.ty() && a.to_f64().iter().zip(&b.to_f64()).all(same)
}

/// The same elements in memory of their own.
fn copied(t: &Tensor) -> Tensor {
    fn of<T: Element>(t: &Tensor, x: &[T]) -> Tensor {
        Tensor::new(x.to_vec(), t.shape().clone()).unwrap_or_else(|e| panic!("{e}"))
    }
    riesz_core::with_elements!(t.data(), x => of(t, x))
}

/// Plans and interprets a program and compares with its reference meaning.
pub fn check(program: &Program, args: &[Tensor]) -> Plan {
    let plan = Plan::new(program).unwrap_or_else(|e| panic!("{e}"));
    plan.region.verify().unwrap_or_else(|e| panic!("{e}"));
    let expected = eval(program, args).ok();
    for native in [true, false] {
        let options = Options { native, ..Options::default() };
        let executable = Executable::with(program, options).unwrap_or_else(|e| panic!("{e}"));
        compare(program, &plan, &expected, &executable.run(args).ok().map(|y| y.to_vec()));
        // Given away, their memory may become that of the results.
        let owned = executable.run_owned(args.iter().map(copied).collect());
        compare(program, &plan, &expected, &owned.ok().map(|y| y.to_vec()));
    }
    let given = interpret(&plan, args);
    compare(program, &plan, &expected, &given);
    plan
}

fn compare(
    program: &Program,
    plan: &Plan,
    expected: &Option<Vec<Tensor>>,
    given: &Option<Vec<Tensor>>,
) {
    match (expected, given) {
        (Some(expected), Some(given)) => {
            for (e, g) in expected.iter().zip(given) {
                let tolerance = if e.dtype() == riesz_core::DType::F32 { 1e-4 } else { 1e-12 };
                assert!(close(e, g, tolerance), "{program:?}\n{plan:#?}\n{e:?}\n{g:?}");
            }
        }
        _ => assert_eq!(expected.is_some(), given.is_some(), "{program:?}"),
    }
}
