//! GradBench's protocol: one message a line on standard input, one answer a line on standard output.
//!
//! `define` names a module and asks whether it is known; `evaluate` asks for a function of it on an
//! input, run as often as the input's `min_runs` and `min_seconds` demand, each run timed; any other
//! message is acknowledged. What goes wrong in an evaluation is in its answer; the session goes on.

use crate::evals;
use crate::input::Input;
use riesz::prelude::*;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Answers messages until the input ends or nobody listens any more.
///
/// # Errors
/// When reading fails, or a line is not a message.
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let message: Value = serde_json::from_str(&line?)?;
        let answer = answer(&message);
        match writeln!(output, "{answer}").and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            result => result?,
        }
    }
    Ok(())
}

/// The answer to one message.
pub fn answer(message: &Value) -> Value {
    let mut answer = match message["kind"].as_str() {
        Some("start") => json!({ "tool": "riesz" }),
        Some("define") => {
            let module = message["module"].as_str().unwrap_or_default();
            json!({ "success": evals::find(module).is_some() })
        }
        Some("evaluate") => {
            // A panic would end the session; nothing of it is used again.
            let attempt = catch_unwind(AssertUnwindSafe(|| evaluate(message)));
            let result = attempt.unwrap_or_else(|_| {
                Err(Error::usage("the evaluation panicked; see standard error"))
            });
            result.unwrap_or_else(|error| json!({ "success": false, "error": error.to_string() }))
        }
        _ => json!({}),
    };
    answer["id"] = message["id"].clone();
    answer
}

fn evaluate(message: &Value) -> Result<Value> {
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    let (module, name) = (text("module"), text("function"));
    let eval = evals::find(module)
        .ok_or_else(|| Error::usage(format!("the module `{module}` is not known")))?;
    let function = eval.functions.iter().find(|f| f.0 == name);
    let (_, prepare) =
        function.ok_or_else(|| Error::usage(format!("`{module}` has no function `{name}`")))?;
    let input = Input::new(&message["input"]);
    let mut timings = Vec::new();
    let began = Instant::now();
    let mut work = prepare(&input)?;
    timings.push(timing("prepare", began.elapsed().as_nanos()));
    let min_runs = input.optional("min_runs").map_or(Ok(1), |n| n.count())?;
    let min_seconds = input.optional("min_seconds").map_or(Ok(0.0), |s| s.number())?;
    let (mut runs, mut nanoseconds) = (0, 0);
    while runs < min_runs.max(1) || (nanoseconds as f64) < min_seconds * 1e9 {
        let began = Instant::now();
        work.run()?;
        let elapsed = began.elapsed().as_nanos();
        timings.push(timing("evaluate", elapsed));
        (runs, nanoseconds) = (runs + 1, nanoseconds + elapsed);
    }
    Ok(json!({ "success": true, "output": work.output()?, "timings": timings }))
}

fn timing(name: &str, nanoseconds: u128) -> Value {
    json!({ "name": name, "nanoseconds": u64::try_from(nanoseconds).unwrap_or(u64::MAX) })
}
