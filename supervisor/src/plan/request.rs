//! What others may ask of a supervisor, OTP's `supervisor:start_child` and its like. `[pure]`
//!
//! A request is refused at once (`Err`), or it is done once the plan has been polled dry; `delete_child` is done at
//! once. An accepted start or stop is answered by one [`Action::Reply`](super::Action::Reply), unless the supervisor
//! is stopped before. No request counts as a restart or ends the supervisor.

use std::sync::Arc;

use ravelin_core::Pid;

use super::action::{ChildError, ChildKey, Status};
use super::children::{Child, Span};
use super::machine::{Cause, Form, Phase, Plan, Then};
use crate::policy::ChildPolicy;

impl<S: AsRef<ChildPolicy>> Plan<S> {
    /// Adds a child at the end of the start order and starts it. The spec is not kept when the start fails, nor when
    /// a temporary or dynamic child ignores.
    ///
    /// Refused: `InvalidSpec`; `AlreadyStarted` and `AlreadyPresent` when the id is taken (not under a dynamic
    /// supervisor, where it is a label); `MaxChildren`.
    pub fn start_child(&mut self, id: Arc<str>, spec: S) -> Result<ChildKey, ChildError> {
        self.expect_idle();
        spec.as_ref().check(&id, self.auto_shutdown)?;
        match (self.form, self.children.named_as(&id).and_then(|key| self.status(key))) {
            (Form::Fixed(_), Some(Status::Running(pid))) => return Err(ChildError::AlreadyStarted(pid)),
            (Form::Fixed(_), Some(Status::Restarting | Status::Stopped)) => {
                return Err(ChildError::AlreadyPresent);
            }
            (Form::Fixed(_), None) => (),
            (Form::Dynamic { max_children }, _) => {
                let counts = self.children.counts();
                if let Some(limit) = max_children.filter(|limit| counts.specs >= *limit) {
                    return Err(ChildError::MaxChildren(limit));
                }
            }
        }
        let key = self.children.insert(id, spec);
        self.phase = Phase::Starting { span: Span::one(key), cause: Cause::Request { new: true } };
        Ok(key)
    }

    /// Starts a child that is down, with a new life: its tries and its back-off begin anew. The spec is kept when
    /// the start fails.
    ///
    /// Refused: `NotFound`, `Running`, `Restarting`; `SimpleOneForOne` by a dynamic supervisor.
    pub fn restart_child(&mut self, id: &str) -> Result<ChildKey, ChildError> {
        self.expect_idle();
        let key = self.stopped(id)?;
        if let Some(child) = self.children.get_mut(key) {
            child.renew();
        }
        self.phase = Phase::Starting { span: Span::one(key), cause: Cause::Request { new: false } };
        Ok(key)
    }

    /// Stops a child, or ends its wait for a restart. The spec stays, unless it is temporary. A child that is down
    /// already is no error.
    ///
    /// Refused: `NotFound`; `SimpleOneForOne` by a dynamic supervisor.
    pub fn terminate_child(&mut self, id: &str) -> Result<ChildKey, ChildError> {
        self.expect_idle();
        let key = self.by_id(id)?;
        self.terminate(key)
    }

    /// Stops a dynamic child by the pid of its running incarnation, or of the one whose restart is awaited. Nothing
    /// of it is kept.
    ///
    /// Refused: `NotFound`, always by a supervisor that is not dynamic.
    pub fn terminate_child_pid(&mut self, pid: Pid) -> Result<ChildKey, ChildError> {
        self.expect_idle();
        match self.form {
            Form::Dynamic { max_children: _ } => {
                let key = self.children.known_as(pid).ok_or(ChildError::NotFound)?;
                self.terminate(key)
            }
            Form::Fixed(_) => Err(ChildError::NotFound),
        }
    }

    /// Removes the spec of a child that is down. Done at once.
    ///
    /// Refused: `NotFound`, `Running`, `Restarting`; `SimpleOneForOne` by a dynamic supervisor.
    pub fn delete_child(&mut self, id: &str) -> Result<(), ChildError> {
        self.expect_idle();
        let key = self.stopped(id)?;
        self.children.remove(key);
        Ok(())
    }

    fn terminate(&mut self, key: ChildKey) -> Result<ChildKey, ChildError> {
        self.phase = Phase::Stopping { span: Span::one(key), then: Then::Reply };
        Ok(key)
    }

    fn stopped(&self, id: &str) -> Result<ChildKey, ChildError> {
        let key = self.by_id(id)?;
        match self.status(key) {
            Some(Status::Restarting) => Err(ChildError::Restarting),
            Some(Status::Running(_)) => Err(ChildError::Running),
            Some(Status::Stopped) => Ok(key),
            None => Err(ChildError::NotFound),
        }
    }

    fn by_id(&self, id: &str) -> Result<ChildKey, ChildError> {
        match self.form {
            Form::Dynamic { max_children: _ } => Err(ChildError::SimpleOneForOne),
            Form::Fixed(_) => self.children.named_as(id).ok_or(ChildError::NotFound),
        }
    }

    fn status(&self, key: ChildKey) -> Option<Status> {
        self.children.get(key).map(Child::status)
    }

    fn expect_idle(&self) {
        debug_assert!(self.is_idle(), "a request before the plan was polled dry, or after its end");
    }
}
