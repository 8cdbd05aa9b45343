//! The specs that other nodes may start here, and what they are told of a start.

use crate::accepts::Bytes as Appends;
use crate::proto::{Known, Reader, put_exit, read_exit, with_pids};
use crate::wire::{self, Bincode, Codec, Undecodable};
use ravelin_core::{Exit, Pid, catch_panic};
use ravelin_supervisor::plan::ChildError;
use ravelin_supervisor::{ChildSpec, SupervisorError, SupervisorRef};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

/// The most bytes of the name of a supervisor or a spec.
const NAME_MAX: usize = 255;

/// Why nothing was offered.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OfferError {
    /// A name has 1 to 255 bytes; this one, of the supervisor or the spec, has not.
    Name(Arc<str>),
    /// Another supervisor of this name, which lives, has offers.
    Taken(Arc<str>),
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OfferError::Name(name) => {
                write!(f, "`{name}` is no name for others: it has 1 to {NAME_MAX} bytes")
            }
            OfferError::Taken(name) => {
                write!(f, "another supervisor `{name}` has offers: give each place a name of its own")
            }
        }
    }
}

impl std::error::Error for OfferError {}

/// Why no child was started on a node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartChildError {
    /// The arguments could not be written here, or not be read there; says why.
    Args(Arc<str>),
    /// The child's `init` failed, or what makes its spec panicked.
    Failed(Exit),
    /// The child's `init` declined: [`Exit::Ignore`].
    Ignored,
    /// The supervisor has as many children as it may have.
    MaxChildren(usize),
    /// The node is not reached, or was lost before it answered; then the child may have been started.
    NoConnection,
    /// The node starts nothing for clients: see [`Clients`](crate::Clients).
    NotAllowed,
    /// Nobody there has offered a spec of this name under this supervisor.
    NoSpec,
    /// Nobody there has offered anything under a supervisor of this name, or it does not live now.
    NoSupervisor,
    /// The supervisor refused; says why.
    Refused(Arc<str>),
    /// The supervisor ended before it answered, for this reason. The child may have been started.
    SupervisorEnded(Exit),
    /// The call that the actor serves which asks has no more time. The child may have been started.
    Timeout,
}

impl fmt::Display for StartChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartChildError::Args(why) => write!(f, "the arguments did not get there: {why}"),
            StartChildError::Failed(why) => write!(f, "the child did not start: {why}"),
            StartChildError::Ignored => f.write_str("the child declined to start"),
            StartChildError::MaxChildren(max) => write!(f, "the supervisor has {max} children, its limit"),
            StartChildError::NoConnection => f.write_str("the node is not reached, or was lost"),
            StartChildError::NotAllowed => {
                f.write_str("the node starts nothing for clients: its configuration can allow it")
            }
            StartChildError::NoSpec => {
                f.write_str("the node offers no such spec under that supervisor: see Node::offer")
            }
            StartChildError::NoSupervisor => f.write_str(
                "the node offers nothing under such a supervisor, or it does not live: see Node::offer",
            ),
            StartChildError::Refused(why) => write!(f, "the supervisor refused: {why}"),
            StartChildError::SupervisorEnded(why) => write!(f, "the supervisor ended: {why}"),
            StartChildError::Timeout => f.write_str("there was no time left"),
        }
    }
}

impl std::error::Error for StartChildError {}

impl From<SupervisorError> for StartChildError {
    fn from(why: SupervisorError) -> StartChildError {
        match why {
            SupervisorError::NoProc => StartChildError::NoSupervisor,
            SupervisorError::Exited(exit) => StartChildError::SupervisorEnded(exit),
            SupervisorError::Child(ChildError::MaxChildren(max)) => StartChildError::MaxChildren(max),
            SupervisorError::Child(ChildError::StartFailed(exit)) => StartChildError::Failed(exit),
            other => StartChildError::Refused(other.to_string().into()),
        }
    }
}

/// Makes specs of arguments whose type is forgotten.
trait Making: Send + Sync {
    fn of_bytes(&self, bytes: &[u8]) -> Result<ChildSpec, StartChildError>;
    fn of_value(&self, args: Box<dyn Any>) -> Result<ChildSpec, StartChildError>;
}

struct Makes<Args, F>(F, PhantomData<fn(Args)>);

impl<Args, F> Makes<Args, F>
where
    F: Fn(Args) -> ChildSpec,
{
    fn make(&self, args: Args) -> Result<ChildSpec, StartChildError> {
        // The code of whoever offers runs in the actor of a link: its panic is not the link's.
        catch_panic(|| (self.0)(args)).map_err(StartChildError::Failed)
    }
}

impl<Args, F> Making for Makes<Args, F>
where
    Args: DeserializeOwned + 'static,
    F: Fn(Args) -> ChildSpec + Send + Sync,
{
    fn of_bytes(&self, bytes: &[u8]) -> Result<ChildSpec, StartChildError> {
        self.make(wire::read::<Bincode, Args>(bytes).map_err(|why| StartChildError::Args(why.0.into()))?)
    }

    fn of_value(&self, args: Box<dyn Any>) -> Result<ChildSpec, StartChildError> {
        match args.downcast::<Args>() {
            Ok(args) => self.make(*args),
            Err(_) => Err(StartChildError::Args(format!("the spec takes `{}`", type_name::<Args>()).into())),
        }
    }
}

/// What is offered, by the names of supervisors.
#[derive(Default)]
pub(crate) struct Offers(RwLock<BTreeMap<Arc<str>, Under>>);

struct Under {
    supervisor: SupervisorRef,
    specs: BTreeMap<Arc<str>, Arc<dyn Making>>,
}

impl Offers {
    /// From now on this spec may be started; one of that name is replaced.
    pub(crate) fn add<Args, F>(
        &self,
        name: &str,
        supervisor: &SupervisorRef,
        spec: F,
    ) -> Result<(), OfferError>
    where
        Args: DeserializeOwned + 'static,
        F: Fn(Args) -> ChildSpec + Send + Sync + 'static,
    {
        let under = supervisor.name();
        let bad = [under, name].into_iter().find(|name| !(1..=NAME_MAX).contains(&name.len()));
        if let Some(bad) = bad {
            return Err(OfferError::Name(bad.into()));
        }
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if offers.get(under).is_some_and(|it| it.supervisor != *supervisor && it.supervisor.pid().is_some()) {
            return Err(OfferError::Taken(under.into()));
        }
        let new = || Under { supervisor: supervisor.clone(), specs: BTreeMap::new() };
        let it = offers.entry(under.into()).or_insert_with(new);
        if it.supervisor != *supervisor {
            *it = new();
        }
        it.specs.insert(name.into(), Arc::new(Makes(spec, PhantomData)));
        Ok(())
    }

    /// It may be started no more. Whether it might be before.
    pub(crate) fn remove(&self, name: &str, supervisor: &SupervisorRef) -> bool {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(it) = offers.get_mut(supervisor.name()).filter(|it| it.supervisor == *supervisor) else {
            return false;
        };
        let was_there = it.specs.remove(name).is_some();
        if it.specs.is_empty() {
            offers.remove(supervisor.name());
        }
        was_there
    }

    fn find(&self, under: &str, spec: &str) -> Result<(SupervisorRef, Arc<dyn Making>), StartChildError> {
        let offers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let it = offers.get(under).ok_or(StartChildError::NoSupervisor)?;
        let making = it.specs.get(spec).ok_or(StartChildError::NoSpec)?;
        Ok((it.supervisor.clone(), making.clone()))
    }

    /// The child that these arguments of another node mean.
    pub(crate) fn read(
        &self,
        under: &str,
        spec: &str,
        args: &[u8],
    ) -> Result<(SupervisorRef, ChildSpec), StartChildError> {
        let (supervisor, making) = self.find(under, spec)?;
        Ok((supervisor, making.of_bytes(args)?))
    }

    /// The child that these arguments of this node mean.
    pub(crate) fn make(
        &self,
        under: &str,
        spec: &str,
        args: Box<dyn Any>,
    ) -> Result<(SupervisorRef, ChildSpec), StartChildError> {
        let (supervisor, making) = self.find(under, spec)?;
        Ok((supervisor, making.of_value(args)?))
    }
}

/// Starts it.
pub(crate) async fn start(supervisor: &SupervisorRef, child: ChildSpec) -> Result<Pid, StartChildError> {
    supervisor.start_child(child).await?.ok_or(StartChildError::Ignored)
}

/// What became of a start, as it travels. New variants come last.
#[derive(Deserialize, Serialize)]
pub(crate) enum Outcome {
    Started(Pid),
    Args(String),
    Failed(Reason),
    Ignored,
    MaxChildren(u64),
    NotAllowed,
    NoSpec,
    NoSupervisor,
    Refused(String),
    SupervisorEnded(Reason),
}

impl Outcome {
    pub(crate) fn of(outcome: Result<Pid, StartChildError>) -> Outcome {
        match outcome {
            Ok(pid) => Outcome::Started(pid),
            Err(why) => match why {
                StartChildError::Args(why) => Outcome::Args(why.to_string()),
                StartChildError::Failed(exit) => Outcome::Failed(Reason(exit)),
                StartChildError::Ignored => Outcome::Ignored,
                StartChildError::MaxChildren(max) => Outcome::MaxChildren(max as u64),
                StartChildError::NotAllowed => Outcome::NotAllowed,
                StartChildError::NoSpec => Outcome::NoSpec,
                StartChildError::NoSupervisor => Outcome::NoSupervisor,
                StartChildError::Refused(why) => Outcome::Refused(why.to_string()),
                StartChildError::SupervisorEnded(exit) => Outcome::SupervisorEnded(Reason(exit)),
                other @ (StartChildError::NoConnection | StartChildError::Timeout) => {
                    Outcome::Refused(other.to_string())
                }
            },
        }
    }

    pub(crate) fn into_result(self) -> Result<Pid, StartChildError> {
        Err(match self {
            Outcome::Started(pid) => return Ok(pid),
            Outcome::Args(why) => StartChildError::Args(why.into()),
            Outcome::Failed(Reason(exit)) => StartChildError::Failed(exit),
            Outcome::Ignored => StartChildError::Ignored,
            Outcome::MaxChildren(max) => {
                StartChildError::MaxChildren(usize::try_from(max).unwrap_or(usize::MAX))
            }
            Outcome::NotAllowed => StartChildError::NotAllowed,
            Outcome::NoSpec => StartChildError::NoSpec,
            Outcome::NoSupervisor => StartChildError::NoSupervisor,
            Outcome::Refused(why) => StartChildError::Refused(why.into()),
            Outcome::SupervisorEnded(Reason(exit)) => StartChildError::SupervisorEnded(exit),
        })
    }
}

impl Appends for Outcome {
    fn append(&self, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        Bincode::encode(self, out)
    }
}

/// An exit reason inside of a payload: its bytes as in a signal, and the pid in it, which crosses as pids do.
pub(crate) struct Reason(Exit);

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pids = Vec::new();
        let exit = with_pids(&self.0, &mut |pid| {
            pids.push(pid);
            Pid::from_parts(0, 0, 1)
        });
        let mut bytes = Vec::new();
        put_exit(&mut bytes, &exit);
        if pids.len() > 1 {
            return Err(S::Error::custom("a reason has one pid at most"));
        }
        (bytes, pids.pop()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reason, D::Error> {
        let (bytes, pid) = <(Vec<u8>, Option<Pid>)>::deserialize(deserializer)?;
        let exit = read_exit(&mut Reader::new(&bytes, Known::ANYTHING)).map_err(D::Error::custom)?;
        let nobody = Pid::from_parts(0, u32::MAX, u64::MAX);
        Ok(Reason(with_pids(&exit, &mut |_| pid.unwrap_or(nobody))))
    }
}
