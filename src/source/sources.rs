//! Opens videos wherever they lie.

use std::sync::Arc;

#[cfg(feature = "cloud")]
use super::remote::StoredObject;
use super::remote::{Patience, Ranges, RemoteTrouble, RemoteVideo, WebFile};
use super::{Video, VideoError};
use crate::model::{Location, StoreEndpoints};
use crate::signals::Shutdown;
use crate::timing::Timing;

/// Opens videos wherever they lie. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    patience: Arc<Patience>,
    #[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "of stores"))]
    stores: Arc<StoreEndpoints>,
}

impl Sources {
    /// With these waiting times, none of which goes on once somebody asks to stop.
    pub(crate) fn new(timing: Timing, shutdown: Shutdown) -> Self {
        Self { patience: Arc::new(Patience { timing, shutdown }), stores: Arc::default() }
    }

    /// With stores that are elsewhere than is usual.
    pub(crate) fn with_stores(self, stores: Arc<StoreEndpoints>) -> Self {
        Self { stores, ..self }
    }

    /// Opens a video. An error if a disk gives nothing for as long as a stall may take; a server is asked several
    /// times.
    pub(crate) async fn open(&self, location: &Location) -> Result<Video, VideoError> {
        let patience = self.patience.as_ref();
        match location {
            Location::Path(path) => Video::open_within(path, patience.timing.stall).await,
            Location::Web(address) => {
                let file = WebFile::new(address, &patience.timing);
                self.remote(location, file.map(|file| Arc::new(file) as _)).await
            }
            #[cfg(feature = "cloud")]
            Location::Object(address) => {
                let object = StoredObject::new(address, &self.stores, &patience.timing);
                self.remote(location, object.map(|object| Arc::new(object) as _)).await
            }
            // The manifest was refused.
            #[cfg(not(feature = "cloud"))]
            Location::Object(_) => {
                let why = "this build of tiktok-up reads nothing from stores".to_owned();
                self.remote(location, Err(RemoteTrouble::Setup(why))).await
            }
        }
    }

    async fn remote(
        &self,
        location: &Location,
        ranges: Result<Arc<dyn Ranges>, RemoteTrouble>,
    ) -> Result<Video, VideoError> {
        let (place, recorded) = (location.shown(), location.recorded());
        let ranges = ranges.map_err(|why| why.of(&place.display().to_string()))?;
        let patience = Patience::clone(&self.patience);
        Ok(Video::new(RemoteVideo::open(ranges, place, &recorded, patience).await?))
    }
}
