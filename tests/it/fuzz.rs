//! Bytes that no program would write, for everything that reads a file: lines, tables of events, mappings, and the files of
//! a project. Every input has an answer: no panic, no overflow, no hang, no stack or memory without end.
//!
//! Seeds are the files of `tests/seeds/` and good files of the repository; inputs are seeds altered by lot
//! (`tests/it/fuzz/mutate.rs`). An ordinary run tries the seeds and a few alterations. `CASEBOOK_FUZZ_SECONDS=600` tries as
//! many as there is time for, each target in a process of its own, which `tests/it/fuzz/watch.rs` looks after. An input
//! whose answer is of a new kind becomes a seed for the rest of the run. One that fails is written to `tests/seeds/`, where
//! it stays as a test.

mod mutate;
mod targets;
mod watch;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutate::Mutator;
use targets::{Answers, Bench, Target};

/// An input that takes longer hangs.
const SECONDS_MAX: Duration = Duration::from_secs(5);

/// What is tried: bytes, and the ending of the file that contains them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Input {
    ending: String,
    bytes: Vec<u8>,
}

impl Input {
    fn of_file(path: &Path) -> Input {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ending = name.split_once('.').map_or_else(String::new, |(_, ending)| ending.to_owned());
        Input { ending, bytes: std::fs::read(path).unwrap() }
    }

    /// Keeps the input as a test, and returns its path.
    fn keep(&self, target: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let path = seeds_of(target).join(format!("{:016x}.{}", hasher.finish(), self.ending));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &self.bytes).unwrap();
        path
    }
}

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn seeds_of(target: &str) -> PathBuf {
    of_repository("tests/seeds").join(target)
}

/// The files that are kept for a target, by name.
fn kept(target: &str) -> Vec<Input> {
    let entries = std::fs::read_dir(seeds_of(target)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| Input::of_file(path)).collect()
}

#[test]
fn lines_and_arrays_of_any_bytes_have_an_answer() {
    run(&targets::LINES, "fuzz::lines_and_arrays_of_any_bytes_have_an_answer");
}

#[test]
fn tables_of_any_bytes_have_an_answer() {
    run(&targets::TABLES, "fuzz::tables_of_any_bytes_have_an_answer");
}

#[test]
fn mappings_of_any_bytes_have_an_answer() {
    run(&targets::MAPPINGS, "fuzz::mappings_of_any_bytes_have_an_answer");
}

#[test]
fn files_of_a_project_of_any_bytes_have_an_answer() {
    run(&targets::FILES, "fuzz::files_of_a_project_of_any_bytes_have_an_answer");
}

fn run(target: &'static Target, test: &str) {
    match (watch::seconds(), watch::Journal::of_child()) {
        (Some(time), None) => watch::look_after(target.name, test, time),
        (Some(time), Some(journal)) => at_length(target, time, journal),
        (None, _) => briefly(target),
    }
}

/// The seeds, and as many alterations as an ordinary run has time for, always the same.
fn briefly(target: &Target) {
    let mut bench = Bench::new();
    for input in kept(target.name).iter().chain(&(target.samples)()) {
        let begun = Instant::now();
        (target.read)(&mut bench, input, &mut Answers::default());
        // Twice the time of a fuzzer's process, for an ordinary run shares its cores with other tests.
        let lasted = begun.elapsed();
        assert!(lasted < 2 * SECONDS_MAX, "{} took {lasted:?}", shown(input));
    }
    let mut fuzzer = Fuzzer::new(target, 1);
    for _ in 0..target.alterations {
        let input = fuzzer.next();
        if let Err(message) = fuzzer.attempt(&mut bench, &input) {
            panic!("{message}\nkept as {}", input.keep(target.name).display());
        }
    }
}

/// Alterations until the time is over; reports all failures at the end.
fn at_length(target: &Target, time: Duration, mut journal: watch::Journal) {
    let (begun, seed) = (Instant::now(), watch::seed());
    let (mut bench, mut fuzzer) = (Bench::new(), Fuzzer::new(target, seed));
    let mut failures: Vec<String> = Vec::new();
    let mut places = HashSet::new();
    for input in fuzzer.seeds.clone() {
        journal.note(&input);
        let _ = fuzzer.attempt(&mut bench, &input);
    }
    while begun.elapsed() < time {
        let input = fuzzer.next();
        journal.note(&input);
        // What was caught on the way is no failure.
        drop(watch::place_of_panic());
        let before = watch::used(std::process::id());
        let mut outcome = fuzzer.attempt(&mut bench, &input);
        let used = watch::used(std::process::id()).saturating_sub(before);
        if used > SECONDS_MAX {
            outcome = Err(format!("took {used:?} of work"));
        }
        let Err(message) = outcome else { continue };
        // One input for each way to fail is enough.
        if places.insert(watch::place_of_panic().unwrap_or_else(|| targets::kind_of(&message))) {
            let small = if used > SECONDS_MAX { input } else { fuzzer.shrink(&mut bench, input, &mut journal) };
            failures.push(format!("{message}\nkept as {}", small.keep(target.name).display()));
            eprintln!("{}: {}", target.name, failures.last().unwrap());
        }
    }
    let (tried, kinds) = (fuzzer.tried, fuzzer.known.len());
    eprintln!("{}: {tried} inputs in {:?}, seed {seed}, {kinds} kinds of answer", target.name, begun.elapsed());
    assert!(failures.is_empty(), "seed {seed}:\n{}", failures.join("\n"));
}

/// Inputs by lot, and what is known of their answers.
struct Fuzzer<'t> {
    target: &'t Target,
    mutator: Mutator,
    seeds: Vec<Input>,
    known: HashSet<u64>,
    tried: u64,
}

impl<'t> Fuzzer<'t> {
    fn new(target: &'t Target, seed: u64) -> Fuzzer<'t> {
        let seeds = [kept(target.name), (target.samples)()].concat();
        Fuzzer { target, mutator: Mutator::new(seed), seeds, known: HashSet::new(), tried: 0 }
    }

    fn next(&mut self) -> Input {
        self.mutator.alter(&self.seeds)
    }

    /// Reads an input; one whose answer is of a new kind is altered further.
    fn attempt(&mut self, bench: &mut Bench, input: &Input) -> Result<(), String> {
        self.tried += 1;
        let answers = read(self.target, bench, input)?;
        let before = self.known.len();
        self.known.extend(answers.kinds);
        if self.known.len() > before && self.seeds.len() < 4_000 && input.bytes.len() < 64 << 10 {
            self.seeds.push(input.clone());
        }
        Ok(())
    }

    /// The same failure with fewer bytes.
    fn shrink(&mut self, bench: &mut Bench, input: Input, journal: &mut watch::Journal) -> Input {
        let (begun, mut small) = (Instant::now(), input);
        let mut length = small.bytes.len() / 2;
        while length > 0 && begun.elapsed() < Duration::from_secs(20) {
            let mut from = 0;
            while from < small.bytes.len() && begun.elapsed() < Duration::from_secs(20) {
                let mut less = small.clone();
                less.bytes.drain(from..(from + length).min(small.bytes.len()));
                journal.note(&less);
                if read(self.target, bench, &less).is_err() { small = less } else { from += length }
            }
            length /= 2;
        }
        small
    }
}

fn read(target: &Target, bench: &mut Bench, input: &Input) -> Result<Answers, String> {
    let mut answers = Answers::default();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(bench, input, &mut answers)));
    outcome.map(|()| answers).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
    })
}

fn shown(input: &Input) -> String {
    let head = &input.bytes[..input.bytes.len().min(200)];
    format!("{} bytes of `.{}`: {}", input.bytes.len(), input.ending, String::from_utf8_lossy(head))
}
