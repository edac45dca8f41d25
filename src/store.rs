//! Everything durable: Parquet files, the commits of tables, locks, flushing, and the settings of the query engine.
//!
//! A [`Store`] is a folder whose files survive a power cut; the modules above this one name files relative to it and do not
//! use paths of their own. Small files (commits, checkpoints, the manifest of the facts) go through `object_store`
//! ([`objects`]), which writes durably here (`durable`, [`disk`]: content first, then the name, then the folder).
//! [`mod@table`] makes files part of a table with one commit ([`commits`]); [`lock`] keeps other writers out; [`vacuum`]
//! removes files that no version needs; [`engine`] makes sessions of the query engine, and [`question_memory`] limits the memory of one question; [`scratch`] has temporary files;
//! [`secret`] keeps the key of pseudonyms; [`cores`] divides work among threads.
//!
//! A store may be in a bucket ([`bucket`]): then the paths on the local disk are those of copies, which
//! [`Store::fetch`](objects::Store::fetch) downloads before they are read and [`Store::publish`](objects::Store::publish)
//! uploads before a commit names them, and work whose commit another machine has overtaken is done again ([`repeat`]).

pub mod address;
pub mod bucket;
pub mod commits;
pub mod contents;
pub mod cores;
pub mod data_file;
pub mod disk;
mod durable;
pub mod engine;
pub mod hash;
pub mod lock;
pub mod objects;
pub mod parquet;
pub mod progress;
pub mod project;
pub mod question_memory;
pub mod repeat;
pub mod run_log;
pub mod scratch;
pub mod secret;
pub mod table;
pub mod vacuum;

pub use objects::Store;
