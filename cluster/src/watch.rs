//! Groups and names: who is told of them, and what is looked up.

use crate::accepts::Remote;
use crate::node::Node;
use crate::proto::groups::Group;
use crate::proto::names::{self, Event as NameEvent, Keep, Resolve};
use crate::shell::{GroupEvent, GroupWatch};
use ravelin_core::{ActorRef, Pid, Recipient};
use std::sync::Arc;

impl Node {
    /// From now on this recipient hears of a group: first of its members ([`GroupEvent::Members`]), then of each that
    /// joins or leaves, on whichever node, in the order in which this node learns of it, without a gap. It is forgotten when
    /// nobody lives there.
    ///
    /// Source: `pg:monitor/1`. Ours: a recipient whose mailbox is full misses changes, and is told of all members with the
    /// next change that there is room for.
    pub fn watch_group(&self, group: &Group, recipient: Recipient<GroupEvent>) -> GroupWatch {
        self.hub().watch_group(group, recipient)
    }

    /// The recipient hears of the group no more; false: it did not. An event that is in its mailbox already stays there.
    /// Source: `pg:demonitor/1`.
    pub fn unwatch_group(&self, watch: GroupWatch) -> bool {
        self.hub().unwatch_group(watch)
    }

    /// One of the members, drawn by chance: of those on this node if there are any, else of all. `None`: there are none.
    /// Source: `pg2:get_closest_pid/1`.
    pub fn pick(&self, group: &Group) -> Option<Pid> {
        let groups = self.hub().groups();
        let (here, all) = (groups.local_members(group).count(), groups.members(group).count());
        let among = if here > 0 { here } else { all };
        let chance = self.system().runtime().entropy();
        // Those of this node come first.
        let nth = chance.checked_rem(among as u64)?;
        groups.members(group).nth(usize::try_from(nth).ok()?)
    }

    /// The groups of a scope that have members, by name; the default scope is empty. Source: `pg:which_groups/1`.
    pub fn groups(&self, scope: &str) -> Vec<Group> {
        self.hub().groups().groups(scope).cloned().collect()
    }

    /// As [`Node::register`]; besides, this recipient is told when the actor loses the name to one of another node, and asked
    /// when [`Resolve::Ask`] was said and the two met: see [`Node::decide`]. It may be the actor itself.
    ///
    /// # Errors
    /// See [`names::NotDone`].
    pub async fn register_telling<A: Remote>(
        &self,
        name: &str,
        actor: &ActorRef<A>,
        resolve: Resolve,
        told: Recipient<NameEvent>,
    ) -> Result<(), names::NotDone> {
        self.register(name, actor, resolve).await?;
        self.hub().watch_name(name, Some(told));
        Ok(())
    }

    /// From now on this recipient hears what becomes of all names that actors of this node have: of those that are lost, and
    /// of conflicts. It is forgotten when nobody lives there.
    ///
    /// A [`NameEvent::Conflict`] that nobody can be told of is decided as if [`Resolve::KeepOlder`] had been said.
    pub fn watch_names(&self, recipient: Recipient<NameEvent>) {
        self.hub().watch_names(recipient);
    }

    /// Says who keeps a name: the answer to a [`NameEvent::Conflict`], with what stands in it. The other loses it, and
    /// whoever is told of it there hears so. Source: the resolve function of `global:register_name/3`.
    ///
    /// # Errors
    /// [`names::NotDone::NotFound`]: one of the two has the name no more; nothing is to be done.
    pub fn decide(&self, name: &str, ours: Pid, theirs: Pid, keep: Keep) -> Result<(), names::NotDone> {
        self.hub().with_names(|names| names.decide(name, ours, theirs, keep))
    }

    /// Takes a name back that an actor of this node has. Source: `global:unregister_name/1`.
    ///
    /// # Errors
    /// [`names::NotDone::NotFound`]: no actor of this node has it. On another node only that node can take it back.
    pub fn unregister(&self, name: &str) -> Result<(), names::NotDone> {
        self.hub().with_names(|names| names.unregister(name))?;
        self.hub().watch_name(name, None);
        Ok(())
    }

    /// All names of the cluster with who has them, by name, as far as they are known here.
    /// Source: `global:registered_names/0`.
    pub fn registered(&self) -> Vec<(Arc<str>, Pid)> {
        self.hub().names().registered().map(|(name, pid)| (name.clone(), pid)).collect()
    }
}
