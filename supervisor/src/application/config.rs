//! The configuration of an application: a typed value, made of layers. `[pure]`
//!
//! A layer is a function of yours: it may read a file or the environment, with the crates of your choice. So this
//! knows none.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

type Layer<C> = Arc<dyn Fn(&mut C) -> Result<(), String> + Send + Sync>;

/// How a configuration comes about: defaults, and layers over them, each over those before it.
///
/// ```
/// use ravelin_supervisor::application::Config;
/// #[derive(Clone, Debug, PartialEq)]
/// struct Web { port: u16, workers: usize }
/// let config = Config::new(Web { port: 80, workers: 4 })
///     .layer("file", |web| { web.workers = 8; Ok::<_, String>(()) })
///     .layer("environment", |web| { web.port = "8080".parse()?; Ok::<_, std::num::ParseIntError>(()) });
/// assert_eq!(config.load(), Ok(Web { port: 8080, workers: 8 }));
/// let config = config.layer("flags", |web| { web.port = "http".parse()?; Ok::<_, std::num::ParseIntError>(()) });
/// assert_eq!(config.load().unwrap_err().to_string(), "layer \"flags\": invalid digit found in string");
/// ```
#[derive(Clone)]
pub struct Config<C> {
    defaults: C,
    layers: Vec<(Arc<str>, Layer<C>)>,
}

/// Which layer of a configuration failed, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// The layer.
    pub layer: Arc<str>,
    /// Its error, as text.
    pub why: String,
}

impl<C: Clone> Config<C> {
    /// A configuration that is these values.
    pub fn new(defaults: C) -> Config<C> {
        Config { defaults, layers: Vec::new() }
    }

    /// Adds a layer: a function that changes what it has to say something about. The name is for its errors. It is
    /// called on each load, on the thread that starts the application, so it is to be short.
    pub fn layer<E: fmt::Display>(
        mut self,
        name: impl Into<Arc<str>>,
        layer: impl Fn(&mut C) -> Result<(), E> + Send + Sync + 'static,
    ) -> Config<C> {
        let layer: Layer<C> = Arc::new(move |config| layer(config).map_err(|error| error.to_string()));
        self.layers.push((name.into(), layer));
        self
    }

    /// Makes the value: the defaults, and each layer over it.
    ///
    /// # Errors
    /// A layer failed.
    pub fn load(&self) -> Result<C, ConfigError> {
        let mut config = self.defaults.clone();
        for (name, layer) in &self.layers {
            layer(&mut config).map_err(|why| ConfigError { layer: name.clone(), why })?;
        }
        Ok(config)
    }
}

impl<C: fmt::Debug> fmt::Debug for Config<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<&str> = self.layers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Config").field("defaults", &self.defaults).field("layers", &layers).finish()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {:?}: {}", self.layer, self.why)
    }
}

impl Error for ConfigError {}
