//! What a case is: a function to be called many times, with the two numbers that vouch for it.

use riesz::prelude::*;
use riesz::transform::compile::Report;
use riesz_bench::plan::measured;
use std::rc::Rc;

/// Work of one kind at several sizes.
pub struct Case {
    /// Its letter and name, the same for every system.
    pub name: &'static str,
    /// The sizes, as they are printed.
    pub sizes: &'static [&'static str],
    /// The element types it is measured in.
    pub dtypes: &'static [DType],
    /// Whether it is also timed with results in the memory of the last ones, as for CasADi: what a call
    /// costs is the point.
    pub into: bool,
    /// Makes the data and compiles the program.
    pub prepare: fn(size: &str, dtype: DType) -> Result<Prepared>,
}

/// What is timed.
pub type Call = Box<dyn FnMut() -> Result<()>>;

/// A program that was compiled and called once.
pub struct Prepared {
    /// The value of the objective at the start, where there is one.
    pub objective: Option<f64>,
    /// The sum of the absolute values of all entries of the derivative.
    pub checksum: f64,
    /// One call.
    pub call: Call,
    /// One call whose results take the memory of the last one's.
    pub call_into: Option<Call>,
    /// The plan as a person reads it.
    pub explain: Box<dyn Fn() -> Result<String>>,
    /// What compiling took.
    pub report: Box<dyn Fn() -> Result<Report>>,
}

/// Both element types.
pub const BOTH: &[DType] = &[DType::F64, DType::F32];

/// A function that gives an objective and derivatives.
///
/// # Errors
/// When it cannot be compiled or run.
pub fn value_and_derivative<A, G>(
    f: impl Fn(A) -> (Var, G) + 'static,
    args: A::Tensors,
) -> Result<Prepared>
where
    A: VarTree + 'static,
    G: VarTree + 'static,
    A::Tensors: 'static,
    G::Tensors: 'static,
{
    prepare(f, args, |(y, g)| (Some(number(y)), checksum(g)))
}

/// A function that gives derivatives only.
///
/// # Errors
/// When it cannot be compiled or run.
pub fn derivative<A, G>(f: impl Fn(A) -> G + 'static, args: A::Tensors) -> Result<Prepared>
where
    A: VarTree + 'static,
    G: VarTree + 'static,
    A::Tensors: 'static,
    G::Tensors: 'static,
{
    prepare(f, args, |g| (None, checksum(g)))
}

fn prepare<A, R>(
    f: impl Fn(A) -> R + 'static,
    args: A::Tensors,
    numbers: impl Fn(&R::Tensors) -> (Option<f64>, f64),
) -> Result<Prepared>
where
    A: VarTree + 'static,
    R: VarTree + 'static,
    A::Tensors: 'static,
    R::Tensors: 'static,
{
    let body = Rc::new(f);
    let plain = Rc::clone(&body);
    let f = Rc::new((compile(move |a: A| plain(a)), args));
    let mut last = f.0.call(&f.1)?;
    let (objective, checksum) = numbers(&last);
    let [again, plan, report] = [(); 3].map(|()| Rc::clone(&f));
    Ok(Prepared {
        objective,
        checksum,
        call: Box::new(move || f.0.call(&f.1).map(drop)),
        call_into: Some(Box::new(move || again.0.call_into(&again.1, &mut last))),
        explain: Box::new(move || measured(|a: A| body(a), &plan.1)),
        report: Box::new(move || report.0.report(&report.1)),
    })
}

/// Steps of gradient descent with rate 0.01 on a loss of `N` parameters and some data; every call
/// goes on from where the last one ended.
///
/// # Errors
/// When the step cannot be compiled or run.
pub fn training<const N: usize, D>(
    loss: impl Fn([Var; N], D) -> Var + 'static,
    parameters: [Tensor; N],
    data: D::Tensors,
) -> Result<Prepared>
where
    D: VarTree + 'static,
    D::Tensors: 'static,
{
    let loss = Rc::new(loss);
    let at_start = Rc::clone(&loss);
    let gradient = compile(move |(p, data): ([Var; N], D)| {
        value_and_grad(|p: [Var; N]| at_start(p, data.clone()))(p)
    });
    let body = move |p: [Var; N], data: D| {
        let (value, gradient) = value_and_grad(|p: [Var; N]| loss(p, data.clone()))(p);
        (value, std::array::from_fn::<Var, N, _>(|i| p[i] - 0.01 * gradient[i]))
    };
    let body = Rc::new(body);
    let plain = Rc::clone(&body);
    let step = Rc::new(compile(move |(p, data)| plain(p, data)));
    let mut state = (parameters, data);
    let (objective, derivative) = gradient.call(&state)?;
    let again = (Rc::clone(&step), state.clone());
    let planned = state.clone();
    Ok(Prepared {
        objective: Some(number(&objective)),
        checksum: checksum(&derivative),
        call: Box::new(move || {
            state.0 = step.call(&state)?.1;
            Ok(())
        }),
        call_into: None,
        explain: Box::new(move || measured(|(p, data)| body(p, data), &planned)),
        report: Box::new(move || again.0.report(&again.1)),
    })
}

fn number(tensor: &Tensor) -> f64 {
    tensor.to_f64().first().copied().unwrap_or(f64::NAN)
}

fn checksum<T: Tree<Leaf = Tensor>>(derivative: &T) -> f64 {
    derivative.leaves().iter().flat_map(Tensor::to_f64).map(f64::abs).sum()
}
