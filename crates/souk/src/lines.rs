//! Lines that a thread of their own writes, many at once where there are many.
//!
//! A system call a line, or a thread that is woken for each, costs about as much as answering a page from memory. So lines are
//! gathered for a few milliseconds, and only the first of them wakes the thread.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(5);
/// Bytes that may wait. Beyond, whoever has another line waits with them: a log that cannot keep up slows Souk down rather than
/// that lines are missing.
const MOST: usize = 4 << 20;

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    bytes: Mutex<State>,
    /// There is something to write, or nothing more will come.
    came: Condvar,
    /// There is room again.
    went: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    closed: bool,
}

/// Where lines go; cheap to clone.
#[derive(Clone)]
pub struct Lines(Arc<Waiting>);

/// The thread that writes. Dropped, it writes what is left.
pub struct Writing {
    waiting: Arc<Waiting>,
    thread: Option<JoinHandle<()>>,
}

impl Writing {
    /// Starts to write to `target`.
    pub fn start(target: impl Write + Send + 'static) -> Self {
        let waiting = Arc::new(Waiting::default());
        let shared = Arc::clone(&waiting);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.write(target)).ok();
        waiting.lock().closed = thread.is_none();
        Self { waiting, thread }
    }

    /// Where to put lines.
    pub fn lines(&self) -> Lines {
        Lines(Arc::clone(&self.waiting))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.waiting.lock().closed = true;
        self.waiting.came.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic; and if it did, nobody would be left to tell.
            let _ = thread.join();
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut target: impl Write) {
        let mut written = Vec::new();
        loop {
            let state = self.lock();
            let state = self.came.wait_while(state, |state| state.bytes.is_empty() && !state.closed);
            let closed = state.unwrap_or_else(PoisonError::into_inner).closed;
            if !closed {
                std::thread::sleep(GATHER);
            }
            std::mem::swap(&mut written, &mut self.lock().bytes);
            self.went.notify_all();
            // Where the log goes to is gone; the program goes on without.
            let _ = target.write_all(&written).and_then(|()| target.flush());
            written.clear();
            if closed && self.lock().bytes.is_empty() {
                return;
            }
        }
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        while state.bytes.len() > MOST && !state.closed {
            state = self.0.went.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            // Nobody gathers any more, or nobody ever did.
            return io::stderr().write(line);
        }
        let first = state.bytes.is_empty();
        state.bytes.extend_from_slice(line);
        drop(state);
        if first {
            self.0.came.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_whole_and_in_the_order_of_its_thread() {
        let sink = Sink::default();
        let writing = Writing::start(sink.clone());
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let mut lines = writing.lines();
                // More than may wait at once.
                std::thread::spawn(move || {
                    let filler = "x".repeat(200);
                    for number in 0..10_000 {
                        lines.write_all(format!("{thread} {number} {filler}\n").as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(writing);
        let text = String::from_utf8(std::mem::take(&mut *sink.0.lock().unwrap())).unwrap();
        let mut next = [0; 4];
        for line in text.lines() {
            let mut words = line.split(' ');
            let thread: usize = words.next().unwrap().parse().unwrap();
            assert_eq!(words.next().unwrap().parse(), Ok(next[thread]));
            assert_eq!(words.next().map(str::len), Some(200));
            next[thread] += 1;
        }
        assert_eq!(next, [10_000; 4]);
    }

    #[test]
    fn the_last_line_is_written_at_the_end() {
        let sink = Sink::default();
        let writing = Writing::start(sink.clone());
        writing.lines().write_all(b"last words\n").unwrap();
        drop(writing);
        assert_eq!(*sink.0.lock().unwrap(), b"last words\n");
    }
}
