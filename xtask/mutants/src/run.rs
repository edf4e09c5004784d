//! Running tests: which meet which mutation, and which notice it.

use crate::project::Project;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Tests that take too long to be run thousands of times.
const LONG: &[&str] =
    &["deep::", "sparsity::a_sum_of", "sparsity::a_band_of", "sparsity::full_rows"];

/// Tests that go through the samples of every primitive, each for itself.
const LAWS: &str = "laws::";

/// The most memory a test may use, in kilobytes: a broken shape can ask for any amount.
const MEMORY: &str = "4000000";

/// What became of a mutation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// A test failed.
    Noticed,
    /// Tests ran it, and passed.
    Survived,
    /// No test ran it.
    NotReached,
}

/// A test, and what is known about it.
pub struct Test {
    /// Its full name.
    pub name: String,
    /// How long it takes.
    pub time: Duration,
    /// Which mutations it meets.
    pub reaches: Vec<bool>,
    /// What became of it.
    record: Record,
}

/// How many mutations a test noticed, how many it was asked about, and the milliseconds that took.
#[derive(Default)]
struct Record {
    noticed: AtomicUsize,
    asked: AtomicUsize,
    millis: AtomicUsize,
}

impl Test {
    /// What can be expected of it for each second.
    fn promise(&self) -> f64 {
        let of = |n: &AtomicUsize| n.load(Ordering::Relaxed) as f64;
        let Record { noticed, asked, millis } = &self.record;
        let time = match of(asked) {
            0.0 => 1e3 * self.time.as_secs_f64(),
            n => of(millis) / n,
        };
        (of(noticed) + 1.0) / (of(asked) + 2.0) / (time + 10.0)
    }
}

/// Runs every test once without a mutation.
///
/// # Errors
/// When one fails.
pub fn baseline(project: &Project) -> Result<Vec<Test>, String> {
    let list = Command::new(&project.binary).args(["--list", "--format", "terse"]).output();
    let list = list.map_err(|e| format!("{}: {e}", project.binary.display()))?;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let names = list.lines().filter_map(|l| l.strip_suffix(": test"));
    let reached = project.folder.join("reached");
    let mut tests = Vec::new();
    for name in names.filter(|n| !LONG.iter().any(|l| n.starts_with(l))) {
        let _ = std::fs::remove_file(&reached);
        let began = Instant::now();
        let record = [("RIESZ_REACHED", reached.to_string_lossy().into_owned())];
        let passed = passes(project, name, &record, Duration::from_secs(600))?;
        if !passed {
            return Err(format!("the test {name} fails without any mutation"));
        }
        let mut reaches = vec![false; project.mutants.len()];
        for id in std::fs::read_to_string(&reached).unwrap_or_default().lines() {
            if let Some(met) = id.parse().ok().and_then(|id: usize| reaches.get_mut(id)) {
                *met = true;
            }
        }
        let (name, time) = (name.to_string(), began.elapsed());
        tests.push(Test { name, time, reaches, record: Record::default() });
    }
    tests.sort_by_key(|t| std::cmp::Reverse(t.time));
    let slowest: Vec<String> =
        tests.iter().take(5).map(|t| format!("{} {:.1} s", t.name, t.time.as_secs_f64())).collect();
    println!("{} tests, the slowest {}", tests.len(), slowest.join(", "));
    Ok(tests)
}

/// Tries these mutations, `jobs` at a time.
pub fn all(
    project: &Project,
    tests: &[Test],
    chosen: &[usize],
    jobs: usize,
) -> Vec<(usize, Outcome)> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(&id) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = one(project, tests, id);
                    let mut outcomes = outcomes.lock().unwrap_or_else(|e| e.into_inner());
                    outcomes.push((id, outcome));
                    if outcome != Outcome::Noticed {
                        println!("{outcome:?} {}", project.mutants[id]);
                    }
                    if outcomes.len().is_multiple_of(100) {
                        println!("{} of {} tried", outcomes.len(), chosen.len());
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(|e| e.into_inner());
    outcomes.sort_by_key(|o| o.0);
    outcomes
}

fn one(project: &Project, tests: &[Test], id: usize) -> Outcome {
    let mut order: Vec<usize> = (0..tests.len()).filter(|&t| tests[t].reaches[id]).collect();
    if order.is_empty() {
        return Outcome::NotReached;
    }
    order.sort_by(|&a, &b| tests[b].promise().total_cmp(&tests[a].promise()));
    let samples = project.files.get(&project.mutants[id].file).filter(|names| !names.is_empty());
    for t in order {
        let test = &tests[t];
        let mut variables = vec![("RIESZ_MUTANT", id.to_string())];
        if let Some(samples) = samples.filter(|_| test.name.starts_with(LAWS)) {
            variables.push(("RIESZ_SAMPLES", samples.clone()));
        }
        // What takes much longer than it should hangs, and is noticed by whoever waits for it.
        let limit = 10 * test.time + Duration::from_secs(10);
        let began = Instant::now();
        let noticed = !matches!(passes(project, &test.name, &variables, limit), Ok(true));
        let Record { noticed: count, asked, millis } = &test.record;
        asked.fetch_add(1, Ordering::Relaxed);
        millis.fetch_add(began.elapsed().as_millis() as usize, Ordering::Relaxed);
        count.fetch_add(usize::from(noticed), Ordering::Relaxed);
        if noticed {
            return Outcome::Noticed;
        }
    }
    Outcome::Survived
}

/// Whether a test passes in time.
fn passes(
    project: &Project,
    test: &str,
    variables: &[(&str, String)],
    limit: Duration,
) -> Result<bool, String> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(&project.binary)
        .args([test, "--exact", "--quiet", "--test-threads", "1"])
        .current_dir(&project.folder)
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn().map_err(|e| format!("{}: {e}", project.binary.display()))?;
    wait(&mut child, limit)
}

fn wait(child: &mut Child, limit: Duration) -> Result<bool, String> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if began.elapsed() < limit => std::thread::sleep(pause),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Ok(false);
            }
            Err(error) => return Err(error.to_string()),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
