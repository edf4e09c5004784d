//! The benchmark cases as Riesz programs, timed beside other systems. `cargo xtask bench` runs this
//! and writes `benches/RESULTS.md`; `benches/README.md` says what is measured.

mod case;
mod cases;
mod compiling;
mod data;
mod driver;
mod options;
mod report;
mod size;
mod worker;

use riesz_bench::entry::median;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let own = arguments.next().unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    match arguments.first().map(String::as_str) {
        Some("worker") => match worker::serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Some("explain") => {
            let part = |i: usize| arguments.get(i).map_or("float64", String::as_str);
            match worker::explain(part(1), part(2), part(3)) {
                Ok(plan) => {
                    println!("{plan}");
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error}");
                    ExitCode::from(2)
                }
            }
        }
        Some("compiling") => match compiling::print(&[1000, 10_000, 100_000], &arguments[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Some("help" | "--help" | "-h") => {
            println!("{}", options::USAGE);
            ExitCode::SUCCESS
        }
        _ => compare(own, &arguments),
    }
}

fn compare(own: String, arguments: &[String]) -> ExitCode {
    let options = match options::Options::read(own, arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut rows = Vec::new();
    driver::run(&options, |row| {
        let ratio = row.best().map_or(String::new(), |(best, ratio)| {
            format!(", {} {} ({ratio:.2})", best.name, report::pretty(median(&best.seconds)))
        });
        let own = report::pretty(median(&row.riesz.seconds));
        let report::Row { case, size, dtype, threads, .. } = &row;
        eprintln!("{case} {size} {dtype} {threads}: riesz {own}{ratio}");
        rows.push(row);
    });
    print!("{}", report::markdown(&rows));
    if rows.iter().all(report::Row::is_sound) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
