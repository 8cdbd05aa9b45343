//! The usual time limit of a call is kept coarsely: never early, and hardly late.

use futures::future::join_all;
use ravelin_core::runtimes::Tokio;
use ravelin_core::{Actor, CALL_TIMEOUT, CallError, Cx, Exit, Handle, Message, ReplyTo, Serve, System};
use std::time::Duration;
use tokio::runtime::Builder;

/// How late it may be.
const LATE: Duration = Duration::from_millis(52);

struct Ask;
impl Message for Ask {
    type Reply = ();
}
struct Answer;
impl Message for Answer {
    type Reply = ();
}

/// Keeps what it is asked.
struct Silent(Vec<ReplyTo<()>>);

impl Actor for Silent {
    type Args = ();
    async fn init((): (), _: &mut Cx<Self>) -> Result<Silent, Exit> {
        Ok(Silent(Vec::new()))
    }
}

impl Serve<Ask> for Silent {
    async fn serve(&mut self, _: Ask, reply: ReplyTo<()>, _: &mut Cx<Self>) {
        self.0.push(reply);
    }
}

impl Handle<Answer> for Silent {
    async fn handle(&mut self, _: Answer, _: &mut Cx<Self>) {}
}

fn with_a_paused_clock(test: impl AsyncFnOnce(System)) {
    let tokio = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let system = System::new(Tokio::new(tokio.handle().clone()));
    tokio.block_on(test(system));
}

#[test]
fn a_call_that_says_nothing_of_time_ends_after_the_usual_limit() {
    with_a_paused_clock(async |system| {
        let silent = system.spawn::<Silent>(()).await.unwrap();
        for after in [0, 7, 30, 49] {
            let runtime = system.runtime();
            // tidy: virtual time
            ravelin_core::sleep(&**runtime, Duration::from_millis(after)).await;
            let began = runtime.now();
            assert_eq!(
                silent.call(Ask).await.unwrap_err().to_string(),
                CallError::<Ask>::Timeout.to_string()
            );
            let took = runtime.now() - began;
            assert!(CALL_TIMEOUT <= took && took <= CALL_TIMEOUT + LATE, "{took:?}");
        }
    });
}

#[test]
fn many_calls_that_began_at_different_times_end_each_at_its_own() {
    with_a_paused_clock(async |system| {
        let silent = system.spawn::<Silent>(()).await.unwrap();
        let runtime = system.runtime();
        let calls = (0..200).map(async |n| {
            // tidy: virtual time
            ravelin_core::sleep(&**runtime, Duration::from_millis(n * 13)).await;
            let began = runtime.now();
            let outcome = silent.call(Ask).await;
            (matches!(outcome, Err(CallError::Timeout)), runtime.now() - began)
        });
        for (is_late, took) in join_all(calls).await {
            assert!(is_late && CALL_TIMEOUT <= took && took <= CALL_TIMEOUT + LATE, "{took:?}");
        }
    });
}

#[test]
fn nothing_is_left_of_the_wait_of_a_call_that_was_answered() {
    with_a_paused_clock(async |system| {
        let silent = system.spawn::<Silent>(()).await.unwrap();
        silent.call(Answer).await.unwrap();
        let runtime = system.runtime();
        // tidy: virtual time
        ravelin_core::sleep(&**runtime, Duration::from_secs(1)).await;
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        silent.call(Answer).await.unwrap();
        // tidy: virtual time
        ravelin_core::sleep(&**runtime, Duration::from_secs(1)).await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), tasks);
    });
}
