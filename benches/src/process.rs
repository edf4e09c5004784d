//! A worker in a process of its own, confined to as many cores as it may use threads.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A system that is timed: how to start its worker, and the worker once it runs.
pub struct System {
    /// The name in the tables.
    pub name: String,
    command: Vec<String>,
    cores: usize,
    running: Option<Running>,
}

struct Running {
    child: Child,
    answers: Receiver<String>,
}

impl System {
    /// A system that is started by a command line, on the first `cores` cores.
    pub fn new(name: impl Into<String>, command: Vec<String>, cores: usize) -> System {
        System { name: name.into(), command, cores, running: None }
    }

    /// Sends a request and waits for the answer. What goes wrong is in the answer's `error`; a
    /// worker that does not answer in time is ended, and the next request starts another.
    pub fn ask(&mut self, request: &Value, patience: Duration) -> Value {
        match self.try_ask(request, patience) {
            Ok(answer) => answer,
            Err(error) => {
                self.stop();
                json!({ "error": error })
            }
        }
    }

    fn try_ask(&mut self, request: &Value, patience: Duration) -> Result<Value, String> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(&self.command, self.cores)?),
        };
        let input = running.child.stdin.as_mut().ok_or("the worker has no input")?;
        writeln!(input, "{request}").map_err(|e| format!("the worker is gone: {e}"))?;
        let line = running.answers.recv_timeout(patience).map_err(|e| match e {
            std::sync::mpsc::RecvTimeoutError::Timeout => {
                format!("no answer in {} s", patience.as_secs())
            }
            std::sync::mpsc::RecvTimeoutError::Disconnected => "the worker ended".to_owned(),
        })?;
        serde_json::from_str(&line).map_err(|e| format!("the answer {line:?} is not JSON: {e}"))
    }

    fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have ended already; either way it is gone afterwards.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Confines this process to the first `cores` cores, as the workers are; only Linux can.
///
/// # Errors
/// When it cannot be done there.
pub fn confine(cores: usize) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let mut taskset = Command::new("taskset");
    taskset.arg("-acp").arg(format!("0-{}", cores - 1)).arg(std::process::id().to_string());
    let output = taskset.output().map_err(|e| format!("taskset does not start: {e}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("taskset: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn start(command: &[String], cores: usize) -> Result<Running, String> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let mut process = if cfg!(target_os = "linux") {
        let mut pinned = Command::new("taskset");
        pinned.arg("-c").arg(format!("0-{}", cores - 1)).arg(program);
        pinned
    } else {
        Command::new(program)
    };
    let mut child = process
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{program} does not start: {e}"))?;
    let output = child.stdout.take().ok_or("the worker has no output")?;
    let (sender, answers) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(Running { child, answers })
}
