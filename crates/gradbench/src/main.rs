//! The tool that speaks GradBench's protocol, and what measures it.

use gradbench::peers::Peers;
use gradbench::{adbench, calibrate, protocol};
use riesz::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: gradbench [--multithreaded]         answers GradBench's messages on standard input
       gradbench calibrate [options]       times the evals against plain loops, a table in Markdown
       gradbench explain EVAL FUNCTION     prints the plan with the times of its steps, for a workload of
                                           medium size or, with --largest, the largest
       gradbench adbench FOLDER            checks and times ADBench's data sets, a table in Markdown

options of calibrate:
  --evals LIST      only these, with commas between
  --small           without the largest workload of each eval
  --rounds N        how often each function is timed; 5
  --peers NAMES     also time these, with commas between: jax torch
  --python PATH     a Python that has them; python3
  --peer-folder P   where their worker is; benches/peers";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything was as it should be; a table of which that is not true is printed all the same.
fn run(arguments: &[&str]) -> Result<bool, String> {
    // Plain loops and peers have one core, so what is compared has one too.
    if arguments != ["--multithreaded"] {
        riesz_cpu::run::set_threads(1);
    }
    match arguments {
        [] | ["--multithreaded"] => {
            protocol::serve(std::io::stdin().lock(), std::io::stdout())
                .map_err(|e| e.to_string())?;
            Ok(true)
        }
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(true)
        }
        ["calibrate", options @ ..] => {
            let (choice, mut peers) = choice(options)?;
            let (table, is_sound) = calibrate::table(&choice, &mut peers, |row| eprintln!("{row}"));
            print!("{table}");
            Ok(is_sound)
        }
        ["explain", eval, function] | ["explain", eval, function, "--largest"] => {
            let plan = calibrate::explain(eval, function, arguments.len() > 3);
            let plan = plan.map_err(|e| e.to_string())?;
            println!("{plan}");
            Ok(true)
        }
        ["adbench", folder] => {
            compare(Path::new(folder)).map_err(|e| e.to_string())?;
            Ok(true)
        }
        _ => Err(format!("the command is not understood\n{USAGE}")),
    }
}

/// What is timed, and beside whom.
fn choice(options: &[&str]) -> Result<(calibrate::Choice, Peers), String> {
    let mut choice = calibrate::Choice { evals: Vec::new(), small_only: false, rounds: 5 };
    let (mut names, mut python, mut folder) = (Vec::new(), "python3", "benches/peers");
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
            "--peers" => names = value()?.split(',').collect(),
            "--python" => python = value()?,
            "--peer-folder" => folder = value()?,
            other => return Err(format!("unknown option {other}\n{USAGE}")),
        }
    }
    Ok((choice, Peers::new(&names, python, Path::new(folder))?))
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
