//! `cargo xtask mutants`: breaks each rule of `riesz-core` in turn and sees whether a test notices.
//!
//! The sources of the primitives and of the simplification rules are copied to `target/mutants` with
//! every mutation compiled in, each behind a number (see `rewrite.rs`), and built once. One run of
//! every test records which mutations it meets. Then each mutation is switched on and the tests that
//! meet it are run, those first that have noticed most in the least time, until one fails. The laws,
//! which go through samples of every primitive, go through those of the mutation's file.
//!
//! A mutation that no test notices is a *survivor*. It is a gap in the tests, or it changes nothing that
//! can be observed; then `explained.txt` says why. The exit code is 1 if a survivor is not explained, or
//! an explanation is of a mutation that is noticed or gone.

mod explained;
mod project;
mod rewrite;
mod run;

use explained::Explained;
use project::Project;
use rewrite::Mutant;
use run::Outcome;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
usage: cargo xtask mutants [--all] [--jobs N] [--list] [WORD…]

  WORD…     mutations whose file or function contains one of these: primitive/qr, simplify, batch;
            without words the rules of derivatives, which are the functions `differential` and
            `transpose`
  --all     every mutation: shapes, batching and simplifications too; takes hours
  --jobs N  how many run at a time; all processors unless told
  --list    print the mutations and run nothing";

/// The functions that are rules of derivatives.
const RULES: [&str; 2] = ["differential", "transpose"];

struct Options {
    all: bool,
    jobs: usize,
    list: bool,
    words: Vec<String>,
}

impl Options {
    fn choose(&self, m: &Mutant) -> bool {
        let has =
            |word: &String| m.file.contains(word.as_str()) || m.function.contains(word.as_str());
        let is_rule = RULES.iter().any(|&name| m.function.contains(name));
        self.all || self.words.iter().any(has) || (self.words.is_empty() && is_rule)
    }
}

fn options() -> Result<Options, String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options { all: false, jobs, list: false, words: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--jobs" => {
                let n = arguments.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
                options.jobs = n.ok_or("--jobs needs a number")?;
            }
            "--all" => options.all = true,
            "--list" => options.list = true,
            option if option.starts_with('-') => return Err(USAGE.to_string()),
            word => options.words.push(word.to_string()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    match options().and_then(|options| mutants(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every mutation is noticed or explained.
fn mutants(options: &Options) -> Result<bool, String> {
    let began = Instant::now();
    let project = Project::build()?;
    println!(
        "{} mutations in {} files, built in {:.0} s; {} more do not compile",
        project.mutants.len(),
        project.files.len(),
        began.elapsed().as_secs_f64(),
        project.dropped,
    );
    let all = 0..project.mutants.len();
    let chosen: Vec<usize> = all.filter(|&i| options.choose(&project.mutants[i])).collect();
    if options.list {
        chosen.iter().for_each(|&i| println!("{}", project.mutants[i]));
        return Ok(true);
    }
    let tests = run::baseline(&project)?;
    let outcomes = run::all(&project, &tests, &chosen, options.jobs);
    let explained = Explained::read()?;
    Ok(report(&project, &outcomes, &explained, began))
}

fn report(
    project: &Project,
    outcomes: &[(usize, Outcome)],
    explained: &Explained,
    began: Instant,
) -> bool {
    let (mut noticed, mut excused) = (0, 0);
    let mut open = Vec::new();
    let mut survivors = Vec::new();
    for (id, outcome) in outcomes {
        let mutant = &project.mutants[*id];
        if *outcome == Outcome::Noticed {
            noticed += 1;
            continue;
        }
        survivors.push(mutant);
        match (explained.reason(mutant), outcome) {
            (Some(_), _) => excused += 1,
            (None, Outcome::NotReached) => open.push(format!("{mutant} (no test runs it)")),
            (None, _) => open.push(mutant.to_string()),
        }
    }
    let tried: Vec<&Mutant> = outcomes.iter().map(|(id, _)| &project.mutants[*id]).collect();
    let mut stale = explained.unused(&survivors, &tried);
    stale.extend(explained.of_nothing(&project.mutants));
    println!(
        "{noticed} noticed, {excused} explained, {} not noticed; {:.0} s",
        open.len(),
        began.elapsed().as_secs_f64()
    );
    open.iter().for_each(|m| println!("NOT NOTICED {m}"));
    stale.iter().for_each(|e| println!("EXPLAINED FOR NOTHING {e}"));
    open.is_empty() && stale.is_empty()
}
