//! The tool that speaks GradBench's protocol, and what measures it.

use gradbench::{adbench, calibrate, protocol};
use riesz::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: gradbench [--multithreaded]         answers GradBench's messages on standard input
       gradbench calibrate [options]       times the evals against plain loops, a table in Markdown
       gradbench explain EVAL FUNCTION     prints the plan for a workload of medium size
       gradbench adbench FOLDER            checks and times ADBench's data sets, a table in Markdown

options of calibrate:
  --evals LIST      only these, with commas between
  --small           without the largest workload of each eval
  --rounds N        how often each function is timed; 5";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        [] | ["--multithreaded"] => {
            protocol::serve(std::io::stdin().lock(), std::io::stdout()).map_err(|e| e.to_string())
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        ["calibrate", options @ ..] => {
            let choice = choice(options)?;
            print!("{}", calibrate::table(&choice, |row| eprintln!("{row}")));
            Ok(())
        }
        ["explain", eval, function] => {
            let plan = calibrate::explain(eval, function).map_err(|e| e.to_string())?;
            println!("{plan}");
            Ok(())
        }
        ["adbench", folder] => compare(Path::new(folder)).map_err(|e| e.to_string()),
        _ => Err(format!("the command is not understood\n{USAGE}")),
    }
}

fn choice(options: &[&str]) -> Result<calibrate::Choice, String> {
    let mut choice = calibrate::Choice { evals: Vec::new(), small_only: false, rounds: 5 };
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{option} needs a value"));
        match *option {
            "--evals" => choice.evals = value()?.split(',').map(str::to_owned).collect(),
            "--small" => choice.small_only = true,
            "--rounds" => {
                let text = value()?;
                let rounds = text.parse().ok().filter(|&n: &usize| n > 0);
                choice.rounds = rounds.ok_or(format!("{text} is not a number of rounds"))?;
            }
            other => return Err(format!("unknown option {other}\n{USAGE}")),
        }
    }
    Ok(choice)
}

/// Runs every data set of a folder and prints errors and times.
fn compare(folder: &Path) -> Result<(), Error> {
    println!("| data | objective | Jacobian | ratio | largest ρ | relative error |");
    println!("|---|---|---|---|---|---|");
    for set in adbench::sets(folder)? {
        let mut ready = set.prepare()?;
        let objective = calibrate::time(&mut *ready.objective)?;
        let jacobian = calibrate::time(&mut *ready.jacobian)?;
        let (found, expected) = (ready.results()?, set.reference()?);
        let (rho, relative) = adbench::errors(&found.jacobian, &expected.jacobian);
        let ratio = jacobian / objective;
        let [objective, jacobian] = [objective, jacobian].map(calibrate::milliseconds);
        let name = &set.name;
        println!("| {name} | {objective} | {jacobian} | {ratio:.1} | {rho:.0e} | {relative:.0e} |");
    }
    Ok(())
}
