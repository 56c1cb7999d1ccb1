//! What the fuzz targets run; each also runs as a property test on stable.

mod lockstep;

pub use lockstep::lockstep;
