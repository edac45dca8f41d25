//! When customers write: the instants at which cases are created.

use super::profile::{PROFILES, Profile};
use super::random::Random;
use super::rhythm::{DAY, HOUR, Period, weekday};

/// Cases are spread over the period in runs of this many; within a run the instants are free.
const RUN: u64 = 16;

/// How much customers write in each hour of their local day.
const HOURS: [u64; 24] = [7, 4, 2, 1, 1, 2, 5, 12, 25, 40, 48, 50, 46, 42, 44, 46, 45, 42, 40, 38, 36, 29, 20, 12];

/// How much they write on each day of their week, Monday first, in thousandths: private customers, and businesses.
const WEEK_PRIVATE: [u64; 7] = [1_150, 1_070, 1_030, 1_000, 970, 640, 620];
const WEEK_BUSINESS: [u64; 7] = [1_250, 1_150, 1_100, 1_050, 900, 220, 180];

/// How much the customers of a profile write in the hour that starts at an instant.
pub(super) fn customer_rate(profile: &Profile, at: i64) -> u64 {
    let local = at + profile.zone.offset(at.div_euclid(DAY));
    let week = if profile.business { &WEEK_BUSINESS } else { &WEEK_PRIVATE };
    let of_hour = pick(&HOURS, local.rem_euclid(DAY) / HOUR);
    profile.share * of_hour * pick(week, weekday(local.div_euclid(DAY)))
}

fn pick(table: &[u64], at: i64) -> u64 {
    usize::try_from(at).ok().and_then(|at| table.get(at)).copied().unwrap_or(0)
}

/// The instants at which cases are created, in order, exactly as many as asked for.
///
/// The period is divided into hours of different weight; cases are spread evenly over the weight, not over the time. Memory
/// holds only the hours, never the cases.
pub(super) struct Arrivals {
    begin: i64,
    /// The weight of all hours up to and including each.
    sums: Vec<u64>,
    cases: u64,
    /// How many cases the runs so far have placed.
    placed: u64,
    /// Positions on the sum of the weights, the next one last.
    run: Vec<u64>,
    random: Random,
}

impl Arrivals {
    pub(super) fn new(period: &Period, cases: u64, seed: u64) -> Self {
        let mut random = Random::seeded(seed, 1);
        let sums = sums_of_weights(period, &mut random);
        Self { begin: period.begin, sums, cases, placed: 0, run: Vec::new(), random }
    }

    /// Draws the positions of the next run, each within the run's part of the sum.
    fn draw_run(&mut self) {
        let total = self.sums.last().copied().unwrap_or(0);
        let end = (self.placed + RUN).min(self.cases);
        let (low, high) = (part(total, self.placed, self.cases), part(total, end, self.cases));
        for _ in self.placed..end {
            let position = low + self.random.below(high - low);
            self.run.push(position);
        }
        self.run.sort_unstable_by(|a, b| b.cmp(a));
        self.placed = end;
    }

    fn instant(&self, position: u64) -> i64 {
        let hour = self.sums.partition_point(|&sum| sum <= position);
        let before = hour.checked_sub(1).and_then(|hour| self.sums.get(hour)).copied().unwrap_or(0);
        let width = self.sums.get(hour).map_or(1, |sum| sum - before).max(1);
        let within = part(HOUR.unsigned_abs(), position - before, width);
        self.begin + (hour as i64) * HOUR + i64::try_from(within).unwrap_or(0)
    }
}

impl Iterator for Arrivals {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        if self.run.is_empty() && self.placed < self.cases {
            self.draw_run();
        }
        let position = self.run.pop()?;
        Some(self.instant(position))
    }
}

/// `whole × n / of`, rounded down, without overflow between.
fn part(whole: u64, n: u64, of: u64) -> u64 {
    u64::try_from(u128::from(whole) * u128::from(n) / u128::from(of.max(1))).unwrap_or(whole)
}

/// The weights vary from day to day and from hour to hour; the day of the outage has three times its share.
fn sums_of_weights(period: &Period, random: &mut Random) -> Vec<u64> {
    let mut sums = Vec::new();
    let mut sum = 0;
    for day in 0..period.days() {
        let mood = 850 + random.below(300);
        for hour in 0..24 {
            let at = period.begin + day * DAY + hour * HOUR;
            let outage = if period.is_outage(at) { 3 } else { 1 };
            let usual: u64 = PROFILES.iter().map(|profile| customer_rate(profile, at)).sum();
            sum += usual / 1_000 * mood * outage * (700 + random.below(600)) / 1_000 + 1;
            sums.push(sum);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::rhythm::PERIOD_END;
    use super::*;

    #[test]
    fn the_number_of_arrivals_is_as_planned_and_they_are_in_order_and_in_the_period() {
        for (cases, days) in [(0, 91), (1, 1), (15, 3), (1_000, 91)] {
            let period = Period::of_days(days);
            let instants: Vec<i64> = Arrivals::new(&period, cases, 5).collect();
            assert_eq!(instants.len() as u64, cases);
            assert!(instants.is_sorted());
            assert!(instants.iter().all(|at| (period.begin..PERIOD_END).contains(at)));
        }
    }
}
