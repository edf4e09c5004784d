//! Threads that wait for pieces of work.
//!
//! A task is cut in a fixed number of pieces by whoever asks; the pool decides only which thread runs
//! which, so the bits of a result do not depend on how many threads there are. Threads that have
//! nothing to do look for work for a while before they sleep: waking one takes as long as a small task.
//!
//! One task runs at a time. Who finds the pool busy, or is a thread of it, runs all pieces alone.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long a thread looks for work before it sleeps.
const PATIENCE: Duration = Duration::from_micros(200);

/// What is run for each piece.
type Piece<'a> = &'a (dyn Fn(usize) + Sync);

/// How many threads run pieces, the caller included; 0 until it is asked for.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// The number of threads that work on one call: as set by [`set_threads`], by the environment variable
/// `RIESZ_THREADS`, or as many as there are processors.
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => {
            let asked = std::env::var("RIESZ_THREADS").ok().and_then(|v| v.parse().ok());
            let all = || std::thread::available_parallelism().map_or(1, usize::from);
            let n = asked.filter(|&n| n > 0).unwrap_or_else(all);
            THREADS.store(n, Ordering::Relaxed);
            n
        }
        n => n,
    }
}

/// Sets the number of threads that work on one call; at least 1. Results do not depend on it.
pub fn set_threads(n: usize) {
    THREADS.store(n.max(1), Ordering::Relaxed);
}

/// Runs `piece` for each number below `count`, on as many threads as [`threads`] says.
pub fn run(count: usize, piece: Piece) {
    let threads = threads().min(count);
    let alone = || (0..count).for_each(piece);
    if threads <= 1 || INSIDE.get() {
        return alone();
    }
    let pool = POOL.get_or_init(Pool::default);
    let mut workers = match pool.workers.try_lock() {
        Ok(workers) => workers,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    while workers.len() + 1 < threads {
        match start(Arc::clone(&pool.shared), workers.len()) {
            Some(worker) => workers.push(worker),
            None => break,
        }
    }
    let helpers = &workers[..workers.len().min(threads - 1)];
    pool.shared.run(count, piece, helpers);
}

/// What `f` gives when this thread runs all pieces of it alone.
pub fn alone<T>(f: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSIDE.set(self.0);
        }
    }
    let _restore = Restore(INSIDE.replace(true));
    f()
}

thread_local! {
    /// Whether this thread is running a piece, or is to run all of them alone.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

static POOL: OnceLock<Pool> = OnceLock::new();

#[derive(Default)]
struct Pool {
    shared: Arc<Shared>,
    /// Held by who runs a task.
    workers: Mutex<Vec<Worker>>,
}

struct Worker {
    thread: Thread,
    asleep: Arc<AtomicBool>,
}

/// The task that is being run.
#[derive(Default)]
struct Shared {
    task: Mutex<Option<Task>>,
    /// Goes up with each task.
    round: AtomicUsize,
    /// How many threads may join the present task.
    places: AtomicUsize,
    next: AtomicUsize,
    count: AtomicUsize,
    /// How many threads have joined and not left.
    working: AtomicUsize,
    panicked: AtomicBool,
}

#[derive(Clone, Copy)]
struct Task(*const (dyn Fn(usize) + Sync));

// SAFETY: the function is `Sync`, and it lives until all who joined have left.
unsafe impl Send for Task {}

impl Shared {
    fn run(&self, count: usize, piece: Piece, helpers: &[Worker]) {
        // SAFETY: only the lifetime is forgotten. A worker joins under the lock while the task is
        // there; it is taken away, and all who joined are waited for, before this function returns.
        let task = Task(unsafe {
            std::mem::transmute::<
                *const (dyn Fn(usize) + Sync),
                *const (dyn Fn(usize) + Sync + 'static),
            >(piece)
        });
        self.next.store(0, Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
        self.places.store(helpers.len(), Ordering::Relaxed);
        *self.lock() = Some(task);
        // In one order with `asleep`: either the thread sees the task or we see that it sleeps.
        self.round.fetch_add(1, Ordering::SeqCst);
        for worker in helpers {
            if worker.asleep.load(Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
        let own = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.work(piece)));
        *self.lock() = None;
        let mut spins = 0u32;
        while self.working.load(Ordering::Acquire) > 0 {
            spins += 1;
            if spins < 1 << 14 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        let other = self.panicked.swap(false, Ordering::Relaxed);
        INSIDE.set(false);
        if let Err(panic) = own {
            std::panic::resume_unwind(panic);
        }
        assert!(!other, "a piece of work panicked on another thread");
    }

    /// Pieces until none is left.
    fn work(&self, piece: Piece) {
        let count = self.count.load(Ordering::Relaxed);
        INSIDE.set(true);
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                break;
            }
            piece(i);
        }
        INSIDE.set(false);
    }

    /// Joins the present task, if there is one and a place is left.
    fn join(&self) {
        let task = {
            let task = self.lock();
            let Some(task) = *task else { return };
            let taken = self
                .places
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if taken.is_err() {
                return;
            }
            self.working.fetch_add(1, Ordering::Relaxed);
            task
        };
        // SAFETY: joined under the lock, so the caller waits until `working` is counted down.
        let piece = unsafe { &*task.0 };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.work(piece)));
        if done.is_err() {
            INSIDE.set(false);
            self.panicked.store(true, Ordering::Relaxed);
        }
        self.working.fetch_sub(1, Ordering::Release);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Task>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(shared: Arc<Shared>, number: usize) -> Option<Worker> {
    let asleep = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asleep);
    let builder = std::thread::Builder::new().name(format!("riesz-{}", number + 1));
    let handle = builder.spawn(move || wait_and_work(&shared, &flag)).ok()?;
    Some(Worker { thread: handle.thread().clone(), asleep })
}

fn wait_and_work(shared: &Shared, asleep: &AtomicBool) {
    let mut seen = 0;
    loop {
        let since = Instant::now();
        let mut spins = 0u32;
        while shared.round.load(Ordering::Acquire) == seen {
            spins = spins.wrapping_add(1);
            std::hint::spin_loop();
            // The clock is not asked at every turn.
            if spins.is_multiple_of(256) && since.elapsed() > PATIENCE {
                asleep.store(true, Ordering::SeqCst);
                if shared.round.load(Ordering::SeqCst) == seen {
                    std::thread::park();
                }
                asleep.store(false, Ordering::SeqCst);
            }
        }
        seen = shared.round.load(Ordering::Acquire);
        shared.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_runs_once() {
        for threads in [1, 2, 3, 8] {
            set_threads(threads);
            for count in [0, 1, 2, 7, 100] {
                let runs: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                run(count, &|i| {
                    runs[i].fetch_add(1, Ordering::Relaxed);
                });
                assert!(runs.iter().all(|n| n.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn tasks_from_many_threads_and_from_inside() {
        set_threads(4);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        run(8, &|_| {
                            run(3, &|_| {
                                total.fetch_add(1, Ordering::Relaxed);
                            })
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), 4 * 200 * 24);
    }
}
