//! Everything durable: Parquet files, the commits of tables, locks, flushing, and the settings of the query engine.
//!
//! [`disk`] performs each durable operation, content first, then the name, then the folder. [`parquet`] writes and reads
//! data files; [`mod@table`] makes files part of a table with one commit ([`commits`], [`object`]); [`lock`] keeps other
//! writers out; [`vacuum`] removes files that no version of a table needs; [`engine`] makes sessions of the query engine.

pub mod commits;
pub mod disk;
pub mod engine;
pub mod lock;
mod object;
pub mod parquet;
pub mod progress;
pub mod table;
pub mod vacuum;
