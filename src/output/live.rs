//! Lines at the end of a terminal that change in place, while others go by above them.
//!
//! No line of ours is ever longer than the terminal is wide, each ends by a real line break, and the terminal
//! wraps none. So a terminal that becomes wider joins nothing, and to take the lines away it is enough to go
//! up as many rows as there are lines: nothing above is ever touched. In one that becomes narrower and wraps
//! them anew, the upper rows of what was drawn last stay behind; how a terminal goes about it cannot be asked.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use super::terminal::Size;

/// The time between two drawings.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a drawing may take that is in the way of the end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Takes away all from the cursor on.
const ERASE: &str = "\u{1b}[J";
/// Keeps a line that turns out wider than it was counted from going on in the next row.
const NO_WRAP: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";

/// What is to be drawn.
pub(super) trait Lines: Send + Sync {
    /// The lines as they are now, each of so many cells at most.
    fn lines(&self, cells: usize) -> Vec<String>;
}

/// The end of a terminal, or of none. Cheap to clone.
#[derive(Clone)]
pub(super) struct Live(Option<Arc<Area>>);

struct Area {
    state: Mutex<State>,
    /// There is something else to draw, or nothing more.
    changed: Condvar,
}

struct State {
    terminal: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> Size + Send>,
    lines: Option<Arc<dyn Lines>>,
    /// What is on the terminal.
    drawn: Vec<String>,
}

/// Draws for as long as it lives.
pub(super) struct Drawing(Arc<Area>);

impl Live {
    /// No terminal: nothing is drawn.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// On a terminal whose size can be asked for at any time.
    pub(super) fn on(
        terminal: Box<dyn Write + Send>,
        size: impl Fn() -> Size + Send + 'static,
    ) -> Self {
        let state = State { terminal, size: Box::new(size), lines: None, drawn: Vec::new() };
        Self(Some(Arc::new(Area { state: Mutex::new(state), changed: Condvar::new() })))
    }

    /// Draws these lines from now on. `None` where there is no terminal, or no thread for it.
    pub(super) fn draw(&self, lines: Arc<dyn Lines>) -> Option<Drawing> {
        let area = self.0.as_ref()?;
        area.state().lines = Some(lines);
        let here = Arc::clone(area);
        let painter = thread::Builder::new().name("progress".to_owned());
        if painter.spawn(move || here.paint()).is_ok() {
            return Some(Drawing(Arc::clone(area)));
        }
        area.state().lines = None;
        None
    }

    /// Does something that writes to the terminal, above the lines.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let Some(area) = &self.0 else { return write() };
        let mut state = area.state();
        state.erase();
        let done = write();
        state.redraw();
        done
    }

    /// Takes the lines away for good, unless the terminal keeps whoever draws on it waiting.
    pub(super) fn end(&self) {
        let Some(area) = &self.0 else { return };
        let Some(mut state) = area.state_soon() else { return };
        state.lines = None;
        state.erase();
        area.changed.notify_one();
    }
}

impl Drawing {
    /// Says that there is something else to draw.
    pub(super) fn changed(&self) {
        // Under the lock, so that it is not missed by a painter that is about to wait.
        let _state = self.0.state();
        self.0.changed.notify_one();
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        Live(Some(Arc::clone(&self.0))).end();
    }
}

impl Area {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, unless a terminal that was stopped keeps whoever draws on it waiting: the end of a run does
    /// not wait for that.
    fn state_soon(&self) -> Option<MutexGuard<'_, State>> {
        let asked = Instant::now();
        loop {
            match self.state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(state)) => return Some(state.into_inner()),
                Err(TryLockError::WouldBlock) if asked.elapsed() > PATIENCE => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(PATIENCE / 100),
            }
        }
    }

    /// Draws until there is nothing more to draw.
    fn paint(&self) {
        let mut state = self.state();
        while state.lines.is_some() {
            state.redraw();
            state = if state.drawn.is_empty() {
                self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.changed.wait_timeout(state, PAUSE);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

impl State {
    /// Brings the terminal up to date.
    fn redraw(&mut self) {
        let Some(lines) = &self.lines else { return };
        let Size { columns, rows } = (self.size)();
        // The last column stays free: a cursor behind it is not in the same place on all terminals.
        let cells = columns.saturating_sub(1);
        let mut lines = lines.lines(cells);
        // One row is for what goes by above.
        let most = rows.saturating_sub(1).max(1);
        if lines.len() > most {
            let more = format!("… and {} more", lines.len() - most + 1);
            lines.truncate(most - 1);
            lines.push(super::cells::keep_start(&more, cells));
        }
        if lines == self.drawn {
            return;
        }
        let mut text = self.way_back();
        if !lines.is_empty() {
            _ = write!(text, "{NO_WRAP}{}{WRAP}", lines.join("\r\n"));
        }
        self.put(&text);
        self.drawn = lines;
    }

    fn erase(&mut self) {
        let text = self.way_back();
        self.put(&text);
        self.drawn.clear();
    }

    /// Leads to the beginning of what is drawn, and takes it away.
    fn way_back(&self) -> String {
        match self.drawn.len() {
            0 => String::new(),
            1 => format!("\r{ERASE}"),
            rows => format!("\r\u{1b}[{}A{ERASE}", rows - 1),
        }
    }

    /// Nobody can be told that drawing failed.
    fn put(&mut self, text: &str) {
        if !text.is_empty() {
            _ = self.terminal.write_all(text.as_bytes()).and_then(|()| self.terminal.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::Memory;

    struct Fixed(Mutex<Vec<&'static str>>);

    impl Lines for Fixed {
        fn lines(&self, cells: usize) -> Vec<String> {
            let lines = self.0.lock().unwrap();
            lines.iter().map(|line| line.chars().take(cells).collect()).collect()
        }
    }

    fn area(columns: usize, rows: usize, lines: &[&'static str]) -> (State, Memory) {
        let memory = Memory::default();
        let lines: Arc<dyn Lines> = Arc::new(Fixed(Mutex::new(lines.to_vec())));
        let state = State {
            terminal: Box::new(memory.clone()),
            size: Box::new(move || Size { columns, rows }),
            lines: Some(lines),
            drawn: Vec::new(),
        };
        (state, memory)
    }

    #[test]
    fn what_is_drawn_is_taken_away_and_nothing_above_it() {
        let (mut state, memory) = area(20, 10, &["one", "two", "three"]);
        state.redraw();
        assert_eq!(memory.text(), "\u{1b}[?7lone\r\ntwo\r\nthree\u{1b}[?7h");
        state.redraw();
        state.erase();
        let again = memory.text().split_off("\u{1b}[?7lone\r\ntwo\r\nthree\u{1b}[?7h".len());
        assert_eq!(again, "\r\u{1b}[2A\u{1b}[J");
        state.erase();
        assert!(memory.text().ends_with("[2A\u{1b}[J"), "what is away is not taken away again");
    }

    #[test]
    fn more_lines_than_rows_are_counted() {
        let (mut state, memory) = area(20, 3, &["one", "two", "three"]);
        state.redraw();
        assert!(memory.text().contains("one\r\n… and 2 more"), "{}", memory.text());
        let (mut state, memory) = area(6, 1, &["one", "two"]);
        state.redraw();
        assert!(memory.text().contains("l… an…\u{1b}"), "{}", memory.text());
    }

    #[test]
    fn the_painter_leaves_with_its_drawing() {
        let memory = Memory::default();
        let live = Live::on(Box::new(memory.clone()), || Size { columns: 20, rows: 10 });
        let drawing = live.draw(Arc::new(Fixed(Mutex::new(vec!["bar"])))).unwrap();
        live.suspend(|| _ = memory.clone().write_all(b"text\n"));
        drop(drawing);
        let text = memory.text();
        assert!(text.contains("text\n\u{1b}[?7lbar") && text.ends_with("\r\u{1b}[J"), "{text:?}");
        assert!(live.0.unwrap().state().lines.is_none());
    }
}
