//! The acceptor: a line and an actor for each client.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ravelin::{ChildError, ChildSpec, Exit, SupervisorError, sleep, task};

use super::{House, connection};
use crate::line::Line;
use crate::protocol::{Version, encode};
use crate::reply::Reply;

/// How long to wait when there are no more file descriptors, or the like.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts clients for ever.
pub async fn accept(house: Arc<House>) -> Result<(), Exit> {
    adopt_orphans(&house).await?;
    loop {
        match house.listener.accept().await {
            Ok(socket) => {
                // From here on a kill of this actor leaves an orphan, not a client that is forgotten.
                let line = house.lines.add(socket, &house.config);
                serve(&house, line).await?;
            }
            Err(error) => {
                tracing::error!(%error, "can't accept");
                sleep(house.runtime(), BREATH).await;
            }
        }
    }
}

/// Lines whose actors went with a supervisor get new ones. So do those that a predecessor did not come to.
async fn adopt_orphans(house: &Arc<House>) -> Result<(), Exit> {
    let children = house.connections.which_children().await.map_err(Exit::error)?;
    for line in house.lines.all() {
        if !children.iter().any(|child| child.id == *line.name()) {
            serve(house, line).await?;
        }
    }
    Ok(())
}

async fn serve(house: &Arc<House>, line: Arc<Line>) -> Result<(), Exit> {
    match house.connections.start_child(connection_spec(house, &line)).await {
        Ok(_) => Ok(()),
        Err(SupervisorError::Child(ChildError::MaxChildren(_))) => {
            house.lines.remove(&line);
            turn_away(&line).await;
            Ok(())
        }
        Err(error) => Err(Exit::error(error)),
    }
}

/// The actor of a line: restarted until the line is over.
fn connection_spec(house: &Arc<House>, line: &Arc<Line>) -> ChildSpec {
    let (shared, of_line) = (house.clone(), line.clone());
    task(line.name().clone(), move || connection::serve(of_line.clone(), shared.clone())).transient()
}

/// Tells the client why, if there is room for that, and does not wait.
async fn turn_away(line: &Line) {
    let mut text = bytes::BytesMut::new();
    encode(&Reply::error("ERR max number of clients reached"), Version::Resp2, &mut text);
    poll_fn(|cx| {
        if let Some(mut wire) = line.wire() {
            let _ = wire.socket.poll_write(cx, &text);
        }
        Poll::Ready(())
    })
    .await;
}
