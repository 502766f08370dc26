//! Posts what was composed: for each account its manifest, one `upload` after another, by the same rules as under cron.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::Console;
use super::answer::hearing;
use super::queue::text_of;
use crate::cli::RunArgs;
use crate::commands::run_upload;
use crate::commands::upload::{PostList, TextList};
use crate::commands::watch::pause;

/// How often what was put off is tried again, if nothing says when it may be.
const EVERY: Duration = Duration::from_mins(5);

/// The states of a post that nothing more is to be done for.
const DONE: [&str; 3] = ["published", "inbox", "skipped"];

/// The tasks that post, one for an account.
#[derive(Debug, Default)]
pub(super) struct Workers {
    tasks: Mutex<JoinSet<()>>,
    wakes: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Workers {
    /// Sees to it that the posts of an account are looked at now.
    pub(super) fn wake(&self, console: &Arc<Console>, open_id: &str) {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(open_id) {
            wake.notify_one();
            return;
        }
        let wake = Arc::new(Notify::new());
        wakes.insert(open_id.to_owned(), Arc::clone(&wake));
        let task = serve_account(Arc::clone(console), open_id.to_owned(), wake);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Waits until none posts any more, once they were asked to stop.
    pub(super) async fn end(&self) {
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }
}

/// Posts what an account's manifest lists, for as long as the console runs.
async fn serve_account(console: Arc<Console>, open_id: String, wake: Arc<Notify>) {
    let shutdown = console.context().shutdown;
    while shutdown.asked().is_none() {
        let waits = Box::pin(round(&console, &open_id)).await;
        tokio::select! {
            biased;
            _ = shutdown.requested() => return,
            () = wake.notified() => {}
            () = sleep(waits) => {}
        }
    }
}

async fn sleep(waits: Option<Duration>) {
    match waits {
        Some(waits) => tokio::time::sleep(waits).await,
        None => std::future::pending().await,
    }
}

/// One upload of what is there; how long until the next one is worth it. `None`: until something changes.
async fn round(console: &Arc<Console>, open_id: &str) -> Option<Duration> {
    let entries = match console.queue.entries(open_id) {
        Ok(entries) if entries.is_empty() => return None,
        Ok(entries) => entries,
        Err(error) => {
            console.context().printer.warn(error.to_string());
            return Some(EVERY);
        }
    };
    let ids: Vec<String> =
        entries.iter().map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect();
    let list = PostList::Text(Arc::new(TextList {
        path: console.queue.manifest(open_id),
        text: text_of(&entries),
    }));
    let ended = Arc::<Mutex<Vec<(String, String)>>>::default();
    let (live, keep) = (Arc::clone(&console.live), Arc::clone(&ended));
    let hear = move |event: Value| {
        let index = event["index"].as_u64().and_then(|at| usize::try_from(at).ok());
        let Some(id) = index.and_then(|at| ids.get(at)) else { return };
        live.hear(id, &event);
        if let Some(state) = event["state"].as_str().filter(|_| event["event"] == "post") {
            let mut ended = keep.lock().unwrap_or_else(PoisonError::into_inner);
            ended.push((id.clone(), state.to_owned()));
        }
    };
    let heard = hearing(console.context(), hear);
    let (context, printer) = (heard.context.clone(), heard.context.printer.clone());
    let ran = run_upload(&printer, Ok(context), &list, &RunArgs::default()).await;
    if let Err(failure) = &ran {
        console.context().printer.failure(failure);
    }
    let ended = std::mem::take(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner));
    let is_done =
        |id: &str| ended.iter().any(|(of, state)| of == id && DONE.contains(&state.as_str()));
    // What the journal has for good need not be listed any more.
    let kept = console.queue.change(open_id, |entries| {
        entries.retain(|it| !it["id"].as_str().is_some_and(is_done));
        entries.len()
    });
    match kept {
        Ok(0) => None,
        Ok(_) => Some(pause(EVERY, printer.notes(), heard.context.settings.clock.now())),
        Err(error) => {
            console.context().printer.warn(error.to_string());
            Some(EVERY)
        }
    }
}
