//! The door of a node: connections that others make.

use super::event::Refused;
use super::keeper::{Accept, DialledBy, KeeperRef, Refuse};
use crate::transport::{Listener, TransportError};
use ravelin_core::Exit;

/// Lets others in.
pub(crate) async fn listen(mut listener: Box<dyn Listener>, keeper: KeeperRef) -> Result<(), Exit> {
    loop {
        match listener.accept().await {
            Ok(connection) => {
                if keeper.call(Accept(connection)).await.is_err() {
                    return Ok(());
                }
            }
            Err(why) if why.is_fatal() => return Err(Exit::error(why)),
            Err(why) => {
                if let TransportError::Tls(tls) = &why
                    && let Some(why) = Refused::by_certificate(tls)
                {
                    let _ = keeper.cast(Refuse { with: None, why, by: DialledBy::Them });
                }
                tracing::debug!(target: "ravelin", reason = %why, "ravelin.cluster.not_accepted");
            }
        }
    }
}
