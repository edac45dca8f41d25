//! Several writers that are killed at any moment, while others merge, remove files and read: every acknowledged event is in
//! the log, none twice, and no batch in part.
//!
//! `CASEBOOK_TORTURE_KILLS` makes it longer, `CASEBOOK_TORTURE_SEED` repeats the random numbers of a run (not its timing).

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::project::Project;

/// Events of a file. A file is a batch, so it is in the log whole or not at all.
const FILE_EVENTS: u64 = 40;

/// Random numbers; each writer has its own.
struct RandomNumbers(u64);

impl RandomNumbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What has happened in the store.
struct Torture {
    project: Project,
    kills: AtomicU64,
    kills_wanted: u64,
    /// Files whose summary was printed.
    acknowledged: Mutex<Vec<String>>,
    /// Files that were begun, acknowledged or not.
    begun: Mutex<Vec<String>>,
    readings: AtomicU64,
    ended: AtomicBool,
}

#[test]
fn writers_that_are_killed_lose_nothing_that_was_acknowledged() {
    let seed = from_environment("CASEBOOK_TORTURE_SEED")
        .unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
    eprintln!("CASEBOOK_TORTURE_SEED={seed}");
    let torture = Torture {
        project: Project::new(),
        kills: AtomicU64::new(0),
        kills_wanted: from_environment("CASEBOOK_TORTURE_KILLS").unwrap_or(150),
        acknowledged: Mutex::default(),
        begun: Mutex::default(),
        readings: AtomicU64::new(0),
        ended: AtomicBool::new(false),
    };
    torture.project.ingest(&[torture.project.write("none.ndjson", "")], 0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2).map(|writer| scope.spawn(move_writer(&torture, writer, seed))).collect();
        scope.spawn(|| torture.maintain(RandomNumbers(seed ^ 77)));
        scope.spawn(|| torture.read());
        let failed = writers.into_iter().filter_map(|writer| writer.join().err()).count();
        torture.ended.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0, "writers failed; CASEBOOK_TORTURE_SEED={seed}");
    });
    torture.judge();
}

fn move_writer(torture: &Torture, writer: u64, seed: u64) -> impl FnOnce() + '_ {
    move || torture.write(writer, RandomNumbers(seed.wrapping_mul(writer + 1)))
}

impl Torture {
    /// Ingests file after file. Most ingestions are killed, and some of these are tried again.
    fn write(&self, writer: u64, mut random: RandomNumbers) {
        let mut number = 0;
        while self.kills.load(Ordering::Relaxed) < self.kills_wanted {
            let file = format!("{writer}-{number}");
            number += 1;
            self.project.write(&format!("{file}.ndjson"), lines(&file));
            self.begun.lock().unwrap().push(file.clone());
            for _ in 0..3 {
                if self.ingest(&file, &mut random) {
                    self.acknowledged.lock().unwrap().push(file);
                    break;
                }
                if random.below(2) == 0 {
                    break;
                }
            }
        }
    }

    /// Whether the summary was printed, though the program may have been killed just after.
    fn ingest(&self, file: &str, random: &mut RandomNumbers) -> bool {
        let child = self.start(&["ingest", &format!("{file}.ndjson"), "--summary", "json"]);
        let (printed, killed) = self.end(child, random);
        match serde_json::from_str::<Value>(printed.trim()) {
            Ok(summary) => {
                let added = summary["added"].as_u64().unwrap();
                assert!(added == FILE_EVENTS || added == 0, "half a file was there: {summary}");
                assert_eq!(added + summary["duplicates"].as_u64().unwrap(), FILE_EVENTS, "{summary}");
                true
            }
            Err(_) => {
                assert!(killed, "an ingestion that was not killed failed: {printed}");
                false
            }
        }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.project.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
    }

    /// Kills a run at a random moment, or lets it end. Returns what it printed, and whether it was killed.
    fn end(&self, mut child: Child, random: &mut RandomNumbers) -> (String, bool) {
        let killed = random.below(8) > 0;
        if killed {
            std::thread::sleep(Duration::from_millis(random.below(400)));
            child.kill().unwrap();
        }
        let mut printed = String::new();
        child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        let status = child.wait().unwrap();
        // A run that had ended before the kill was not killed.
        let killed = killed && status.code().is_none();
        self.kills.fetch_add(u64::from(killed), Ordering::Relaxed);
        assert!(killed || status.success(), "{status}");
        (printed, killed)
    }

    /// Merges, removes files and replays meanwhile; it is killed like the writers.
    fn maintain(&self, mut random: RandomNumbers) {
        let commands: [&[&str]; 4] =
            [&["compact"], &["vacuum"], &["replay", "--full"], &["compact", "--full", "--summary", "json"]];
        while !self.ended.load(Ordering::Relaxed) {
            let arguments = commands[random.below(4) as usize];
            let child = self.start(&[arguments, &["--quiet"]].concat());
            self.end(child, &mut random);
        }
    }

    /// Readers see whole batches, and at least the batches that were acknowledged before they began.
    fn read(&self) {
        while !self.ended.load(Ordering::Relaxed) {
            let acknowledged = self.acknowledged.lock().unwrap().len() as u64 * FILE_EVENTS;
            let sql = "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events";
            let ran = self.project.run(&["sql", "--format", "ndjson", sql]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            let row: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
            let n = row["n"].as_u64().unwrap();
            assert_eq!(row["ids"], n, "events twice");
            assert!(n >= acknowledged && n.is_multiple_of(FILE_EVENTS), "{n} events, {acknowledged} acknowledged");
            self.readings.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn judge(&self) {
        let (acknowledged, begun) = (self.acknowledged.lock().unwrap(), self.begun.lock().unwrap());
        let (kills, readings) = (self.kills.load(Ordering::Relaxed), self.readings.load(Ordering::Relaxed));
        eprintln!("{kills} kills, {} of {} files acknowledged, {readings} readings", acknowledged.len(), begun.len());
        assert!(kills >= self.kills_wanted && !acknowledged.is_empty() && acknowledged.len() < begun.len());
        assert!(readings > 0, "nothing was read");
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for row in self.project.rows("SELECT id, count(*) AS n FROM events GROUP BY id") {
            let (file, _) = row["id"].as_str().unwrap().rsplit_once('-').unwrap();
            let count = counts.entry(file.to_owned()).or_default();
            *count = (count.0 + 1, count.1 + row["n"].as_u64().unwrap());
        }
        for file in begun.iter() {
            let found = counts.get(file).copied().unwrap_or_default();
            let whole = (FILE_EVENTS, FILE_EVENTS);
            assert!(found == whole || found == (0, 0), "{file}: {found:?} of {FILE_EVENTS} events");
            assert!(found == whole || !acknowledged.contains(file), "{file} was acknowledged and is gone");
        }
        for arguments in
            [&["store", "check"][..], &["check"], &["vacuum", "--keep", "0s"], &["store", "check"], &["check"]]
        {
            let ran = self.project.run(arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        }
        let store = std::fs::read_dir(self.project.path("store")).unwrap();
        let left = store.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".tmp"));
        assert_eq!(left.count(), 0, "scratch folders of killed writers");
    }
}

/// Cases that are created, answered and resolved.
fn lines(file: &str) -> String {
    let event = |n: u64| {
        let (kind, data) = match n % 4 {
            0 => ("case.created", json!({"customer": file})),
            1 => ("message.received", json!({"message": format!("{file}-{n}"), "text": "where is it?"})),
            2 => ("message.sent", json!({"message": format!("{file}-{n}"), "by": "ana", "text": "on its way"})),
            _ => ("case.status_changed", json!({"status": "done", "by": "ana"})),
        };
        json!({
            "id": format!("{file}-{n}"), "source": "torture", "type": kind, "subject": format!("C{file}-{}", n / 4),
            "time": format!("2026-03-02T{:02}:{:02}:00Z", 8 + n / 10, n % 10), "data": data,
        })
        .to_string()
    };
    (0..FILE_EVENTS).map(event).collect::<Vec<_>>().join("\n")
}
