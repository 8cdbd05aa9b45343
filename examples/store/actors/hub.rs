//! The hub: who listens to which channel.
//!
//! Each line notes which channels it gets; the hub's table is an index of that. So a hub that was killed is made
//! again from the lines, and no subscription is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ravelin::{Actor, Cx, Exit, Handle, Message};

use super::House;
use crate::command::PubSub;
use crate::line::{Errand, Line};
use crate::reply::Reply;
use crate::session;

/// Publish, subscribe, unsubscribe.
#[derive(Message)]
pub struct Tell(pub Errand<PubSub>);

/// A line was closed.
#[derive(Message)]
pub struct Gone(pub Arc<Line>);

pub struct Hub {
    /// For each channel its listeners, by number.
    channels: BTreeMap<Bytes, BTreeMap<i64, Arc<Line>>>,
}

impl Actor for Hub {
    type Args = Arc<House>;

    async fn init(house: Arc<House>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        let mut hub = Hub { channels: BTreeMap::new() };
        for line in house.lines.all() {
            hub.list(&line, line.subscribed());
        }
        Ok(hub)
    }

    fn inspect(&self) -> Option<String> {
        let listeners: usize = self.channels.values().map(BTreeMap::len).sum();
        Some(format!("{} channels, {listeners} listeners", self.channels.len()))
    }
}

impl Handle<Tell> for Hub {
    /// Without an await, so that what is done is also answered.
    async fn handle(&mut self, Tell(errand): Tell, _: &mut Cx<Self>) {
        let line = errand.line().clone();
        let done = errand.execute(|command| match command {
            PubSub::Publish(channel, message) => self.publish(channel, message),
            PubSub::Subscribe(channels) => {
                line.subscribe(channels);
                self.list(&line, line.subscribed());
                Reply::OK
            }
            PubSub::Unsubscribe(channels) => {
                self.strike(&line, line.unsubscribe(channels));
                Reply::OK
            }
        });
        done.answer();
    }
}

impl Handle<Gone> for Hub {
    async fn handle(&mut self, Gone(line): Gone, _: &mut Cx<Self>) {
        self.strike(&line, line.unsubscribe(&[]));
    }
}

impl Hub {
    fn list(&mut self, line: &Arc<Line>, channels: Vec<Bytes>) {
        for channel in channels {
            self.channels.entry(channel).or_default().insert(line.id(), line.clone());
        }
    }

    fn strike(&mut self, line: &Line, channels: Vec<Bytes>) {
        for channel in channels {
            if let Some(listeners) = self.channels.get_mut(&channel) {
                listeners.remove(&line.id());
                if listeners.is_empty() {
                    self.channels.remove(&channel);
                }
            }
        }
    }

    /// Leaves the message on the lines of all listeners; none of them is waited for.
    fn publish(&self, channel: &Bytes, message: &Bytes) -> Reply {
        let Some(listeners) = self.channels.get(channel) else { return Reply::Integer(0) };
        let (push, size) = (session::message(channel, message), channel.len() + message.len());
        Reply::count(listeners.values().filter(|line| line.publish(push.clone(), size)).count())
    }
}
