//! Pieces of work that wait for the store's thread together are done together: a save writes the whole store,
//! so that a thousand of them, one by one, would write it a thousand times.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::store::thread::StoreThread;
use crate::store::{AccountError, StoreError, StoreFuture};

/// Work of one kind that waits for the thread. Cheap to clone.
#[derive(Debug)]
pub(super) struct Group<T, R>(Arc<Mutex<Vec<Waiting<T, R>>>>);

#[derive(Debug)]
struct Waiting<T, R> {
    piece: T,
    tell: oneshot::Sender<Result<R, AccountError>>,
}

impl<T, R> Default for Group<T, R> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Send + 'static, R: Send + 'static> Group<T, R> {
    /// Does a piece of work with all others that wait by then. If that fails, each is done by itself, and has
    /// an error of its own. Once begun it is done to its end.
    pub(super) fn run<'a>(
        &self,
        thread: &'a StoreThread,
        piece: T,
        work: impl Fn(&[&T]) -> Result<Vec<R>, AccountError> + Send + 'static,
    ) -> StoreFuture<'a, R> {
        let waiting = Arc::clone(&self.0);
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { piece, tell });
            thread
                .run(move || {
                    let all = std::mem::take(
                        &mut *waiting.lock().unwrap_or_else(PoisonError::into_inner),
                    );
                    do_all(all, work);
                    Ok::<_, StoreError>(())
                })
                .await?;
            Ok(told.await.map_err(|_| StoreError::Closed)??)
        })
    }
}

fn do_all<T, R>(mut all: Vec<Waiting<T, R>>, work: impl Fn(&[&T]) -> Result<Vec<R>, AccountError>) {
    if all.len() > 1
        && let Ok(done) = work(&all.iter().map(|one| &one.piece).collect::<Vec<_>>())
    {
        for (one, done) in all.drain(..).zip(done) {
            // Whoever asked may have gone.
            _ = one.tell.send(Ok(done));
        }
    }
    for one in all {
        let done = work(&[&one.piece]).map(|done| done.into_iter().next());
        if let Some(done) = done.transpose() {
            _ = one.tell.send(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn refused() -> AccountError {
        AccountError::Corrupt { path: "tokens".into(), what: "odd".to_owned() }
    }

    #[tokio::test]
    async fn what_waits_together_is_done_together_and_fails_alone() {
        let thread = StoreThread::start().unwrap();
        let group = Group::<u32, u32>::default();
        let (done, sizes) = mpsc::channel();
        let work = move |pieces: &[&u32]| {
            _ = done.send(pieces.len());
            let odd = pieces.iter().any(|piece| **piece == 3);
            if odd { Err(refused()) } else { Ok(pieces.iter().map(|piece| **piece * 10).collect()) }
        };
        // The thread is busy until all of them wait.
        let (free, busy) = mpsc::channel::<()>();
        let blocked = thread.run(move || {
            _ = busy.recv();
            Ok::<_, StoreError>(())
        });
        let all = [1, 2, 4].map(|piece| group.run(&thread, piece, work.clone()));
        let (held, [one, two, four], ()) =
            // In this order: they wait before the thread is free.
            tokio::join!(
                biased;
                blocked,
                async {
                    let [a, b, c] = all;
                    <[_; 3]>::from(tokio::join!(a, b, c))
                },
                async move { drop(free) }
            );
        held.unwrap();
        assert_eq!((one.unwrap(), two.unwrap(), four.unwrap()), (10, 20, 40));
        assert_eq!(sizes.try_iter().collect::<Vec<_>>(), [3]);

        let (free, busy) = mpsc::channel::<()>();
        let blocked = thread.run(move || {
            _ = busy.recv();
            Ok::<_, StoreError>(())
        });
        let all = [3, 5].map(|piece| group.run(&thread, piece, work.clone()));
        let (held, [three, five], ()) = tokio::join!(
            biased;
            blocked,
            async {
                let [a, b] = all;
                <[_; 2]>::from(tokio::join!(a, b))
            },
            async move { drop(free) }
        );
        held.unwrap();
        assert!(matches!(three, Err(StoreError::Account(AccountError::Corrupt { .. }))));
        assert_eq!(five.unwrap(), 50);
        assert_eq!(sizes.try_iter().collect::<Vec<_>>(), [2, 1, 1]);
    }
}
