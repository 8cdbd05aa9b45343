//! The hub: who listens to what, and what is published, here and on the other stores of the cluster.
//!
//! Each line notes what it gets; the hub's table is an index of that. So a hub that was killed is made
//! again from the lines, and no subscription is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ravelin::cluster::{Accepts, Remote};
use ravelin::{Actor, Cx, Exit, Handle, Message};
use serde::{Deserialize, Serialize};

use super::House;
use crate::command::PubSub;
use crate::line::{Errand, Line};
use crate::reply::Reply;
use crate::session;
use crate::topic::{Case, Kind, Topic, matches};

/// Publish, subscribe, unsubscribe.
#[derive(Message)]
pub struct Tell(pub Errand<PubSub>);

/// A line was closed.
#[derive(Message)]
pub struct Gone(pub Arc<Line>);

/// Published on another store: the channel and the message.
#[derive(Deserialize, Message, Serialize)]
#[message(wire = "store.published")]
pub struct Published(Vec<u8>, Vec<u8>);

pub struct Hub {
    house: Arc<House>,
    /// For each topic its listeners, by number.
    topics: BTreeMap<Topic, BTreeMap<i64, Arc<Line>>>,
}

impl Remote for Hub {
    fn accepts(messages: &mut Accepts<Hub>) {
        messages.add::<Published>();
    }
}

impl Actor for Hub {
    type Args = Arc<House>;

    async fn init(house: Arc<House>, _: &mut Cx<Self>) -> Result<Self, Exit> {
        if let Some(node) = &house.node {
            node.join(&house.hubs, &house.hub).await.map_err(Exit::error)?;
        }
        let mut hub = Hub { house: house.clone(), topics: BTreeMap::new() };
        for line in house.lines.all() {
            hub.list(&line, line.subscribed());
        }
        Ok(hub)
    }

    fn inspect(&self) -> Option<String> {
        let listeners: usize = self.topics.values().map(BTreeMap::len).sum();
        Some(format!("{} channels, {listeners} listeners", self.topics.len()))
    }
}

impl Handle<Tell> for Hub {
    /// Without an await, so that what is done is also answered.
    async fn handle(&mut self, Tell(errand): Tell, _: &mut Cx<Self>) {
        let line = errand.line().clone();
        let done = errand.execute(|command| match command {
            PubSub::Publish(channel, message) => {
                self.tell_others(channel, message);
                self.publish(channel, message)
            }
            PubSub::Subscribe(kind, names) => {
                line.subscribe(*kind, names);
                self.list(&line, line.subscribed());
                Reply::OK
            }
            PubSub::Unsubscribe(kind, names) => {
                self.strike(&line, line.unsubscribe(*kind, names));
                Reply::OK
            }
        });
        done.answer();
    }
}

impl Handle<Gone> for Hub {
    async fn handle(&mut self, Gone(line): Gone, _: &mut Cx<Self>) {
        self.strike(&line, line.subscribed());
    }
}

impl Handle<Published> for Hub {
    async fn handle(&mut self, Published(channel, message): Published, _: &mut Cx<Self>) {
        self.publish(&channel.into(), &message.into());
    }
}

impl Hub {
    fn list(&mut self, line: &Arc<Line>, topics: Vec<Topic>) {
        for topic in topics {
            self.topics.entry(topic).or_default().insert(line.id(), line.clone());
        }
    }

    fn strike(&mut self, line: &Line, topics: Vec<Topic>) {
        for topic in topics {
            if let Some(listeners) = self.topics.get_mut(&topic) {
                listeners.remove(&line.id());
                if listeners.is_empty() {
                    self.topics.remove(&topic);
                }
            }
        }
    }

    /// Leaves the message on the lines of all listeners; none of them is waited for. As in Redis Cluster, the answer
    /// counts those of this store.
    fn publish(&self, channel: &Bytes, message: &Bytes) -> Reply {
        let size = channel.len() + message.len();
        let named = self.topics.get_key_value(&(Kind::Channel, channel.clone()));
        let patterns = self.topics.range((Kind::Pattern, Bytes::new())..);
        let fitting = patterns.filter(|((_, pattern), _)| matches(pattern, channel, Case::Kept));
        let mut count = 0;
        for (topic, listeners) in named.into_iter().chain(fitting) {
            let push = session::message(topic, channel, message);
            count += listeners.values().filter(|line| line.publish(push.clone(), size)).count();
        }
        Reply::count(count)
    }

    /// A store that is lost, or takes no more, misses it: a message is heard at most once.
    fn tell_others(&self, channel: &Bytes, message: &Bytes) {
        for (node, pid) in self.house.other_hubs() {
            let _ = node.at::<Hub>(pid).cast(Published(channel.to_vec(), message.to_vec()));
        }
    }
}
