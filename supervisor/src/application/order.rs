//! In which order applications start, told before anything starts. `[pure]`

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why there is no order in which the applications could start. Nothing was started.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OrderError {
    /// Each of these needs the next one, and the last one needs the first.
    Cycle(Vec<Arc<str>>),
    /// Two applications have this name.
    Duplicate(Arc<str>),
    /// An application needs one that there is not.
    Unknown {
        /// The application.
        application: Arc<str>,
        /// What it needs.
        needs: Arc<str>,
    },
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OrderError::Cycle(path) => {
                f.write_str("applications need each other: ")?;
                path.iter().chain(path.first()).enumerate().try_for_each(|(at, name)| {
                    f.write_str(if at == 0 { "" } else { " needs " })?;
                    f.write_str(name)
                })
            }
            OrderError::Duplicate(name) => write!(f, "two applications are called {name:?}"),
            OrderError::Unknown { application, needs } => {
                write!(f, "application {application:?} needs {needs:?}, which there is not")
            }
        }
    }
}

impl Error for OrderError {}

/// Applications and what they need, in the order in which they start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Order {
    /// Positions in the declaration, in start order.
    pub(crate) starts: Vec<usize>,
    /// For each application, in the order of declaration, the positions of those that it needs.
    needs: Vec<Vec<usize>>,
}

impl Order {
    /// Finds the order: always the first declared of those whose needs are met.
    pub(crate) fn of<'a>(
        declared: impl IntoIterator<Item = (&'a Arc<str>, &'a [Arc<str>])>,
    ) -> Result<Order, OrderError> {
        let declared: Vec<(&Arc<str>, &[Arc<str>])> = declared.into_iter().collect();
        let mut by_name = BTreeMap::new();
        for (at, (name, _)) in declared.iter().enumerate() {
            if by_name.insert(*name, at).is_some() {
                return Err(OrderError::Duplicate((*name).clone()));
            }
        }
        let mut needs: Vec<Vec<usize>> = Vec::new();
        for (application, needed) in &declared {
            let find = |name: &Arc<str>| {
                by_name.get(name).copied().ok_or_else(|| OrderError::Unknown {
                    application: (*application).clone(),
                    needs: name.clone(),
                })
            };
            needs.push(needed.iter().map(find).collect::<Result<_, _>>()?);
        }
        let (mut starts, mut is_placed) = (Vec::new(), vec![false; declared.len()]);
        while starts.len() < declared.len() {
            let is_next = |at: &usize| !is_placed[*at] && needs[*at].iter().all(|need| is_placed[*need]);
            let Some(next) = (0..declared.len()).find(is_next) else {
                let path = cycle(&needs, &is_placed).into_iter().map(|at| declared[at].0.clone());
                return Err(OrderError::Cycle(path.collect()));
            };
            is_placed[next] = true;
            starts.push(next);
        }
        Ok(Order { starts, needs })
    }

    /// This application and all that it needs, directly or not, in start order.
    pub(crate) fn with_needs(&self, application: usize) -> Vec<usize> {
        let mut is_in = vec![false; self.needs.len()];
        is_in[application] = true;
        // Needs start before: from the end to the beginning each is reached before what it needs.
        for at in self.starts.iter().rev() {
            if is_in[*at] {
                self.needs[*at].iter().for_each(|need| is_in[*need] = true);
            }
        }
        self.starts.iter().copied().filter(|at| is_in[*at]).collect()
    }

    /// What an application needs itself, in the order in which it says so.
    pub(crate) fn needs(&self, application: usize) -> &[usize] {
        &self.needs[application]
    }
}

/// A cycle among those that are not placed; there is one, for each of them needs another one of them.
fn cycle(needs: &[Vec<usize>], is_placed: &[bool]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut at = is_placed.iter().position(|placed| !placed);
    while let Some(here) = at {
        if let Some(begin) = path.iter().position(|each| *each == here) {
            return path.split_off(begin);
        }
        path.push(here);
        at = needs[here].iter().copied().find(|need| !is_placed[*need]);
    }
    path
}

#[cfg(test)]
mod tests;
