//! A long run of one target, in a process of its own: whatever ends that process (a stack or a memory that is full), and an
//! input that never ends, is kept like any other failure, and the run goes on.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::{Input, SECONDS_MAX};

/// Seconds of a long run, for each target.
const SECONDS: &str = "CASEBOOK_FUZZ_SECONDS";
/// The number that inputs follow from; in an ordinary run it is 1.
const SEED: &str = "CASEBOOK_FUZZ_SEED";
/// Names to a process the file in which it notes its inputs.
const JOURNAL: &str = "CASEBOOK_FUZZ_JOURNAL";

/// Memory that no small input may take; what a run itself needs included.
const MEMORY_BYTES_MAX: u64 = 2 << 30;

/// How long to go on, if at length.
pub fn seconds() -> Option<Duration> {
    std::env::var(SECONDS).ok().map(|text| Duration::from_secs(text.parse().unwrap()))
}

/// What inputs follow from: stated, or of the moment.
pub fn seed() -> u64 {
    let moment = || u64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos());
    std::env::var(SEED).map_or_else(|_| moment(), |text| text.parse().unwrap())
}

/// Where the last panic was.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Where the last panic was, once.
pub fn place_of_panic() -> Option<String> {
    PLACE.lock().unwrap().take()
}

/// The current input, in a file that outlives the process.
pub struct Journal(File);

impl Journal {
    /// The journal of this process, if it is one that is looked after.
    pub fn of_child() -> Option<Journal> {
        let path = std::env::var_os(JOURNAL)?;
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let known = panic.location().map(ToString::to_string);
            if PLACE.lock().unwrap().replace(known.clone().unwrap_or_default()) != known {
                usual(panic);
            }
        }));
        Some(Journal(File::create(path).unwrap()))
    }

    pub fn note(&mut self, input: &Input) {
        let text = [input.ending.as_bytes(), b"\n", &input.bytes].concat();
        self.0.rewind().unwrap();
        self.0.write_all(&text).unwrap();
        self.0.set_len(text.len() as u64).unwrap();
    }

    fn read(path: &Path) -> Option<Input> {
        let mut text = Vec::new();
        File::open(path).ok()?.read_to_end(&mut text).ok()?;
        let end = text.iter().position(|byte| *byte == b'\n')?;
        Some(Input { ending: String::from_utf8_lossy(&text[..end]).into_owned(), bytes: text[end + 1..].to_vec() })
    }
}

/// Runs a target in processes of its own until the time is over.
pub fn look_after(target: &'static str, test: &str, time: Duration) {
    let journal = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{target}"));
    let (begun, mut seed, mut failures) = (Instant::now(), seed(), Vec::new());
    loop {
        let left = time.saturating_sub(begun.elapsed()).as_secs().max(1);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--nocapture"]).env(SECONDS, left.to_string()).env(SEED, seed.to_string());
        let Some(why) = end_of(command.env(JOURNAL, &journal).spawn().unwrap(), &journal) else { break };
        let kept = Journal::read(&journal).map(|input| input.keep(target));
        failures.push(format!("{why}, seed {seed}, kept as {kept:?}"));
        eprintln!("{target}: {}", failures.last().unwrap());
        if left == 1 {
            break;
        }
        seed = seed.wrapping_add(1);
    }
    assert!(failures.is_empty(), "{target}:\n{}", failures.join("\n"));
}

/// Waits for the end; returns what was wrong, unless the process reported it itself.
fn end_of(mut child: Child, journal: &Path) -> Option<String> {
    let (mut noted, mut since) = (None, (Instant::now(), Duration::ZERO));
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            // 101 is the exit code of a failed test, which has reported and kept what it found.
            assert!(status.code() != Some(101), "inputs were found that fail, see above");
            return (!status.success()).then(|| format!("the process ended with {status}"));
        }
        let (input, used) = (std::fs::metadata(journal).and_then(|found| found.modified()).ok(), used(child.id()));
        if noted != input {
            (noted, since) = (input, (Instant::now(), used));
        }
        // By the time it has worked: the machine may be busy with something else.
        let hangs = used.saturating_sub(since.1) > 2 * SECONDS_MAX || since.0.elapsed() > 40 * SECONDS_MAX;
        let swells = memory_bytes(child.id()) > MEMORY_BYTES_MAX;
        if hangs || swells {
            child.kill().unwrap();
            child.wait().unwrap();
            return Some(if hangs { "an input does not end" } else { "an input takes more than 2 GiB" }.to_owned());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The time that a process has worked; nothing where the system does not tell.
pub fn used(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let numbers = text.rsplit(')').next().unwrap_or_default().split(' ');
    // `utime` and `stime`, in hundredths of a second.
    Duration::from_millis(numbers.skip(12).take(2).map(|number| number.parse::<u64>().unwrap_or(0) * 10).sum())
}

/// The memory that a process holds; nothing where the system does not tell.
fn memory_bytes(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
