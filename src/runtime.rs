//! The async runtime. All threads that a run needs are there before anything begins: a runtime that
//! gets none later waits for ever, or ends the program.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{fs, panic, thread};

use tokio::runtime::{Builder, Runtime};

use crate::problem::{Coded, ErrorCode, Problem};
use crate::resources::{Reserve, Shortage, no_threads, prove_threads};

/// Threads of the async runtime: the work is waiting and copying, not computing.
const WORKERS: std::ops::RangeInclusive<usize> = 2..=4;

/// Threads for files and name lookups that are there from the start, so that work never waits for one
/// that cannot be had.
const BLOCKING: usize = 4;

/// Threads besides, which start when they are needed: the store's, and those for standard input, a
/// command's output, the files of a refresh.
const OTHERS: usize = 3;

/// Descriptors that a run needs at least: the runtime's own, the stores, a connection, a video.
const DESCRIPTORS: usize = 32;

/// Memory that a run needs at least, in bytes, its threads' stacks apart.
const MEMORY: usize = 16 << 20;

/// The stack of a thread, in bytes.
const STACK: usize = 2 << 20;

/// Threads that are idle stay for the whole run, however long that is.
const STAY: Duration = Duration::from_hours(365 * 24);

/// Why the threads of a run could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system does not give what is needed.
    #[error(transparent)]
    Shortage(#[from] Shortage),
    /// It refused something else. All that is asked of it are descriptors and threads.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl Coded for StartError {
    fn problem(&self) -> Problem {
        match self {
            Self::Shortage(shortage) => shortage.problem(),
            Self::Runtime(_) => ErrorCode::RuntimeNotStarted.into(),
        }
    }
}

/// How long threads that the system has promised may take to start.
const START: Duration = Duration::from_secs(10);

/// How long one is waited for before it is asked for again.
const AGAIN: Duration = Duration::from_millis(100);

/// Starts it, or says which limit is too low for a run.
pub(crate) fn start() -> Result<Runtime, StartError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.clamp(*WORKERS.start(), *WORKERS.end());
    // Memory first: where that is missing, a thread fails for want of its stack, and the limit on
    // threads is not to blame.
    drop(Reserve::take(DESCRIPTORS, MEMORY + (workers + BLOCKING + OTHERS) * STACK)?);
    // Where it gets no thread the builder panics, and then waits for those that it has. So that happens
    // beside, where it keeps nobody.
    let (tell, told) = mpsc::channel();
    let usual = Arc::new(panic::take_hook());
    let tells = Arc::clone(&usual);
    let panicked = tell.clone();
    panic::set_hook(Box::new(move |panic| {
        if Shortage::in_panic(panic).is_some() {
            // That ends the process, and not by itself.
            tells(panic);
        }
        _ = panicked.send(Err(no_threads().into()));
    }));
    let starter = thread::Builder::new().spawn(move || _ = tell.send(build(workers)));
    let outcome = match starter {
        Ok(_) => told.recv().unwrap_or_else(|_| Err(no_threads().into())),
        Err(_) => Err(no_threads().into()),
    };
    panic::set_hook(Box::new(move |panic| usual(panic)));
    outcome
}

fn build(workers: usize) -> Result<Runtime, StartError> {
    let threads = Arc::new(Threads::default());
    let started = Arc::clone(&threads);
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_stack_size(STACK)
        .thread_keep_alive(STAY)
        .on_thread_start(move || started.count_one())
        .enable_all()
        .build()
        .map_err(|error| match Shortage::in_error(&error) {
            Some(shortage) => shortage.into(),
            None => StartError::Runtime(error),
        })?;
    for _ in 0..BLOCKING {
        let threads = Arc::clone(&threads);
        runtime.spawn_blocking(move || threads.wait_for_the_others());
    }
    let deadline = Instant::now() + START;
    // The main thread and this one are there besides.
    while !exist(workers + BLOCKING + 2) && !threads.wait_for(workers + BLOCKING) {
        if let Err(shortage) = prove_threads(1) {
            return Err(given_up(runtime, &threads, shortage));
        }
        if Instant::now() >= deadline {
            return Err(given_up(runtime, &threads, no_threads()));
        }
        // For more work the runtime asks the system once more.
        runtime.spawn_blocking(|| {});
    }
    threads.let_go();
    Ok(runtime)
}

/// Whether so many threads exist, where the system says so: then none of them need be waited for.
fn exist(count: usize) -> bool {
    let threads =
        if cfg!(target_os = "linux") { fs::read_dir("/proc/self/task").ok() } else { None };
    threads.is_some_and(|threads| threads.count() >= count)
}

fn given_up(runtime: Runtime, threads: &Threads, shortage: Shortage) -> StartError {
    threads.let_go();
    runtime.shutdown_background();
    shortage.into()
}

/// How many threads have started, and whether those that wait for the others may go on.
#[derive(Default)]
struct Threads {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Threads {
    fn count_one(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        self.changed.notify_all();
    }

    fn let_go(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }

    /// Keeps a thread busy, so that the next piece of work gets another one.
    fn wait_for_the_others(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(state, |(_, may_go)| !*may_go);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits a little until so many have started; says whether they have.
    fn wait_for(&self, count: usize) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, AGAIN, |(started, _)| *started < count);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.0 >= count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_blocks_finds_a_thread_at_once() {
        let runtime = build(2).unwrap();
        let threads = Arc::new(Threads::default());
        for _ in 0..BLOCKING {
            let threads = Arc::clone(&threads);
            runtime.spawn_blocking(move || {
                threads.count_one();
                threads.wait_for_the_others();
            });
        }
        while !threads.wait_for(BLOCKING) {}
        threads.let_go();
    }
}
