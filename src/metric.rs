//! Metrics: what counts, on which date, for whom (5).
//!
//! A metric is a file of SQL whose rows are contributions, under a header with the meaning of the number
//! ([`header`]). A [`question::Question`] cuts it by [`dimension`]s, over a [`range`], into buckets, and aggregates
//! exactly ([`aggregation`]); [`cases`] has every metric of each case alone. No metric aggregates by itself, so every number leads to the cases behind it.

pub mod aggregation;
pub mod answer;
pub mod ask;
pub mod cases;
pub mod catalogue;
pub mod compare;
mod contributions;
pub mod dimension;
pub mod filter;
pub mod foremost;
pub mod functions;
mod gather;
pub mod header;
pub mod header_lines;
pub mod interval;
pub mod lists;
mod lookup;
pub mod needs;
pub mod numbers;
pub mod object;
mod opening;
mod percentile;
pub mod quantity;
pub mod question;
pub mod range;
pub mod ratio;
mod sets;
pub mod shared;
mod source;
mod stock;
mod tally;
pub mod unit;
pub mod values;
