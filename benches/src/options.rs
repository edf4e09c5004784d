//! The command line.

use riesz_bench::process::System;

/// What is timed, and how long.
pub struct Options {
    /// This program, to start its worker.
    pub own: String,
    /// The systems beside Riesz.
    pub peers: Vec<Peer>,
    /// Beginnings of names of cases; none means all.
    cases: Vec<String>,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// How often each system is timed.
    pub rounds: usize,
    /// How long each time.
    pub seconds: f64,
}

/// A system and the command that starts its worker, less the number of threads.
pub struct Peer {
    name: String,
    command: Vec<String>,
}

/// The systems that `benches/peers` knows; the floor is kernels written by hand.
const PEERS: &[&str] = &["jax", "torch", "torchc", "casadi", crate::report::FLOOR];

/// What the program takes.
pub const USAGE: &str = "\
usage: riesz-bench [options]      times the cases, prints a table in Markdown
       riesz-bench explain CASE N [TYPE]   prints the plan with the times of its steps; float64 or float32
       riesz-bench compiling [NAMES]       prints how long compiling takes for programs of growing size
       riesz-bench worker         answers requests for times, a line of JSON each

options:
  --peers NAMES     also time these, with commas between: jax torch torchc casadi floor
  --python PATH     a Python that has them; python3
  --peer-folder P   where their workers are; benches/peers
  --cases NAMES     only cases whose names begin so, with commas between
  --threads LIST    numbers of threads; 1,2
  --rounds N        how often each system is timed; 5
  --seconds S       how long each time; 0.3
  --quick           two short rounds";

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(own: String, arguments: &[String]) -> Result<Options, String> {
        let mut options = Options {
            own,
            peers: Vec::new(),
            cases: Vec::new(),
            threads: vec![1, 2],
            rounds: 5,
            seconds: 0.3,
        };
        let mut names = Vec::new();
        let (mut python, mut folder) = ("python3".to_owned(), "benches/peers".to_owned());
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().cloned().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--peers" => names = list(&value()?),
                "--python" => python = value()?,
                "--peer-folder" => folder = value()?,
                "--cases" => options.cases = list(&value()?),
                "--threads" => options.threads = counts(&value()?)?,
                "--rounds" => options.rounds = counts(&value()?)?[0],
                "--seconds" => {
                    let text = value()?;
                    let seconds = text.parse().ok().filter(|s: &f64| *s >= 0.0 && *s < 60.0);
                    options.seconds =
                        seconds.ok_or(format!("{text} is not a number of seconds"))?;
                }
                "--quick" => (options.rounds, options.seconds) = (2, 0.05),
                other => return Err(format!("unknown option {other}\n{USAGE}")),
            }
        }
        for name in names {
            if !PEERS.contains(&name.as_str()) {
                return Err(format!("unknown peer {name}\n{USAGE}"));
            }
            let script = format!("{folder}/worker.py");
            let command =
                vec![python.clone(), script, "--peer".into(), name.clone(), "--threads".into()];
            options.peers.push(Peer { name, command });
        }
        Ok(options)
    }

    /// Whether a case is to be timed.
    pub fn wants(&self, case: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|c| case.starts_with(c.as_str()))
    }
}

impl Peer {
    /// The system with a number of threads.
    pub fn system(&self, threads: usize) -> System {
        let mut command = self.command.clone();
        command.push(threads.to_string());
        System::new(self.name.clone(), command, threads)
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn counts(text: &str) -> Result<Vec<usize>, String> {
    let read = |part: &str| part.parse().ok().filter(|&n: &usize| n > 0);
    let counts: Option<Vec<usize>> = text.split(',').map(read).collect();
    counts.ok_or(format!("{text} is not a list of whole numbers from 1"))
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn read(arguments: &str) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Options::read("me".to_owned(), &arguments)
    }

    #[test]
    fn options_are_read() {
        let options = read("--peers jax,casadi --cases a,k --threads 1 --quick").expect("good");
        assert_eq!(options.peers.len(), 2);
        assert_eq!((options.threads, options.rounds), (vec![1], 2));
        let options = read("--cases a,k_").expect("good");
        assert!(options.wants("a_logreg") && options.wants("k_dispatch"));
        assert!(!options.wants("b_rosen_grad"));
    }

    #[test]
    fn wrong_options_are_named() {
        for wrong in ["--threads 0", "--rounds", "--peers excel", "--fast"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
