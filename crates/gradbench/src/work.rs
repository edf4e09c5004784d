//! What is timed: a function that was compiled for its input, to be run many times.

use crate::input::Input;
use riesz::prelude::*;
use riesz_bench::plan::measured;
use serde_json::{Number, Value};
use std::rc::Rc;

/// A prepared function of an eval.
pub trait Work {
    /// Runs it once; this alone is timed.
    ///
    /// # Errors
    /// When it has no result for this input.
    fn run(&mut self) -> Result<()>;

    /// The result of the last run.
    ///
    /// # Errors
    /// When it is not finite, which JSON cannot say, or there was no run.
    fn output(&self) -> Result<Value>;

    /// The plan as a person reads it; nothing where Riesz has no part.
    ///
    /// # Errors
    /// When it cannot be made.
    fn explain(&self) -> Result<String>;
}

/// Reads the input and compiles.
pub type Prepare = fn(&Input) -> Result<Box<dyn Work>>;

/// One eval: the names of its functions, and how each is prepared.
pub struct Eval {
    /// The name of the eval and of its module.
    pub name: &'static str,
    /// Its functions.
    pub functions: &'static [(&'static str, Prepare)],
}

/// A function that gives some result, its plan, and how the result is written.
struct Call<R, F, P> {
    function: F,
    plan: P,
    write: fn(&R) -> Result<Value>,
    last: Option<R>,
}

impl<R, F: FnMut(Option<R>) -> Result<R>, P: Fn() -> Result<String>> Work for Call<R, F, P> {
    fn run(&mut self) -> Result<()> {
        let last = self.last.take();
        self.last = Some((self.function)(last)?);
        Ok(())
    }

    fn output(&self) -> Result<Value> {
        let last = self.last.as_ref().ok_or_else(|| Error::usage("nothing was run yet"))?;
        (self.write)(last)
    }

    fn explain(&self) -> Result<String> {
        (self.plan)()
    }
}

/// Work that is any function.
pub fn work<R: 'static>(
    mut function: impl FnMut() -> Result<R> + 'static,
    write: fn(&R) -> Result<Value>,
) -> Result<Box<dyn Work>> {
    let anew = move |last| {
        // Freed first, so that its memory can be used again.
        drop(last);
        function()
    };
    explained(anew, || Ok(String::new()), write)
}

/// Work that is any function, which is given what it gave last, with the plan of what Riesz does in it.
pub fn explained<R: 'static>(
    function: impl FnMut(Option<R>) -> Result<R> + 'static,
    plan: impl Fn() -> Result<String> + 'static,
    write: fn(&R) -> Result<Value>,
) -> Result<Box<dyn Work>> {
    Ok(Box::new(Call { function, plan, write, last: None }))
}

/// Work that is a Riesz function, compiled here for arguments of these shapes.
///
/// # Errors
/// When it cannot be traced.
pub fn compiled<A, R>(
    f: impl Fn(A) -> R + 'static,
    args: A::Tensors,
    write: fn(&R::Tensors) -> Result<Value>,
) -> Result<Box<dyn Work>>
where
    A: VarTree + 'static,
    R: VarTree + 'static,
    A::Tensors: 'static,
    R::Tensors: 'static,
{
    let f = Rc::new((f, args));
    let plan = Rc::clone(&f);
    let called = Rc::clone(&f);
    let ready = compile(move |args| (called.0)(args));
    ready.prepare(&f.1)?;
    let run = move |last: Option<R::Tensors>| match last {
        Some(mut last) => ready.call_into(&f.1, &mut last).map(|()| last),
        None => ready.call(&f.1),
    };
    explained(run, move || measured(&plan.0, &plan.1), write)
}

/// A finite number.
///
/// # Errors
/// When it is infinite or not a number.
pub fn number(x: f64) -> Result<Value> {
    let number = Number::from_f64(x);
    number.map(Value::Number).ok_or_else(|| Error::value(format!("the result contains {x}")))
}

/// Finite numbers.
///
/// # Errors
/// When one is infinite or not a number.
pub fn numbers(xs: &[f64]) -> Result<Value> {
    xs.iter().map(|&x| number(x)).collect()
}

/// A tensor as nested arrays.
///
/// # Errors
/// When an element is infinite or not a number.
pub fn nested(tensor: &Tensor) -> Result<Value> {
    fn level(values: &[f64], shape: &[usize]) -> Result<Value> {
        match shape {
            [] => number(values[0]),
            [_] => numbers(values),
            [n, rest @ ..] => {
                let size = values.len() / n.max(&1);
                (0..*n).map(|i| level(&values[i * size..(i + 1) * size], rest)).collect()
            }
        }
    }
    level(tensor.as_slice()?, tensor.shape())
}
