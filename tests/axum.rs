//! The axum example: panics are a 500 for one request, time-outs a 503, and the end is orderly.

#[path = "../examples/axum.rs"]
#[allow(dead_code)]
mod example;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use example::{Calculator, serve, site};
use ravelin::{ActorRef, Exit};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

#[test]
fn each_request_calls_the_actor_and_its_crash_is_the_business_of_one_request() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    tokio.unwrap().block_on(async {
        let calculator = ActorRef::<Calculator>::place("calculator");
        let (app, router) = site(&calculator).await.unwrap();
        let get = async |path: &str| {
            let response =
                router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
            let status = response.status();
            let body = to_bytes(response.into_body(), 1000).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(get("/divide/42/2").await, (StatusCode::OK, "21\n".into()));
        for _ in 0..3 {
            let (status, why) = get("/divide/42/0").await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
            assert!(why.contains("divide by zero"), "{why}");
            assert_eq!(get("/divide/42/3").await, (StatusCode::OK, "14\n".into()), "the restarted one");
        }
        let (late, in_time) = (get("/slow/5000").await, get("/divide/1/x").await);
        assert_eq!(late, (StatusCode::SERVICE_UNAVAILABLE, "no answer in time\n".into()));
        assert_eq!(in_time.0, StatusCode::BAD_REQUEST);
        app.stop().await;
        assert_eq!(get("/divide/42/2").await.0, StatusCode::SERVICE_UNAVAILABLE, "nobody comes back");
    });
}

/// Sends a request, and gives the connection that the response comes on.
async fn ask(server: SocketAddr, path: &str) -> TcpStream {
    let mut connection = TcpStream::connect(server).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

async fn answer(mut connection: TcpStream) -> String {
    let mut text = String::new();
    connection.read_to_string(&mut text).await.unwrap();
    text
}

#[test]
fn a_shutdown_finishes_what_is_under_way_and_then_stops_the_tree() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let calculator = ActorRef::<Calculator>::place("calculator");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let (end, ends) = oneshot::channel::<()>();
        let client = async {
            let good = answer(ask(server, "/divide/42/2").await).await;
            assert!(good.starts_with("HTTP/1.1 200") && good.ends_with("21\n"), "{good}");
            let slow = ask(server, "/slow/50").await;
            // It is being handled: what it was asked is no longer in the mailbox.
            while calculator.ledger().accepted < 2 {
                smol::future::yield_now().await;
            }
            end.send(()).unwrap();
            assert!(answer(slow).await.ends_with("2\n"));
        };
        let served =
            async { serve(listener, &calculator, async { ends.await.unwrap_or_default() }).await.unwrap() };
        let (root, ()) = futures::future::join(served, client).await;
        assert_eq!(root, Exit::Shutdown);
        assert!(!calculator.is_alive());
        assert!(TcpStream::connect(server).await.is_err(), "nobody listens");
    });
}
