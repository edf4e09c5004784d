//! One process that prepares and times cases on request, so that two systems can be timed in turns.
//!
//! A request is a line of JSON on standard input, the answer a line on standard output. The peers in
//! `benches/peers` answer the same requests.
//!
//! ```text
//! {"case": "a_logreg", "n": "1000x100", "dtype": "float64"}
//!     → {"objective": 0.7, "checksum": 12.3, "variants": [""]}, or {"missing": true}, or {"error": "…"}
//! {"measure": "", "seconds": 0.3}
//!     → {"median_s": 1.2e-5, "samples": 60}
//! ```

use crate::case::Prepared;
use crate::cases;
use riesz::prelude::*;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

/// The variant whose results take the memory of the last ones.
const INTO: &str = "into";

/// Answers requests until standard input ends.
///
/// # Errors
/// When standard input or output fails.
pub fn serve() -> io::Result<()> {
    let mut prepared = None;
    for line in io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(request) => answer(&request, &mut prepared),
            Err(error) => json!({ "error": format!("the request is not JSON: {error}") }),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(request: &Value, prepared: &mut Option<Prepared>) -> Value {
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    if let Some(seconds) = request["seconds"].as_f64() {
        let Some(ready) = prepared else { return json!({ "error": "no case is prepared" }) };
        let call = match &mut ready.call_into {
            Some(call) if text("measure") == INTO => call,
            _ => &mut ready.call,
        };
        return match measure(call, seconds) {
            Ok(samples) => {
                json!({ "median_s": samples[samples.len() / 2], "samples": samples.len() })
            }
            Err(error) => json!({ "error": error.to_string() }),
        };
    }
    // The memory of the last case is free before the next is made.
    *prepared = None;
    match prepare(text("case"), text("n"), text("dtype")) {
        Ok(Some(ready)) => {
            let (objective, checksum) = (ready.objective, ready.checksum);
            let mut variants = vec![""];
            variants.extend(ready.call_into.as_ref().map(|_| INTO));
            *prepared = Some(ready);
            json!({ "objective": objective, "checksum": checksum, "variants": variants })
        }
        Ok(None) => json!({ "missing": true }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

/// The plan of a case as a person reads it.
///
/// # Errors
/// When there is no such case, or it cannot be compiled.
pub fn explain(name: &str, size: &str, dtype: &str) -> Result<String> {
    let ready = prepare(name, size, dtype)?;
    let ready = ready.ok_or_else(|| Error::usage(format!("there is no {name} {size} {dtype}")))?;
    (ready.explain)()
}

fn prepare(name: &str, size: &str, dtype: &str) -> Result<Option<Prepared>> {
    let dtype = if dtype == "float32" { DType::F32 } else { DType::F64 };
    let case = cases::ALL.iter().find(|case| case.name == name);
    let Some(case) = case.filter(|c| c.sizes.contains(&size) && c.dtypes.contains(&dtype)) else {
        return Ok(None);
    };
    let mut ready = (case.prepare)(size, dtype)?;
    ready.call_into = ready.call_into.filter(|_| case.into);
    Ok(Some(ready))
}

/// The time of one call in seconds, from many samples in order of length. A sample is as many calls
/// as take two milliseconds, so that the clock does not matter.
fn measure(call: &mut dyn FnMut() -> Result<()>, seconds: f64) -> Result<Vec<f64>> {
    const SAMPLE: f64 = 2e-3;
    let mut batch = |calls: u32| -> Result<f64> {
        let began = Instant::now();
        for _ in 0..calls {
            call()?;
        }
        Ok(began.elapsed().as_secs_f64() / f64::from(calls))
    };
    // The first call warms the caches, the next ones tell how long a call takes.
    batch(1)?;
    let mut calls = 1;
    while batch(calls)? * f64::from(calls) < SAMPLE && calls < 1 << 24 {
        calls *= 2;
    }
    let end = Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, 3600.0));
    let mut samples = Vec::new();
    while samples.len() < 3 || Instant::now() < end {
        samples.push(batch(calls)?);
    }
    samples.sort_by(f64::total_cmp);
    Ok(samples)
}
