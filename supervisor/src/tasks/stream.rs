//! A task for each input, no more at a time than one says. Elixir's `Task.Supervisor.async_stream`.

use super::handle::{OnDrop, TaskError};
use super::supervisor::{Caller, TaskSupervisor};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Fuse, FuturesUnordered, Stream, StreamExt};
use ravelin_core::Pid;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How many tasks run at a time when nothing is said.
const MAX_CONCURRENCY: usize = 8;

/// What becomes of a stream when a task takes too long. Elixir's `on_timeout`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnTimeout {
    /// The time-out is the stream's last item, and all tasks end. Elixir's `:exit`.
    #[default]
    FailStream,
    /// The task ends, the time-out is its item, and the stream goes on. Elixir's `:kill_task`.
    KillTask,
}

/// A task of a stream that gave no value.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskFailed<I> {
    /// What it was to work on, if [`TaskStream::zip_input_on_exit`] was asked for.
    pub input: Option<I>,
    /// Why there is no value.
    pub why: TaskError,
}

impl<I> fmt::Display for TaskFailed<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<I: fmt::Debug> std::error::Error for TaskFailed<I> {}

/// The item of a stream of tasks.
type Item<I, T> = Result<T, TaskFailed<I>>;

/// A stream with the outcome of a task for each input; see [`TaskSupervisor::async_stream`].
///
/// Nothing happens before it is polled. At any time there are at most [`max_concurrency`](TaskStream::max_concurrency)
/// tasks that run or whose outcome was not taken yet; an input is taken only when there is room for its task. So who
/// takes slowly slows the inputs down, and memory is bounded.
///
/// # Cancel safety
/// Dropped half-way, its tasks end at their next awaits, and no other one begins. Dropping the future of a `next()` loses
/// nothing.
#[must_use = "a stream does nothing until it is polled"]
pub struct TaskStream<I, T> {
    tasks: TaskSupervisor,
    inputs: Fuse<BoxStream<'static, I>>,
    make: Box<dyn FnMut(I) -> BoxFuture<'static, T> + Send>,
    owner: Option<Pid>,
    max_concurrency: usize,
    is_ordered: bool,
    limit: Option<Duration>,
    on_timeout: OnTimeout,
    clone_input: Option<fn(&I) -> I>,
    running: FuturesUnordered<BoxFuture<'static, (u64, Item<I, T>)>>,
    /// Outcomes that wait for those of inputs before theirs.
    early: BTreeMap<u64, Item<I, T>>,
    taken: u64,
    given: u64,
    is_over: bool,
}

impl TaskSupervisor {
    /// Runs a task for each of `inputs`, with the future that `make` makes of it, and gives the outcomes as a stream, in
    /// the order of the inputs. If the caller is an actor, each task is linked to it as by
    /// [`async_task`](TaskSupervisor::async_task). A task that fails is an error item, for a caller that lives on.
    /// Elixir's `Task.Supervisor.async_stream`.
    ///
    /// ```
    /// # use ravelin_core::runtimes::Local;
    /// # use ravelin_supervisor::{Supervisor, start, tasks::{Outside, TaskSupervisor}};
    /// use futures::StreamExt;
    /// # let local = Local::new();
    /// # let runtime = local.clone();
    /// # local.block_on(async move {
    /// let tasks = TaskSupervisor::place("tasks");
    /// # let app = start(runtime, Supervisor::one_for_one("app").child(&tasks)).await.unwrap();
    /// let squares = tasks.async_stream(&Outside, 1..=4, |n| async move { n * n }).max_concurrency(2);
    /// let squares: Vec<u32> = squares.filter_map(|item| async { item.ok() }).collect().await;
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// # app.stop().await;
    /// # });
    /// ```
    pub fn async_stream<C, In, F, Fut>(
        &self,
        caller: &C,
        inputs: In,
        make: F,
    ) -> TaskStream<In::Item, Fut::Output>
    where
        C: Caller + ?Sized,
        In: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
        F: FnMut(In::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send> + Send + 'static,
    {
        TaskStream::new(self, caller.actor(), stream::iter(inputs), make)
    }

    /// As [`async_stream`](TaskSupervisor::async_stream), linked to nobody: a task that fails is an error item and
    /// nothing else. Elixir's `async_stream_nolink`.
    pub fn async_stream_nolink<In, F, Fut>(&self, inputs: In, make: F) -> TaskStream<In::Item, Fut::Output>
    where
        In: IntoIterator<Item: Send + 'static, IntoIter: Send + 'static>,
        F: FnMut(In::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send> + Send + 'static,
    {
        TaskStream::new(self, None, stream::iter(inputs), make)
    }

    /// As [`async_stream`](TaskSupervisor::async_stream), for inputs that come as a stream.
    pub fn async_stream_from<C, S, F, Fut>(
        &self,
        caller: &C,
        inputs: S,
        make: F,
    ) -> TaskStream<S::Item, Fut::Output>
    where
        C: Caller + ?Sized,
        S: Stream<Item: Send + 'static> + Send + 'static,
        F: FnMut(S::Item) -> Fut + Send + 'static,
        Fut: Future<Output: Send> + Send + 'static,
    {
        TaskStream::new(self, caller.actor(), inputs, make)
    }
}

impl<I: Send + 'static, T: Send + 'static> TaskStream<I, T> {
    fn new<S, F, Fut>(tasks: &TaskSupervisor, owner: Option<Pid>, inputs: S, mut make: F) -> TaskStream<I, T>
    where
        S: Stream<Item = I> + Send + 'static,
        F: FnMut(I) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        TaskStream {
            tasks: tasks.clone(),
            inputs: inputs.boxed().fuse(),
            make: Box::new(move |input| Box::pin(make(input))),
            owner,
            max_concurrency: MAX_CONCURRENCY,
            is_ordered: true,
            limit: Some(ravelin_core::CALL_TIMEOUT),
            on_timeout: OnTimeout::default(),
            clone_input: None,
            running: FuturesUnordered::new(),
            early: BTreeMap::new(),
            taken: 0,
            given: 0,
            is_over: false,
        }
    }

    /// At most so many tasks at a time; 8 if nothing is said, and 0 counts as 1.
    pub fn max_concurrency(mut self, max: usize) -> Self {
        self.max_concurrency = max.max(1);
        self
    }

    /// The outcomes in the order in which they come.
    pub fn unordered(mut self) -> Self {
        self.is_ordered = false;
        self
    }

    /// How long each task may take, and what a longer one means; five seconds and [`OnTimeout::FailStream`] if nothing
    /// is said.
    pub fn timeout(mut self, limit: Duration, on_timeout: OnTimeout) -> Self {
        (self.limit, self.on_timeout) = (Some(limit), on_timeout);
        self
    }

    /// Each task may take as long as it likes.
    pub fn no_timeout(mut self) -> Self {
        self.limit = None;
        self
    }

    /// Keeps a clone of each input, to give it back with the error if its task fails. Elixir's option of this name.
    pub fn zip_input_on_exit(mut self) -> Self
    where
        I: Clone,
    {
        self.clone_input = Some(I::clone);
        self
    }

    fn begin(&mut self, input: I) {
        let number = self.taken;
        self.taken += 1;
        let kept = self.clone_input.map(|clone| clone(&input));
        let work = (self.make)(input);
        let (tasks, owner, limit) = (self.tasks.clone(), self.owner, self.limit);
        self.running.push(Box::pin(async move {
            let outcome = match tasks.run(work, owner, OnDrop::End).await {
                Ok(task) => match limit {
                    Some(limit) => task.timeout(limit).await,
                    None => task.no_timeout().await,
                },
                Err(why) => Err(TaskError::NotStarted(why)),
            };
            (number, outcome.map_err(|why| TaskFailed { input: kept, why }))
        }));
    }

    fn give(&mut self, item: Item<I, T>) -> Poll<Option<Item<I, T>>> {
        self.given += 1;
        let timed_out = matches!(&item, Err(failed) if failed.why == TaskError::Timeout);
        if timed_out && self.on_timeout == OnTimeout::FailStream {
            self.is_over = true;
            self.early.clear();
            self.running.clear();
        }
        Poll::Ready(Some(item))
    }
}

impl<I, T> Unpin for TaskStream<I, T> {}

impl<I: Send + 'static, T: Send + 'static> Stream for TaskStream<I, T> {
    type Item = Result<T, TaskFailed<I>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        loop {
            if let Some(item) = this.early.remove(&this.given) {
                return this.give(item);
            }
            while this.running.len() + this.early.len() < this.max_concurrency {
                match this.inputs.poll_next_unpin(cx) {
                    Poll::Ready(Some(input)) => this.begin(input),
                    Poll::Ready(None) | Poll::Pending => break,
                }
            }
            match this.running.poll_next_unpin(cx) {
                Poll::Ready(Some((number, item))) if this.is_ordered => drop(this.early.insert(number, item)),
                Poll::Ready(Some((_, item))) => return this.give(item),
                Poll::Ready(None) if this.inputs.is_done() => {
                    this.is_over = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<I, T> fmt::Debug for TaskStream<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("running", &self.running.len())
            .field("early", &self.early.len())
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}
