//! Inputs: files, folders, standard input and files that grow, cut into pieces of lines for the workers of an ingestion.
//!
//! [`files`] finds the inputs of a path or a pattern; [`source`] opens one, and refuses a file that is not of its format
//! ([`mod@format`], [`signature`]). [`pieces`] reads any of them as [`piece::Piece`]s: JSON ([`text`], [`live`], [`elements`]) and
//! tables ([`flat`], [`records`]). [`batches`] cuts inputs that do not end.

pub mod batches;
pub mod elements;
pub mod files;
pub mod flat;
pub mod format;
pub mod live;
pub mod piece;
pub mod pieces;
pub mod records;
pub mod signature;
pub mod source;
pub mod text;
