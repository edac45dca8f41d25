//! Inputs: files, folders, standard input and files that grow, cut into pieces of lines for the workers of an ingestion.
//!
//! [`files`] finds the inputs that a path or a pattern means; [`pieces`] reads any of them as [`piece::Piece`]s: text
//! ([`read`], [`live`]), JSON arrays ([`array`]), tables ([`flat`], [`records`]). [`batches`] cuts inputs that do not end.

pub mod array;
pub mod batches;
pub mod files;
pub mod flat;
pub mod live;
pub mod piece;
pub mod pieces;
pub mod read;
pub mod records;
