//! Work that is divided among threads: items are dealt out by number until none is left. And work that blocks its thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard};

use crate::error::{Error, Result};

/// Deals out the numbers below a count, each of them once, to all threads.
pub struct Numbers {
    next: AtomicUsize,
    count: usize,
}

impl Numbers {
    /// The next number; nothing when all have been dealt out, or when one of the threads has failed.
    pub fn next(&self) -> Option<usize> {
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.count)
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    fn end(&self) {
        self.next.store(self.count, Ordering::Relaxed);
    }
}

/// Runs `work` on each of at most `threads` threads, and collects what each of them returns. The work takes numbers below
/// `count` until there are none left. After a failure the other threads stop at their next number; all of them have ended
/// when this returns.
///
/// # Errors
/// The first error that `work` returns, in the order of the threads.
pub fn on_every_core<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(&Numbers) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let numbers = Numbers { next: AtomicUsize::new(0), count };
    std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| work(&numbers).inspect_err(|_| numbers.end()));
        let threads: Vec<_> = (0..threads.clamp(1, count.max(1))).map(start).collect();
        let results: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        results.into_iter().map(|result| result.map_err(|_| panicked())?).collect()
    })
}

/// Runs `work` on each item, on at most `threads` threads.
///
/// # Errors
/// The first error that `work` returns.
pub fn for_each<I: Sync>(items: &[I], threads: usize, work: impl Fn(&I) -> Result<()> + Sync) -> Result<()> {
    on_every_core(threads, items.len(), |numbers| {
        while let Some(item) = numbers.next().and_then(|number| items.get(number)) {
            work(item)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Items that wait for a thread, and results that wait to be taken, of each thread.
const WAITING: usize = 2;

/// Maps the items that `produce` passes on, on so many threads, and gives the results to `take` in the order of the items.
/// `produce` runs on a thread of its own; its next item fails once `take` has failed.
///
/// # Errors
/// The first error of `take`, else that of `produce`.
pub fn map_in_order<T: Send, R: Send, S: Send>(
    threads: usize,
    produce: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<S> + Send,
    map: impl Fn(T) -> R + Sync,
    take: impl FnMut(R) -> Result<()>,
) -> Result<S> {
    let map = &map;
    std::thread::scope(|scope| {
        let (mut items, mut results, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..threads.max(1) {
            let (sender, of_thread) = sync_channel::<T>(WAITING);
            let (answer, receiver) = sync_channel::<R>(WAITING);
            // Ends when no item comes any more, or no result is taken.
            workers.push(scope.spawn(move || of_thread.iter().try_for_each(|item| answer.send(map(item)))));
            items.push(sender);
            results.push(receiver);
        }
        let producer = scope.spawn(move || {
            let mut number = 0;
            produce(&mut |item| {
                let thread = items.get(number % items.len());
                number += 1;
                thread.map_or(Ok(()), |thread| {
                    thread.send(item).map_err(|_| Error::Worker("no thread takes items".to_owned()))
                })
            })
        });
        let taken = results.iter().cycle().map_while(|thread| thread.recv().ok()).try_for_each(take);
        drop(results);
        let produced = producer.join().map_err(|_| panicked())?;
        taken?;
        let produced = produced?;
        for worker in workers {
            // What a thread could not send has ended `take` or `produce` above.
            let _: std::result::Result<(), _> = worker.join().map_err(|_| panicked())?;
        }
        Ok(produced)
    })
}

/// Runs work that blocks its thread beside the asynchronous work.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// Locks what threads share.
///
/// # Errors
/// When one of the threads has panicked.
pub fn lock<T>(shared: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    shared.lock().map_err(|_| panicked())
}

/// Takes what threads have shared.
///
/// # Errors
/// When one of the threads has panicked.
pub fn into_inner<T>(shared: Mutex<T>) -> Result<T> {
    shared.into_inner().map_err(|_| panicked())
}

fn panicked() -> Error {
    Error::Worker("a thread panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_a_failure_ends_all() {
        let count = |send: &mut dyn FnMut(u64) -> Result<()>| (0..1000).try_for_each(send).map(|()| "all");
        let mut taken = Vec::new();
        let mut take = |number| {
            taken.push(number);
            Ok(())
        };
        let produced = map_in_order(3, count, |number| number * 2, &mut take);
        assert_eq!(produced.unwrap(), "all");
        assert!(taken.into_iter().eq((0..1000).map(|number| number * 2)));

        let endless = |send: &mut dyn FnMut(u64) -> Result<()>| (0..u64::MAX).try_for_each(send);
        let refuse = |number| if number < 9 { Ok(()) } else { Err(Error::refused("no more")) };
        assert_eq!(map_in_order(2, endless, |number| number, refuse).unwrap_err().to_string(), "no more");
        let broken = |send: &mut dyn FnMut(u64) -> Result<()>| send(1).and(Err::<(), _>(Error::refused("torn")));
        assert_eq!(map_in_order(2, broken, |number| number, |_| Ok(())).unwrap_err().to_string(), "torn");
    }

    #[test]
    fn each_number_goes_to_one_thread_and_a_failure_ends_all() {
        let taken = |numbers: &Numbers| Ok(std::iter::from_fn(|| numbers.next()).collect::<Vec<_>>());
        let mut all = on_every_core(2, 1000, taken).unwrap().concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1000));
        // More numbers than one thread would take while the other fails.
        let count = 1 << 30;
        let left = AtomicUsize::new(count);
        let failing = |numbers: &Numbers| {
            while let Some(number) = numbers.next() {
                left.fetch_sub(1, Ordering::Relaxed);
                if number == 0 {
                    return Err(Error::refused("no more"));
                }
            }
            Ok(())
        };
        assert_eq!(on_every_core(2, count, failing).unwrap_err().to_string(), "no more");
        assert!(left.load(Ordering::Relaxed) > 0);
    }
}
