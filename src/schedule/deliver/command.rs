//! Delivery by a program: it gets the JSON of a run on its standard input, and a folder with the files.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::body;
use super::contents;
use super::receipt::{Failure, Receipt, line, root_cause};
use crate::schedule::parcel::Parcel;
use crate::schedule::target::command::CommandTarget;
use crate::schedule::template::Values;
use crate::spelling::shortened;
use crate::store::scratch::{self, ScratchFolder};

/// The exit code of a program that may succeed later: `EX_TEMPFAIL` of `sysexits.h`.
const LATER_CODE: i32 = 75;

/// Bytes that are kept of the end of what a program writes to its standard error.
const ERROR_BYTES_MAX: usize = 8 << 10;

/// How long a program's children may keep its standard error open after it has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs the program.
///
/// # Errors
/// When it cannot be started, or ends with another code than 0.
pub async fn deliver(target: &CommandTarget, parcel: &Parcel, project: &Path) -> Result<Receipt, Failure> {
    let json = serde_json::to_vec(&body::named(parcel));
    let json = json.map_err(|error| Failure::for_good(format!("the input of the program cannot be made: {error}")))?;
    let folder = copied(parcel).await?;
    let values = Values::of(parcel).with_folder(&folder.path().display().to_string());
    let arguments: Vec<String> = target.run.iter().map(|argument| argument.fill(&values, str::to_owned)).collect();
    let (program, arguments) = arguments.split_first().ok_or_else(|| Failure::for_good("`run` names no program"))?;
    let mut child = command(program, arguments, parcel, folder.path(), project).spawn().map_err(|error| {
        Failure::for_now(format!("`{program}` cannot be started: {}; check `run`", root_cause(&error)))
    })?;
    let group = child.id();
    let ran = timeout(target.timeout, run(&mut child, json)).await;
    let Ok(ran) = ran else {
        end(&mut child, group).await;
        let seconds = target.timeout.as_secs();
        return Err(Failure::unknown(format!(
            "`{program}` ran for more than {seconds} s and was ended; see what it did, or raise `timeout`"
        )));
    };
    let (status, error) = ran.map_err(|error| Failure::unknown(format!("`{program}`: {}", root_cause(&error))))?;
    judged(program, status, &error)
}

/// Copies of the files, which the program may change.
async fn copied(parcel: &Parcel) -> Result<ScratchFolder, Failure> {
    let contents = contents::read_all(contents::files(parcel)).await?;
    let copied = spawn_blocking(move || {
        let folder = ScratchFolder::in_system_folder().map_err(|error| Failure::of(&error))?;
        for content in contents {
            let path = folder.file(&content.output.name);
            let copied =
                scratch::create_file(&path).and_then(|mut file| std::io::Write::write_all(&mut file, &content.bytes));
            copied.map_err(|error| {
                Failure::for_now(format!("`{}` cannot be written: {}", path.display(), root_cause(&error)))
            })?;
        }
        Ok(folder)
    });
    copied.await.unwrap_or_else(|error| Err(Failure::for_now(format!("copying the files stopped: {error}"))))
}

fn command(program: &str, arguments: &[String], parcel: &Parcel, folder: &Path, project: &Path) -> Command {
    // A path is relative to the project; a name is looked up where the system has programs.
    let path = if program.contains('/') { project.join(program) } else { program.into() };
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(project)
        .env("CASEBOOK_SCHEDULE", &parcel.run.schedule)
        .env("CASEBOOK_SCHEDULED_AT", parcel.run.scheduled_at.to_string())
        .env("CASEBOOK_KEY", &parcel.key)
        .env("CASEBOOK_FOLDER", folder)
        .env("CASEBOOK_REPEAT", if parcel.is_repeat { "1" } else { "0" })
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own, so that its children can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Writes the input, waits for the end, and gives the end of what was written to standard error.
async fn run(child: &mut Child, json: Vec<u8>) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let (input, error) = (child.stdin.take(), child.stderr.take());
    // A program need not read its input.
    let writing = tokio::spawn(write(input, json));
    let mut tail = Vec::new();
    let status = {
        let reading = read_tail(error, &mut tail);
        tokio::pin!(reading);
        tokio::select! {
            status = child.wait() => {
                let status = status?;
                let _ = timeout(CLOSE_TIMEOUT, reading).await;
                status
            }
            () = &mut reading => child.wait().await?,
        }
    };
    writing.abort();
    Ok((status, tail))
}

async fn write(input: Option<ChildStdin>, json: Vec<u8>) {
    if let Some(mut input) = input {
        let _ = input.write_all(&json).await;
    }
}

async fn read_tail(error: Option<ChildStderr>, tail: &mut Vec<u8>) {
    let Some(mut error) = error else { return };
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = error.read(&mut buffer).await {
        tail.extend_from_slice(buffer.get(..read).unwrap_or_default());
        tail.drain(..tail.len().saturating_sub(ERROR_BYTES_MAX));
    }
}

/// Ends a program and the children that it has started.
async fn end(child: &mut Child, group: Option<u32>) {
    // Only the shell that every Unix has can end a group without unsafe code.
    #[cfg(unix)]
    if let Some(group) = group {
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", &format!("kill -9 -{group}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Ok(mut kill) = kill.spawn() {
            let _ = timeout(CLOSE_TIMEOUT, kill.wait()).await;
        }
    }
    let _ = timeout(CLOSE_TIMEOUT, child.kill()).await;
}

fn judged(program: &str, status: ExitStatus, error: &[u8]) -> Result<Receipt, Failure> {
    let text = String::from_utf8_lossy(error);
    let last = text
        .lines()
        .map(line)
        .rfind(|line| !line.is_empty())
        .map_or_else(String::new, |line| format!(": {}", shortened(&line, 300)));
    match status.code() {
        Some(0) => Ok(Receipt { text: format!("`{program}` ended with 0"), was_there: false }),
        Some(LATER_CODE) => {
            Err(Failure::for_now(format!("`{program}` ended with {LATER_CODE}, to be run again later{last}")))
        }
        Some(code) => Err(Failure::for_good(format!("`{program}` ended with {code}{last}"))),
        None => Err(Failure::unknown(format!("`{program}` was ended by a signal{last}; see what it did"))),
    }
}
