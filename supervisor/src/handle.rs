//! The handle of a supervisor: OTP's functions on a live tree.

use crate::check::SpecError;
use crate::error::SupervisorError;
use crate::plan::{ChildInfo, Counts, Reply};
use crate::policy::ChildPolicy;
use crate::shell::{
    CountChildren, DeleteChild, GetChildSpec, RestartChild, Running, StartChild, TerminateChild,
    TerminatePid, WhichChildren,
};
use crate::spec::{ChildSpec, Starter, Starting};
use crate::tree::Supervisor;
use futures::future::BoxFuture;
use ravelin_core::{ActorRef, Exit, Pid, StartError, System, Unbounded};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The handle of a place where a supervisor lives; like an `ActorRef`, it exists before it and survives restarts.
///
/// Requests wait without a time limit: a supervisor answers when the child that it starts or stops is done.
///
/// # Errors
/// Each request fails with [`SupervisorError`]: what the supervisor answered, or why it could not answer.
#[derive(Clone, PartialEq)]
pub struct SupervisorRef {
    place: ActorRef<Running>,
}

impl SupervisorRef {
    /// A new place for a supervisor.
    pub fn place(name: impl Into<Arc<str>>) -> SupervisorRef {
        SupervisorRef { place: ActorRef::place(name) }
    }

    /// What the place is called.
    pub fn name(&self) -> &str {
        self.place.name().map_or("", |name| name)
    }

    /// The incarnation that lives there now.
    pub fn pid(&self) -> Option<Pid> {
        self.place.pid()
    }

    /// The reason of the last end of a supervisor at this place.
    pub fn last_exit(&self) -> Option<Exit> {
        self.place.last_exit()
    }

    /// Waits until a supervisor is up at the place, as [`ActorRef::ready`]; its children are up then.
    pub async fn ready(&self) -> Pid {
        self.place.ready().await
    }

    /// Adds a spec and starts the child: its pid, or `None` when its `init` declined (the spec is kept then, unless
    /// the child is temporary). A failed start leaves nothing. Source: `supervisor:start_child/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn start_child(&self, spec: impl Into<ChildSpec>) -> Result<Option<Pid>, SupervisorError> {
        started(self.place.call(StartChild(spec.into())).no_timeout().await??)
    }

    /// Starts a child that is stopped. Source: `supervisor:restart_child/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn restart_child(&self, id: impl Into<Arc<str>>) -> Result<Option<Pid>, SupervisorError> {
        started(self.place.call(RestartChild(id.into())).no_timeout().await??)
    }

    /// Stops a child; its spec is kept, unless it is temporary. Source: `supervisor:terminate_child/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn terminate_child(&self, id: impl Into<Arc<str>>) -> Result<(), SupervisorError> {
        self.place.call(TerminateChild(id.into())).no_timeout().await??;
        Ok(())
    }

    /// Stops a child of a dynamic supervisor, which then forgets it. Source: `supervisor:terminate_child/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn terminate_pid(&self, child: Pid) -> Result<(), SupervisorError> {
        self.place.call(TerminatePid(child)).no_timeout().await??;
        Ok(())
    }

    /// Forgets the spec of a child that is stopped. Source: `supervisor:delete_child/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn delete_child(&self, id: impl Into<Arc<str>>) -> Result<(), SupervisorError> {
        Ok(self.place.call(DeleteChild(id.into())).no_timeout().await??)
    }

    /// The children, in start order. Source: `supervisor:which_children/1`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, SupervisorError> {
        Ok(self.place.call(WhichChildren).no_timeout().await?)
    }

    /// How many children of which kind. Source: `supervisor:count_children/1`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn count_children(&self) -> Result<Counts, SupervisorError> {
        Ok(self.place.call(CountChildren).no_timeout().await?)
    }

    /// The spec of a child. Source: `supervisor:get_childspec/2`.
    ///
    /// # Errors
    /// See [`SupervisorRef`].
    pub async fn get_childspec(&self, id: impl Into<Arc<str>>) -> Result<ChildSpec, SupervisorError> {
        Ok(self.place.call(GetChildSpec(id.into())).no_timeout().await??)
    }
}

fn started(reply: Reply) -> Result<Option<Pid>, SupervisorError> {
    Ok(match reply {
        Reply::Started(pid) => Some(pid),
        Reply::Ignored | Reply::Terminated => None,
    })
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SupervisorRef").field(&self.place.name()).field(&self.pid()).finish()
    }
}

impl Supervisor {
    /// This supervisor as a child that lives at `place`.
    pub fn at(self, place: &SupervisorRef) -> ChildSpec {
        let id = self.id.clone();
        let starter = Subtree { place: place.clone(), tree: Arc::new(self) };
        ChildSpec::new(id, ChildPolicy::supervisor(), Arc::new(starter))
    }

    /// Starts the tree at `place`, without a parent; done when every child is up, in order. A faulty spec further down
    /// is found when its turn comes, as in OTP; [`Supervisor::check`] finds it before anything starts.
    ///
    /// # Errors
    /// A child did not start (those before it have ended again), or the place is taken.
    pub async fn start_at(self, system: &System, place: &SupervisorRef) -> Result<Pid, StartError> {
        system.start(&place.place, Arc::new(self)).mailbox(Unbounded).await
    }
}

impl From<Supervisor> for ChildSpec {
    fn from(supervisor: Supervisor) -> ChildSpec {
        let place = SupervisorRef::place(supervisor.id.clone());
        supervisor.at(&place)
    }
}

struct Subtree {
    place: SupervisorRef,
    tree: Arc<Supervisor>,
}

impl Starter for Subtree {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>> {
        let (place, tree) = (self.place.place.clone(), self.tree.clone());
        Box::pin(async move {
            let Starting { system, parent, grace, rank, capacity: _, name, claims, .. } = start;
            let mut start =
                system.start(&place, tree).mailbox(Unbounded).adopted_by(parent, grace).rank(rank);
            if let Some(name) = name {
                start = start.named(name);
            }
            for claim in claims {
                start = start.claim(move |system, pid| claim(system, pid));
            }
            start.await
        })
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<Supervisor>()
    }

    fn check(&self) -> Result<(), SpecError> {
        self.tree.check()
    }

    fn below(&self) -> Option<&(dyn Any + Send + Sync)> {
        Some(&*self.tree)
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> Option<fmt::Result> {
        Some(self.tree.draw(f, indent))
    }
}
