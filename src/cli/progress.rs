//! A bar on standard error while something takes its time, on a terminal, and not with
//! `--quiet`. It leaves nothing behind.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::Printer;
use crate::store::progress::{Progress, Step};

/// How often the bar moves by itself.
const TICK: Duration = Duration::from_millis(200);

const COUNTED: &str = "{spinner} {msg} [{bar:32}] {percent:>3} %  {elapsed}";
const UNCOUNTED: &str = "{spinner} {msg}  {elapsed}";

/// A bar that goes when this does.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar with the name of the work.
    #[must_use]
    pub fn of(printer: Printer, doing: &'static str) -> Bar {
        let target = if printer.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(UNCOUNTED));
        bar.set_message(doing);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Bar { bar }
    }

    /// What moves this bar as the work proceeds.
    #[must_use]
    pub fn progress(&self) -> Progress {
        if self.bar.is_hidden() {
            return Progress::default();
        }
        let bar = self.bar.clone();
        Progress::to(move |step| show(&bar, step))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn show(bar: &ProgressBar, Step { name, done, total }: Step) {
    let length = (total > 0).then_some(total);
    if bar.length() != length {
        match length {
            Some(length) => bar.set_length(length),
            None => bar.unset_length(),
        }
        bar.set_style(style(if length.is_some() { COUNTED } else { UNCOUNTED }));
    }
    bar.set_message(name);
    bar.set_position(done);
}

fn style(template: &str) -> ProgressStyle {
    // The templates are the two above, and right.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
