//! An application as a child of the node's root: its tree, and its start phases. It is never restarted, as in OTP.

use super::kind::AfterEnd;
use super::report::ShutdownReason;
use super::shutdown::CoordinatedShutdown;
use super::spec::{Application, Faulty};
use crate::handle::SupervisorRef;
use crate::policy::ChildPolicy;
use crate::spec::{ChildSpec, Starter, Starting};
use crate::tree::Supervisor;
use futures::future::BoxFuture;
use ravelin_core::{Actor, ActorRef, ChildGrace, Cx, Exit, Pid, StartError, System};
use std::any::type_name;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An application of a node.
pub(crate) struct Member {
    pub(crate) application: Application,
    /// Where its tree lives.
    pub(crate) place: SupervisorRef,
    /// The tree that was made before anything started, until it is used.
    loaded: Mutex<Option<Supervisor>>,
    /// Somebody asked for its end; until its next start.
    pub(crate) is_stopping: AtomicBool,
}

impl Member {
    pub(crate) fn new(application: Application, loaded: Supervisor) -> Arc<Member> {
        Arc::new(Member {
            place: SupervisorRef::place(application.name.clone()),
            application,
            loaded: Mutex::new(Some(loaded)),
            is_stopping: AtomicBool::new(false),
        })
    }

    /// The tree for the next start.
    fn tree(&self) -> Result<Supervisor, Exit> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).take();
        match loaded.map_or_else(|| self.application.load(), Ok) {
            Ok(tree) => Ok(tree),
            Err(Faulty::Config(error)) => Err(Exit::invalid_spec(error)),
            Err(Faulty::Spec(error)) => Err(error.into()),
        }
    }

    /// It as a child, which nobody restarts.
    pub(crate) fn child(self: &Arc<Member>, shutdown: &CoordinatedShutdown) -> ChildSpec {
        let (member, shutdown) = (self.clone(), shutdown.clone());
        ChildSpec::new(self.application.name.clone(), ChildPolicy::supervisor(), Arc::new(Root(self.clone())))
            .temporary()
            .after_stop(move |occasion| {
                if !member.is_stopping.load(Relaxed) && !shutdown.has_begun() {
                    member.has_ended(occasion.exit.clone().unwrap_or(Exit::Lost), &shutdown);
                }
            })
    }

    /// Nobody asked for its end.
    fn has_ended(&self, exit: Exit, shutdown: &CoordinatedShutdown) {
        let Application { name, kind, .. } = &self.application;
        tracing::warn!(target: "ravelin", application = &**name, %kind, reason = %exit, "ravelin.application_ended");
        match kind.after_end(&exit) {
            AfterEnd::Report => {}
            AfterEnd::ShutDown => {
                shutdown.begin_because(ShutdownReason::ApplicationEnded { application: name.clone(), exit });
            }
        }
    }
}

/// How an application starts.
struct Root(Arc<Member>);

impl Starter for Root {
    fn start(&self, start: Starting) -> BoxFuture<'static, Result<Pid, StartError>> {
        let member = self.0.clone();
        Box::pin(async move {
            member.is_stopping.store(false, Relaxed);
            let tree = member.tree().map_err(StartError::Init)?;
            let (system, parent) = (start.system.clone(), start.parent);
            let pid = tree.at(&member.place).starter.start(start).await?;
            for phase in &member.application.start_phases {
                let place = ActorRef::<Phase>::place(phase.name.clone());
                let work = Call(phase.work.clone());
                if let Err(why) = run_phase(&system, parent, &place, work).await {
                    system.shut_down(pid, Exit::Shutdown, None).await;
                    return Err(StartError::Init(Exit::start_failed(phase.name.clone(), why)));
                }
            }
            Ok(pid)
        })
    }

    fn type_name(&self) -> &'static str {
        type_name::<Supervisor>()
    }
}

async fn run_phase(system: &System, parent: Pid, place: &ActorRef<Phase>, work: Call) -> Result<(), Exit> {
    let grace = ChildGrace::For(Duration::ZERO);
    match system.start(place, work).adopted_by(parent, grace).await.map_err(StartError::into_exit) {
        Ok(_) | Err(Exit::Ignore) => Ok(()),
        Err(why) => Err(why),
    }
}

/// A start phase that runs: an actor, so that a panic in it is an error, and declines to go on when it is done.
struct Phase;

struct Call(Arc<dyn Fn() -> BoxFuture<'static, Result<(), Exit>> + Send + Sync>);

impl Actor for Phase {
    type Args = Call;

    async fn init(Call(work): Call, _: &mut Cx<Self>) -> Result<Self, Exit> {
        work().await?;
        Err(Exit::Ignore)
    }
}
