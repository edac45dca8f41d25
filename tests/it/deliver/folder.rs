use std::sync::{Arc, Mutex};

use casebook::store::disk;

use super::{Project, class};
use crate::disk::Mounted;

const TARGET: &str = "kind = \"folder\"\npath = \"out/{schedule}/{date}/{file}\"";

#[tokio::test]
async fn files_appear_whole_and_are_left_where_they_are() {
    let project = Project::new();
    let folder = project.path().join("out/weekly/2026-11-23");
    // The name of a file is the last thing that appears.
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (file, bytes) = (folder.join("overview.pdf"), Arc::clone(&seen));
    disk::watch(
        project.path(),
        Arc::new(move |_| bytes.lock().unwrap().extend(file.metadata().map(|found| found.len()))),
    );
    let receipt = project.deliver(TARGET).await.unwrap();
    assert_eq!((receipt.text, receipt.was_there), (format!("wrote 2 files in `{}`", folder.display()), false));
    let whole = project.bytes("overview.pdf").len() as u64;
    assert!(!seen.lock().unwrap().is_empty() && seen.lock().unwrap().iter().all(|bytes| *bytes == whole));
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["overview.pdf", "řeky.csv"]);
    for name in ["overview.pdf", "řeky.csv"] {
        assert_eq!(std::fs::read(folder.join(name)).unwrap(), project.bytes(name));
    }
    let again = project.deliver(TARGET).await.unwrap();
    assert_eq!((again.text, again.was_there), (format!("all 2 files were there in `{}`", folder.display()), true));
    // As long as before, and not the same.
    std::fs::write(folder.join("overview.pdf"), "x".repeat(project.bytes("overview.pdf").len())).unwrap();
    let repaired = project.deliver(TARGET).await.unwrap();
    assert!(repaired.text.starts_with("wrote 1 of 2 files") && !repaired.was_there, "{repaired:?}");
    assert_eq!(std::fs::read(folder.join("overview.pdf")).unwrap(), project.bytes("overview.pdf"));
}

#[tokio::test]
async fn a_folder_that_refuses_is_tried_again() {
    let project = Project::new();
    std::fs::write(project.path().join("out"), "a file").unwrap();
    let attempt = project.deliver(TARGET).await;
    assert_eq!(class(&attempt), "later");
    let reason = attempt.unwrap_err().reason;
    assert!(reason.contains("overview.pdf` cannot be written: ") && reason.ends_with("; check `path`"), "{reason}");
}

#[tokio::test]
async fn a_full_disk_has_no_part_of_a_file_and_is_tried_again() {
    let project = Project::new();
    let folder = project.path().join("out");
    let Some(disk) = Mounted::small(folder.clone(), "4k") else {
        eprintln!("skipped: no disk of its own can be mounted here");
        return;
    };
    let target = "kind = \"folder\"\npath = \"out/{file}\"";
    let attempt = project.deliver(target).await;
    assert_eq!(class(&attempt), "later");
    let reason = attempt.unwrap_err().reason;
    assert!(reason.ends_with("řeky.csv` cannot be written: no space left on device; free some space"), "{reason}");
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["overview.pdf"]);
    disk.remount("size=1m");
    assert!(project.deliver(target).await.unwrap().text.starts_with("wrote 1 of 2 files"));
}

#[tokio::test]
async fn a_kept_file_that_was_changed_is_not_delivered() {
    let project = Project::new();
    std::fs::write(project.path().join("kept/overview.pdf"), "changed").unwrap();
    let attempt = project.deliver(TARGET).await;
    assert_eq!(class(&attempt), "final");
    assert!(attempt.unwrap_err().reason.contains("is not as it was rendered"));
    assert!(!project.path().join("out").exists());
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_refused() {
    let mut project = Project::new();
    for name in ["../escaped.pdf", "..", "a/b.pdf"] {
        project.parcel.outputs[3].name = name.to_owned();
        let attempt = project.deliver(TARGET).await;
        assert_eq!(class(&attempt), "final", "{name}: {attempt:?}");
    }
    assert!(!project.path().join("out/weekly/escaped.pdf").exists());
}
