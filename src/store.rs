//! Everything durable: Parquet files, the commits of tables, locks, flushing, and the settings of the query engine.
//!
//! A [`Store`] is a folder whose files survive a power cut; the modules above this one name files relative to it and do not
//! use paths of their own. Small files (commits, checkpoints, the manifest of the facts) go through `object_store`
//! ([`objects`]), which writes durably here (`durable`, [`disk`]: content first, then the name, then the folder).
//! [`mod@table`] makes files part of a table with one commit ([`commits`]); [`lock`] keeps other writers out; [`vacuum`]
//! removes files that no version needs; [`engine`] makes sessions of the query engine, and [`question_memory`] limits the memory of one question; [`scratch`] has temporary files;
//! [`secret`] keeps the key of pseudonyms; [`cores`] divides work among threads.
//!
//! # What a bucket needs
//!
//! [`Store::open`] is where a bucket's URL would lead to another [`ObjectStore`](datafusion::object_store::ObjectStore). All
//! uses of [`Store::local_path`] and [`Store::path`] assume a local disk, and are these:
//!
//! - [`parquet::FileWriter`] would write to a local temporary file, and upload it when it is finished;
//!   [`parquet::DataFile`] would read ranges of an object.
//! - [`table::scan`] would name objects, and [`engine`] would register their store with the session.
//! - [`lock::WriterLock`] would be an object that is created under a condition and renewed, because a bucket has no locks.
//! - [`Store::create_folder`], [`Store::flush`] and files that were begun ([`vacuum`]) have no meaning in a bucket.

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
pub mod run_log;
pub mod scratch;
pub mod secret;
pub mod table;
pub mod vacuum;

pub use objects::Store;
