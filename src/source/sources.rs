//! Opens videos wherever they lie.

use std::sync::Arc;

use super::remote::{Patience, RemoteVideo, WebFile};
use super::{Video, VideoError};
use crate::model::Location;
use crate::signals::Shutdown;
use crate::timing::Timing;

/// Opens videos wherever they lie. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Sources(Arc<Patience>);

impl Sources {
    /// With these waiting times, none of which goes on once somebody asks to stop.
    pub(crate) fn new(timing: Timing, shutdown: Shutdown) -> Self {
        Self(Arc::new(Patience { timing, shutdown }))
    }

    /// Opens a video. An error if a disk gives nothing for as long as a stall may take; a server is asked several
    /// times.
    pub(crate) async fn open(&self, location: &Location) -> Result<Video, VideoError> {
        let patience = self.0.as_ref();
        match location {
            Location::Path(path) => Video::open_within(path, patience.timing.stall).await,
            Location::Web(address) => {
                let (place, recorded) = (location.shown(), location.recorded());
                let file = WebFile::new(address, &patience.timing);
                let file = file.map_err(|why| why.of(&address.shown()))?;
                let patience = patience.clone();
                let opened = RemoteVideo::open(Arc::new(file), place, &recorded, patience).await;
                Ok(Video::new(opened?))
            }
            Location::Object(object) => {
                let why = super::RemoteTrouble::Setup("not built".to_owned());
                Err(why.of(&object.to_string()).into())
            }
        }
    }
}
