//! A supervisor as a value: its strategy, its limits and its children, before anything runs.

use crate::check::SpecError;
use crate::policy::{AutoShutdown, DynamicFlags, Flags, Intensity, Strategy};
use crate::spec::ChildSpec;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A supervision tree as a value: what a supervisor is to be, with its children. It can be printed, compared and
/// checked; [`start`](crate::start) makes it live, and so does being another supervisor's child.
///
/// ```
/// use ravelin_supervisor::{Supervisor, task};
/// use std::time::Duration;
/// let tree = Supervisor::one_for_one("app")
///     .intensity(3, Duration::from_secs(5))
///     .child(task("poll", || async {}))
///     .child(Supervisor::rest_for_one("ingest").child(task("read", || async {})));
/// assert_eq!(tree.check(), Ok(()));
/// assert_eq!(
///     tree.to_string(),
///     "app: one_for_one, 3 restarts in 5s\n\
///      ├─ poll: restart=permanent shutdown=5s type=worker significant=false\n\
///      └─ ingest: rest_for_one, 1 restart in 5s\n   \
///         └─ read: restart=permanent shutdown=5s type=worker significant=false\n"
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisor {
    pub(crate) id: Arc<str>,
    pub(crate) shape: Shape,
    pub(crate) children: Vec<ChildSpec>,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
}

/// Fixed children, or any number of them that come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Fixed(Strategy),
    Dynamic { max_children: Option<usize> },
}

impl Supervisor {
    fn new(id: impl Into<Arc<str>>, shape: Shape) -> Supervisor {
        Supervisor {
            id: id.into(),
            shape,
            children: Vec::new(),
            intensity: Intensity::default(),
            auto_shutdown: AutoShutdown::Never,
        }
    }

    /// When a child ends, only that one is restarted.
    pub fn one_for_one(id: impl Into<Arc<str>>) -> Supervisor {
        Supervisor::new(id, Shape::Fixed(Strategy::OneForOne))
    }

    /// When a child ends and is to be restarted, all are stopped, newest first, and started again in order.
    pub fn one_for_all(id: impl Into<Arc<str>>) -> Supervisor {
        Supervisor::new(id, Shape::Fixed(Strategy::OneForAll))
    }

    /// When a child ends and is to be restarted, those started after it are stopped, newest first, and it and they
    /// are started again in order.
    pub fn rest_for_one(id: impl Into<Arc<str>>) -> Supervisor {
        Supervisor::new(id, Shape::Fixed(Strategy::RestForOne))
    }

    /// Any number of children that come and go, each restarted by itself; at the end they are stopped all at once.
    /// They are added by [`SupervisorRef::start_child`](crate::SupervisorRef::start_child).
    /// Source: `simple_one_for_one`, Elixir's `DynamicSupervisor`.
    pub fn dynamic(id: impl Into<Arc<str>>) -> Supervisor {
        Supervisor::new(id, Shape::Dynamic { max_children: None })
    }

    /// At most so many restarts within `period`, over a sliding window; one more ends the supervisor, with the reason
    /// `shutdown`, and its parent decides what that means. 1 in 5 s if nothing is said.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Supervisor {
        self.intensity = Intensity { restarts, period };
        self
    }

    /// Whether the final end of significant children ends the supervisor. Never if nothing is said.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Supervisor {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// At most so many children of a dynamic supervisor; no effect on another one.
    pub fn max_children(mut self, max: usize) -> Supervisor {
        if let Shape::Dynamic { max_children } = &mut self.shape {
            *max_children = Some(max);
        }
        self
    }

    /// Adds a child, to be started after those before it. Not for a dynamic supervisor: the check refuses it there.
    pub fn child(mut self, child: impl Into<ChildSpec>) -> Supervisor {
        self.children.push(child.into());
        self
    }

    /// The id: its child id in a parent, and the name of its place.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The children, in start order.
    pub fn children(&self) -> &[ChildSpec] {
        &self.children
    }

    /// The same supervisor, with these children instead of its own.
    ///
    /// ```
    /// use ravelin_supervisor::{Supervisor, task};
    /// let tree = Supervisor::rest_for_one("app").child(task("poll", || async {}));
    /// let other = tree.clone().with_children(vec![task("idle", || async {})]);
    /// assert_eq!((other.flags(), other.children().len()), (tree.flags(), 1));
    /// ```
    pub fn with_children(self, children: Vec<ChildSpec>) -> Supervisor {
        Supervisor { children, ..self }
    }

    /// Whether children come and go, and are stopped all at once.
    pub fn is_dynamic(&self) -> bool {
        matches!(self.shape, Shape::Dynamic { .. })
    }

    /// Checks the whole tree: flags, specs, ids.
    ///
    /// # Errors
    /// The first fault, with the child, the field and the value.
    pub fn check(&self) -> Result<(), SpecError> {
        self.check_own()?;
        self.children.iter().try_for_each(|spec| spec.starter.check())
    }

    /// Checks this supervisor and its children's specs. What is below them is checked when they start, as in OTP.
    pub(crate) fn check_own(&self) -> Result<(), SpecError> {
        match self.shape {
            Shape::Fixed(_) => self.flags().check()?,
            Shape::Dynamic { .. } => self.dynamic_flags().check()?,
        }
        let mut ids = BTreeSet::new();
        for spec in &self.children {
            if matches!(self.shape, Shape::Dynamic { .. }) {
                let why = "a dynamic supervisor starts without children; add them by start_child";
                return Err(SpecError::flag("children", &spec.id, why));
            }
            spec.check(self.auto_shutdown)?;
            if !ids.insert(&spec.id) {
                return Err(SpecError::child(&spec.id, "id", &spec.id, "another child has this id"));
            }
        }
        Ok(())
    }

    /// What decides about it. A dynamic one restarts its children one for one.
    pub fn flags(&self) -> Flags {
        let strategy = match self.shape {
            Shape::Fixed(strategy) => strategy,
            Shape::Dynamic { .. } => Strategy::OneForOne,
        };
        Flags { strategy, intensity: self.intensity, auto_shutdown: self.auto_shutdown }
    }

    /// What decides about a dynamic one.
    pub fn dynamic_flags(&self) -> DynamicFlags {
        let max_children = match self.shape {
            Shape::Fixed(_) => None,
            Shape::Dynamic { max_children } => max_children,
        };
        DynamicFlags { intensity: self.intensity, auto_shutdown: self.auto_shutdown, max_children }
    }

    pub(crate) fn draw(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        let Intensity { restarts, period } = self.intensity;
        let plural = if restarts == 1 { "" } else { "s" };
        write!(f, "{}: ", self.id)?;
        match self.shape {
            Shape::Fixed(strategy) => write!(f, "{strategy}")?,
            Shape::Dynamic { max_children: Some(max) } => write!(f, "dynamic, at most {max} children")?,
            Shape::Dynamic { max_children: None } => f.write_str("dynamic")?,
        }
        writeln!(f, ", {restarts} restart{plural} in {period:?}")?;
        for (i, spec) in self.children.iter().enumerate() {
            let is_last = i + 1 == self.children.len();
            write!(f, "{indent}{} ", if is_last { "└─" } else { "├─" })?;
            spec.draw(f, &format!("{indent}{}", if is_last { "   " } else { "│  " }))?;
        }
        Ok(())
    }
}

impl ChildSpec {
    /// What it is, if it is a supervisor.
    ///
    /// ```
    /// use ravelin_supervisor::{ChildSpec, Supervisor};
    /// let spec = ChildSpec::from(Supervisor::one_for_all("pool"));
    /// assert_eq!(spec.subtree().map(|tree| &**tree.id()), Some("pool"));
    /// ```
    pub fn subtree(&self) -> Option<&Supervisor> {
        self.starter.below()?.downcast_ref()
    }
}

impl fmt::Display for Supervisor {
    /// The tree, a line for each child.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.draw(f, "")
    }
}
