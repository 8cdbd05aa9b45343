//! HTTP with axum: each request calls a supervised actor.
//!
//! A panic in the actor is a 500 for the request that caused it, and the next one is served by the restarted actor. A
//! request that takes too long is a 503, and so is one that comes when there is no room. Ctrl-C stops accepting, lets the
//! requests under way finish, and then stops the tree.
//!
//! ```text
//! cargo run --example axum
//! curl localhost:3000/divide/42/2     21
//! curl localhost:3000/divide/42/0     500, and why
//! curl localhost:3000/slow/5000       503
//! ```

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ravelin::prelude::*;
use ravelin::runtimes::Tokio;
use ravelin::tower::ActorService;
use ravelin::{App, Bounded, CallError, Overflow, StartError, start, within};
use std::time::Duration;
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

/// How long a request may take.
const LIMIT: Duration = Duration::from_secs(1);

#[derive(Message)]
#[message(reply = u64)]
pub(crate) enum Ask {
    Divide(u64, u64),
    /// Takes so long.
    Slow(Duration),
}

/// Counts what it was asked, and divides by whatever one says.
pub(crate) struct Calculator {
    asked: u64,
}

impl Actor for Calculator {
    type Args = ();

    async fn init(_: (), _: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Calculator { asked: 0 })
    }
}

impl Handle<Ask> for Calculator {
    async fn handle(&mut self, ask: Ask, cx: &mut Cx<Self>) -> u64 {
        self.asked += 1;
        match ask {
            Ask::Divide(what, by) => what / by,
            Ask::Slow(time) => {
                cx.sleep(time).await;
                self.asked
            }
        }
    }
}

/// What went wrong, as HTTP has it.
struct Failed(CallError<Ask>);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = match self.0 {
            // The request ended its actor; another one will not.
            CallError::Exited(_) => StatusCode::INTERNAL_SERVER_ERROR,
            // Too much to do, too slow, or just being restarted: try again.
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, format!("{}\n", self.0)).into_response()
    }
}

/// What the handlers share: the place, and the service that calls whoever lives there.
#[derive(Clone)]
struct Site {
    calculator: ActorRef<Calculator>,
    service: ActorService<Ask>,
}

impl Site {
    async fn ask(mut self, ask: Ask) -> Result<String, Failed> {
        let answer = match self.service.call(ask).await {
            // Its supervisor is at it: a moment, and it is there again.
            Err(CallError::NoProc(ask)) => {
                let up = within(&*Tokio::current(), LIMIT, self.calculator.ready()).await;
                up.ok_or(Failed(CallError::Timeout))?;
                self.service.oneshot(ask).await
            }
            answer => answer,
        };
        answer.map(|number| format!("{number}\n")).map_err(Failed)
    }
}

async fn divide(State(site): State<Site>, Path((what, by)): Path<(u64, u64)>) -> Result<String, Failed> {
    site.ask(Ask::Divide(what, by)).await
}

async fn slow(State(site): State<Site>, Path(millis): Path<u64>) -> Result<String, Failed> {
    site.ask(Ask::Slow(Duration::from_millis(millis))).await
}

/// The tree, and the routes that lead to it.
pub(crate) async fn site(calculator: &ActorRef<Calculator>) -> Result<(App, Router), StartError> {
    let mailbox = Bounded(64).on_full(Overflow::Refuse);
    let tree = Supervisor::one_for_one("site")
        .intensity(100, LIMIT) // as many crashes as that a second; more, and the site goes down
        .child(child(calculator, || ()).mailbox(mailbox));
    let app = start(Tokio::current(), tree).await?;
    let service = ActorService::new(&calculator.recipient()).timeout(LIMIT);
    let router = Router::new()
        .route("/divide/{what}/{by}", get(divide))
        .route("/slow/{millis}", get(slow))
        .with_state(Site { calculator: calculator.clone(), service });
    Ok((app, router))
}

/// Serves until `shutdown`: then accepts nobody, finishes what is under way, and stops the tree.
pub(crate) async fn serve(
    listener: TcpListener,
    calculator: &ActorRef<Calculator>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Exit, Box<dyn std::error::Error>> {
    let (app, router) = site(calculator).await?;
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await?;
    Ok(app.stop().await.root)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/divide/42/2; Ctrl-C ends it", listener.local_addr()?);
    let calculator = ActorRef::place("calculator");
    let end =
        serve(listener, &calculator, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await?;
    println!("the tree ended: {end}");
    Ok(())
}
